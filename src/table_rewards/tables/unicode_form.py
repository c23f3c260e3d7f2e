"""Unicode form NFKC in linear time.

``unicodedata.normalize`` sorts a run of combining marks by insertion: a cell of a hundred thousand marks takes minutes.
A long text is normalised in pieces here, cut where a character begins that never joins the one before. Only where there
is none for some dozens of characters, which no script has, is it cut anyway; UAX #15 calls such a text not stream-safe.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_PIECE: Final = 256
_LOOK_BACK: Final = 64
_GROWTH: Final = 4
"""How many times longer a long text may become; one character can become eighteen."""


def nfkc(text: str) -> str:
    """Return the text in form NFKC; the end of a long text that would become four times as long stays as it is.

    >>> nfkc("\N{FULLWIDTH LATIN SMALL LETTER A}\N{LATIN SMALL LIGATURE FI}")
    'afi'
    """
    if len(text) <= _PIECE:
        return unicodedata.normalize("NFKC", text)
    pieces: list[str] = []
    start = length = 0
    while start < len(text) and length <= _GROWTH * len(text):
        end = start + _PIECE
        if end < len(text):
            end = next((at for at in range(end, end - _LOOK_BACK, -1) if _stands_alone(text[at])), end)
        pieces.append(unicodedata.normalize("NFKC", text[start:end]))
        length += len(pieces[-1])
        start = end
    return "".join([*pieces, text[start:]])


def _stands_alone(letter: str) -> bool:
    """Whether normalisation never joins or reorders a character with those before it."""
    if letter.isascii():
        return True
    joins = "\u1100" <= letter <= "\u11ff" or unicodedata.category(letter)[0] == "M"  # Hangul jamo; marks
    return not joins and not unicodedata.decomposition(letter)
