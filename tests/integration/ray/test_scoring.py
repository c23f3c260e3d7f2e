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
from table_rewards.frameworks.serving.application import start
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings
from table_rewards.testing.chat_server import ChatServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # of a busy machine

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


def _begun(command: list[str], out: Path) -> subprocess.Popen[str]:
    """A driver that has written a part more than there were."""
    pipe, parts = subprocess.PIPE, len(list(out.glob("part-*.parquet")))
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True, start_new_session=True)
    while driver.poll() is None and len(list(out.glob("part-*.parquet"))) == parts:
        time.sleep(0.02)
    return driver


def test_a_killed_driver_goes_on_with_the_same_command(cluster: Any, tmp_path: Path) -> None:
    """Interrupted with a cluster of its own, killed as the driver of another one."""
    source, out = rollouts(tmp_path / "rows.jsonl", 60_000), tmp_path / "out"
    command = [
        *(sys.executable, "-m", "table_rewards.commands.main", "score", str(source), "--reward", "table_bench"),
        *("--engine", "ray", "--out", str(out), "--batch-size", "500", "--quiet", "--json"),
    ]
    driver = _begun(command, out)
    driver.terminate()
    assert "interrupted" in driver.communicate(timeout=300)[1]
    assert driver.returncode == 130
    command += ["--address", cluster.address]
    driver = _begun(command, out)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=300)
    parts = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    assert len(parts) >= 2
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
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


def test_a_cluster_that_does_not_come_up_is_a_message_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray gives its processes half a minute; on a machine that is too busy it raises a plain Exception."""
    import ray

    def late(**_: Any) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", late)
    run = Run(Work((str(rollouts(tmp_path / "rows.jsonl", 9)),), "table_bench", {}, str(tmp_path / "out")), Cluster())
    with pytest.raises(ConfigurationError, match="Ray did not start on this machine"):
        list(run)
    with pytest.raises(ConfigurationError, match="Ray did not start on this machine"):
        start(ServiceSettings((RewardService("teds", "teds"),)))


@pytest.fixture
def bucket() -> Iterator[str]:
    """The address of an empty bucket in an object store on the loopback address, and how to reach it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "KEY", "aws_secret_access_key": "HIDDEN", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket="rollouts")
    yield f"s3://KEY:HIDDEN@rollouts/%s?scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    server.stop()


def test_rows_and_parts_in_an_object_store(cluster: Any, tmp_path: Path, bucket: str) -> None:
    """Nodes of a real cluster share no disk. An interrupted run goes on there, too."""
    from pyarrow import fs

    source = rollouts(tmp_path / "rows.jsonl", 3000)
    lines = source.read_bytes().splitlines(keepends=True)
    system, _ = fs.FileSystem.from_uri(bucket % "x")
    for name, part in (("2.jsonl", lines[:1700]), ("10.jsonl", lines[1700:])):
        with system.open_output_stream(f"rollouts/rows/{name}") as file:
            file.write(b"".join(part))
    work = Work((bucket % "rows",), "table_bench", {}, bucket % "scores", batch_size=100)
    run = Run(work, Cluster(concurrency=2))
    run.block = 250
    assert sum(run) == 3000
    found = list(run.rows())
    assert [row.pop("step") for row in found] == [2] * 1700 + [10] * 1300  # the files are named after steps
    same([{**row, "row": row["row"]} for row in local(Work((str(source),), "table_bench", {}, ""))], found)
    system.delete_file("rollouts/scores/part-000003.parquet")
    again = Run(work, Cluster(concurrency=2))
    again.block = 250
    assert sum(again) == 250
    with system.open_input_file("rollouts/scores/_run.json") as file:
        record = file.read()
    assert b"HIDDEN" not in record
    assert b"KEY" not in record


def test_broken_lines_are_told_with_their_numbers_in_every_block(cluster: Any, tmp_path: Path) -> None:
    """A block begins within a file, and the lines before it are not read."""
    source = rollouts(tmp_path / "rows.jsonl", 9000, group=1)
    lines = source.read_bytes().splitlines(keepends=True)
    lines[5000:5000] = [
        b"\n",
        b"{half\n",
        b"  \n",
        '{"id": "\u2028", "answer": "1", "prediction": "\ud800"}\n'.encode("utf-8", "replace"),
    ]
    lines[8000:8000] = [b"[1, 2]\n", b'{"id": "nan", "answer": NaN, "prediction": "Final Answer: 7"}\n']
    source.write_bytes(b"\xef\xbb\xbf" + b"".join(lines))
    work = Work((str(source),), "table_bench", {}, str(tmp_path / "out"))
    run = Run(work, Cluster(concurrency=2))
    run.block = 700
    assert sum(run) == run.total == 9004
    found = list(run.rows())
    same(local(work), found)
    assert any("line 5,002 is not JSON" in row["note"] for row in found)


def test_the_command_works_from_any_folder_with_a_reward_of_ones_own(cluster: Any, tmp_path: Path) -> None:
    """The processes of a cluster have other working directories and cannot import a file of the command's machine."""
    (tmp_path / "mine.py").write_text(
        "from table_rewards import TableBench\n\n\nclass Halved(TableBench):\n    name = 'halved'\n\n"
        "    def judge_all(self, completions, references, step):\n"
        "        judged = super().judge_all(completions, references, step)\n"
        "        return [one._replace(value=one.value / 2) for one in judged]\n"
    )
    rollouts(tmp_path / "rows.jsonl", 200)
    command = [
        *(sys.executable, "-m", "table_rewards.commands.main", "score", "rows.jsonl", "--reward", "mine.py:Halved"),
        *("--quiet", "--json"),
    ]
    done = [
        subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        for more in (["--out", "here.jsonl"], ["--out", "out", "--engine", "ray", "--address", cluster.address])
    ]
    assert [one.returncode for one in done] == [0, 0], [one.stderr[-2000:] for one in done]
    here, there = (json.loads(one.stdout) for one in done)
    for summary in (here, there):
        del summary["seconds"], summary["out"]
    assert here == there
    assert 0 < there["mean"] < 0.5
    rows = [row for path in sorted((tmp_path / "out").glob("part-*.parquet")) for row in read_rows(path)]
    same(list(read_rows(tmp_path / "here.jsonl")), rows)


def test_a_file_that_is_another_one_on_a_node_is_not_scored(cluster: Any, tmp_path: Path) -> None:
    source = rollouts(tmp_path / "rows.jsonl", 200)
    run = Run(Work((str(source),), "table_bench", {}, str(tmp_path / "out")), Cluster(concurrency=1))
    rollouts(source, 208)
    with pytest.raises(UnusableFile, match="something else here"):
        list(run)
    assert list((tmp_path / "out").glob("part-*")) == []


def test_limits_of_requests_and_pools_are_divided(cluster: Any, tmp_path: Path) -> None:
    """Every actor says what it may use: the number of actors for endpoints, its CPUs for sandboxes and formulas."""
    (tmp_path / "told.py").write_text(
        "import os\nfrom table_rewards import TableBench\nfrom table_rewards.core.cpus import usable_cpus\n"
        "from table_rewards.llm.settings import PoolSettings\n\n\n"
        "class Told(TableBench):\n    name = 'told'\n\n    def judge_all(self, completions, references, step):\n"
        "        judged = super().judge_all(completions, references, step)\n"
        "        note = f\"{os.environ['TABLE_REWARDS_WORKERS']} actors, {usable_cpus()} CPUs\"\n"
        "        return [one._replace(note=note) for one in judged]\n"
    )
    rollouts(tmp_path / "rows.jsonl", 400)
    command = [
        *(sys.executable, "-m", "table_rewards.commands.main", "score", "rows.jsonl", "--reward", "told.py:Told"),
        *("--quiet", "--engine", "ray", "--address", cluster.address, "--concurrency", "2", "--out", "out"),
        *("--batch-size", "50"),
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    rows = [row for path in sorted((tmp_path / "out").glob("part-*.parquet")) for row in read_rows(path)]
    assert {row["note"] for row in rows} == {"2 actors, 1 CPUs"}
