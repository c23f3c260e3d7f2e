r"""What may be handed to a computer algebra system, and what is refused unread.

A model can write ``9^{9^{9}}`` in nine characters; no time limit is as cheap as not starting. The bounds are far above
what answers of competition mathematics need.
"""

from __future__ import annotations

import re
from math import comb
from typing import Final

MAX_LENGTH: Final = 4_096
MAX_NESTING: Final = 64
MAX_DIGIT_RUN: Final = 256
MAX_FACTORIAL: Final = 10_000
MAX_POWER: Final = 10_000
MAX_TERMS: Final = 100_000
MAX_OPERATORS: Final = 400
MAX_ITEMS: Final = 200
MAX_FUNCTIONS: Final = 24
MAX_TOWER: Final = 3

_DIGITS = re.compile(rf"[0-9]{{{MAX_DIGIT_RUN + 1}}}")
_EXPONENT = re.compile(r"(?:\^|\*\*)\s*")
_FACTORIAL = re.compile(r"([0-9]+)\s*\}?\s*!")
_LONG_BINOMIAL = re.compile(r"binom[^a-zA-Z]*[0-9]{6}|[0-9]{6}\s*\\choose|\\choose\s*[0-9]{6}")
_NAMES = re.compile(r"\\?[a-zA-Z]+")
_OPERATOR = re.compile(r"[+\-*/]|\\(?:cdot|times|div|pm)(?![a-zA-Z])")
_FUNCTION = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc|arc\w+|sinh|cosh|tanh|log|ln|exp|sqrt|lfloor|lceil|Gamma)(?![a-zA-Z])"
)
_LARGE = re.compile(r"\\(?:sum|prod|int|iint|iiint|oint|lim)(?![a-z])")
_CLOSES: Final = {"{": "}", "(": ")", "[": "]"}


def out_of_bounds(text: str) -> str:
    r"""Return why ``text`` is not handed on, or "" when it is fine.

    >>> out_of_bounds(r"\frac{1}{2} e^{-x^2}"), out_of_bounds("9^{9^{9}}")
    ('', 'a tower of exponents')
    >>> out_of_bounds("100000!"), out_of_bounds("2^{99999999}"), out_of_bounds("(" * 100)
    ('factorial of 100000', 'an exponent of 99999999', 'nested 65 deep')
    """
    if len(text) > MAX_LENGTH:
        return f"{len(text):,} characters"
    text = text.replace("\\!", "")  # a negative space, no factorial
    if _DIGITS.search(text):
        return f"a number of more than {MAX_DIGIT_RUN} digits"
    return _nesting(text) or _size(text) or _powers(text) or _factorials(text) or _sums(text)


def _nesting(text: str) -> str:
    depth = 0
    for char in text:
        if char in "({[":
            depth += 1
            if depth > MAX_NESTING:
                return f"nested {depth} deep"
        elif char in ")}]" and depth:
            depth -= 1
    return ""


def _size(text: str) -> str:
    if len(_OPERATOR.findall(text)) > MAX_OPERATORS:
        return f"more than {MAX_OPERATORS} operators"
    if text.count(",") + text.count("&") > MAX_ITEMS:
        return f"more than {MAX_ITEMS} items"
    if len(_FUNCTION.findall(text)) > MAX_FUNCTIONS:
        return f"more than {MAX_FUNCTIONS} functions"
    return "more than 60 fractions" if text.count("frac") > 60 else ""


def _powers(text: str) -> str:
    product = 1
    for match in _EXPONENT.finditer(text):
        exponent = _operand(text, match.end())
        if exponent.count("^") + exponent.count("**") >= MAX_TOWER:
            return "a tower of exponents"
        names = _NAMES.search(exponent)
        if names is None and ("^" in exponent or "!" in exponent or "**" in exponent):
            small = re.fullmatch(r"[{(\s]*([0-9])\s*(?:\^|\*\*)\s*\{?([0-9])[})\s]*", exponent)
            if small is None or int(small[1]) ** int(small[2]) > MAX_POWER:
                return "a tower of exponents"
        for number in re.findall(r"(?<![0-9.])[0-9]+", exponent):
            if len(number) > 5 or int(number) > MAX_POWER:
                return f"an exponent of {number[:12]}"
        before = text[: match.start()].rstrip()[-1:]
        if before in (")", "}", "]") and not _indexed(text[: match.start()].rstrip()):
            number = re.sub(r"[./].*|[^0-9]", "", exponent) if names is None else ""
            product *= max(1, int(number or 1))
            if product > MAX_POWER:
                return "powers of powers"
            terms = _terms(text[: match.start()].rstrip())
            if comb(int(number or 1) + terms - 1, terms - 1) > MAX_TERMS:
                return f"a power of {terms} terms"
    return ""


def _indexed(text: str) -> bool:
    """Whether the braces at the end of ``text`` are an index or hold one sign: ``y_{1}``, ``\\mathrm{i}``."""
    return re.search(r"_\s*\{[^{}]*\}$|\\math[a-z]+\s*\{\s*[a-zA-Z]\s*\}$", text) is not None


def _bracketed(text: str) -> str:
    """What stands in the brackets at the end of ``text``."""
    depth = 0
    for index in range(len(text) - 1, -1, -1):
        depth += (text[index] == ")") - (text[index] == "(")
        if depth == 0:
            return text[index:]
    return "^"  # too long to be looked through


def _terms(text: str) -> int:
    """How many terms the sum in the brackets at the end of ``text`` has, at most 50."""
    depth, terms = 0, 1
    for index in range(len(text) - 1, -1, -1):
        char = text[index]
        if char in ")}]":
            depth += 1
        elif char in "({[":
            depth -= 1
            if depth == 0:
                break
        elif char in "+-" and depth == 1:
            terms += 1
    return min(terms, 50)


def _operand(text: str, at: int) -> str:
    """What stands at ``at``: a bracketed group, or the run up to the next space or operator."""
    if text[at : at + 1] in _CLOSES:
        depth = 0
        for index in range(at, len(text)):
            depth += (text[index] in "({[") - (text[index] in ")}]")
            if depth == 0:
                end = index + 1
                follows = _EXPONENT.match(text, end)
                return text[at:end] + (text[end : follows.end() + 6] if follows else "")
        return text[at:]
    end = at
    while end < len(text) and text[end] not in " +*/=,;)}]$\n" and not (text[end] == "-" and end > at):
        end += 1
    return text[at:end]


def _factorials(text: str) -> str:
    if (
        "!" not in text
        and "actorial" not in text
        and "binom" not in text
        and "choose" not in text
        and "amma" not in text
    ):
        return ""
    for number in _FACTORIAL.findall(text):
        if len(number) > 6 or int(number) > MAX_FACTORIAL:
            return f"factorial of {number[:12]}"
    ends = [match.start() for match in re.finditer(r"\)\s*!", text)]
    if re.search(r"!\s*[)}\]]\s*!|!\s*!\s*!|!\s+!", text) or any(
        re.search(r"[\^*!]", _bracketed(text[max(0, end - 300) : end + 1])) for end in ends
    ):
        return "factorial of a factorial or of a power"
    if re.search(r"(?:[gG]amma|actorial)[^a-zA-Z]*[0-9]{5}", text):
        return "factorial of a large number"
    return "a large binomial" if _LONG_BINOMIAL.search(text) else ""


def _sums(text: str) -> str:
    return "many sums, products or integrals" if len(_LARGE.findall(text)) > 4 else ""
