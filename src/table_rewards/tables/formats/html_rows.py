"""One pass over an HTML table: its rows of cells, as dictionary keys ready to compare.

This is the hot path of parsing. lxml's C parser repairs what is broken (unclosed and misnested tags, entities, case);
the walk over its elements is what costs, so it looks at each cell once and makes nothing that is not needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from table_rewards.core.invisible import visible
from table_rewards.tables.formats.crowded_tags import without_crowds
from table_rewards.tables.formats.scripts import RAISED, SUB, SUB_END, SUP, SUP_END, compatible
from table_rewards.tables.table import MAX_COLSPAN, MAX_ROWSPAN, Leaf

_ZERO: Final = re.compile(r"[ \t\n\f\r]*\+?0+(?!\d)")
_NUMBER: Final = re.compile(r"[ \t\n\f\r]*\+?(\d{1,9})")
_NO_CONTENT: Final = frozenset(("style", "script", "template"))
_SPACED: Final = frozenset(("br", "p", "div", "li", "ul", "ol", "table", "tr", "td", "th", "hr", "dd", "dt", "pre"))
_MAX_DEPTH: Final = 400
_SCRIPTS: Final = {"sup": (SUP, SUP_END), "sub": (SUB, SUB_END)}
_DISPLAY_NONE: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_ESCAPED_QUOTES: Final = re.compile(r"=(\s*)\\([\"'])((?:(?!\\\2)[^<>])*)\\\2")


def table_element(source: str) -> Any | None:
    """Parse HTML and return its first ``table`` element, or None.

    NUL characters are dropped, lone surrogates replaced, attributes beyond the hundredth of a tag ignored, and an
    unfinished tag at the end (a truncated completion) is cut. Quotes that are escaped, as inside a JSON string, are
    quotes.
    """
    if '=\\"' in source or "=\\'" in source:
        source = _ESCAPED_QUOTES.sub(r"=\1\2\3\2", source)
    if "<\\/" in source:
        source = source.replace("<\\/", "</")
    if "\0" in source:
        source = source.replace("\0", "")
    opening = source.rfind("<")
    if opening >= 0 and source.find(">", opening) < 0:
        source = source[:opening]
    if not source or source.isspace():
        return None
    source = without_crowds(source)
    # A parser of its own: a shared one has a lock, which a process forked in the middle of another thread's parse
    # would wait on for ever. Making one takes a microsecond.
    parser = etree.HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):  # nothing in it that could be an element
        return None
    return None if root is None else next(root.iter("table"), None)


def span(value: str | None, limit: int) -> int:
    """Read ``colspan`` or ``rowspan`` as the HTML standard does: the leading number, else 1, at least 1, at most
    ``limit``.

    >>> [span(value, 1000) for value in (None, "3", "abc", "", "2.9", "0", "-2", "1000000000", "3" * 5000)]
    [1, 3, 1, 1, 2, 1, 1, 1000, 1000]
    """
    if value is None or value == "1":
        return 1
    match = _NUMBER.match(value)
    return min(max(int(match[1]), 1), limit) if match else 1


def rows_covered(cell: Any) -> int:
    """Read the ``rowspan`` of an lxml cell as the HTML standard does: 0 covers the rest of its group of rows."""
    value = cell.get("rowspan")
    number = span(value, MAX_ROWSPAN)
    if number == 1 and value is not None and _ZERO.match(value):
        row = cell.getparent()
        return min(1 + sum(1 for _ in row.itersiblings("tr")), MAX_ROWSPAN) if row.tag == "tr" else 1
    return number


def may_hide(source: str) -> bool:
    """Whether an element of a source may be hidden; to look at each one's attributes takes a third of the time."""
    return any(word in source for word in ("display", "DISPLAY", "Display", "hidden", "HIDDEN"))


def read_rows(
    table: Any, compatibility: bool = True, hides: bool = True
) -> tuple[list[tuple[Leaf, ...]], list[tuple[int, int]]]:
    """Return the rows of an lxml ``table`` element, and which cells (row, position) are headers.

    Sections, captions and column groups are looked through (left open, they hold the rows); a cell outside a row gets a
    row of its own; whatever stands in a cell is its content, a nested table too. With ``compatibility`` the texts are
    brought to Unicode form NFKC, with a caret before a power; else superscripts and subscripts are marked in them.
    ``hides`` is False when nothing is hidden, see :func:`may_hide`.
    """
    rows: list[tuple[Leaf, ...]] = []
    headers: list[tuple[int, int]] = []
    row: list[Leaf] | None = None  # the row that is being read
    stack: list[tuple[Iterator[Any], bool]] = [(iter(table), False)]
    while stack:
        elements, is_row = stack[-1]
        for element in elements:
            tag = element.tag
            if tag == "td" or tag == "th":
                text = element.text
                if len(element):
                    text = cell_text(element, not compatibility, hides)
                if text is None:
                    text = ""
                elif not text.isascii():
                    if compatibility:
                        text = visible(compatible(text))
                    text = " ".join(text.split())
                elif not text.isalnum():
                    text = " ".join(text.split())
                if row is None:
                    row = []
                if tag == "th":
                    headers.append((len(rows), len(row)))
                if element.keys():
                    colspan = span(element.get("colspan"), MAX_COLSPAN)
                    rowspan = rows_covered(element)
                    row.append(text if colspan == rowspan == 1 else (text, colspan, rowspan))
                else:
                    row.append(text)
            elif tag == "tr":
                if row is not None:
                    rows.append(tuple(row))
                row = []
                stack.append((iter(element), True))
                break
            elif type(tag) is str and tag not in _NO_CONTENT and len(stack) < _MAX_DEPTH:
                stack.append((iter(element), False))
                break
        else:
            stack.pop()
            if is_row and row is not None:
                rows.append(tuple(row))
                row = None
    if row is not None:
        rows.append(tuple(row))
    return rows, headers


def cell_text(cell: Any, scripts: bool = False, hides: bool = True) -> str:
    """Return the text of a cell with its markup dropped, a space where a block or a line break was.

    ``math`` with an ``alttext``, or with its TeX as an annotation, becomes that text between dollar signs. What a page
    does not show (``display: none``, ``hidden``) is left out. With ``scripts`` superscripts and subscripts are marked,
    else a caret stands before a power. Not yet tidied.
    """
    parts: list[str] = [cell.text or ""]
    stack: list[tuple[Iterator[Any], str]] = [(iter(cell), "")]
    while stack:
        for element in stack[-1][0]:
            tag, tail = element.tag, element.tail or ""
            opening = closing = " " if tag in _SPACED else ""
            if scripts and tag in _SCRIPTS:
                opening, closing = _SCRIPTS[tag]
            dropped = type(tag) is not str or tag in _NO_CONTENT or len(stack) >= _MAX_DEPTH
            if dropped or (hides and element.keys() and _is_hidden(element)):
                parts.append(tail)
            elif tag == "sup" and not scripts and (power := _power(element, parts)):
                parts += (power, tail)
            elif tag == "math" and (tex := _tex(element)):
                parts += ("$", tex, "$", tail)
            elif len(element):
                parts += (opening, element.text or "")
                stack.append((iter(element), closing + tail))
                break
            else:
                parts += (opening, element.text or "", closing, tail)
        else:
            parts.append(stack.pop()[1])
    return "".join(parts)


def _power(element: Any, parts: list[str]) -> str:
    """A superscript that is a power, with its caret; '' for any other: see :func:`scripts.with_powers`."""
    content = "".join(element.itertext()) if len(element) else element.text or ""
    before = next((part for part in reversed(parts) if part), "")
    if not before[-1:].isdecimal() and content.isalnum():
        return ""  # most are a footnote's mark or a unit's power
    content = content.strip().replace("\u2212", "-")
    if RAISED.fullmatch(content) is None:
        return ""
    return f"^{content}" if content[0] in "+-" or before[-1:].isdecimal() else ""


def _is_hidden(element: Any) -> bool:
    style = element.get("style")
    return (style is not None and _DISPLAY_NONE.search(style) is not None) or element.get("hidden") is not None


def _tex(math: Any) -> str:
    """The TeX that a formula carries, '' when it carries none."""
    text = math.get("alttext")
    if not text:
        annotation = next(math.iter("annotation"), None)
        text = annotation.text if annotation is not None and "tex" in (annotation.get("encoding") or "").lower() else ""
    return text.strip() if text else ""
