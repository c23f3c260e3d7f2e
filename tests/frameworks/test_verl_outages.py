"""What verl's functions do when samples cannot be scored, in training and in validation; and what acc is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from table_rewards import Judgement, TableBench
from table_rewards.core import registry
from table_rewards.frameworks import verl
from table_rewards.testing.chat_server import ChatServer


class Flaky(TableBench):
    """Loses its scorer on completions that say so, and hangs on others until it is let go."""

    name = "flaky"
    begun, end = threading.Event(), threading.Event()

    def judge_all(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        if any("hang" in text for text in completions):
            self.begun.set()
            assert self.end.wait(60)
        judged = super().judge_all(completions, references, step)
        return [self.unscored("down") if "lost" in c else j for c, j in zip(completions, judged, strict=True)]


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> None:
    Flaky.begun, Flaky.end = threading.Event(), threading.Event()
    monkeypatch.setitem(registry._registered, "flaky", Flaky)


def info(index: int = 0, split: str = "train") -> dict[str, Any]:
    return {"index": index, "split": split}


def test_past_the_ceiling_every_training_call_raises_and_no_validation_call(flaky: None) -> None:
    options = {"unscored_ceiling": 0.1}
    for i in range(25):
        verl.flaky("t", "lost", "7", info(i), **options)
    for i in range(100):
        assert verl.flaky("t", "lost", "7", info(i, "test"), **options)["unscored"] == 1.0
    with pytest.raises(RuntimeError, match=r"26 of the last 26 samples.*unscored_ceiling.*down"):
        verl.flaky("t", "lost", "7", info(), **options)
    with pytest.raises(RuntimeError, match="unscored_ceiling"):
        verl.flaky("t", "Final Answer: 7", "7", info(), **options)
    assert verl.flaky("t", "Final Answer: 7", "7", info(split="validation"), **options)["acc"] == 1.0


def test_training_and_validation_never_share_a_filler(flaky: None) -> None:
    options = {"unscored_ceiling": 0.9}
    for _ in range(4):
        assert verl.flaky("t", "Final Answer: 7", "7", info(3), **options)["score"] == 1.0
    assert verl.flaky("t", "lost", "7", info(3, "test"), **options)["score"] == 0.0
    assert verl.flaky("t", "lost", "7", info(3), **options)["score"] == 1.0


def test_references_that_nobody_can_read_stop_early_and_name_what_is_there() -> None:
    with pytest.raises(ValueError, match=r"could read none of the first 32 rows.*columns that are there: data_source"):
        for i in range(33):
            verl.teds("t", "x", None, {"index": i, "colour": "red"}, unscored_ceiling=0.3)


@pytest.mark.parametrize(
    ("name", "best", "truth"),
    [
        (
            "unit_tests",
            "<answer>\n```python\ndef add(a, b):\n    return a + b\n```\n</answer>",
            {"inputs": [[1, 2], [3, 4]], "outputs": [3, 7], "fn_name": "add"},
        ),
        (
            "verifier",
            "<step_verification>\n<step>right. \\boxed{CORRECT}</step>\n</step_verification>\n"
            "<final_verification>\\boxed{CORRECT}</final_verification>",
            {"label": True},
        ),
    ],
)
def test_acc_is_an_accuracy_where_the_value_is_more(name: str, best: str, truth: Any) -> None:
    found = getattr(verl, name)("t", best, truth, {})
    assert found["score"] > 1.0
    assert found["acc"] == 1.0
    assert getattr(verl, name)("t", "nothing", truth, {})["acc"] == 0.0


def test_acc_of_a_judge_is_its_share_of_all_points() -> None:
    with ChatServer(reply="B says it best.\n\nB > A\n\nB: 9, A: 4") as server:
        found = verl.group_judge_batch(
            ["t"] * 2,
            ["Salut.", "Bonjour."],
            [""] * 2,
            [{"prompt": "Say hello in French."}] * 2,
            endpoints=server.url,
            model="m",
        )
    assert sorted(row["acc"] for row in found) == [0.4, 0.9]


def test_a_call_that_hangs_keeps_no_other_waiting(flaky: None) -> None:
    slow = threading.Thread(target=lambda: verl.flaky("t", "hang", "7", info()))
    slow.start()
    assert Flaky.begun.wait(20)
    found: list[float] = []

    def call(i: int) -> None:
        found.append(verl.flaky("t", "Final Answer: 7", "7", info(i))["score"])

    callers = [threading.Thread(target=call, args=(i,)) for i in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert found == [1.0] * 16
    assert slow.is_alive(), "the others were done before it"
    Flaky.end.set()
    slow.join(10)


def test_a_coroutine_that_hangs_keeps_no_other_waiting(flaky: None) -> None:
    async def main() -> None:
        slow = asyncio.create_task(verl.flaky_async("t", "hang", "7", info()))
        while not Flaky.begun.is_set():
            await asyncio.sleep(0.001)
        calls = asyncio.gather(*(verl.flaky_async("t", "Final Answer: 7", "7", info(i)) for i in range(64)))
        found = await asyncio.wait_for(calls, 30)
        assert [row["score"] for row in found] == [1.0] * 64
        assert not slow.done()
        Flaky.end.set()
        await slow

    asyncio.run(main())


@pytest.mark.parametrize(
    "option", [{"batch_size": 0}, {"batch_size": 1.5}, {"batch_window_s": 0}, {"batch_window_s": "x"}]
)
def test_window_and_size_of_the_micro_batches_are_options(option: dict[str, Any]) -> None:
    assert verl.teds("t", "x", "<table></table>", {}, batch_size=2, batch_window_s=0.2)["unscored"] == 0.0
    with pytest.raises(ValueError, match="batch_"):
        verl.teds("t", "x", "<table></table>", {}, **option)


def test_a_wrong_option_is_told_while_verl_loads_the_function() -> None:
    def get_custom_reward_fn(reward_fn_config: Any) -> Any:  # the name by which verl's loader is known
        return getattr(verl, reward_fn_config["name"])

    with pytest.raises(ValueError, match="did you mean 'metric'"):
        get_custom_reward_fn({"name": "table_bench", "path": "x", "reward_kwargs": {"metrik": "em"}})
    with pytest.raises(ValueError, match="unknown reward 'tedds'"):
        get_custom_reward_fn({"name": "route", "path": "x", "reward_kwargs": {"routes": {"a": "tedds"}}})
    assert get_custom_reward_fn({"name": "table_bench", "path": "x"}) is verl.table_bench


def test_main_eval_which_passes_no_extra_info_gets_all_it_needs_from_a_mapping() -> None:
    truth = {"answer": "100", "qtype": "DataAnalysis", "qsubtype": "CorrelationAnalysis"}
    assert verl.table_bench_float("t", "Final Answer: 104", truth) == 1.0
    assert verl.table_bench_float("t", "Final Answer: 104", "100") == 0.0
