"""Two tables side by side, as the edits from one to the other pair their rows and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from table_rewards.core.explanation.data import CHANGED, DELETED, INSERTED, KEPT, SPANS, Line, Mark, ShownCell, Step
from table_rewards.tables.tree_distance.alignment import RENAMED, Edit, Node, TreeAlignment

_KINDS: Final[Mapping[str, str]] = {"spans": SPANS, "changed": CHANGED, "inserted": INSERTED, "deleted": DELETED}
Rows = list[tuple[ShownCell, ...]]


def edit_steps(alignment: TreeAlignment) -> tuple[Step, ...]:
    """The edits that cost something, the others summed up; together they cost the distance."""
    steps = [_step(edit) for edit in alignment.edits if edit.cost]
    kept = sum(not edit.cost for edit in alignment.edits) - 1  # the root is no node that counts
    if kept > 0:
        steps.insert(0, Step(KEPT, f"{kept:,} nodes (rows and cells) kept", cost=0.0))
    return tuple(steps)


def paired_lines(alignment: TreeAlignment) -> tuple[Line, ...]:
    """The rows of both tables, those that the edits pair on one line."""
    ours, theirs = _rows(alignment.edits, 0), _rows(alignment.edits, 1)
    return tuple(
        Line(None if i is None else ours[i], None if j is None else theirs[j])
        for i, j in _pairs(alignment.edits, len(ours), len(theirs))
    )


def _pairs(edits: Sequence[Edit], ours: int, theirs: int) -> list[tuple[int | None, int | None]]:
    """Which row stands beside which: rows that are paired, else those of which a cell is; both keep their order."""
    partner: dict[int, int] = {}
    for wanted in ("tr", "td"):
        for edit in edits:
            one, other = edit.prediction, edit.reference
            if one is None or other is None or one.row < 0 or other.row < 0:
                continue
            if (one.text is None) == (wanted == "tr"):
                partner.setdefault(other.row, one.row)
    pairs: list[tuple[int | None, int | None]] = []
    at = 0
    for row in range(theirs):
        mine = partner.get(row, -1)
        if mine < at:
            pairs.append((None, row))
            continue
        pairs += [(left, None) for left in range(at, mine)]
        pairs.append((mine, row))
        at = mine + 1
    return pairs + [(left, None) for left in range(at, ours)]


def _rows(edits: Sequence[Edit], side: int) -> Rows:
    found: dict[int, dict[int, ShownCell]] = {}
    for edit in edits:
        node = edit.reference if side else edit.prediction
        if node is None or node.row < 0:
            continue
        row = found.setdefault(node.row, {})
        if node.position >= 0:
            kind = _KINDS.get(edit.kind, KEPT if not edit.cost else CHANGED)
            row[node.position] = ShownCell(
                node.text or "", kind, node.colspan, node.rowspan, edit.cost, marks_of(edit) if edit.cost else ()
            )
    height = max(found, default=-1) + 1
    return [tuple(cell for _, cell in sorted(found.get(number, {}).items())) for number in range(height)]


def marks_of(edit: Edit) -> tuple[Mark, ...]:
    """How the texts of two cells differ, character by character."""
    return joined([Mark(*change) for change in edit.characters])


def joined(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Neighbouring differences as one.

    >>> joined([Mark("replace", "a", "b"), Mark("insert", "", "c"), Mark("equal", "d", "d")])
    (Mark(kind='replace', prediction='a', reference='bc'), Mark(kind='equal', prediction='d', reference='d'))
    """
    told: list[Mark] = []
    for mark in marks:
        if told and mark.kind != "equal" and told[-1].kind != "equal":
            last = told.pop()
            mark = Mark("replace", last.prediction + mark.prediction, last.reference + mark.reference)
        told.append(mark)
    return tuple(told)


def _step(edit: Edit) -> Step:
    one, other = edit.prediction, edit.reference
    if one is None and other is not None:
        return Step(INSERTED, place(other), "missing in the completion", edit.cost, None, other.text or None)
    if other is None and one is not None:
        return Step(DELETED, place(one), "too much in the completion", edit.cost, one.text or None, None)
    assert one is not None
    assert other is not None
    if edit.kind == RENAMED:
        detail = f"<{one.tag}> where <{other.tag}> is wanted"
        return Step(CHANGED, place(one), detail, edit.cost, one.text, other.text)
    if edit.kind == "spans":
        detail = f"spans {_spans(one)}, and {_spans(other)} are wanted"
        differ = one.text != other.text
        texts = (one.text, other.text) if differ else (None, None)
        return Step(SPANS, place(one), detail, edit.cost, *texts, marks=marks_of(edit))
    return Step(CHANGED, place(one), "", edit.cost, one.text, other.text, marks_of(edit))


def _spans(node: Node) -> str:
    columns = "1 column" if node.colspan == 1 else f"{node.colspan} columns"
    return f"{columns} and 1 row" if node.rowspan == 1 else f"{columns} and {node.rowspan} rows"


def place(node: Node) -> str:
    """Where a node stands, counted from 1."""
    if node.row < 0:
        return f"<{node.tag}>"
    return f"row {node.row + 1}" if node.position < 0 else f"row {node.row + 1}, cell {node.position + 1}"
