"""Tables that a policy can write without reading the layout: the zero points of TEDS, cell F1 and GriTS."""

from __future__ import annotations

from typing import Final

from table_rewards.tables.table import Leaf
from table_rewards.tables.trees.tree import Tree

USUAL_SIZE: Final = (5, 4)
"""Rows and columns of the empty grid where the reference itself is a plain grid."""
MAX_CELLS: Final = 20_000


def blind_trees(reference: Tree, *, structure_alone: bool, wrapped: bool = False) -> list[Tree]:
    """The tables of the stated blind strategies: every cell in reading order in one row; where only the structure
    counts, an empty grid; ``wrapped``: the cells in reading order in rows of as many cells as the reference has
    columns, of one fewer and of one more, for a metric that aligns rows.

    The grid has the reference's size. Where the reference is such a grid, it would be the right answer: there it is one
    of :data:`USUAL_SIZE`. A table that equals the reference is no strategy, and left out.

    >>> spans = Tree.from_rows([(("a", 2, 1),), ("c", "d")])
    >>> [tree.rows for tree in blind_trees(spans, structure_alone=True)]
    [((('a', 2, 1), 'c', 'd'),), (('', ''), ('', ''))]
    >>> square = Tree.from_rows([("a", "b"), ("c", "d")])
    >>> [tree.rows for tree in blind_trees(square, structure_alone=False, wrapped=True)]
    [(('a', 'b', 'c', 'd'),), (('a',), ('b',), ('c',), ('d',)), (('a', 'b', 'c'), ('d',))]
    """
    if reference.size > MAX_CELLS:
        return []
    leaves = _leaves(reference)
    rows = reference.rows
    height = len(rows) if rows else 1
    width = max((sum(map(_width, row)) for row in rows), default=1) if rows else len(leaves)
    widths = [width - 1, width, width + 1] if wrapped and rows else []
    if rows and rows == _grid(height, width, leaves):
        height, width = USUAL_SIZE
    trees = [Tree.from_rows([tuple(leaves)])]
    if structure_alone and rows and height * width <= MAX_CELLS:
        trees.append(Tree.from_rows([("",) * width] * height))
    texts = [leaf if isinstance(leaf, str) else leaf[0] for leaf in leaves]
    trees += [
        Tree.from_rows([tuple(texts[at : at + wide]) for at in range(0, len(texts), wide)])
        for wide in widths
        if 0 < wide < len(texts)
    ]
    compared = [(tree, tree.structure() if structure_alone else tree) for tree in trees]
    truth = reference.structure() if structure_alone else reference
    return [tree for tree, seen in compared if seen != truth]


def _leaves(tree: Tree) -> list[Leaf]:
    if tree.rows is not None:
        return [leaf for row in tree.rows for leaf in row]
    pairs = zip(tree.labels, tree.texts, strict=True)
    return [
        text if label.colspan == label.rowspan == 1 else (text, label.colspan, label.rowspan)
        for label, text in pairs
        if text is not None
    ]


def _width(leaf: Leaf) -> int:
    return 1 if isinstance(leaf, str) else leaf[1]


def _grid(height: int, width: int, leaves: list[Leaf]) -> tuple[tuple[Leaf, ...], ...] | None:
    """The leaves laid out as a plain grid; None when they do not fill one."""
    if len(leaves) != height * width or any(not isinstance(leaf, str) for leaf in leaves):
        return None
    return tuple(tuple(leaves[row * width : (row + 1) * width]) for row in range(height))
