"""One table model for every format: rows of cells, as they are written, and the grid that they span."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from table_rewards.tables.memo import Memo

MAX_SLOTS: Final = 1_000_000
"""Grid slots (rows x columns) beyond which spans are no longer believed."""

MAX_COLSPAN: Final = 1_000
MAX_ROWSPAN: Final = 65_534
"""The limits of the HTML standard."""

Leaf = str | tuple[str, int, int]
"""A cell as a dictionary key: its text when it spans one slot, else (text, colspan, rowspan)."""

Row = tuple[Leaf, ...]


class Cell(NamedTuple):
    """A cell where it begins: plain text with single spaces, how many columns and rows it spans, whether it is a
    header.

    ``marked`` is empty but for a cell with superscripts or subscripts: there it is the text with their beginnings and
    ends marked (:mod:`table_rewards.tables.formats.scripts`), and ``text`` says the same in plain characters: ``10⁻³``.
    """

    text: str = ""
    colspan: int = 1
    rowspan: int = 1
    header: bool = False
    marked: str = ""


class Placed(NamedTuple):
    """A cell at its place in the grid; ``colspan`` and ``rowspan`` are what it really covers there."""

    row: int
    column: int
    rowspan: int
    colspan: int
    cell: Cell


@dataclass(frozen=True)
class Grid:
    """A table laid out: ``slots[row][column]`` is the number of the cell there in ``cells``, or -1 for a hole."""

    slots: list[list[int]]
    cells: list[Placed]

    @property
    def width(self) -> int:
        return len(self.slots[0]) if self.slots else 0

    @property
    def height(self) -> int:
        return len(self.slots)


class GridTooLarge(ValueError):
    """The spans of a table ask for more slots than :data:`MAX_SLOTS`."""


@dataclass(frozen=True)
class Table:
    """A table as its rows; each row holds the cells that begin in it, left to right.

    >>> table = Table.of([[("Year", 1, 2), ("Sales", 2, 1)], ["north", "south"], ["2024", "7", "9"]])
    >>> table.grid().slots
    [[0, 1, 1], [0, 2, 3], [4, 5, 6]]
    """

    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Cell | str | tuple[str, int, int]]], header_rows: int = 0) -> Table:
        """Build a table from rows of cells, texts, or (text, colspan, rowspan); equal ones share their cell."""
        heads: Memo[Cell | str | tuple[str, int, int], Cell] = Memo(
            lambda content: _cell(content)._replace(header=True)
        )
        others: Memo[Cell | str | tuple[str, int, int], Cell] = Memo(_cell)
        built = []
        for index, row in enumerate(rows):
            cells = heads if index < header_rows else others
            built.append(tuple([cells[content] for content in row]))
        return cls(tuple(built))

    @property
    def size(self) -> int:
        """Number of cells."""
        return sum(map(len, self.rows))

    @property
    def header_rows(self) -> int:
        """How many leading rows hold header cells alone."""
        count = 0
        for row in self.rows:
            if not row or not all(cell.header for cell in row):
                break
            count += 1
        return count

    def readable(self) -> Table:
        """The same table with superscripts and subscripts in plain characters alone, as its texts say them."""
        return Table(tuple(tuple([cell._replace(marked="") if cell.marked else cell for cell in r]) for r in self.rows))

    def grid(self, max_slots: int = MAX_SLOTS) -> Grid:
        """Lay the table out as a browser does: a cell takes the next free slot of its row and covers what it spans.

        A span that reaches below the last row is cut. Where two cells claim a slot, the upper left one keeps it.

        Raises:
            GridTooLarge: when the spans ask for more than ``max_slots`` slots.
        """
        height = len(self.rows)
        if self.size > max_slots:
            raise GridTooLarge(f"{self.size:,} cells are more than {max_slots:,} slots")
        if all(cell.colspan == cell.rowspan == 1 for cell in {cell for row in self.rows for cell in row}):
            return self._plain_grid(max_slots)
        slots: list[list[int]] = [[] for _ in range(height)]
        cells: list[Placed] = []
        used = 0
        for row, content in enumerate(self.rows):
            column = 0
            line = slots[row]
            for cell in content:
                while column < len(line) and line[column] >= 0:
                    column += 1
                rowspan, colspan = min(cell.rowspan, height - row), cell.colspan
                used += rowspan * colspan
                if used > max_slots:
                    raise GridTooLarge(f"the spans of this table ask for more than {max_slots:,} slots")
                number = len(cells)
                cells.append(Placed(row, column, rowspan, colspan, cell))
                for below in slots[row : row + rowspan]:
                    if len(below) < column + colspan:
                        below.extend([-1] * (column + colspan - len(below)))
                    for at in range(column, column + colspan):
                        if below[at] < 0:
                            below[at] = number
                column += colspan
        return Grid(_padded(slots, max_slots), cells)

    def _plain_grid(self, max_slots: int) -> Grid:
        """The grid of a table without spans."""
        starts = accumulate(map(len, self.rows), initial=0)
        slots = _padded(
            [list(range(start, start + len(row))) for start, row in zip(starts, self.rows, strict=False)], max_slots
        )
        return Grid(slots, [Placed(i, j, 1, 1, cell) for i, row in enumerate(self.rows) for j, cell in enumerate(row)])


def _padded(slots: list[list[int]], max_slots: int) -> list[list[int]]:
    """The lines of a grid, all as wide as the widest."""
    width, height = max(map(len, slots), default=0), len(slots)
    if width * height > max_slots:
        raise GridTooLarge(f"{height:,} rows of {width:,} columns are more than {max_slots:,} slots")
    for line in slots:
        line.extend([-1] * (width - len(line)))
    return slots


def _cell(content: Cell | str | tuple[str, int, int]) -> Cell:
    if isinstance(content, str):
        return Cell(content)
    return content if isinstance(content, Cell) else Cell(*content)


def tidy(text: str) -> str:
    """Return the text without outer space, each run of white space one space.

    >>> tidy("  two \\n words ")
    'two words'
    """
    return " ".join(text.split())
