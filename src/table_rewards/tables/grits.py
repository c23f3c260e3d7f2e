"""GriTS: the similarity of two tables as matrices of cells.

Smock, Pesala, Abraham: "GriTS: Grid table similarity metric for table structure recognition", arXiv 2203.12555. ::

    GriTS = 2 * sum of f over a most similar pair of substructures / (slots of A + slots of B)

A substructure is some rows and some columns; the pair is found by the paper's heuristic: align the rows by the best
alignment of their slots, align the columns likewise, and take the slots where aligned rows and columns cross. Where
alignments are equally good the choice changes the value; it is made as in the authors' script: from the end, a pair
before none, then a line of the reference left out before one of the prediction. Sums are added in the same order.

``content``   f is 2 * (longest common subsequence) / (sum of lengths) of the two slots' texts.
``topology``  f is the intersection over union of the two cells, each seen from its slot.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from table_rewards.tables.table import Grid
from table_rewards.tables.tree_distance.node_savings import Matrix, longest_affordable, shared_ends
from table_rewards.tables.tree_distance.rows import row_pair_savings

Slots = NDArray[np.intp]
Box = tuple[int, int, int, int]


class Alignment(NamedTuple):
    """What GriTS pairs: ``rows`` and ``columns`` as (prediction, reference), ``similarities`` of the slots where they
    cross, and the number of ``slots`` of both tables together."""

    rows: list[tuple[int, int]]
    columns: list[tuple[int, int]]
    similarities: list[list[float]]
    slots: int

    @property
    def value(self) -> float:
        """GriTS: twice the sum of the similarities, divided by the slots."""
        return 2.0 * float(np.sum(self.similarities)) / self.slots if self.similarities and self.slots else 0.0


def grits_content(prediction: Grid, reference: Grid) -> float:
    """Return GriTS of the texts, 0 to 1.

    >>> from table_rewards.tables.table import Table
    >>> a, b = Table.of([["ab", "c"]]).grid(), Table.of([["ad", "c"]]).grid()
    >>> grits_content(a, b), grits_content(a, a)
    (0.75, 1.0)
    """
    return _content(prediction, reference).value


def grits_alignment(prediction: Grid, reference: Grid, topology: bool = False) -> Alignment:
    """Return the rows and columns that GriTS pairs, and the similarity of each pair of slots where they cross.

    >>> from table_rewards.tables.table import Table
    >>> found = grits_alignment(Table.of([["ab"], ["x"]]).grid(), Table.of([["ad"]]).grid())
    >>> found.rows, found.columns, found.similarities, round(found.value, 4)
    ([(0, 0)], [(0, 0)], [[0.5]], 0.3333)
    """
    return (_topology if topology else _content)(prediction, reference)


def _content(prediction: Grid, reference: Grid) -> Alignment:
    (wanted, texts_wanted), (found, texts_found) = (_numbered(_texts(grid)) for grid in (reference, prediction))
    if not texts_wanted or not texts_found:
        return Alignment([], [], [], wanted.size + found.size)
    return _aligned(wanted, found, _text_similarities(texts_wanted, texts_found))


def grits_topology(prediction: Grid, reference: Grid) -> float:
    """Return GriTS of the cells' spans, 0 to 1.

    >>> from table_rewards.tables.table import Table
    >>> grits_topology(Table.of([["a", "b"]]).grid(), Table.of([[("a", 2, 1)]]).grid())
    0.5
    """
    return _topology(prediction, reference).value


def _topology(prediction: Grid, reference: Grid) -> Alignment:
    (wanted, boxes_wanted), (found, boxes_found) = (_numbered(_boxes(grid)) for grid in (reference, prediction))
    if not boxes_wanted or not boxes_found:
        return Alignment([], [], [], wanted.size + found.size)
    return _aligned(wanted, found, _box_similarities(boxes_wanted, boxes_found))


def _texts(grid: Grid) -> list[list[str]]:
    return [[grid.cells[number].cell.text if number >= 0 else "" for number in line] for line in grid.slots]


def _boxes(grid: Grid) -> list[list[Box]]:
    """The cell of each slot as left, top, right and bottom edge, seen from the slot; a hole is a cell of its own."""
    boxes = []
    for i, line in enumerate(grid.slots):
        row = []
        for j, number in enumerate(line):
            if number < 0:
                row.append((0, 0, 1, 1))
                continue
            at = grid.cells[number]
            row.append((at.column - j, at.row - i, at.column + at.colspan - j, at.row + at.rowspan - i))
        boxes.append(row)
    return boxes


def _numbered(values: Sequence[Sequence[Hashable]]) -> tuple[Slots, list[Hashable]]:
    numbers: dict[Hashable, int] = {}
    slots = np.array([[numbers.setdefault(value, len(numbers)) for value in row] for row in values], dtype=np.intp)
    return slots, list(numbers)


def _text_similarities(left: Sequence[Hashable], right: Sequence[Hashable]) -> Matrix:
    """Texts too long to compare in full are compared by their common ends; that never overstates."""
    texts_left, texts_right = [str(text) for text in left], [str(text) for text in right]
    longest = longest_affordable(texts_left, texts_right)
    lengths = np.add.outer([len(text) for text in texts_left], [len(text) for text in texts_right])
    if longest is None:
        common = cdist(texts_left, texts_right, scorer=LCSseq.similarity, dtype=np.float64)
        return np.asarray(np.where(lengths > 0, 2.0 * common / np.maximum(lengths, 1), 1.0))
    rows = [i for i, text in enumerate(texts_left) if len(text) <= longest]
    columns = [j for j, text in enumerate(texts_right) if len(text) <= longest]
    similar = np.where(lengths > 0, 2.0 * shared_ends(texts_left, texts_right) / np.maximum(lengths, 1), 1.0)
    if rows and columns:
        similar[np.ix_(rows, columns)] = _text_similarities(
            [texts_left[i] for i in rows], [texts_right[j] for j in columns]
        )
    return similar


def _box_similarities(left: Sequence[Hashable], right: Sequence[Hashable]) -> Matrix:
    one, two = np.array(left, dtype=np.float64)[:, None], np.array(right, dtype=np.float64)[None, :]
    shared = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    inside = np.maximum(shared, 0.0).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (one, two)]
    return np.asarray(inside / (areas[0] + areas[1] - inside))


def _aligned(reference: Slots, prediction: Slots, similar: Matrix) -> Alignment:
    padded = np.zeros((similar.shape[0] + 1, similar.shape[1] + 1))
    padded[:-1, :-1] = similar
    rows = _alignment(padded, reference, prediction)
    columns = _alignment(padded, reference.T, prediction.T)
    crossing = similar[
        reference[np.ix_([i for i, _ in rows], [k for k, _ in columns])],
        prediction[np.ix_([j for _, j in rows], [m for _, m in columns])],
    ]
    rows, columns = ([(mine, true) for true, mine in pairs] for pairs in (rows, columns))
    return Alignment(rows, columns, crossing.tolist(), reference.size + prediction.size)


def _alignment(padded: Matrix, one: Slots, two: Slots) -> list[tuple[int, int]]:
    """Lines of both tables that a best alignment pairs; a pair of lines is worth the best alignment of their slots."""
    worth = row_pair_savings(padded, one.tolist(), two.tolist(), padding=(padded.shape[0] - 1, padded.shape[1] - 1))
    worth = 2.0 * worth / (one.shape[1] + two.shape[1])
    best = np.zeros((len(one) + 1, len(two) + 1))
    for i in range(len(one)):
        step = best[i, :-1] + worth[i]
        np.maximum(step, best[i, 1:], out=step)
        np.maximum.accumulate(step, out=best[i + 1, 1:])
    pairs: list[tuple[int, int]] = []
    i, j = worth.shape
    while i and j:
        if best[i - 1, j - 1] + worth[i - 1, j - 1] == best[i, j]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif best[i - 1, j] == best[i, j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]
