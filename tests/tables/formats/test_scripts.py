"""A superscript is part of what a cell says."""

from __future__ import annotations

import pytest

from table_rewards.tables import parse_table


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("5 x 10<sup>-3</sup>", "5 x 10⁻³", id="a power"),
        pytest.param("10<sup>\u22123</sup>", "10⁻³", id="a minus sign"),
        pytest.param("m<sup>2</sup>", "m²", id="a unit"),
        pytest.param("H<sub>2</sub>O", "H₂O", id="a formula"),
        pytest.param("Ca<sup>2+</sup>", "Ca²⁺", id="a charge"),
        pytest.param("3,450<sup>2</sup>", "3,450 ²", id="a footnote behind a long number stands apart"),
        pytest.param("12<sup>1</sup>", "12 ¹", id="nobody writes the first power"),
        pytest.param("12.5%<sup>a</sup>", "12.5%^{a}", id="a footnote's letter"),
        pytest.param("709<sup>[3]</sup>", "709 [3]", id="a citation"),
        pytest.param("0.05<sup>*</sup>", "0.05*", id="a star"),
        pytest.param("1<sup>st</sup>", "1st", id="an ordinal"),
        pytest.param("V<sub>max</sub>", "Vmax", id="a word below"),
        pytest.param("x<sup>2<sub>i</sub></sup>", "x^{2_{i}}", id="nested"),
        pytest.param("<b>10<sup>3</sup></b>", "10³", id="inside other markup"),
        pytest.param("10<sup></sup>", "10", id="empty"),
        pytest.param("a<sub", "a<sub", id="no tag"),
    ],
)
@pytest.mark.parametrize("format", ["html", "otsl", "markdown"])
def test_what_a_script_says(format, source, text):
    wrapped = {
        "html": f"<table><tr><td>{'a&lt;sub' if source == 'a<sub' else source}</td></tr></table>",
        "otsl": f"<fcel>{source}<fcel>z<nl>\n",
        "markdown": f"| {source} | z |\n|---|---|\n",
    }[format]
    table = parse_table(wrapped, format)
    assert table is not None
    assert table.rows[0][0].text == text


def test_latex_has_superscripts_too():
    table = parse_table("\\begin{tabular}{ll}10\\textsuperscript{-3} & H\\textsubscript{2}O\\\\\\end{tabular}")
    assert table is not None
    assert [cell.text for cell in table.rows[0]] == ["10⁻³", "H₂O"]


@pytest.mark.parametrize("open_tag", ["10<sup>3", "10</sup>3", "<sup>a<sub>b</sup>c</sub>"])
def test_tags_that_do_not_match_lose_no_text(open_tag):
    table = parse_table(f"<fcel>{open_tag}<nl>")
    assert table is not None
    assert [letter for letter in table.rows[0][0].text if letter.isalnum()] != []
