"""The trees of HTML tables as PubTabNet and OmniDocBench define them: markup inside cells is compared too.

Both compare a cell as a list of tokens: characters, and each opening and closing tag as one token. Here a tag
becomes one character of a private plane, so that the list is a string and every string metric applies.

``pubtabnet``
    The table as it stands: sections are nodes, ``th`` is a node whose text is not compared, white space counts.

``omnidocbench``
    OmniDocBench's normalisation of HTML before that, which TRivia took over: ``th`` becomes ``td``; ``thead``,
    ``tbody``, ``span``, ``div``, ``p``, ``sup``, ``sub`` are unwrapped; ``colgroup`` is dropped; ``math`` becomes its
    ``alttext`` between dollar signs; texts are brought to NFKC, with single spaces and none behind a tag. Two of its
    defects are not reproduced: entities resolved twice (a text ``p&lt;beta`` becomes a tag there), and spaces lost
    behind a ">" in a text. ``div``, ``p``, ``sup`` and ``sub`` are unwrapped whatever attributes they have; there,
    those with an attribute other than style, class, width, height or align are nodes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any, Final

from table_rewards.tables.formats.html_rows import rows_covered, span
from table_rewards.tables.table import MAX_COLSPAN, Leaf, Row
from table_rewards.tables.trees.tree import CELL, Label, Tree
from table_rewards.tables.unicode_form import nfkc

_UNWRAPPED: Final = frozenset(("thead", "tbody", "span", "div", "p", "sup", "sub"))
_NOT_COUNTED: Final = _UNWRAPPED | {"math", "colgroup"}
_FIRST_TAG: Final = 0x100000
_KNOWN_TAGS: Final = 4_096
_AFTER_TAG: Final = re.compile("([\U00100000-\U0010fffd]) +")
_MAX_DEPTH: Final = 400
_tags: dict[str, str] = {}


def tag_token(tag: str) -> str:
    """Return the character that stands for a tag; distinct for the first 4,096 tags that a process meets."""
    token = _tags.get(tag)
    if token is None:
        number = len(_tags)
        if number >= _KNOWN_TAGS:  # thousands of invented tags: keep no more of them
            return chr(_FIRST_TAG + _KNOWN_TAGS + zlib.crc32(tag.encode("utf-8", "replace")) % 60_000)
        token = _tags[tag] = chr(_FIRST_TAG + number)
    return token


def pubtabnet_tree(table: Any) -> Tree:
    """Return the tree of an lxml ``table`` element as PubTabNet's own metric builds it."""
    builder = _Builder()
    stack: list[tuple[Any, Iterator[Any], int]] = [(table, iter(table), 0)]
    while stack:
        element, children, start = stack[-1]
        for child in children:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            if tag == "td":
                builder.cell(child, _tokens(child) if len(child) else child.text or "")
                builder.inline += _count(child)
            elif len(stack) < _MAX_DEPTH:
                stack.append((child, iter(child), len(builder.labels)))
                break
        else:
            stack.pop()
            builder.node(element.tag, start)
    return builder.tree()


def omnidocbench_tree(table: Any) -> Tree:
    """Return the tree of an lxml ``table`` element after OmniDocBench's normalisation."""
    return _regular_omnidocbench_tree(table) or _any_omnidocbench_tree(table)


def _regular_omnidocbench_tree(table: Any) -> Tree | None:
    """The same for ``table > (section >) tr > cell``, which nearly all tables are; None when there is anything else."""
    lines = [line for group in table for line in (group if group.tag in ("thead", "tbody") else (group,))]
    rows: list[Row] = []
    inline = 0
    for line in lines:
        if line.tag != "tr":
            return None
        row: list[Leaf] = []
        for cell in line:
            if cell.tag != "td" and cell.tag != "th":
                return None
            if len(cell):
                text = _content(cell)
                inline += _count(cell, _NOT_COUNTED)
            else:
                text = cell.text or ""
                if not text.isascii():
                    text = _normalised(text)
                elif not text.isalnum():
                    text = " ".join((text.replace("\n", "") if "\n" in text else text).split())
            if cell.keys():
                colspan, rowspan = span(cell.get("colspan"), MAX_COLSPAN), rows_covered(cell)
                row.append(text if colspan == rowspan == 1 else (text, colspan, rowspan))
            else:
                row.append(text)
        rows.append(tuple(row))
    return Tree.from_rows(rows, inline)


def _content(cell: Any) -> str:
    return _AFTER_TAG.sub(r"\1", _normalised(_unwrapped_tokens(cell)))


def _any_omnidocbench_tree(table: Any) -> Tree:
    builder = _Builder()
    stack: list[tuple[str | None, Iterator[Any], int]] = [("table", iter(table), 0)]
    while stack:
        name, children, start = stack[-1]
        for child in children:
            tag = child.tag
            if tag == "td" or tag == "th":
                if len(child):
                    text = _content(child)
                    builder.inline += _count(child, _NOT_COUNTED)
                else:
                    text = child.text or ""
                    if not (text.isascii() and text.isalnum()):
                        text = _normalised(text)
                builder.cell(child, text)
            elif isinstance(tag, str) and tag != "colgroup" and len(stack) < _MAX_DEPTH:
                stack.append((None if tag in _UNWRAPPED else tag, iter(child), len(builder.labels)))
                break
        else:
            stack.pop()
            if name is not None:
                builder.node(name, start)
    return builder.tree()


class _Builder:
    """Collects the nodes of a tree in postorder."""

    def __init__(self) -> None:
        self.labels: list[Label] = []
        self.texts: list[str | None] = []
        self.leftmost: list[int] = []
        self.inline = 0

    def cell(self, element: Any, text: str) -> None:
        self.leftmost.append(len(self.labels))
        self.texts.append(text)
        if element.keys():
            colspan = span(element.get("colspan"), MAX_COLSPAN)
            rowspan = rows_covered(element)
            self.labels.append(CELL if colspan == rowspan == 1 else Label("td", colspan, rowspan))
        else:
            self.labels.append(CELL)

    def node(self, tag: str, start: int) -> None:
        self.leftmost.append(start)
        self.texts.append(None)
        self.labels.append(Label(tag))

    def tree(self) -> Tree:
        return Tree.from_postorder(self.labels, self.texts, self.leftmost, self.inline)


def _normalised(text: str) -> str:
    text = text.replace("\n", "")
    return " ".join((text if text.isascii() else nfkc(text)).split())


def _count(cell: Any, unwrapped: frozenset[str] = frozenset()) -> int:
    """Markup elements inside a cell."""
    if not len(cell):
        return 0
    return sum(1 for element in cell.iterdescendants() if isinstance(element.tag, str) and element.tag not in unwrapped)


def _tokens(cell: Any) -> str:
    """A cell's content as PubTabNet's tokens. A nested cell's tail is not among them, nor is the end of ``unk``."""
    parts: list[str] = [cell.text or ""]
    stack: list[tuple[Iterator[Any], str]] = [(iter(cell), "")]
    while stack:
        for element in stack[-1][0]:
            tag = element.tag
            if not isinstance(tag, str):
                continue
            closing = "" if tag == "unk" else tag_token(f"</{tag}>")
            closing += "" if tag == "td" else element.tail or ""
            parts += (tag_token(f"<{tag}>"), element.text or "")
            if len(element) and len(stack) < _MAX_DEPTH:
                stack.append((iter(element), closing))
                break
            parts.append(closing)
        else:
            parts.append(stack.pop()[1])
    return "".join(parts)


def _unwrapped_tokens(cell: Any) -> str:
    """A cell's content as tokens after OmniDocBench's unwrapping."""
    parts: list[str] = [_string(cell.text)]
    stack: list[tuple[Iterator[Any], str]] = [(iter(cell), "")]
    while stack:
        for element in stack[-1][0]:
            tag, tail = element.tag, _string(element.tail)
            if not isinstance(tag, str) or tag == "colgroup":
                parts.append(tail)
                continue
            if tag == "math":
                parts += ("$", element.get("alttext") or "", "$", tail)
                continue
            tag = "td" if tag == "th" else tag
            opening, closing = ("", "") if tag in _UNWRAPPED else (tag_token(f"<{tag}>"), tag_token(f"</{tag}>"))
            parts += (opening, _string(element.text))
            if len(element) and len(stack) < _MAX_DEPTH:
                stack.append((iter(element), closing + tail))
                break
            parts += (closing, tail)
        else:
            parts.append(stack.pop()[1])
    return "".join(parts)


def _string(text: str | None) -> str:
    """A text node; beautifulsoup makes one line break of blank ones that hold any, and line breaks are dropped."""
    return "" if not text or ("\n" in text and text.isspace()) else text
