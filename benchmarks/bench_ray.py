"""Ray beside this process: a file scored by both engines, and what a served call costs over a direct one.

    python benchmarks/bench_ray.py [--rows 100000]

Needs the extra `ray`. Prints ratios of one run; wants two CPUs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

from figures import left_out, table
from table_rewards import TEDS, TableBench
from table_rewards.datasets.files import RowWriter, read_rows

PAIRS = Path(__file__).parents[1] / "fixtures" / "tables" / "pairs.jsonl"


def rollouts(path: Path, count: int) -> Path:
    rng = random.Random(5)
    pairs = [row for row in read_rows(PAIRS) if len(row["reference"]) < 4_000]
    with RowWriter(path) as writer:
        for number in range(count):
            pair = pairs[(number // 8) % len(pairs)]
            noise = f"<!-- {rng.random()} -->"  # no two completions are equal, so that nothing is scored once for many
            row = {"id": f"q{number // 8}", "solution": pair["reference"], "prediction": noise + pair["prediction"]}
            writer.write([row])
    return path


def timed(*words: str) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "table_rewards.commands.main", *words, "--quiet"], check=True, capture_output=True
    )
    return time.perf_counter() - begun


def files(folder: Path, rows: int) -> None:
    source = rollouts(folder / "rows.parquet", rows)
    local = timed("score", str(source), "--reward", "cell_f1", "--out", str(folder / "local.parquet"))
    ray = timed("score", str(source), "--reward", "cell_f1", "--engine", "ray", "--out", str(folder / "ray"))
    table(
        f"A file of {rows:,} rows, scored with `cell_f1`",
        ["engine", "seconds", "ratio"],
        [["this process", local, 1.0], ["Ray, its start included", ray, ray / local]],
        formats=["{}", "{:.1f}", "{:.2f}x"],
    )


def calls() -> None:
    import ray

    from table_rewards.frameworks.serving.application import start, stop
    from table_rewards.frameworks.serving.client import ServiceReward
    from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, configure_logging=False)
    settings = ServiceSettings((RewardService("teds", "teds"), RewardService("table_bench", "table_bench")), port=8741)
    start(settings)
    pairs = list(read_rows(PAIRS))
    texts = [pairs[number % len(pairs)]["prediction"].replace("<td>", f"<td>{number} ", 1) for number in range(64)]
    golds = [pairs[number % len(pairs)]["reference"] for number in range(64)]
    direct, served = TEDS(), ServiceReward(TEDS(), "http://127.0.0.1:8741/teds")
    served(texts, golds)
    both = [(clocked(direct, texts, golds), clocked(served, texts, golds)) for _ in range(7)]
    one, other = (statistics.median(column) for column in zip(*both, strict=True))
    rows = [[f"TEDS, a batch of {len(texts)}", one * 1e3, other * 1e3, other / one]]
    cheap, asked = TableBench(), ServiceReward(TableBench(), "http://127.0.0.1:8741/table_bench")
    asked(["Final Answer: 7"], ["7"])
    alone = [
        (clocked(cheap, ["Final Answer: 7"], ["7"]), clocked(asked, ["Final Answer: 7"], ["7"])) for _ in range(200)
    ]
    one, other = (statistics.median(column) for column in zip(*alone, strict=True))
    rows.append(["TableBench, one sample", one * 1e3, other * 1e3, other / one])
    table(
        "A reward called directly, and as a service on the same machine",
        ["call", "direct, ms", "served, ms", "ratio"],
        rows,
        formats=["{}", "{:.2f}", "{:.2f}", "{:.2f}x"],
    )
    stop(settings)


def clocked(reward: object, texts: list[str], golds: list[str]) -> float:
    begun = time.perf_counter()
    reward(texts, golds)  # type: ignore[operator]
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of the file; 0 leaves the files out (%(default)s)")
    options = parser.parse_args()
    if importlib.util.find_spec("ray") is None:
        left_out("Ray", "the extra `ray` is not installed here")
        return
    if options.rows:
        with tempfile.TemporaryDirectory() as folder:
            files(Path(folder), options.rows)
    calls()


if __name__ == "__main__":
    main()
