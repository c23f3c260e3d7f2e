"""Pipe tables, as GitHub's Markdown has them.

A block of lines with pipes whose second line is the delimiter row (``| --- | :-: |``); the first line is the
header. The delimiter row may be missing when every line begins with a pipe: models forget it. Cells beyond the
header's width are kept, since a reward should see what the model wrote.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from table_rewards.tables.formats.inline import escape_markup, plain_text
from table_rewards.tables.memo import Once
from table_rewards.tables.table import Table, tidy

_DASHES: Final = re.compile(r":?-+:?")
_CELL_END: Final = re.compile(r"\\[!-/:-@\[-`{-~]|\|")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_STRONG: Final = re.compile(r"\*\*(?=\S)([^*]*[^*\s])\*\*")


def markdown_blocks(source: str) -> list[str]:
    """Return every block of lines that reads as a pipe table, top to bottom.

    >>> markdown_blocks("Here:\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\nThat is all, a|b.")
    ['| a | b |\\n|---|---|\\n| 1 | 2 |']
    """
    blocks: list[str] = []
    lines: list[str] = []
    for line in [*source.splitlines(), ""]:
        if "|" in line:
            lines.append(line)
            continue
        if lines:
            blocks += _tables_in(lines)
            lines = []
    return blocks


def _tables_in(lines: list[str]) -> list[str]:
    """A delimiter row says where a table begins: one line above it."""
    delimiter = Once(_is_delimiter)
    for index in range(1, len(lines)):
        if delimiter[lines[index]] and not delimiter[lines[index - 1]]:
            return ["\n".join(lines[index - 1 :])]
    piped = [line for line in lines if line.lstrip().startswith("|") and line.count("|") > 1]
    return ["\n".join(piped)] if len(piped) == len(lines) else []


def _is_delimiter(line: str) -> bool:
    if "-" not in line:
        return False
    pieces = line.strip().removeprefix("|").removesuffix("|").split("|")
    return all(_DASHES.fullmatch(piece.strip()) for piece in pieces)


def parse_markdown(source: str) -> Table | None:
    """Read the first pipe table of a text; None when there is none.

    >>> table = parse_markdown("| a | b |\\n|---|---|\\n| x \\\\| y | **2** |")
    >>> [[cell.text for cell in row] for row in table.rows], table.header_rows
    ([['a', 'b'], ['x | y', '2']], 1)
    """
    blocks = markdown_blocks(source)
    if not blocks:
        return None
    lines = blocks[0].split("\n")
    headed = len(lines) > 1 and _is_delimiter(lines[1])
    if headed:
        del lines[1]
    texts = Once(_text)
    return Table.of(([texts[cell] for cell in _cells(line)] for line in lines), header_rows=1 if headed else 0)


def _cells(line: str) -> list[str]:
    """The sources of a line's cells."""
    line = line.strip()
    cells: list[str] = []
    start = 0
    if "\\" in line:
        for match in _CELL_END.finditer(line):
            if match[0] == "|":
                cells.append(line[start : match.start()])
                start = match.end()
        cells.append(line[start:])
    else:
        cells = line.split("|")
    if len(cells) > 1 and not cells[0].strip():
        del cells[0]
    if len(cells) > 1 and not cells[-1].strip() and line.endswith("|"):
        del cells[-1]
    return cells


def _text(source: str) -> str:
    if source.isalnum():
        return source
    held: list[str] = []  # escaped characters are set aside, so that none of them is read as markup

    def hold(match: re.Match[str]) -> str:
        held.append(match[1])
        return "\0"

    if "\\" in source:
        source = _ESCAPED.sub(hold, source.replace("\0", ""))
    text = plain_text(_STRONG.sub(r"\1", source) if "**" in source else source)
    if not held:
        return text
    letters = iter(held)
    return tidy("".join(next(letters, "") if letter == "\0" else letter for letter in text))


def render_markdown(table: Table) -> str:
    """Write a table as a pipe table; its first row becomes the header, since Markdown demands one.

    Markdown has no spans: a spanning cell stands in its upper left slot and leaves the others empty.

    Raises:
        GridTooLarge: when the spans ask for too many slots.

    >>> print(render_markdown(Table.of([[("a", 2, 1)], ["1", "x|y"]])))
    | a |  |
    | --- | --- |
    | 1 | x\\|y |
    """
    grid = table.grid()
    lines: list[str] = []
    for i, line in enumerate(grid.slots):
        texts = []
        for j, number in enumerate(line):
            at = grid.cells[number] if number >= 0 else None
            texts.append(_escaped(at.cell.text) if at is not None and (at.row, at.column) == (i, j) else "")
        lines.append("| " + " | ".join(texts) + " |")
        if i == 0:
            lines.append("|" + " --- |" * max(1, grid.width))
    return "\n".join(lines)


def _escaped(text: str) -> str:
    if unescape(text) != text or "<" in text:
        text = escape_markup(text)
    return re.sub(r"([\\|]|(?<=\*)\*|\*(?=\*))", r"\\\1", text)
