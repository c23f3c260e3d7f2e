"""Grids of ``+---+`` rules whose cells span rows and columns, as reStructuredText and pandoc draw them.

What counts is where the corners stand: every pair of neighbouring corners bounds a slot, and slots without a line
between them are one cell. Characters that are drawn two columns wide count for two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

from table_rewards.tables.formats.scripts import marked_cell
from table_rewards.tables.table import Cell, Table

_EDGE: Final = re.compile(r"\+(?:[:=-]{2,}\+)+")
_FULL: Final = re.compile(r"\s*[+|](?:[:=-]+\+)*[:=-]+[+|]\s*")
_FILLER: Final = "\0"  # behind a wide character
_MAX_SLOTS: Final = 100_000


def has_spans(lines: Sequence[str]) -> bool:
    """Whether a rule of a grid stops before its side or has not the corners of the others, or, in a grid that is drawn
    to the letter, a line has fewer bars than they.

    >>> has_spans(["+--+--+", "|a |b |", "+--+--+"]), has_spans(["+--+--+", "|  +--+", "|  |  |", "+--+--+"])
    (False, True)
    """
    corners = set()
    for line in lines:
        if "+" in line and _EDGE.search(line) is not None:
            if _FULL.fullmatch(line) is None:
                return True
            corners.add(tuple(match.start() for match in re.finditer(r"\+", line)))
    if len(corners) != 1:
        return len(corners) > 1
    bars = len(corners.pop())
    if all(line.count("|") + line.count("+") >= bars for line in lines):
        return False
    return len({len(_widened(line.strip())) for line in lines}) == 1


def read_grid(lines: Sequence[str], text_of: Callable[[str], str]) -> Table | None:
    """Read a grid with spans; None where it has no cell.

    >>> lines = ["+--+--+", "| a   |", "+==+==+", "| b|c |", "|  +--+", "|  |d |", "+--+--+"]
    >>> [[cell[:4] for cell in row] for row in read_grid(lines, str.strip).rows]
    [[('a', 2, 1, True)], [('b', 1, 2, False), ('c', 1, 1, False)], [('d', 1, 1, False)]]
    """
    drawn = [_widened(line) for line in lines]
    width = max(map(len, drawn), default=0)
    drawn = [line.ljust(width) for line in drawn]
    corners: set[int] = set()
    ys: list[int] = []
    for y, line in enumerate(drawn):
        for edge in _EDGE.finditer(line):
            corners.update(edge.start() + match.start() for match in re.finditer(r"\+", edge[0]))
            if not ys or ys[-1] != y:
                ys.append(y)
    xs = sorted(corners)
    across, down = len(xs) - 1, len(ys) - 1
    if across < 1 or down < 1 or across * down > _MAX_SLOTS:
        return None

    def line_above(row: int, column: int) -> bool:
        return not drawn[ys[row]][xs[column] + 1 : xs[column + 1]].strip("-=:+")

    def line_before(row: int, column: int) -> bool:
        return all(drawn[y][xs[column]] in "|+" for y in range(ys[row] + 1, ys[row + 1]))

    head = next((row for row, y in enumerate(ys) if row and "=" in drawn[y] and _FULL.fullmatch(drawn[y])), 0)
    taken: set[tuple[int, int]] = set()
    rows: list[tuple[Cell, ...]] = []
    for row in range(down):
        cells: list[Cell] = []
        for column in range(across):
            if (row, column) in taken:
                continue
            right, below = column + 1, row + 1
            while right < across and (row, right) not in taken and not line_before(row, right):
                right += 1
            while below < down and not line_above(below, column):
                below += 1
            taken.update((r, c) for r in range(row, below) for c in range(column, right))
            inside = [drawn[y][xs[column] + 1 : xs[right]] for y in range(ys[row] + 1, ys[below])]
            text = text_of(" ".join(line.replace(_FILLER, "").strip() for line in inside))
            cells.append(marked_cell(text, right - column, below - row, row < head))
        rows.append(tuple(cells))
    return Table(tuple(rows))


def _widened(line: str) -> str:
    """A line with one character for each column that it takes."""
    if line.isascii():
        return line
    return "".join(c + _FILLER if unicodedata.east_asian_width(c) in "WF" else c for c in line)
