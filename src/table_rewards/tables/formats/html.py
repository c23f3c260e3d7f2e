"""HTML tables in and out of the model."""

from __future__ import annotations

from html import escape

from table_rewards.tables.formats.html_rows import may_hide, read_rows, table_element
from table_rewards.tables.formats.scripts import TAGS, marked_cell
from table_rewards.tables.table import Table


def parse_html(source: str) -> Table | None:
    """Read the first table of an HTML text; None when there is none.

    ``th`` cells and all cells of ``thead`` are headers. Markup in cells is dropped but for superscripts, see
    :func:`table_rewards.tables.formats.html_rows.cell_text`.

    >>> table = parse_html("<table><tr><th>a<td colspan=2>b<sup>2</sup>")
    >>> [tuple(cell)[:4] for cell in table.rows[0]]
    [('a', 1, 1, True), ('b²', 2, 1, False)]
    """
    element = table_element(source)
    if element is None:
        return None
    rows, headers = read_rows(element, compatibility=False, hides=may_hide(source))
    cells = [[marked_cell(leaf) if isinstance(leaf, str) else marked_cell(*leaf) for leaf in row] for row in rows]
    for row, position in headers:
        cells[row][position] = cells[row][position]._replace(header=True)
    for row in range(_rows_of_heads(element, len(rows))):
        cells[row] = [cell._replace(header=True) for cell in cells[row]]
    return Table(tuple(map(tuple, cells)))


def _rows_of_heads(table: object, count: int) -> int:
    """How many leading rows stand in a ``thead``."""
    heads = [child for child in table if child.tag == "thead"]  # type: ignore[attr-defined]
    if not heads or any(True for _ in heads[0].itersiblings("tr", "tbody", preceding=True)):
        return 0
    return min(count, sum(1 for child in heads[0] if child.tag == "tr"))


def render_html(table: Table) -> str:
    """Write a table as HTML: ``th`` for headers, text escaped, no sections.

    >>> render_html(Table.of([[("a < b", 2, 1)], ["c", "d"]]))
    '<table><tr><td colspan="2">a &lt; b</td></tr><tr><td>c</td><td>d</td></tr></table>'
    """
    parts = ["<table>"]
    for row in table.rows:
        parts.append("<tr>")
        for text, colspan, rowspan, header, marked in row:
            tag = "th" if header else "td"
            below = f' rowspan="{rowspan}"' if rowspan > 1 else ""
            across = f' colspan="{colspan}"' if colspan > 1 else ""
            content = escape(marked, quote=False).translate(TAGS) if marked else escape(text, quote=False)
            parts.append(f"<{tag}{below}{across}>{content}</{tag}>")
        parts.append("</tr>")
    parts.append("</table>")
    return "".join(parts)
