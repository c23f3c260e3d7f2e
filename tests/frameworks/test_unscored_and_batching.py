"""Unscored samples are filled, counted and loud; single calls become batches."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from table_rewards import ConfigurationError, Judgement, ScorerFailed, Scores, TableBench
from table_rewards.frameworks import batching
from table_rewards.frameworks.batching import Coalescer
from table_rewards.frameworks.unscored import TooManyUnscored, UnscoredPolicy


def scores(*values: float | None) -> Scores:
    return Scores.of([Judgement.unscored("endpoint down") if v is None else Judgement(v) for v in values], ())


def test_the_same_prompts_mean_leaves_its_advantages_alone() -> None:
    filled = UnscoredPolicy().fill(scores(1.0, 0.0, None, 0.0), ["p", "p", "p", "q"])[:, 0]
    assert filled.tolist() == [1.0, 0.0, 0.5, 0.0]


def test_without_the_prompt_the_running_mean_and_without_any_zero() -> None:
    policy = UnscoredPolicy()
    assert policy.fill(scores(None), ["new"])[:, 0].tolist() == [0.0]
    policy.fill(scores(1.0, 0.5), ["a", "b"])
    assert policy.fill(scores(None), ["new"])[:, 0].tolist() == [0.75]
    assert (policy.seen, policy.unscored) == (4, 2)


def test_a_number_is_used_as_it_is_and_raise_raises() -> None:
    assert UnscoredPolicy(rule=-1).fill(scores(None, 1.0), ["a", "a"])[:, 0].tolist() == [-1.0, 1.0]
    with pytest.raises(ScorerFailed, match="endpoint down"):
        UnscoredPolicy(rule="raise").fill(scores(None), ["a"])


@pytest.mark.parametrize("rule", ["neutral", 0.0])
def test_above_the_ceiling_every_rule_raises_and_says_why(rule: Any) -> None:
    policy = UnscoredPolicy(rule=rule)
    policy.fill(scores(*[None] * 51), ["p"] * 51)
    with pytest.raises(TooManyUnscored, match=r"52 of the last 52 samples.*endpoint down"):
        policy.fill(scores(None), ["p"])


def test_an_outage_that_ends_is_forgotten_after_the_window() -> None:
    policy = UnscoredPolicy()
    policy.fill(scores(*[None] * 50), ["p"] * 50)
    policy.fill(scores(*[1.0] * 256), ["p"] * 256)
    policy.fill(scores(*[None] * 50), ["p"] * 50)


@pytest.mark.parametrize(("rule", "ceiling"), [("ignore", 0.2), (float("nan"), 0.2), (True, 0.2), ("neutral", 2.0)])
def test_a_rule_that_cannot_be_is_refused(rule: Any, ceiling: float) -> None:
    with pytest.raises(ConfigurationError, match="unscored"):
        UnscoredPolicy(rule, ceiling)


def queued(coalescer: Coalescer, count: int) -> None:
    """Wait until that many callers stand in the queue."""
    until = time.monotonic() + 20
    while len(coalescer._queue) != count:
        assert time.monotonic() < until, f"{len(coalescer._queue)} in the queue"
        time.sleep(0.001)


def test_calls_that_meet_become_one_batch() -> None:
    """Those that come while the first is judged; whether an answer is right is told to each caller."""
    reward = TableBench()
    sizes: list[int] = []

    def judge_all(texts: Sequence[str], references: Sequence[Any], step: int | None) -> Sequence[Judgement]:
        sizes.append(len(texts))
        if len(sizes) == 1:
            queued(coalescer, 63)
        return reward.judge_pairs(texts, references, step)

    coalescer = Coalescer(judge_all, window_s=30)
    found: dict[int, float] = {}

    def call(i: int) -> None:
        found[i] = coalescer.judge(f"Final Answer: {i}", reward.coerce(str(i)), None).value

    threads = [threading.Thread(target=call, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == dict.fromkeys(range(64), 1.0)
    assert sizes == [1, 63]


def test_every_caller_of_a_crowd_gets_its_own_judgement() -> None:
    """Callers that come back from a batch at once, at two steps, some of them with a batch that raises."""
    sizes: list[int] = []

    def judge_all(texts: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        sizes.append(len(texts))
        time.sleep(0.001)
        if "explode" in texts:
            raise SystemError("a batch path of ours")
        return [Judgement(float(text) + 1000.0 * (step or 0)) for text in texts]

    coalescer = Coalescer(judge_all, window_s=0.003)
    wrong: list[str] = []

    def call(worker: int) -> None:
        for i in range(40):
            text, step = str(worker * 40 + i), worker % 2
            try:
                value = coalescer.judge("explode" if i == 20 and worker == 3 else text, None, step).value
            except SystemError:
                continue  # in that batch
            if value != float(text) + 1000.0 * step:
                wrong.append(f"{text}: {value}")

    threads = [threading.Thread(target=call, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "nobody waits for ever"
    assert wrong == []
    assert max(sizes) > 1
    assert (coalescer._running, coalescer._queue) == (0, [])


class Held:
    """Judges a batch when it is let; remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.let = threading.Semaphore(0)

    def judge_all(self, texts: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        self.batches.append(list(texts))
        assert self.let.acquire(timeout=20)
        return [Judgement(float(text)) for text in texts]


def started(call: Any, *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    return thread


@pytest.mark.parametrize("tired", [False, True])
def test_nobody_overtakes_the_next_leader_while_it_wakes(monkeypatch: pytest.MonkeyPatch, tired: bool) -> None:
    """A caller that came meanwhile judged its sample alone, before and beside a queue of others."""
    held = Held()
    woken: list[Any] = []
    coalescer = Coalescer(held.judge_all, window_s=30)
    threads = [started(coalescer.judge, "1", None, None)]
    while not held.batches:
        time.sleep(0.001)
    threads.append(started(coalescer.judge, "2", None, None))
    queued(coalescer, 1)
    wake = batching._Ticket.wake
    monkeypatch.setattr(batching._Ticket, "wake", lambda ticket: woken.append(ticket))
    held.let.release()
    threads[0].join(20)
    (appointed,) = [ticket for ticket in woken if not ticket.done]
    assert (appointed.text, coalescer._running) == ("2", 1)
    if tired:
        coalescer.window_s = 0.001
    else:
        monkeypatch.setattr(batching._Ticket, "wake", wake)
    threads.append(started(coalescer.judge, "3", None, None))
    if tired:  # it takes the appointed one's sample along, who then has nothing to lead
        while len(held.batches) < 2:
            time.sleep(0.001)
        monkeypatch.setattr(batching._Ticket, "wake", wake)
    else:
        queued(coalescer, 2)
    appointed.wake()
    held.let.release(2)
    for thread in threads:
        thread.join(20)
    assert held.batches[0] == ["1"]
    assert sorted(held.batches[1]) == ["2", "3"]
    assert len(held.batches) == 2
    assert (coalescer._running, coalescer._queue) == (0, [])


def test_an_interrupt_of_the_next_leader_holds_up_nobody() -> None:
    held = Held()
    coalescer = Coalescer(held.judge_all, window_s=30)

    class Interrupted:
        def acquire(self, timeout: float) -> bool:
            held.let.release()
            while not ticket.appointed:
                time.sleep(0.001)
            raise KeyboardInterrupt

        def release(self) -> None:
            pass

    first = started(coalescer.judge, "1", None, None)
    while not held.batches:
        time.sleep(0.001)
    ticket: Any = batching._Ticket("2", None, None)
    ticket.signal = Interrupted()
    coalescer._queue.append(ticket)
    with pytest.raises(KeyboardInterrupt):
        coalescer._wait(ticket)
    first.join(20)
    assert (coalescer._running, coalescer._queue) == (0, [])


def test_coroutines_start_no_batch_beside_one_that_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches on end took longer than the window, and a second thread judged beside the first."""
    clock, running, most = [100.0], [0], [0]
    monkeypatch.setattr(batching, "time", type("Clock", (), {"monotonic": staticmethod(lambda: clock[0])}))

    def judge_all(texts: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        clock[0] += 0.03
        time.sleep(0.001)
        running[0] -= 1
        return [Judgement(float(text)) for text in texts]

    coalescer = Coalescer(judge_all, size=4)

    async def caller(i: int) -> float:
        values = [(await coalescer.judge_async(str(i), None, None)).value for _ in range(4)]
        return values[-1]

    async def all_at_once() -> list[float]:
        return await asyncio.gather(*map(caller, range(16)))

    assert asyncio.run(all_at_once()) == [float(i) for i in range(16)]
    assert (most[0], clock[0] > 100.4) == (1, True)


def test_large_samples_make_no_batch_one_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 64 tables at a second each was judged a second time, one by one, while it ran."""
    clock = [100.0]
    monkeypatch.setattr(batching, "time", type("Clock", (), {"monotonic": staticmethod(lambda: clock[0])}))

    def judge_all(texts: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        clock[0] += float(texts[0]) * len(texts)
        return [Judgement(1.0)] * len(texts)

    coalescer = Coalescer(judge_all)
    assert (coalescer.stuck_s(1), coalescer.stuck_s(64)) == (1.0, pytest.approx(3.2))
    coalescer.judged(["0.001"] * 8, [None] * 8, None)
    assert coalescer.stuck_s(64) == pytest.approx(3.2)
    for _ in range(7):
        coalescer.judged(["1"] * 8, [None] * 8, None)
    assert coalescer.stuck_s(64) == pytest.approx(3.2), "one of the last was quick: it may have been stuck"
    coalescer.judged(["1"] * 8, [None] * 8, None)
    assert coalescer.stuck_s(64) == pytest.approx(4 * 64.0)


@pytest.mark.parametrize("size", [1, 64])
def test_no_coroutine_waits_for_a_batch_that_is_stuck(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(batching, "_STUCK_S", 0.05)
    monkeypatch.setattr(batching, "_STUCK_SAMPLE_S", 0.0)
    end = threading.Event()

    def judge_all(texts: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        if "0" in texts:
            assert end.wait(20)
        return [Judgement(float(text)) for text in texts]

    coalescer = Coalescer(judge_all, size=size, window_s=0.01)

    async def all_at_once() -> list[float]:
        stuck, *others = (asyncio.ensure_future(coalescer.judge_async(str(i), None, None)) for i in (0, 1, 2, 3))
        values = [(await asyncio.wait_for(other, 10)).value for other in others]
        assert not stuck.done()
        end.set()
        return [*values, (await stuck).value]

    assert asyncio.run(all_at_once()) == [1.0, 2.0, 3.0, 0.0]


def test_a_lone_call_waits_for_nobody() -> None:
    reward = TableBench()  # a call that waited would end with the test's time limit
    assert Coalescer(reward.judge_pairs).judge("Final Answer: 7", reward.coerce("7"), None).value == 1.0


def _score_in_fork(coalescer: Coalescer, queue: Any) -> None:
    queue.put(coalescer.judge("Final Answer: 7", TableBench().coerce("7"), None).value)


@pytest.mark.skipif(sys.platform == "darwin", reason="fork is not safe on macOS")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_in_the_middle_of_a_batch_starts_empty() -> None:
    coalescer = Coalescer(TableBench().judge_pairs)
    coalescer._running = 1  # as if another thread were in a batch, which the child does not have
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_score_in_fork, args=(coalescer, queue))
    child.start()
    assert queue.get(timeout=20) == 1.0
    child.join(10)


def test_numbers_that_are_not_finite_never_reach_a_trainer() -> None:
    odd = Scores.of([Judgement(float("inf")), Judgement(1.0)], ())
    assert np.isfinite(UnscoredPolicy().fill(odd, ["p", "p"])).all()


def test_a_filler_is_of_its_own_group_now_and_not_of_the_prompts_past() -> None:
    """In a group of equal rewards the smallest difference becomes a large advantage."""
    policy = UnscoredPolicy()
    policy.fill(scores(1.0, 1.0, 0.0), ["p"] * 3)
    assert policy.fill(scores(0.0, None, 0.0, 0.0), ["p"] * 4)[:, 0].tolist() == [0.0] * 4
    two_groups = policy.fill(scores(0.0, None, 1.0, None), ["p"] * 4, groups=[1, 1, 2, 2])
    assert two_groups[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert policy.fill(scores(None, None), ["p"] * 2)[:, 0].tolist() == [pytest.approx(0.375)] * 2, "equal: advantage 0"
