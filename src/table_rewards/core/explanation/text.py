"""An explanation in a terminal: rich draws it, and is imported only then."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from table_rewards.core.explanation.data import (
    KEPT,
    MEANINGS,
    SIGNS,
    ExplainedScore,
    Line,
    Mark,
    Section,
    ShownCell,
    Step,
)
from table_rewards.core.explanation.html import shown_lines

if TYPE_CHECKING:
    from rich.text import Text

SIDE_BY_SIDE: Final = 90
"""Columns from which two tables stand side by side."""

LINES: Final = 30
BLOCKS: Final = 8
CELL: Final = 9
"""The columns of a terminal that a cell gets at least, so that it can be read."""
STEPS: Final = 40
TEXT: Final = 400
DETAIL: Final = 1_600
PASSAGE: Final = 300

STYLES: Final = {
    "changed": "yellow",
    "spans": "magenta",
    "deleted": "red",
    "inserted": "blue",
    "right": "green",
    "wrong": "red",
    "decided": "bold",
}


def as_text(explanation: ExplainedScore, width: int = 100) -> str:
    """The explanation as plain text of at most ``width`` columns; differences stand in ``[ ]``."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, emoji=False, highlight=False,
                      markup=False, legacy_windows=False, _environ={})  # fmt: skip
    console.print(*drawn(explanation, width, console), sep="\n")
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def drawn(explanation: ExplainedScore, width: int, console: Any) -> Iterator[Any]:
    """What rich prints of an explanation."""
    colours = console.color_system is not None
    yield from _head(explanation)
    for remark in explanation.remarks:
        yield _text(remark, "bold red")
    if explanation.passages:
        yield _text("\nWhat was read", "bold")
        for passage in explanation.passages[:12]:
            yield _text(
                f"  {passage.what}, characters {passage.start:,} to {passage.end:,}: {_quoted(passage.text, PASSAGE)}"
            )
    for section in explanation.sections:
        yield _text("\n" + section.title, "bold")
        if section.lines:
            yield from _tables(section, width, colours)
        if section.steps:
            yield _steps(section, width, colours)
        if section.closing:
            yield _text("  " + section.closing)


def _head(explanation: ExplainedScore) -> Iterator[Any]:
    number = "no score" if explanation.value != explanation.value else f"{explanation.value:.6g}"
    parts = "".join(f", {name} {value:.6g}" for name, value in explanation.parts.items() if value == value)
    yield _text(f"{explanation.reward}: {number} ({explanation.status}{parts})", "bold")
    if explanation.note:
        yield _text("  " + explanation.note)


def _tables(section: Section, width: int, colours: bool) -> Iterator[Any]:
    lines, left_out = shown_lines(section.lines, LINES)
    columns = [_columns(lines, side) for side in (0, 1)]
    rows = [[_row(line, side, columns[side], colours) for line in lines] for side in (0, 1)]
    room = width - 6
    if width >= SIDE_BY_SIDE and sum(_needed(side) for side in rows) <= room:
        yield _text(f"  left: {section.sides[0]}, right: {section.sides[1]}", "dim")
        pairs = [[*mine, "│", *theirs] for mine, theirs in zip(*rows, strict=True)]
        yield _grid(pairs, _room(width, sum(columns)), bar=columns[0])
    else:
        yield from _one_under_the_other(section, rows, width)
    if left_out:
        yield _text(f"  {left_out:,} lines are left out", "dim")
    kinds = {cell.kind for line in section.lines for side in (line.prediction, line.reference) for cell in side or ()}
    legend = [f"{SIGNS[kind]} {meaning}" for kind, meaning in MEANINGS.items() if kind in kinds]
    if legend:
        yield _text("  " + ", ".join(legend), "dim")


def _one_under_the_other(section: Section, rows: Sequence[Sequence[Sequence[Any]]], width: int) -> Iterator[Any]:
    """Both tables, cut into blocks of as many cells of each row as the width takes."""
    widths = [max(pair) for pair in zip_longest(*(_widths(side) for side in rows), fillvalue=0)]
    blocks = _blocks(widths, width - 3)
    for number, (start, stop) in enumerate(blocks):
        parts = [[row[start:stop] for row in side] for side in rows]
        if len(blocks) > 1:
            yield _text(f"  cells {start + 1:,} to {stop:,} of each row", "dim")
            if [list(map(str, row)) for row in parts[0]] == [list(map(str, row)) for row in parts[1]]:
                yield _text("    do not differ", "dim")
                continue
            if number >= BLOCKS:
                yield _text("    and further ones are left out", "dim")
                return
        for side in (0, 1):
            yield _text(f"  {section.sides[side]}", "dim")
            yield _grid(parts[side], _room(width, stop - start))


def _grid(rows: Sequence[Sequence[Any]], widest: int, bar: int | None = None) -> Any:
    """Rows of cells behind a margin; the column ``bar`` is the line between two tables."""
    from rich.table import Table

    drawn = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    drawn.add_column()
    for column in range(max(map(len, rows), default=0)):
        if column == bar:
            drawn.add_column(justify="center")
        else:
            drawn.add_column(overflow="fold", max_width=widest)
    for row in rows:
        drawn.add_row("", *row)
    return drawn


def _widths(rows: Sequence[Sequence[Any]]) -> list[int]:
    """How wide each column must be, to be read."""
    lengths = ((cell.cell_len if hasattr(cell, "cell_len") else len(cell) for cell in row) for row in rows)
    return [min(CELL, max(column, default=0)) for column in zip_longest(*lengths, fillvalue=0)]


def _needed(rows: Sequence[Sequence[Any]]) -> int:
    return sum(width + 2 for width in _widths(rows))


def _blocks(widths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Columns from and to, so that each block is no wider than the room.

    >>> _blocks([9, 9, 9, 9, 9], 35), _blocks([], 35)
    ([(0, 3), (3, 5)], [(0, 0)])
    """
    starts, used = [0], 0
    for column, width in enumerate(widths):
        if used and used + width + 2 > room:
            starts.append(column)
            used = 0
        used += width + 2
    return list(zip(starts, [*starts[1:], len(widths)], strict=True))


def _room(width: int, columns: int) -> int:
    return max(6, (width - 6) // max(1, columns) * 2)


def _columns(lines: Sequence[Line | None], side: int) -> int:
    rows = [(line.reference if side else line.prediction) for line in lines if line is not None]
    return max((len(row) for row in rows if row is not None), default=1) or 1


def _row(line: Line | None, side: int, columns: int, colours: bool) -> list[Any]:
    cells = None if line is None else line.reference if side else line.prediction
    row: list[Any] = [_cell(cell, side, colours) for cell in cells or ()]
    if line is None:
        row = ["⋮"]
    return row + [""] * (columns - len(row))


def _cell(cell: ShownCell, side: int, colours: bool) -> Text:
    told = _text("" if cell.kind == KEPT else SIGNS[cell.kind] + " ", STYLES.get(cell.kind, ""))
    told.append_text(_marked(cell.marks, side, colours) if cell.marks else _text(_cut(cell.text, TEXT)))
    if cell.colspan > 1 or cell.rowspan > 1:
        told.append(f" ({cell.colspan}x{cell.rowspan})", "dim")
    return told


def _marked(marks: Sequence[Mark], side: int, colours: bool) -> Text:
    told = _text("")
    for mark in marks:
        text = _cut(_clean(mark.reference if side else mark.prediction), TEXT)
        if mark.kind == "equal" or not text:
            told.append(text)
        elif colours:
            told.append(text, f"{'blue' if side else 'red'} underline")
        else:
            told.append(f"[{text}]")
    return told


def _steps(section: Section, width: int, colours: bool) -> Any:
    from rich.table import Table

    shown = [step for step in section.steps if not (step.kind == KEPT and not step.cost)] or list(section.steps)
    drawn = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    costs = any(step.cost is not None for step in shown) or section.total is not None
    drawn.add_column(width=2, justify="right")
    drawn.add_column(max_width=max(30, width // 3), overflow="fold")
    drawn.add_column(overflow="fold", ratio=1)
    if costs:
        drawn.add_column(justify="right", no_wrap=True)
    for step in shown[:STEPS]:
        row = [_text(SIGNS.get(step.kind, ""), STYLES.get(step.kind, "")), _text(step.label), _detail(step, colours)]
        if costs:
            row.append(_text("" if step.cost is None else f"{step.cost:.6g}"))
        drawn.add_row(*row)
    if len(shown) > STEPS:
        drawn.add_row("", _text(f"and {len(shown) - STEPS:,} more", "dim"))
    if section.total is not None:
        drawn.add_row("", _text(f"{section.unit} in all"), "", _text(f"{section.total:.6g}", "bold"))
    return drawn


def _detail(step: Step, colours: bool) -> Text:
    told = _text(_cut(step.detail, DETAIL))
    sides = []
    for side, text in enumerate((step.prediction, step.reference)):
        if text is not None:
            sides.append(_marked(step.marks, side, colours) if step.marks else _text(_cut(_clean(text), TEXT)))
    for number, side_text in enumerate(sides):
        if number or step.detail:
            told.append(" → " if number else " ")
        told.append("“")
        told.append_text(side_text)
        told.append("”")
    return told


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text("\n".join(_clean(line) if line.strip() else line for line in text.split("\n")), style)


def _clean(text: str) -> str:
    """Without control characters, which could command a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "·" for c in text)


def _quoted(text: str, room: int) -> str:
    return "“" + _cut(" ".join(text.split()), room) + "”"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room // 2]} … {text[-room // 2 :]}"
