"""`table-rewards serve`: every request is answered, scored or unscored, none wrong; the forms that trainers speak."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray_processes import free_port, workers

from table_rewards import TEDS, GroupJudge, Scores, TableBench, create
from table_rewards.commands.demo import entries
from table_rewards.commands.demo_scripts import script
from table_rewards.commands.installed import shipped
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import read_rows
from table_rewards.frameworks.serving import application
from table_rewards.frameworks.serving.application import metrics_addresses, start, stop
from table_rewards.frameworks.serving.client import ServiceReward
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings
from table_rewards.testing.chat_server import ChatServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # of a busy machine

PORT = free_port()
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def service(cluster: Any) -> Iterator[ServiceSettings]:
    settings = ServiceSettings(
        (
            RewardService("table_bench", "table_bench", min_replicas=2, max_replicas=2, cpus=0.2),
            RewardService("em", "table_bench", {"metric": "em"}, cpus=0.1),
            RewardService("scaling", "table_bench", max_replicas=3, cpus=0.1, target_ongoing_requests=1.0),
        ),
        port=PORT,
        max_request_mb=1.0,
    )
    hasty = {"downscale_delay_s": 1.0, "look_back_period_s": 3.0, "metrics_interval_s": 0.5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "SCALING", {**application.SCALING, **hasty})
        start(settings.checked())
    yield settings
    stop(settings)


def post(path: str, body: Any, *, port: int = PORT) -> tuple[int, Any, dict[str, str]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    address = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, json.loads(response.read()), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), dict(error.headers)


def test_a_served_reward_gives_the_same_columns(service: ServiceSettings) -> None:
    rows = [{"answer": "7"}, {"ground_truth": "8", "extra_info": {"x": np.int64(1)}}, {"wrong": 1}, "9"]
    texts: list[Any] = [
        "Final Answer: 7",
        "no",
        "Final Answer: 7",
        [{"role": "assistant", "content": "Final Answer: 9"}],
    ]
    served = ServiceReward(TableBench(), f"{ADDRESS}/table_bench")
    assert TableBench()(texts, rows).equals(served(texts, rows))
    assert TableBench()(texts, rows).equals(asyncio.run(served.score(texts, rows)))
    inside = ServiceReward(TableBench(), "ray://table-rewards/table_bench")
    assert TableBench()(texts, rows).equals(inside(texts, rows))
    assert len(served([], [])) == 0


def test_another_signature_stops_at_the_start(service: ServiceSettings) -> None:
    with pytest.raises(ConfigurationError, match="this run asks for table_bench:metric=em"):
        ServiceReward(TableBench(metric="em"), f"{ADDRESS}/table_bench")
    assert ServiceReward(TableBench(metric="em"), f"{ADDRESS}/em").signature == TableBench(metric="em").signature
    with pytest.raises(ConfigurationError, match="no such address"):
        ServiceReward(TableBench(), f"{ADDRESS}/nothing")


def test_the_forms_of_other_trainers(service: ServiceSettings) -> None:
    query = {"query": ["What?<|im_end|>Final Answer: 7<|im_end|>", "What?Final Answer: 8"], "prompts": ["What?"] * 2}
    status, told, _ = post("/table_bench/openrlhf", {**query, "labels": ["7", "7"]})
    assert (status, told["rewards"], told["scores"]) == (200, [1.0, 0.0], [1.0, 0.0])
    assert told["extra_logs"]["unscored"] == [0.0, 0.0]
    status, told, _ = post("/table_bench/slime", {"prompt": "What?", "response": "Final Answer: 7", "label": "7"})
    assert (status, told["score"], told["acc"], told["unscored"]) == (200, 1.0, 1.0, 0.0)
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Final Answer: 7"}]}
    asked = {"responses_create_params": {"input": "What?"}, "response": {"output": [message]}, "answer": "7"}
    status, told, _ = post("/table_bench/verify", asked)
    assert (status, told["reward"], told["answer"]) == (200, 1.0, "7")
    assert "_ng_failure_class" not in told
    status, told, _ = post("/table_bench/verify", {**asked, "answer": None})
    assert told["_ng_failure_class"] == "judge_failed"


def test_a_bad_request_is_told_and_harms_nobody(service: ServiceSettings) -> None:
    assert post("/table_bench/score", b"{half")[0] == 400
    assert post("/table_bench/score", [1])[0] == 400
    assert post("/table_bench/score", {"completions": ["x"], "rows": []})[1]["error"].startswith("1 completions but 0")
    assert post("/table_bench/none", {})[0] == 404
    assert post("/nothing/score", {})[0] == 404
    for size in (2, 20) * 10:  # more than a socket's buffer: a server that closes at once resets the connection
        assert post("/table_bench/score", b"x" * (size << 20))[0] == 413
        assert post("/nothing/score", b"x" * (size << 20))[0] == 404
    status, told, _ = post("/table_bench/score", {"completions": [{"unknown": 1}], "rows": ["7"]})
    assert (status, told["status"]) == (200, ["unscored"])
    assert post("/table_bench/score", {"completions": ["Final Answer: 7"], "rows": ["7"]})[1]["values"] == [1.0]


def test_256_clients_and_a_killed_replica(service: ServiceSettings) -> None:
    """Every request is answered, scored or unscored, and none is wrong."""
    found: list[tuple[int, Scores]] = []

    def client(number: int) -> None:
        served = ServiceReward(TableBench(), f"{ADDRESS}/table_bench", deadline_s=400.0)  # one each: they share nothing
        for turn in range(4):
            gold = str(number * 10 + turn)
            found.append((number, served([f"Final Answer: {gold}", "Final Answer: x"], [gold, gold])))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(256)]
    for thread in threads:
        thread.start()
    os.kill(workers("ServeReplica:table-rewards:table_bench")[0], signal.SIGKILL)
    for thread in threads:
        thread.join(500)
    assert len(found) == 1024
    for _, scores in found:
        assert scores.values.tolist() == [1.0, 0.0] or scores.status.tolist() == ["unscored"] * 2
    assert sum(scores.status[0] == "scored" for _, scores in found) >= 1000


def test_a_busy_reward_refuses_with_503_and_says_when_to_come_back(service: ServiceSettings) -> None:
    """A queue without a bound would only move the waiting; clients of ours wait and ask again."""
    settings = ServiceSettings(
        (RewardService("slow", "unit_tests", {"cpu_s": 1.0}, cpus=0.1, max_ongoing_requests=1, max_queued_requests=1),),
        port=free_port(),
        application="busy",
    )
    start(settings)
    loops = "```python\nwhile True: pass\n```"
    row = {"ground_truth": json.dumps({"inputs": ["1"], "outputs": ["2"]})}
    codes: list[tuple[int, dict[str, str]]] = []

    def ask() -> None:
        status, _, headers = post("/slow/score", {"completions": [loops], "rows": [row]}, port=settings.port)
        codes.append((status, headers))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(500)
    stop(settings)
    statuses = [status for status, _ in codes]
    assert set(statuses) <= {200, 503}
    assert 503 in statuses
    assert 200 in statuses
    assert all("retry-after" in {key.lower() for key in headers} for status, headers in codes if status == 503)


def test_replicas_come_with_load_and_go_without(service: ServiceSettings) -> None:
    from ray import serve

    def replicas() -> int:
        told = serve.status().applications["table-rewards"].deployments["scaling"]
        return int(sum(told.replica_states.values()))

    stop_at = time.monotonic() + 240
    most = 1
    ended = threading.Event()

    def load() -> None:
        served = ServiceReward(TableBench(), f"{ADDRESS}/scaling")
        while not ended.is_set():
            served(["Final Answer: 7"] * 200, [str(n) for n in range(200)])

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop_at and most < 2:
        most = max(most, replicas())
        time.sleep(0.2)
    ended.set()
    for thread in threads:
        thread.join(60)
    assert most >= 2
    stop_at = time.monotonic() + 240
    while time.monotonic() < stop_at and replicas() > 1:
        time.sleep(0.5)
    assert replicas() == 1


def test_what_is_scored_is_counted_where_ray_tells_its_metrics(service: ServiceSettings) -> None:
    ServiceReward(TableBench(metric="em"), f"{ADDRESS}/em")(
        ["Final Answer: 7", "", "Final Answer: 7"], ["7", "7", None]
    )
    wanted = [
        ("table_rewards_samples", 'status="unscored"', 'reward="em"'),
        ("table_rewards_samples", 'status="scored"', 'reward="em"'),
        ("table_rewards_batch_samples_count", 'reward="em"'),
        ("table_rewards_requests", 'status="200"', 'reward="em"', 'form="score"'),
        ("table_rewards_request_seconds_count", 'reward="em"'),
    ]
    until = time.monotonic() + 300
    while time.monotonic() < until and wanted:
        time.sleep(1.0)
        lines = []
        for address in metrics_addresses():
            with urllib.request.urlopen(address, timeout=30) as response:
                lines += response.read().decode().splitlines()
        wanted = [words for words in wanted if not any(all(word in line for word in words) for line in lines)]
    assert not wanted


def test_a_group_gathers_in_the_service(cluster: Any, service: ServiceSettings) -> None:
    """Single calls, as verl's reward workers make them, are judged together: no `reward.num_workers=1` is needed."""
    entry = next(one for one in entries() if one.reward == "group_judge")
    rows = list(read_rows(shipped(f"fixtures/{entry.file}")))
    with ChatServer(reply=script(entry.script or "", shipped(f"fixtures/{entry.file}")), model="scripted") as server:
        row = rows[0]
        column = next(name for name in ("completions", "completion", "responses", "mt_texts") if name in row)
        texts = row[column] if isinstance(row[column], list) else [one[column] for one in rows]
        options = {**entry.options, "endpoints": server.url, "group_size": len(texts), "gather_s": 200.0}
        whole = GroupJudge(**{**entry.options, "endpoints": server.url})
        named = {**row, "uid": "prompt-1"}
        together = whole(texts, [named] * len(texts))
        judge = RewardService("judge", "group_judge", options, cpus=0.1)
        settings = ServiceSettings((judge,), port=free_port(), application="judges")
        start(settings)
        served = ServiceReward(create("group_judge", **options), f"http://127.0.0.1:{settings.port}/judge")
        found: dict[int, float] = {}

        def one(number: int) -> None:
            found[number] = float(served([texts[number]], [named]).values[0])

        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        stop(settings)
    assert [found[number] for number in range(len(texts))] == together.values.tolist()


def test_a_service_that_is_gone_leaves_the_batch_unscored(service: ServiceSettings, monkeypatch: Any) -> None:
    served = ServiceReward(TableBench(), f"{ADDRESS}/table_bench", deadline_s=2.0)
    served.service = f"http://127.0.0.1:{free_port()}/table_bench"
    scores = served(["x", "y"], ["7"] * 2)
    assert scores.status.tolist() == ["unscored"] * 2
    assert f"service {served.service}" in scores.notes[0]


def test_the_command_serves_with_a_token_and_stops_after_the_last_answer(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "service.toml"
    config.write_text(f'[server]\nport = {port}\ntoken_env = "REWARD_TOKEN"\n[rewards.teds]\ncpus = 0.5\n')
    env = {**os.environ, "REWARD_TOKEN": "secret"}
    command = [sys.executable, "-m", "table_rewards.commands.main", "serve", "--config", str(config)]
    dry = subprocess.run([*command, "--dry-run"], env=env, capture_output=True, text=True, timeout=300)
    assert dry.returncode == 0
    assert "teds:structure=no" in dry.stdout
    assert "secret" not in dry.stdout
    errors = tmp_path / "errors.txt"
    with errors.open("w") as file:
        running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        assert running.stdout is not None
        assert any(line.strip() == "ready" for line in running.stdout), errors.read_text()
        address = f"http://127.0.0.1:{port}/teds"
        os.environ.pop("TABLE_REWARDS_SERVICE_TOKEN", None)
        with pytest.raises(ConfigurationError, match="HTTP 401"):
            ServiceReward(TEDS(), address)
        os.environ["TABLE_REWARDS_SERVICE_TOKEN"] = "secret"
        try:
            table = "<table><tr><td>7</td></tr></table>"
            assert ServiceReward(TEDS(), address)([table], [table]).values.tolist() == [1.0]
        finally:
            del os.environ["TABLE_REWARDS_SERVICE_TOKEN"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(200) == 0
    finally:
        running.kill()
        running.wait(30)
