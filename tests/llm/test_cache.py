"""The cache: whole after kill -9, eight writers, no failure kept, a key that changes with all that matters."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from table_rewards.llm import ChatReply, ChatRequest, Sampling, get_pool
from table_rewards.llm._cache import AnswerCache
from table_rewards.testing.chat_server import ChatServer

FAST = {"wait_initial_s": 0.005, "breaker_wait_s": 0.05}


def echo(request):
    return "echo " + request["messages"][-1]["content"]


def settle(path, rows, keys="%"):
    """Wait until the writer thread has put `rows` answers with such keys into the file."""
    for _ in range(3000):
        with sqlite3.connect(path) as connection:
            if connection.execute("SELECT COUNT(*) FROM answers WHERE key LIKE ?", (keys,)).fetchone()[0] >= rows:
                return
        time.sleep(0.02)
    raise AssertionError(f"never saw {rows} answers")


def test_a_known_answer_is_not_asked_again_even_by_another_pool(tmp_path):
    path = tmp_path / "answers.sqlite"
    with ChatServer(reply=echo) as server:
        first = get_pool(server.url, cache=path, **FAST).ask_many(["a", "b"])
        settle(path, 2)
        second = get_pool(server.url, cache=path, deadline_s=9, **FAST).ask_many(["a", "b"])
        assert [reply.text for reply in second] == [reply.text for reply in first] == ["echo a", "echo b"]
        assert [reply.cached for reply in first + second] == [False, False, True, True]
        assert [reply.attempts for reply in second] == [0, 0]
        assert len(server.received) == 2


def test_a_named_model_is_answered_from_the_cache_with_the_server_gone(tmp_path):
    path = tmp_path / "answers.sqlite"
    with ChatServer(reply=echo) as server:
        get_pool(server.url, model="m", cache=path, **FAST).ask("a")
        settle(path, 1)
    assert get_pool(server.url, model="m", cache=path, deadline_s=0.5, **FAST).ask("a").cached


def test_the_key_changes_with_prompt_model_sampling_sample_and_tag():
    requests = [
        ChatRequest("q"),
        ChatRequest("r"),
        ChatRequest([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]),
        ChatRequest("q", Sampling(temperature=0.1)),
        ChatRequest("q", Sampling(seed=1)),
        ChatRequest("q", Sampling(max_tokens=9)),
        ChatRequest("q", Sampling(stop="x")),
        ChatRequest("q", Sampling(extra={"a": 1})),
        ChatRequest("q", sample=1),
        ChatRequest("q", Sampling(seed=1), sample=-1),
        ChatRequest("q", tag="qa_f1|v2"),
    ]
    keys = {request.key(model) for request in requests for model in ("m", "n")}
    assert len(keys) == 2 * len(requests)


@pytest.mark.parametrize("kind", ["500", "empty", "length", "garbage"])
def test_no_failure_is_ever_kept(tmp_path, kind):
    path = tmp_path / "answers.sqlite"
    with ChatServer(reply=echo, faults=[kind], fault_rate=1.0, fault_limit=3) as server:
        pool = get_pool(server.url, model="m", cache=path, attempts=3, **FAST)
        assert not pool.ask("q").ok
        server.fault_limit = 0
        assert pool.ask("q").text == "echo q"
        settle(path, 1)
        assert pool.ask("q").cached


def test_old_answers_are_asked_again(tmp_path):
    cache = AnswerCache(str(tmp_path / "a.sqlite"), ttl_s=3600, max_bytes=1e6)
    cache.put("k", ChatReply(text="old", finish_reason="stop"))
    settle(cache.path, 1)
    assert cache.get("k").text == "old"
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE answers SET created = created - 3601")
    assert cache.get("k") is None
    cache.close()


def test_the_file_stays_below_its_size(tmp_path):
    path = str(tmp_path / "a.sqlite")
    for _ in range(2):
        cache = AnswerCache(path, ttl_s=None, max_bytes=100_000)
        for i in range(1500):
            cache.put(f"{os.urandom(8).hex()}{i}", ChatReply(text="x" * 1000, finish_reason="stop"))
        cache.put("last", ChatReply(text="kept", finish_reason="stop"))
        cache.close()
    cache = AnswerCache(path, ttl_s=None, max_bytes=100_000)
    cache.close()
    with sqlite3.connect(path) as connection:
        size, last = connection.execute("SELECT SUM(size), SUM(key = 'last') FROM answers").fetchone()
    assert size <= 100_000
    assert last == 1


WRITER = """
import sys
from table_rewards.llm import ChatReply
from table_rewards.llm._cache import AnswerCache
cache = AnswerCache(sys.argv[1], None, 1e9)
print("ready", flush=True)
i = 0
while True:
    cache.put(f"{sys.argv[2]}-{i}", ChatReply(text="answer " * 50 + str(i), finish_reason="stop"))
    i += 1
    if cache._queue.qsize() > 5000:
        import time; time.sleep(0.01)
"""


def test_kill_9_in_the_middle_of_writing_keeps_the_cache_whole(tmp_path):
    path = str(tmp_path / "a.sqlite")
    for round_ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(round_)], stdout=subprocess.PIPE)
        assert writer.stdout.readline() == b"ready\n"
        settle(path, 100, f"{round_}-%")
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute("SELECT COUNT(*) FROM answers").fetchone()
    assert count > 100
    cache = AnswerCache(path, None, 1e9)
    assert cache.get("2-0").text.endswith(" 0")
    cache.close()
    assert cache.errors == 0


ONE_OF_EIGHT = """
import sys
from table_rewards.llm import ChatReply
from table_rewards.llm._cache import AnswerCache
path, number = sys.argv[1:]
cache = AnswerCache(path, None, 1e9)
for i in range(200):
    cache.put(f"{number}-{i}", ChatReply(text=f"{number} {i}", finish_reason="stop"))
cache.close()
sys.exit(cache.errors)
"""


def test_eight_writers_lose_nothing(tmp_path):
    path = str(tmp_path / "a.sqlite")
    writers = [subprocess.Popen([sys.executable, "-c", ONE_OF_EIGHT, path, str(n)]) for n in range(8)]
    assert [writer.wait(100) for writer in writers] == [0] * 8
    cache = AnswerCache(path, None, 1e9)
    assert all(cache.get(f"{n}-{i}").text == f"{n} {i}" for n in range(8) for i in range(200))
    cache.close()


@pytest.mark.parametrize(
    "row",
    [
        '{"text": null}',
        '{"text": 7, "finish_reason": "stop"}',
        "[]",
        "null",
        "7",
        '"text"',
        "{",
        "",
        '{"text": "half", "finish_reason": "length"}',
        '{"text": "aborted", "finish_reason": "abort"}',
        '{"text": "x", "finish_reason": "stop", "logprobs": 7}',
    ],
)
def test_an_odd_row_is_asked_again_and_never_raises(tmp_path, row):
    cache = AnswerCache(str(tmp_path / "a.sqlite"), None, 1e6)
    with sqlite3.connect(cache.path) as connection:
        connection.execute("INSERT INTO answers VALUES ('k', ?, 1, ?)", (time.time(), row))
    assert cache.get("k") is None
    cache.close()


def test_a_row_of_an_earlier_version_is_read(tmp_path):
    row = '{"text": "kept", "finish_reason": "stop", "model": "m", "endpoint": "e", "usage": {"prompt_tokens": 3}}'
    cache = AnswerCache(str(tmp_path / "a.sqlite"), None, 1e6)
    with sqlite3.connect(cache.path) as connection:
        connection.execute("INSERT INTO answers VALUES ('k', ?, 1, ?)", (time.time(), row))
    assert cache.get("k").text == "kept"
    cache.close()


def test_pools_of_other_addresses_or_another_revision_share_no_answers_unless_a_group_says_so(tmp_path):
    path = tmp_path / "answers.sqlite"
    with ChatServer(reply="one") as one, ChatServer(reply="two") as two:
        how = {"model": "m", "cache": path, **FAST}
        assert get_pool(one.url, **how).ask("q").text == "one"
        settle(path, 1)
        assert get_pool(two.url, **how).ask("q").text == "two"
        assert get_pool(one.url, cache_revision="2", **how).ask("q").cached is False
        assert get_pool(one.url, cache_group="readers", **how).ask("q").cached is False
        settle(path, 4)
        assert get_pool(two.url, cache_group="readers", **how).ask("q").text == "one"
        assert get_pool(one.url, cache_revision="2", **how).ask("q").cached
