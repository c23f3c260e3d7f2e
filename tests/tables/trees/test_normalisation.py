"""What the three normalisations compare."""

from __future__ import annotations

import pytest

from table_rewards.tables.formats.find import find_tables
from table_rewards.tables.tree_distance.distance import tree_edit_distances
from table_rewards.tables.tree_distance.similarity import similarity
from table_rewards.tables.trees.html_trees import tag_token
from table_rewards.tables.trees.normalisation import tree_of
from table_rewards.tables.trees.tree import Tree


def tree(source: str, normalisation: str = "standard") -> Tree:
    found = tree_of(find_tables(source)[0], normalisation)
    assert found is not None
    return found


def test_pubtabnet_gives_its_published_scores(fixture_rows):
    """PubTabNet's own numbers, printed in its demo notebook, to 1e-9; S-TEDS as its code computes it."""
    rows = fixture_rows("pubtabnet_scores")
    assert len(rows) >= 11
    for row in rows:
        one, two = tree(row["prediction"], "pubtabnet"), tree(row["reference"], "pubtabnet")
        distances = tree_edit_distances([one], two) + tree_edit_distances([one.structure()], two.structure())
        teds, structure = (similarity(distance.value, one, two, "pubtabnet") for distance in distances)
        assert teds == pytest.approx(row["expected_teds"], abs=1e-9)
        assert structure == pytest.approx(row["computed_s_teds"], abs=1e-9)


SAME = "<table><tr><td>a</td><td>1 2</td></tr></table>"


@pytest.mark.parametrize(
    ("source", "standard", "omnidocbench", "pubtabnet"),
    [
        pytest.param("<table><tr><th>a</th><td>1 2</td></tr></table>", True, True, False, id="th"),
        pytest.param("<table><thead><tr><td>a</td><td>1 2</td></tr></thead></table>", True, True, False, id="thead"),
        pytest.param("<TABLE><TR><TD>a</TD><TD>1 2</TD></TR></TABLE>", True, True, True, id="upper case"),
        pytest.param(
            "<table>\n <tr>\n <td> a </td><td>1\n 2</td>\n </tr></table>", True, True, False, id="white space"
        ),
        pytest.param("<table><tr><td><b>a</b></td><td>1 2</td></tr></table>", True, False, False, id="bold"),
        pytest.param("<table><tr><td><sup>a</sup></td><td>1 2</td></tr></table>", True, True, False, id="superscript"),
        pytest.param(
            "<table><caption>c</caption><tr><td>a</td><td>1 2</td></tr></table>", True, False, False, id="caption"
        ),
        pytest.param("<table><tr><td>&#65345;</td><td>1&nbsp;2</td></tr></table>", True, True, False, id="NFKC"),
        pytest.param("<table><tr><td>a<td>1 2", True, True, True, id="unclosed"),
        pytest.param("<table><tr><td>a</td><td>1 2</td></tr><tr><td", False, False, False, id="a row begun"),
        pytest.param("<table><tr><td>a</td><td>1 2</td></tr></ta", True, True, True, id="cut in the last tag"),
        pytest.param(
            "<table><tr><td rowspan='1' colspan=abc>a</td><td>1 2</td></tr></table>", True, True, True, id="spans"
        ),
        pytest.param("<table><tr><td>a</td><td>1 2</td></tr><!-- x --></table>", True, True, True, id="comment"),
        pytest.param("<fcel>a<fcel>1 2<nl>", True, True, True, id="OTSL"),
    ],
)
def test_what_counts_as_the_same_table(source, standard, omnidocbench, pubtabnet):
    for normalisation, same in (("standard", standard), ("omnidocbench", omnidocbench), ("pubtabnet", pubtabnet)):
        if normalisation == "omnidocbench" and "\n" in source:
            same = tree(source, normalisation).rows == (("a", "1 2"),)  # line breaks are dropped there, not spaces
        assert (tree(source, normalisation) == tree(SAME, normalisation)) is same, normalisation


@pytest.mark.parametrize(
    ("written", "also", "other"),
    [
        ("10<sup>2</sup>", ["10²", "<b>10<sup> 2</sup></b>", "10^2"], ["102", "10 2", "10<sup>3</sup>"]),
        ("10<sup>-3</sup>", ["10⁻³", "10<sup>\u22123</sup>", "10^-3"], ["10-3", "10³"]),
        ("m<sup>2</sup>", ["m²", "m2"], ["m3"]),
        ("m<sup>-1</sup>", ["m⁻¹"], ["m-1", "m1"]),
        ("CO<sub>2</sub>", ["CO₂", "CO2"], ["CO3"]),
        ("12<sup>a</sup>", ["12a"], ["12"]),
    ],
)
def test_a_power_is_no_digit_of_its_number_in_any_format(written, also, other):
    """The tag is ignored, not what it says."""
    for cell in (written, *also, *other):
        same = cell not in other
        for source in (f"<table><tr><td>{cell}</td></tr></table>", f"<fcel>{cell}<nl>", f"| {cell} |\n|---|"):
            if "<b>" not in cell or source.startswith("<table"):
                assert (tree(source) == tree(f"<table><tr><td>{written}</td></tr></table>")) is same, source


def test_math_becomes_its_alttext():
    source = '<table><tr><td><math alttext="x^2"><mi>x</mi></math></td></tr></table>'
    assert tree(source).rows == (("$x^2$",),)
    assert tree(source, "omnidocbench").rows == (("$x^2$",),)
    annotated = '<math><mi>x</mi><annotation encoding="application/x-tex"> x^2 </annotation></math>'
    assert tree(f"<table><tr><td>{annotated}</td></tr></table>").rows == (("$x^2$",),)


def test_what_a_page_does_not_show_of_a_cell_is_not_read():
    for attribute in ('style="display:none"', "style='color: red; DISPLAY : none'", "hidden"):
        source = f"<table><tr><td><span {attribute}>7<b>8</b></span> a <b style='color:red'>b</b></td></tr></table>"
        assert tree(source).rows == (("a b",),)


def test_entities_are_resolved_once():
    """The released pipeline resolves them twice: text becomes a tag and is lost."""
    source = "<table><tr><td>p&lt;beta</td><td>&amp;lt;i&amp;gt;</td></tr></table>"
    for normalisation in ("standard", "omnidocbench", "pubtabnet"):
        assert tree(source, normalisation).rows == (("p<beta", "&lt;i&gt;"),)


def test_cells_outside_rows_and_sections_are_not_lost():
    assert tree("<table><td>a<td>b<tr><td>c</table>").rows in ((("a", "b"), ("c",)),)


def test_nested_tables_are_content_of_their_cell():
    assert tree("<table><tr><td>a<table><tr><td>b</td><td>c</td></tr></table></td></tr></table>").rows == (("a b c",),)


def test_inline_markup_is_counted_where_it_is_compared():
    source = "<table><tr><td><b>a</b><i>b</i></td></tr></table>"
    assert [tree(source, name).inline for name in ("standard", "omnidocbench", "pubtabnet")] == [0, 2, 2]


def test_thousands_of_invented_tags_do_not_fill_the_memory():
    from table_rewards.tables.trees import html_trees

    tokens = {tag_token(f"<tag{number}>") for number in range(6_000)}
    assert len(tokens) > 5_500
    assert len(html_trees._tags) <= 4_096
