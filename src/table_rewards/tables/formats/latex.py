"""LaTeX ``tabular`` in and out of the model.

Understood: ``tabular``, ``tabular*``, ``tabularx``, ``longtable``; ``\\multicolumn``, ``\\multirow``; rules,
comments and row spacing are dropped; ``\\textbf`` and its like are dropped around their text; math stays as it is
written. Macros are not expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from table_rewards.tables.memo import Once
from table_rewards.tables.table import MAX_COLSPAN, MAX_ROWSPAN, Cell, Table, tidy

BEGIN: Final = re.compile(r"\\begin\{(tabular[*xy]?|longtable)\}")
_RULE: Final = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot|cline\{[^{}]*\}"
    r"|cmidrule(?:\([^()]*\))?(?:\[[^\[\]]*\])?\{[^{}]*\}|addlinespace(?:\[[^\[\]]*\])?|centering|noalign\{[^{}]*\})"
)
_OPTION: Final = r"\s*(?:\[[^\[\]]*\]\s*)?"  # in one way only: what space could match in two is quadratic
_COMMENT: Final = re.compile(r"(?<!\\)%[^\n]*\n?")
_STYLE: Final = re.compile(
    r"\\(?:textbf|textit|textrm|texttt|textsc|textsf|emph|underline|mbox|makecell|thead|text)\s*(?:\[[^\[\]]*\])?\{([^{}]*)\}"
)
_SWITCH: Final = re.compile(
    r"\\(?:bfseries|itshape|small|footnotesize|scriptsize|tiny|normalsize|bf|it|rm|sc)(?![a-zA-Z])\s*"
)
_MULTIROW: Final = re.compile(rf"\\multirow{_OPTION}\{{(\d{{1,9}})\}}{_OPTION}(?:\{{[^{{}}]*\}}|\*){_OPTION}\{{")
_MULTICOLUMN: Final = re.compile(r"\\multicolumn\s*\{(\d{1,9})\}\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{")
_TOKEN: Final = re.compile(
    r"(\\begin\{[^{}]*\}|\\end\{[^{}]*\}|\\\\(?:\*?\[[^\[\]]*\])?|\\tabularnewline|\\.|[{}&])", re.DOTALL
)
_ROW_END: Final = frozenset(("\\\\", "\\tabularnewline"))
_MAX_SLOTS: Final = 250_000  # columns below a \\multirow that are kept in mind: no table has more
_MARKUP: Final = re.compile(r"[\\{}~]")
_SYMBOL: Final = re.compile(r"\\([%&_#${}])")


def parse_latex(source: str) -> Table | None:
    """Read the first ``tabular`` of a text, a truncated one too; None when there is none.

    >>> table = parse_latex(r"\\begin{tabular}{ll} \\multicolumn{2}{c}{\\textbf{A \\& B}} \\\\ 1 & 50\\%")
    >>> [[tuple(cell)[:3] for cell in row] for row in table.rows]
    [[('A & B', 2, 1)], [('1', 1, 1), ('50%', 1, 1)]]
    """
    begin = BEGIN.search(source)
    if begin is None:
        return None
    body = _COMMENT.sub("", source[begin.end() :])
    cells = Once(_cell)
    rows = tuple(tuple([cells[text] for text in row]) for row in _split(_without_arguments(body, begin[1])))
    if any(cell.rowspan > 1 for cell in cells.values()):
        rows = _without_covered(rows)
    return Table(rows) if rows else None


def _without_arguments(body: str, environment: str) -> str:
    """Drop what follows ``\\begin{tabular}``: width, position and column specification."""
    wanted = 2 if environment in ("tabular*", "tabularx", "tabulary") else 1
    position = 0
    while position < len(body):
        if body[position].isspace():
            position += 1
        elif body[position] == "[":
            end = body.find("]", position)
            if end < 0:
                break
            position = end + 1
        elif body[position] == "{" and wanted:
            position, wanted = _closing(body, position) + 1, wanted - 1
        else:
            break
    return body[position:]


def _closing(text: str, opening: int) -> int:
    """Position of the brace that closes the one at ``opening``; the end of the text when none does."""
    depth = 0
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, opening):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return len(text)


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
        if braces == environments == 0 and (token == "&" or token in _ROW_END or token.startswith("\\\\")):
            row.append("".join([*held, text]) if held else text)
            held = []
            if token != "&":
                yield row
                row = []
            continue
        held.append(text)
        if token.startswith("\\end{"):
            if environments == 0:
                break
            environments -= 1
        elif token.startswith("\\begin{"):
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
    text = _RULE.sub("", text).strip()
    colspan = rowspan = 1
    for _ in range(2):  # \multicolumn around \multirow, or the other way round
        across, down = _MULTICOLUMN.match(text), _MULTIROW.match(text)
        if across is not None:
            colspan = min(max(1, int(across[1])), MAX_COLSPAN)
            text = _inside(text, across.end())
        elif down is not None:
            rowspan = min(max(1, int(down[1])), MAX_ROWSPAN)
            text = _inside(text, down.end())
    return Cell(_plain(text), colspan, rowspan)


def _inside(text: str, start: int) -> str:
    """The argument that begins at ``start``, and whatever follows it."""
    closing = _closing(text, start - 1)
    return (text[start:closing] + text[closing + 1 :]).strip()


def _plain(text: str) -> str:
    for _ in range(8):
        bare = _STYLE.sub(r"\1", text)
        if bare == text:
            break
        text = bare
    text = _SWITCH.sub("", text.replace("\\\\", " ").replace("~", " ") if "\\~" not in text else text)
    text = _SYMBOL.sub(r"\1", text).replace("\\textbackslash{}", "\\").replace("\\textasciitilde{}", "~")
    if text.startswith("{") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1]
    return tidy(text)


def _without_covered(rows: tuple[tuple[Cell, ...], ...]) -> tuple[tuple[Cell, ...], ...]:
    """LaTeX writes an empty cell below a ``\\multirow``; in the model nothing begins there."""
    until: dict[int, int] = {}  # column -> the row in which it is free again
    believed = _MAX_SLOTS
    kept: list[tuple[Cell, ...]] = []
    for index, row in enumerate(rows):
        column = 0
        here: list[Cell] = []
        for cell in row:
            if cell.text or until.get(column, 0) <= index:
                here.append(cell)
                if cell.rowspan > 1 and believed > 0:
                    believed -= cell.colspan
                    until.update(dict.fromkeys(range(column, column + cell.colspan), index + cell.rowspan))
            column += cell.colspan
        kept.append(tuple(here))
    return tuple(kept)


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
            text = _escaped(at.cell.text) if begins else ""
            if begins and at.rowspan > 1:
                text = f"\\multirow{{{at.rowspan}}}{{*}}{{{text}}}"
            across = max(1, at.column + at.colspan - j)
            parts.append(f"\\multicolumn{{{across}}}{{l}}{{{text}}}" if across > 1 else text)
            j += across
        lines.append(" & ".join(parts) + " \\\\")
        if i + 1 == table.header_rows:
            lines.append("\\midrule")
    return "\n".join([*lines, "\\end{tabular}"])


def _escaped(text: str) -> str:
    text = re.sub(r"\\|~", lambda match: "\\textbackslash{}" if match[0] == "\\" else "\\textasciitilde{}", text)
    return re.sub(r"(?<!textbackslash)(?<!textasciitilde)([%&_#])", r"\\\1", text)
