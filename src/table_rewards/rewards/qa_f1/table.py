"""The table of a completion as the reader will see it, or why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from table_rewards.rewards.qa_f1.prompts import table_for_reader
from table_rewards.tables.formats.convert import parse_table
from table_rewards.tables.formats.find import HTML, LATEX, OTSL, Found, find_tables
from table_rewards.tables.formats.otsl import TOKEN
from table_rewards.tables.table import Table

_CLOSED_HTML: Final = re.compile(r"</table\s*>?\s*$", re.IGNORECASE)
_CUT_TOKEN: Final = re.compile(r"<[a-z]{0,4}$")
_LONGEST: Final = 2_000_000  # characters of a completion that are looked at


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """``problem`` is empty when there is a table to ask about; ``cut_off`` when the completion ends inside one."""

    table: Table | None = None
    html: str = ""
    problem: str = ""
    cut_off: bool = False
    note: str = ""


def written_table(completion: str, max_chars: int, *, tail_cuts: bool = False) -> WrittenTable:
    """Find the first table of a completion.

    Args:
        completion: the completion.
        max_chars: characters of HTML that the reader sees at most.
        tail_cuts: whether any text behind the last row makes an OTSL table a cut-off one.

    >>> written_table("<fcel>a<fcel>b<nl>", 1000).html
    '<table><tr><td>a</td><td>b</td></tr></table>'
    >>> written_table("<table><tr><td>a</td>", 1000).problem
    'cut off inside a table'
    """
    completion = completion[:_LONGEST]
    found = find_tables(completion)
    if tail_cuts and "<nl>" in completion and not completion.endswith(("<nl>", "<nl>\n")):
        return WrittenTable(problem="cut off inside a table", cut_off=True)
    if not found:
        return WrittenTable(problem="no table")
    if not tail_cuts and is_cut_off(found[-1]):
        return WrittenTable(problem="cut off inside a table", cut_off=True)
    table = parse_table(found[0].source, found[0].format)
    if table is None or not any(cell.text for row in table.rows for cell in row):
        return WrittenTable(problem="no text in the table")
    table = table.readable()
    html, kept = table_for_reader(table, max_chars)
    if not kept:
        return WrittenTable(problem=f"not even a row fits into {max_chars:,} characters")
    rows = len(table.rows)
    note = f"the reader saw {kept} of {rows} rows" if kept < rows else ""
    return WrittenTable(Table(table.rows[:kept]) if note else table, html, note=note)


def is_cut_off(found: Found) -> bool:
    """True when the source of a table ends before the table does.

    >>> is_cut_off(Found("otsl", "<fcel>a<nl>\\n<fcel>b")), is_cut_off(Found("otsl", "<fcel>a<nl>\\nThat is all."))
    (True, False)
    >>> is_cut_off(Found("otsl", "<fcel>a<fcel>b</otsl>")), is_cut_off(Found("otsl", "<fcel>a<fcel>b\\n<fcel>c<fcel>d"))
    (False, False)
    >>> is_cut_off(Found("otsl", "<fcel>a<fcel>b\\n<fcel>c")), is_cut_off(Found("otsl", "<fcel>a<fcel>b"))
    (True, True)
    """
    source = found.source
    if found.format == HTML:
        return _CLOSED_HTML.search(source[-200:]) is None
    if found.format == OTSL:
        if source.rstrip().endswith("</otsl>"):
            return False
        if "<nl>" not in source:  # rows that only their lines tell apart: the last one is whole when it is as wide
            widths = [len(TOKEN.findall(line)) for line in source.splitlines() if TOKEN.search(line)]
            return len(widths) < 2 or widths[-1] < widths[0] or _CUT_TOKEN.search(source.rstrip()) is not None
        _, end_of_row, rest = source.rpartition("<nl>")
        return not end_of_row or TOKEN.search(rest) is not None or _CUT_TOKEN.search(rest.rstrip()) is not None
    if found.format == LATEX:
        return "\\end{" not in source
    return False  # a Markdown table may end after any row
