"""TableBench and TableRegion against the published per-sample way, CPU time, one process, one run.

    python benchmarks/bench_tablebench.py [--samples N] [--peer N]

Samples are the shipped real ones in groups of eight completions a prompt, each with a chain of thought of its own, 220
to 2,200 characters long; a quarter right, the others with the answer of another question. The published way runs on the
first --peer of them.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tablebench_published_way as published_way
from figures import table
from table_rewards import TableBench, TableRegion

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
THOUGHT = (
    "We look at the rows that the question is about, take their values one by one, and combine them step by step. "
)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


def answers(count: int, kinds: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Completions and references of TableBench, from the o3-mini answers whose metric is one of ``kinds``."""
    pick = random.Random(0)
    items = [r for r in rows("tablebench/tablebench_o3mini_dp_items.jsonl") if r["expected_metric_name"] in kinds]
    references = [{"answer": r["reference"], "qtype": r["qtype"], "qsubtype": r["qsubtype"]} for r in items]
    texts, golds = [], []
    for i in range(count):
        k = i // 8 % len(items)
        own = items[k] if i % 4 == 0 else pick.choice(items)
        texts.append(f"{THOUGHT * pick.randint(2, 20)}Attempt {i}.\nFinal Answer: {own['reference']}")
        golds.append(references[k])
    return texts, golds


def regions(count: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Completions and references of TableRegion, from the shipped gold regions."""
    pick = random.Random(0)
    items = [r for r in rows("table_r1/table_r1_tablearea_test_gold.jsonl") if r["gold_area_is_json"]]
    references = [{"answer": r["reference"], "gold_area": r["gold_area"], "instruction_type": "DP"} for r in items]
    texts, golds = [], []
    for i in range(count):
        k = i // 8 % len(items)
        own = items[k] if i % 4 == 0 else pick.choice(items)
        area = f"<gold_area>{own['gold_area']}</gold_area>"
        texts.append(f"{THOUGHT * pick.randint(2, 20)}Attempt {i}.\n{area}\nFinal Answer: {own['reference']}")
        golds.append(references[k])
    return texts, golds


def rate(run: Callable[[], Any], count: int, repeat: int = 3) -> float:
    """Samples a second of CPU time, the best of some runs."""
    best = float("inf")
    for _ in range(repeat):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return count / best


def compare(
    name: str,
    reward: Callable[..., Any],
    options: dict[str, Any],
    samples: tuple[list[str], list[dict[str, Any]]],
    some: int,
    published: Callable[[str, dict[str, Any]], Any],
) -> list[list[Any]]:
    """A line for each profile: our rate, the published code's rate on the first ``some`` samples, the ratio."""
    texts, golds = samples
    plain = rate(lambda: [published(text, gold) for text, gold in zip(texts[:some], golds, strict=False)], some, 1)
    lines = []
    for profile in ("corrected", "released"):
        made = reward(profile=profile, **options)
        ours = rate(lambda made=made: made(texts, golds), len(texts))
        lines.append([f"{name}, {profile}", ours, plain, ours / plain])
        print(f"  {name}, {profile}: {ours / plain:.1f}x", flush=True)
    return lines


def published_answer(text: str, gold: dict[str, Any]) -> Any:
    return published_way.table_bench(text, gold["answer"])


def published_region(text: str, gold: dict[str, Any]) -> Any:
    return published_way.table_region(text, gold["answer"], gold["gold_area"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--peer", type=int, default=4_000)
    arguments = parser.parse_args()
    count, some = arguments.samples, arguments.peer

    kinds = {"EM", "EM_with_error_10", "ROUGE-L"}
    lines = [
        *compare("TableBench, exact match", TableBench, {}, answers(count, {"EM"}), some, published_answer),
        *compare("TableBench, all", TableBench, {}, answers(count, kinds), some, published_answer),
        *compare("TableRegion", TableRegion, {"weight": 0.1}, regions(count), some, published_region),
    ]
    table(
        f"{count:,} samples with chains of thought, samples a second of one core",
        ["reward, questions, profile", "ours", "the published code", "ratio"],
        lines,
        formats=["{}", "{:,.0f}", "{:,.0f}", "{:.1f}x"],
        note="Groups of eight completions of 220 to 2,200 characters; the published code's per-sample functions, "
        f"written plainly, on the first {some:,}",
        plot={
            "kind": "bars", "x": "reward, questions, profile", "y": ["ours", "the published code"],
            "label": "samples a second of one core",
        },
    )  # fmt: skip
    took = []
    for _ in range(5):
        command = "import time; t = time.perf_counter(); import table_rewards; print(time.perf_counter() - t)"
        took.append(float(subprocess.run([sys.executable, "-c", command], capture_output=True, text=True).stdout))
    table("Importing the package", ["", "ms"], [["import table_rewards", min(took) * 1000]], formats=["{}", "{:.0f}"])


if __name__ == "__main__":
    main()
