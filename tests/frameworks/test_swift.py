"""The swift plug-in, without swift: classes that every version can build and call."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from table_rewards import ConfigurationError, TableBench, UnknownName
from table_rewards.core import registry
from table_rewards.frameworks import swift


class OldORM:
    """ms-swift 3.x: no constructor of its own, parameters filled from the training arguments by name."""

    def __call__(self, **kwargs: Any) -> list[float]:
        raise NotImplementedError


class NewORM(OldORM):
    """ms-swift 4.x."""

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        self.args = args


COLUMNS = {"solution": ["7", "7"], "qtype": ["FactChecking"] * 2, "messages": [[{"role": "user", "content": "q"}]] * 2}


@pytest.mark.parametrize("base", [OldORM, NewORM])
def test_every_reward_is_registered_under_a_class_name_of_its_own(base: type[Any]) -> None:
    orms: dict[str, Any] = {}
    names = swift.register(orms, base)
    assert set(registry.BUILTIN) <= set(names) == set(orms)
    assert {"TEDS", "QA_F1_score"} & set(names)
    class_names = [cls.__name__ for cls in orms.values()]
    assert len(set(class_names)) == len(class_names), "two names of one class share a metric in swift"
    assert all(issubclass(cls, base) for cls in orms.values())


def test_a_reward_that_is_registered_after_the_plugin_is_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own file may stand behind ours in --external_plugins."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_watchers", [])
    orms: dict[str, Any] = {}
    swift.register(orms, NewORM)

    class Late(TableBench):
        name = "late_comer"

    registry.register(Late)
    assert orms["late_comer"].__name__ == "LateComer"
    assert orms["late_comer"]()(["Final Answer: 7", "x"], **COLUMNS) == [1.0, 0.0]


def test_a_column_that_is_empty_in_all_rows_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """It may be a data set of several tasks, so training goes on; but such a reward trains nobody."""
    reward = swift.make("table_bench", "TableBench", {})()
    for _ in range(12):
        assert reward(["x"] * 32, solution=[None] * 32) == [None] * 32
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("table_bench: none of the first 256 rows is for this reward: ")


def test_swift_3_finds_no_parameter_to_fill() -> None:
    import inspect

    parameters = inspect.signature(swift.make("table_bench", "X", {}).__init__).parameters
    assert [p for p in parameters if p not in ("self", "args", "kwargs")] == []


def test_a_batch_gives_one_plain_float_a_completion() -> None:
    found = swift.make("table_bench", "TableBench", {})()(["Final Answer: 7", "x"], trainer_state=None, **COLUMNS)
    assert found == [1.0, 0.0]
    assert all(type(value) is float for value in found)


def test_the_step_comes_from_the_trainer_state() -> None:
    reward = swift.make("table_region", "TableRegion", {})()
    row = {"answer": ["7"], "gold_area": ['{"columns": [], "rows": []}'], "instruction_type": ["DP"]}
    late = reward(["Final Answer: 7"], trainer_state=SimpleNamespace(global_step=1200), **row)
    assert late == [pytest.approx(1 - 0.3 * math.exp(-0.0915 * 12))]


def test_a_batch_of_one_and_the_template_prefix_work() -> None:
    reward = swift.make("table_bench", "TableBench", {})()
    assert reward(["<think>\n\n</think>\n\nFinal Answer: 7"], solution=["7"]) == [1.0]


def test_columns_padded_with_none_are_not_for_this_reward_and_never_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_REWARDS_UNSCORED_CEILING", "0.5")
    reward = swift.make("table_bench", "TableBench", {})()
    messages = [[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]] * 3
    found = reward(["Final Answer: 7", "Final Answer: 8", "x"], solution=["7", "7", None], messages=messages)
    assert found == [1.0, 0.0, None], "swift leaves None out of its weighted sum"
    assert reward(["x"] * 200, solution=[None] * 200) == [None] * 200


def test_references_that_cannot_be_read_stop_training_at_the_ceiling_for_good() -> None:
    reward = swift.make("teds", "Teds", {})()
    columns = {"solution": ["<table><tr><td>1</td></tr></table>", 7]}
    found = reward(["<table><tr><td>1</td></tr></table>"] * 2, **columns)
    assert found == [1.0, 1.0], "the mean of all scored ones"
    with pytest.raises(RuntimeError, match="unscored_ceiling"):
        reward(["x"] * 200, solution=[7] * 200)
    with pytest.raises(RuntimeError, match="unscored_ceiling"):
        reward(["x"], solution=["<table><tr><td>1</td></tr></table>"])


def test_no_column_at_all_is_a_mistake_in_the_data_set() -> None:
    """swift passes its own columns whatever the data set has."""
    reward = swift.make("table_bench", "TableBench", {})()
    with pytest.raises(
        ConfigurationError, match=r"none of the first 2 rows.*columns that are there: messages, prompt_id"
    ):
        reward(["x"] * 2, trainer_state=None, messages=[[{"role": "user", "content": "q"}]] * 2, prompt_id=["a", "b"])


def test_shared_column_values_are_not_changed() -> None:
    import copy

    columns = {"qa_pairs": [[{"question": "q", "answer": "a"}]], "solution": ["7"]}
    before = copy.deepcopy(columns)
    swift.make("table_bench", "TableBench", {})()(["Final Answer: 7"], **columns)
    assert columns == before


def test_options_come_from_toml_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "rewards.toml"
    config.write_text('[adapter]\nunscored = "raise"\n[table_bench]\nmetric = "em"\n')
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    made = swift.make("table_bench", "TableBench", {})()
    assert made.chosen.reward.metric == "em"
    assert made.chosen.policy.rule == "raise"
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIC", "rouge_l")
    assert swift.make("table_bench", "TableBench", {})().chosen.reward.metric == "rouge_l"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[table_bench]\nmetrik = 'em'\n", UnknownName, "metrik"),
        ("table_bench = 3\n", ConfigurationError, "must be a table"),
        ("[broken", ConfigurationError, "not TOML"),
        (None, ConfigurationError, "cannot be read"),
    ],
)
def test_a_wrong_config_is_told_when_the_reward_is_built(
    text: str | None, error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "rewards.toml"
    if text is not None:
        config.write_text(text)
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(config))
    with pytest.raises(error, match=message):
        swift.make("table_bench", "TableBench", {})()
