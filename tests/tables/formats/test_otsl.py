"""OTSL as TRivia writes it, and repaired where its release loses text (R5)."""

from __future__ import annotations

import pytest

from table_rewards.tables.formats.otsl import parse_otsl, render_otsl
from table_rewards.tables.table import Table


def rows(source: str) -> list[list[object]]:
    table = parse_otsl(source)
    assert table is not None
    return [[c.text if c.colspan == c.rowspan == 1 else (c.text, c.colspan, c.rowspan) for c in r] for r in table.rows]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("<fcel>a<nl>\n<nl>\n<fcel>b<nl>\n", [["a"], ["b"]], id="R5: a blank row loses no text"),
        pytest.param("<fcel>a<fcel>b<nl>", [["a", "b"]], id="R5: a single row without a line break"),
        pytest.param("<fcel>a<fcel>b", [["a", "b"]], id="no end of row at all"),
        pytest.param("<ecel>a<fcel>b<nl>", [["a", "b"]], id="R5: text after ecel is kept"),
        pytest.param("<fcel>p<0.05<fcel>&lt;i&gt;<nl>", [["p<0.05", "<i>"]], id="R5: text is no markup"),
        pytest.param("<fcel>H<sub>2</sub>O<nl>", [["H₂O"]], id="known markup is"),
        pytest.param("<fcel>a<fcel>b<nl>\n<fcel>c<fc", [["a", "b"], ["c", ""]], id="cut in the middle of a token"),
        pytest.param("<fcel>a<nl><fcel>b<fcel>c<nl>", [["a", ""], ["b", "c"]], id="short rows are padded"),
        pytest.param("<lcel><fcel>a<nl><ucel><lcel><nl>", [["", "a"], ["", ""]], id="orphans are empty cells"),
        pytest.param("Here: <fcel>a<nl>\nDone.", [["a"]], id="prose around it"),
        pytest.param("<ched>h<ched>i<nl><rhed>r<fcel>1<nl>", [["h", "i"], ["r", "1"]], id="docling's headers"),
        pytest.param(
            "<fcel>a<lcel><fcel>b<nl><ucel><xcel><fcel>c<nl>",
            [[("a", 2, 2), "b"], ["c"]],
            id="a span in both directions",
        ),
    ],
)
def test_parse(source, expected):
    assert rows(source) == expected


def test_no_cell_is_no_table():
    assert parse_otsl("") is None
    assert parse_otsl("<nl><nl>") is None
    assert parse_otsl("a < b") is None


def test_rendering_escapes_only_what_would_be_read_as_something_else():
    assert render_otsl(Table.of([["p<0.05", "a & b", "&amp;", "x>y"]])) == (
        "<fcel>p&lt;0.05<fcel>a & b<fcel>&amp;amp;<fcel>x>y<nl>\n"
    )


def test_a_wide_row_does_not_blow_up_all_others():
    source = "<fcel>a" * 3_000 + "<nl>" + "<fcel>b<nl>" * 3_000
    table = parse_otsl(source)
    assert table is not None
    assert table.size == 6_000  # not 3,000 x 3,001
