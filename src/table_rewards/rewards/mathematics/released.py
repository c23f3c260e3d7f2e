r"""Tango's scorer for BGQA, StrategyQA and TableBench as released: the last box, string for string.

What it does with answers is a catalogue of accidents (G8 in docs/profiles.md): ``true`` is not ``True``, ``5%`` is not
``5`` but ``\$5`` is, ``10 km`` is 10, ``0.5`` is ``1/2``, the order of a list counts, no box is no answer.
"""

from __future__ import annotations

import re
from typing import Final

from table_rewards.rewards.mathematics.answers import find_answer

_REMOVED: Final = ("\n", "\\!", "\\left", "\\right", "^{\\circ}", "^\\circ", "\\$", "$")
_WORD_UNITS: Final = re.compile(
    r"(?<=\d)\s*(?:degrees?|km|cm|mm|kg|meters?|miles?|feet|inches|inch|hours?|minutes?|seconds?|days?|weeks?|years?|"
    r"dollars?|cents?|units?|points?|square|cubic|ft|lbs|m|g)\b\.?"
)


def released_equal(gold: str, completion: str) -> bool | None:
    """Compare as released; None when the completion has no box.

    >>> released_equal("True", r"\\boxed{true}"), released_equal("5", r"\\boxed{\\$5}")
    (False, True)
    >>> released_equal("10", r"\\boxed{10 km}"), released_equal("1/2", r"\\boxed{0.5}")
    (True, True)
    """
    found = find_answer(completion)
    if found.where != "\\boxed":
        return None
    return released_form(gold) == released_form(found.text)


def released_form(text: str) -> str:
    """The spelling that the released scorer compares."""
    for part in _REMOVED:
        text = text.replace(part, "")
    text = text.replace("\\\\", "\\").replace("tfrac", "frac").replace("dfrac", "frac")
    text = text.split("\\text{ ")[0]
    text = re.sub(r"\\text\{([^{}]*)\}", r"\1", text)
    text = _WORD_UNITS.sub("", text).replace(" .", " 0.").replace("{.", "{0.").strip()
    if text.startswith("."):
        text = "0" + text
    head, equals, tail = text.partition("=")
    if equals and len(head.strip()) <= 2 and "=" not in tail:
        text = tail
    text = re.sub(r"\\sqrt([^{\s])", r"\\sqrt{\1}", text).replace(" ", "")
    text = re.sub(r"\\frac([^{\\])([^{\\])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac([^{\\])(\{)", r"\\frac{\1}\2", text)
    if text == "0.5":
        return "\\frac{1}{2}"
    fraction = re.fullmatch(r"(-?\d+)/(-?\d+)", text)
    if fraction:
        return f"\\frac{{{fraction[1]}}}{{{fraction[2]}}}"
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
