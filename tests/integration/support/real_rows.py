"""Real TableBench answers and table regions from `fixtures/`, as the two frameworks' datasets would hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


@dataclass(frozen=True)
class Sample:
    """A completion with its reference, and what the row's source says about it."""

    completion: str
    ground_truth: Any  # verl's reward_model.ground_truth
    extra_info: dict[str, Any]
    question: str
    correct: bool | None = None  # None: graded, neither right nor wrong


def read(name: str) -> list[dict[str, Any]]:
    """The rows of the one file of that name, wherever under `fixtures/` it is kept."""
    found = sorted(FIXTURES.rglob(name))
    assert len(found) == 1, f"expected one {name} under {FIXTURES}, found {found}"
    (file,) = found
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def verdict(row: dict[str, Any]) -> bool | None:
    """Right or wrong, where the official metric says so with and without its normalisation (which drops "%")."""
    official, bare = row["expected_metric"], row["metrics_without_normalize_answer"].get(row["expected_metric_name"])
    return {0.0: False, 1.0: True}.get(official) if official == bare else None


def tablebench_samples(metrics: Sequence[str] = ("EM", "EM_with_error_10", "ROUGE-L")) -> list[Sample]:
    """The o3-mini answers (direct prompting) with TableBench's own metric of each, chart questions left out."""
    rows = [row for row in read("tablebench_o3mini_dp_items.jsonl") if row["expected_metric_name"] in metrics]
    return [
        Sample(
            completion=row["prediction"],
            ground_truth=row["reference"],
            extra_info={"qtype": row["qtype"], "qsubtype": row["qsubtype"]},
            question=row["question"],
            correct=verdict(row),
        )
        for row in rows
    ]


def samples_of(reward: str) -> list[Sample]:
    """A dozen samples that a reward of ours can score, right ones and wrong ones."""
    return {"table_bench": tablebench_samples, "table_region": region_samples}[reward]()[:12]


def region_samples(count: int = 6) -> list[Sample]:
    """Gold regions, each answered twice: all right, then with a wrong region and a wrong answer."""
    out: list[Sample] = []
    for row in read("table_r1_tablearea_test_gold.jsonl"):
        if (
            row["instruction_type"] == "PoT"
            or row["expected_region_self_score"] != 1.0
            or row["answer_is_code_fragment"]
        ):
            continue
        truth = {
            "answer": row["reference"],
            "gold_area": row["gold_area"],
            "instruction_type": row["instruction_type"],
            "qtype": row["qtype"],
        }
        wrong = json.dumps({"columns": ["no such column"], "rows": [9999], "data": [["x"]]})
        for area, answer, correct in ((row["gold_area"], row["reference"], True), (wrong, "no such answer", False)):
            completion = f"<gold_area>{area}</gold_area>\nFinal Answer: {answer}"
            out.append(Sample(completion, truth, {"index": row["row"], "split": "test"}, row["question"], correct))
        if len(out) >= 2 * count:
            break
    return out
