"""The rectangular form of a table: short rows filled with empty cells, spans cut at the edge.

HTML may leave a row short or let a cell reach below the last row; a browser shows blanks there, and a format that is
written slot by slot (OTSL, Markdown, LaTeX) has to write them. Compared in this form, a table is the same in all.
"""

from __future__ import annotations

from typing import Final

from table_rewards.tables.formats.otsl import parse_otsl, render_otsl
from table_rewards.tables.table import GridTooLarge, Leaf, Row, Table
from table_rewards.tables.trees.tree import Tree

_MAX_SLOTS: Final = 50_000


def filled(tree: Tree) -> Tree:
    """Return a regular tree with every slot of its grid filled; the tree itself when there is nothing to fill.

    A tree that is not regular, or whose spans ask for very many slots, is returned as it is.

    >>> filled(Tree.from_rows([("a", "b"), ("c",)])).rows, filled(Tree.from_rows([(("a", 1, 3),)])).rows
    ((('a', 'b'), ('c', '')), (('a',),))
    """
    if tree.rows is None or _is_full(tree.rows):
        return tree
    if tree.size > _MAX_SLOTS:
        return tree
    leaves: list[Leaf] = [leaf for row in tree.rows for leaf in row]
    numbers = iter(range(len(leaves)))
    numbered = [[_with_text(leaf, str(next(numbers))) for leaf in row] for row in tree.rows]
    try:
        table = Table.of(numbered)
        table.grid(_MAX_SLOTS)
        drawn = parse_otsl(render_otsl(table))  # what a perfect drawing of the table, slot by slot, is read as
    except GridTooLarge:
        return tree
    if drawn is None:
        return tree
    rows = []
    for row in drawn.rows:
        cells: list[Leaf] = []
        for text, colspan, rowspan, _, _ in row:
            content = _text(leaves[int(text)]) if text else ""
            cells.append(content if colspan == rowspan == 1 else (content, colspan, rowspan))
        rows.append(tuple(cells))
    return tree if tuple(rows) == tree.rows else Tree.from_rows(rows, tree.inline)


def _is_full(rows: tuple[Row, ...]) -> bool:
    """Whether the cells fill a rectangle, none on another."""
    widths = [len(row) for row in rows]
    if len(set(widths)) <= 1 and not any(tuple in map(type, row) for row in rows):
        return True
    width = sum([1 if isinstance(leaf, str) else leaf[1] for leaf in rows[0]])
    if width > _MAX_SLOTS:
        return False
    covered = [0] * width  # rows that cells from above still cover, a column each
    covers = False
    for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
        if not covers and tuple not in map(type, row):
            if len(row) != width:
                return False
            continue
        column = 0
        for leaf in row:
            while column < width and covered[column]:
                column += 1
            _, colspan, rowspan = (leaf, 1, 1) if isinstance(leaf, str) else leaf
            if column + colspan > width or rowspan > left or any(covered[column : column + colspan]):
                return False
            covered[column : column + colspan] = [rowspan] * colspan
            column += colspan
        if 0 in covered:
            return False
        covered = [rows_left - 1 for rows_left in covered]
        covers = any(covered)
    return not covers


def _with_text(leaf: Leaf, text: str) -> str | tuple[str, int, int]:
    return text if isinstance(leaf, str) else (text, leaf[1], leaf[2])


def _text(leaf: Leaf) -> str:
    return leaf if isinstance(leaf, str) else leaf[0]
