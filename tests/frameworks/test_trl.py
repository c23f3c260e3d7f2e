"""The TRL plug-in, without TRL: called as its trainers call it, from 0.24 to 1.16."""

from __future__ import annotations

import asyncio
import inspect
import math
import pickle
import sys
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from table_rewards import TEDS, ConfigurationError, TableBench, UnknownName, WeightedSum
from table_rewards.core import registry
from table_rewards.frameworks import trl
from table_rewards.testing.chat_server import ChatServer

TABLE = "<table><tr><td>1</td></tr></table>"
CHAT = [[{"role": "user", "content": "How many people live in Oslo?"}]]


class Trainer:
    """What a TRL trainer does with its reward functions, in its own order and with its own keywords."""

    def __init__(self, *functions: Any, logs: bool = True) -> None:
        self.functions = functions
        self.names = [function.__name__ for function in functions]  # 0.24 to 1.11 ask for it; later ones fall back
        self.state = SimpleNamespace(global_step=0)
        self.metrics: dict[str, list[float]] = defaultdict(list)
        self.extra: dict[str, list[Any]] = defaultdict(list)
        self.logs = logs

    def rewards(self, inputs: list[dict[str, Any]], completions: list[Any]) -> list[list[float]]:
        prompts = [example["prompt"] for example in inputs]
        keys = [key for key in inputs[0] if key not in ("prompt", "completion", "completion_ids")]
        columns: dict[str, Any] = {key: [example[key] for example in inputs] for key in keys}
        columns["trainer_state"] = self.state
        if self.logs:
            columns["log_extra"] = lambda column, values: self.extra[column].extend(values)
            columns["log_metric"] = lambda name, value: self.metrics[name].append(value)
        given = {"prompts": prompts, "completions": completions, "completion_ids": [[1, 2]] * len(prompts)}
        found = []
        for function in self.functions:
            assert asks_the_object(function) == asks_the_call(function), "TRL's versions must agree on what it is"
            output = function(**given, **columns)
            if asks_the_object(function):
                output = asyncio.run(output)
            output = [value if value is not None else math.nan for value in output]
            assert len(output) == len(prompts)
            found.append(output)
        return found


def asks_the_object(function: Callable[..., Any]) -> bool:
    """0.28 to 1.11."""
    return asyncio.iscoroutinefunction(function)


def asks_the_call(function: Callable[..., Any]) -> bool:
    """Since 1.12."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(function.__call__)


def rows(n: int = 2, **columns: Any) -> list[dict[str, Any]]:
    return [{"prompt": CHAT[0], "answer": "7", **columns} for _ in range(n)]


def said(*texts: str) -> list[Any]:
    return [[{"role": "assistant", "content": text}] for text in texts]


@pytest.mark.parametrize("completions", [said("Final Answer: 7", "x"), ["Final Answer: 7", "x"]], ids=["chat", "text"])
def test_a_batch_gives_one_plain_float_a_completion(completions: list[Any]) -> None:
    (found,) = Trainer(trl.reward("table_bench")).rewards(rows(), completions)
    assert found == [1.0, 0.0]
    assert all(type(value) is float for value in found)


def test_every_reward_has_its_name_in_trls_logs_and_on_its_command_line() -> None:
    with ChatServer(reply="") as server:
        for name in registry.BUILTIN:
            options = {"endpoints": server.url} if "endpoints" in registry.find(name).option_names() else {}
            assert trl.reward(name, **options).__name__ == name
    module = sys.modules["table_rewards.frameworks.trl"]  # as `trl grpo --reward_funcs` resolves a dotted path
    assert module.table_bench.__name__ == module.table_bench_async.__name__ == "table_bench"
    assert module.table_bench is module.table_bench
    with pytest.raises(AttributeError, match=r"table_brench.*rewards: .*table_bench"):
        _ = module.table_brench


def test_labels_tell_two_uses_of_one_reward_apart() -> None:
    trainer = Trainer(trl.reward("table_bench", metric="em", label="exact"), trl.reward("table_bench"))
    trainer.rewards(rows(), said("Final Answer: 7", "Final Answer: 8"))
    assert trainer.names == ["exact", "table_bench"]
    assert {name.split("/")[1] for name in trainer.metrics} == {"exact", "table_bench"}


def test_the_step_comes_from_the_trainer_state() -> None:
    trainer = Trainer(trl.reward("table_region"))
    trainer.state.global_step = 1200
    row = rows(1, gold_area='{"columns": [], "rows": []}', instruction_type="DP")
    assert trainer.rewards(row, said("Final Answer: 7")) == [[pytest.approx(1 - 0.3 * math.exp(-0.0915 * 12))]]


def test_parts_and_shares_reach_log_metric_and_reasons_the_table_of_completions() -> None:
    trainer = Trainer(trl.reward(Failing(), label="table_bench"))
    trainer.rewards(rows(4), said("Final Answer: 7", "Final Answer: 8", "?", "fail"))
    assert trainer.metrics["table_rewards/table_bench/em"] == [pytest.approx(1 / 3)]
    assert trainer.metrics["table_rewards/table_bench/unparsed"] == [0.25]
    assert trainer.metrics["table_rewards/table_bench/unscored"] == [0.25]
    right, wrong, unparsed, unscored = trainer.extra["table_bench/note"]
    assert right == wrong == ""
    assert unparsed == "unparsed: no 'Final Answer:' line"
    assert unscored == "unscored: lost"


def test_trls_without_log_functions_get_the_same_rewards() -> None:
    function = trl.reward("table_bench")
    batch, completions = rows(), said("Final Answer: 7", "?")
    assert Trainer(function, logs=False).rewards(batch, completions) == Trainer(function).rewards(batch, completions)


def test_a_failed_scorer_is_the_mean_of_its_own_prompt_since_trl_sums_none_as_zero() -> None:
    batch = [*rows(3), *({"prompt": "another", "answer": "7"} for _ in range(3))]
    texts = ["Final Answer: 7", "Final Answer: 8", "fail", "Final Answer: 7", "Final Answer: 7", "fail"]
    (found,) = Trainer(trl.reward(Failing())).rewards(batch, said(*texts))
    assert found == [1.0, 0.0, 0.5, 1.0, 1.0, 1.0]


def test_none_is_what_trl_gets_when_it_is_asked_for() -> None:
    (found,) = Trainer(trl.reward(Failing(), unscored="none")).rewards(rows(), said("Final Answer: 7", "fail"))
    assert found[0] == 1.0
    assert math.isnan(found[1]), "TRL turns None into NaN"
    assert trl.reward(Failing(), unscored="none")(["fail"], answer=["7"]) == [None]


@pytest.mark.parametrize("unscored", ["neutral", "none"])
def test_training_stops_when_too_many_samples_are_unscored(unscored: str) -> None:
    function = trl.reward(Failing(), unscored=unscored)
    with pytest.raises(RuntimeError, match="unscored_ceiling"):
        function(["fail"] * 60, answer=["7"] * 60)


def test_images_that_are_loaded_anew_do_not_part_a_prompt() -> None:
    batch = [{**row, "images": [object()]} for row in rows(3)]
    (found,) = Trainer(trl.reward(Failing())).rewards(batch, said("Final Answer: 7", "Final Answer: 8", "fail"))
    assert found[2] == 0.5


def test_no_column_is_a_mistake_in_the_data_set_unless_the_prompt_is_enough() -> None:
    with pytest.raises(ConfigurationError, match=r"table_bench could read none.*'answer'.*there: prompt"):
        Trainer(trl.reward("table_bench")).rewards([{"prompt": CHAT[0]}], said("Final Answer: 7"))
    with ChatServer(reply="B says it best.\n\nB > A\n\nB: 9, A: 4") as server:
        judge = trl.reward("group_judge", endpoints=server.url, model="m", scale=1.0)
        (found,) = Trainer(judge).rewards([{"prompt": CHAT[0]}] * 2, said("Salut.", "Bonjour."))
    assert sorted(found) == [4.0, 9.0]


def test_functions_that_wait_wait_together_and_give_the_same() -> None:
    pairs = [{"question": "How many people live in Oslo?", "answer": "709037"}]
    table = "<fcel>City<fcel>People<nl>\n<fcel>Oslo<fcel>709037<nl>\n"
    with ChatServer(reply="<answer>709037</answer>") as server:
        options = {"endpoints": server.url, "model": "m", "deadline_s": 20}
        waiting = trl.reward("qa_f1", asynchronous=True, **options)
        assert asks_the_object(waiting)
        assert not asks_the_object(trl.reward("qa_f1", **options))
        batch = [{"prompt": CHAT[0], "qa_pairs": pairs}] * 2
        expected = Trainer(trl.reward("qa_f1", **options)).rewards(batch, said(table, "none"))
        assert Trainer(waiting).rewards(batch, said(table, "none")) == expected == [[1.0, 0.0]]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_functions_travel_to_a_rollout_worker(asynchronous: bool) -> None:
    made = trl.reward("table_bench", metric="em", label="exact", asynchronous=asynchronous)
    there = pickle.loads(pickle.dumps(made))
    assert (there.__name__, there.reward.signature, asks_the_object(there)) == (
        "exact",
        made.reward.signature,
        asynchronous,
    )


def test_a_reward_that_is_made_is_taken_as_it_is() -> None:
    both = trl.reward(
        WeightedSum({"bench": TableBench(), "teds": TEDS()}, weights={"bench": 0.5, "teds": 0.5}),
        label="mix",
        unscored="raise",
    )
    assert both.__name__ == "mix"
    assert trl.reward(TEDS(structure_only=True))([TABLE], table=[TABLE]) == [1.0]
    with pytest.raises(ConfigurationError, match="metric comes too late"):
        trl.reward(TableBench(), metric="em")


@pytest.mark.parametrize(
    ("which", "options", "error", "message"),
    [
        ("table_brench", {}, UnknownName, "did you mean 'table_bench'"),
        ("table_bench", {"metrik": "em"}, UnknownName, "did you mean 'metric'"),
        ("table_bench", {"unscored": "skip"}, ConfigurationError, "unscored must be"),
    ],
)
def test_a_mistake_is_told_before_the_model_is_loaded(
    which: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        trl.reward(which, **options)


def test_the_environment_sets_options_and_what_is_written_in_the_script_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIC", "em")
    assert trl.reward("table_bench").reward.metric == "em"  # type: ignore[attr-defined]
    assert trl.reward("table_bench", metric="rouge_l").reward.metric == "rouge_l"  # type: ignore[attr-defined]


def test_values_that_other_rewards_share_are_not_changed() -> None:
    import copy

    columns = {"qa_pairs": [[{"question": "q", "answer": "a"}]], "answer": ["7"]}
    before = copy.deepcopy(columns)
    trl.reward("table_bench")(["Final Answer: 7"], prompts=CHAT, **columns)
    assert columns == before


class Failing(TableBench):
    """TableBench whose scorer is lost on completions that say so."""

    name = "failing"

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        judged = super().judge_all(completions, references, step)
        pairs = zip(completions, judged, strict=True)
        return [self.unscored("lost") if "fail" in text else judgement for text, judgement in pairs]
