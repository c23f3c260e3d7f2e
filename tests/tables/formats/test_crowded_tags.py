"""Tags of very many attributes: libxml2 takes half a minute for one of 1 MB."""

from __future__ import annotations

import pytest
from lxml import etree

from table_rewards.tables.formats.crowded_tags import MAX_ATTRIBUTES, without_crowds
from table_rewards.tables.formats.html import parse_html

NAMES = [f"a{number}" for number in range(3_000)]


@pytest.mark.parametrize(
    "crowd",
    [
        pytest.param(" ".join(NAMES), id="bare"),
        pytest.param("/".join(NAMES), id="between slashes"),
        pytest.param("".join(f'{name}=">"' for name in NAMES), id="a bracket in each value"),
        pytest.param("".join(f"{name}='\"/>'" for name in NAMES), id="single quotes, a tag's end in each value"),
        pytest.param(" ".join(f"{name} = <b>"[:-1] for name in NAMES), id="spaces around the sign, a tag's begin"),
        pytest.param(" ".join(f"<{name}" for name in NAMES), id="names that begin like tags"),
        pytest.param(" ".join(f"{name}'" for name in NAMES), id="quotes in the names"),
        pytest.param("= ".join(NAMES), id="values without quotes"),
    ],
)
def test_the_parser_never_sees_a_crowded_tag_and_all_else_stands(crowd):
    source = f"<table><tr><td colspan=2 {crowd}>x</td><td rowspan='2'>y &gt; z</td></tr></table>"
    short = without_crowds(source)
    most = max(len(element.keys()) for element in etree.fromstring(short, etree.HTMLParser()).iter())
    assert most <= MAX_ATTRIBUTES
    table = parse_html(source)
    assert table is not None
    assert [tuple(cell)[:3] for cell in table.rows[0]] == [("x", 2, 1), ("y > z", 1, 2)]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("<td title='a > b'>x = \"a > b\"", id="brackets in values and texts"),
        pytest.param("<td title='" + "long " * 2_000 + "'>x", id="a long value"),
        pytest.param("<td>" + "a < b, c = d, " * 500, id="a long text"),
        pytest.param("<td " + " " * 9_000 + ">x", id="a long gap"),
        pytest.param("<td " + " ".join(NAMES[:90]) + ">x", id="ninety attributes"),
        pytest.param("<td>x<!-- " + "<b w> " * 50 + "-->", id="a comment"),
    ],
)
def test_a_table_without_one_is_untouched(cell):
    source = "<table><tr>" + f"{cell}</td>" * 20 + "</tr></table>"
    assert without_crowds(source) == source
