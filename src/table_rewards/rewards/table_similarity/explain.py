"""The work behind TEDS, cell F1 and GriTS: which cells were kept, changed, missing or too many, and what each costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from rapidfuzz.distance import LCSseq

from table_rewards.core.explanation.data import (
    CHANGED,
    DELETED,
    INSERTED,
    KEPT,
    SPANS,
    VALUE,
    Line,
    Mark,
    Section,
    ShownCell,
    Step,
)
from table_rewards.rewards.table_similarity.side_by_side import edit_steps, joined, paired_lines
from table_rewards.tables.adjacency import Agreement, Relation, adjacency_relations, agreement, positioned_cells
from table_rewards.tables.grits import Alignment, grits_alignment
from table_rewards.tables.table import Grid, Placed
from table_rewards.tables.tree_distance.alignment import TreeAlignment, tree_alignment
from table_rewards.tables.tree_distance.distance import MAX_COMPARISONS
from table_rewards.tables.tree_distance.similarity import node_count, similarity
from table_rewards.tables.trees.tree import Tree

_LONGEST_MARKED: Final = 4_000


def teds_section(
    table: Tree,
    reference: Tree,
    part: str,
    *,
    headline: bool,
    denominator: str,
    clip: bool,
    exact_numbers: bool,
    max_comparisons: int,
) -> Section:
    """The edits behind one part of TEDS, ``teds`` or ``structure``, and how they become the number."""
    name = "TEDS" if part == "teds" else "Structure alone (S-TEDS)"
    if part == "structure":
        table, reference = table.structure(), reference.structure()
    alignment = tree_alignment(table, reference, max_comparisons, exact_numbers)
    lines = paired_lines(alignment) if headline else ()
    costs = sum(edit.cost for edit in alignment.edits)
    if not alignment.exact or abs(costs - alignment.distance) > 1e-9:
        closing = (
            "The tables are too large for an exact distance: the score is a lower bound, and its edits are not known."
        )
        return Section(name, lines=lines, closing=closing)
    nodes = node_count(table, reference, denominator)
    score = similarity(alignment.distance, table, reference, denominator)
    value = max(0.0, score) if clip else score
    closing = f"1 - {alignment.distance:.6g} / {nodes} nodes = {score:.6g}" if nodes else "nothing to compare: 1"
    if value != score:
        closing += ", raised to 0"
    gives = {part: value, VALUE: value} if headline else {part: value}
    return Section(
        name, edit_steps(alignment), lines, alignment.distance, "distance", closing, gives, ("completion", "reference")
    )


def edit_mapping(table: Tree, reference: Tree) -> tuple[Line, ...]:
    """Both tables aligned by the edits of TEDS; nothing where they are too large."""
    alignment: TreeAlignment = tree_alignment(table, reference, MAX_COMPARISONS)
    return paired_lines(alignment)


def cell_f1_section(table: Tree, reference: Tree, found: Grid, wanted: Grid, relation: str) -> Section:
    """Which relations, or cells at their places, both tables have, and which only one has."""
    lines = edit_mapping(table, reference)
    if relation == "adjacency":
        relations = adjacency_relations(found), adjacency_relations(wanted)
        if any(relations):
            both = agreement(*relations)
            return _agreement_section("Neighbouring cells", "relations", both, _relation, lines)
    both = agreement(positioned_cells(found), positioned_cells(wanted))
    return _agreement_section("Cells at their places", "cells", both, _placed, lines)


def _agreement_section(title: str, what: str, both: Agreement, told: Any, lines: tuple[Line, ...]) -> Section:
    shared, missing, extra = both.shared.total(), both.missing.total(), both.extra.total()
    whole = 2 * shared + missing + extra
    steps = [Step(KEPT, f"{shared:,} {what} in both", cost=0.0)]
    for kind, items in ((INSERTED, both.missing), (DELETED, both.extra)):
        where = "missing in the completion" if kind == INSERTED else "too much in the completion"
        steps += [Step(kind, where, told(item), 1.0 / whole) for item in _each(items)]
    f1, precision, recall = both.overlap
    closing = (
        f"F1 = 2 x {shared} / ({shared + extra} of the completion + {shared + missing} of the reference) = {f1:.6g}; "
        f"precision {precision:.4g}, recall {recall:.4g}"
    )
    gives = {"f1": f1, "precision": precision, "recall": recall, VALUE: f1}
    return Section(title, tuple(steps), lines, 1.0 - f1, "share of F1", closing, gives)


def _each(items: Counter[Any]) -> Iterator[Any]:
    return items.elements()


def _relation(relation: Relation) -> str:
    between = f", {relation.blanks} blank between" if relation.blanks else ""
    direction = "right of it" if relation.direction == "right" else "below it"
    return f"“{relation.first}”, {direction} “{relation.second}”{between}"


def _placed(cell: Placed) -> str:
    spans = f", spans {cell.colspan} x {cell.rowspan}" if (cell.colspan, cell.rowspan) != (1, 1) else ""
    return f"row {cell.row + 1}, column {cell.column + 1}: “{cell.cell.text}”{spans}"


def grits_section(found: Grid, wanted: Grid, part: str, *, headline: bool) -> Section:
    """The rows and columns that GriTS pairs, and what each slot lacks."""
    alignment = grits_alignment(found, wanted, part == "topology")
    slots = alignment.slots
    value = alignment.value
    gives = {part: value, VALUE: value} if headline else {part: value}
    name = f"GriTS of {'the texts' if part == 'content' else 'the spans'}"
    if not slots:
        return Section(name, gives=gives)
    steps = list(_grits_steps(alignment, found, wanted, part))
    rows, columns = len(alignment.rows), len(alignment.columns)
    shared = float(sum(map(sum, alignment.similarities)))
    closing = f"{rows} rows, {columns} columns are paired; GriTS = 2 x {shared:.6g} / {slots} slots = {value:.6g}"
    lines = _grits_lines(alignment, found, wanted, part) if headline else ()
    return Section(name, tuple(steps), lines, 1.0 - value, "share of GriTS", closing, gives)


def _grits_steps(alignment: Alignment, found: Grid, wanted: Grid, part: str) -> Iterator[Step]:
    slots = alignment.slots
    same = sum(one == 1.0 for line in alignment.similarities for one in line)
    yield Step(KEPT, f"{same:,} pairs of slots alike", cost=0.0)
    for side, (grid, kind) in enumerate(((found, DELETED), (wanted, INSERTED))):
        where = "only in the completion" if kind == DELETED else "missing in the completion"
        rows = {pair[side] for pair in alignment.rows}
        columns = {pair[side] for pair in alignment.columns}
        for row in range(grid.height):
            if row not in rows:
                yield Step(kind, f"row {row + 1}", f"{where}: {grid.width} slots", grid.width / slots)
        for column in range(grid.width):
            if column not in columns and rows:
                yield Step(kind, f"column {column + 1}", f"{where}: {len(rows)} slots", len(rows) / slots)
    for (mine, theirs), similarities in zip(alignment.rows, alignment.similarities, strict=True):
        for (left, right), similar in zip(alignment.columns, similarities, strict=True):
            if similar < 1.0:
                one, other = _text(found, mine, left), _text(wanted, theirs, right)
                place = f"row {mine + 1}, column {left + 1}"
                cost = 2.0 * (1.0 - similar) / slots
                if part == "topology":
                    yield Step(SPANS, place, f"spans agree by {similar:.3g}", cost)
                else:
                    yield Step(CHANGED, place, "", cost, one, other, _marks(one, other))


def _grits_lines(alignment: Alignment, found: Grid, wanted: Grid, part: str) -> tuple[Line, ...]:
    similar = {
        (row, column): value
        for row, line in zip(alignment.rows, alignment.similarities, strict=True)
        for column, value in zip(alignment.columns, line, strict=True)
    }
    kind = SPANS if part == "topology" else CHANGED

    def cells(grid: Grid, row: int, side: int, pair: tuple[int, int] | None) -> tuple[ShownCell, ...]:
        told = []
        partner = {columns[side]: columns for columns in alignment.columns}
        for column in range(grid.width):
            text = _text(grid, row, column)
            columns = partner.get(column)
            if pair is None or columns is None:
                told.append(ShownCell(text, INSERTED if side else DELETED, cost=1.0 / alignment.slots))
                continue
            value = similar[pair, columns]
            texts = _text(found, pair[0], columns[0]), _text(wanted, pair[1], columns[1])
            marks = _marks(*texts) if value < 1.0 and part == "content" else ()
            told.append(
                ShownCell(text, KEPT if value == 1.0 else kind, cost=(1.0 - value) / alignment.slots, marks=marks)
            )
        return tuple(told)

    lines = []
    at = [0, 0]
    for pair in [*alignment.rows, (found.height, wanted.height)]:
        lines += [Line(cells(found, row, 0, None), None) for row in range(at[0], pair[0])]
        lines += [Line(None, cells(wanted, row, 1, None)) for row in range(at[1], pair[1])]
        if pair != (found.height, wanted.height):
            lines.append(Line(cells(found, pair[0], 0, pair), cells(wanted, pair[1], 1, pair)))
        at = [pair[0] + 1, pair[1] + 1]
    return tuple(lines)


def _text(grid: Grid, row: int, column: int) -> str:
    number = grid.slots[row][column]
    return grid.cells[number].cell.text if number >= 0 else ""


def _marks(one: str, other: str) -> tuple[Mark, ...]:
    if len(one) + len(other) > _LONGEST_MARKED:
        return (Mark("replace", one, other),)
    return joined(
        [
            Mark(step.tag, one[step.src_start : step.src_end], other[step.dest_start : step.dest_end])
            for step in LCSseq.opcodes(one, other)
        ]
    )
