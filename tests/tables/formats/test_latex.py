from __future__ import annotations

import pytest

from table_rewards.tables.formats.latex import parse_latex


def rows(source: str) -> list[list[object]]:
    table = parse_latex(source)
    assert table is not None
    return [[c.text if c.colspan == c.rowspan == 1 else (c.text, c.colspan, c.rowspan) for c in r] for r in table.rows]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            r"{lr}\toprule a & b\\ \midrule 1 & 2\\[2pt]\bottomrule\end{tabular}", [["a", "b"], ["1", "2"]], id="rules"
        ),
        pytest.param(r"{l|r} a & b \\ 1 & 2 \end{tabular}", [["a", "b"], ["1", "2"]], id="no end of the last row"),
        pytest.param(r"{ll} a & b \\ 1 &", [["a", "b"], ["1", ""]], id="cut short"),
        pytest.param(
            r"{ll}\multicolumn{2}{c}{\textbf{x}} \\ 1 & 2 \\\end{tabular}", [[("x", 2, 1)], ["1", "2"]], id="across"
        ),
        pytest.param(r"{ll}\multirow{2}{*}{x} & 1 \\ & 2 \\\end{tabular}", [[("x", 1, 2), "1"], ["2"]], id="down"),
        pytest.param(r"{ll}\multirow{2}*{x} & 1 \\ & 2 \\\end{tabular}", [[("x", 1, 2), "1"], ["2"]], id="bare width"),
        pytest.param(
            r"{lll}\multicolumn{2}{c}{\multirow{2}{*}{x}} & 1 \\ \multicolumn{2}{c}{} & 2 \\\end{tabular}",
            [[("x", 2, 2), "1"], ["2"]],
            id="both",
        ),
        pytest.param(
            "{l} 50\\% % a comment & more\n\\\\ a \\& b \\\\\\end{tabular}", [["50%"], ["a & b"]], id="comments"
        ),
        pytest.param(r"{l} {a & b} \\ $x^{2}$ \\\end{tabular}", [["a & b"], ["$x^{2}$"]], id="braces and math"),
        pytest.param(r"{l}\begin{tabular}{c}u\\v\end{tabular} \\ w \\\end{tabular}", None, id="a table in a cell"),
    ],
)
def test_parse(body, expected):
    found = rows(r"\begin{tabular}" + body)
    if expected is None:
        assert len(found) == 2
        assert found[1] == ["w"]
    else:
        assert found == expected


def test_a_multirow_covers_as_many_rows_as_it_says():
    body = r"{lll} \multirow{3}{*}{x} & \multirow{2} [2pt] {2em} {y} & 1 \\ & & 2 \\ & z & 3 \\ & & 4"
    assert rows(r"\begin{tabular}" + body) == [[("x", 1, 3), ("y", 1, 2), "1"], ["2"], ["z", "3"], ["", "", "4"]]


def test_width_and_position_arguments_are_no_content():
    assert rows(r"\begin{tabularx}{\textwidth}[t]{@{}lX@{}} a & b \\\end{tabularx}") == [["a", "b"]]


def test_no_tabular_is_no_table():
    assert parse_latex(r"\begin{align}a&b\end{align}") is None
    assert parse_latex(r"\begin{tabular}{ll}\end{tabular}") is None
