"""What is returned when a pair of tables is too large for the exact distance: a bound, from a mapping that can be
stated.

Rows that are equal are mapped on one another as far as their order allows (longest common subsequence); between two
such rows the rest is solved exactly as long as the budget lasts; where it does not last, the rows that are left are
mapped in order, the first on the first, and their cells likewise. Every mapping costs at least the true distance,
so the similarity never exceeds the true one: there is nothing to gain from being too large. The bound depends on
the two tables alone.
"""

from __future__ import annotations

from itertools import zip_longest

from rapidfuzz.distance import LCSseq

from table_rewards.tables.table import Leaf, Row
from table_rewards.tables.tree_distance.regular import regular_distances
from table_rewards.tables.trees.tree import Tree

_MAX_ROWS = 20_000  # of either table; the longest common subsequence of more is not looked for


def bounded_distance(a: Tree, b: Tree, budget: int, exact_numbers: bool = False) -> float:
    """Return an upper bound of the tree edit distance.

    Args:
        a: a tree.
        b: another.
        budget: node pairs that may be solved exactly.
        exact_numbers: whether it costs 1 to rename a number into another one.

    >>> a = Tree.from_rows([("a", "b"), ("x",), ("c", "d")])
    >>> b = Tree.from_rows([("a", "b"), ("y",), ("z",), ("c", "d")])
    >>> bounded_distance(a, b, budget=0), bounded_distance(a, b, budget=1000)
    (3.0, 3.0)
    """
    if a.rows is None or b.rows is None:
        same_root = a.labels[-1] == b.labels[-1]
        return float(a.size + b.size - (2 if same_root else 1))
    distance = 0.0
    for left, right in _gaps(a.rows, b.rows):
        tree_left, tree_right = Tree.from_rows(left), Tree.from_rows(right)
        work = tree_left.size * tree_right.size
        if not left or not right:
            distance += tree_left.size + tree_right.size - 2
        elif work <= budget:
            budget -= work
            distance += regular_distances([tree_left], tree_right, None, exact_numbers)[0]
        else:
            distance += sum(map(_in_order, left, right))
            over = (left if len(left) > len(right) else right)[min(len(left), len(right)) :]
            distance += len(over) + sum(map(len, over))
    return distance


def _gaps(left: tuple[Row, ...], right: tuple[Row, ...]) -> list[tuple[tuple[Row, ...], tuple[Row, ...]]]:
    """The stretches of rows between those of a longest common subsequence."""
    if max(len(left), len(right)) > _MAX_ROWS:
        return [(left, right)]
    numbers: dict[Row, int] = {}
    numbered = [[numbers.setdefault(row, len(numbers)) for row in rows] for rows in (left, right)]
    gaps = []
    at_left = at_right = 0
    for block in LCSseq.opcodes(*numbered):
        if block.tag == "equal":
            gaps.append((left[at_left : block.src_start], right[at_right : block.dest_start]))
            at_left, at_right = block.src_end, block.dest_end
    gaps.append((left[at_left:], right[at_right:]))
    return gaps


def _in_order(left: Row, right: Row) -> float:
    """Cost of mapping a row on a row, its first cell on the first."""
    if left == right:
        return 0.0
    pairs: zip_longest[tuple[Leaf | None, Leaf | None]] = zip_longest(left, right)
    return sum(0.0 if x == y else 1.0 for x, y in pairs)
