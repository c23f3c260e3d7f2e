"""LaTeX tables in and out of the model.

Understood: ``tabular``, ``tabular*``, ``tabularx``, ``tabulary``, ``longtable``, ``supertabular``, ``xtabular``,
``tabu``, ``tblr``, ``NiceTabular``, and ``array`` where there is none of these; ``\\multicolumn``, ``\\multirow`` (also
upwards, ``\\multirow{-2}``), ``\\SetCell`` and ``\\Block``; rules, colours, comments and row spacing are dropped. What
stands in a cell is read by :mod:`table_rewards.tables.formats.latex_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from table_rewards.tables.formats.latex_text import closing_brace, latex_source, latex_text
from table_rewards.tables.formats.scripts import marked_cell
from table_rewards.tables.memo import Memo
from table_rewards.tables.table import MAX_COLSPAN, MAX_ROWSPAN, Cell, Table, tidy

_NAMES: Final = (
    r"tabular[*xy]?|longtable\*?|(?:mp)?supertabular\*?|xtabular\*?|xltabular|longtabu|tabu|(?:long|tall)?tblr"
    r"|NiceTabular[*X]?|NiceArray|array"
)
_BOUNDARY: Final = re.compile(rf"\\(begin|end)\s*\{{({_NAMES})\}}")
_BEGIN: Final = re.compile(rf"\\begin\s*\{{({_NAMES})\}}")
_WITH_WIDTH: Final = frozenset(
    (
        "tabular*",
        "tabularx",
        "tabulary",
        "NiceTabular*",
        "NiceTabularX",
        "xltabular",
        "supertabular*",
        "mpsupertabular*",
        "xtabular*",
    )
)
_IN_MATHEMATICS: Final = frozenset(("array", "NiceArray"))
_RULE: Final = re.compile(
    r"\\(?:hline(?:\[[^\[\]]*\])?|Hline|(?:top|mid|bottom)rule(?:\[[^\[\]]*\])?|hdashline(?:\[[^\[\]]*\])?|firsthline|lasthline"
    r"|end(?:first|last)?(?:head|foot)|cdashline\{[^{}]*\}(?:\[[^\[\]]*\])?|Xhline\{[^{}]*\}|hhline\{[^{}]*\}|thickhline|[ch]?cline\{[^{}]*\}|cline\{[^{}]*\}|specialrule(?:\{[^{}]*\}){3}|morecmidrules"
    r"|cmidrule(?:\([^()]*\))?(?:\[[^\[\]]*\])?(?:\([^()]*\))?\{[^{}]*\}|addlinespace(?:\[[^\[\]]*\])?|centering(?![a-zA-Z])"
    r"|noalign\{[^{}]*\}|rowcolors?(?:\[[^\[\]]*\])?\{[^{}]*\}|arrayrulecolor\{[^{}]*\}|pagebreak|nopagebreak|rowfont\{[^{}]*\})(?![a-zA-Z])"
)
_SPACE: Final = r"\s*(?:\[[^\[\]]*\]\s*)?"  # in one way only: what space could match in two is quadratic
_COMMENT: Final = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?")
_TO_WIDTH: Final = re.compile(r"\s*(?:to|spread)\b[^{}&]*(?=\{)")
_MULTIROW: Final = re.compile(rf"\\multirow{_SPACE}\{{\s*(-?\d{{1,9}})\s*\}}{_SPACE}(?:\{{[^{{}}]*\}}|\*|=){_SPACE}\{{")
_MULTICOLUMN: Final = re.compile(r"\\multicolumn\s*\{\s*(\d{1,9})\s*\}\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{")
_BLOCK: Final = re.compile(r"\\Block\s*(?:\[[^\[\]]*\]\s*)?\{\s*(\d{1,9})\s*-\s*(\d{1,9})\s*\}\s*(?:<[^<>]*>\s*)?\{")
_SET_CELL: Final = re.compile(r"\\SetCell\s*(?:\[([^\[\]]*)\]\s*)?\{[^{}]*\}\s*")
_COLOUR: Final = re.compile(r"\\(?:cellcolor|color|columncolor)\s*(?:\[[^\[\]]*\]\s*)?\{[^{}]*\}\s*")
_TOKEN: Final = re.compile(
    r"(\\begin\s*\{[^{}]*\}|\\end\s*\{[^{}]*\}|\\\\\*?(?:\s*\[\s*-?[\d.]+\s*(?:[a-z]{2}|\\[a-zA-Z]+)\s*\])?|\\tabularnewline|\\.|[{}&])",
    re.DOTALL,
)
_MAX_SLOTS: Final = 250_000  # columns below a \\multirow that are kept in mind, and slots filled: no table has more
_MAX_BEGINS: Final = 2_000  # environments of a text that are looked at
_LOOK_BACK: Final = 1_000  # characters of a line in front of one
_MARKUP: Final = re.compile(r"[\\{}~$^_]|--|``|''")
_PART_END: Final = re.compile(r"\\end(firsthead|head|foot|lastfoot)(?![a-zA-Z])")
_CAPTION: Final = re.compile(r"\\(?:caption\*?|captionof\s*\{[^{}]*\})\s*(?:\[[^\[\]]*\]\s*)?(?=\{)")
_LABEL: Final = re.compile(
    r"\s*(?:\\label\s*\{[^{}]*\}\s*)?(?:\\\\\*?(?:\s*\[[^\[\]]*\])?|\\tabularnewline(?![a-zA-Z]))?"
)


def latex_tables(text: str, count: int, arrays: bool = False) -> list[tuple[int, int]]:
    """Where the first tables of a text are; with ``arrays`` those that formulas use too.

    >>> latex_tables(r"x \\begin{tabular}{l}a\\\\\\end{tabular} y", 9)
    [(2, 36)]
    """
    found = islice(_BEGIN.finditer(text), _MAX_BEGINS)
    begins = [match for match in found if not _is_aside(text, match.start())]
    starts = [match.start() for match in begins if (match[1] in _IN_MATHEMATICS) is arrays]
    return [(start, end) for start, end in _outermost(text, starts, count) if not arrays or "&" in text[start:end]]


def _is_aside(text: str, position: int) -> bool:
    """Whether a table begins in a comment, or in a row of a Markdown table."""
    near = max(0, position - _LOOK_BACK)
    line = text[max(text.rfind("\n", near, position) + 1, near) : position]
    return line.lstrip().startswith("|") or ("%" in line and _COMMENT.search(line) is not None)


def _outermost(text: str, starts: list[int], count: int) -> list[tuple[int, int]]:
    """Outermost environments: a ``tabular`` that begins inside the one before is a part of it."""
    tables: list[tuple[int, int]] = []
    behind = 0
    for start in starts:
        if start < behind:
            continue
        depth = 0
        behind = len(text)
        for match in _BOUNDARY.finditer(text, start):
            depth += 1 if match[1] == "begin" else -1
            if depth == 0:
                behind = match.end()
                break
        if not _is_empty(text[start:behind]):
            tables.append((start, behind))
            if len(tables) == count:
                break
    return tables


def _is_empty(source: str) -> bool:
    """Whether an environment is only named: nothing but arguments stands in it."""
    begin = _BEGIN.match(source)
    assert begin is not None
    body = _without_arguments(source[begin.end() : begin.end() + 4_000], begin[1])
    end = _BOUNDARY.search(body)
    inside = body[: end.start()] if end else body
    if len(source) >= 4_000 or "&" in inside or "\\\\" in inside:
        return False
    return end is None or (end[1] == "end" and not inside.strip())


def parse_latex(source: str) -> Table | None:
    """Read the first table of a text, a truncated one too; None when there is none.

    >>> table = parse_latex(r"\\begin{tabular}{ll} \\multicolumn{2}{c}{\\textbf{A \\& B}} \\\\ 1 & 50\\%")
    >>> [[tuple(cell)[:3] for cell in row] for row in table.rows]
    [[('A & B', 2, 1)], [('1', 1, 1), ('50%', 1, 1)]]
    """
    found = latex_tables(source, 1) or latex_tables(source, 1, arrays=True)
    if not found:
        return None
    start, end = found[0]
    begin = _BEGIN.match(source, start)
    assert begin is not None
    body = source[begin.end() : end]
    if "%" in body:
        body = _COMMENT.sub(r"\1", body)
    body = _without_arguments(body, begin[1])
    if "\\end" in body:
        body = _as_printed_once(body)
    if "\\caption" in body:
        body = _without_captions(body)
    cells = Memo(_cell)
    covers = "\\SetCell" in body or "\\Block" in body
    rows = [_shown(row, cells) if covers else [cells[text] for text in row] for row in _split(body)]
    if any(cell.rowspan < 0 for cell in cells.values()):
        _turn_downwards(rows)
    if any(cell.rowspan > 1 for row in rows for cell in row):
        rows = _without_covered(rows)
    return Table(tuple(map(tuple, rows))) if rows else None


def _shown(row: list[str], cells: Memo[str, Cell]) -> list[Cell]:
    """The cells of a row in which ``\\SetCell`` and ``\\Block`` cover the empty ones behind them."""
    shown: list[Cell] = []
    covered = 0
    for source in row:
        cell = cells[source]
        if covered and not cell.text:
            covered -= 1
            continue
        shown.append(cell)
        covered = cell.colspan - 1 if "\\SetCell" in source or "\\Block" in source else 0
    return shown


def _as_printed_once(body: str) -> str:
    """A ``longtable`` as on one page: what it repeats on others (``\\endhead``, ``\\endfoot``) stands there once."""
    parts: dict[str, str] = {}
    start = 0
    for end in _PART_END.finditer(body):
        parts.setdefault(end[1], body[start : end.start()])
        start = end.end()
    if not parts:
        return body
    head = parts.get("firsthead", parts.get("head", ""))
    foot = parts.get("lastfoot", parts.get("foot", ""))
    inside, closing, behind = body[start:].rpartition("\\end")
    if not closing:
        inside, behind = behind, ""
    if _RULE.sub("", foot).strip():
        inside += foot if inside.rstrip().endswith("\\\\") else "\\\\" + foot
    return head + inside + closing + behind


def _without_captions(body: str) -> str:
    """A caption inside a ``longtable`` ends with ``\\\\`` and is no row of it."""
    kept: list[str] = []
    start = 0
    for caption in _CAPTION.finditer(body):
        if caption.start() >= start:
            kept.append(body[start : caption.start()])
            label = _LABEL.match(body, min(closing_brace(body, caption.end()) + 1, len(body)))
            assert label is not None
            start = label.end()
    return "".join([*kept, body[start:]])


def _without_arguments(body: str, environment: str) -> str:
    """Drop what follows ``\\begin{tabular}``: width, position and column specification."""
    wanted = 2 if environment in _WITH_WIDTH else 1
    width = _TO_WIDTH.match(body) if environment.endswith("tabu") else None
    position = width.end() if width else 0
    while position < len(body):
        letter = body[position]
        if letter.isspace():
            position += 1
        elif letter == "[" and (wanted or environment.startswith("Nice")):
            end = body.find("]", position)
            if end < 0:
                break
            position = end + 1
        elif letter == "{" and wanted:
            position, wanted = closing_brace(body, position) + 1, wanted - 1
        else:
            break
    return body[position:]


def _split(body: str) -> Iterator[list[str]]:
    """Rows and cells, one row at a time; braces and inner environments protect what is in them.

    A generator, so that of a table of 300,000 rows no lists pile up for the garbage collector to walk.
    """
    row: list[str] = []
    held: list[str] = []  # what the cell holds in front of the text at hand
    braces = environments = 0
    pieces = iter(_TOKEN.split(body))  # text, token, text, token, ..., text
    for text in pieces:
        token = next(pieces, "")
        if braces == environments == 0 and (token == "&" or token == "\\tabularnewline" or token.startswith("\\\\")):
            row.append("".join([*held, text]) if held else text)
            held = []
            if token != "&":
                yield row
                row = []
            continue
        held.append(text)
        if token.startswith("\\end"):
            if environments == 0:
                break
            environments -= 1
        elif token.startswith("\\begin"):
            environments += 1
        elif token == "{":
            braces += 1
        elif token == "}":
            braces = max(0, braces - 1)
        held.append(token)
    rest = "".join(held)
    if row or _RULE.sub("", rest).strip():
        yield [*row, rest]


def _cell(source: str) -> Cell:
    text = source.strip()
    if text.isalnum():
        return Cell(text)
    if not _MARKUP.search(text):
        return Cell(tidy(text))
    text = _RULE.sub("", text).strip() if "\\" in text else text
    colspan = rowspan = 1
    for _ in range(4):  # \multicolumn around \multirow, or the other way round; colours in front of either
        text = _COLOUR.sub("", text, count=1) if _COLOUR.match(text) else text
        if (across := _MULTICOLUMN.match(text)) is not None:
            colspan = min(max(1, int(across[1])), MAX_COLSPAN)
            text = _inside(text, across.end())
        elif (down := _MULTIROW.match(text)) is not None:
            rowspan = max(-MAX_ROWSPAN, min(int(down[1]) or 1, MAX_ROWSPAN))
            text = _inside(text, down.end())
        elif (block := _BLOCK.match(text)) is not None:
            rowspan, colspan = min(max(1, int(block[1])), MAX_ROWSPAN), min(max(1, int(block[2])), MAX_COLSPAN)
            text = _inside(text, block.end())
        elif (cell := _SET_CELL.match(text)) is not None:
            spans = dict(re.findall(r"\b([rc])\s*=\s*(\d{1,5})", cell[1] or ""))
            rowspan = min(max(rowspan, int(spans.get("r", 1)), 1), MAX_ROWSPAN)
            colspan = min(max(colspan, int(spans.get("c", 1)), 1), MAX_COLSPAN)
            text = text[cell.end() :]
        else:
            break
    return marked_cell(latex_text(text), colspan, -1 if rowspan == -1 else rowspan)


def _inside(text: str, start: int) -> str:
    """The argument that begins at ``start``, and whatever follows it."""
    closing = closing_brace(text, start - 1)
    return (text[start:closing] + text[closing + 1 :]).strip()


def _turn_downwards(rows: list[list[Cell]]) -> None:
    """``\\multirow{-2}`` stands in the last row that it covers; in the model a cell stands in the first."""
    for index, row in enumerate(rows):
        column = 0
        for at, cell in enumerate(row):
            if cell.rowspan < 0:
                height = min(-cell.rowspan, index + 1)
                above = _beginning_at(rows[index + 1 - height], column)
                row[at] = cell._replace(rowspan=1)
                if height > 1 and above is not None and not rows[index + 1 - height][above].text:
                    rows[index + 1 - height][above] = cell._replace(rowspan=height)
                    row[at] = Cell("", cell.colspan)
            column += cell.colspan


def _beginning_at(row: list[Cell], column: int) -> int | None:
    """Which cell of a row begins in a column."""
    begin = 0
    for at, cell in enumerate(row):
        if begin == column:
            return at
        begin += cell.colspan
    return None


def _without_covered(rows: list[list[Cell]]) -> list[list[Cell]]:
    """LaTeX writes an empty cell below a ``\\multirow``; in the model nothing begins there."""
    until: dict[int, int] = {}  # column -> the row in which it is free again
    believed = _MAX_SLOTS
    kept: list[list[Cell]] = []
    for index, row in enumerate(rows):
        column = 0
        here: list[Cell] = []
        for cell in row:
            if cell.text or cell.rowspan > 1 or until.get(column, 0) <= index:
                here.append(cell)
                if cell.rowspan > 1 and believed > 0:
                    believed -= cell.colspan
                    until.update(dict.fromkeys(range(column, column + cell.colspan), index + cell.rowspan))
            column += cell.colspan
        kept.append(here)
    return kept


def render_latex(table: Table) -> str:
    """Write a table as a ``tabular`` with booktabs rules; needs the multirow package where cells span rows.

    Raises:
        GridTooLarge: when the spans ask for too many slots.

    >>> print(render_latex(Table.of([[("A & B", 2, 1)], ["1", "50%"]])))
    \\begin{tabular}{ll}
    \\multicolumn{2}{l}{A \\& B} \\\\
    1 & 50\\% \\\\
    \\end{tabular}
    """
    grid = table.grid()
    lines = [f"\\begin{{tabular}}{{{'l' * max(1, grid.width)}}}"]
    for i, line in enumerate(grid.slots):
        parts: list[str] = []
        j = 0
        while j < len(line):
            at = grid.cells[line[j]] if line[j] >= 0 else None
            if at is None:
                parts.append("")
                j += 1
                continue
            begins = at.row == i and at.column == j
            text = latex_source(at.cell.text, at.cell.marked) if begins else ""
            if begins and at.rowspan > 1:
                text = f"\\multirow{{{at.rowspan}}}{{*}}{{{text}}}"
            across = max(1, at.column + at.colspan - j)
            parts.append(f"\\multicolumn{{{across}}}{{l}}{{{text}}}" if across > 1 else text)
            j += across
        lines.append(" & ".join(parts) + " \\\\")
        if i + 1 == table.header_rows:
            lines.append("\\midrule")
    return "\n".join([*lines, "\\end{tabular}"])
