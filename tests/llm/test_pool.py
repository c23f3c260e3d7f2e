"""The pool against a real server: what it sends, what it tells apart, and that it works from anywhere."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import multiprocessing
import os
import threading
import time

import pytest

from table_rewards.llm import ChatRequest, LLMUnavailable, Sampling, get_pool, process_usage
from table_rewards.testing.chat_server import ChatServer

FAST = {"wait_initial_s": 0.005, "wait_max_s": 0.05, "breaker_wait_s": 0.05, "breaker_wait_max_s": 0.2}


def echo(request):
    return "echo " + request["messages"][-1]["content"]


@pytest.fixture
def server():
    with ChatServer(reply=echo) as running:
        yield running


def test_sends_the_prompt_the_model_and_every_sampling_parameter(server):
    sampling = Sampling(
        temperature=0.5, top_p=0.8, max_tokens=100, seed=7, presence_penalty=1.5, stop="\n", extra={"k": 1}
    )
    reply = get_pool(server.url, **FAST).ask([{"role": "user", "content": "hi"}], sampling)
    assert (reply.text, reply.finish_reason, reply.attempts, reply.endpoint) == ("echo hi", "stop", 1, server.url)
    assert server.received == [
        {
            "model": "test-model",
            "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0.5,
            "top_p": 0.8,
            "max_tokens": 100,
            "seed": 7,
            "presence_penalty": 1.5,
            "frequency_penalty": 0.0,
            "stop": ["\n"],
            "k": 1,
        }
    ]
    assert reply.usage == {"prompt_tokens": 10, "completion_tokens": 5}


def test_discovers_the_model_once_and_asks_it_no_more(server):
    pool = get_pool(server.url, **FAST)
    pool.ask_many([f"q{i}" for i in range(20)])
    assert server.model_requests == 1
    assert {body["model"] for body in server.received} == {"test-model"}


def test_several_models_need_a_name():
    with ChatServer(model=["a", "b"]) as server:
        reply = get_pool(server.url, **FAST).ask("q")
        assert reply.failed
        assert "model=" in reply.error
        assert get_pool(server.url, model="b", **FAST).ask("q").ok


def test_replies_keep_the_order_of_the_requests(server):
    replies = get_pool(server.url, **FAST).ask_many([f"q{i}" for i in range(300)])
    assert [reply.text for reply in replies] == [f"echo q{i}" for i in range(300)]


def test_identical_requests_in_flight_are_sent_once():
    with ChatServer(reply=echo, latency_s=0.05) as server:
        pool = get_pool(server.url, **FAST)
        replies = pool.ask_many(["same"] * 50 + ["other"])
        assert [reply.text for reply in replies] == ["echo same"] * 50 + ["echo other"]
        assert len(server.received) == 2
        assert sum(reply.shared for reply in replies) == 49
        assert pool.usage()["shared"] == 49


def test_draws_without_a_seed_are_never_merged_and_numbered_draws_differ_in_seed():
    with ChatServer(reply=echo, latency_s=0.02) as server:
        pool = get_pool(server.url, **FAST)
        pool.ask_many(["q"] * 5, Sampling(temperature=1.0, seed=None))
        assert len(server.received) == 5
        assert "seed" not in server.received[0]
        pool.ask_many([ChatRequest("q", Sampling(temperature=1.0, seed=3), sample=i) for i in range(4)])
        assert sorted(body["seed"] for body in server.received[5:]) == [3, 4, 5, 6]


@pytest.mark.parametrize(("kind", "name"), [("length", "truncated"), ("empty", "empty")])
def test_tells_a_cut_off_and_an_empty_reply_from_an_answer(kind, name):
    with ChatServer(script=lambda number: kind) as server:
        pool = get_pool(server.url, **FAST)
        reply = pool.ask("q")
        assert getattr(reply, name)
        assert not reply.failed
        assert not reply.ok
        assert pool.usage()[name] == 1


def test_a_bad_request_is_not_repeated_and_carries_the_servers_words():
    with ChatServer(script=lambda number: "400" if number == 0 else None) as server:
        pool = get_pool(server.url, **FAST)
        reply = pool.ask("too long")
        assert (reply.failed, reply.attempts, len(server.received)) == (True, 1, 1)
        assert "HTTP 400: scripted 400" in reply.error
        assert pool.ask("next").ok
        with pytest.raises(LLMUnavailable, match="scripted 400"):
            reply.require()


def test_a_wrong_key_fails_at_once_and_never_reaches_a_log(monkeypatch, caplog):
    monkeypatch.setenv("READER_KEY", "sk-very-secret")
    caplog.set_level(logging.DEBUG)
    with ChatServer(key="sk-right") as server:
        begun = time.monotonic()
        replies = get_pool(server.url, model="m", api_key_env="READER_KEY", **FAST).ask_many(["a", "b", "c"])
        assert all("HTTP 401" in reply.error for reply in replies)
        assert time.monotonic() - begun < 30  # not the deadline's two minutes
        monkeypatch.setenv("READER_KEY", "sk-right")
        assert get_pool(server.url, model="m2", api_key_env="READER_KEY", **FAST).ask("a").ok
    assert "sk-" not in caplog.text + repr(replies)


@pytest.mark.parametrize("content", ["", "\ud800 lone surrogate", "\x00", "<|im_end|>", "表格" * 5000, '"}]}'])
def test_hostile_text_arrives_as_one_message(server, content):
    assert get_pool(server.url, **FAST).ask(content).failed is False
    (body,) = server.received
    assert body["messages"] == [{"role": "user", "content": content.encode("utf-8", "replace").decode()}]


def test_usage_counts_what_happened():
    with ChatServer(faults=["500"], fault_rate=1.0, fault_limit=3) as server:
        pool = get_pool(server.url, model="m", **FAST)
        pool.ask("q")
        usage = pool.usage()
        assert {name: usage[name] for name in ("requests", "replies", "failures", "http_requests", "retries")} == {
            "requests": 1,
            "replies": 1,
            "failures": 0,
            "http_requests": 4,
            "retries": 3,
        }
        assert usage["prompt_tokens"] == 10
        assert 0 < usage["latency_p50_s"] <= usage["latency_p99_s"] < 5
        assert process_usage()["requests"] >= 1


# -- from anywhere ----------------------------------------------------------------------------------------------------


def test_works_from_many_threads_at_once(server):
    pool = get_pool(server.url, **FAST)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        texts = list(threads.map(lambda i: pool.ask(f"q{i}").text, range(100)))
    assert texts == [f"echo q{i}" for i in range(100)]
    assert sum(thread.name == "table-rewards-llm" for thread in threading.enumerate()) == 1


def test_works_in_a_fresh_event_loop_each_call(server):
    """ms-swift 4.4 and later run rewards with asyncio.run; clients bound to a loop die there at step 2."""
    pool = get_pool(server.url, **FAST)

    async def step(number):
        return [reply.text for reply in await asyncio.gather(*(pool.aask(f"{number}.{i}") for i in range(5)))]

    for number in range(3):
        assert asyncio.run(step(number)) == [f"echo {number}.{i}" for i in range(5)]


async def test_async_asking_leaves_the_callers_loop_free():
    """The server answers when the caller's loop has done something else."""
    free = threading.Event()

    def late(request):
        return "in time" if free.wait(20) else "too late"

    with ChatServer(reply=late) as server:
        pool = get_pool(server.url, model="m", **FAST)

        async def something_else():
            while not server.received:
                await asyncio.sleep(0.01)
            free.set()

        other = asyncio.create_task(something_else())
        replies = await pool.aask_many(["a", "b"])
        await other
        assert [reply.text for reply in replies] == ["in time"] * 2


async def test_the_blocking_form_works_inside_a_running_loop(server):
    assert get_pool(server.url, **FAST).ask("q").ok


async def test_a_cancelled_twin_does_not_cancel_the_others():
    both = threading.Event()

    def late(request):
        both.wait(60)
        return echo(request)

    with ChatServer(reply=late) as server:
        pool = get_pool(server.url, model="m", **FAST)
        first = asyncio.create_task(pool.aask("same"))
        while not server.received:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(pool.aask("same"))
        while pool.usage()["requests"] < 2:
            await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        both.set()
        assert (await second).text == "echo same"
        assert len(server.received) == 1


def _in_child(pool, connection):
    connection.send((os.getpid(), pool.ask("from a child").text, pool.usage()["requests"]))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_works_in_child_processes_after_use_in_the_parent(server, method):
    context = multiprocessing.get_context(method)
    pool = get_pool(server.url, **FAST)
    assert pool.ask("parent first").ok
    for _ in range(2):
        here, there = context.Pipe()
        child = context.Process(target=_in_child, args=(pool, there), daemon=True)
        child.start()
        assert here.poll(30)
        pid, text, requests = here.recv()
        child.join(30)
        assert (pid != os.getpid(), text, requests) == (True, "echo from a child", 1)
    assert pool.ask("parent again").ok


def test_a_long_list_streams_without_spending_its_deadline_in_the_queue():
    """A request is begun, and its deadline with it, when there is room for it."""
    with ChatServer(reply=echo, latency_s=0.01) as server:
        pool = get_pool(server.url, max_in_flight=4, **FAST)
        found = {}
        for index, reply in pool.stream([f"q{i}" for i in range(100)]):
            found[index] = reply.text
            begun = pool.usage()["requests"]
            assert begun <= pool.usage()["replies"] + 4
        assert [found[i] for i in range(100)] == [f"echo q{i}" for i in range(100)]
        assert server.peak_in_flight <= 4


def test_leaving_a_stream_early_cancels_the_rest():
    with ChatServer(reply=echo, latency_s=0.02) as server:
        pool = get_pool(server.url, max_in_flight=4, **FAST)
        for _ in pool.stream([f"q{i}" for i in range(1000)]):
            break
        sent = -1
        while sent != len(server.received):  # until nothing comes any more
            sent = len(server.received)
            time.sleep(0.3)
        assert sent < 1000
