"""An explanation as HTML that needs nothing beside it: for notebooks and for the report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from table_rewards.core.explanation.data import (
    ANSWER,
    DELETED,
    KEPT,
    MEANINGS,
    SIGNS,
    THOUGHTS,
    ExplainedScore,
    Line,
    Mark,
    Passage,
    Section,
    ShownCell,
    Step,
)

LINES: Final = 80
"""Lines of a table beyond which those without a difference are left out, and at most twice as many of any."""

STEPS: Final = 120
TEXT: Final = 1_500

STYLE: Final = (
    ".tr-explain{font:14px/1.45 system-ui,sans-serif;max-width:100%;overflow-wrap:anywhere}"
    ".tr-explain h4{margin:.9em 0 .3em;font-size:1em}"
    ".tr-explain .s{font-size:1.25em;font-weight:600}"
    ".tr-explain .m{opacity:.75}"
    ".tr-explain table{border-collapse:collapse;font-size:.92em;margin:0;width:auto}"
    ".tr-explain td,.tr-explain th{border:1px solid rgba(128,128,128,.4);padding:.15em .45em;text-align:left;"
    "vertical-align:top;background:none;color:inherit}"
    ".tr-explain td.no{border:0}"
    ".tr-explain .two{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start}"
    ".tr-explain .two>div{flex:1 1 18em;min-width:0;overflow-x:auto}"
    ".tr-explain .changed,.tr-explain .spans{background:rgba(230,159,0,.22)}"
    ".tr-explain .spans{outline:2px dashed rgba(230,159,0,.9);outline-offset:-2px}"
    ".tr-explain .deleted,.tr-explain del,.tr-explain .wrong{background:rgba(213,94,0,.25)}"
    ".tr-explain .inserted,.tr-explain ins{background:rgba(0,114,178,.25)}"
    ".tr-explain .right{background:rgba(0,158,115,.25)}"
    ".tr-explain del,.tr-explain ins{border-radius:2px}"
    ".tr-explain ins{text-decoration:underline}"
    ".tr-explain pre{white-space:pre-wrap;margin:.2em 0;max-height:14em;overflow:auto;font-size:.88em}"
    ".tr-explain .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".tr-explain .t{opacity:.55}"
    ".tr-explain mark{background:rgba(0,158,115,.28);color:inherit;border-radius:2px}"
)


def as_html(explanation: ExplainedScore, *, style: bool = True) -> str:
    """The explanation as one ``<div>``, with its style unless the page has :data:`STYLE` already."""
    told = ['<div class="tr-explain">', f"<style>{STYLE}</style>" if style else "", _head(explanation)]
    told += [f'<p class="wrong">{escape(remark)}</p>' for remark in explanation.remarks]
    told.append(_passages(explanation))
    told += [_section(section) for section in explanation.sections]
    told.append("</div>")
    return "".join(told)


def _head(explanation: ExplainedScore) -> str:
    parts = ", ".join(f"{escape(name)} {_number(value)}" for name, value in explanation.parts.items() if value == value)
    note = f'<div class="m">{escape(explanation.note)}</div>' if explanation.note else ""
    return (
        f'<div><span class="s">{_number(explanation.value)}</span> <span class="m" title="'
        f'{escape(explanation.signature)}">{escape(explanation.reward)}, {escape(explanation.status)}'
        f"{'; ' + parts if parts else ''}</span></div>{note}"
    )


def _passages(explanation: ExplainedScore) -> str:
    if not explanation.passages or not explanation.completion:
        return ""
    title = ", ".join(
        f"{escape(one.what)}: characters {one.start:,} to {one.end:,}" for one in explanation.passages[:8]
    )
    return f"<h4>What was read</h4><div class=m>{title}</div><pre>{_marked(explanation)}</pre>"


def _marked(explanation: ExplainedScore) -> str:
    """The completion, thoughts faint and the answer marked; what lies far from an answer is cut."""
    text, at, told = explanation.completion, 0, []
    for passage in sorted(_apart(explanation.passages), key=lambda one: one.start):
        told.append(escape(_cut(text[at : passage.start])))
        tag = "span class=t" if passage.what == THOUGHTS else "mark"
        told.append(f"<{tag}>{escape(_cut(text[passage.start : passage.end]))}</{tag.split()[0]}>")
        at = passage.end
    told.append(escape(_cut(text[at:])))
    return "".join(told)


def _apart(passages: Sequence[Passage]) -> list[Passage]:
    """Passages that do not overlap: a narrower one wins, since it says more."""
    taken: list[Passage] = []
    for one in sorted(passages, key=lambda one: (one.what in (THOUGHTS, ANSWER), one.end - one.start)):
        if one.start < one.end and all(one.end <= other.start or one.start >= other.end for other in taken):
            taken.append(one)
    return taken


def _section(section: Section) -> str:
    told = [f"<h4>{escape(section.title)}</h4>"]
    if section.lines:
        told.append(_tables(section))
    if section.steps:
        told.append(_steps(section))
    if section.closing:
        told.append(f"<p>{escape(section.closing)}</p>")
    return "".join(told)


def _tables(section: Section) -> str:
    lines, left_out = shown_lines(section.lines, LINES)
    sides = "".join(
        f"<div><div class=m>{escape(title)}</div><table>{_side_of(lines, side)}</table></div>"
        for side, title in enumerate(section.sides)
    )
    more = f'<div class="m">{left_out:,} lines are left out</div>' if left_out else ""
    kinds = {cell.kind for line in section.lines for side in (line.prediction, line.reference) for cell in side or ()}
    legend = ", ".join(
        f'<span class="{kind}">{SIGNS[kind]} {meaning}</span>' for kind, meaning in MEANINGS.items() if kind in kinds
    )
    return f'<div class="two">{sides}</div>{more}<div class="m">{legend}</div>'


def _side_of(lines: Sequence[Line | None], side: int) -> str:
    """One of two tables; cells reach down where all the lines that they reach are there."""
    rows = [None if line is None else line.reference if side else line.prediction for line in lines]
    whole = all(row is not None for row in rows)
    return "".join(_line(line, side, whole) for line in lines)


def _line(line: Line | None, side: int, whole: bool) -> str:
    if line is None:
        return '<tr><td class="no">⋮</td></tr>'
    cells = line.reference if side else line.prediction
    if cells is None:
        return '<tr><td class="no">&nbsp;</td></tr>'
    if not cells:
        return '<tr><td class="no m">an empty row</td></tr>'
    return "<tr>" + "".join(_cell(cell, side, whole) for cell in cells) + "</tr>"


def _cell(cell: ShownCell, side: int, whole: bool) -> str:
    spans = (f" colspan={min(cell.colspan, 200)}" if cell.colspan > 1 else "") + (
        f' title="{cell.colspan} x {cell.rowspan}"' if cell.rowspan > 1 or cell.colspan > 1 else ""
    )
    kind = "" if cell.kind == KEPT else f' class="{cell.kind}"'
    sign = "" if cell.kind == KEPT else f"<span class=m>{SIGNS[cell.kind]}</span> "
    down = "" if whole or cell.rowspan == 1 else f" <span class=m>↓{cell.rowspan}</span>"
    if whole and cell.rowspan > 1:
        spans += f" rowspan={min(cell.rowspan, 200)}"
    text = marked_html(cell.marks, side) if cell.marks else escape(_cut(cell.text))
    return f"<td{kind}{spans}>{sign}{text}{down}</td>"


def marked_html(marks: Sequence[Mark], side: int) -> str:
    """One side of two texts, with what differs marked."""
    tag = "ins" if side else "del"
    told = []
    for mark in marks:
        text = escape(_cut(mark.reference if side else mark.prediction))
        told.append(text if mark.kind == "equal" or not text else f"<{tag}>{text}</{tag}>")
    return "".join(told)


def _steps(section: Section) -> str:
    shown = [step for step in section.steps if not (step.kind == KEPT and not step.cost)] or list(section.steps)
    costs = section.total is not None or any(step.cost is not None for step in shown)
    rows = "".join(_step(step, costs) for step in shown[:STEPS])
    more = len(shown) - STEPS
    if section.total is not None:
        total = f"<td class=n>{section.total:.6g}</td>"
        rows += f"<tr><td></td><td colspan=2>{escape(section.unit)} in all</td>{total}</tr>"
    rest = f"<div class=m>and {more:,} more</div>" if more > 0 else ""
    return f"<table>{rows}</table>{rest}"


def _step(step: Step, costs: bool) -> str:
    detail = escape(_cut(step.detail)).replace("\n", "<br>")
    if step.prediction is not None or step.reference is not None:
        sides = [_side(step, side) for side in (0, 1)]
        detail += (" " if detail else "") + " → ".join(side for side in sides if side is not None)
    kind = step.kind if step.kind in (DELETED, "inserted", "changed", "spans", "right", "wrong") else ""
    cost = "" if not costs else "<td class=n></td>" if step.cost is None else f"<td class=n>{step.cost:.6g}</td>"
    sign = f"<td class='{kind}'>{SIGNS.get(step.kind, '')}</td>"
    return f"<tr>{sign}<td>{escape(step.label)}</td><td>{detail}</td>{cost}</tr>"


def _side(step: Step, side: int) -> str | None:
    text = step.reference if side else step.prediction
    if text is None:
        return None
    return f"“{marked_html(step.marks, side) if step.marks else escape(_cut(text))}”"


def shown_lines(lines: Sequence[Line], most: int) -> tuple[list[Line | None], int]:
    """The lines to show, None for a gap, and how many are left out: those that differ, and their neighbours."""
    if len(lines) <= most:
        return list(lines), 0
    differing = [at for at, line in enumerate(lines) if not line.plain]
    wanted = {0, *(near for at in differing for near in (at - 1, at, at + 1))}
    shown: list[Line | None] = []
    count = 0
    for at, line in enumerate(lines):
        if at in wanted and count < most:
            shown.append(line)
            count += 1
        elif not shown or shown[-1] is not None:
            shown.append(None)
    return shown, len(lines) - count


def _cut(text: str, room: int = TEXT) -> str:
    return text if len(text) <= room else f"{text[: room // 2]} […] {text[-room // 2 :]}"


def _number(value: float) -> str:
    return "no score" if value != value else f"{value:.4g}"
