"""What goes out of the model comes back in, for every format."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.tables.formats.convert import parse_table, render_table
from table_rewards.tables.formats.find import FORMATS
from table_rewards.tables.table import Cell, Table

ALPHABET = st.characters(exclude_categories=("C", "Z"), max_codepoint=0x2FFFF) | st.sampled_from(" <>&|*$#{}\\~`_%\"'")
TEXTS = st.text(ALPHABET, max_size=8).map(lambda text: " ".join(text.split()))
SPECIAL = st.sampled_from(
    ("<nl>", "<fcel>", "&lt;", "&amp;amp;", "a|b", "**b**", "<b>x</b>", "p<0.05", "1 & 2", "50%", "\\", "x > 200", "")
)


@st.composite
def tables(draw, spans: bool = True) -> Table:
    """Rectangular grids of cells; with ``spans`` some cover their neighbours."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    taken: set[tuple[int, int]] = set()
    rows = []
    for i in range(height):
        row = []
        for j in range(width):
            if (i, j) in taken:
                continue
            free = 1
            while spans and j + free < width and (i, j + free) not in taken:
                free += 1
            colspan = draw(st.integers(1, free)) if spans else 1
            rowspan = draw(st.integers(1, height - i)) if spans else 1
            taken.update((y, x) for y in range(i, i + rowspan) for x in range(j, j + colspan))
            row.append(Cell(draw(TEXTS | SPECIAL), colspan, rowspan))
        rows.append(row)
    return Table.of(rows)


def content(table: Table | None) -> list[list[tuple[object, ...]]]:
    assert table is not None
    return [[tuple(cell)[:3] for cell in row] for row in table.rows]


@settings(max_examples=150, deadline=None)
@given(tables())
@pytest.mark.parametrize("format", ["html", "otsl"])
def test_html_and_otsl_keep_texts_and_spans(format, table):
    if format == "otsl":  # a row in which no cell begins is written as continuations, and read back as such
        assert content(parse_table(render_table(table, "otsl"), "otsl")) == content(table)
    else:
        assert content(parse_table(render_table(table, "html"), "html")) == content(table)


@settings(max_examples=150, deadline=None)
@given(tables(spans=False))
def test_markdown_keeps_texts(table):
    assert content(parse_table(render_table(table, "markdown"), "markdown")) == content(table)


LATEX_TEXTS = st.text(st.sampled_from("abc 123&%_#.,()é表"), max_size=8).map(lambda text: " ".join(text.split()))


@settings(max_examples=100, deadline=None)
@given(tables(), st.data())
def test_latex_keeps_texts_and_spans(table, data):
    """Cells that cover rows must not be empty: LaTeX cannot tell an empty one from what another covers."""
    rows = [[cell._replace(text=data.draw(LATEX_TEXTS) or "x") for cell in row] for row in table.rows]
    table = Table.of(rows)
    assert content(parse_table(render_table(table, "latex"), "latex")) == content(table)


@pytest.mark.parametrize("name", ["pubtabnet", "docling", "wikitablequestions"])
def test_real_tables_survive_html_to_otsl_and_back(name, table_variants):
    for identifier, table in table_variants.real_tables(name):
        if any(not row for row in table.rows):
            continue
        grid = table.grid()
        back = parse_table(render_table(table, "otsl"), "otsl")
        assert back is not None
        assert [len(row) for row in back.grid().slots] == [grid.width] * grid.height, identifier
        begun = [(placed.row, placed.column, placed.cell.text) for placed in grid.cells]
        assert [found for found in begun if found[2]] == [
            (placed.row, placed.column, placed.cell.text) for placed in back.grid().cells if placed.cell.text
        ], identifier


def test_trivia_otsl_gives_the_html_of_its_authors(fixture_rows):
    for row in fixture_rows("trivia_otsl"):
        table = parse_table(row["otsl"])
        assert table is not None
        assert render_table(table, "html") == row["html"]
        assert render_table(table, "otsl") == row["otsl"]


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown table format 'csv'; known: html, otsl, markdown, latex"):
        render_table(Table.of([["a"]]), "csv")
    assert set(FORMATS) == {"html", "otsl", "markdown", "latex"}
