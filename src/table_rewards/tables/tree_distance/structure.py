"""Exact tree edit distance of structures: the texts are not looked at, so that very few kinds of rows are left.

Labels are the spans of cells; see :mod:`table_rewards.tables.tree_distance.labels`. Tables of very many rows are left
to the general kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from table_rewards.tables.table import Row
from table_rewards.tables.tree_distance.distance import MAX_COMPARISONS, Distance, lopsided, tree_edit_distances
from table_rewards.tables.tree_distance.labels import PLAIN, ROW, Words, label_distance
from table_rewards.tables.trees.tree import Tree

_SPANS_FROM: Final = 0x10000  # characters beyond those of plain cells and rows, one a span
_MAX_SPANS: Final = 0x100000


def structure_distances(
    predictions: Sequence[Tree],
    reference: Tree,
    max_comparisons: int = MAX_COMPARISONS,
) -> list[Distance]:
    """Return the tree edit distance of each prediction to the reference, were all texts empty.

    Arguments and result are those of :func:`table_rewards.tables.tree_distance.distance.tree_edit_distances`.

    >>> a, b = Tree.from_rows([("a", "b"), ("c",)]), Tree.from_rows([("x", "y"), ("z", "z")])
    >>> structure_distances([a, b], b)
    [Distance(value=1.0, exact=True), Distance(value=0.0, exact=True)]
    """
    results: list[Distance | None] = [None] * len(predictions)
    spans: dict[tuple[int, int], str] = {}
    right = None if reference.rows is None else _words(reference.rows, spans)
    known: dict[tuple[str, ...], Distance] = {}
    others: list[int] = []
    for index, tree in enumerate(predictions):
        if right is None or tree.rows is None or len(spans) > _MAX_SPANS:
            others.append(index)
            continue
        left = _words(tree.rows, spans)
        key = tuple(left)
        if key in known:
            results[index] = known[key]
            continue
        large = tree.size * reference.size > max_comparisons or lopsided(tree.size, reference.size)
        found = 0.0 if left == right else None if large else label_distance(left, right)
        if found is None:
            others.append(index)
        else:
            results[index] = known[key] = Distance(found)
    if others:
        structures = [predictions[i].structure() for i in others]
        solved = tree_edit_distances(structures, reference.structure(), max_comparisons)
        for index, distance in zip(others, solved, strict=True):
            results[index] = distance
    return [result for result in results if result is not None]


def _words(rows: Sequence[Row], spans: dict[tuple[int, int], str]) -> Words:
    words = []
    for row in rows:
        if tuple in map(type, row):
            labels = [
                PLAIN if isinstance(leaf, str) else spans.setdefault(leaf[1:], chr(_SPANS_FROM + len(spans)))
                for leaf in row
            ]
            words.append("".join(labels) + ROW)
        else:
            words.append(PLAIN * len(row) + ROW)
    return words
