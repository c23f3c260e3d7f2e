"""Cells as well-kept parsers read them: what pylatexenc and markdown-it-py know, we read alike."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt
from pylatexenc.latex2text import LatexNodes2Text

from table_rewards.tables import parse_table
from table_rewards.tables.table import tidy

LATEX = [
    r"\textbf{12}", r"\textit{a} b", r"{\bf a}", r"\emph{a}~b", r"5\,000", r"25\,\%", r"A \& B", r"\$5", r"\#1",
    r"a\_b", r"\{x\}", r"20\textdegree C", r"M\"uller", r"\'{e}", r"caf\'e", r"\c{c}a", r"\~n", r"\ss", r"\o",
    r"na\"{\i}ve", r"\dag", r"\ldots", r"\textbackslash", r"\underline{a}", r"a\quad b", r"\v{S}koda",
    r"\AA ngstr\"om", r"\ae", r"\L\'od\'z", r"\textsc{Ab}",
]  # fmt: skip
MARKDOWN = [
    "**a**", "__a__", "*a* b", "_a_", "a_b_c", "5 * 3 * 2", "***a***", "~~a~~", "`a*b`", "``a`b``", "[a](b)",
    "[1]", "[a][b]", "![a](b.png)", "<https://a.b>", "a &amp; b", "&copy;", "\\*a\\*", "\\_", "**a", "a**", "* a",
    "0.05*", "**0.05***", "a<b", "1 < 2", "**a** and *b*", "[**a**](b \"c\")", "[a](<b c>)", "snake_case_",
    "_a_b", "(a)", "a!", "#1", "1. a", "**a*b*c**", "\\\\", "&#35;", "&bogus;", "x^2^", "https://a.b/_c_d", "**",
    "__", "a\\", "[]()", "[](a)",
]  # fmt: skip


@pytest.mark.parametrize("source", LATEX)
def test_latex_cells_are_what_pylatexenc_reads(source):
    table = parse_table(f"\\begin{{tabular}}{{ll}}x & {source} \\\\\\end{{tabular}}", "latex")
    assert table is not None
    assert table.rows[0][1].text == tidy(LatexNodes2Text().latex_to_text(source))


@pytest.mark.parametrize("source", MARKDOWN)
def test_markdown_cells_are_what_markdown_it_reads_in_a_table(source):
    """The whole document through its own table rule, against our rows and its inline parser."""
    document = f"| h | i |\n|---|---|\n| {source} | z |\n"
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(document)
    html = re.sub(r'<img src="[^"]*" alt="([^"]*)" />', r"\1", html)
    expected = [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", html, re.DOTALL)]
    table = parse_table(document, "markdown")
    assert table is not None
    assert [cell.text for cell in table.rows[1]][: len(expected)] == [tidy(text) for text in expected]
