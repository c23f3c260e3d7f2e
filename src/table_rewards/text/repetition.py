"""Degenerate endings: the same piece of text over and over until the length limit."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 5
TIMES: Final = 5
WINDOW: Final = 32_768
"""Only so much of the end is looked at; a longer loop than 6,553 characters is not found."""

TABLE_LOOP: Final = 1_000
"""Characters from which repeated table cells (zeros, dashes, ``n/a``) are a loop and not a table."""

_CELL_MARKS: Final = frozenset("|\t&")
_FILLERS: Final = frozenset(("n/a", "na", "nil", "nan", "none", "null", "yes", "no"))


def repeats_at_end(text: str, *, white_space_counts: bool = False) -> bool:
    """True when the text ends with a piece of 5 or more characters, five times or more in a row.

    Trailing white space is not looked at, and the piece must hold a letter or digit, so that blank lines and table
    rules do not count. Cells and rows of tables, and numbers, repeat of their own accord: they are a loop from 1,000
    characters. ``white_space_counts=True`` takes any piece, as the released guard does (T8).

    >>> repeats_at_end("so " + "the answer " * 5), repeats_at_end("7" + "\\n" * 25)
    (True, False)
    >>> repeats_at_end("7\\n" + "| 0 " * 20), repeats_at_end("7\\n" + "| 0 " * 2000)
    (False, True)
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
        if not tail.endswith(piece * TIMES):
            continue
        if white_space_counts or (
            any(c.isalnum() for c in piece) and (not _of_a_table(piece) or _repeated(tail, piece) >= TABLE_LOOP)
        ):
            return True


def _of_a_table(piece: str) -> bool:
    """Whether a piece looks like a row or a cell of a table, or a number, rather than words."""
    if not _CELL_MARKS.isdisjoint(piece) or not any(c.isalpha() for c in piece):
        return True
    return all(word.strip(" ,;.") in _FILLERS for word in piece.lower().split())


def _repeated(tail: str, piece: str) -> int:
    """How many characters at the end of ``tail`` are copies of ``piece``."""
    end, size = len(tail), len(piece)
    while tail.endswith(piece, 0, end):
        end -= size
    return len(tail) - end
