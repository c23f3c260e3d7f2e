"""English numerals, where the answer is one: ``twelve``, ``one hundred and five``, ``two thirds``, ``negative six``."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

_BELOW_TWENTY: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_FROM_TWENTY: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_FROM_FIFTHS: Final = "fifth sixth seventh eighth ninth tenth"
ONES: Final = {name: value for value, name in enumerate(_BELOW_TWENTY.split())}
TENS: Final = {name: 10 * value for value, name in enumerate(_FROM_TWENTY.split(), 2)}
_SCALES: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS: Final = {
    **dict.fromkeys(("half", "halves"), 2),
    **dict.fromkeys(("quarter", "quarters", "fourth", "fourths"), 4),
    **dict.fromkeys(("third", "thirds"), 3),
    **{name + plural: below for below, name in enumerate(_FROM_FIFTHS.split(), 5) for plural in ("", "s")},
}
NUMERALS: Final = frozenset({*ONES, *TENS, *_SCALES, *_PARTS, "hundred", "negative", "minus"})
_WORDS = re.compile(r"[A-Za-z]+(?:[ -]+[A-Za-z]+){0,15}")


@lru_cache(maxsize=4_096)
def english_number(text: str) -> Fraction | None:
    """The value of a numeral, or None when ``text`` is anything else.

    >>> [str(english_number(text)) for text in ("twelve", "One hundred and five", "two thirds", "minus six", "a man")]
    ['12', '105', '2/3', '-6', 'None']
    """
    if not _WORDS.fullmatch(text):
        return None
    words = text.lower().replace("-", " ").split()
    if words[0] in ("negative", "minus"):
        value = _unsigned(words[1:])
        return None if value is None else -value
    return _unsigned(words)


def _unsigned(words: list[str]) -> Fraction | None:
    if not words:
        return None
    below = _PARTS.get(words[-1])
    if below is not None:
        above = words[:-1]
        if not above and words[-1] in ("half", "quarter"):
            return Fraction(1, below)
        count = Fraction(1) if above in (["a"], ["one"]) else _whole(above)
        one = words[-1] in ("half", "quarter", "third") or not words[-1].endswith("s")
        return None if count is None or not 0 < count < 100 or one != (count == 1) else count / below
    return _whole(words)


def _whole(words: list[str]) -> Fraction | None:
    """Hundreds, tens and ones in their order, and the same before each larger scale."""
    total, section, last = 0, 0, 10**15  # ``last`` is the smallest place that has been said of this section
    scale = 10**15
    for index, word in enumerate(words):
        if word == "and":
            if index in (0, len(words) - 1) or not (section or total):
                return None
        elif word in ONES:
            value = ONES[word]
            if last <= 1 or (last == 10 and not 0 < value < 10) or (value == 0 and len(words) > 1):
                return None
            section, last = section + value, 1
        elif word in TENS:
            if last <= 10:
                return None
            section, last = section + TENS[word], 10
        elif word == "hundred":
            if not 0 < section < 100 or last == 100:
                return None
            section, last = section * 100, 100
        elif word in _SCALES:
            if not section or _SCALES[word] >= scale:
                return None
            scale = _SCALES[word]
            total, section, last = total + section * scale, 0, 10**15
        else:
            return None
    return Fraction(total + section)
