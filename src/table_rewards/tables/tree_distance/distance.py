"""Tree edit distance of a group of predictions to their reference: the right kernel for each pair, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from table_rewards.tables.tree_distance.bound import bounded_distance
from table_rewards.tables.tree_distance.irregular import irregular_distance, irregular_work
from table_rewards.tables.tree_distance.node_savings import MAX_CHARACTER_PAIRS as _CHARACTER_PAIRS
from table_rewards.tables.tree_distance.regular import regular_distances
from table_rewards.tables.trees.tree import Tree

MAX_COMPARISONS: Final = 10_000_000
"""Node pairs up to which a distance is computed exactly: two tables of some 3,000 cells, about half a second."""


MAX_RATIO: Final = 64
"""A table of more than 4,096 nodes and this many times the other's is not compared exactly: it scores below 1 / 64."""


class Distance(NamedTuple):
    """A tree edit distance; when not ``exact``, one that the true distance does not exceed."""

    value: float
    exact: bool = True


def tree_edit_distances(
    predictions: Sequence[Tree],
    reference: Tree,
    max_comparisons: int = MAX_COMPARISONS,
    floors: Sequence[float] | None = None,
    exact_numbers: bool = False,
) -> list[Distance]:
    """Return the tree edit distance of each prediction to the reference.

    Cost model: 1 to insert or delete a node; to rename, 1 between different labels, and between two cells of equal
    spans the Levenshtein distance of their texts divided by the longer one's length (arXiv 1911.10683).

    Args:
        predictions: trees, in any number; equal trees are computed once.
        reference: the tree that all of them are compared with.
        max_comparisons: beyond this many node pairs an upper bound is returned, see
            :func:`table_rewards.tables.tree_distance.bound.bounded_distance`.
        floors: for each prediction a distance that the true one does not fall below, if known (that of the structures,
            say); only speed depends on it.
        exact_numbers: whether it costs 1 to rename a number into another one, however many digits they share.

    >>> a, b = Tree.from_rows([("ab", "x")]), Tree.from_rows([("ac", "x")])
    >>> tree_edit_distances([a, b], b)
    [Distance(value=0.5, exact=True), Distance(value=0.0, exact=True)]
    """
    results: list[Distance | None] = [None] * len(predictions)
    regular: list[int] = []
    for index, tree in enumerate(predictions):
        if tree == reference:
            results[index] = Distance(0.0)
        elif lopsided(tree.size, reference.size):
            results[index] = Distance(bounded_distance(tree, reference, 0, exact_numbers), exact=False)
        elif tree.size * reference.size > max_comparisons:
            results[index] = Distance(bounded_distance(tree, reference, max_comparisons, exact_numbers), exact=False)
        elif tree.rows is not None and reference.rows is not None:
            regular.append(index)
        elif irregular_work(tree, reference) > 8 * max_comparisons:
            results[index] = Distance(bounded_distance(tree, reference, max_comparisons, exact_numbers), exact=False)
        else:
            value = irregular_distance(tree, reference, exact_numbers)
            results[index] = Distance(value, exact=not long_texts(tree, reference))
    least = [floors[i] for i in regular] if floors else None
    if regular and sum(map(_characters, (predictions[i] for i in regular))) * _characters(reference) > _CHARACTER_PAIRS:
        for index in regular:  # one by one: what is too long for a group may be affordable alone
            value = regular_distances([predictions[index]], reference, None, exact_numbers)[0]
            results[index] = Distance(value, exact=value == 0.0 or not long_texts(predictions[index], reference))
        regular = []
    found = regular_distances([predictions[i] for i in regular], reference, least, exact_numbers) if regular else []
    for index, value in zip(regular, found, strict=True):
        results[index] = Distance(value)
    return [result for result in results if result is not None]


def long_texts(one: Tree, other: Tree) -> bool:
    """Whether the texts of two tables may be too long to be compared in full."""
    return _characters(one) * _characters(other) > _CHARACTER_PAIRS


def _characters(tree: Tree) -> int:
    if tree.rows is None:
        return sum(len(text) for text in tree.texts if text)
    total = 0
    for row in tree.rows:
        try:
            total += len("".join(row))  # type: ignore[arg-type]
        except TypeError:  # a cell that spans more than one slot
            total += sum([len(leaf) if isinstance(leaf, str) else len(leaf[0]) for leaf in row])
    return total


def lopsided(one: int, other: int) -> bool:
    """Whether a table is so much larger than the other that they are not compared exactly; in nodes."""
    return max(one, other) > max(4_096, MAX_RATIO * min(one, other))
