"""Reward services without Ray: the forms on the wire, the settings, and the client against a plain HTTP server."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from table_rewards import TEDS, TableBench, create
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.scores import Judgement, Scores
from table_rewards.frameworks import verl
from table_rewards.frameworks.serving import client
from table_rewards.frameworks.serving.client import ServiceReward
from table_rewards.frameworks.serving.connections import exchange
from table_rewards.frameworks.serving.forms import Answer, BadRequest, read_request, reply, scores_of
from table_rewards.frameworks.serving.merging import Merger
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings, read_settings
from table_rewards.testing.chat_server import ChatServer

JUDGED = [Judgement(1.0, (1.0, 0.5)), Judgement.unscored("endpoint down", 2), Judgement(0.25, (0.0, 2.0))]
SCORES = Scores.of(JUDGED, ("em", "size"), "s|v0")


def test_our_own_form_carries_every_column_there_and_back() -> None:
    batch = read_request("score", {"completions": ["a", "b", "c"], "rows": [7, "x", {}], "step": 5})
    assert (batch.completions, batch.rows, batch.step) == (["a", "b", "c"], [7, "x", {}], 5)
    told = json.loads(json.dumps(reply("score", batch, Answer.of(SCORES)), allow_nan=False))
    assert scores_of(told, ("em", "size")).equals(SCORES)


@pytest.mark.parametrize(
    ("form", "body", "message"),
    [
        ("score", [], "must be a JSON object"),
        ("score", {"rows": []}, "no 'completions'"),
        ("score", {"completions": "text", "rows": []}, "'completions' must be a list"),
        ("score", {"completions": ["a"], "rows": []}, "1 completions but 0 rows"),
        ("score", {"completions": ["a"], "rows": [1], "step": "x"}, "step must be a whole number"),
        ("openrlhf", {"query": ["a"], "prompts": ["b"], "labels": []}, "1 queries, 1 prompts and 0 labels"),
        ("openrlhf", {"query": ["a"], "prompts": "b", "labels": ["c"]}, "'prompts' must be a list"),
        ("openrlhf", {"query": ["a"], "prompts": 7, "labels": ["c"]}, "'prompts' must be a list"),
        ("slime", {"prompt": "a"}, "no 'response'"),
        ("verify", {"response": {"text": "a"}}, "as the Responses API gives"),
        ("score", {"completions": ["a"] * 70_000, "rows": []}, "70,000 samples"),
    ],
)
def test_a_request_of_another_shape_says_what_is_missing(form: str, body: Any, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        read_request(form, body)


def test_trainers_get_finite_numbers_and_gym_gets_a_tag() -> None:
    answer = Answer.of(SCORES, [1.0, 0.625, 0.25], [1.0, 0.5, 0.0])
    batch = read_request("openrlhf", {"query": ["pa", "b", "c"], "prompts": ["p", "p", "p"], "labels": ["1", "2", "3"]})
    assert batch.completions == ["a", "b", "c"]
    told = reply("openrlhf", batch, answer)
    assert told["rewards"] == [1.0, 0.625, 0.25]
    assert told["scores"] == [1.0, 0.5, 0.0]
    assert told["extra_logs"] == {"em": [1.0, 0.0, 0.0], "size": [0.5, 0.0, 2.0], "unscored": [0.0, 1.0, 0.0]}
    lost = Answer.of(SCORES.take([1]), [0.625], [0.5])
    slime = read_request(
        "slime", {"prompt": [{"role": "user"}], "response": "x", "label": "7", "metadata": {"qtype": "a"}}
    )
    assert slime.rows[0]["ground_truth"] == "7"
    assert slime.rows[0]["qtype"] == "a"
    assert reply("slime", slime, lost) == {"em": 0.0, "size": 0.0, "score": 0.625, "acc": 0.5, "unscored": 1.0}
    message = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
    gym = read_request("verify", {"response": {"output": [{"type": "reasoning"}, message]}, "answer": "7", "id": 3})
    told = reply("verify", gym, lost)
    assert (told["answer"], told["id"], told["reward"]) == ("7", 3, 0.0)
    assert (told["_ng_failure_class"], told["_ng_failure_reason"]) == ("judge_failed", "endpoint down")
    assert "_ng_failure_class" not in reply("verify", gym, Answer.of(SCORES.take([0])))


def test_settings_come_from_one_file_whose_mistakes_are_named(tmp_path: Any) -> None:
    path = tmp_path / "service.toml"
    path.write_text(
        "[server]\nport = 9000\n[rewards.teds]\noptions = { structure_only = true }\nmax_replicas = 3\n"
        '[rewards.strict]\nreward = "table_bench"\noptions = { metric = "em" }\n'
    )
    settings = read_settings(path).checked()
    assert [(one.name, one.reward, one.max_replicas) for one in settings.rewards] == [
        ("teds", "teds", 3), ("strict", "table_bench", 1),
    ]  # fmt: skip
    assert "1 to 3 replicas" in settings.described()
    for text, message in {
        "[sever]\n": "did you mean 'server'",
        "[server]\nprot = 1\n": "did you mean 'port'",
        "[rewards.tedds]\n": "did you mean 'teds'",
        "[rewards.teds]\nreplicas = 3\n": "key of .rewards.teds.",
        "[rewards.teds]\nmax_replicas = 0\n": "max_replicas of teds must be",
        "[rewards.teds]\nmin_replicas = 2\n": "above max_replicas",
        "[rewards.teds]\n[server]\nport = 0\n": "port must be",
        "[rewards.teds]\n[server]\ntoken_env = 'NO_SUCH'\n": "NO_SUCH, which is not set",
        "half = [": "not TOML",
        "": "needs a reward",
    }.items():
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=message):
            read_settings(path)
    with pytest.raises(UnknownName, match="structure_onyl"):
        ServiceSettings((RewardService("teds", "teds", {"structure_onyl": True}),)).checked()
    with pytest.raises(ConfigurationError, match="takes one replica"):
        RewardService("judge", "group_judge", {"group_size": 8}, max_replicas=2)


class Server(ThreadingHTTPServer):
    """Takes many connections at once; the library's own keeps five waiting, and others wait for seconds."""

    request_queue_size = 512


@contextmanager
def served(answer: Callable[[str, Any], tuple[int, Any]]) -> Iterator[str]:
    """A service on the loopback address: ``answer(path, body)`` gives status and JSON value."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self, body: Any) -> None:
            status, value = answer(self.path, body)
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if status == 503:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._reply(None)

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/reward"
    finally:
        server.shutdown()
        server.server_close()


def local(reward: Any) -> Callable[[str, Any], tuple[int, Any]]:
    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/signature"):
            return 200, {"signature": reward.signature}
        batch = read_request("score", body)
        return 200, reply("score", batch, Answer.of(reward(batch.completions, batch.rows, step=batch.step)))

    return answer


def test_a_reward_behind_a_service_gives_the_same_numbers_and_keys() -> None:
    reward = TableBench()
    rows = [{"answer": "7"}, {"wrong": 1}, {"ground_truth": "8"}]
    texts = ["Final Answer: 7", "Final Answer: 7", "none"]
    with served(local(reward)) as address:
        assert ServiceReward(reward, address)(texts, rows).equals(reward(texts, rows))
        options = {"service": address}
        own = verl.table_bench("x", "Final Answer: 7", "7", None)
        assert verl.table_bench("x", "Final Answer: 7", "7", None, **options) == own


def test_a_busy_or_failing_service_is_asked_again() -> None:
    calls: list[str] = []
    reward = TEDS()
    working = local(reward)

    def answer(path: str, body: Any) -> tuple[int, Any]:
        calls.append(path)
        if body is not None and len(calls) < 5:
            return (503, {"error": "busy"}) if len(calls) % 2 else (500, {"error": "broken"})
        return working(path, body)

    table = "<table><tr><td>1</td></tr></table>"
    with served(answer) as address:
        assert ServiceReward(reward, address)([table], [table]).values.tolist() == [1.0]
    assert len(calls) >= 5


@pytest.mark.parametrize("status", [401, 404, 405])
def test_a_refusal_is_not_repeated_and_never_a_wrong_score(status: int) -> None:
    calls: list[str] = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if body is None:
            return 200, {"signature": TEDS().signature}
        calls.append(path)
        return status, {"error": "not this"}

    with served(answer) as address:
        scores = ServiceReward(TEDS(), address)(["x", "y"], ["<table></table>"] * 2)
    assert scores.status.tolist() == ["unscored"] * 2
    assert f"HTTP {status} not this, 1 attempts" in scores.notes[0]
    assert len(calls) == 1


@pytest.mark.parametrize("value", [{}, {"values": [1.0], "parts": {}, "status": ["scored"], "notes": [""]}, [1], "x"])
def test_a_reply_that_is_none_of_ours_is_unscored(value: Any) -> None:
    def answer(path: str, body: Any) -> tuple[int, Any]:
        return 200, {"signature": TEDS().signature} if body is None else value

    with served(answer) as address:
        scores = ServiceReward(TEDS(), address)(["x"], ["<table></table>"])
    assert scores.status.tolist() == ["unscored"]


def test_another_signature_or_no_service_stops_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        served(local(TEDS(structure_only=True))) as address,
        pytest.raises(ConfigurationError, match="this run asks for"),
    ):
        ServiceReward(TEDS(), address)
    monkeypatch.setattr(client, "START_S", 0.0)
    with pytest.raises(ConfigurationError, match="does not answer"):
        ServiceReward(TEDS(), "http://127.0.0.1:9/teds")
    with pytest.raises(ConfigurationError, match="must be http"):
        ServiceReward(TEDS(), "localhost:9")


TABLE = "<table><tr><td>1</td></tr></table>"


def test_a_sample_that_the_service_refuses_costs_no_other_its_score() -> None:
    """One completion too large, or one row that the service cannot read, must not leave a batch unscored."""
    reward = TEDS()
    working = local(reward)

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if body is not None and any("poison" in text for text in body["completions"]):
            return (413, {"error": "too large"}) if len(body["completions"]) % 2 else (400, {"error": "not JSON"})
        return working(path, body)

    texts = [TABLE] * 9
    texts[3] = "poison" + TABLE
    with served(answer) as address:
        scores = ServiceReward(reward, address)(texts, [f"{TABLE} {n}" for n in range(9)])
    assert [number for number, status in enumerate(scores.status) if status == "unscored"] == [3]
    assert np.delete(scores.values, 3).tolist() == [1.0] * 8


def test_rows_go_as_they_are_without_their_images() -> None:
    reward = TableBench()
    rows: list[Any] = [
        {"answer": "7", "image": b"\x89PNG", "images": [{"bytes": b"\x89PNG"}]},
        {"answer": "\ud800", "number": float("nan"), "deep": {"list": [1, {"x": None}]}},
        {"answer": 10**5000},
        {"answer": np.int64(7), "extra_info": {"scores": np.array([1.5, 2.5])}},
        {"answer": object()},
    ]
    texts = ["Final Answer: 7", "Final Answer: \ud800", "Final Answer: 7", "Final Answer: 7", "Final Answer: 7"]
    seen: list[Any] = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        seen.append(body)
        return local(reward)(path, body)

    with served(answer) as address:
        scores = ServiceReward(reward, address)(texts, rows)
    here = reward(texts, rows)
    assert scores.status.tolist() == ["scored", "scored", "unscored", "scored", "unscored"]
    assert scores.values[[0, 1, 3]].tolist() == here.values[[0, 1, 3]].tolist() == [1.0, 1.0, 1.0]
    assert "cannot be sent" in scores.notes[4]
    assert seen[1]["rows"][0] == {"answer": "7"}


def test_a_large_batch_goes_in_several_requests() -> None:
    """One request would keep one replica busy and leave the others idle."""
    sizes: list[int] = []
    reward = TEDS()

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if body is not None:
            sizes.append(len(body["completions"]))
        return local(reward)(path, body)

    texts = [f"<table><tr><td>{n}</td></tr></table>" for n in range(100)]
    golds = [f"<table><tr><td>{n - n % 3}</td></tr></table>" for n in range(100)]
    with served(answer) as address:
        scores = ServiceReward(reward, address, batch=16)(texts, golds)
    assert scores.equals(reward(texts, golds))
    assert sorted(sizes) == [4] + [16] * 6


def test_completions_that_are_judged_together_go_together() -> None:
    reward = TEDS()
    reward.deduplicates = False  # type: ignore[misc]
    with served(local(reward)) as address:
        asked = ServiceReward(reward, address, batch=2)
        assert asked._shards(dict.fromkeys(range(9), ("x", "y"))) == [list(range(9))]


def test_another_signature_in_the_middle_of_a_run_is_no_score() -> None:
    """The service was started anew with other options."""
    first, other = local(TEDS()), local(TEDS(structure_only=True))
    with served(lambda path, body: (first if body is None else other)(path, body)) as address:
        scores = ServiceReward(TEDS(), address)([TABLE], [TABLE])
    assert scores.status.tolist() == ["unscored"]
    assert "structure=yes" in scores.notes[0]


def take_request(connection: socket.socket) -> None:
    """Read one request, whose head may come by itself."""
    with connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not line or len(stream.read(length)) < length:
            raise ConnectionError


@contextmanager
def raw_server(behave: Callable[[socket.socket], None], *, whole: bool = True) -> Iterator[str]:
    """A server that does to each connection what ``behave`` says, once a request has come whole, or at once."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if whole:
                take_request(connection)
            behave(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/reward"
    finally:
        listening.close()


def test_a_service_that_sends_a_byte_now_and_then_is_given_up() -> None:
    """The timeout of a socket never comes there."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    def drip_head(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"H")
            time.sleep(0.05)

    for behaviour in (drip, drip_head):
        with raw_server(behaviour) as address:
            begun = time.monotonic()
            with pytest.raises(TimeoutError):
                exchange(address, b"{}", {}, 0.4)
            assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_a_reply_that_breaks_off_is_a_failure_of_the_service(reply: bytes) -> None:
    """Errors of Python's HTTP client are no OSErrors: they went past every handler and stopped the trainer."""
    with raw_server(lambda connection: connection.sendall(reply)) as address, pytest.raises(OSError):
        exchange(address, b"{}", {}, 5.0)


def test_connections_stay_open_and_a_closed_one_is_made_anew() -> None:
    ports: list[int] = []

    def twice(connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        for turn in range(2):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if turn == 0:
                ports.append(connection.getpeername()[1])
                take_request(connection)

    with raw_server(twice) as address:
        for _ in range(4):
            assert exchange(address, b"{}", {}, 5.0).body == b"{}"
    assert len(set(ports)) == 2


def test_a_reward_that_asks_a_model_needs_no_endpoint_in_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service asks the model; the trainer may not even reach it."""
    for name in ("llm_serve_urls", "LLM_SERVE_URLS", "TABLE_REWARDS_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    with ChatServer(reply="B > A\n\nB: 9, A: 4") as server:
        judge = create("group_judge", endpoints=server.url, group_size=2, gather_s=20.0)
        with served(local(judge)) as address:
            options = {"service": address, "group_size": 2, "gather_s": 20.0}
            found: dict[int, float] = {}
            info = {"prompt": "Say hello in French.", "uid": "7"}

            def one(number: int, text: str) -> None:
                found[number] = verl.group_judge("x", text, "", info, **options)["score"]

            threads = [threading.Thread(target=one, args=pair) for pair in enumerate(["Salut.", "Bonjour."])]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        assert len(server.received) == 1
    assert sorted(found.values()) == [0.04, 0.09]
    with pytest.raises(ConfigurationError, match="no endpoint given"):
        verl.group_judge("x", "Salut.", "", {"prompt": "Say hello in French."})


def test_single_calls_share_requests_and_none_is_lost_or_swapped() -> None:
    """verl scores one completion a call; each as a request of its own would make the service's front the limit."""
    reward = TEDS()
    sizes: list[int] = []
    working = local(reward)
    let = threading.Event()  # the first requests wait until all the others are queued

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if body is not None:
            sizes.append(len(body["completions"]))
            let.wait(60)
        return working(path, body)

    found: dict[int, Scores] = {}
    with served(answer) as address:
        asked = ServiceReward(reward, address)

        async def all_of_them() -> None:
            async def one(number: int) -> None:
                table = f"<table><tr><td>{number}</td><td>{number % 7}</td></tr></table>"
                found[number] = await asked.score([table], ["<table><tr><td>5</td><td>5</td></tr></table>"])

            tasks = [asyncio.create_task(one(number)) for number in range(300)]
            while len(client._merger(asked)._queue) < 300 - client.ON_THE_WAY:
                await asyncio.sleep(0.001)
            let.set()
            await asyncio.gather(*tasks)

        asyncio.run(all_of_them())
    assert sum(sizes) == 300
    assert len(sizes) < 150
    for number, scores in found.items():
        table = f"<table><tr><td>{number}</td><td>{number % 7}</td></tr></table>"
        assert scores.equals(reward([table], ["<table><tr><td>5</td><td>5</td></tr></table>"]))
    assert pickle.loads(pickle.dumps(asked)).service == asked.service


def test_calls_of_different_steps_are_not_merged_and_an_error_reaches_all_of_a_call() -> None:
    calls: list[tuple[list[int], Any]] = []
    gate = threading.Event()

    def run(items: Any, key: Any, until: float) -> list[int]:
        calls.append((list(items), key))
        gate.wait(60)
        if -1 in items:
            raise ValueError("broken")
        return [item * 10 for item in items]

    merger: Merger[int, int] = Merger(run, size=3, at_once=1)
    results: dict[int, Any] = {}

    def one(item: int, key: Any) -> None:
        try:
            results[item] = merger([item], key, 0.0)
        except ValueError as error:
            results[item] = str(error)

    threads = []
    for place, (item, key) in enumerate([(1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "a"), (6, "a"), (-1, "b")]):
        threads.append(threading.Thread(target=one, args=(item, key)))
        threads[-1].start()
        until = time.monotonic() + 20
        while len(calls) + len(merger._queue) <= place:  # the next one only when this one runs or is in line
            assert time.monotonic() < until
            time.sleep(0.001)
    gate.set()
    for thread in threads:
        thread.join(60)
    assert results == {1: [10], 2: [20], 4: [40], 5: [50], 6: [60], 3: "broken", -1: "broken"}
    assert [items for items, _ in calls] == [[1], [2, 4, 5], [3, -1], [6]]
    assert merger([7], "a", 0.0) == [70]


def test_a_completion_that_is_too_large_is_scored_by_its_ends() -> None:
    """How much a policy writes must not decide that it is unscored; a row that is too large is not its doing."""
    reward = TableBench()
    working = local(reward)
    most = 50_000

    def answer(path: str, body: Any) -> tuple[int, Any]:
        return (413, {"error": "too large"}) if len(json.dumps(body)) > most else working(path, body)

    texts = ["Final Answer: 7", "啰" * 3_000_000 + "\nFinal Answer: 7", "x" * 3_000_000 + "\nFinal Answer: 8", "7"]
    rows: list[Any] = [{"answer": "7"}] * 3 + [{"answer": "7", "more": "y" * 2 * most}]
    with served(answer) as address:
        scores = ServiceReward(reward, address)(texts, rows)
    assert scores.values.tolist()[:3] == [1.0, 1.0, 0.0]
    assert scores.status.tolist() == ["scored"] * 3 + ["unscored"]
    assert "HTTP 413 too large" in scores.notes[3]


LONG = (
    "Read the table .\n\n| City | People |\n|---|---|\n| Oslo | 7 |\n\nHow many live there ?\n<|im_start|>assistant\n"
)


@pytest.mark.parametrize(
    ("prompt", "query"),
    [
        (LONG, LONG + "I do not know."),
        (LONG, "<s>" + LONG + "I do not know."),
        (LONG, LONG.replace(" .", ".").replace(" ?", "?") + "I do not know."),  # as tokenizers tidy what they decode
        (LONG, "<|begin_of_text|> " + LONG.replace("\n", " \n ") + "I do not know."),
        (LONG, LONG[-70:] + "I do not know."),  # the beginning fell out of the context
        (LONG, "\ufffd" + LONG[-70:].replace(" ?", "?") + "I do not know."),
        ("Cafe\u0301\n" + LONG, "Caf\u00e9\n" + LONG + "I do not know."),
        ("", "I do not know."),
        ("\n", "I do not know."),
        ("Another prompt altogether, which is nowhere in the query.", "I do not know."),
    ],
)
def test_the_response_is_what_stands_behind_the_prompt_however_it_was_decoded(prompt: str, query: str) -> None:
    batch = read_request("openrlhf", {"query": [query], "prompts": [prompt], "labels": ["7"]})
    assert [completion.strip() for completion in batch.completions] == ["I do not know."]


def test_a_response_that_repeats_its_prompt_keeps_what_it_says() -> None:
    body = {"query": ["<s>" + LONG + LONG + "7"], "prompts": [LONG], "labels": ["7"]}
    assert read_request("openrlhf", body).completions == ["\n" + LONG + "7"]


def test_a_page_of_a_proxy_or_half_a_reply_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WAIT_S", 0.02)
    pages = [b"<html>502 Bad Gateway</html>", b'{"values": [1.0], "parts": {"te', b"", b"\xff\xfe"]
    working = local(TableBench())

    def behaviour(connection: socket.socket) -> None:
        if pages:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + pages.pop())
        else:
            found = json.dumps(working("/score", {"completions": ["Final Answer: 7"], "rows": ["7"]})[1]).encode()
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + found)

    with served(working) as address:
        asked = ServiceReward(TableBench(), address, deadline_s=60.0)
    with raw_server(behaviour) as address:
        asked.service = address
        assert asked(["Final Answer: 7"], ["7"]).values.tolist() == [1.0]
    assert not pages


def test_a_redirect_at_the_start_names_the_address() -> None:
    def behaviour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 301 Moved\r\nLocation: https://host/teds\r\nContent-Length: 0\r\n\r\n")

    with raw_server(behaviour) as address, pytest.raises(ConfigurationError, match="redirects to https://host/teds"):
        ServiceReward(TEDS(), address)


class Stingy:
    """A server that looks at the head of a request, answers at once and closes while the body is still on its way.

    Args:
        reply: what it says; nothing for a reset without a word.
        most: the longest body that it takes.
        working: what answers the others.
    """

    def __init__(self, reply: bytes, most: int, working: Callable[[str, Any], tuple[int, Any]]) -> None:
        self.reply, self.most, self.working, self.refused = reply, most, working, 0

    def __call__(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if length > self.most:
            self.refused += 1
            connection.sendall(self.reply)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if self.reply:
                time.sleep(0.2)  # the reply is there before the reset
            return
        found = json.dumps(self.working("/score", json.loads(stream.read(length)))[1]).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found) + found)


@pytest.mark.parametrize("reply", [b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", b""], ids=["413", "reset"])
def test_a_server_that_closes_while_a_large_batch_is_sent_gets_smaller_ones(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is read although the request could not be sent whole; a reset may mean the same and says nothing."""
    monkeypatch.setattr(client, "WAIT_S", 0.01)
    reward = TableBench()
    working = local(reward)
    stingy = Stingy(reply, 3_000_000, working)
    texts = [f"{'x' * 1_000_000}\nFinal Answer: {number}" for number in range(8)]
    with served(working) as address:
        asked = ServiceReward(reward, address, deadline_s=60.0)
    with raw_server(stingy, whole=False) as address:
        asked.service = address
        assert asked(texts, list("01234567")).values.tolist() == [1.0] * 8
    assert 3 <= stingy.refused <= 12


def test_a_server_that_answers_early_and_reads_no_more_is_no_deadlock() -> None:
    """Both would wait for each other: it for the rest to be given up, the client for the rest to be taken."""
    ended = threading.Event()

    def early(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        ended.wait(60)

    def interim(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = len(body) - 1000
        while left > 0:
            left -= len(connection.recv(1 << 20))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    body = b"x" * 20_000_000
    try:
        with raw_server(early, whole=False) as address:
            assert exchange(address, body, {}, 30.0).status == 413
    finally:
        ended.set()
    with raw_server(interim, whole=False) as address:
        assert exchange(address, body, {}, 30.0).body == b"{}"


def test_what_a_server_says_on_an_idle_connection_is_no_reply_to_the_next_request() -> None:
    """Proxies tell of a connection that they are about to close by a 408 that nobody asked for."""
    told = threading.Event()

    def behaviour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        if not told.is_set():
            connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            told.set()
            connection.recv(1)

    with raw_server(behaviour) as address:
        assert exchange(address, b"{}", {}, 30.0).status == 200
        assert told.wait(30)
        assert exchange(address, b"{}", {}, 30.0).status == 200


@pytest.mark.parametrize("status", [500, 504])
def test_a_sample_that_breaks_the_service_or_takes_too_long_costs_no_other_its_score(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for again until the deadline, and the others do not wait for it."""
    monkeypatch.setattr(client, "WAIT_S", 0.01)
    reward = TableBench()
    working = local(reward)

    def answer(path: str, body: Any) -> tuple[int, Any]:
        broken = body is not None and any("poison" in text for text in body["completions"])
        return (status, {"error": "no"}) if broken else working(path, body)

    texts = ["Final Answer: 7"] * 16
    texts[2] += " poison"
    with served(answer) as address:
        scores = ServiceReward(reward, address, deadline_s=1.5)(texts, ["7"] * 16)
    assert [number for number, one in enumerate(scores.status) if one == "unscored"] == [2]
    assert f"HTTP {status} no" in scores.notes[2]


def test_a_call_that_went_along_with_another_has_its_own_time() -> None:
    """A merged request ends by the deadline of the call that sends it; who came later may ask again."""
    calls: list[float] = []
    with served(local(TableBench())) as address:
        asked = ServiceReward(TableBench(), address, deadline_s=30.0)
        merger = client._merger(asked)
        run = merger._run

        def late_at_first(pairs: Any, step: Any, until: float) -> Any:
            calls.append(until)
            return run(pairs, step, until) if len(calls) > 1 else [client.Late("its time is over")] * len(pairs)

        merger._run = late_at_first
        assert asked(["Final Answer: 7", "no"], ["7", "7"]).values.tolist() == [1.0, 0.0]
    assert len(calls) == 2
