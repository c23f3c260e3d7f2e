"""Free text into steps: what reasoning models write has no tags, only paragraphs behind their thoughts.

RL Tango's second recipe trains such a model and puts tags into its text before anything else happens, so that the text
that is trained on is not the one that was sampled (:mod:`table_rewards.rewards.tango.released_steps`). Here the text
stays as it is and each step has its place in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from table_rewards.core.completion import may_hold_thoughts, read_completion, without_end_tokens
from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.tango.format import MAX_LENGTH, Step, says_something, solution_steps

BLANK_LINE: Final = ("\n\n",)
"""The border between steps that RL Tango's scripts set: a blank line, and nothing else."""

_BLANK_LINES: Final = re.compile(r"\n(?:[ \t\r]*\n)+")
_ANSWER_TAG: Final = re.compile(r"</?answer>")


def split_steps(
    text: str, separators: Sequence[str] = BLANK_LINE, *, thoughts_opened: bool = False
) -> tuple[Step, ...]:
    r"""The steps of a solution: its ``<step>`` elements, or without any the paragraphs of its answer.

    The answer is what stands behind the last thoughts; thoughts that never close have none behind them, and then there
    are no steps. A paragraph without a letter or digit (a rule, a lone bracket) is none. Nothing is raised, whatever
    the text is, and the places are those of the text as it was sampled.

    Args:
        text: a completion, without its prompt.
        separators: where a paragraph ends. Blank lines, however many and whatever white space they hold; any other
            list of texts, such as ``("Wait", "However")``, cuts *before* each of them. RL Tango's name for it is
            ``verifier.split_step_token_lst``.
        thoughts_opened: the prompt ends with ``<think>``: a text that never closes it is all thought.

    Raises:
        ConfigurationError: ``separators`` is not a list of texts.

    >>> said = "2 and 2?</think>\n\nAdd them.\n\n\n2 + 2 = 4\n\n---\n\nSo \\boxed{4}<|im_end|>"
    >>> [(step.text, said[step.start : step.end]) for step in split_steps(said)][1:]
    [('2 + 2 = 4', '2 + 2 = 4'), ('So \\boxed{4}', 'So \\boxed{4}')]
    >>> split_steps("<think>never closed"), split_steps("a\n\nb", thoughts_opened=True)
    ((), ())
    >>> [step.text for step in split_steps("It is 5. Wait, 6. Wait, 7.", ["Wait"])]
    ['It is 5.', 'Wait, 6.', 'Wait, 7.']
    """
    borders = _borders(_checked(separators))
    tagged = [step for step in solution_steps(text) if step.text]
    if tagged:
        return tuple(step for step in tagged if says_something(step))
    reading = read_completion(text)
    if not reading.closed or not reading.spans or (thoughts_opened and never_closes(text)):
        return ()
    start, end = reading.spans[-1]
    if without_end_tokens(text)[end:].strip():  # thoughts are the last that was said
        return ()
    return tuple(step for step in _pieces(text, start, min(end, start + MAX_LENGTH), borders) if says_something(step))


def never_closes(text: str) -> bool:
    """Whether a completion lacks the end of the thoughts that its prompt opened.

    >>> never_closes("2 and 2 is \\boxed{5}, no"), never_closes("2 and 2</think>\\boxed{4}")
    (True, False)
    """
    return "</think>" not in text and not (may_hold_thoughts(text) and read_completion(text).thoughts)


def _checked(separators: Sequence[str]) -> tuple[str, ...]:
    if isinstance(separators, str) or not separators or not all(isinstance(s, str) and s for s in separators):
        raise ConfigurationError(
            f"separators must be a list of texts such as ['\\n\\n'] or ['Wait', 'However'], not {separators!r}"
        )
    return tuple(separators)


@lru_cache(maxsize=16)
def _borders(separators: tuple[str, ...]) -> re.Pattern[str]:
    """Matches what stands between two steps: blank lines, or nothing at all before one of the texts."""
    words = [re.escape(text) for text in separators if text.strip()]
    if not words:
        return _BLANK_LINES
    before = rf"(?={'|'.join(words)})"
    return re.compile(before if len(words) == len(separators) else rf"{_BLANK_LINES.pattern}|{before}")


def _pieces(text: str, start: int, end: int, borders: re.Pattern[str]) -> Iterator[Step]:
    at = start
    for border in borders.finditer(text, start, end):
        yield _step(text, at, border.start())
        at = border.end()
    yield _step(text, at, end)


def _step(text: str, start: int, end: int) -> Step:
    """A piece without the white space round it; tags of the answer are not part of its text."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return Step(_ANSWER_TAG.sub("", piece).strip(), start, start + len(piece.strip()))
