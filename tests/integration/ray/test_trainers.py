"""Other trainers' own client code against a running service, and clients that behave badly."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import socket
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from ray_processes import free_port, workers

from table_rewards import TEDS, TableBench
from table_rewards.core.errors import ConfigurationError
from table_rewards.frameworks.serving.application import start, stop
from table_rewards.frameworks.serving.client import ServiceReward
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # of a busy machine

PORT = free_port()
ADDRESS = f"http://127.0.0.1:{PORT}"
OPENRLHF = Path(os.environ.get("OPENRLHF_FOLDER") or Path(sys.prefix) / "versions" / "openrlhf")


@pytest.fixture(scope="module")
def service(cluster: Any) -> Iterator[ServiceSettings]:
    settings = ServiceSettings(
        (
            RewardService("table_bench", "table_bench", min_replicas=2, max_replicas=2, cpus=0.2),
            RewardService("teds", "teds", cpus=0.2),
            RewardService("unit_tests", "unit_tests", cpus=0.2),
        ),
        port=PORT,
        max_request_mb=1.0,
        gym="table_bench",
    )
    start(settings.checked())
    yield settings
    stop(settings)


@pytest.fixture
def openrlhf(monkeypatch: pytest.MonkeyPatch) -> Any:
    """OpenRLHF's executor. What its package imports besides wants a GPU, so its own ``__init__`` is passed over."""
    for name in ("openrlhf", "openrlhf.utils"):
        package = types.ModuleType(name)
        package.__path__ = [str(OPENRLHF / name.replace(".", "/"))]
        monkeypatch.setitem(sys.modules, name, package)
    yield importlib.import_module("openrlhf.utils.agent")
    for name in [name for name in sys.modules if name.startswith("openrlhf")]:
        monkeypatch.delitem(sys.modules, name)


class Tokens:
    """A tokenizer of one token a character."""

    def __call__(self, text: str, **_: Any) -> dict[str, Any]:
        return {"input_ids": [SimpleNamespace(tolist=lambda: list(map(ord, text)))]}

    def decode(self, tokens: list[int], **_: Any) -> str:
        return "".join(map(chr, tokens))


def rollout(openrlhf: Any, address: Any, response: str, label: str) -> dict[str, Any]:
    """One sample through OpenRLHF's single-turn executor, as its vLLM engine runs it."""

    class Engine:
        async def generate(self, *_: Any, **__: Any) -> Any:
            output = SimpleNamespace(token_ids=list(map(ord, response)), finish_reason="stop", logprobs=None)
            return SimpleNamespace(outputs=[output])

    sampling = SimpleNamespace(max_tokens=512, logprobs=None)
    executor = openrlhf.SingleTurnAgentExecutor(address)
    found: dict[str, Any] = asyncio.run(executor.execute("How many rows?", label, sampling, 1024, Tokens(), Engine()))
    return found


def test_openrlhfs_executor_asks_the_service(service: ServiceSettings, openrlhf: Any) -> None:
    address = [f"{ADDRESS}/table_bench/openrlhf"]
    right = rollout(openrlhf, address, "Final Answer: 7<|im_end|>", "7")
    assert (right["reward"], right["scores"]) == ([1.0], [1.0])
    assert right["extra_logs"]["unscored"] == [0.0]
    wrong = rollout(openrlhf, address, "Final Answer: 8<|im_end|>", "7")
    assert (wrong["reward"], wrong["scores"]) == ([0.0], [0.0])
    row = json.dumps({"answer": "7", "qtype": "NumericalReasoning"})
    assert rollout(openrlhf, address, "Final Answer: 7", row)["reward"] == [1.0]
    # tensors and means are made of these, so every value is one number a sample
    assert all(len(column) == 1 and isinstance(column[0], float) for column in right["extra_logs"].values())


def test_openrlhfs_executor_loads_our_file(openrlhf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from table_rewards.commands.installed import shipped

    monkeypatch.setenv("TABLE_REWARDS_REWARD", "table_bench")
    path = str(shipped("adapters/openrlhf/table_rewards_openrlhf.py"))
    told = rollout(openrlhf, path, "Final Answer: 7", "7")
    assert (list(told["reward"]), list(told["scores"])) == ([1.0], [1.0])


def test_slimes_exchange(service: ServiceSettings) -> None:
    """What its ``remote_rm`` sends and does with the reply; it is on no registry."""

    async def go() -> Any:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
            payload = {"prompt": "How many rows?", "response": "Final Answer: 7", "label": "7"}
            async with session.post(f"{ADDRESS}/table_bench/slime", json=payload) as response:
                response.raise_for_status()
                return await response.json()

    told = asyncio.run(go())
    assert told["score"] == 1.0  # --reward-key score
    assert all(isinstance(value, float) for value in told.values())


def raw(head: str, *pieces: bytes, hang_up: bool = False) -> bytes:
    """Send bytes to the service as they are, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", PORT), 30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        for piece in pieces:
            connection.sendall(piece)
        if hang_up:
            return b""
        connection.settimeout(300)
        found = b""
        while True:
            more = connection.recv(65536)
            found += more
            if not more or (b"\r\n\r\n" in found and found.endswith(b"}")):
                return found


HEAD = "POST /table_bench/score HTTP/1.1\nHost: x\n"
BODY = json.dumps({"completions": ["Final Answer: 7"], "rows": ["7"]}).encode()


def works() -> bool:
    return b'"values":[1.0]' in raw(f"{HEAD}Content-Length: {len(BODY)}\n\n", BODY)


def test_clients_that_behave_badly_harm_nobody(service: ServiceSettings) -> None:
    chunked = [f"{len(BODY[i : i + 9]):x}\r\n".encode() + BODY[i : i + 9] + b"\r\n" for i in range(0, len(BODY), 9)]
    assert b'"values":[1.0]' in raw(f"{HEAD}Transfer-Encoding: chunked\n\n", *chunked, b"0\r\n\r\n")
    assert b" 400 " in raw(f"{HEAD}Content-Type: text/plain\nContent-Length: 5\n\n", b"hello")
    assert b'"values":[1.0]' in raw(f"{HEAD}Content-Type: image/png\nContent-Length: {len(BODY)}\n\n", BODY)
    assert b" 415 " in raw(f"{HEAD}Content-Encoding: gzip\nContent-Length: 9\n\n", b"\x1f\x8b" + b"0" * 7)
    assert b" 413 " in raw(f"{HEAD}Content-Length: 99999999999\n\n")
    endless = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert b" 413 " in raw(f"{HEAD}Transfer-Encoding: chunked\n\n", *[endless] * 17)
    assert b" 400 " in raw("GET /health\x00 HTTP/1.1\n\n")
    hanging = [
        threading.Thread(
            target=raw, args=(f"{HEAD}Content-Length: {len(BODY) + cut}\n\n", BODY), kwargs={"hang_up": True}
        )
        for cut in (0, 5)
        for _ in range(20)
    ]
    for thread in hanging:
        thread.start()
    slow = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(200)]
    for connection in slow:
        connection.sendall(b"POST /table_bench/sc")
    for thread in hanging:
        thread.join(30)
    assert works()
    for connection in slow:
        connection.close()
    assert works()


def test_hostile_rows_have_the_numbers_of_the_local_reward(service: ServiceSettings) -> None:
    rows: list[Any] = [
        {"answer": float("nan")},
        {"answer": "\ud800"},
        {"answer": "7", "extra": [[[[{"deep": "x" * 1000}]]]] * 50},
        {"ground_truth": json.dumps({"answer": "7", "qtype": None})},
        {"answer": 10**300},
        {"answer": -0.0},
        {"answer": ["7", None, True]},
        {"id": 1, "answer": "\u0000\u2028\u202e7"},
        {},
        None,
        7,
        "7",
    ]
    texts: list[Any] = ["Final Answer: 7", "Final Answer: \ud800", "Final Answer: \x00\u2028", "", "\u202e" * 5000]
    pairs = [(text, row) for text in texts for row in rows]
    completions, references = [text for text, _ in pairs], [row for _, row in pairs]
    served = ServiceReward(TableBench(), f"{ADDRESS}/table_bench", batch=7)
    assert served(completions, references).equals(TableBench()(completions, references))
    inside = ServiceReward(TableBench(), "ray://table-rewards/table_bench", batch=7)
    assert inside(completions, references).equals(TableBench()(completions, references))


def test_a_front_that_dies_is_replaced(service: ServiceSettings) -> None:
    table = "<table><tr><td>7</td></tr></table>"
    served = ServiceReward(TEDS(), f"{ADDRESS}/teds", deadline_s=400.0)
    os.kill(workers("ServeReplica:table-rewards:front")[0], signal.SIGKILL)
    assert served([table], [table]).values.tolist() == [1.0]


def test_requests_in_flight_are_answered_before_a_service_ends(cluster: Any, service: ServiceSettings) -> None:
    """And other applications on the cluster go on."""
    settings = ServiceSettings(
        (RewardService("slow", "unit_tests", cpus=0.1, max_ongoing_requests=1),),
        port=free_port(),
        application="ending",
        shutdown_s=200.0,
    )
    start(settings)
    sleeps = "```python\nimport time\ntime.sleep(1)\nprint(2)\n```"
    row = {"ground_truth": json.dumps({"inputs": ["1"], "outputs": ["2"]})}
    body = json.dumps({"completions": [sleeps], "rows": [row]}).encode()
    head = f"POST /slow/score HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: {len(body)}\n\n"
    # One is worked on, two wait.
    asked = [socket.create_connection(("127.0.0.1", settings.port), 400) for _ in range(3)]
    for connection in asked:
        connection.sendall(head.replace("\n", "\r\n").encode())
        assert b" 100 " in connection.recv(100)  # the service has begun with it
        connection.sendall(body)
    stop(settings)
    for connection in asked:
        found = b""
        while more := connection.recv(65536):
            found += more
        assert b'"values":[1.0]' in found, found
        connection.close()
    assert works()


def test_a_port_that_is_taken_and_a_wrong_place_are_told(service: ServiceSettings) -> None:
    with pytest.raises(ConfigurationError, match=f"port {PORT} of 127.0.0.1 cannot be used"):
        start(ServiceSettings((RewardService("teds", "teds"),), port=PORT, application="second"))
    assert works()


def test_the_token_comes_from_the_process_that_starts_the_service(
    service: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes of a cluster have other environments; read there, it would be empty, and nothing would be asked for."""
    monkeypatch.setenv("ONLY_HERE", "secret")
    settings = ServiceSettings((RewardService("teds", "teds", cpus=0.1),), port=free_port(), token_env="ONLY_HERE")
    assert "secret" not in repr(settings)
    guarded = ServiceSettings(**{**vars(settings), "application": "guarded"})
    start(guarded)
    try:
        with pytest.raises(ConfigurationError, match="HTTP 401"):
            ServiceReward(TEDS(), f"http://127.0.0.1:{settings.port}/teds")
        monkeypatch.setenv("TABLE_REWARDS_SERVICE_TOKEN", "secret")
        assert ServiceReward(TEDS(), f"http://127.0.0.1:{settings.port}/teds").signature
    finally:
        stop(guarded)
