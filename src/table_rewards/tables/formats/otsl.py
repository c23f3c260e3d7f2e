"""OTSL, the table language of TRivia and docling: one token a grid slot.

===========  ========================================================================================
``<fcel>``   a cell with text, which follows
``<ecel>``   an empty cell
``<lcel>``   the cell on the left goes on here
``<ucel>``   the cell above goes on here
``<xcel>``   both: inside a cell that spans rows and columns
``<nl>``     the end of a row
===========  ========================================================================================

docling's ``<ched>``, ``<rhed>`` and ``<srow>`` are read as header cells. Lysak et al., "Optimized table
tokenization for table structure recognition", arXiv 2305.03393.

Model output is repaired instead of refused: a last row without ``<nl>``, rows of unequal length, blank rows, text after
``<ecel>``, a token that continues nothing, a tail cut in the middle of a token, tokens that are closed as if they were
tags (``</fcel>``, ``<nl/>``), rows that only their lines tell apart, docling's places on the page (``<loc_12>``) in
front of a cell's text. What stands behind ``</otsl>`` is not read. Defect R5 of the TRivia release (all text after a
blank row moves to the wrong cells; a single row scores 0) is one of these.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from table_rewards.tables.formats.inline import escape_markup, marked_text
from table_rewards.tables.formats.scripts import TAGS, marked_cell
from table_rewards.tables.memo import Memo
from table_rewards.tables.table import Cell, Table

TOKEN: Final = re.compile(r"<(nl|fcel|ecel|lcel|ucel|xcel|ched|rhed|srow)>")
_CELLS: Final = frozenset(("fcel", "ecel", "ched", "rhed", "srow"))
_PLAIN_CELLS: Final = frozenset(("fcel", "ecel"))
_HEADERS: Final = frozenset(("ched", "rhed", "srow"))
_ACROSS: Final = frozenset(("lcel", "xcel"))
_DOWN: Final = frozenset(("ucel", "xcel"))
_CLOSING: Final = re.compile(r"</(?:nl|fcel|ecel|lcel|ucel|xcel|ched|rhed|srow)>")
_SELF_CLOSED: Final = re.compile(r"<(nl|fcel|ecel|lcel|ucel|xcel|ched|rhed|srow)\s*/>")
_ROW_ON_A_LINE: Final = re.compile(r"\n\s*(?=<(?:fcel|ecel|lcel|ucel|xcel|ched|rhed|srow)>)")
_PLACE: Final = re.compile(r"<loc_\d{1,4}>")
_END: Final = "</otsl>"
_CUT_TOKEN: Final = re.compile(r"<(?:[a-z]{0,4}|/[a-z]{0,4})$")
_MAX_SLOTS: Final = 250_000  # beyond this, rows are not padded and spans not believed: no table is that large

Slot = tuple[str, str]


def parse_otsl(source: str) -> Table | None:
    """Read OTSL; None when there is no cell token in it. Text before the first token and after an ``<nl>`` is ignored.

    >>> table = parse_otsl("<fcel>a<lcel><nl>\\n<nl>\\n<fcel>b<fcel>c")
    >>> [[cell.text for cell in row] for row in table.rows], table.rows[0][0].colspan
    ([['a'], ['b', 'c']], 2)
    """
    rows = _slots(source)
    if not rows:
        return None
    width = max(map(len, rows))
    if width * len(rows) <= _MAX_SLOTS:  # else one endless row would blow up all others
        rows = [row if len(row) == width else row + [("ecel", "")] * (width - len(row)) for row in rows]
    if {kind for row in rows for kind, _ in row} <= _PLAIN_CELLS:
        cells = Memo(marked_cell)
        return Table(tuple([tuple([cells[text] for _, text in row]) for row in rows]))
    return Table(_with_spans(rows))


def in_plain_tokens(source: str) -> str:
    """Tokens that are written as if they were empty tags, ``<nl/>``, as they are meant.

    >>> in_plain_tokens("<fcel>a<nl/>")
    '<fcel>a<nl>'
    """
    return _SELF_CLOSED.sub(r"<\1>", source) if "/>" in source else source


def _with_spans(rows: list[list[Slot]]) -> tuple[tuple[Cell, ...], ...]:
    owner: dict[tuple[int, int], tuple[int, int]] = {}
    found: dict[tuple[int, int], Cell] = {}
    covered = 0
    for i, row in enumerate(rows):
        for j, (kind, text) in enumerate(row):
            if kind not in _CELLS:
                continue
            colspan = rowspan = 1
            while j + colspan < len(row) and row[j + colspan][0] in _ACROSS:
                colspan += 1
            while i + rowspan < len(rows) and j < len(rows[i + rowspan]) and rows[i + rowspan][j][0] in _DOWN:
                rowspan += 1
            found[i, j] = marked_cell(text, colspan, rowspan, kind in _HEADERS)
            covered += colspan * rowspan
            if colspan == rowspan == 1 or covered > 2 * _MAX_SLOTS:
                owner[i, j] = (i, j)
            else:
                owner.update(((y, x), (i, j)) for y in range(i, i + rowspan) for x in range(j, j + colspan))
    return tuple(
        tuple(
            found.get((i, j)) or marked_cell(slot[1])  # a token that continues nothing is an empty cell
            for j, slot in enumerate(row)
            if owner.get((i, j), (i, j)) == (i, j)
        )
        for i, row in enumerate(rows)
    )


def _slots(source: str) -> list[list[Slot]]:
    """The tokens of each row that has any, with the text that follows each."""
    source = in_plain_tokens(source)
    end = source.find(_END)
    if end >= 0:
        source = source[:end]
    if "<nl>" not in source and "\n" in source:  # a row is a line
        source = _ROW_ON_A_LINE.sub("<nl>", source.lstrip())
    if "</" in source:
        source = _CLOSING.sub("", source)
    if "<loc_" in source:
        source = _PLACE.sub("", source)
    pieces = TOKEN.split(source)
    rows: list[list[Slot]] = []
    row: list[Slot] = []
    for index in range(1, len(pieces), 2):
        kind, text = pieces[index], pieces[index + 1]
        if kind == "nl":
            if row:
                rows.append(row)
            row = []
        elif text:
            if index + 2 >= len(pieces):
                text = _CUT_TOKEN.sub("", text)
            row.append((kind, marked_text(text) if not text.isalnum() else text))
        else:
            row.append((kind, ""))
    if row:
        rows.append(row)
    return rows


def render_otsl(table: Table, headers: bool = False) -> str:
    """Write a table as OTSL, every row ended by ``<nl>`` and a line break, as TRivia does.

    Args:
        headers: write header cells as docling's ``<ched>`` instead of ``<fcel>``.

    Raises:
        GridTooLarge: when the spans ask for too many slots.

    >>> render_otsl(Table.of([[("a", 2, 1)], ["", "c"]]))
    '<fcel>a<lcel><nl>\\n<ecel><fcel>c<nl>\\n'
    """
    grid = table.grid()
    parts: list[str] = []
    for i, line in enumerate(grid.slots):
        for j, number in enumerate(line):
            if number < 0:
                parts.append("<ecel>")
                continue
            row, column, _, _, cell = grid.cells[number]
            if (row, column) == (i, j):
                parts.append("<ched>" if headers and cell.header else "<fcel>" if cell.text else "<ecel>")
                parts.append(_escaped(cell.marked).translate(TAGS) if cell.marked else _escaped(cell.text))
            else:
                parts.append("<lcel>" if i == row else "<ucel>" if j == column else "<xcel>")
        parts.append("<nl>\n")
    return "".join(parts)


def _escaped(text: str) -> str:
    """Text that would be read as a token, markup or an entity is escaped; all other text stands as it is."""
    return escape_markup(text) if "<" in text or unescape(text) != text else text
