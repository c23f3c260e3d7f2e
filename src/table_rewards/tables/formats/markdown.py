"""Pipe tables, as GitHub's Markdown has them, and what models make of them.

A block of lines with pipes whose second line is the delimiter row (``| --- | :-: |``); the first line is the
header. The delimiter row may be missing when every line begins with a pipe: models forget it. Cells beyond the
header's width are kept, since a reward should see what the model wrote; shorter rows are filled with empty cells.

Also read: rows with blank lines between them, tables in a quotation (``> | a |``), and grids with ``+---+`` rules, as
databases print them (a line is a row) or as reStructuredText and pandoc write them (a row lies between two rules, and
cells may span); the same drawn with ``│`` and ``─``; delimiter rows of ``===`` or of long dashes; bars of full width.

What stands in a cell is inline Markdown and read by markdown-it-py: emphasis and links are dropped around their text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from typing import Any, Final

from table_rewards.tables.formats.foreign import is_foreign, without_foreign
from table_rewards.tables.formats.grid_spans import has_spans, read_grid
from table_rewards.tables.formats.inline import TAG, escape_markup, marked_text, tag_text, with_ends
from table_rewards.tables.formats.one_line import with_line_breaks
from table_rewards.tables.formats.scripts import SUB, SUP, TAGS, marked_cell
from table_rewards.tables.memo import Memo
from table_rewards.tables.table import Cell, Table, tidy

_DASHES: Final = re.compile(r":?(?:-+|={2,}|[—–─]{2,}):?")
_BARS: Final = "│┃║｜┆"
_CORNERS: Final = "┌┏╔╒╓├┣╠╞┡┝└┗╚╘╙"
_DRAWN: Final = str.maketrans(
    {
        **dict.fromkeys("─━┄", "-"),
        "═": "=",
        **dict.fromkeys("┌┏╔╒╓┐┓╗╕╖├┣╠╞┡┝┤┫╣╡┩┥└┗╚╘╙┘┛╝╛╜┬┳╦╤╥┴┻╩╧╨┼╋╬╪╫╇┿", "+"),
    }
)
_TO_BAR: Final = str.maketrans({"|": "\\|", **dict.fromkeys(_BARS, "|")})
_CELL_END: Final = re.compile(r"\\[!-/:-@\[-`{-~]|\|")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_QUOTATION: Final = re.compile(r"\A\s*(?:>[ \t]?)+(?=\s*[|+])")
_LIST_MARK: Final = re.compile(r"\A[ \t]*(?:[-*+]|\d{1,2}[.)])[ \t]+(?=\|)")
_RULE: Final = re.compile(r"\s*[+|](?:[:=-]+\+)+[:=-]+[+|]\s*|\s*\+[:=-]+\+\s*")
_MAY_BE_MARKUP: Final = re.compile(r"[*_`\[~<&\\]")
_MATH: Final = re.compile(r"(?<![\\$])\$(?=[^\s$])[^$\n]*?[^\s$\\]\$(?![\d$])")
_STRONG: Final = re.compile(r"\*\*(?=\S)([^*]*[^*\s])\*\*")
_NEEDS_ESCAPE: Final = re.compile(r"[|$]|\A[:-]+\Z|\A\+")
_LIKELY: Final = re.compile(r"([\\|*_`\[\]~!]|^-)")
_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])(?<![&#;])")
_CROSSINGS: Final = "├┼┤┣╋┫╠╬╣╟╫╢╞╪╡"
_HELD: Final = "\U000fe0ff"  # a private character
_MAX_PARSED: Final = 4_000  # different cells of one table that the parser reads
_MAX_LENGTH: Final = 2_000  # characters of a cell
_MAX_SLOTS: Final = 250_000  # beyond this, rows are not filled: no table is that large


def markdown_blocks(source: str) -> list[str]:
    """Return every block of lines that reads as a pipe table, top to bottom.

    >>> markdown_blocks("Here:\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\nThat is all, a|b.")
    ['| a | b |\\n|---|---|\\n| 1 | 2 |']
    """
    blocks: list[str] = []
    for lines in _runs(without_foreign(with_line_breaks(source))):
        blocks += _tables_in(lines)
    return blocks


def _runs(source: str) -> list[list[str]]:
    """Stretches of lines with pipes. Rows with blank lines between them are one stretch, unless two rows touched."""
    runs: list[list[str]] = []
    lines: list[str] = []
    blank = touching = False
    gap_before_last = False
    for raw in [*source.splitlines(), "end"]:
        line = _QUOTATION.sub("", raw, count=1) if ">" in raw else raw
        if not line.isascii():
            line = _in_ascii(line)
        if "|" in line or (line.lstrip().startswith("+") and _RULE.fullmatch(line)):
            if blank and lines and not _goes_on(lines, line, touching):
                again = gap_before_last and len(lines) > 2 and _is_delimiter(line)
                header = [lines.pop()] if again else []  # of the table that this delimiter row begins
                runs.append(lines)
                lines, touching, blank = header, False, again
            elif not blank and len(lines) > 1:
                touching = True
            gap_before_last = blank
            lines.append(line)
            blank = False
        elif line.strip():
            if lines:
                runs.append(lines)
            lines, blank, touching = [], False, False
        else:
            blank = True
    return runs


def drawn(text: str) -> bool:
    """Whether a table may be drawn in a text with other bars than those of ASCII."""
    return any(bar in text for bar in _BARS)


def _in_ascii(line: str) -> str:
    """A line of a drawn grid with bars and rules of ASCII; other lines as they are."""
    first = line.lstrip()[:1]
    if first and first in _BARS:
        if any(crossing in line for crossing in _CROSSINGS):
            line = line.translate(_DRAWN)
        return line.translate(_TO_BAR)
    return line.translate(_DRAWN) if first and first in _CORNERS else line


def _goes_on(lines: list[str], line: str, touching: bool) -> bool:
    """Whether a line behind a blank one is a row of the table before it."""
    if touching or not (line.lstrip().startswith("|") and lines[0].lstrip().startswith("|")):
        return False
    if _is_delimiter(line):
        return len(lines) == 1
    return len(_cells(line)) == len(_cells(lines[0]))


def _tables_in(lines: list[str]) -> list[str]:
    """A delimiter row says where a table begins: one line above it."""
    if any(line.lstrip().startswith("+") for line in lines):
        if has_spans(lines):
            return ["\n".join(lines)]
        lines = _without_rules(lines)
    delimiter = Memo(_is_delimiter)
    for index in range(1, len(lines)):
        if delimiter[lines[index]] and not delimiter[lines[index - 1]]:
            header = lines[index - 1]
            if lines[index].lstrip().startswith("|"):  # the table of a list's item
                header = _LIST_MARK.sub("", header)
            return ["\n".join([header, *lines[index:]])]
    if lines and is_foreign(lines):
        return []
    piped = [line for line in lines if line.lstrip().startswith("|") and line.count("|") > 1]
    return ["\n".join(piped)] if piped and len(piped) == len(lines) and not all(map(_is_delimiter, piped)) else []


def _is_delimiter(line: str) -> bool:
    if line.isascii() and "-" not in line and "=" not in line:
        return False
    if "+" in line:
        return _RULE.fullmatch(line) is not None
    pieces = line.strip().removeprefix("|").removesuffix("|").split("|")
    return all(_DASHES.fullmatch(piece.strip()) for piece in pieces)


def _without_rules(lines: list[str]) -> list[str]:
    """A grid as a pipe table: its first rule goes, the one below the header becomes the delimiter row."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if _RULE.fullmatch(line):
            blocks.append([])
        else:
            blocks[-1].append(line)
    blocks = [block for block in blocks if block]
    row_is_block = any("=" in line and _RULE.fullmatch(line) for line in lines) or len(blocks) > 2
    rows = [[_joined(block)] if row_is_block else block for block in blocks]
    if len(rows) > 1:
        rows[0] = [_joined(rows[0]), "|" + "---|" * len(_cells(rows[0][0]))]
    return [line for block in rows for line in block]


def _joined(block: list[str]) -> str:
    """The lines of one row as one line."""
    if len(block) == 1:
        return block[0]
    cells = [_cells(line) for line in block]
    width = max(map(len, cells))
    columns = [" ".join(row[column].strip() for row in cells if column < len(row)) for column in range(width)]
    return "| " + " | ".join(map(tidy, columns)) + " |"


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
    if lines[0].lstrip().startswith("+"):
        return read_grid(lines, _CellReader())
    headed = len(lines) > 1 and _is_delimiter(lines[1])
    if headed:
        del lines[1]
    texts = Memo(_CellReader())
    rows = [[texts[cell] for cell in _cells(line)] for line in lines]
    width = len(rows[0])
    if width * len(rows) <= _MAX_SLOTS:
        for row in rows:
            row.extend([""] * (width - len(row)))
    plain, header = Memo(marked_cell), Memo(_header_cell)
    kinds = [header if headed and index == 0 else plain for index in range(len(rows))]
    return Table(tuple([tuple([cells[text] for text in row]) for cells, row in zip(kinds, rows, strict=True)]))


def _header_cell(text: str) -> Cell:
    return marked_cell(text, header=True)


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


class _CellReader:
    """Reads the sources of a table's cells. The parser takes tens of microseconds for one with markup; what a model
    writes in a loop, or at great length, is read by a simpler rule."""

    def __init__(self) -> None:
        self.left = _MAX_PARSED

    def __call__(self, source: str) -> str:
        """The text of a cell, with marks."""
        if not _MAY_BE_MARKUP.search(source):
            return tidy(source)
        if len(source) > _MAX_LENGTH or self.left <= 0:
            return _simply_read(source)
        self.left -= 1
        return _text(source)


def _text(source: str) -> str:
    held: list[str] = []  # formulas are set aside, so that nothing in them is read as markup

    def hold(match: re.Match[str]) -> str:
        held.append(match[0].replace("\\|", "|"))
        return _HELD

    if "$" in source:
        source = _MATH.sub(hold, source.replace(_HELD, ""))
    if "`" in source and "\\|" in source:  # the bar of a code span is escaped as any other
        source = source.replace("\\|", "|")
    parts: list[str] = []
    for token in _inline_tokens()(source.strip()):
        if token.type in ("text", "code_inline") or token.type == "image":
            parts.append(token.content)
        elif token.type == "html_inline":
            known = TAG.fullmatch(token.content)
            comment = token.content.startswith("<!--")
            parts.append(tag_text(known) if known else "" if comment else token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    text = "".join(parts)
    if SUP in text or SUB in text:
        text = with_ends(text)
    if held:
        letters = iter(held)
        text = "".join(next(letters, "") if letter == _HELD else letter for letter in text)
    return tidy(text)


@lru_cache(maxsize=1)
def _inline_tokens() -> Callable[[str], list[Any]]:
    """The inline parser of CommonMark, with HTML and GitHub's strikethrough; imported when the first cell needs it."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("strikethrough")
    return lambda source: parser.parseInline(source)[0].children or []


def _simply_read(source: str) -> str:
    """Escapes, tags and strong emphasis alone, in linear time."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[1])
        return _HELD

    source = _ESCAPED.sub(hold, source.replace(_HELD, ""))
    text = marked_text(_STRONG.sub(r"\1", source) if "**" in source else source)
    letters = iter(held)
    return tidy("".join(next(letters, "") if letter == _HELD else letter for letter in text)) if held else text


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
    written = Memo(_source)
    lines: list[str] = []
    for i, line in enumerate(grid.slots):
        texts = []
        for j, number in enumerate(line):
            at = grid.cells[number] if number >= 0 else None
            begins = at is not None and (at.row, at.column) == (i, j)
            texts.append(written[at.cell.text, at.cell.marked] if at is not None and begins else "")
        lines.append("| " + " | ".join(texts) + " |")
        if i == 0:
            lines.append("|" + " --- |" * max(1, grid.width))
    return "\n".join(lines)


def _source(content: tuple[str, str]) -> str:
    """The source of a cell: as little of its text is escaped as gives the text back."""
    text, marked = content
    if not _MAY_BE_MARKUP.search(text) and not marked and not _NEEDS_ESCAPE.search(text):
        return text
    wanted = marked or text
    safe = escape_markup(wanted) if "<" in wanted or unescape(wanted) != wanted else wanted
    tries = [safe.replace("|", "\\|"), _LIKELY.sub(r"\\\1", safe), _PUNCTUATION.sub(r"\\\1", safe)]
    for source in tries if len(text) <= _MAX_LENGTH else tries[2:]:
        if marked:
            source = source.translate(TAGS)
        if _DASHES.fullmatch(source) is None and _cells(f"| {source} |") == [f" {source} "] and _text(source) == wanted:
            return source
    return tries[2].translate(TAGS) if marked else tries[2]
