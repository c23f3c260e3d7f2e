"""Exact tree edit distance of regular trees (``table > tr > td``), many predictions against one reference.

On postorder prefixes the greatest saving obeys ::

    S[u, v] = max(S[u-1, v], S[u, v-1], S[before(u), before(v)] + E[u, v])

where before(x) is the last node left of the whole subtree of x, and E[u, v] is what mapping u on v saves, with the best
mapping of what is below them. These observations make it fast in numpy, none of them an approximation:

* E of two rows is 2 plus the best alignment of their cells: computed for all pairs of *different* rows at once
  (:mod:`table_rewards.tables.tree_distance.rows`). The predictions of a group repeat the reference's rows and one
  another's.
* A cell on a row that has cells saves 1, but mapping the cell on a cell of that row saves at least 1: such pairs can be
  left out. A step for a cell is then an addition, a maximum and a running maximum.
* Rows equal at both ends of the two tables map on one another in some best mapping, so they are cut off before.
* Where a mapping is found that costs no more than a lower bound, it is the best: the distance of the structures, and
  for each cell the most similar one of the other table. Most damage that is not to texts is settled so.
* Small predictions of a group advance in lockstep, row by row, as one array: one numpy call does the step of all. Large
  ones run alone, inside a band around the diagonal (:mod:`table_rewards.tables.tree_distance.dynamic_programme`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from operator import ne
from typing import Final, NamedTuple

import numpy as np

from table_rewards.tables.table import Row
from table_rewards.tables.tree_distance.dynamic_programme import Job, Side, alone, lockstep
from table_rewards.tables.tree_distance.equal_ends import equal_ends
from table_rewards.tables.tree_distance.labels import Letters, costs_no_more
from table_rewards.tables.tree_distance.node_savings import Matrix, leaf_savings, plain_first
from table_rewards.tables.tree_distance.rows import row_pair_savings
from table_rewards.tables.trees.tree import Tree

_LARGE: Final = 40_000  # node pairs from which a pair runs alone
_WIDE: Final = 4  # a prediction this many times the reference's size is run with the two exchanged
_ROUNDING: Final = 1e-11
_BATCH: Final = 4_000_000  # numbers in the savings of one lockstep batch (32 MB)


class Remainder(NamedTuple):
    """What is left of a pair when the rows equal at both ends are cut off.

    ``places``: the predictions of which this is left; ``left``: row numbers of the prediction; ``first`` and
    ``behind``: the rows of the reference, as a range.
    """

    places: list[int]
    left: list[int]
    first: int
    behind: int


def regular_distances(
    predictions: Sequence[Tree],
    reference: Tree,
    floors: Sequence[float] | None = None,
    exact_numbers: bool = False,
) -> list[float]:
    """Return the exact tree edit distance of each prediction to the reference; every tree must be regular.

    ``floors``, if known, are distances that the true ones do not fall below: a mapping that costs no more is the best.
    With ``exact_numbers`` it costs 1 to rename a number into another one.

    >>> regular_distances([Tree.from_rows([("a", "b")]), Tree.from_rows([])], Tree.from_rows([("a", "c")]))
    [1.0, 3.0]
    """
    numbers: dict[Row, int] = {}
    right = [numbers.setdefault(row, len(numbers)) for row in reference.rows or ()]
    rows: list[Row] = list(numbers)
    distances = [0.0] * len(predictions)
    remainders: dict[tuple[int, ...], Remainder] = {}
    letters = Letters()
    for place, tree in enumerate(predictions):
        left = [numbers.setdefault(row, len(numbers)) for row in tree.rows or ()]
        rows.extend(islice(numbers, len(rows), None))
        head, tail = equal_ends(left, right)
        rest, behind = left[head : len(left) - tail], len(right) - tail
        opposite = right[head:behind]
        if _contained(rest, opposite) or _contained(opposite, rest):  # whoever is larger must lose that many nodes
            distances[place] = float(abs(tree.size - reference.size))
            continue
        if floors and len(rest) == len(opposite) and _in_order(rows, rest, opposite) == floors[place]:
            distances[place] = floors[place]
            continue
        if (
            floors
            and floors[place]
            and costs_no_more([rows[row] for row in rest], [rows[row] for row in opposite], floors[place], letters)
        ):
            distances[place] = floors[place]
            continue
        known = remainders.setdefault((head, behind, *rest), Remainder([], rest, head, behind))
        known.places.append(place)
    if remainders:
        distinct = list(remainders.values())
        for remainder, distance in zip(distinct, _Group(rows, right, distinct, exact_numbers).distances(), strict=True):
            for place in remainder.places:
                distances[place] = distance
    return distances


def _contained(shorter: list[int], longer: list[int]) -> bool:
    """Whether the rows of one are all in the other, in the same order."""
    remaining = iter(longer)
    return len(shorter) <= len(longer) and all(row in remaining for row in shorter)


def _in_order(rows: Sequence[Row], left: list[int], right: list[int]) -> int:
    """At most what it costs to map each row on the one at its place, and each cell likewise; -1 if they do not fit."""
    cost = 0
    for one, other in zip(left, right, strict=True):
        if one != other:
            if len(rows[one]) != len(rows[other]):
                return -1
            cost += sum(map(ne, rows[one], rows[other]))
    return cost


def _in_place(savings: Matrix, left: list[list[int]], right: list[list[int]]) -> float | None:
    """The distance of tables of one structure, where mapping each cell on the one at its place is seen to be best.

    No cell of a table costs less than renaming it into the most similar one of the other table, whatever the mapping.
    """
    if len(left) != len(right) or list(map(len, left)) != list(map(len, right)):
        return None
    ours, theirs = list(chain.from_iterable(left)), list(chain.from_iterable(right))
    if not ours:
        return 0.0
    gained = float(savings[ours, theirs].sum())
    if float(savings.max(axis=1)[ours].sum()) > gained + _ROUNDING and (
        float(savings.max(axis=0)[theirs].sum()) > gained + _ROUNDING
    ):
        return None
    return 2.0 * len(ours) - gained


class _Group:
    """Remainders against one reference, with the savings of cells and rows that they share."""

    def __init__(self, rows: list[Row], reference: list[int], remainders: list[Remainder], exact_numbers: bool) -> None:
        self.remainders = remainders
        self.first = min(remainder.first for remainder in remainders)
        right = reference[self.first : max(remainder.behind for remainder in remainders)]
        lefts = sorted({row for remainder in remainders for row in remainder.left})
        rights = sorted(set(right))
        cells_left = plain_first(leaf for row in lefts for leaf in rows[row])
        cells_right = plain_first(leaf for row in rights for leaf in rows[row])
        number_left = {leaf: number for number, leaf in enumerate(cells_left)}
        number_right = {leaf: number for number, leaf in enumerate(cells_right)}
        self.left = {row: [number_left[leaf] for leaf in rows[row]] for row in lefts}
        below = {row: [number_right[leaf] for leaf in rows[row]] for row in rights}
        p, q = len(cells_left), len(cells_right)
        # Two more cell numbers a side: p (q) is a row that has cells, or nothing at all; p + 1 (q + 1) a row without.
        cells = np.empty((p + 2, q + 2))
        cells[p:], cells[:, q:] = 0.0, 0.0
        if p and q:
            leaf_savings(cells_left, cells_right, cells[:p, :q], exact_numbers)
        cells[p + 1, :q] = cells[:p, q + 1] = 1.0  # an empty row is a leaf, and a leaf may be renamed into a cell
        self.decided = [
            _in_place(cells[:p, :q], *self._cells_of(below, reference, remainder)) for remainder in remainders
        ]
        if None not in self.decided:
            return
        aligned = row_pair_savings(cells, list(self.left.values()), list(below.values()), padding=(p, q))
        aligned += 2.0
        self.right = Side.of([below[row] for row in right], q)
        self.gains = cells.take(self.right.nodes, axis=1)  # cell of the predictions x node of the reference
        place = {row: at for at, row in enumerate(rights)}
        self.row_gains = aligned.take([place[row] for row in right], axis=1)  # row of the predictions x row
        self.place = {row: at for at, row in enumerate(lefts)}
        self.empty = p

    def _cells_of(
        self, below: dict[int, list[int]], reference: list[int], remainder: Remainder
    ) -> tuple[list[list[int]], list[list[int]]]:
        opposite = reference[remainder.first : remainder.behind]
        return [self.left[row] for row in remainder.left], [below[row] for row in opposite]

    def distances(self) -> list[float]:
        """Return the distance of each remainder."""
        results = [0.0 if known is None else known for known in self.decided]
        together: list[tuple[int, Job]] = []
        for at, remainder in enumerate(self.remainders):
            if self.decided[at] is not None:
                continue
            left = Side.of([self.left[row] for row in remainder.left], self.empty)
            places = np.array([self.place[row] for row in remainder.left], dtype=np.intp)
            right, nodes, rows = self.right.part(remainder.first - self.first, remainder.behind - self.first)
            job = Job(left, right, self.gains[:, nodes], self.row_gains[:, rows], places)
            results[at] = float(left.size + right.size)
            if left.size * right.size >= _LARGE:
                results[at] -= alone(job.exchanged() if left.size > _WIDE * right.size else job)
            else:
                together.append((at, job))
        if len(together) == 1:
            ((at, job),) = together
            results[at] -= alone(job, bound=results[at])
            return results
        # Those with the most rows first: the ones that have ended are then always the last of the batch.
        together.sort(key=lambda item: -len(item[1].left.ends))
        while together:
            count = _batch_size([job for _, job in together])
            batch, together = together[:count], together[count:]
            for (at, _), saving in zip(batch, lockstep([job for _, job in batch]), strict=True):
                results[at] -= saving
        return results


def _batch_size(jobs: list[Job]) -> int:
    """How many of the first jobs fit into one lockstep batch; at least one."""
    height = width = 0
    for count, job in enumerate(jobs):
        height, width = max(height, job.left.size), max(width, job.right.size)
        if count and (count + 1) * height * width > _BATCH:
            return count
    return len(jobs)
