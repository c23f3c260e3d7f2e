"""Reward services without Ray: the forms on the wire, the settings, and the client against a plain HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from table_rewards import TEDS, TableBench
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.scores import Judgement, Scores
from table_rewards.frameworks import verl
from table_rewards.frameworks.serving import client
from table_rewards.frameworks.serving.client import ServiceReward
from table_rewards.frameworks.serving.forms import Answer, BadRequest, read_request, reply, request_body, scores_of
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings, read_settings

JUDGED = [Judgement(1.0, (1.0, 0.5)), Judgement.unscored("endpoint down", 2), Judgement(0.25, (0.0, 2.0))]
SCORES = Scores.of(JUDGED, ("em", "size"), "s|v0")


def test_our_own_form_carries_every_column_there_and_back() -> None:
    batch = read_request("score", json.loads(json.dumps(request_body(["a", "b", "c"], [np.int64(7), "x", {}], 5))))
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
        ("slime", {"prompt": "a"}, "no 'response'"),
        ("verify", {"response": {"text": "a"}}, "as the Responses API gives"),
        ("score", {"completions": ["a"] * 70_000, "rows": []}, "70,000 samples"),
    ],
)
def test_a_request_of_another_shape_says_what_is_missing(form: str, body: Any, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        read_request(form, body)


def test_trainers_get_finite_numbers_and_gym_gets_a_tag() -> None:
    answer = Answer.of(SCORES, "em", [1.0, 0.625, 0.25])
    batch = read_request("openrlhf", {"query": ["pa", "b", "c"], "prompts": ["p", "p", "p"], "labels": ["1", "2", "3"]})
    assert batch.completions == ["a", "b", "c"]
    told = reply("openrlhf", batch, answer)
    assert told["rewards"] == [1.0, 0.625, 0.25]
    assert told["scores"] == [1.0, 0.0, 0.0]
    assert told["extra_logs"] == {"em": [1.0, 0.0, 0.0], "size": [0.5, 0.0, 2.0], "unscored": [0.0, 1.0, 0.0]}
    lost = Answer.of(SCORES.take([1]), "em", [0.625])
    slime = read_request(
        "slime", {"prompt": [{"role": "user"}], "response": "x", "label": "7", "metadata": {"qtype": "a"}}
    )
    assert slime.rows[0]["ground_truth"] == "7"
    assert slime.rows[0]["qtype"] == "a"
    assert reply("slime", slime, lost) == {"em": 0.0, "size": 0.0, "score": 0.625, "acc": 0.0, "unscored": 1.0}
    message = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
    gym = read_request("verify", {"response": {"output": [{"type": "reasoning"}, message]}, "answer": "7", "id": 3})
    told = reply("verify", gym, lost)
    assert (told["answer"], told["id"], told["reward"]) == ("7", 3, 0.0)
    assert (told["_ng_failure_class"], told["_ng_failure_reason"]) == ("judge_failed", "endpoint down")
    assert "_ng_failure_class" not in reply("verify", gym, Answer.of(SCORES.take([0]), "em"))


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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
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


@pytest.mark.parametrize("status", [400, 401, 404, 413])
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
