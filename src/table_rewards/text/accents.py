"""Latin and Greek letters without their marks, for comparing with a text that was typed without them."""

from __future__ import annotations

import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ß": "ss", "ħ": "h", "ς": "σ"}
)
_LATIN_AND_GREEK: Final = "\u03ff"  # the last letter that may lose a mark; in other scripts marks make letters


def without_accents(text: str) -> str:
    """Return a lower-cased text without the accents of Latin and Greek letters; other scripts stay as they are.

    >>> without_accents("são paulo"), without_accents("łódź"), without_accents("がく"), without_accents("йод")
    ('sao paulo', 'lodz', 'がく', 'йод')
    """
    if text.isascii():
        return text
    kept: list[str] = []
    for letter in text.translate(_LETTERS):
        base = unicodedata.normalize("NFD", letter)
        if not unicodedata.combining(letter):
            kept.append(base[0] if len(base) > 1 and base[0] <= _LATIN_AND_GREEK else letter)
        elif not (kept and kept[-1][-1:].isalpha() and kept[-1][-1] <= _LATIN_AND_GREEK):
            kept.append(letter)
    return "".join(kept)


def same_without_accents(left: str, right: str) -> bool:
    """Whether two different texts differ in accents alone, which one of them leaves out altogether.

    Two texts that are both accented are never one: má and mã are two words.

    >>> same_without_accents("zürich", "zurich"), same_without_accents("má", "mã"), same_without_accents("a", "b")
    (True, False, False)
    """
    return left.isascii() is not right.isascii() and without_accents(left) == without_accents(right)
