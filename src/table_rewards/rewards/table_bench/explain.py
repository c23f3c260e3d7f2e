"""The work behind TableBench and TableRegion: how answers were read and compared, what a program did, which cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rapidfuzz.distance import LCSseq

from table_rewards.core.explanation.data import (
    DECIDED,
    DELETED,
    INSERTED,
    KEPT,
    RIGHT,
    TOLD,
    VALUE,
    WRONG,
    Line,
    Mark,
    Section,
    ShownCell,
    Step,
)
from table_rewards.core.scores import Judgement
from table_rewards.rewards.table_bench.programs import columns_and_data
from table_rewards.rewards.table_bench.region import Region, read_region
from table_rewards.sandbox import Outcome
from table_rewards.text.answers import Item, compared_pairs, read_answer
from table_rewards.text.facts import SIDES, Facts, facts_of, facts_stated
from table_rewards.text.numbers import Number, NumberPolicy

_HOW = {
    "whole": "as one thing",
    "items": "item by item",
    "list": "item by item, the answer read as another list that it may mean",
}
OUTPUT = 2_000


def answer_section(gold: str, given: str, policy: NumberPolicy, metric: str, why: str, *, counting: bool) -> Section:
    """How a short answer was compared with the gold one."""
    steps = [Step(DECIDED, "metric", f"{metric}, {why}"), *_both(gold, given)]
    if not given:
        return Section("Answer", tuple(steps), gives={metric: 0.0, VALUE: 0.0})
    if given == gold:
        steps.append(Step(RIGHT, "compared", "equal to the letter"))
        return Section("Answer", tuple(steps), gives={metric: 1.0, VALUE: 1.0})
    found = compared_pairs(read_answer(gold), read_answer(given), policy, counting)
    steps.append(Step(TOLD, "compared", f"{_HOW[found.how]}; {_policy(policy)}"))
    steps += pair_steps(found.items, policy)
    right = sum(matched for _, _, matched in found.items)
    share = found.share
    closing = f"{right} of {len(found.items)} items match: {share:.6g}"
    return Section("Answer", tuple(steps), closing=closing, gives={metric: share, VALUE: share})


def pair_steps(pairs: Sequence[tuple[Item | None, Item | None, bool]], policy: NumberPolicy) -> list[Step]:
    """One step for each item that stood against another."""
    steps = []
    for number, (wanted, said, right) in enumerate(pairs, 1):
        label = f"item {number}" if len(pairs) > 1 else "item"
        detail = "" if wanted is not None and said is not None else "missing" if said is None else "one too many"
        steps.append(
            Step(
                RIGHT if right else WRONG,
                label,
                detail or _difference(wanted, said),
                prediction=_shown(said),
                reference=_shown(wanted),
            )
        )
    return steps


def rouge_section(reference: Sequence[str], prediction: Sequence[str], gold: str, given: str, why: str) -> Section:
    """The longest common subsequence of words, and the ROUGE-L that it makes."""
    steps = [Step(DECIDED, "metric", f"rouge_l, {why}"), *_both(gold, given)]
    common = LCSseq.similarity(reference, prediction)
    total = len(reference) + len(prediction)
    value = 2.0 * common / total if reference and prediction else 0.0
    marks = tuple(
        Mark(
            step.tag,
            " ".join(prediction[step.src_start : step.src_end]) + " ",
            " ".join(reference[step.dest_start : step.dest_end]) + " ",
        )
        for step in LCSseq.opcodes(list(prediction), list(reference))
    )
    steps.append(Step(TOLD, "words", "in common in this order", None, " ".join(prediction), " ".join(reference), marks))
    words = f"({len(prediction)} of the answer + {len(reference)} of the gold one)"
    closing = f"{common} words in common: 2 x {common} / {words} = {value:.6g}"
    return Section("Answer", tuple(steps), closing=closing, gives={"rouge_l": value, VALUE: value})


def facts_section(gold: str, given: str) -> Section:
    """The gold answer's numbers and directions, and which of them the answer states."""
    wanted, said = facts_of(gold), facts_of(given)
    steps = [Step(TOLD, "gold answer", _facts(wanted)), Step(TOLD, "answer", _facts(said))]
    closing = f"ROUGE-L counts times the share that is stated: {facts_stated(gold, given):.6g}"
    return Section("Facts", tuple(steps), closing=closing)


def _facts(facts: Facts) -> str:
    numbers = [f"{number:f}" for number in sorted(facts.numbers)]
    sides = [SIDES[name][at] for name, both in facts.directions for at in (0, 1) if both[at]]
    return ", ".join([*numbers, *sides]) or "none"


def program_section(outcome: Outcome | None) -> Section:
    """What the completion's program did."""
    if outcome is None:
        return Section("Program", (Step(WRONG, "program", "none was run"),))
    steps = [
        Step(RIGHT if outcome.ok else WRONG, "ended", f"{outcome.status}{': ' + outcome.note if outcome.note else ''}")
    ]
    for name, text in (("printed", outcome.stdout), ("errors", outcome.stderr)):
        if text.strip():
            steps.append(Step(TOLD, name, text.strip()[-OUTPUT:]))
    return Section("Program", tuple(steps))


def chart_section(outcome: Outcome | None, gold: str, kind: str, judged: Judgement) -> Section:
    """What was drawn and what should have been."""
    drawn = outcome.values[0].python() if outcome and outcome.ok and outcome.values and outcome.values[0].ok else None
    axes = drawn.get("axes") if isinstance(drawn, dict) else None
    steps = [Step(TOLD, f"wanted ({kind})", gold)]
    steps += [
        Step(TOLD, f"drawn, axes {number}", _json(series.get("y")))
        for number, one in enumerate(axes or [], 1)
        for series in one.get("series") or []
    ]
    if not axes:
        steps.append(Step(WRONG, "drawn", "nothing that can be read"))
    steps.append(Step(RIGHT if judged.value else WRONG, "compared", "the same numbers at two decimals, in any order"))
    return Section("Chart", tuple(steps), gives={VALUE: judged.value})


def region_section(
    gold_area: str, cited: str | None, overlap: float, lines: tuple[Line, ...], strangers: Sequence[Step] = ()
) -> Section:
    """Columns and rows of the gold region against those that the completion cites."""
    gold, mine = read_region(gold_area), read_region(cited) if cited is not None else None
    if gold is None or mine is None:
        return Section("Region", (Step(WRONG, "cited", "no region that can be read"),), gives={"region": overlap})
    steps: list[Step] = []
    shares = []
    for what, wanted, given in (("column", gold.columns, mine.columns), ("row", gold.rows, mine.rows)):
        steps += _region_steps(what, dict(wanted), dict(given))
        shares.append(_iou(dict(wanted), dict(given)))
    steps += strangers
    value = 1.0 if gold == mine else 0.5 * (shares[0] + shares[1])
    closing = f"(columns {shares[0]:.4g} + rows {shares[1]:.4g}) / 2 = {value:.6g}, each shared / all that either names"
    sides = ("cited by the completion", "the gold region")
    return Section("Region", tuple(steps), lines, closing=closing, gives={"region": value}, sides=sides)


def released_region_section(gold_area: str, cited: str, overlap: float) -> Section:
    """Both regions as text, since the released code compares lists that it cuts out of them."""
    steps = (Step(TOLD, "gold region", gold_area), Step(TOLD, "cited", cited or "none"))
    return Section("Region, as the released code compares it", steps, gives={"region": overlap})


def mixed_section(region: float, answer: float, weight: float, value: float, looping: bool) -> Section:
    """What region and answer come to together."""
    shares = weight * region, (1.0 - weight) * answer
    steps = (
        Step(TOLD, "region", f"{weight:.6g} x {region:.6g}", shares[0]),
        Step(
            WRONG if looping else TOLD,
            "answer",
            f"{1.0 - weight:.6g} x {answer:.6g}" + (": the completion ends in a loop" if looping else ""),
            shares[1],
        ),
    )
    total = shares[0] + shares[1]
    gives = {VALUE: total, "weight": weight}
    return Section("Weight x region + (1 - weight) x answer", steps, total=total, unit="value", gives=gives)


def region_lines(table: Any, gold_area: str, cited: str | None) -> tuple[Line, ...]:
    """The table twice: with the cells that the completion cites, and with those of the gold region."""
    columns, data = columns_and_data(table)
    regions = [None if text is None else read_region(text) for text in (cited, gold_area)]
    chosen = [_cells_of(region, [_name(name) for name in columns], len(data)) for region in regions]
    rows = [columns, *data]
    lines = []
    for number, row in enumerate(rows):
        sides = []
        for side in (0, 1):
            own, other = chosen[side], chosen[1 - side]
            only = INSERTED if side else DELETED
            sides.append(
                tuple(
                    ShownCell(
                        "" if cell is None else str(cell),
                        KEPT if (number - 1, column) not in own else RIGHT if (number - 1, column) in other else only,
                    )
                    for column, cell in enumerate(row)
                )
            )
        lines.append(Line(sides[0], sides[1]))
    return tuple(lines)


def strangers(table: Any, gold_area: str, cited: str | None) -> list[Step]:
    """What a region names that the table does not have; such a gold region can hardly be met."""
    columns, data = columns_and_data(table)
    known = {_name(name) for name in columns}
    steps = []
    for label, text in (("gold region", gold_area), ("cited", cited)):
        region = None if text is None else read_region(text)
        if region is None:
            continue
        names = [f"column {name}" for name, _ in region.columns if name not in known]
        names += [f"row {name}" for name, _ in region.rows if not (_is_number(name) and int(name) < len(data))]
        if names:
            steps.append(Step(WRONG, "not in the table", f"{label}: {', '.join(names)}"))
    return steps


def _cells_of(region: Region | None, columns: list[str], height: int) -> set[tuple[int, int]]:
    """The slots of a region; of columns with one name as many as it names."""
    if region is None:
        return set()
    wanted = dict(region.columns)
    chosen = []
    for number, name in enumerate(columns):
        if wanted.get(name, 0) > 0:
            wanted[name] -= 1
            chosen.append(number)
    rows = {int(name) for name, _ in region.rows if _is_number(name) and int(name) < height}
    return {(row, column) for row in rows for column in chosen}


def _is_number(name: str) -> bool:
    return name.isdecimal() and len(name) < 10


def _name(value: Any) -> str:
    return " ".join(str(value).split())


def _region_steps(what: str, wanted: dict[str, int], given: dict[str, int]) -> list[Step]:
    found: dict[str, list[str]] = {RIGHT: [], INSERTED: [], DELETED: []}
    for name in sorted({**wanted, **given}, key=lambda name: (int(name) if _is_number(name) else -1, name)):
        for number in range(max(wanted.get(name, 0), given.get(name, 0))):
            here, there = number < given.get(name, 0), number < wanted.get(name, 0)
            found[RIGHT if here and there else DELETED if here else INSERTED].append(name)
    told = {RIGHT: "in both", INSERTED: "not cited", DELETED: "cited, and not in the gold region"}
    return [
        Step(kind, f"{len(names)} {what}{'s' if len(names) > 1 else ''}", f"{told[kind]}: {', '.join(names)}")
        for kind, names in found.items()
        if names
    ]


def _iou(wanted: dict[str, int], given: dict[str, int]) -> float:
    if wanted == given:
        return 1.0
    shared = sum(min(count, given.get(name, 0)) for name, count in wanted.items())
    return shared / (sum(wanted.values()) + sum(given.values()) - shared)


def _both(gold: str, given: str) -> list[Step]:
    return [Step(TOLD, "gold answer", gold), Step(TOLD if given else WRONG, "answer", given or "none was found")]


def _policy(policy: NumberPolicy) -> str:
    if policy.tolerance and policy.every:
        return f"numbers within {policy.tolerance:.0%} of the gold one"
    told = "numbers rounded to the gold one's decimals" if policy.rounding else "numbers as they are"
    return told + (f", those with decimals within {policy.tolerance:.0%}" if policy.tolerance else "")


def _shown(item: Item | None) -> str | None:
    if item is None:
        return None
    return _number(item.number) if item.number is not None else item.key


def _number(number: Number) -> str:
    return f"{number.value * 100:f}%" if number.percent else f"{number.value:f}"


def _difference(wanted: Item | None, said: Item | None) -> str:
    if wanted is None or said is None:
        return ""
    if (wanted.number is None) != (said.number is None):
        return "a number against a text"
    if wanted.number is None or said.number is None or not wanted.number.value:
        return ""
    gap = abs(said.number.value - wanted.number.value) / abs(wanted.number.value)
    return f"differs by {float(gap):.3g} of the gold number" if gap else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
