"""The same recurrence compiled by numba: what leaving Python altogether would give. Nothing else needs numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from table_rewards.tables.tree_distance.equal_ends import equal_ends
from table_rewards.tables.trees.tree import Tree


@numba.njit(cache=True)
def _saving(left: Any, right: Any, gains: Any) -> float:
    """Trees with equal roots, as leftmost leaves in postorder without the root; ``gains`` is overwritten."""
    n, m = left.shape[0], right.shape[0]
    best = np.empty((n + 1, m + 1))
    best[:, 0] = 0.0
    for x in range(n + 1):
        if x < n and left[x] == x:
            continue
        first_x = 0 if x == n else left[x]
        for y in range(m + 1):
            if (y < m and right[y] == y) or (x == n) != (y == m):
                continue
            first_y = 0 if y == m else right[y]
            best[0, : y - first_y + 1] = 0.0
            for u in range(first_x, x):
                row, at, before = u - first_x + 1, left[u] - first_x, 0.0
                for v in range(first_y, y):
                    here = best[at, right[v] - first_y] + gains[u, v]
                    here = max(here, best[row - 1, v - first_y + 1], before)
                    best[row, v - first_y + 1] = before = here
            if x == n:
                return best[n, m]
            gains[x, y] += best[x - first_x, y - first_y]
    return 0.0


def compiled_distance(one: Tree, two: Tree) -> float:
    """Tree edit distance of two trees with equal roots; rows equal at both ends are cut off, as in our kernels."""
    if one.rows is not None and two.rows is not None:
        head, tail = equal_ends(list(one.rows), list(two.rows))
        one, two = (Tree.from_rows(tree.rows[head : len(tree.rows) - tail]) for tree in (one, two))
        if one.size == 1 or two.size == 1:
            return float(abs(one.size - two.size))
    n, m = one.size - 1, two.size - 1
    numbers: dict[object, int] = {}
    labels = [np.array([numbers.setdefault(label, len(numbers)) for label in t.labels[:-1]]) for t in (one, two)]
    gains = np.where(labels[0][:, None] == labels[1][None, :], 2.0, 1.0)
    unique: list[dict[str, int]] = [{}, {}]
    places, which = [], []
    for tree, found in zip((one, two), unique, strict=True):
        cells = [i for i, text in enumerate(tree.texts) if text is not None]
        places.append(np.array(cells, dtype=np.intp))
        which.append(np.array([found.setdefault(tree.texts[i] or "", len(found)) for i in cells], dtype=np.intp))
    if len(places[0]) and len(places[1]):
        texts = cdist(list(unique[0]), list(unique[1]), scorer=Levenshtein.normalized_distance, dtype=np.float64)
        block = np.ix_(*places)
        cells_gain = gains[block]
        np.subtract(cells_gain, texts[np.ix_(*which)], out=cells_gain, where=cells_gain == 2.0)
        gains[block] = cells_gain
    leftmost = [np.array(tree.leftmost[:-1], dtype=np.int64) for tree in (one, two)]
    return n + m - float(_saving(leftmost[0], leftmost[1], gains))
