"""HTML tables of nothing but rows and cells, read without a parser.

Most tables that models write, and most references, are ``<table><tr><td>...``, every tag closed, no markup in a cell.
Splitting such a source takes a fraction of the time of building a document and walking over it. Whatever is not exactly
of that form is refused, and read by the parser; both give the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from unicodedata import is_normalized

from table_rewards.core.invisible import INVISIBLE
from table_rewards.tables.formats.scripts import compatible
from table_rewards.tables.table import MAX_COLSPAN, MAX_ROWSPAN, Leaf, Row
from table_rewards.tables.unicode_form import nfkc

_CELL: Final = re.compile(r"<t([dh])((?: (?:row|col)span=\"[1-9][0-9]{0,3}\"){0,2})>([^<]*)</t\1>")
_SPAN: Final = re.compile(r" (row|col)span=\"([0-9]+)\"")
_BETWEEN_TAGS: Final = re.compile(r">\s+<")
_SPACES: Final = re.compile(r" {2,}")
_MINUS: Final = "\u2212"
_LONG: Final = 50_000  # characters whose normal form is not checked at once: that can take long
_OPENING: Final = re.compile(r"<table(?: [a-z]+=\"[^\"<>]*\")*>")
_SCRIPTS: Final = ("<sup>", "</sup>", "<sub>", "</sub>")
_POWER: Final = re.compile(r"(?:(?<=\d)<sup> *([+\-\u2212]?\d+) *</sup>|<sup> *([+\-\u2212]\d+) *</sup>)")
_SECTIONS: Final = (("<thead>", "</thead>"), ("<tbody>", "</tbody>"))


def is_bare_table(text: str) -> bool:
    """Whether a text is one table and holds no tags but those of rows, cells, sections and scripts.

    >>> is_bare_table("<table><tr><td>1</td></tr></table>"), is_bare_table("<table><tr><td><b>1</b></td></tr></table>")
    (True, False)
    """
    if not (text.startswith("<table") and text.endswith("</table>")) or "display" in text or "hidden" in text:
        return False
    count = text.count
    tags = sum([count("<tr"), count("</tr>"), count("<td"), count("</td>")])
    if count("<") != tags + 2:  # <thead counts among <th
        tags += sum([count("<th"), count("</th"), count("<tbody>"), count("</tbody>"), *map(count, _SCRIPTS)])
        if count("<") != tags + 2:
            return False
    return _OPENING.match(text) is not None


def simple_rows(source: str, powers: bool = True) -> list[Row] | None:
    """Return the rows of a table of the simplest form, texts brought to NFKC with single spaces; None for any other.

    With ``powers`` a caret stands before a power, see :func:`table_rewards.tables.formats.scripts.with_powers`.

    >>> simple_rows('<table><tr><td colspan="2">a</td></tr><tr><td>b</td><th>c &amp; d</th></tr></table>')
    [(('a', 2, 1),), ('b', 'c & d')]
    >>> simple_rows("<table><tr><td>a</td></tr>") is None
    True
    """
    opening = _OPENING.match(source)
    if opening is None or (not source.endswith("</table>")):
        return None
    body = source[opening.end() : -8]
    if "<su" in body:  # no normalisation that comes here compares them
        if powers and "<sup" in body:
            body = _POWER.sub(lambda power: f"^{(power[1] or power[2]).replace(_MINUS, '-')}", body)
        for script in _SCRIPTS:
            body = body.replace(script, "")
    if "\n" in body:
        body = _BETWEEN_TAGS.sub("><", body)
    if not body.isprintable():  # spaces are then the only white space
        return None
    if not body.isascii() and INVISIBLE.search(body):
        return None
    if "  " in body or "> " in body or " <" in body:
        if body.count(">") != body.count("<"):  # one in a text
            return None
        body = _SPACES.sub(" ", body).replace("> ", ">").replace(" <", "<")
    if "<tb" in body or "<the" in body:
        for begin, end in _SECTIONS:
            body = body.replace(begin + "<tr>", "<tr>").replace("</tr>" + end, "</tr>")
    if "<th" in body:
        body = body.replace("<th", "<td").replace("</th>", "</td>")
    if not body.endswith("</tr>"):
        return None
    if "&" in body and body.count("&") != body.count("&amp;") + body.count("&lt;") + body.count("&gt;"):
        return None
    plain, escaped = body.isascii() or (len(body) < _LONG and is_normalized("NFKC", body)), "&" in body
    normal = _with_powers if powers else _compatible
    rows: list[Row] = []
    for line in body[:-5].split("</tr>"):
        cells = line[8:-5].split("</td><td>")
        if line.startswith("<tr><td>") and line.endswith("</td>") and line.count("<") == 2 * len(cells) + 1:
            if escaped:
                cells = [_unescaped(cell) for cell in cells]
            rows.append(tuple(cells if plain else [normal(cell) for cell in cells]))
            continue
        row = _row_with_spans(line, escaped, None if plain else normal)
        if row is None:
            return None
        rows.append(row)
    return rows


def _row_with_spans(line: str, escaped: bool, normal: Callable[[str], str] | None) -> Row | None:
    if not line.startswith("<tr>"):
        return None
    row: list[Leaf] = []
    position = 4
    for match in _CELL.finditer(line, 4):
        if match.start() != position:
            return None
        position = match.end()
        _, attributes, text = match.groups()
        if escaped:
            text = _unescaped(text)
        if normal is not None:
            text = normal(text)
        if attributes:
            found = _SPAN.findall(attributes)
            spans = dict(found)
            if len(spans) != len(found):
                return None
            colspan, rowspan = min(int(spans.get("col", 1)), MAX_COLSPAN), min(int(spans.get("row", 1)), MAX_ROWSPAN)
            row.append(text if colspan == rowspan == 1 else (text, colspan, rowspan))
        else:
            row.append(text)
    return tuple(row) if position == len(line) else None


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") if "&" in text else text


def _compatible(text: str) -> str:
    return text if text.isascii() else " ".join(nfkc(text).split())


def _with_powers(text: str) -> str:
    return text if text.isascii() else " ".join(compatible(text).split())
