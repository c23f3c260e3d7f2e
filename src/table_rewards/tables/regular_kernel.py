"""Exact tree edit distance of regular trees (``table > tr > td``), many predictions against one reference.

On postorder prefixes the greatest saving obeys ::

    S[u, v] = max(S[u-1, v], S[u, v-1], S[before(u), before(v)] + E[u, v])

where before(x) is the last node left of the whole subtree of x, and E[u, v] is what mapping u on v saves, with the best
mapping of what is below them. Four observations make it fast in numpy, none of them an approximation:

* E of two rows is 2 plus the best alignment of their cells: computed for all pairs of *different* rows at once
  (:mod:`table_rewards.tables.row_alignment`). The predictions of a group repeat the reference's rows and one another's.
* A cell on a row that has cells saves 1, but mapping the cell on a cell of that row saves at least 1: such pairs can be
  left out. A step for a cell is then an addition, a maximum and a running maximum.
* Rows equal at both ends of the two tables map on one another in some best mapping, so they are cut off before.
* The predictions of a group advance in lockstep, row by row, as one array: one numpy call does the step of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from table_rewards.tables.row_alignment import Indices, row_pair_savings
from table_rewards.tables.savings import Matrix, leaf_savings
from table_rewards.tables.tree import Leaf, Row, Tree

_LOCKSTEP: Final = 6_000_000  # numbers in the savings of one lockstep batch (48 MB)
_WIDE: Final = 4  # a prediction this many times the reference's size is run with the two exchanged


class Remainder(NamedTuple):
    """What is left of a pair when rows equal at both ends are cut off; ``left`` and ``right`` are row numbers."""

    place: int
    left: list[int]
    right: list[int]


def trimmed(left: list[int], right: list[int]) -> tuple[list[int], list[int]]:
    """Cut off equal rows at both ends.

    >>> trimmed([1, 2, 3, 9], [1, 3, 9])
    ([2], [])
    """
    shortest = min(len(left), len(right))
    head = 0
    while head < shortest and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < shortest - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    return left[head : len(left) - tail], right[head : len(right) - tail]


def regular_distances(predictions: Sequence[Tree], reference: Tree) -> list[float]:
    """Return the exact tree edit distance of each prediction to the reference; every tree must be regular.

    >>> regular_distances([Tree.from_rows([("a", "b")]), Tree.from_rows([])], Tree.from_rows([("a", "c")]))
    [1.0, 3.0]
    """
    numbers: dict[Row, int] = {}
    rows_of = [[numbers.setdefault(row, len(numbers)) for row in tree.rows or ()] for tree in predictions]
    rows_of_reference = [numbers.setdefault(row, len(numbers)) for row in reference.rows or ()]
    rows = list(numbers)
    sizes = [len(row) + 1 for row in rows]
    distances = [0.0] * len(predictions)
    remainders: list[Remainder] = []
    for index, numbered in enumerate(rows_of):
        left, right = trimmed(numbered, rows_of_reference)
        distances[index] = float(sum(sizes[i] for i in left) + sum(sizes[i] for i in right))
        if left and right:
            remainders.append(Remainder(index, left, right))
    if remainders:
        for remainder, saving in zip(remainders, _Group(rows, remainders).savings(), strict=True):
            distances[remainder.place] -= saving
    return distances


class _Group:
    """Remainders that share their rows' and cells' savings."""

    def __init__(self, rows: list[Row], remainders: list[Remainder]) -> None:
        self.remainders = remainders
        lefts = sorted({row for remainder in remainders for row in remainder.left})
        rights = sorted({row for remainder in remainders for row in remainder.right})
        cells_left: dict[Leaf, int] = {}
        cells_right: dict[Leaf, int] = {}
        self.left = {row: [cells_left.setdefault(leaf, len(cells_left)) for leaf in rows[row]] for row in lefts}
        self.right = {row: [cells_right.setdefault(leaf, len(cells_right)) for leaf in rows[row]] for row in rights}
        p, q = len(cells_left), len(cells_right)
        # Two more cell numbers a side: p (q) is a row that has cells, or nothing at all; p + 1 (q + 1) a row without.
        cells = np.zeros((p + 2, q + 2))
        if p and q:
            cells[:p, :q] = leaf_savings(list(cells_left), list(cells_right))
        cells[p + 1, :q] = cells[:p, q + 1] = 1.0  # an empty row is a leaf, and a leaf may be renamed into a cell
        self.cells = cells
        self.place_left = {row: place for place, row in enumerate(lefts)}
        self.place_right = {row: place for place, row in enumerate(rights)}
        self.rows = row_pair_savings(
            np.ascontiguousarray(cells[: p + 1, : q + 1]),
            [self.left[row] for row in lefts],
            [self.right[row] for row in rights],
        )
        self.rows += 2.0

    def savings(self) -> list[float]:
        """Return the greatest saving of each remainder."""
        p, q = self.cells.shape[0] - 2, self.cells.shape[1] - 2
        result = [0.0] * len(self.remainders)
        straight: list[tuple[int, _Side, _Side]] = []
        shared: dict[tuple[int, ...], _Side] = {}
        for position, remainder in enumerate(self.remainders):
            left = _Side.of(remainder.left, self.left, self.place_left, p)
            key = tuple(remainder.right)
            right = shared.get(key)
            if right is None:
                right = shared[key] = _Side.of(remainder.right, self.right, self.place_right, q)
            if left.size > _WIDE * right.size and left.size > 500:
                result[position] = _lockstep([right], [left], self.cells.T, self.rows.T)[0]
            else:
                straight.append((position, left, right))
        # Longest first: those that have ended are then always the last ones of the batch.
        straight.sort(key=lambda job: -len(job[1].ends))
        while straight:
            steps = width = count = 0
            for _, left, right in straight:
                steps, width = max(steps, left.size + left.size // 4), max(width, right.size)
                if count and steps * width * (count + 1) > _LOCKSTEP:
                    break
                count += 1
            batch, straight = straight[:count], straight[count:]
            found = _lockstep([job[1] for job in batch], [job[2] for job in batch], self.cells, self.rows)
            for (position, _, _), saving in zip(batch, found, strict=True):
                result[position] = saving
        return result


class _Side(NamedTuple):
    """One table of a pair as flat arrays.

    ``nodes``: cell number of each node in postorder, p for a row that has cells and p + 1 for one that has none;
    ``ends``: position of each row node; ``places``: place of each row in the row savings.
    """

    nodes: Indices
    ends: Indices
    places: Indices

    @property
    def size(self) -> int:
        return len(self.nodes)

    @classmethod
    def of(cls, numbered: list[int], cells: dict[int, list[int]], place: dict[int, int], p: int) -> _Side:
        nodes: list[int] = []
        ends: list[int] = []
        for row in numbered:
            nodes += cells[row]
            ends.append(len(nodes))
            nodes.append(p if cells[row] else p + 1)
        as_array = [nodes, ends, [place[row] for row in numbered]]
        return cls(*(np.array(values, dtype=np.intp) for values in as_array))


def _lockstep(lefts: list[_Side], rights: list[_Side], cells: Matrix, rows: Matrix) -> list[float]:
    """Run K pairs at once; ``lefts`` have their numbers of rows in descending order."""
    count = len(lefts)
    heights = [len(side.ends) for side in lefts]
    breadth = (
        max(side.size for side in rights) + 1
    )  # one idle column at the end: there a shorter pair carries its result
    row_columns = max(len(side.ends) for side in rights)
    widths = np.zeros((count, heights[0]), dtype=np.intp)  # cells of each row of each left table
    for k, side in enumerate(lefts):
        widths[k, : heights[k]] = np.diff(side.ends, prepend=-1) - 1
    last = np.cumsum(widths.max(axis=0) + 1) - 1  # the step of each row node; a row takes as many steps as its widest

    gains = np.zeros((int(last[-1]) + 1, count, breadth))
    row_gains = np.zeros((heights[0], count, row_columns))
    row_at = np.full(
        (count, row_columns), breadth - 1, dtype=np.intp
    )  # columns of the row nodes; the idle one for none
    row_from = np.zeros((count, row_columns), dtype=np.intp)  # where their subtrees begin
    columns_of: dict[int, Matrix] = {}
    for k, (left, right) in enumerate(zip(lefts, rights, strict=True)):
        columns = columns_of.get(id(right))
        if columns is None:
            columns = columns_of[id(right)] = cells.take(right.nodes, axis=1)
        steps = np.arange(left.size)
        if count > 1:
            own, begins = widths[k, : heights[k]], last[: heights[k]] - widths.max(axis=0)[: heights[k]]
            steps += np.repeat(begins - (left.ends - own), own + 1)
            steps[left.ends] = last[: heights[k]]
        gains[steps, k, : right.size] = columns.take(left.nodes, axis=0)
        here = len(right.ends)
        row_gains[: heights[k], k, :here] = rows.take(left.places, axis=0).take(right.places, axis=1)
        row_at[k, :here] = right.ends
        row_from[k, 1:here] = right.ends[:-1] + 1
    offsets = np.arange(count)[:, None]
    has_empty_rows = any((widths[k, :height] == 0).any() for k, height in enumerate(heights))
    return _sweep(
        gains,
        row_gains,
        row_at + offsets * breadth,
        row_from + offsets * (breadth + 1),
        last.tolist(),
        heights,
        has_empty_rows,
    )


def _sweep(
    gains: Matrix,
    row_gains: Matrix,
    row_at: Indices,
    row_from: Indices,
    last: list[int],
    heights: list[int],
    has_empty_rows: bool,
) -> list[float]:
    """Advance K dynamic programmes a node at a time; S keeps a zero column for "no node yet".

    ``gains`` is (steps, K, columns); ``row_gains`` (rows, K, rows of the reference); ``row_at`` and ``row_from``
    index the flattened S without and with its zero column.
    """
    count, breadth = gains.shape[1:]
    results = [0.0] * count
    add, maximum, running = np.add, np.maximum, np.maximum.accumulate
    current, other = np.zeros((count, breadth + 1)), np.zeros((count, breadth + 1))
    step_gain = np.empty((count, breadth))
    at_row_start = np.zeros(row_at.shape)
    active = count
    step = 0
    before, here, ahead = current[:, :-1], current[:, 1:], other[:, 1:]
    before_other = other[:, :-1]
    for row, row_step in enumerate(last):
        while heights[active - 1] <= row:  # that pair has ended; its result stands in the idle column
            active -= 1
            results[active] = float(current[active, -1])
            current, other, step_gain = current[:active], other[:active], step_gain[:active]
            gains, row_gains, at_row_start = gains[:, :active], row_gains[:, :active], at_row_start[:active]
            row_at, row_from = row_at[:active], row_from[:active]
            before, here, before_other, ahead = current[:, :-1], current[:, 1:], other[:, :-1], other[:, 1:]
        for gain in gains[step:row_step]:
            add(before, gain, out=step_gain)
            maximum(step_gain, here, out=step_gain)
            running(step_gain, axis=1, out=ahead)
            current, other = other, current
            before, before_other, here, ahead = before_other, before, ahead, here
        if has_empty_rows:
            add(before, gains[row_step], out=step_gain)
            maximum(step_gain, here, out=step_gain)
        else:
            step_gain[...] = here
        at_row_start += row_gains[row]
        maximum(at_row_start, step_gain.take(row_at), out=at_row_start)
        step_gain.reshape(-1)[row_at] = at_row_start
        running(step_gain, axis=1, out=ahead)
        current, other = other, current
        before, before_other, here, ahead = before_other, before, ahead, here
        current.take(row_from, out=at_row_start, mode="clip")
        step = row_step + 1
    for k in range(active):
        results[k] = float(current[k, -1])
    return results
