"""What the best blind strategy of a search earns on rows it was not fitted on, with and without the recipes' options.

Bounded and seeded: a few minutes. The rows are the fixtures', or for judges simulated ones; rows of your own:
``table-rewards attack REWARD DATA --search``.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from table_rewards.commands.attack_rows import shipped_rows, white_box_rows
from table_rewards.commands.installed import shipped
from table_rewards.core.registry import create
from table_rewards.core.reward import Reward
from table_rewards.rewards.group_judge.overlong import Overlong
from table_rewards.rewards.ranking.agreement import spearman
from table_rewards.rewards.tango.class_balance import ClassBalance
from table_rewards.rewards.tango.step_credit import counted_weights, share_right
from table_rewards.testing.attacks import Target, search, simulated_judge

Rows = list[dict[str, Any]]
OPEN = ("AnomalyDetection", "CausalAnalysis", "DescriptiveAnalysis")
BLIND: Mapping[str, Any] = {"zero_point": "blind"}
OPPOSITES = (
    *(("increas", "decreas"), ("positive", "negative"), ("high", "low"), ("more", "less"), ("rise", "fall")),
    *(("Yes", "No"), ("upward", "downward"), ("growth", "decline"), ("better", "worse")),
)


class Case(NamedTuple):
    """One line of the table: a reward before, and with what the recipes set: options, and rows that `prepare` thins."""

    title: str
    name: str
    options: Mapping[str, Any]
    recipe: Mapping[str, Any]
    rows: Callable[[], Rows] | None = None
    thinned: Callable[[], Rows] | None = None


def open_rows() -> Rows:
    return [row for row in shipped_rows("table_bench", 400) if row["qsubtype"] in OPEN]


def exact_rows() -> Rows:
    return [row for row in shipped_rows("table_bench", 400) if row["qsubtype"] not in OPEN]


def of_type(kind: str, *, thinned: bool) -> Callable[[], Rows]:
    return lambda: [row for row in white_box_rows(thinned=thinned) if row["extra_info"]["type"] == kind]


MIXED, INPUTS = ({key: of_type(kind, thinned=key) for key in (False, True)} for kind in ("io_mixed", "oi"))
CASES = (
    Case("TableBench, ROUGE-L", "table_bench", {}, {**BLIND, "facts": True}, open_rows),
    Case("TableBench, exact match", "table_bench", {}, BLIND, exact_rows),
    Case("TableRegion, region part", "table_region", {"weight": 1.0}, BLIND),
    Case("TEDS", "teds", {}, {**BLIND, "exact_numbers": True}),
    Case("S-TEDS", "teds", {"structure_only": True}, BLIND),
    Case("CellF1, adjacency", "cell_f1", {}, BLIND),
    Case("CellF1, position", "cell_f1", {"relation": "position"}, BLIND),
    Case("GriTS, content", "grits", {}, BLIND),
    Case("GriTS, topology", "grits", {"metric": "topology"}, BLIND),
    Case(
        "QA-F1, without a model", "qa_f1", {"reader": "extractive", "price_structure": False}, {"price_structure": True}
    ),
    Case("Ranking, close candidates", "ranking", {}, BLIND),
    Case("ScalarQuality", "scalar_quality", {}, BLIND),
    Case("Mathematics", "mathematics", {}, {}),
    Case("Generator", "generator", {}, {"step_credit": "weakest"}),
    Case("Verifier, right : wrong 4 : 1", "verifier", {}, {"consistent": True}),
    Case("WhiteBox, io_mixed", "white_box", {}, {}, MIXED[False], MIXED[True]),
    Case(
        "WhiteBox, io_mixed, no gate",
        "white_box",
        {"gate_on_io": False},
        {"gate_on_io": True},
        MIXED[False],
        MIXED[True],
    ),
    Case("WhiteBox, oi", "white_box", {}, {"computed_inputs": False}, INPUTS[False], INPUTS[True]),
    Case("UnitTests", "unit_tests", {}, BLIND),
    Case("UnitTests, all or nothing", "unit_tests", {"all_or_nothing": True}, BLIND),
)


def searched(generations: int, population: int, words: Sequence[str]) -> None:
    """The search, on every second row; its best strategy on the others, as a share of the way to the honest answers.

    *Full* is on how many of them that strategy has full marks. *Not right* is what the best strategy of a second search
    earns, which looks where it is not right: rows with full marks count nothing.
    """
    print(
        f"{'reward':28} {'rows':>4} {'floor':>5} {'honest':>6} {'before':>6} {'with':>6} {'full':>5} {'not right':>9}  "
        "best blind strategy before / with the recipes' options / not right"
    )
    for case in CASES:
        if words and not any(word.lower() in case.title.lower() for word in words):
            continue
        rows = case.rows() if case.rows else shipped_rows(case.name)
        told = _published if case.name == "unit_tests" else None
        size = {"generations": generations, "population": population}
        target = Target(create(case.name, **case.options), rows, told, step=0)
        before = search(target, **size)
        thinned = case.thinned() if case.thinned else rows
        target = Target(create(case.name, **{**case.options, **case.recipe}), thinned, told, step=0)
        after, wrong = search(target, **size), search(target, **size, full_marks=False)
        shown = " / ".join(dict.fromkeys(_shown(one.attack.template) for one in (before, after, wrong)))
        print(
            f"{case.title:28} {len(thinned):4} {before.floor:5.2f} {before.honest:6.2f} {before.share:6.3f} "
            f"{after.share:6.3f} {after.full:5.2f} {wrong.share:9.3f}  {shown}",
            flush=True,
        )


def _shown(template: str) -> str:
    """The slots of a template, or the end of what it says."""
    slots = re.findall("«\\w+»", template)
    if slots:
        return " ".join(dict.fromkeys(slots))
    said = re.sub(r"</?\w+>|```(?:python)?", " ", template)
    return " ".join(said.split())[-60:]


def _published(row: Mapping[str, Any]) -> str | None:
    return str(row["completion"]) if row.get("what") == "as published" else None


def stated() -> None:
    """Strategies that a search over templates does not reach."""
    print(f"\n{'stated strategy':64} {'before':>7} {'with':>7}")
    rows = open_rows()
    for subtype in OPEN:
        chosen = [row for row in rows if row["qsubtype"] == subtype]
        texts = [f"Final Answer: {turned(row['answer'])}" for row in chosen]
        one, two = (
            create("table_bench", **options)(texts, chosen).values.mean() for options in ({}, {**BLIND, "facts": True})
        )
        _line(f"{subtype}: the gold answer, every digit and direction wrong", one, two)
    steps, padding = ["3 * 5 = 18", "18 + 1 = 20", "so the answer is 21"], ["1*1=1"] * 60
    padded = [0.0] * 3 + [1.0] * 60
    _line("StepVerifier: three wrong steps and sixty times 1*1=1", *_both(share_right, padded, steps + padding))
    _line("StepVerifier: the same, in front", *_both(share_right, padded[::-1], padding + steps))
    _line("Generator's steps: three wrong and sixty times 1*1=1", *_both(placed, padded, steps + padding))
    _line("Generator's steps: two right, one wrong", *_both(placed, [1.0, 1.0, 0.0], steps))
    for wrong in (4, 9, 19):
        labels = [True] * wrong + [False]
        shares = [
            float(ClassBalance(scheme=scheme).weights(labels)[:wrong].sum() / (wrong + 1))
            for scheme in ("sqrt_inverse", "inverse")
        ]
        _line(f"Verifier: always CORRECT at {wrong} : 1, weights sqrt_inverse / inverse", *shares)
    rule = Overlong(16_000, 8_000, 0.04)
    for length in (8_000, 12_000, 16_000, 18_000, 20_000):
        _line(f"GroupJudge: what {length:,} characters cost, as released / default", 0.0, rule.of(length))


def _line(title: str, before: float, after: float) -> None:
    print(f"{title:64} {before:7.3f} {after:7.3f}", flush=True)


def _both(
    rule: Callable[[Sequence[float], Sequence[str], str], float], sure: Sequence[float], texts: Sequence[str]
) -> Any:
    return [rule(sure, texts, name) for name in ("share", "weakest")]


def placed(sure: Sequence[float], texts: Sequence[str], rule: str) -> float:
    """The sum of the steps' rewards."""
    weights = counted_weights(sure, texts, rule)
    return sum(weight if one else -weight for weight, one in zip(weights, sure, strict=True))


def turned(answer: str) -> str:
    """An answer with another digit for each, and the opposite of each direction."""
    answer = "".join(str((int(one) + 1) % 10) if one in "0123456789" else one for one in answer)
    for one, other in OPPOSITES:
        answer = answer.replace(one, "\0").replace(other, one).replace("\0", other)
    return answer


def orders() -> None:
    """Honest answers with and without the options: what is above the zero point, and whether their order stays."""
    print(
        f"\n{'honest answers':44} {'n':>4} {'mean':>6} {'with':>6} {'above':>6} {'within':>7} {'pooled':>7}   "
        "one R0 for all: R0, above, blind, pooled"
    )
    bench = shipped_rows("table_bench", 400)
    tables = _fixture("tables/pairs.jsonl") + _fixture("tables/pubtabnet_scores.jsonl")
    rollouts = _fixture("tables/rollouts.jsonl")
    judged = [row for row in shipped_rows("ranking", 200) for _ in range(8)]
    judges = [simulated_judge(row["scores"], seed=number, error=0.6) for number, row in enumerate(judged)]
    _order(
        "o3-mini on TableBench", "table_bench", {**BLIND, "facts": True}, [row["prediction"] for row in bench], bench
    )
    for name in ("teds", "cell_f1", "grits"):
        recipe = create(name).for_training
        _order(
            f"published predictions of tables, {name}",
            name,
            recipe,
            [row["prediction"] for row in tables],
            [row["reference"] for row in tables],
        )
        _order(
            f"rollouts of tables, {name}",
            name,
            recipe,
            [row["completion"] for row in rollouts],
            [row["solution"] for row in rollouts],
        )
    _order("simulated judge, Ranking", "ranking", BLIND, judges, judged)
    rated = [row for row in shipped_rows("scalar_quality", 200) for _ in range(8)]
    chance = random.Random(0)
    ratings = [f"It reads well.\n\n{min(10, max(0, round(chance.gauss(row['score'], 1))))}" for row in rated]
    _order("simulated judge, ScalarQuality", "scalar_quality", BLIND, ratings, rated)


def _order(title: str, name: str, recipe: Mapping[str, Any], texts: list[str], rows: list[Any]) -> None:
    before = create(name)(texts, rows).values
    scores = create(name, **recipe)(texts, rows)
    after, above = scores.values, scores.values > 0
    groups: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        if above[at]:
            groups.setdefault(json.dumps(row, sort_keys=True, default=str), []).append(at)
    within = [
        (rho(before[places], after[places]), len(places))
        for places in groups.values()
        if len(set(before[places].tolist())) > 1 and len(set(after[places].tolist())) > 1
    ]
    told = np.average([one for one, _ in within], weights=[count for _, count in within]) if within else float("nan")
    print(
        f"{title:44} {len(rows):4} {before.mean():6.3f} {after.mean():6.3f} {above.mean():6.2f} {told:7.3f} "
        f"{rho(before[above], after[above]):7.3f}{_constant(name, recipe, texts, rows, before, scores['blind'])}",
        flush=True,
    )


def _constant(name: str, recipe: Mapping[str, Any], texts: Any, rows: Any, before: Any, blind: Any) -> str:
    """The same with one zero point for all rows: the smallest that leaves the stated blind strategies 0.15."""
    reward: Reward[Any] = create(name)
    if "zero_point" not in recipe or name == "table_bench":
        return ""
    top = 2.0 if name == "ranking" else 1.0
    for hundredth in range(5, 100, 5):
        point = hundredth / 100
        left = np.maximum(0, (blind / top - point) / (1 - point)).mean()
        if left <= 0.15:
            scores = create(name, **{**recipe, "zero_point": point})(texts, rows).values
            above = scores > 0
            return f"   {point:.2f} {above.mean():5.2f} {left:6.3f} {rho(before[above], scores[above]):6.3f}"
    return f"   none for {reward.name}"


def rho(one: Any, other: Any) -> float:
    return float(spearman(one[None], other[None])[0]) if len(one) > 1 else float("nan")


def _fixture(name: str) -> Rows:
    with shipped(f"fixtures/{name}").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only the lines of the search that hold one of these words")
    parser.add_argument("--generations", type=int, default=10, help="rounds of the search (%(default)s)")
    parser.add_argument("--population", type=int, default=14, help="strategies kept a round (%(default)s)")
    arguments = parser.parse_args()
    searched(arguments.generations, arguments.population, arguments.words)
    if not arguments.words:
        stated()
        orders()


if __name__ == "__main__":
    main()
