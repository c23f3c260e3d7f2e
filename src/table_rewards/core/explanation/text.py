"""An explanation in a terminal: rich draws it, and is imported only then."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
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
    from rich.table import Table

    lines, left_out = shown_lines(section.lines, LINES)
    if width >= SIDE_BY_SIDE:
        both = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
        columns = [_columns(lines, side) for side in (0, 1)]
        both.add_column()
        for _ in range(columns[0]):
            both.add_column(overflow="fold", max_width=_room(width, sum(columns)))
        both.add_column(justify="center")
        for _ in range(columns[1]):
            both.add_column(overflow="fold", max_width=_room(width, sum(columns)))
        yield _text(f"  left: {section.sides[0]}, right: {section.sides[1]}", "dim")
        for line in lines:
            mine, theirs = (_row(line, side, columns[side], colours) for side in (0, 1))
            both.add_row("", *mine, "│", *theirs)
        yield both
    else:
        for side in (0, 1):
            columns_here = _columns(lines, side)
            one = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
            one.add_column()
            for _ in range(columns_here):
                one.add_column(overflow="fold", max_width=_room(width, columns_here))
            yield _text(f"  {section.sides[side]}", "dim")
            for line in lines:
                one.add_row("", *_row(line, side, columns_here, colours))
            yield one
    if left_out:
        yield _text(f"  {left_out:,} lines are left out", "dim")
    kinds = {cell.kind for line in section.lines for side in (line.prediction, line.reference) for cell in side or ()}
    legend = [f"{SIGNS[kind]} {meaning}" for kind, meaning in MEANINGS.items() if kind in kinds]
    if legend:
        yield _text("  " + ", ".join(legend), "dim")


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
    drawn.add_column(max_width=max(28, width // 3), overflow="fold")
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
