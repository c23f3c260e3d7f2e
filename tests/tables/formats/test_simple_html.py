"""Tables read without a parser are the tables that the parser reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.tables.formats import find
from table_rewards.tables.formats.html_rows import read_rows, table_element
from table_rewards.tables.formats.simple_html import is_bare_table, simple_rows
from table_rewards.tables.trees.html_trees import omnidocbench_tree

PIECES = st.sampled_from(
    [
        "<table>",
        "</table>",
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "<th>",
        "</th>",
        '<td colspan="2">',
        "<td rowspan=2>",
        "<b>",
    ]
    + [
        "</b>",
        "<sup>",
        "</sup>",
        "<thead>",
        "</thead>",
        "<tbody>",
        "</tbody>",
        "a",
        " b ",
        "x > 1",
        "&amp;",
        "&lt;",
        "&nbsp;",
    ]
    + [
        "\u00a0",
        "½",
        "e\u0301",
        "\n",
        "  ",
        "<!-- a -->",
        '<td colspan="0">',
        '<td colspan="99999">',
        "é",
        "<br>",
        "<tr/>",
        ">",
    ]
)
ROWS = st.lists(
    st.lists(
        st.sampled_from(["a", "x > 1", "&amp;", "½ é", " b  c ", "1<sup>2</sup>", "10⁻³", "m<sup>-1</sup>", ""]),
        max_size=4,
    ),
    max_size=4,
)


def same(source: str) -> bool:
    """Whether the short way was taken; it must then give what the parser gives."""
    rows = simple_rows(source)
    if rows is None:
        return False
    element = table_element(source)
    assert element is not None
    assert [tuple(row) for row in read_rows(element)[0]] == rows
    tree = omnidocbench_tree(element)
    assert (tree.rows, tree.inline) == (tuple(simple_rows(source, powers=False) or ()), 0)
    return True


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_pieces(pieces):
    same(f"<table><tr><td>{pieces}</td></tr></table>")
    same(f"<table>{pieces}</table>")


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_plain_rows_are_read_the_short_way(rows):
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    assert (
        same(f"<table>{body}</table>") or not rows or any(" " in cell and ">" in cell for row in rows for cell in row)
    )


def test_real_tables(table_variants):
    short = total = 0
    for number, (_, table) in enumerate(table_variants.real_tables("pubtabnet", "docling")):
        for source in table_variants.variants(table, number).values():
            total += 1
            short += same(source)
    assert short > 0.8 * total


@pytest.mark.parametrize(
    "text",
    [
        "<table><tr><td>1</td></tr></table><|im_end|>",
        "<table><tr><td>1</td></tr></table></answer>",
        "<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>",
        '<table style="display:none"><tr><td>1</td></tr></table>',
        "<table hidden><tr><td>1</td></tr></table>",
        "<table><tr><td>1</td></tr></table> and <table><tr><td>2</td></tr></table>",
        "<table><!-- --><tr><td>1</td></tr></table>",
    ],
)
def test_what_is_more_than_a_bare_table_is_looked_at_closely(text):
    assert not is_bare_table(text)


def test_a_bare_table_is_found_as_any_other(table_variants, monkeypatch):
    sources = [
        source
        for number, (_, table) in enumerate(table_variants.real_tables("docling"))
        for source in table_variants.variants(table, number).values()
    ]
    quickly = [find.find_tables(source) for source in sources]
    assert sum(map(is_bare_table, sources)) > 100
    monkeypatch.setattr(find, "is_bare_table", lambda text: False)
    assert [find.find_tables(source) for source in sources] == quickly
