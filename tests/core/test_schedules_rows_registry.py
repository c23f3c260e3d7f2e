"""Schedules, dataset rows, the registry and composition."""

from __future__ import annotations

import math
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards import (
    Clip,
    ConfigurationError,
    Cosine,
    Exponential,
    Gate,
    Judgement,
    Linear,
    Reward,
    TableBench,
    UnknownName,
    WeightedSum,
    create,
    find,
    names,
    register,
)
from table_rewards.core import registry
from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row
from table_rewards.core.schedules import as_schedule


class Down(TableBench):
    """A reward whose scorer is always down."""

    name = "down"

    def judge_all(self, completions: Any, references: Any, step: int | None) -> list[Judgement]:
        return [self.unscored("endpoint down") for _ in completions]


@pytest.mark.parametrize(
    "schedule", [Linear(0.3, 0.1, 100), Cosine(0.3, 0.1, 100), Exponential.reaching(0.3, 0.1, 100)]
)
def test_a_schedule_starts_ends_and_stays(schedule: Any) -> None:
    assert schedule(0) == pytest.approx(0.3)
    assert schedule(100) == pytest.approx(0.1)
    assert schedule(10**9) == pytest.approx(0.1)
    assert schedule(-5) == pytest.approx(0.3)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_schedules_never_rise_on_the_way_down(a: int, b: int) -> None:
    low, high = sorted((a, b))
    for schedule in (Linear(0.3, 0.1, 1200), Cosine(0.3, 0.1, 1200), Exponential(0.3, rate=0.0915, every=100)):
        assert schedule(low) >= schedule(high) - 1e-12


def test_the_papers_decay_moves_every_hundred_steps() -> None:
    decay = Exponential(0.3, rate=0.0915, every=100)
    assert decay(599) == decay(500) == pytest.approx(0.3 * math.exp(-0.0915 * 5))


@pytest.mark.parametrize("text", ["linear(0.3)", "quadratic(1,2)", "linear(a,b,c)", True, None, float("nan"), []])
def test_a_schedule_that_cannot_be_read_names_the_option(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="weight"):
        as_schedule("weight", text)


def test_rows_are_read_where_each_framework_keeps_them() -> None:
    verl = Row({"data_source": "t", "ground_truth": {"answer": np.str_("7")}, "extra_info": {"rows": np.array([1, 2])}})
    parquet = Row(
        {"reward_model": {"style": "rule", "ground_truth": '{"answer": "7"}'}, "extra_info": '{"rows": [1, 2]}'}
    )
    swift = Row({"messages": [], "answer": "7", "rows": [1, 2]})
    for row in (verl, parquet, swift):
        assert (row.find("answer"), row.find("rows")) == ("7", [1, 2])


def test_a_scalar_ground_truth_wins_over_an_answer_column() -> None:
    assert Row({"ground_truth": "7", "extra_info": {"answer": "a derivation"}}).answer("answer") == "7"


def test_none_counts_as_missing_and_the_message_offers_the_nearest() -> None:
    with pytest.raises(BadReference, match=r"no 'answer' in the row \(did you mean 'anwser'\?\)"):
        Row({"anwser": "7", "answer": None}).find("answer")


def test_every_builtin_name_resolves_to_a_class_of_that_name() -> None:
    for name in registry.BUILTIN:
        assert find(name).name == name


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"option of table_bench 'metrics' \(did you mean 'metric'\?\)"):
        create("table_bench", metrics="em")


def test_registering_needs_a_free_name() -> None:
    class Taken(TableBench):
        name = "table_bench"

    with pytest.raises(ConfigurationError, match="taken"):
        register(Taken)


def test_a_registered_reward_is_found_and_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    register(Down)
    assert find("down") is Down
    assert "down" in names()


def test_a_file_that_a_trainer_loads_again_takes_its_own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """verl loads the file of a reward under a new module name each time; another file's class stays refused."""
    monkeypatch.setattr(registry, "_registered", {})
    text = """
from table_rewards import TableBench, register

@register
class Mine(TableBench):
    name = "mine"

    def judge(self, completion, reference, step):
        return super().judge(completion, reference, step)
"""
    first, other = tmp_path / "rewards.py", tmp_path / "others.py"
    for file in (first, other):
        file.write_text(text, "utf-8")
    old, new = (runpy.run_path(str(first))["Mine"] for _ in range(2))
    assert old is not new
    assert find("mine") is new
    with pytest.raises(ConfigurationError, match="taken"):
        runpy.run_path(str(other))


def test_a_weighted_sum_follows_its_schedules() -> None:
    mix = WeightedSum(
        {"em": TableBench(metric="em"), "near": TableBench(metric="em_tolerance")},
        weights={"em": Linear(1.0, 0.0, 10), "near": 0.5},
    )
    assert mix(["Final Answer: 104"], ["100"], step=0).values.tolist() == [0.5]
    assert mix(["Final Answer: 100"], ["100"], step=5).values.tolist() == [1.0]
    assert mix(["Final Answer: 100"], ["100"], step=5).parts["em/rouge_l"].tolist() == [1.0]


def test_a_composed_reward_is_unscored_when_a_member_is() -> None:
    members: dict[str, Reward[Any]] = {"answer": TableBench(), "judge": Down()}
    scores = WeightedSum(members, weights={})(["Final Answer: 7"], ["7"])
    assert scores.status.tolist() == ["unscored"]
    assert np.isnan(scores.values).all()
    assert scores.parts["answer"].tolist() == [1.0], "what could be scored is still there"
    assert scores.notes == ["judge: endpoint down"]


def test_gate_and_clip_bound_a_reward() -> None:
    gated = Gate(TableBench(metric="rouge_l"), on=TableBench(metric="em"), threshold=1.0, closed=-1.0)
    assert gated(["Final Answer: 8", "Final Answer: 7"], ["7", "7"]).values.tolist() == [-1.0, 1.0]
    assert Clip(TableBench(), low=0.25, high=0.75)(["Final Answer: 7", "?"], ["7", "7"]).values.tolist() == [0.75, 0.25]


def test_composition_refuses_what_is_no_reward() -> None:
    with pytest.raises(ConfigurationError, match="not a reward"):
        WeightedSum({"x": lambda c: c}, weights={})  # type: ignore[dict-item]
    with pytest.raises(UnknownName, match="weight"):
        WeightedSum({"x": TableBench()}, weights={"y": 1.0})
    with pytest.raises(ConfigurationError, match="low <= high"):
        Clip(TableBench(), low=1, high=0)


def test_importing_the_package_brings_no_framework_and_little_else() -> None:
    heavy = ["torch", "pyarrow", "matplotlib", "pandas", "verl", "swift", "httpx", "numpy", "lxml", "ray"]
    code = f"import sys, table_rewards; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_public_can_be_imported() -> None:
    import table_rewards

    for name in table_rewards.__all__:
        assert getattr(table_rewards, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        table_rewards.Nothing  # noqa: B018


@pytest.mark.parametrize("gold", ["{}", '{"a": 1}', '{"1": {"b": null}}'])
def test_a_gold_answer_that_is_the_text_of_a_json_object_is_a_gold_answer(gold):
    """CRUXEval has 16: unscored offline and scored in verl."""
    for row in (
        {"ground_truth": gold},
        {"reward_model": {"ground_truth": gold}},
        {"reward_model": {"ground_truth": gold}, "extra_info": {"answer": "a derivation"}},
    ):
        assert Row(row).answer("answer", "solution") == gold
    assert Row({"ground_truth": '{"answer": "7", "qtype": "x"}'}).answer("answer") == "7"
    assert Row({"ground_truth": {"answer": "7"}}).answer("answer") == "7"
    assert Row({"ground_truth": '{"solution": "7"}'}).answer("answer", "solution") == "7"
