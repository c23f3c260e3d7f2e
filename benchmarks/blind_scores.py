"""What the best blind strategy of a search earns on rows it was not fitted on, with and without the recipes' options.

Bounded and seeded: about a minute. The rows are the fixtures', or for judges simulated ones; rows of your own:
``table-rewards attack REWARD DATA --search``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from table_rewards.commands.attack_rows import shipped_rows
from table_rewards.commands.installed import shipped
from table_rewards.core.registry import create
from table_rewards.rewards.ranking.agreement import spearman
from table_rewards.testing.attacks import Target, search, simulated_judge

OPEN = ("AnomalyDetection", "CausalAnalysis", "DescriptiveAnalysis")
BLIND: Mapping[str, Any] = {"zero_point": "blind"}

CASES: tuple[tuple[str, str, Mapping[str, Any], Mapping[str, Any]], ...] = (
    ("table_bench, ROUGE-L", "table_bench", {}, {**BLIND, "facts": True}),
    ("table_bench, exact match", "table_bench", {}, BLIND),
    ("table_region, region part", "table_region", {"weight": 1.0}, BLIND),
    ("TEDS", "teds", {}, {**BLIND, "exact_numbers": True}),
    ("S-TEDS", "teds", {"structure_only": True}, BLIND),
    ("CellF1 adjacency", "cell_f1", {}, BLIND),
    ("CellF1 position", "cell_f1", {"relation": "position"}, BLIND),
    ("GriTS content", "grits", {}, BLIND),
    ("GriTS topology", "grits", {"metric": "topology"}, BLIND),
    ("Ranking, close candidates", "ranking", {}, BLIND),
    ("ScalarQuality", "scalar_quality", {}, BLIND),
    ("Mathematics", "mathematics", {}, {}),
    ("Verifier, right : wrong 4 : 1", "verifier", {}, {"consistent": True}),
    ("WhiteBox io_mixed", "white_box", {}, {}),
    ("WhiteBox oi", "white_box", {}, {}),
    ("UnitTests", "unit_tests", {}, BLIND),
)


def orders() -> None:
    """Honest answers with and without the options: how many are above the zero point, and whether their order stays."""
    print(f"\n{'honest answers':44} {'n':>4} {'mean':>6} {'with':>6} {'above':>6} {'Spearman':>8}")
    bench = shipped_rows("table_bench", 400)
    pairs = _fixture("tables/pairs.jsonl") + _fixture("tables/pubtabnet_scores.jsonl")
    judged = shipped_rows("ranking", 200)
    for title, name, recipe, texts, rows in (
        ("o3-mini on TableBench", "table_bench", {**BLIND, "facts": True}, [row["prediction"] for row in bench], bench),
        *(
            (f"published predictions of tables, {name}", name, BLIND, [row["prediction"] for row in pairs], pairs)
            for name in ("teds", "cell_f1", "grits")
        ),
        (
            "simulated judge, Ranking",
            "ranking",
            BLIND,
            [simulated_judge(row["scores"], seed=number, error=0.6) for number, row in enumerate(judged)],
            judged,
        ),
    ):
        references = [row.get("reference", row) if name in ("teds", "cell_f1", "grits") else row for row in rows]
        before, after = (create(name, **options)(texts, references).values for options in ({}, recipe))
        above = after > 0
        rho = float(spearman(before[None, above], after[None, above])[0]) if above.sum() > 2 else float("nan")
        print(f"{title:44} {len(rows):4} {before.mean():6.3f} {after.mean():6.3f} {above.mean():6.2f} {rho:8.3f}")


def _fixture(name: str) -> list[dict[str, Any]]:
    with shipped(f"fixtures/{name}").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _published(row: Mapping[str, Any]) -> str:
    return str(row["completion"])


def main(names: list[str]) -> None:
    """Print the table; with words, only the lines that hold one of them."""
    print(
        f"{'reward':30} {'floor':>5} {'honest':>6} {'blind':>6} {'with options':>12}  best blind strategy before / with"
    )
    for title, name, options, recipe in CASES:
        if names and not any(word.lower() in title.lower() for word in names):
            continue
        rows = shipped_rows(name)
        if name == "table_bench":
            rows = [row for row in rows if (row["qsubtype"] in OPEN) == ("ROUGE" in title)]
        if name == "white_box":
            rows = [row for row in rows if row["type"] == title.split()[-1]]
        told = _published if name == "unit_tests" else None
        before = search(Target(create(name, **options), rows, told, step=0))
        after = search(Target(create(name, **options, **recipe), rows, told, step=0)) if recipe else before
        shown = " / ".join(dict.fromkeys(" ".join(one.attack.template.split())[-44:] for one in (before, after)))
        print(
            f"{title:30} {before.floor:5.2f} {before.honest:6.2f} {before.unseen:6.3f} {after.unseen:12.3f}  {shown}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
    if not sys.argv[1:]:
        orders()
