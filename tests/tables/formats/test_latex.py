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


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("\\begin{tabular*}{\\textwidth}{lr}", "tabular*"),
        ("\\begin{tabulary}{5cm}{LR}", "tabulary"),
        ("\\begin{supertabular}{lr}", "supertabular"),
        ("\\begin{tabu} to \\textwidth {lr}", "tabu"),
        ("\\begin{tblr}[caption={x}]{colspec={lr}, row{1}={font=\\bfseries}}", "tblr"),
        ("\\begin{longtblr}{lr}", "longtblr"),
        ("\\begin{NiceTabular}{lr}[hvlines]", "NiceTabular"),
        ("\\begin{array}{|l|r|}", "array"),
    ],
)
def test_every_environment(begin, end):
    assert rows(f"{begin}\nCity & 5 \\\\ \\hline Oslo & 7\n\\end{{{end}}}") == [["City", "5"], ["Oslo", "7"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"& b \\ \multirow{-2}{*}{a} & c", [[("a", 1, 2), "b"], ["c"]]),
        (r"\SetCell[r=2]{c} a & b \\ & c", [[("a", 1, 2), "b"], ["c"]]),
        (r"\SetCell[c=2]{c} a & \\ b & c", [[("a", 2, 1)], ["b", "c"]]),
        (r"\SetCell[r=2,c=2]{c} a & & b \\ & & c", [[("a", 2, 2), "b"], ["c"]]),
        (r"\Block{1-2}{a} & \\ b & c", [[("a", 2, 1)], ["b", "c"]]),
        (r"\Block{2-1}{a} & b \\ & c", [[("a", 1, 2), "b"], ["c"]]),
        (r"\rowcolor{gray!20} a & \cellcolor[HTML]{FF0000}b", [["a", "b"]]),
        (r"\cellcolor{red}\multirow{2}{*}{a} & b \\ & c", [[("a", 1, 2), "b"], ["c"]]),
        (r"\textcolor{red}{\textbf{a}} & {\color{blue}b}", [["a", "b"]]),
        (r"[1] & a \\[2pt] [2] & b", [["[1]", "a"], ["[2]", "b"]]),
        (r"20\textdegree C & 5\,000", [["20°C", "5 000"]]),
        (r"\foo{a} & x^{2}", [[r"\foo{a}", "x^{2}"]]),
        (r"a \% b & 5 % gone", [["a % b", "5"]]),
        (r"lone \{ & \}", [["lone {", "}"]]),
        (r"\rule{0pt}{10pt}a & \rule[-1ex]{0pt}{3ex}\textbf{b}", [["a", "b"]]),
        (
            r"\begin{tabular}[c]{@{}c@{}}x\\y & z\end{tabular} & \begin{minipage}[t]{2cm}u\end{minipage}",
            [["x y z", "u"]],
        ),
        (
            r"\begin{itemize}\item one \item two\end{itemize} & \begin{foo}a\end{foo}",
            [["one two", r"\begin{foo}a\end{foo}"]],
        ),
        (r"0.1\sym{***} & T$_{3 \mathrm{~B}}$", [["0.1***", r"T$_{3 \mathrm{~B}}$"]]),
        (r"\verb|a_b| & \diagbox{A}{\textbf{B}}", [["a_b", "A B"]]),
        (
            r"\Xhline{2pt} a & b \\ \hhline{|=|=|} c & d \\ \cdashline{1-2}[1pt/1pt] e & f",
            [["a", "b"], ["c", "d"], ["e", "f"]],
        ),
        (r"\includegraphics[width=1cm]{x} & a\hskip 1em b", [["", "a b"]]),
    ],
)
def test_what_stands_in_a_table(body, expected):
    assert rows(r"\begin{tabular}{ll} " + body + "\n" + r"\end{tabular}") == expected


def test_a_longtable_is_read_as_on_one_page():
    """Its caption is no row, and heads and feet that it repeats on other pages stand once."""
    head = r"\toprule a & b \\ \midrule"
    again = r"\multicolumn{2}{c}{continued} \\ a & b \\"
    foot = r"\multicolumn{2}{r}{Continued on next page} \\"
    body = rf"{{ll}} \caption[short]{{A {{long}} caption}}\label{{t}} \\ {head} \endfirsthead {again} \endhead "
    last = r"\bottomrule \endlastfoot 1 & 2 \\ 3 & 4 \\ \end{longtable}"
    assert rows(r"\begin{longtable}" + body + foot + r"\endfoot " + last) == [["a", "b"], ["1", "2"], ["3", "4"]]
    plain = r"\begin{longtable}{ll} a & b \\ \endhead n & m \\ \endfoot 1 & 2 \end{longtable}"
    assert rows(plain) == [["a", "b"], ["1", "2"], ["n", "m"]]


@pytest.mark.parametrize(
    "piece", [r"\begin{", r"\diagbox{", r"\verb|", r"\caption{", r"\endhead ", r"\begin{minipage}["]
)
def test_macros_without_end_are_read_at_once(piece):
    parse_latex(r"\begin{longtable}{ll}a & " + piece * (300_000 // len(piece)))  # the suite's time limit is the bound
