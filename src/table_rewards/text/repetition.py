"""Degenerate endings: the same piece of text over and over until the length limit."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 5
TIMES: Final = 5
WINDOW: Final = 32_768
"""Only so much of the end is looked at; a longer loop than 6,553 characters is not found."""


def repeats_at_end(text: str, *, white_space_counts: bool = False) -> bool:
    """True when the text ends with a piece of 5 or more characters, five times or more in a row.

    Trailing white space is not looked at, and the piece must hold a letter or digit, so that blank lines and table
    rules do not count. ``white_space_counts=True`` takes any piece, as the released guard does (T8).

    >>> repeats_at_end("so " + "the answer " * 5), repeats_at_end("7" + "\\n" * 25)
    (True, False)
    >>> repeats_at_end("7" + "\\n" * 25, white_space_counts=True)
    True
    """
    tail = text[-WINDOW:] if white_space_counts else text[-WINDOW:].rstrip()
    size = len(tail)
    if size < SHORTEST * TIMES:
        return False
    ending = tail[-SHORTEST:]
    where = size - SHORTEST
    while True:
        # Every period of the end shows as an earlier copy of the last characters: try those distances, nearest first.
        where = tail.rfind(ending, 0, where + SHORTEST - 1)
        period = size - SHORTEST - where
        if where < 0 or period * TIMES > size:
            return False
        if period < SHORTEST:
            continue
        piece = tail[-period:]
        if tail.endswith(piece * TIMES) and (white_space_counts or any(c.isalnum() for c in piece)):
            return True
