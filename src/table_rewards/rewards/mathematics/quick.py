r"""The common spellings of numbers and words, compared without reading them in full.

Nine answers in ten are ``12``, ``-0.5``, ``3/4``, ``\frac{3}{4}``, ``x=7``, ``28\%``, ``10\text{ cm}`` or a word. One
pattern tells them apart, whole numbers compare them, and the rest is left to ``same_mathematics``, the reference, whose
verdicts these are: tests/rewards/test_mathematics_quick.py holds the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from table_rewards.rewards.mathematics.shapes import TOLERANCE
from table_rewards.rewards.mathematics.tokens import CONSTANTS, FUNCTIONS
from table_rewards.rewards.mathematics.units import MULTIPLIERS, PERCENT, PLAIN, unit_of
from table_rewards.rewards.mathematics.wording import TRUTH
from table_rewards.text.english_numerals import NUMERALS

_SPELLING: Final = re.compile(
    r"(?:([A-Za-z]) ?= ?)?"
    r"(?:([+-]?[0-9]{1,18})(?:\.([0-9]{1,18})|/([0-9]{1,18}))?"
    r"|([+-]?)\\[dt]?frac\{([0-9]{1,18})\}\{([0-9]{1,18})\}"
    r"|\\(?:text|mathrm)\{ ?([+-]?[0-9]{1,18}) ?\})"
    r"( ?\\?%| ?[A-Za-z]{1,20}| ?\\text\{ ?[A-Za-z]{1,20}\})?"
)
_WORD: Final = re.compile(r"\\text\{ ?([A-Za-z]{4,30}) ?\}|([A-Za-z]{4,30})")  # too long for an article or a choice
_VOWEL: Final = re.compile(r"[aeiouyAEIOUY]")
_NO_WORDS: Final = frozenset(
    {*(name.lower() for name in FUNCTIONS), *CONSTANTS, *MULTIPLIERS, *PERCENT, *PLAIN, *NUMERALS}
)
_TENS: Final = tuple(10**places for places in range(19))
_PRECISION: Final = TOLERANCE.denominator


class Marks(NamedTuple):
    """What stands around a number: ``x =`` before it, a point in it, a percent sign or a unit behind it."""

    variable: str = ""
    decimal: bool = False
    percent: bool = False
    unit: str = ""


Ratio: TypeAlias = tuple[int, int, Marks | None]
Spelling: TypeAlias = str | Ratio | None
"""A word in lower case; numerator, denominator and marks of a number; None for anything else."""

_NONE: Final = Marks()
_DECIMAL: Final = Marks(decimal=True)


def same_quickly(gold: str, answer: str) -> bool | None:
    r"""Compare two common spellings; None when either is not one, whatever the other says.

    >>> same_quickly("0.5", r"\frac{1}{2}"), same_quickly("x=7", "8"), same_quickly(r"10\text{ cm}", r"10\text{ m}")
    (True, False, False)
    >>> same_quickly(r"\text{Evelyn}", "evelyn"), same_quickly("7", "7.0 + x")
    (True, None)
    """
    left = _reference(gold)
    if left is None:
        return None
    right = spelling(answer)
    if right is None:
        return _spelled(gold, answer) if left.__class__ is str else None
    if isinstance(left, tuple):
        if isinstance(right, tuple):
            if left[2] is None and right[2] is None:
                return left[0] * right[1] == right[0] * left[1]
            return _same_marked(left, right)
        marks = left[2]
    elif isinstance(right, tuple):
        marks = right[2]
    else:
        return left == right or TRUTH.get(left, 0) == TRUTH.get(right, 1)
    return None if marks is not None and marks.variable else False


def spelling(text: str) -> Spelling:
    r"""Read a common spelling.

    >>> spelling("-0.50"), spelling(r"\dfrac{3}{4}"), spelling("Paris"), spelling("1,234")
    ((-50, 100, Marks(variable='', decimal=True, percent=False, unit='')), (3, 4, None), 'paris', None)
    """
    match = _SPELLING.fullmatch(text)
    if match is None:
        word = _WORD.fullmatch(text)
        if word is None:
            return None
        return _framed_word(word[1].lower()) if word[1] else _bare_word(word[2])
    variable, whole, places, below, sign, over, under, framed, tail = match.groups()
    marks = None
    if whole is None:
        if framed is not None:
            return None if variable or tail else (int(framed), 1, None)
        whole, below = sign + over, under
    above, denominator = int(whole), 1
    if places is not None:
        above, denominator, marks = int(whole + places), _TENS[len(places)], _DECIMAL
    elif below is not None:
        denominator = int(below)
        if denominator < 2:  # no number, or a whole one that is not written as one
            return None
    if variable or tail:
        percent_unit = _tail(tail) if tail else (False, "")
        if percent_unit is None:
            return None
        marks = Marks(variable or "", marks is not None, *percent_unit)
    return above, denominator, marks


_reference = lru_cache(maxsize=2_048)(spelling)  # a gold answer comes once for each answer of its group


@lru_cache(maxsize=4_096)
def _tail(text: str) -> tuple[bool, str] | None:
    """Whether what stands behind a number is a percent sign, and the unit that it is; None when it is neither."""
    text = text.strip()
    if text in ("%", "\\%"):
        return True, ""
    framed = text.startswith("\\text{")
    word = text[6:-1].strip() if framed else text
    if word.lower() in PERCENT:
        return True, ""
    if not framed and word not in PLAIN:
        return None
    unit = unit_of(word)
    return None if unit is None else (False, unit)


def _framed_word(word: str) -> str | None:
    """A word in ``\\text{}``; None for a numeral."""
    return None if word in NUMERALS else word


def _bare_word(word: str) -> str | None:
    """A word without ``\\text{}``; None for what may be a function, a constant, a unit or a product of variables."""
    lower = word.lower()
    if lower in _NO_WORDS or not _VOWEL.search(word) or (len(word) < 7 and list(word) == sorted(word)):
        return None
    return lower


def _spelled(gold: str, answer: str) -> bool | None:
    """Whether letters that could be a product of variables spell the word that the gold answer is."""
    word, said = _WORD.fullmatch(answer), _WORD.fullmatch(gold)
    if word is None or said is None or word[2] is None or word[2].lower() in _NO_WORDS:
        return None
    return (said[1] or said[2]).lower() == word[2].lower()


def _same_marked(left: Ratio, right: Ratio) -> bool | None:
    """``same_number`` on whole numbers, once variables and frames are out of the way."""
    a, b = left[2] or _NONE, right[2] or _NONE
    if a.variable and b.variable and a.variable != b.variable:
        return False
    if a.unit and b.unit and a.unit != b.unit:
        return False
    if (a.unit and b.percent) or (a.percent and b.unit):
        return False
    decimal = a.decimal or b.decimal
    if a.percent != b.percent and _close(
        left[0], left[1] * (100 if a.percent else 1), right[0], right[1] * (100 if b.percent else 1), decimal
    ):
        return True
    return _close(left[0], left[1], right[0], right[1], decimal)


def _close(a: int, below_a: int, b: int, below_b: int, decimal: bool) -> bool:
    """Whether a / below_a and b / below_b are equal; or, of decimals, within the tolerance, times both denominators."""
    left, right = a * below_b, b * below_a
    if left == right:
        return True
    return decimal and abs(left - right) * _PRECISION <= min(below_a * below_b, max(abs(left), abs(right)))
