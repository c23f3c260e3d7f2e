"""One bad endpoint, or one bad prompt, costs nobody else: refusals, rejections, pauses, cancelled callers."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from table_rewards.llm import ChatRequest, get_pool
from table_rewards.llm._endpoint_state import LONGEST_PAUSE_S, EndpointState
from table_rewards.llm._gate import Closed, Gate
from table_rewards.llm.settings import Endpoint, settings_from
from table_rewards.testing.chat_server import Answer, ChatServer

FAST = {"wait_initial_s": 0.005, "wait_max_s": 0.1, "breaker_wait_s": 0.05, "breaker_wait_max_s": 0.2}


def prompt_of(request: dict[str, Any]) -> str:
    return str(request["messages"][-1]["content"])


def echo(request: dict[str, Any]) -> str:
    return "echo " + prompt_of(request)


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_an_endpoint_that_only_refuses_while_another_answers_loses_nothing_and_is_left_out(status, caplog):
    with ChatServer(script=lambda n: status) as bad, ChatServer(reply=echo, latency_s=0.01) as good:
        pool = get_pool([bad.url, good.url], model="m", max_in_flight=16, **FAST)
        with caplog.at_level(logging.WARNING, "table_rewards.llm"):
            replies = pool.ask_many([f"q{i}" for i in range(200)])
        assert [reply.text for reply in replies] == [f"echo q{i}" for i in range(200)]
        assert len(bad.received) < 60
        assert "refuses what other endpoints answer" in caplog.text


def test_a_bad_request_is_believed_when_a_second_endpoint_says_so_too():
    def reply(request: dict[str, Any]) -> Any:
        return Answer(400, {"error": {"message": "too long"}}) if prompt_of(request) == "long" else echo(request)

    with ChatServer(reply=reply) as first, ChatServer(reply=reply) as second:
        pool = get_pool([first.url, second.url], model="m", **FAST)
        replies = pool.ask_many(["long", *(f"q{i}" for i in range(20))])
        assert (replies[0].attempts, "HTTP 400: too long" in replies[0].error) == (2, True)
        assert all(reply.ok for reply in replies[1:])
        assert pool.usage()["endpoints_out"] == 0


def test_a_smaller_context_at_one_endpoint_sends_long_prompts_to_the_other():
    def small(request: dict[str, Any]) -> Any:
        return Answer(400, {"error": {"message": "too long"}}) if len(prompt_of(request)) > 9 else echo(request)

    with ChatServer(reply=small) as first, ChatServer(reply=echo) as second:
        pool = get_pool([first.url, second.url], model="m", **FAST)
        prompts = [f"q{i}" + "long" * 5 * (i % 4 == 0) for i in range(80)]
        assert [reply.text for reply in pool.ask_many(prompts)] == [f"echo {prompt}" for prompt in prompts]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_one_flagged_prompt_fails_alone(status):
    def reply(request: dict[str, Any]) -> Any:
        return Answer(status, {"error": {"message": "flagged"}}) if prompt_of(request) == "bad" else echo(request)

    with ChatServer(reply=reply, latency_s=0.005) as server:
        pool = get_pool(server.url, model="m", max_in_flight=8, **FAST)
        assert pool.ask("first").ok
        replies = pool.ask_many([*(f"q{i}" for i in range(20)), "bad", *(f"r{i}" for i in range(28))])
        assert [i for i, reply in enumerate(replies) if not reply.ok] == [20]
        assert "flagged" in replies[20].error
        assert sum(prompt_of(body) == "bad" for body in server.received) <= 8


@pytest.mark.parametrize("status", ["401", "404", "503", "301"])
def test_a_pod_that_rolls_costs_nobody_an_answer(status):
    begun = time.monotonic()

    def script(number: int) -> str | None:
        return status if number >= 5 and time.monotonic() - begun < 0.6 else None

    with ChatServer(reply=echo, script=script, latency_s=0.01) as server:
        pool = get_pool(server.url, model="m", max_in_flight=49, deadline_s=60, **FAST)
        assert pool.ask("first").ok
        begun = time.monotonic()
        replies = pool.ask_many([f"q{i}" for i in range(49)])
        assert all(reply.ok for reply in replies), [reply.error for reply in replies if not reply.ok]
        assert len(server.received) < 300


def test_a_long_retry_after_is_capped_and_then_one_request_finds_out():
    state = EndpointState.of(Endpoint("http://a/v1"), settings_from("http://a", {}))
    for retry_after in (3600.0, 1e9, 1e300):
        state.rate_limited(1000.0, 999.0, retry_after, "HTTP 429")
        assert state.opens_at() == 1000.0 + LONGEST_PAUSE_S
    later = 1000.0 + LONGEST_PAUSE_S + 0.1
    assert state.admits(later)
    state.probing = True
    assert not state.admits(later)
    state.succeeded(later)
    state.probing = False
    assert state.admits(later)


def test_a_short_deadline_after_an_outage_sends_one_probe():
    server = ChatServer(reply=echo).start()
    server.stop()
    pool = get_pool(server.url, model="m", **FAST)
    assert not any(reply.ok for reply in pool.ask_many([f"q{i}" for i in range(20)], deadline_s=0.5))
    (endpoint,) = pool._runtime().gate.endpoints
    endpoint.open_until = time.monotonic() + 3600  # asked all the same, by one of them first
    endpoint.probed_at = -3600.0
    server.start()
    try:
        replies = pool.ask_many([f"r{i}" for i in range(20)], deadline_s=60)
        assert all(reply.ok for reply in replies), replies[0].error
        assert len(server.received) == 20
    finally:
        server.stop()


def test_an_early_probe_is_no_storm():
    async def count() -> int:
        gate = Gate(settings_from("http://a", {"breaker_failures": 1, "breaker_wait_s": 5.0}))
        loop = asyncio.get_running_loop()
        ticket = await gate.acquire(None, loop.time() + 1)
        ticket.endpoint.failed(loop.time(), "down")
        gate.release(ticket)
        probes = 0
        for _ in range(50):
            try:
                ticket = await gate.acquire(None, loop.time() + 0.1)
            except Closed:
                continue
            probes += 1
            ticket.endpoint.failed(loop.time(), "down", ticket.probe)
            gate.release(ticket)
        return probes

    assert asyncio.run(count()) == 1


def test_a_cancelled_caller_never_cancels_the_twin_of_its_request():
    async def once(pool: Any, number: int) -> str:
        request = ChatRequest(f"same {number}")
        first = asyncio.create_task(pool.aask(request))
        await asyncio.sleep(0.002 * (number % 5))
        first.cancel()
        second = asyncio.create_task(pool.aask(request))
        await asyncio.sleep(0)
        reply = await asyncio.wait_for(second, 60)
        return reply.text

    async def all_of_them() -> list[str]:
        pool = get_pool(server.url, model="m", **FAST)
        return [await once(pool, number) for number in range(20)]

    with ChatServer(reply=echo, latency_s=0.01) as server:
        assert asyncio.run(all_of_them()) == [f"echo same {number}" for number in range(20)]


def test_a_certificate_problem_is_said_in_the_verifiers_words(tls):
    with ChatServer(reply=echo, tls=tls.server) as server:
        begun = time.monotonic()
        reply = get_pool(server.url, model="m", **FAST).ask("q")
        assert time.monotonic() - begun < 30  # not the deadline's two minutes
        assert "self-signed certificate" in reply.error.replace("self signed", "self-signed")
        assert "ca_file" in reply.error
        assert get_pool(server.url, model="m", ca_file=tls.file, **FAST).ask("q").ok
    with ChatServer(reply=echo) as server:
        plain = get_pool(server.url.replace("http://", "https://"), model="m", **FAST).ask("q")
        assert "TLS" in plain.error


def test_filtered_prompts_neither_close_an_endpoint_nor_are_asked_elsewhere() -> None:
    def reply(request: dict[str, Any]) -> Any:
        if "flagged" in request["messages"][-1]["content"]:
            return Answer(400, {"error": {"code": "content_filter", "message": "was filtered"}})
        return "fine"

    with ChatServer(reply=reply) as one, ChatServer(reply=reply) as other:
        pool = get_pool([one.url, other.url], model="m", attempts=4, deadline_s=5)
        replies = pool.ask_many([f"flagged {i}" if i % 2 else f"plain {i}" for i in range(40)])
        assert [reply.refused for reply in replies] == [bool(i % 2) for i in range(40)]
        assert all(reply.ok for reply in replies[::2])
        assert len(one.received) + len(other.received) == 40
        assert (pool.usage()["refused"], pool.usage()["endpoints_out"]) == (20, 0)


@pytest.mark.parametrize(
    "said", [{"content": None, "reasoning": "Hm."}, {"content": "", "tool_calls": [{"function": {"name": "f"}}]}]
)
def test_an_endpoint_whose_parsers_are_set_up_otherwise_loses_no_answer(said: dict[str, Any], caplog: Any) -> None:
    """It answers fast, so that it would draw the requests to itself."""
    with ChatServer(reply=lambda request: said) as other, ChatServer(reply=echo, latency_s=0.01) as good:
        pool = get_pool([other.url, good.url], model="m", max_in_flight=8, **{**FAST, "breaker_wait_s": 60.0})
        replies = pool.ask_many([f"q{i}" for i in range(60)])
        assert [reply.text for reply in replies] == [f"echo q{i}" for i in range(60)], replies[0].error
        assert len(other.received) <= 20
        assert "it refuses what other endpoints answer" in caplog.text
