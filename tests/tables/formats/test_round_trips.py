"""Whatever a cell says, every format gives it back, asked for by name or found in the text."""

from __future__ import annotations

import pytest

from table_rewards.tables import parse_table, render_table
from table_rewards.tables.table import Table


def content(table: Table | None) -> list[list[tuple[object, ...]]]:
    assert table is not None
    return [[(cell.text, cell.colspan, cell.rowspan, cell.marked) for cell in row] for row in table.rows]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("format", ["html", "otsl", "markdown", "latex"])
def test_a_table_survives_its_format(format, named, fuzzed_tables):
    for table in fuzzed_tables(1_500, seed=7, spans=format != "markdown"):
        source = render_table(table, format)
        assert content(parse_table(source, format if named else None)) == content(table), source


@pytest.mark.parametrize("format", ["html", "otsl", "markdown", "latex"])
@pytest.mark.parametrize(
    "cell", ["10<sup>-3</sup>", "H<sub>2</sub>O", "12<sup>a, b</sup>", "x<sub>i</sub><sup>2</sup>"]
)
def test_superscripts_survive_every_format(format, cell):
    table = parse_table(f"<table><tr><td>{cell}</td><td>1</td></tr></table>")
    assert table is not None
    assert content(parse_table(render_table(table, format), format)) == content(table)
    assert render_table(parse_table(render_table(table, format), format), "html").count(cell) == 1


@pytest.mark.parametrize("one", ["html", "otsl", "latex"])
@pytest.mark.parametrize("other", ["html", "otsl", "latex"])
def test_a_table_survives_from_one_format_to_another(one, other, fuzzed_tables):
    for table in fuzzed_tables(150, seed=11):
        there = parse_table(render_table(table, one), one)
        assert there is not None
        assert content(parse_table(render_table(there, other), other)) == content(table)


@pytest.mark.parametrize(
    "cell", ["--", "---", "-----", "``a''", "'''", "5 -- 6", "$a--b$ -- c", "│", "─ x", "=== ", "｜"]
)
@pytest.mark.parametrize("format", ["html", "otsl", "markdown", "latex"])
def test_what_a_format_would_join_or_draw_survives_it(format, cell):
    table = Table.of([["name", "value"], [cell, "1"], ["2", cell]])
    assert content(parse_table(render_table(table, format), format)) == content(
        Table.of([["name", "value"], [cell.strip(), "1"], ["2", cell.strip()]])
    )
