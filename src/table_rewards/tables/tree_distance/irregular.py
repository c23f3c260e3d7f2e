"""Exact tree edit distance of any two trees: sections, captions, nested tables, header cells with markup.

The recurrence is that of :mod:`table_rewards.tables.tree_distance.regular`, on a full matrix E of node x node. A node
whose children are all leaves is called a row, whatever its tag; pairs of rows are aligned all at once, and so is a
whole subtree against all rows of the other tree, since nothing below a row needs E of inner nodes.
"""

from __future__ import annotations

import numpy as np

from table_rewards.tables.tree_distance.node_savings import Matrix, text_savings
from table_rewards.tables.tree_distance.rows import Indices, row_pair_savings
from table_rewards.tables.trees.tree import Label, Tree


def irregular_distance(a: Tree, b: Tree, exact_numbers: bool = False) -> float:
    """Return the exact tree edit distance between any two trees; with ``exact_numbers`` it costs 1 to rename a number
    into another one.

    >>> irregular_distance(Tree.from_rows([("ab", "x")]), Tree.from_rows([("ac",)]))
    1.5
    """
    left, right = Nodes(a), Nodes(b)
    trim(left, right)
    return left.size + right.size - _saving(left, right, exact_numbers)


def irregular_work(a: Tree, b: Tree) -> int:
    """Return how many updates :func:`irregular_distance` makes for the two trees; a numpy call counts as 300."""
    left, right = Nodes(a), Nodes(b)
    spans = [sum(x - int(side.leftmost[x]) for x in side.inner) for side in (left, right)]
    updates = 2 * a.size * b.size + spans[0] * spans[1] + spans[0] * b.size + spans[1] * a.size
    return updates + 300 * (spans[0] * (len(right.inner) + 1) + spans[1])


class Nodes:
    """A forest in postorder as arrays. ``rows``: inner nodes with leaves alone below; ``inner``: all other inner
    nodes."""

    def __init__(self, tree: Tree) -> None:
        self.labels: list[Label] = list(tree.labels)
        self.texts: list[str | None] = list(tree.texts)
        self.starts: list[int] = list(tree.leftmost)
        self._index()

    def _index(self) -> None:
        self.size = len(self.labels)
        self.leftmost: Indices = np.array(self.starts, dtype=np.intp)
        leaf = self.leftmost == np.arange(self.size)
        size_before = np.concatenate(([0], np.cumsum(leaf)))
        nodes = np.flatnonzero(~leaf)
        row = size_before[nodes] - size_before[self.leftmost[nodes]] == nodes - self.leftmost[nodes]
        self.rows: list[int] = nodes[row].tolist()
        self.inner: list[int] = nodes[~row].tolist()

    def children_of_last(self) -> list[tuple[int, int]]:
        """The subtrees below the last node, as (first, behind) ranges."""
        found: list[tuple[int, int]] = []
        end = self.size - 2
        while end >= self.starts[-1] and end >= 0:
            found.append((self.starts[end], end + 1))
            end = self.starts[end] - 1
        return found[::-1]

    def subtree(self, bounds: tuple[int, int]) -> tuple[list[Label], list[str | None], list[int]]:
        first, behind = bounds
        starts = [start - first for start in self.starts[first:behind]]
        return self.labels[first:behind], self.texts[first:behind], starts

    def keep(self, first: int, behind: int) -> None:
        self.labels, self.texts = self.labels[first:behind], self.texts[first:behind]
        self.starts = [start - first for start in self.starts[first:behind]]
        self._index()


def trim(left: Nodes, right: Nodes) -> None:
    """Cut off, in place, equal roots and the equal subtrees at both ends below them, as long as there are any.

    Exact: roots of equal label map on each other, and so do equal first (last) subtrees of a forest, in some best
    mapping.
    """
    while left.size and right.size and left.starts[-1] == right.starts[-1] == 0:
        if left.labels[-1] != right.labels[-1] or left.texts[-1] is not None or right.texts[-1] is not None:
            return
        ours, theirs = left.children_of_last(), right.children_of_last()
        shortest = min(len(ours), len(theirs))
        head = 0
        while head < shortest and left.subtree(ours[head]) == right.subtree(theirs[head]):
            head += 1
        tail = 0
        while tail < shortest - head and left.subtree(ours[-1 - tail]) == right.subtree(theirs[-1 - tail]):
            tail += 1
        for side, children in ((left, ours), (right, theirs)):
            kept = children[head : len(children) - tail]
            side.keep(*((kept[0][0], kept[-1][1]) if kept else (0, 0)))


def _saving(a: Nodes, b: Nodes, exact_numbers: bool) -> float:
    if not a.size or not b.size:
        return 0.0
    return _forests(subtree_savings(a, b, exact_numbers), a, b, (0, a.size), (0, b.size))


def subtree_savings(a: Nodes, b: Nodes, exact_numbers: bool) -> Matrix:
    """What mapping node on node saves with the best mapping of what is below them, for every pair of nodes."""
    gains = node_savings(a, b, exact_numbers)
    size_a, size_b = gains.shape
    if a.rows and b.rows:
        padded = np.zeros((size_a + 1, size_b + 1))
        padded[:-1, :-1] = gains
        below_a = [range(int(a.leftmost[x]), x) for x in a.rows]
        below_b = [range(int(b.leftmost[y]), y) for y in b.rows]
        aligned = row_pair_savings(padded, below_a, below_b, padding=(size_a, size_b))
    plain = gains.copy()  # what is below a row are leaves, and E of a leaf is its own saving
    if a.rows and b.rows:
        gains[np.ix_(a.rows, b.rows)] += aligned
    for x in a.inner:
        if b.rows:
            gains[x, b.rows] += _against_rows(plain, a, x, b)
    for y in b.inner:
        if a.rows:
            gains[a.rows, y] += _against_rows(plain.T, b, y, a)
    for x in a.inner:
        for y in b.inner:
            gains[x, y] += _forests(gains, a, b, (int(a.leftmost[x]), x), (int(b.leftmost[y]), y))
    return gains


def _forests(gains: Matrix, a: Nodes, b: Nodes, span_a: tuple[int, int], span_b: tuple[int, int]) -> float:
    """Greatest saving of mapping the forest of nodes ``span_a`` onto ``span_b``; E known for all pairs inside."""
    return float(forest_savings(gains, a, b, span_a, span_b)[-1, -1])


def forest_savings(gains: Matrix, a: Nodes, b: Nodes, span_a: tuple[int, int], span_b: tuple[int, int]) -> Matrix:
    """Greatest savings of mapping the first nodes of ``span_a`` onto the first ones of ``span_b``, for all numbers of
    nodes."""
    (first_a, behind_a), (first_b, behind_b) = span_a, span_b
    best = np.zeros((behind_a - first_a + 1, behind_b - first_b + 1))
    before = b.leftmost[first_b:behind_b] - first_b
    for u in range(first_a, behind_a):
        at = u - first_a
        step = best[a.starts[u] - first_a].take(before)
        step += gains[u, first_b:behind_b]
        np.maximum(step, best[at, 1:], out=step)
        np.maximum.accumulate(step, out=best[at + 1, 1:])
    return best


def _against_rows(gains: Matrix, a: Nodes, x: int, b: Nodes) -> Matrix:
    """Greatest saving of mapping the forest below ``x`` onto the leaves below each row of ``b``."""
    first = int(a.leftmost[x])
    begins = b.leftmost[b.rows]
    widths = np.array(b.rows) - begins
    slots = begins[:, None] + np.arange(int(widths.max()))[None, :]
    outside = slots >= np.array(b.rows)[:, None]
    np.minimum(slots, b.size - 1, out=slots)
    best = np.zeros((x - first + 1, len(b.rows), slots.shape[1] + 1))
    for u in range(first, x):
        at = u - first
        step = gains[u].take(slots)
        step[outside] = 0.0
        step += best[a.starts[u] - first, :, :-1]
        np.maximum(step, best[at, :, 1:], out=step)
        np.maximum.accumulate(step, axis=1, out=best[at + 1, :, 1:])
    return np.asarray(best[-1, :, -1])


def node_savings(a: Nodes, b: Nodes, exact_numbers: bool) -> Matrix:
    """2 - rename for every pair of nodes."""
    numbers: dict[Label, int] = {}
    labels = [np.array([numbers.setdefault(label, len(numbers)) for label in side.labels]) for side in (a, b)]
    same = labels[0][:, None] == labels[1][None, :]
    gains = np.where(same, 2.0, 1.0)
    cells = [[i for i, text in enumerate(side.texts) if text is not None] for side in (a, b)]
    if cells[0] and cells[1]:
        texts: list[dict[str, int]] = [{}, {}]
        which = [
            np.array([found.setdefault(side.texts[i] or "", len(found)) for i in places])
            for side, places, found in zip((a, b), cells, texts, strict=True)
        ]
        similar = text_savings(list(texts[0]), list(texts[1]), None, exact_numbers)
        block = np.ix_(cells[0], cells[1])
        gains[block] = np.where(same[block], similar[np.ix_(which[0], which[1])], 1.0)
    for i in {index for index, text in enumerate(a.texts) if text is None} if cells[1] else ():
        gains[i, cells[1]] = 1.0
    for j in {index for index, text in enumerate(b.texts) if text is None} if cells[0] else ():
        gains[cells[0], j] = 1.0
    return gains
