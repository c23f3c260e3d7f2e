"""The HTTP side of a service without a server: addresses, token, limits, and what a reply may be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from table_rewards.frameworks.serving import front as front_module
from table_rewards.frameworks.serving.front import Front
from table_rewards.frameworks.serving.scoring import Scoring, told
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

ONE = RewardService("table_bench", "table_bench")
ASKED = {"completions": ["Final Answer: 7"], "rows": ["7"]}


class Here:
    """Scores in this process."""

    def __init__(self, reply: Callable[[], Awaitable[tuple[int, bytes]]] | None = None) -> None:
        self.scoring, self.reply = Scoring("table_bench", {}), reply

    async def answer(self, form: str, body: bytes) -> tuple[int, bytes]:
        return await (self.reply() if self.reply else self.scoring.answer(form, body))

    async def signature(self) -> str:
        return self.scoring.reward.signature


def front(token: str = "", worker: Here | None = None, **settings: Any) -> Front:
    return Front(ServiceSettings((ONE,), **settings), {"table_bench": worker or Here()}, token)


def post(
    asked: Front, path: str, body: Any = b"", method: str = "POST", **headers: str
) -> tuple[int, Any, dict[bytes, bytes]]:
    """Send the pieces of a body through the front."""
    pieces: Sequence[bytes] = body if isinstance(body, list) else [body if isinstance(body, bytes) else told(body)]
    waiting: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
        for number, piece in enumerate(pieces)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": listed}
    asyncio.run(asked(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]), dict(sent[0]["headers"])


def test_every_address_answers_with_its_status() -> None:
    asked = front()
    for path, body, method, status in (
        ("/table_bench/score", ASKED, "POST", 200),
        ("/table_bench/score", ASKED, "GET", 405),
        ("/table_bench/score", b"{half", "POST", 400),
        ("/table_bench/score", b"\xff\xfe{}", "POST", 400),
        ("/table_bench/score", b"[" * 200_000, "POST", 400),
        ("/table_bench/score", b"[1]", "POST", 400),
        ("/table_bench/none", {}, "POST", 404),
        ("/nothing/score", {}, "POST", 404),
        ("/table_bench/score/more", {}, "POST", 404),
        ("/table_bench/signature", b"", "GET", 200),
        ("/health", b"", "GET", 200),
        ("/ready", b"", "GET", 200),
        ("/", b"", "GET", 404),
    ):
        assert post(asked, path, body, method)[0] == status, (path, method)
    assert asked.held == 0


def test_a_token_guards_everything_but_the_health_of_the_service() -> None:
    asked = front("secret")
    assert post(asked, "/table_bench/score", ASKED)[0] == 401
    assert post(asked, "/verify", ASKED)[0] == 401
    assert post(asked, "/table_bench/score", ASKED, authorization="Bearer secre")[0] == 401
    assert post(asked, "/table_bench/score", ASKED, authorization="Bearer s\u00e9cret")[0] == 401
    assert post(asked, "/table_bench/signature", method="GET")[0] == 401
    assert post(asked, "/table_bench/score", ASKED, authorization="Bearer secret")[0] == 200
    assert post(asked, "/health", method="GET")[0] == 200


def test_a_body_is_bounded_whether_it_says_its_length_or_not() -> None:
    asked = front(max_request_mb=0.001)
    assert post(asked, "/table_bench/score", b"x" * 2000)[0] == 413
    assert post(asked, "/table_bench/score", [b"x" * 500] * 4)[0] == 413
    assert post(asked, "/table_bench/score", b"", content_length="5000")[0] == 413
    assert post(asked, "/table_bench/score", b"", content_length="9" * 400)[0] == 413
    assert post(asked, "/table_bench/score", ASKED)[0] == 200
    assert asked.held == 0


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("", "/table_bench/score", 413),
        ("", "/nothing/score", 404),
        ("", "/table_bench/none", 404),
        ("secret", "/table_bench/score", 401),
    ],
)
def test_the_rest_of_a_refused_body_is_read_after_the_reply(token: str, path: str, status: int) -> None:
    """A connection that is closed while its client still sends is reset, and the client never sees the status."""
    asked = front(token, max_request_mb=0.001)
    happened: list[str] = []
    left = [b"x" * 1000] * 50

    async def receive() -> Any:
        happened.append("read")
        return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

    async def send(message: Any) -> None:
        happened.append("end" if message["type"].endswith("body") and not message.get("more_body") else "told")
        if message["type"].endswith("start"):
            assert message["status"] == status
            assert (b"connection", b"close") in message["headers"]

    headers = [(b"content-length", b"50000")]
    asyncio.run(asked({"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send))
    assert happened == ["told", "told", *["read"] * 50, "end"]
    assert asked.held == 0


def test_a_refused_body_that_does_not_come_or_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "SILENCE_S", 0.05)
    monkeypatch.setattr(front_module, "LINGER_S", 0.2)
    asked = front(max_request_mb=0.001)
    sent: list[Any] = []

    async def silence() -> Any:
        await asyncio.sleep(3600)

    async def endless() -> Any:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    for headers, receive in (
        ([(b"content-length", b"50000")], silence),
        ([(b"content-length", b"50000")], endless),
        ([(b"transfer-encoding", b"chunked")], endless),
        ([(b"content-length", b"50000"), (b"expect", b"100-continue")], silence),
    ):
        scope = {"type": "http", "method": "POST", "path": "/table_bench/score", "headers": headers}
        asyncio.run(asyncio.wait_for(asked(scope, receive, send), 60))
        assert sent[0]["status"] == 413
        assert not sent[-1].get("more_body")
        sent.clear()


def test_a_compressed_body_is_refused_before_it_is_read() -> None:
    """A few kilobytes of gzip are gigabytes of zeros."""
    asked = front()
    assert post(asked, "/table_bench/score", b"\x1f\x8b", content_encoding="gzip")[0] == 415
    assert post(asked, "/table_bench/score", ASKED, content_encoding="identity")[0] == 200


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "SILENCE_S", 0.05)
    asked = front(receive_timeout_s=0.05)
    begun = {"type": "http.request", "body": b"{", "more_body": True}
    sent: list[Any] = []

    async def receive() -> Any:
        if sent:
            await asyncio.sleep(3600)
        sent.append(None)
        return begun

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asked({"type": "http", "method": "POST", "path": "/table_bench/score", "headers": []}, receive, send))
    assert sent[1]["status"] == 408
    assert asked.held == 0


def test_requests_that_wait_are_bounded_by_their_bytes() -> None:
    """Thousands of large requests would else fill the memory of the node while they wait."""
    ended = asyncio.Event()
    worker = Here()

    async def late() -> tuple[int, bytes]:
        await ended.wait()
        return 200, b"{}"

    worker.reply = late
    asked = front(worker=worker, max_request_mb=0.01, max_waiting_mb=0.02)
    body = b"x" * 9_000

    async def one() -> tuple[int, dict[bytes, bytes]]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/table_bench/score", "headers": []}
        await asked(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def several() -> list[tuple[int, dict[bytes, bytes]]]:
        tasks = [asyncio.create_task(one()) for _ in range(4)]
        while sum(task.done() for task in tasks) < 2:  # those that are refused
            await asyncio.sleep(0)
        ended.set()
        return await asyncio.gather(*tasks)

    found = asyncio.run(several())
    assert [status for status, _ in found] == [200, 200, 503, 503]
    assert found[2][1][b"retry-after"] == b"1"
    assert asked.held == 0


def test_lengths_that_are_only_told_keep_nobody_out() -> None:
    """Sixteen connections that announce 64 MiB each and send nothing took the whole room for a minute."""
    asked = front(max_request_mb=0.01, max_waiting_mb=0.02)
    scope = {"type": "http", "method": "POST", "path": "/table_bench/score", "headers": [(b"content-length", b"10000")]}

    async def silence() -> Any:
        await asyncio.sleep(3600)

    async def beside_others() -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": told(ASKED)}

        others = [asyncio.create_task(asked(scope, silence, send)) for _ in range(5)]
        await asyncio.sleep(0)
        await asked({**scope, "headers": []}, receive, send)
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return int(sent[0]["status"])

    assert asyncio.run(beside_others()) == 200
    assert asked.held == 0


def test_nemo_gym_finds_the_one_reward_at_the_root() -> None:
    """Its clients know a host and a port, and no path."""
    message = {"type": "message", "content": [{"type": "output_text", "text": "Final Answer: 7"}]}
    body = {"responses_create_params": {"input": "?"}, "response": {"output": [message]}, "answer": "7"}
    asked = front()
    assert post(asked, "/seed_session", {})[:2] == (200, {})
    assert post(asked, "/reverify_mode", method="GET")[:2] == (200, "stateless")
    assert post(asked, "/verify", body)[1]["reward"] == 1.0
    replies = [
        {"_ng_task_index": task, "reward": reward, "reward_components": {"em": reward}, **more}
        for task, reward, more in (
            (0, 1.0, {}),
            (0, 0.0, {}),
            (1, 1.0, {}),
            (1, 0.0, {"_ng_failure_class": "judge_failed"}),
        )
    ]
    status, told, _ = post(asked, "/aggregate_metrics", {"verify_responses": replies})
    assert (status, told["agent_metrics"]["unscored"]) == (200, 1)
    assert told["key_metrics"] == {"mean/em": pytest.approx(2 / 3), "mean/reward": pytest.approx(2 / 3)}
    assert [group["mean/reward"] for group in told["group_level_metrics"]] == [0.5, 1.0]
    assert post(asked, "/aggregate_metrics", {})[0] == 400
    two = ServiceSettings((ONE, RewardService("other", "table_bench")))
    workers = {"table_bench": Here(), "other": Here()}
    assert post(Front(two, workers), "/verify", body)[0] == 404
    named = ServiceSettings(two.rewards, gym="other")
    assert post(Front(named, workers), "/verify", body)[0] == 200


@pytest.mark.parametrize("task", [[1], {"a": 1}, None, "x"])
def test_gyms_metrics_take_any_task_and_any_number(task: Any) -> None:
    replies = [
        {"_ng_task_index": task, "reward": reward} for reward in (1.0, 0.0, True, "x", 1e308, float("nan"), None)
    ]
    status, value, _ = post(front(), "/aggregate_metrics", {"verify_responses": [*replies, 7, None]})
    assert (status, value["key_metrics"]) == (200, {"mean/reward": 0.5})
    assert [group["_ng_task_index"] for group in value["group_level_metrics"]] == [task]


def test_a_fault_of_the_service_is_told_as_json_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> tuple[int, bytes]:
        raise KeyError("inside")

    asked = front(worker=Here(broken))
    status, value, _ = post(asked, "/table_bench/score", ASKED)
    assert (status, value) == (500, {"error": "the service failed; its log says why"})
    assert "KeyError" in caplog.text
    assert asked.held == 0


def test_what_gym_gets_back_is_json_even_where_its_request_was_not() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Final Answer: \\ud83d"}]}
    body = (
        b'{"response": {"output": [%s]}, "answer": "7", "weight": NaN, "far": [1e999]}' % json.dumps(message).encode()
    )
    status, value, _ = post(front(), "/verify", body)
    assert (status, value["weight"], value["far"]) == (200, None, [None])


@pytest.mark.parametrize("words", ["a b", "front", "health", "ready"])
def test_a_reward_cannot_take_an_address_of_the_service(words: str) -> None:
    with pytest.raises(ValueError):
        ServiceSettings((RewardService(words, "teds"),))


def test_readiness_names_the_reward_that_does_not_answer() -> None:
    class Gone(Here):
        async def signature(self) -> str:
            raise ConnectionError

    asked = front(worker=Gone())
    status, value, _ = post(asked, "/ready", method="GET")
    assert (status, value["errors"]) == (503, {"table_bench": "ConnectionError"})


def test_a_reward_that_is_busy_tells_its_signature_to_a_trainer_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its replicas answer in turn: behind a full queue the start of another trainer failed after half a minute."""

    class Busy(Here):
        async def signature(self) -> str:
            await asyncio.sleep(3600)
            return ""

    monkeypatch.setattr(front_module, "READY_S", 0.05)
    settings, workers = ServiceSettings((ONE,)), {"table_bench": Busy()}
    known = Front(settings, workers, expected={"table_bench": "table_bench:x"})
    assert post(known, "/table_bench/signature", method="GET")[:2] == (200, {"signature": "table_bench:x"})
    assert post(known, "/ready", method="GET")[0] == 503
    assert post(Front(settings, workers), "/table_bench/signature", method="GET")[0] == 503
