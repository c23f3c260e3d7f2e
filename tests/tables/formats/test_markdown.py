from __future__ import annotations

import pytest

from table_rewards.tables.formats.markdown import markdown_blocks, parse_markdown, render_markdown
from table_rewards.tables.table import Table


def texts(source: str) -> list[list[str]]:
    table = parse_markdown(source)
    assert table is not None
    return [[cell.text for cell in row] for row in table.rows]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("| a | b |\n|:--|--:|\n| 1 | 2 |", [["a", "b"], ["1", "2"]], id="aligned"),
        pytest.param("a | b\n--- | ---\n1 | 2", [["a", "b"], ["1", "2"]], id="no outer pipes"),
        pytest.param("| a | b |\n| 1 | 2 |", [["a", "b"], ["1", "2"]], id="no delimiter row"),
        pytest.param("|a||\n|-|-|\n||b|", [["a", ""], ["", "b"]], id="empty cells"),
        pytest.param("| a |\n|---|\n| 1 | 2 |", [["a"], ["1", "2"]], id="cells beyond the header are kept"),
        pytest.param(r"| a \| b | \*c\* |" "\n|--|--|", [["a | b", "*c*"]], id="escapes"),
        pytest.param("| **a** | x<br>y | p<0.05 |\n|-|-|-|", [["a", "x y", "p<0.05"]], id="markup"),
        pytest.param("Note: a|b\n| c | d |\n|---|---|\n| 1 | 2 |", [["c", "d"], ["1", "2"]], id="prose with a pipe"),
        pytest.param("| a | -- |\n|---|---|\n| - | --- |", [["a", "--"], ["-", "---"]], id="dashes are content"),
        pytest.param(
            "| a | b |\n\n|---|---|\n\n| 1 | 2 |\n\n| 3 | 4 |", [["a", "b"], ["1", "2"], ["3", "4"]], id="spaced"
        ),
        pytest.param("| a | b |\n|---|---|\n\n| 1 | 2 |", [["a", "b"], ["1", "2"]], id="a blank line below the header"),
        pytest.param("> | a | b |\n> |---|---|\n> | 1 | > 2 |", [["a", "b"], ["1", "> 2"]], id="quotation"),
        pytest.param("| a | b |\n|---+---|\n| 1 | 2 |", [["a", "b"], ["1", "2"]], id="org mode"),
        pytest.param(
            "+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n| 3 | 4 |\n+---+---+",
            [["a", "b"], ["1", "2"], ["3", "4"]],
            id="a database's grid",
        ),
        pytest.param(
            "+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n|   | x |\n+---+---+",
            [["a", "b"], ["1", "2 x"]],
            id="reStructuredText: a row between two rules",
        ),
        pytest.param("| a | b |\n|---|---|\n| 1 |", [["a", "b"], ["1", ""]], id="short rows are filled"),
        pytest.param("| [x](u) | __y__ |\n|-|-|\n| *n* = 1 | `*z*` |", [["x", "y"], ["n = 1", "*z*"]], id="inline"),
        pytest.param("| $a_1*b*$ | $5 |\n|-|-|", [["$a_1*b*$", "$5"]], id="formulas are left alone"),
    ],
)
def test_parse(source, expected):
    assert texts(source) == expected


def test_prose_with_pipes_is_no_table():
    assert markdown_blocks("P(a|b) = 1\nand |x| < 2") == []
    assert parse_markdown("") is None


def test_the_header_row_is_a_header():
    table = parse_markdown("| a |\n|---|\n| 1 |")
    assert table is not None
    assert table.header_rows == 1


def test_spans_leave_empty_slots():
    assert render_markdown(Table.of([[("a", 2, 1)], ["1", "2"]])).splitlines()[0] == "| a |  |"


def test_two_tables_with_a_blank_line_between_them_are_two():
    assert len(markdown_blocks("| a |\n|---|\n| 1 |\n\n| b |\n|---|\n| 2 |")) == 2
    assert len(markdown_blocks("| a |\n\n|---|\n\n| 1 |\n\n| b |\n\n|---|\n\n| 2 |")) == 2


GRIDS = {
    "across": (
        ["+---+---+", "| a | b |", "+===+===+", "| over  |", "+---+---+"],
        [["a", "b"], [("over", 2, 1)]],
    ),
    "down, beside rules": (
        ["+-------+---+", "| P     | E |", "+===+===+===+", "| T | m | 8 |", "| 6 +---+---+",
         "|   | x | 5 |", "+---+---+---+"],
        [[("P", 2, 1), "E"], [("T 6", 1, 2), "m", "8"], ["x", "5"]],
    ),
    "a block": (
        ["+---+---+---+", "| a | b | c |", "+---+---+---+", "| d |  e    |", "+---+       |",
         "| f |       |", "+---+-------+"],
        [["a", "b", "c"], ["d", ("e", 2, 2)], ["f"]],
    ),
    "wide characters": (
        ["+------+------+", "| 城市        |", "+------+------+", "| 東京 | 1400 |", "+------+------+"],
        [[("城市", 2, 1)], ["東京", "1400"]],
    ),
    "drawn": (
        ["┌───┬───┐", "│ a │ b │", "│   ├───┤", "│   │ c │", "└───┴───┘"],
        [[("a", 1, 2), "b"], ["c"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRIDS)
def test_cells_of_a_grid_may_span(name):
    lines, expected = GRIDS[name]
    table = parse_markdown("Here:\n\n" + "\n".join(lines) + "\n\nDone.")
    assert table is not None
    found = [[c.text if c.colspan == c.rowspan == 1 else (c.text, c.colspan, c.rowspan) for c in r] for r in table.rows]
    assert found == expected


def test_a_bar_in_a_code_span_is_escaped_as_any_other():
    table = parse_markdown("| a | b |\n|---|---|\n| `x \\| y` | x \\| y |")
    assert table is not None
    assert [cell.text for cell in table.rows[1]] == ["x | y", "x | y"]


@pytest.mark.parametrize("source", ['{| class="wikitable"\n|-\n! a !! b\n|-\n| 1 || 2\n|}', "{|\n|a||b\n|-\n|1||2\n"])
def test_a_table_of_mediawiki_is_none(source):
    assert parse_markdown(source) is None
    table = parse_markdown(source + "\n|}\n\n| c |\n|---|\n| 3 |")
    assert table is not None
    assert table.rows[0][0].text == "c"


@pytest.mark.parametrize("line", ["+--+--+", "| +--+", "|  |", "+--", "|+--+--+|", "+==+"])
def test_a_grid_without_end_is_read_at_once(line):
    parse_markdown("+--+--+\n" + (line + "\n") * (200_000 // len(line)))  # the suite's time limit is the bound
    parse_markdown("+--+--+\n" + line * (200_000 // len(line)) + "\n| a |\n+--+--+")


def test_cells_beyond_count_in_a_model_that_loops_are_read_fast():
    loop = "| a |\n|---|\n" + "".join(f"| *{number}* |\n" for number in range(60_000))
    table = parse_markdown(loop)
    assert table is not None
    assert table.rows[1][0].text == "0"
    assert table.size == 60_001


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("||head 1||head 2||\n|cell 1|cell 2|\n|c|d|", id="Jira"),
        pytest.param("|| a || b ||\n\n| 1 | 2 |", id="Jira, spaced"),
        pytest.param("||a||b\n|1|2", id="Jira, not closed"),
        pytest.param("||Name|Bob|\n||Age|3|", id="Jira, headers down the side"),
        pytest.param("||a||b||\n||1||2||", id="MoinMoin"),
        pytest.param("||= a =||= b =||\n|| 1 || 2 ||", id="Trac"),
        pytest.param("|===\n|a |b\n\n|1 |2\n|3 |4\n|===", id="AsciiDoc"),
        pytest.param('[cols="1,1"]\n|===\n|a\n|b\n\n|1\n|2', id="AsciiDoc, cut off"),
        pytest.param("```\n|====\n| a | b |\n| 1 | 2 |\n|====\n```", id="AsciiDoc in a fence"),
        pytest.param("|_. a |_. b |\n| 1 | 2 |", id="Textile"),
        pytest.param("|=a|=b|\n|1|2|", id="Creole"),
        pytest.param("^ a ^ b ^\n| 1 | 2 |\n| 3 | 4 |", id="DokuWiki"),
        pytest.param("| a | b |\n^ x | y |", id="DokuWiki, headers down the side"),
        pytest.param('{| class="x"\n! a !! b\n|-\n| 1 || 2\n|}', id="MediaWiki"),
    ],
)
def test_a_table_of_another_language_is_no_table_of_markdown(source: str) -> None:
    assert parse_markdown(source) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("|| a |\n|-|-|\n| x | 1 |", [["", "a"], ["x", "1"]], id="an empty corner"),
        pytest.param("||a||\n|-|-|-|\n|1|2|3|", [["", "a", ""], ["1", "2", "3"]], id="two empty headers"),
        pytest.param("|a|b|c|\n|-|-|-|\n||5||\n|u|v|w|", [["a", "b", "c"], ["", "5", ""], ["u", "v", "w"]], id="a row"),
        pytest.param(
            "|a|b|c|\n||5||\n|u|v|w|", [["a", "b", "c"], ["", "5", ""], ["u", "v", "w"]], id="no delimiter row"
        ),
        pytest.param("| a | b |\n|===|===|\n| 1 | 2 |", [["a", "b"], ["1", "2"]], id="a delimiter row of signs"),
        pytest.param(
            "^ see\n| a^2 | =b |\n|---|---|\n| ^1^ | 2 |", [["a^2", "=b"], ["^1^", "2"]], id="carets and signs"
        ),
    ],
)
def test_markdown_that_looks_like_another_language_is_read(source: str, expected: list[list[str]]) -> None:
    assert texts(source) == expected


ONE = [["a", "b"], ["1", "2"], ["3", ""]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("| a | b | |---|---| | 1 | 2 | | 3 | |", ONE, id="spaces between rows"),
        pytest.param("|a|b||--|--||1|2||3||", ONE, id="nothing between rows"),
        pytest.param("Here: | a | b | | :-- | --: | | 1 | 2 | | 3 |  |", ONE, id="behind words"),
        pytest.param("| a | b |\\n|---|---|\\n| 1 | 2 |\\n| 3 | |", ONE, id="escaped"),
        pytest.param(
            "| a | b |\n|---|---|\n| x || -- |", [["a", "b"], ["x", "", "--"]], id="a row with dashes in a table"
        ),
        pytest.param("- | a | b |\n  |---|---|\n  | 1 | 2 |", [["a", "b"], ["1", "2"]], id="in a list"),
        pytest.param("2. | a | b |\n   |---|---|\n   | 1 | 2 |", [["a", "b"], ["1", "2"]], id="in a numbered list"),
        pytest.param("- | b\n---|---\n- | 2", [["-", "b"], ["-", "2"]], id="a dash as a cell"),
    ],
)
def test_lost_line_breaks_and_marks_of_lists_change_no_cell(source: str, expected: list[list[str]]) -> None:
    assert texts(source) == expected
