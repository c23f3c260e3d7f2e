"""The tree of a table, as tree edit distance sees it.

Nodes are kept in postorder (children before their parent, left before right). A node has a *label*, which either equals
another label or does not, and, if it is a cell, a *text*, which may be more or less similar to another text.

Nearly every table is *regular*: ``table > tr > td`` and nothing else. A regular tree is stored as its rows alone, since
the fast kernel works on rows; the postorder lists of one are made when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from table_rewards.tables.table import Leaf, Row


class Label(NamedTuple):
    """What must be equal for two nodes to be the same kind of node: the tag and, for a cell, its spans."""

    tag: str
    colspan: int = 1
    rowspan: int = 1


TABLE: Final = Label("table")
ROW: Final = Label("tr")
CELL: Final = Label("td")


class Tree:
    """An ordered tree in postorder.

    Attributes:
        size: number of nodes, the root included.
        inline: number of markup elements inside cells (``<b>``): no nodes of the tree, but PubTabNet counts them.
        rows: the rows of a regular tree (``table > tr > td``), else None.

    >>> tree = Tree.from_rows([("a", "b"), (("c", 2, 1),)])
    >>> tree.size, [label.tag for label in tree.labels], tree.leftmost
    (6, ['td', 'td', 'tr', 'td', 'tr', 'table'], [0, 1, 0, 3, 3, 0])
    """

    __slots__ = ("_labels", "_leftmost", "_texts", "inline", "rows", "size")

    def __init__(self) -> None:
        self.rows: tuple[Row, ...] | None = None
        self.size = 0
        self.inline = 0
        self._labels: list[Label] | None = None
        self._texts: list[str | None] = []
        self._leftmost: list[int] = []

    @classmethod
    def from_rows(cls, rows: Iterable[Row], inline: int = 0) -> Tree:
        """Build a regular tree."""
        tree = cls()
        tree.rows = tuple(rows)
        tree.size = 1 + len(tree.rows) + sum(map(len, tree.rows))
        tree.inline = inline
        return tree

    @classmethod
    def from_postorder(
        cls, labels: Sequence[Label], texts: Sequence[str | None], leftmost: Sequence[int], inline: int = 0
    ) -> Tree:
        """Build any tree.

        Args:
            labels: one a node, in postorder; the last one is the root.
            texts: the text of a cell, None for every other node.
            leftmost: index of the leftmost leaf below each node; a leaf is its own.
            inline: markup elements inside cells.
        """
        tree = cls()
        tree.size = len(labels)
        tree.inline = inline
        tree._labels, tree._texts, tree._leftmost = list(labels), list(texts), list(leftmost)
        tree.rows = _regular_rows(tree._labels, tree._texts, tree._leftmost)
        return tree

    @property
    def labels(self) -> list[Label]:
        self._expand()
        assert self._labels is not None
        return self._labels

    @property
    def texts(self) -> list[str | None]:
        self._expand()
        return self._texts

    @property
    def leftmost(self) -> list[int]:
        self._expand()
        return self._leftmost

    def structure(self) -> Tree:
        """Return the same tree with every text empty: what S-TEDS compares."""
        if self.rows is not None:
            return Tree.from_rows(map(_bare_row, self.rows), self.inline)
        texts = [None if text is None else "" for text in self.texts]
        return Tree.from_postorder(self.labels, texts, self.leftmost, self.inline)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tree):
            return NotImplemented
        if self.size != other.size:
            return False
        if self.rows is not None and other.rows is not None:
            return self.rows == other.rows
        return (self.labels, self.texts, self.leftmost) == (other.labels, other.texts, other.leftmost)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shape = "irregular" if self.rows is None else f"{len(self.rows)} rows"
        return f"<Tree of {self.size} nodes, {shape}>"

    def _expand(self) -> None:
        if self._labels is not None:
            return
        assert self.rows is not None
        labels: list[Label] = []
        for row in self.rows:
            start = len(labels)
            for leaf in row:
                self._leftmost.append(len(labels))
                if isinstance(leaf, str):
                    labels.append(CELL)
                    self._texts.append(leaf)
                else:
                    labels.append(Label("td", leaf[1], leaf[2]))
                    self._texts.append(leaf[0])
            self._leftmost.append(start)
            labels.append(ROW)
            self._texts.append(None)
        self._leftmost.append(0)
        labels.append(TABLE)
        self._texts.append(None)
        self._labels = labels


def _bare_row(row: Row) -> Row:
    if tuple not in map(type, row):
        return ("",) * len(row)
    return tuple("" if isinstance(leaf, str) else ("", leaf[1], leaf[2]) for leaf in row)


def _regular_rows(labels: list[Label], texts: list[str | None], leftmost: list[int]) -> tuple[Row, ...] | None:
    if not labels or labels[-1] != TABLE or texts[-1] is not None:
        return None
    rows: list[Row] = []
    row: list[Leaf] = []
    for index in range(len(labels) - 1):
        label, text = labels[index], texts[index]
        if text is not None and label.tag == "td" and leftmost[index] == index:
            row.append(text if label == CELL else (text, label.colspan, label.rowspan))
        elif text is None and label == ROW and leftmost[index] == index - len(row):
            rows.append(tuple(row))
            row = []
        else:
            return None
    return None if row else tuple(rows)
