"""How the code of RL Tango's second recipe puts tags into free text before it trains on it (``add_tags``).

The text that comes out is not the one that was sampled: the thoughts are gone, tags are in, and it is tokenised anew
(G12 in docs/profiles.md). On several texts that models do write the released code ends the training (G10, G11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from table_rewards.rewards.tango.format import Step
from table_rewards.rewards.tango.released import ReleasedForms
from table_rewards.rewards.tango.steps import BLANK_LINE

_STEPS_CLOSED: Final = "</step>\n</think>"
_ANSWER_OPENED: Final = "<answer>\n<step>"
_NEXT: Final = "</step>\n<step>"


class ReleasedSteps(NamedTuple):
    """What the released code makes of a response.

    Attributes:
        text: the response that is trained on; empty where the code ends the training.
        steps: its steps, with their places in ``text``.
        problem: the error that ends the training, or empty.
    """

    text: str
    steps: tuple[Step, ...] = ()
    problem: str = ""


def released_steps(response: str, separators: Sequence[str] = BLANK_LINE) -> ReleasedSteps:
    r"""Put tags into a response as the released code does.

    Args:
        response: what was generated behind the prompt, which ends ``<think>``. The code looks for the newline that its
            template has there and jinja2 drops, so that the response must begin with it (G10).
        separators: ``verifier.split_step_token_lst``.

    >>> released_steps("\n2+2?</think>\n\nAdd.\n\n\\boxed{4}").text
    '<answer>\n<step>Add.</step>\n\n<step>\\boxed{4}</step>\n</answer>'
    >>> released_steps("2+2?</think>\n\n4").problem, released_steps("\n2+2?</think>").problem
    ('IndexError: the response does not begin with a newline', 'AssertionError: the tags are out of order')
    """
    if not response.startswith("\n"):
        return ReleasedSteps("", problem="IndexError: the response does not begin with a newline")
    text = _with_tags(response.strip())
    if list(separators) == list(BLANK_LINE):
        places = [text.find(mark) for mark in ("<think>\n<step>", _STEPS_CLOSED, _ANSWER_OPENED, "</step>\n</answer>")]
        if min(places) < 0:
            return ReleasedSteps("", problem="IndexError: a tag is missing")
        opened, closed, answer, end = places
        inside = answer + len(_ANSWER_OPENED)
        if not opened + len("<think>\n<step>") < closed < inside < end:
            return ReleasedSteps("", problem="AssertionError: the tags are out of order")
        text = _ANSWER_OPENED + text[inside:end].strip() + text[end:]
        text = text.replace("\n\n", "</step>\n\n<step>")
    else:
        text = _cut_before(text, separators)
        for opening in ("<think>\n<step>", _ANSWER_OPENED):
            start = text.find(opening)
            if start < 0:
                return ReleasedSteps("", problem="IndexError: a tag is missing")
            inside = start + len(opening)
            if text[inside:].strip().startswith(_NEXT):
                text = text[:inside] + text[inside:].replace(_NEXT, "", 1)
        text = text[text.find(_ANSWER_OPENED) :]
    return ReleasedSteps(text, ReleasedForms().steps(text))


def _with_tags(text: str) -> str:
    """Thoughts and answer, each with one step in it."""
    text = text.replace("<think>", "<think>\n<step>", 1) if "<think>" in text else "<think>\n<step>" + text
    if "</think>" in text:
        text = text.replace("</think>", _STEPS_CLOSED, 1)
    elif "**Final Answer**" in text:
        text = text.replace("**Final Answer**", _STEPS_CLOSED + "**Final Answer**", 1)
    else:
        # The last of the blank lines as a scan from the left finds them, which matters for three newlines in a row.
        end, at = -1, text.find("\n\n")
        while at >= 0:
            end = at + 2
            at = text.find("\n\n", end)
        if end >= 0:
            text = text[:end] + _STEPS_CLOSED + text[end:]
    if "<answer>" in text:
        text = text.replace("<answer>", _ANSWER_OPENED, 1)
    else:
        text = text.replace("</think>", "</think>\n" + _ANSWER_OPENED, 1)
    if "</answer>" in text:
        return text.replace("</answer>", "</step>\n</answer>", 1)
    return text + "</step>\n</answer>"


def _cut_before(text: str, separators: Sequence[str]) -> str:
    """Begin a new step before each of the texts, the first of the list that fits at a place."""
    pieces, at, start = [], 0, 0
    while at < len(text):
        found = next((mark for mark in separators if text.startswith(mark, at)), None)
        if found is None:
            at += 1
            continue
        pieces += [text[start:at], f"{_NEXT} {found}"]
        at = start = at + len(found)
    return "".join([*pieces, text[start:]])
