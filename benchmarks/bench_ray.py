"""Ray beside this process: a file scored by both engines, and what a served call costs over a direct one.

    python benchmarks/bench_ray.py [--rows 100000]

Needs the extra `ray`. Prints medians and ratios of one run; wants two CPUs. Nothing is scored twice: every batch holds
tables that no call has seen, so only what is loaded once (modules, connections) is warm on either side.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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


def timed(*words: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command, its children among them; a cluster that it starts is counted where it ends."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "table_rewards.commands.main", *words, "--quiet"], check=True, capture_output=True
    )
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def files(folder: Path, rows: int) -> None:
    """The same file by both engines, each in processes of its own that have cached nothing."""
    source = rollouts(folder / "rows.parquet", rows)
    local, cpu = timed("score", str(source), "--reward", "cell_f1", "--out", str(folder / "local.parquet"))
    ray, _ = timed("score", str(source), "--reward", "cell_f1", "--engine", "ray", "--out", str(folder / "ray"))
    table(
        f"A file of {rows:,} rows, scored with `cell_f1`",
        ["engine", "seconds", "ratio"],
        [["this process", local, 1.0], ["Ray, its start included", ray, ray / local]],
        formats=["{}", "{:.1f}", "{:.2f}x"],
        note=f"this process used {cpu:.1f} s of CPU; no two completions are equal",
    )


def fresh(pairs: list[dict[str, str]], turn: str) -> tuple[list[str], list[str]]:
    """64 pairs of tables that no call has seen before, so that neither side has a table or a score in a cache."""
    texts = [pairs[n % len(pairs)]["prediction"].replace("<td>", f"<td>{turn}x{n} ", 1) for n in range(64)]
    golds = [pairs[n % len(pairs)]["reference"].replace("<td>", f"<td>{turn}y ", 1) for n in range(64)]
    return texts, golds


def calls(turns: int) -> None:
    """One batch and one sample at a time: in this process, from the service by HTTP, and by a handle in the cluster."""
    import ray

    from table_rewards.frameworks.serving.application import start, stop
    from table_rewards.frameworks.serving.client import ServiceReward
    from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, configure_logging=False)
    settings = ServiceSettings((RewardService("teds", "teds"), RewardService("table_bench", "table_bench")), port=8741)
    start(settings)
    pairs = list(read_rows(PAIRS))
    address = "http://127.0.0.1:8741"
    batches = {
        "direct": TEDS(),
        "served": ServiceReward(TEDS(), f"{address}/teds"),
        "by handle": ServiceReward(TEDS(), "ray://table-rewards/teds"),
    }
    samples = {
        "direct": TableBench(),
        "served": ServiceReward(TableBench(), f"{address}/table_bench"),
        "by handle": ServiceReward(TableBench(), "ray://table-rewards/table_bench"),
    }
    both: dict[str, list[tuple[float, float]]] = {name: [] for name in batches}
    alone: dict[str, list[tuple[float, float]]] = {name: [] for name in samples}
    for turn in range(-2, turns):  # the first ones import and connect
        for name, reward in batches.items():
            both[name].append(clocked(reward, *fresh(pairs, f"{name}{turn}")))
        for number in range(10):
            for name, reward in samples.items():
                alone[name].append(clocked(reward, [f"Final Answer: {turn}.{number}"], ["7"]))
    for title, found, skipped in (("TEDS, a batch of 64", both, 2), ("TableBench, one sample", alone, 20)):
        rows = []
        for name, ones in found.items():
            walls, cpus = zip(*ones[skipped:], strict=True)
            rows.append([name, statistics.median(walls) * 1e3, statistics.mean(cpus) * 1e3])
        direct = rows[0][1]
        table(
            f"{title}, called directly and from a service on the same machine",
            ["call", "ms", "ratio", "CPU ms of all processes"],
            [[name, wall, wall / direct, cpu] for name, wall, cpu in rows],
            formats=["{}", "{:.2f}", "{:.2f}x", "{:.1f}"],
            note="medians (CPU: mean); nothing is scored twice",
        )
    stop(settings)


def clocked(reward: Any, texts: list[str], golds: list[str]) -> tuple[float, float]:
    """Wall seconds, and CPU seconds of this process and of Ray's, whose clock has steps of 10 ms."""
    before, begun = spent(), time.perf_counter()
    reward(texts, golds)
    wall = time.perf_counter() - begun
    return wall, spent() - before


def spent() -> float:
    """CPU seconds of this process and of the replicas."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"ServeReplica" in (entry / "cmdline").read_bytes()[:200]:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # it has ended
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of the file; 0 leaves the files out (%(default)s)")
    parser.add_argument("--turns", type=int, default=25, help="of every call (%(default)s)")
    options = parser.parse_args()
    if importlib.util.find_spec("ray") is None:
        left_out("Ray", "the extra `ray` is not installed here")
        return
    if options.rows:
        with tempfile.TemporaryDirectory() as folder:
            files(Path(folder), options.rows)
    calls(options.turns)


if __name__ == "__main__":
    main()
