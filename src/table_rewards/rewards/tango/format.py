r"""The two formats of RL Tango, read tolerantly and marked.

Generator::

    <think>
    <step>...</step> ...
    </think>
    <answer>\boxed{...}</answer>

Verifier::

    <step_verification>
    <step>Step 1 Analysis: ... \boxed{CORRECT}</step> ...
    </step_verification>
    <final_verification>\boxed{INCORRECT}</final_verification>

Every reading is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from table_rewards.core.completion import (
    THOUGHT_TAGS,
    answer_of,
    read_completion,
    without_empty_thoughts,
    without_end_tokens,
)
from table_rewards.text.blocks import tagged, tagged_spans

MAX_LENGTH: Final = 200_000
FEW_STEPS: Final = 3

_VERDICT = re.compile(
    r"\\f?box(?:ed)?\s*\{[\s*`\"'“”]*(?:\\(?:text|math)[a-z]{0,6}\s*\{\s*)?(IN)?CORRECT[\s.*`\"'“”]*\}", re.IGNORECASE
)
_STEP_TAG = re.compile(r"</?step>")
_PART_TAG = re.compile(r"</?(?:step_verification|final_verification)>")
_BOXED_ANSWER = re.compile(r"\\boxed\{.*\}", re.DOTALL)

_NAMES = "|".join(map(re.escape, THOUGHT_TAGS))
_THOUGHTS = re.compile(rf"\s*<(?:{_NAMES})>", re.IGNORECASE)
_CLOSE = re.compile(rf"</(?:{_NAMES})>", re.IGNORECASE)
_SEAM = re.compile(r"</step_verification>\s*<final_verification>")


class Step(NamedTuple):
    """A step of a solution: its text, and where the whole element, tags included, stands in the completion."""

    text: str
    start: int
    end: int


class Verification(NamedTuple):
    """What a verifier said: one verdict a step (None where it gave none), the final one, and why that is missing."""

    steps: tuple[bool | None, ...]
    final: bool | None
    problem: str = ""


def solution_steps(completion: str) -> tuple[Step, ...]:
    """The steps of a solution, the innermost of nested ones.

    >>> [(s.text, s.start, s.end) for s in solution_steps("<step>2+2</step> <step>=4</step> <step>cut")]
    [('2+2', 0, 16), ('=4', 17, 32)]
    """
    spans = tagged_spans(completion[:MAX_LENGTH], "step")
    return tuple(Step(completion[start:end].strip(), start - 6, end + 7) for start, end in spans)


def generator_format(completion: str) -> float:
    r"""Mark a solution's form in [0, 1]: 1 - 0.8 for each grave fault - 0.4 for each light one.

    Grave: no step; an answer that is not a box, is empty, or is given twice; steps nested or not closed. Light: fewer
    than three steps; words beside the box in the answer; text outside the tags. Without ``<answer>`` behind the
    thoughts 0. A step without a letter or digit is no step. An empty thought, or thoughts that end before the first
    step, change nothing: a model with thoughts of its own has them before the format.

    >>> text = r"<think><step>a</step><step>b</step><step>c</step></think><answer>\boxed{9}</answer>"
    >>> generator_format(text), round(generator_format(text.replace("<step>b</step>", "")), 1)
    (1.0, 0.6)
    """
    text = _without_first_thoughts(without_end_tokens(completion[:MAX_LENGTH]))
    answers = tagged(answer_of(text), "answer")
    if not answers:
        return 0.0
    mark = 1.0
    answer = _without_marks(answers[-1])
    if "\\boxed{}" in answer.replace(" ", "") or "\\boxed{" not in answer or len(answers) > 1:
        mark -= 0.8
    elif not _BOXED_ANSWER.fullmatch(answer):
        mark -= 0.4
    steps = solution_steps(text)
    saying = sum(map(says_something, steps))
    if not saying or _badly_nested(text):
        mark -= 0.8
    elif saying < FEW_STEPS:
        mark -= 0.4
    if saying and _outside(text, steps):
        mark -= 0.4
    return min(1.0, max(0.0, mark))


def _without_marks(answer: str) -> str:
    """An answer without the marks of a formula round it and a full stop behind it."""
    marks = " \t\r\n$.。"
    answer = answer.strip(marks)
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]")):
        if answer.startswith(opening) and answer.endswith(closing):
            answer = answer[2:-2].strip(marks)
    return answer


def says_something(step: Step) -> bool:
    """Whether a step holds a letter or a digit."""
    return any(character.isalnum() for character in step.text)


def _without_first_thoughts(text: str) -> str:
    """A solution without thoughts that end before its first step."""
    text = without_empty_thoughts(text)
    opened = _THOUGHTS.match(text)
    if opened is None:
        return text
    closed = _CLOSE.search(text, opened.end())
    if closed is None or text.find("<step>", opened.end(), closed.start()) >= 0:
        return text
    rest = text[closed.end() :]
    return rest if "<step>" in rest else text


def read_verification(text: str) -> Verification:
    r"""Read a verifier's verdicts.

    What stands in thoughts is no verdict. White space, line breaks and a full stop do not matter; a step without a
    verdict has None and leaves the others alone. Both verdicts in one place are no verdict, and so are final tags that
    disagree.

    >>> said = "<step_verification><step>no verdict</step><step>2+2=4 \\boxed{CORRECT}.</step></step_verification>"
    >>> read_verification(said + "<final_verification>\n\\boxed{CORRECT}\n</final_verification>")
    Verification(steps=(None, True), final=True, problem='')
    >>> read_verification(r"<final_verification>\boxed{CORRECT} \boxed{INCORRECT}</final_verification>").problem
    'both verdicts in the final tag'
    """
    reading = read_completion(text[:MAX_LENGTH])
    if not reading.closed:
        return Verification((), None, "thoughts that were never closed")
    text = reading.answer
    head = text[: text.find("<final_verification>")] if "<final_verification>" in text else text
    inside = tagged(head, "step_verification")
    steps = tuple(_verdict(step) for step in tagged(inside[-1] if inside else head, "step"))
    finals = tagged(text, "final_verification")
    if not finals:
        return Verification(steps, None, "no <final_verification>")
    said = {_verdict(final) for final in finals}
    if len(said) > 1:
        return Verification(steps, None, "final tags that disagree")
    final = said.pop()
    if final is None:
        both = len({match[1] is None for match in _VERDICT.finditer(finals[-1])}) == 2
        return Verification(steps, None, "both verdicts in the final tag" if both else "no verdict in the final tag")
    return Verification(steps, final)


def verifier_format(text: str, steps: int | None, generator_mark: float = 1.0) -> float:
    r"""Mark a verification's form in [0, 1].

    0 unless it is ``<step_verification>...</step_verification><final_verification>...</final_verification>``, behind
    any thoughts. Grave
    (-0.8 each): no final verdict; no steps; not one verdict for each of the generator's ``steps`` (looked at when the
    generator's own form is worth 0.6); a verdict without a word of analysis. Light (-0.4): text outside the steps.

    >>> said = r"<step_verification><step>3 * 5 = 15. \boxed{CORRECT}</step></step_verification>"
    >>> said += r"<final_verification>\boxed{CORRECT}</final_verification>"
    >>> verifier_format(said, 1), round(verifier_format(said, 2), 1)
    (1.0, 0.2)
    """
    text = answer_of(text[:MAX_LENGTH]).strip()
    seam = _SEAM.search(text)
    if seam is None or not text.startswith("<step_verification>") or not text.endswith("</final_verification>"):
        return 0.0
    inside, final = text[len("<step_verification>") : seam.start()], text[seam.end() : -len("</final_verification>")]
    if _PART_TAG.search(inside) or _PART_TAG.search(final):
        return 0.0
    mark = 1.0
    if _verdict(final) is None:
        mark -= 0.8
    found = tagged(inside, "step")
    verdicts = [_verdict(step) for step in found]
    if not found or _badly_nested(inside) or any(not _VERDICT.sub("", step).strip(" .\n\t:") for step in found):
        mark -= 0.8
    if found and steps is not None and generator_mark >= 0.6 and (len(found) != steps or None in verdicts):
        mark -= 0.8
    spans = tagged_spans(inside, "step")
    if found and _outside_spans(inside, [(start - 6, end + 7) for start, end in spans]):
        mark -= 0.4
    return min(1.0, max(0.0, mark))


def _verdict(text: str) -> bool | None:
    """The one verdict in ``text``; None when there is none, or when both are there."""
    said = {match[1] is None for match in _VERDICT.finditer(text)}
    return said.pop() if len(said) == 1 else None


def _badly_nested(text: str) -> bool:
    depth = 0
    for match in _STEP_TAG.finditer(text):
        depth += 1 if match[0] == "<step>" else -1
        if depth not in (0, 1):
            return True
    return depth != 0


def _outside(text: str, steps: tuple[Step, ...]) -> bool:
    """Whether anything but white space and the outer tags stands outside steps and answer."""
    spans = [(step.start, step.end) for step in steps]
    spans += [(start - 8, end + 9) for start, end in tagged_spans(text, "answer")]
    return _outside_spans(without_end_tokens(text), sorted(spans), ("<think>", "</think>"))


def _outside_spans(text: str, spans: list[tuple[int, int]], allowed: tuple[str, ...] = ()) -> bool:
    left, at = [], 0
    for start, end in spans:
        left.append(text[at:start])
        at = max(at, end)
    rest = "".join([*left, text[at:]])
    for tag in allowed:
        rest = rest.replace(tag, "", 1)
    return bool(rest.strip())


def token_of_step(end: int, offsets: Sequence[tuple[int, int]]) -> int | None:
    """The index of the token that holds the last character before ``end``; None when it lies beyond the tokens.

    ``offsets`` are (start, end) characters of each token of the completion, as a fast tokenizer returns them for
    ``return_offsets_mapping=True``.

    >>> token_of_step(5, [(0, 2), (2, 5), (5, 9)]), token_of_step(20, [(0, 2)])
    (1, None)
    """
    low, high = 0, len(offsets)
    while low < high:
        middle = (low + high) // 2
        if offsets[middle][1] >= end:
            high = middle
        else:
            low = middle + 1
    return low if low < len(offsets) and offsets[low][0] < end else None
