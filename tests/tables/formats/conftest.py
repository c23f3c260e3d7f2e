"""Random tables with every text that a format could mistake for something of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from table_rewards.tables.table import Cell, Table

LETTERS = "ab1 0.,%&_#$^~{}[]()<>|*`\\/-+=:;!?@'\"é表°±²\u2212\u2013"
WHOLE = (
    "", "a", "12", "1,234.5", "50%", "$5", "$5 and $6", "$x^2$", "$\\alpha_{i}$", "x_{i}", "10^{-3}", "[1]",
    "[c]", "[2pt]", "*", "**", "***", "**b**", "__b__", "_b_", "*b*", "~~b~~", "`b`", "``", "{", "}", "{}", "{a",
    "a}", "}{", "\\", "\\\\", "\\\\[2pt]", "\\hline", "\\textbf{a}", "\\end{tabular}", "\\begin{tabular}{l}",
    "\\multirow{2}{*}{a}", "a & b", "&", "&amp;", "&lt;b&gt;", "&#42;", "<b>", "<br>", "</td>", "<table>",
    "</table>", "<td>a</td>", "<nl>", "<fcel>", "<ecel>", "</otsl>", "<sup>2</sup>", "<sub>", "p<0.05", "x > 200",
    "<!--", "-->", "<!-- a -->", "a|b", "|", "||", "\\|", "---", ":-:", "-", "--", "+---+", "> a", "# a", "- a",
    "1. a", "[a](b)", "![a](b)", "<http://a.b>", "~", "% a", "a%b", "_", "^", "``` a", "```", "=", "===", "10²",
    "H₂O", "½", "a\u00adb", "🙂", "\u202eabc", "\\,", "\\%", "\\$", "$", "$$", "$$x$$", "\\(x\\)", "\\'e", "``a''",
    "1 - 2", "a/b", "C:\\x", "\\newline", "100 %", "#1", "tab_le", "{[}", "$a&b$", "$50%$", "$a$b$", "$1$",
)  # fmt: skip


@pytest.fixture(scope="session")
def fuzzed_tables() -> Callable[..., Iterator[Table]]:
    return make_tables


def make_tables(count: int, seed: int, spans: bool = True) -> Iterator[Table]:
    """Rectangular tables; with ``spans`` some cells cover their neighbours."""
    pick = random.Random(seed)
    for _ in range(count):
        height, width = pick.randint(1, 4), pick.randint(1, 4)
        taken: set[tuple[int, int]] = set()
        rows: list[list[Cell]] = []
        for i in range(height):
            row: list[Cell] = []
            for j in range(width):
                if (i, j) in taken:
                    continue
                colspan = rowspan = 1
                if spans and pick.random() < 0.25:
                    while j + colspan < width and (i, j + colspan) not in taken and pick.random() < 0.5:
                        colspan += 1
                    rowspan = pick.randint(1, height - i)
                taken.update((y, x) for y in range(i, i + rowspan) for x in range(j, j + colspan))
                row.append(Cell(text(pick), colspan, rowspan))
            rows.append(row)
        yield Table.of(rows)


def text(pick: random.Random) -> str:
    """A whole text that looks like markup, random letters, or both."""
    kind = pick.random()
    if kind < 0.35:
        return pick.choice(WHOLE)
    letters = "".join(pick.choice(LETTERS) for _ in range(pick.randint(0, 8)))
    if kind > 0.85:
        letters += " " * pick.randint(0, 1) + pick.choice(WHOLE)
    return " ".join(letters.split())
