r"""Finding the answer that a completion commits to.

In this order: what follows the thinking; the last ``<answer>`` there; the last ``\boxed{}`` in it, or the tag's whole
content; without a tag or a box the last "the answer is ..." or "####"; the last formula; the last number. An answer
that was written later replaces an earlier one, so listing guesses wins nothing, and an empty box is no answer.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, NamedTuple

from table_rewards.core.completion import answer_of, without_end_tokens

TAIL: Final = 4_096
MAX_BOX: Final = 16_384

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_PLAIN = r"[^{}\\]*(?:\\.[^{}\\]*)*"
_SHALLOW = re.compile(rf"\{{{_PLAIN}(?:\{{{_PLAIN}\}}{_PLAIN})*\}}", re.DOTALL)
"""A box with no more than braces in its braces: the plain reference is :func:`_closing`."""
_PHRASE = re.compile(
    r"(?:\banswer\b\s*(?:\*\*)?\s*(?:is|:|=|would be)|\bresult\s+is|答案(?:是|为|：|:)|####)"
    r"\s*[:：]?\s*(?:\*\*)?[ \t]*([^\n]+)",
    re.IGNORECASE,
)
_MATH = re.compile(
    r"\$\$([^$]{1,2000})\$\$|\\\[(.{1,2000}?)\\\]|\\\((.{1,2000}?)\\\)|(?<!\\)\$([^$\n]{1,2000}?)(?<!\\)\$", re.DOTALL
)
_NUMBER = re.compile(
    r"(?<![\w.,])[-−]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,60})(?:\.[0-9]{1,60})?(?:\s*/\s*[0-9]{1,60})?\s*%?(?![\w])"
)


class Answer(NamedTuple):
    """The text of an answer ("" when there is none), and where it was found or why not."""

    text: str
    where: str


def find_answer(completion: str, expression: bool = True) -> Answer:
    r"""Return the answer that a completion commits to.

    Args:
        completion: anything.
        expression: fall back on the last formula or number; without it on a short last line (for answers in words).

    >>> find_answer(r"First \boxed{3}. No: <answer>\boxed{\frac{1}{2}}</answer>").text
    '\\frac{1}{2}'
    >>> find_answer("<think>maybe 3</think> So the answer is $x=4$.").text, find_answer(r"\boxed{ }")
    ('x=4', Answer(text='', where='an empty box'))
    """
    return Answer(*locate(completion, expression))


def locate(completion: str, expression: bool = True) -> tuple[str, str]:
    """The same as a plain pair, which costs half as much to build."""
    text = completion
    tagged = False
    if "<" in text:
        if "think>" in text:
            text = answer_of(text)
        start = text.rfind("<answer>")
        if start >= 0:
            end = text.find("</answer>", start)
            if end >= 0 and text.find("</answer>", end + 9) >= 0:
                return "", "nested <answer> tags"
            text = text[start + 8 : end] if end >= 0 else text[start + 8 :]
            tagged = True
    box = text.rfind("\\boxed")
    frame = text.rfind("\\fbox", box if box > 0 else 0)  # looked for only behind it
    if box >= 0 or frame >= 0:
        return _box_at(text, box if box > frame else frame)
    if tagged:
        inner = text.strip()
        if not inner:
            return "", "an empty <answer>"
        return (_last_formula(inner) or inner, "<answer>") if len(inner) <= MAX_BOX else _too_long(inner)
    return _loose(without_end_tokens(text)[-TAIL:], expression)


def _box_at(text: str, start: int) -> tuple[str, str]:
    if text.startswith("\\boxed{", start):
        at = start + 6
    else:
        at = _BOX.match(text, start).end()  # type: ignore[union-attr]
        if not text.startswith("{", at):
            word = re.match(r"[^\s$]{1,200}", text[at:])
            return (word[0].rstrip("."), "\\boxed") if word else ("", "an empty box")
    end = text.find("}", at)
    content = text[at + 1 : end]
    if end >= 0 and "{" in content:
        shallow = _SHALLOW.match(text, at, at + MAX_BOX)
        end = shallow.end() - 1 if shallow else _closing(text, at)
        content = text[at + 1 : end]
    if end < 0:
        return "", "a box that is not closed"
    content = content.strip()
    return (content, "\\boxed") if content else ("", "an empty box")


def _closing(text: str, at: int) -> int:
    """Where the brace at ``at`` closes; escaped braces do not count. -1 when it does not within the limit."""
    depth = 0
    index = at
    last = min(len(text), at + MAX_BOX)
    while index < last:
        char = text[index]
        if char == "\\":
            index += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    return -1


def _loose(text: str, expression: bool) -> tuple[str, str]:
    """An answer without a box or a tag."""
    phrase = _last(_PHRASE, text)
    if phrase is not None:
        said = phrase[1].strip().strip("*").strip()
        formula = _last_formula(said)
        if formula:
            return formula, "the answer is"
        said = re.split(r"[.!?。](?:\s|$)", said, maxsplit=1)[0].strip().strip("*").rstrip(".").strip()
        if said:
            return said, "the answer is"
    if expression:
        formula = _last_formula(text)
        if formula:
            return formula, "the last formula"
        number = _last(_NUMBER, text)
        return (number[0].strip(), "the last number") if number else ("", "no answer found")
    lines = [line.strip().strip("*").strip() for line in text.splitlines() if line.strip()]
    if lines and len(lines[-1]) <= 80:
        return lines[-1].rstrip("."), "the last line"
    return "", "no answer found"


def _last_formula(text: str) -> str:
    found = _last(_MATH, text)
    return "" if found is None else next((g for g in found.groups() if g), "").strip()


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _too_long(text: str) -> tuple[str, str]:
    return "", f"an answer of {len(text):,} characters"
