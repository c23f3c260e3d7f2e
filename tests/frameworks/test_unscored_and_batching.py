"""Unscored samples are filled, counted and loud; single calls become batches."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from table_rewards import ConfigurationError, Judgement, ScorerFailed, Scores, TableBench
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


class Slow(TableBench):
    """Judges when it is let, and remembers how many at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.let = threading.Event()

    def judge_all(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        self.sizes.append(len(completions))
        self.let.wait(60)
        if "explode" in completions:
            raise SystemError("a batch path of ours")
        return [
            self.judge_answer(c.removeprefix("Final Answer: "), r) for c, r in zip(completions, references, strict=True)
        ]


def test_calls_that_meet_become_one_batch() -> None:
    reward = Slow()
    coalescer = Coalescer(reward.judge_pairs, window_s=60.0)
    found: dict[int, float] = {}

    def call(i: int) -> None:
        found[i] = coalescer.judge(f"Final Answer: {i}", reward.coerce(str(i)), None).value

    threads = [threading.Thread(target=call, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    while len(coalescer._queue) < 63:  # all but the one that judges
        time.sleep(0.001)
    reward.let.set()
    for thread in threads:
        thread.join(60)
    assert found == dict.fromkeys(range(64), 1.0)
    assert len(reward.sizes) < 32
    assert sum(reward.sizes) == 64


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


def test_a_lone_call_waits_for_nobody() -> None:
    reward = TableBench()  # a call that waited would end with the test's time limit
    assert Coalescer(reward.judge_pairs).judge("Final Answer: 7", reward.coerce("7"), None).value == 1.0


def _score_in_fork(coalescer: Coalescer, queue: Any) -> None:
    queue.put(coalescer.judge("Final Answer: 7", TableBench().coerce("7"), None).value)


@pytest.mark.skipif(sys.platform == "darwin", reason="fork is not safe on macOS")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_in_the_middle_of_a_batch_starts_empty() -> None:
    reward = Slow()
    reward.let.set()
    coalescer = Coalescer(reward.judge_pairs)
    coalescer._running = 1  # as if another thread were in a batch, which the child does not have
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_score_in_fork, args=(coalescer, queue))
    child.start()
    assert queue.get(timeout=60) == 1.0
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
