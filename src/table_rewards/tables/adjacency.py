"""Cells and their neighbours as sets: what cell-level F1 compares.

Göbel, Hassan, Oro, Orsi: "A methodology for evaluating algorithms for table understanding in PDF documents", DocEng
2012, used by the ICDAR 2013 table competition.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from table_rewards.tables.table import Grid, Placed


class Relation(NamedTuple):
    """Two cells with text of which the second is the nearest one on the right of the first, or below it."""

    first: str
    second: str
    direction: str
    blanks: int


class Overlap(NamedTuple):
    """How far two collections agree."""

    f1: float
    precision: float
    recall: float


def adjacency_relations(grid: Grid) -> Counter[Relation]:
    """Return every relation of a cell that has text to its nearest neighbours that have.

    A cell looks right from every row and down from every column that it covers; blank slots on the way are counted. Two
    cells have at most one relation; where they meet in both directions it is the horizontal one.

    >>> from table_rewards.tables.table import Table
    >>> sorted(adjacency_relations(Table.of([["a", "", "b"], ["c", "d", ""]]).grid()))[0]
    Relation(first='a', second='b', direction='right', blanks=1)
    """
    relations: Counter[Relation] = Counter()
    for placed in grid.cells:
        if not placed.cell.text:
            continue
        bottom, right = placed.row + placed.rowspan, placed.column + placed.colspan
        met: dict[int, tuple[str, int]] = {}
        for column in range(placed.column, right):
            for row in range(bottom, grid.height):
                number = grid.slots[row][column]
                if number >= 0 and grid.cells[number].cell.text:
                    met[number] = ("down", row - bottom)
                    break
        for row in range(placed.row, bottom):
            for column in range(right, grid.width):
                number = grid.slots[row][column]
                if number >= 0 and grid.cells[number].cell.text:
                    met[number] = ("right", column - right)
                    break
        for number, (direction, blanks) in met.items():
            relations[Relation(placed.cell.text, grid.cells[number].cell.text, direction, blanks)] += 1
    return relations


def positioned_cells(grid: Grid) -> Counter[Placed]:
    """Return every cell with its place, spans and text; whether it is a header does not count."""
    return Counter(
        placed._replace(cell=placed.cell._replace(header=False)) if placed.cell.header else placed
        for placed in grid.cells
    )


class Agreement(NamedTuple):
    """What two collections share, what the prediction lacks and what it has too much; each item as often as it does."""

    shared: Counter[Any]
    missing: Counter[Any]
    extra: Counter[Any]

    @property
    def overlap(self) -> Overlap:
        """F1, precision and recall, as :func:`overlap` gives them."""
        return overlap(self.shared + self.extra, self.shared + self.missing)


def agreement(prediction: Counter[Any], reference: Counter[Any]) -> Agreement:
    """Tell the items of two multisets apart.

    >>> agreement(Counter("aab"), Counter("abc"))
    Agreement(shared=Counter({'a': 1, 'b': 1}), missing=Counter({'c': 1}), extra=Counter({'a': 1}))
    """
    return Agreement(prediction & reference, reference - prediction, prediction - reference)


def overlap(prediction: Counter[Any], reference: Counter[Any]) -> Overlap:
    """Return F1, precision and recall of two multisets; two empty ones agree.

    >>> overlap(Counter("aab"), Counter("ab"))
    Overlap(f1=0.8, precision=0.6666666666666666, recall=1.0)
    """
    found, wanted = prediction.total(), reference.total()
    if not found and not wanted:
        return Overlap(1.0, 1.0, 1.0)
    shared = sum(min(count, reference[item]) for item, count in prediction.items() if item in reference)
    return Overlap(
        2.0 * shared / (found + wanted),
        shared / found if found else 0.0,
        shared / wanted if wanted else 0.0,
    )
