"""The edits behind a tree edit distance: which node became which, and what each step costs.

Computed from the same savings as the distance, by walking back through the dynamic programme of
:mod:`table_rewards.tables.tree_distance.irregular`: the costs of the edits add up to the distance.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from table_rewards.tables.tree_distance.distance import MAX_COMPARISONS, long_texts, tree_edit_distances
from table_rewards.tables.tree_distance.irregular import Nodes, forest_savings, node_savings, subtree_savings
from table_rewards.tables.trees.tree import Tree

KEPT: Final = "kept"
CHANGED: Final = "changed"
SPANS: Final = "spans"
RENAMED: Final = "renamed"
INSERTED: Final = "inserted"
DELETED: Final = "deleted"

_LONGEST_MARKED: Final = 20_000  # characters of two texts together whose changes are marked one by one


class Node(NamedTuple):
    """A node of a table's tree. ``row`` counts the rows, ``position`` the cells within one, both from 0; -1 where the
    node is neither a row nor in one. ``text`` is None for all but cells."""

    tag: str
    text: str | None
    colspan: int
    rowspan: int
    row: int
    position: int


class Change(NamedTuple):
    """A stretch of a text: ``equal``, ``replace``, ``delete`` (too much in the prediction) or ``insert`` (missing)."""

    kind: str
    prediction: str
    reference: str


class Edit(NamedTuple):
    """One step from the prediction to the reference.

    ``kind``: ``kept``, ``changed`` (a cell's text), ``spans`` (a cell of other spans), ``renamed`` (another tag),
    ``deleted`` (only the prediction has the node) or ``inserted`` (only the reference has it). ``characters`` marks the
    text of a changed cell.
    """

    kind: str
    cost: float
    prediction: Node | None
    reference: Node | None
    characters: tuple[Change, ...] = ()


class TreeAlignment(NamedTuple):
    """All edits, in the order of the reference as far as it goes, and the distance that they add up to.

    Where the pair is too large for the exact distance there are no edits, and ``distance`` is an upper bound.
    """

    edits: tuple[Edit, ...]
    distance: float
    exact: bool = True


def tree_alignment(
    prediction: Tree, reference: Tree, max_comparisons: int = MAX_COMPARISONS, exact_numbers: bool = False
) -> TreeAlignment:
    """Return the edits of a least costly way from the prediction to the reference.

    Arguments are those of :func:`table_rewards.tables.tree_distance.distance.tree_edit_distances`. Takes as much memory
    as node pairs, and the time of the slower kernel: for looking at a sample, not for scoring.

    >>> found = tree_alignment(Tree.from_rows([("ab", "x")]), Tree.from_rows([("ac",)]))
    >>> [(edit.kind, edit.cost) for edit in found.edits], found.distance
    ([('changed', 0.5), ('deleted', 1.0), ('kept', 0.0), ('kept', 0.0)], 1.5)
    """
    known = tree_edit_distances([prediction], reference, max_comparisons, None, exact_numbers)[0]
    if not known.exact and not _only_texts_are_long(prediction, reference, max_comparisons):
        return TreeAlignment((), known.value, exact=False)
    left, right = Nodes(prediction), Nodes(reference)
    pairs = dict(_mapping(left, right, exact_numbers))
    renames = node_savings(left, right, exact_numbers)
    nodes_left, nodes_right = _described(prediction), _described(reference)
    edits: list[Edit] = []
    mapped_from = {theirs: ours for ours, theirs in pairs.items()}
    ours = 0
    for theirs in range(right.size):
        partner = mapped_from.get(theirs)
        if partner is None:
            edits.append(Edit(INSERTED, 1.0, None, nodes_right[theirs]))
            continue
        edits += [Edit(DELETED, 1.0, nodes_left[node], None) for node in range(ours, partner) if node not in pairs]
        ours = partner + 1
        edits.append(_renaming(nodes_left[partner], nodes_right[theirs], float(2.0 - renames[partner, theirs])))
    edits += [Edit(DELETED, 1.0, nodes_left[node], None) for node in range(ours, left.size) if node not in pairs]
    return TreeAlignment(tuple(edits), known.value, known.exact)


def _only_texts_are_long(prediction: Tree, reference: Tree, max_comparisons: int) -> bool:
    return prediction.size * reference.size <= max_comparisons and long_texts(prediction, reference)


def _mapping(left: Nodes, right: Nodes, exact_numbers: bool) -> list[tuple[int, int]]:
    """Pairs of nodes that a best mapping maps on one another."""
    if not left.size or not right.size:
        return []
    gains = subtree_savings(left, right, exact_numbers)
    pairs: list[tuple[int, int]] = []
    forests = [((0, left.size), (0, right.size))]
    while forests:
        (first_left, u), (first_right, v) = span_left, span_right = forests.pop()
        if u == first_left or v == first_right:
            continue
        best = forest_savings(gains, left, right, span_left, span_right)
        while u > first_left and v > first_right:
            x, y = u - 1, v - 1
            start_left, start_right = left.starts[x], right.starts[y]
            value = best[u - first_left, v - first_right]
            together = best[start_left - first_left, start_right - first_right] + gains[x, y]
            if together == value:
                pairs.append((x, y))
                forests.append(((start_left, x), (start_right, y)))
                u, v = start_left, start_right
            elif best[x - first_left, v - first_right] == value:
                u = x
            else:
                v = y
    return pairs


def _renaming(prediction: Node, reference: Node, cost: float) -> Edit:
    if cost == 0.0:
        return Edit(KEPT, 0.0, prediction, reference)
    if prediction.tag != reference.tag or prediction.text is None or reference.text is None:
        return Edit(RENAMED, cost, prediction, reference)
    changes = _changes(prediction.text, reference.text)
    if (prediction.colspan, prediction.rowspan) != (reference.colspan, reference.rowspan):
        return Edit(SPANS, cost, prediction, reference, changes if prediction.text != reference.text else ())
    return Edit(CHANGED, cost, prediction, reference, changes)


def _changes(prediction: str, reference: str) -> tuple[Change, ...]:
    if len(prediction) + len(reference) > _LONGEST_MARKED:
        return (Change("replace", prediction, reference),)
    return tuple(
        Change(step.tag, prediction[step.src_start : step.src_end], reference[step.dest_start : step.dest_end])
        for step in Levenshtein.opcodes(prediction, reference)
    )


def _described(tree: Tree) -> list[Node]:
    """The nodes of a tree with their places."""
    leftmost, labels, texts = np.array(tree.leftmost), tree.labels, tree.texts
    rows, positions = [-1] * tree.size, [-1] * tree.size
    number = 0
    for index, label in enumerate(labels):
        if label.tag == "tr":
            first, position = int(leftmost[index]), 0
            rows[index] = number
            for child in range(first, index):
                if rows[child] < 0:
                    rows[child] = number
                    if texts[child] is not None:
                        positions[child] = position
                        position += 1
            number += 1
    return [
        Node(label.tag, text, label.colspan, label.rowspan, row, position)
        for label, text, row, position in zip(labels, texts, rows, positions, strict=True)
    ]
