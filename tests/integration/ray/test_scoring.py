"""`score --engine ray`: the same rows as the local engine, whatever dies on the way."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ray_processes import workers

from table_rewards.commands.demo import Entry, entries
from table_rewards.commands.demo_scripts import script
from table_rewards.commands.installed import shipped
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.registry import create, names
from table_rewards.datasets.files import UnusableFile, read_rows
from table_rewards.evaluation.scores.ray_engine import Cluster, Run, Work
from table_rewards.evaluation.scores.scoring import plan, score_file
from table_rewards.testing.chat_server import ChatServer

pytestmark = pytest.mark.slow

ENTRIES = entries()


@contextmanager
def opened(entry: Entry) -> Iterator[Mapping[str, Any]]:
    """The entry's options, with the scripted endpoint of rewards that ask a model."""
    if entry.script is None:
        yield entry.options
        return
    with ChatServer(reply=script(entry.script, shipped(f"fixtures/{entry.file}")), model="scripted") as server:
        yield {**entry.options, "endpoints": server.url}


def local(work: Work) -> list[dict[str, Any]]:
    reward = create(work.reward, **dict(work.options))
    how = plan(work.places[0], completion=work.completion, reference=work.reference, keep=work.keep, parts=reward.parts)
    return [row for _, scored in score_file(reward, how, step=work.step) for row in scored]


def same(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
    """Equal to the last bit; parquet gives NaN and None for what JSON calls null."""
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        for key in one:
            a, b = one[key], other.get(key)
            missing = [value is None or (isinstance(value, float) and math.isnan(value)) for value in (a, b)]
            assert all(missing) or a == b, (key, a, b)


def rollouts(path: Path, count: int, group: int = 8) -> Path:
    rng = random.Random(3)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            gold = number // group
            given = rng.choice([gold, gold + 1, f"{gold}.0", "no idea"])
            row = {"id": f"q{gold}", "answer": str(gold), "prediction": f"We add.\nFinal Answer: {given}"}
            file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.reward}: {entry.title}")
def test_every_reward_gives_the_rows_of_the_local_engine(cluster: Any, entry: Entry, tmp_path: Path) -> None:
    with opened(entry) as options:
        work = Work(
            (str(shipped(f"fixtures/{entry.file}")),), entry.reward, options, str(tmp_path / "out"),
            completion=entry.completion, reference=entry.reference, step=entry.step, batch_size=7,
        )  # fmt: skip
        run = Run(work, Cluster(concurrency=2, cpus=1))
        assert sum(run) == run.total
        same(local(work), list(run.rows()))


def test_every_built_in_reward_is_among_them() -> None:
    assert {entry.reward for entry in ENTRIES} == set(names())


def test_blocks_end_where_prompts_end(cluster: Any, tmp_path: Path) -> None:
    """A reward that sees groups would split one otherwise: 5 rows a batch cut groups of 8."""
    source = rollouts(tmp_path / "rows.jsonl", 400)
    run = Run(Work((str(source),), "table_bench", {}, str(tmp_path / "out"), batch_size=5), Cluster(concurrency=2))
    run.block = 37
    assert sum(run) == 400
    for number in range(run.blocks):
        rows = list(read_rows(tmp_path / "out" / f"part-{number:06d}.parquet"))
        assert len(rows) % 8 == 0
    assert [row["row"] for row in run.rows()] == list(range(400))


def test_a_dead_actor_and_a_dead_node_lose_nothing_and_double_nothing(cluster: Any, tmp_path: Path) -> None:
    import ray

    source = rollouts(tmp_path / "rows.jsonl", 30_000)
    work = Work((str(source),), "table_bench", {}, str(tmp_path / "out"), batch_size=64)
    run = Run(work, Cluster(concurrency=3))
    extra = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    killed = []

    def kill() -> None:
        actors = workers("MapWorker")
        if actors:
            os.kill(actors[0], signal.SIGKILL)
            killed.append(actors[0])
        cluster.remove_node(extra, allow_graceful=False)

    seen = 0
    for count in run:
        seen += count
        if not killed:
            thread = threading.Thread(target=kill)
            thread.start()
            thread.join()
    assert killed
    assert seen >= run.total
    same(local(work), list(run.rows()))
    assert ray.is_initialized()


def test_a_killed_driver_goes_on_with_the_same_command(tmp_path: Path) -> None:
    source, out = rollouts(tmp_path / "rows.jsonl", 60_000), tmp_path / "out"
    command = [
        *(sys.executable, "-m", "table_rewards.commands.main", "score", str(source), "--reward", "table_bench"),
        *("--engine", "ray", "--out", str(out), "--batch-size", "500", "--quiet", "--json"),
    ]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and len(list(out.glob("part-*.parquet"))) < 2:
        time.sleep(0.05)
    parts = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait(30)
    assert len(parts) >= 2
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    again = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    assert all(again[name] == when for name, when in parts.items()), "a part that was there was written again"
    rows = [row for path in sorted(out.glob("part-*.parquet")) for row in read_rows(path)]
    same(local(Work((str(source),), "table_bench", {}, "")), rows)


def test_another_run_in_the_same_folder_is_refused(cluster: Any, tmp_path: Path) -> None:
    source = rollouts(tmp_path / "rows.jsonl", 50)
    work = Work((str(source),), "table_bench", {}, str(tmp_path / "out"))
    assert sum(Run(work, Cluster())) == 50
    assert sum(Run(work, Cluster())) == 0
    with pytest.raises(ConfigurationError, match="made with another"):
        Run(Work((str(source),), "table_bench", {"metric": "em"}, str(tmp_path / "out")), Cluster())
    assert sum(Run(work, Cluster(), overwrite=True)) == 50


def test_mistakes_are_told_by_the_driver(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        Run(Work((str(rollouts(tmp_path / "a.jsonl", 9)),), "tabel_bench", {}, str(tmp_path / "out")), Cluster())
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prediction": "Final Answer: 7", "gold": "7"}\n' * 20)
    with pytest.raises(UnusableFile, match="no reference can be read"):
        list(Run(Work((str(bad),), "table_bench", {}, str(tmp_path / "out2")), Cluster()))


def test_an_address_of_another_file_system_is_read(cluster: Any, tmp_path: Path) -> None:
    source = rollouts(tmp_path / "rows.jsonl", 64)
    work = Work((source.as_uri(),), "table_bench", {}, str(tmp_path / "out"))
    run = Run(work, Cluster())
    assert sum(run) == 64
    same(local(Work((str(source),), "table_bench", {}, "")), list(run.rows()))
