"""Our reward classes as the trainer finds, builds and calls them, without training."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from real_rows import Sample, samples_of
from swift_harness import reward_columns

from table_rewards import names

pytestmark = pytest.mark.slow

REWARDS = ["table_bench", "table_region"]


def columns(sample: Sample) -> dict[str, Any]:
    """A swift dataset row of a sample: the prompt and flat columns."""
    truth = sample.ground_truth if isinstance(sample.ground_truth, dict) else {"answer": sample.ground_truth}
    return {"messages": [{"role": "user", "content": sample.question}], **truth, **sample.extra_info}


@pytest.mark.parametrize("name", REWARDS)
def test_registered_class_is_built_and_called_like_any_other(name: str, orms: dict[str, Any]) -> None:
    reward = orms[name](args=None)
    samples = samples_of(name)
    scores = reward_columns([s.completion for s in samples], [reward], [columns(s) for s in samples])
    assert scores.shape == (len(samples), 1)
    values = scores[:, 0].tolist()
    right = [v for s, v in zip(samples, values, strict=True) if s.correct is True]
    wrong = [v for s, v in zip(samples, values, strict=True) if s.correct is False]
    assert min(len(right), len(wrong)) >= 3
    assert min(right) > max(wrong), (right, wrong)


@pytest.mark.parametrize("name", REWARDS)
def test_constructor_takes_nothing_that_training_arguments_have(name: str, orms: dict[str, Any]) -> None:
    """3.x fills constructor parameters by name from the training arguments (`temperature`, `seed`, `model`...)."""
    parameters = set(inspect.signature(orms[name].__init__).parameters)
    assert parameters <= {"self", "args", "kwargs"}


def test_every_registered_name_has_a_class_name_of_its_own(orms: dict[str, Any]) -> None:
    """The class name is the metric's name: two of a name overwrite each other's curve."""
    ours = {name: factory for name, factory in orms.items() if "table_rewards" in getattr(factory, "__module__", "")}
    assert {*names(), "TEDS", "QA_F1_score"} <= set(ours)
    metric_names = [factory.__name__ for factory in orms.values()]
    assert len(set(metric_names)) == len(metric_names), metric_names


@pytest.mark.parametrize("name", REWARDS)
def test_rewards_share_rows_without_touching_them(name: str, orms: dict[str, Any]) -> None:
    """The values in kwargs are shared with every later reward: the same call twice in one batch must agree."""
    reward = orms[name](args=None)
    samples = samples_of(name)[:4]
    scores = reward_columns([s.completion for s in samples], [reward, reward], [columns(s) for s in samples])
    assert scores[:, 0].tolist() == scores[:, 1].tolist()


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize(
    "completion",
    ["", "\x00\ufffd" * 40, "نص " * 50, "x" * 1_000_000],
    ids=["empty", "binary", "right-to-left", "megabyte"],
)
def test_one_hostile_completion_does_not_change_its_neighbours(
    name: str, completion: str, orms: dict[str, Any]
) -> None:
    reward = orms[name](args=None)
    samples = samples_of(name)[:3]
    rows = [columns(s) for s in samples]
    clean = reward_columns([s.completion for s in samples], [reward], rows)[:, 0].tolist()
    mixed = reward_columns([completion, *(s.completion for s in samples)], [reward], [rows[0], *rows])[:, 0].tolist()
    assert mixed[1:] == clean
    assert mixed[0] == mixed[0], "never NaN"


@pytest.mark.parametrize("name", REWARDS)
def test_a_single_completion_gives_a_list_of_one(name: str, orms: dict[str, Any]) -> None:
    """Evaluation often calls with one row; a list of another length than one would be broadcast or raise."""
    sample = samples_of(name)[0]
    reward = orms[name](args=None)
    values = reward([sample.completion], **{key: [value] for key, value in columns(sample).items()})
    assert isinstance(values, list)
    assert len(values) == 1
    assert values[0] is None or type(values[0]) is float


TABLE = "<table><tr><td>1</td></tr></table>"


def turn(text: str, **row: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **row}


def test_rows_of_another_task_are_left_out_of_the_sum_and_never_stop_the_run(orms: dict[str, Any]) -> None:
    rewards = [orms["table_bench"](args=None), orms["teds"](args=None)]
    rows = [
        turn(f"q{i}", answer="7", table=None) if i % 2 else turn(f"q{i}", answer=None, table=TABLE) for i in range(8)
    ]
    texts = ["Final Answer: 7" if i % 2 else TABLE for i in range(8)]
    for _ in range(40):  # far more than a ceiling's worth
        scores = reward_columns(texts, rewards, rows)
    assert scores.nansum(dim=1).tolist() == [1.0] * 8, "swift's own sum leaves None out"
    assert scores.isnan().sum(dim=0).tolist() == [4, 4]


def test_a_data_set_without_the_rewards_column_stops_at_the_first_batch(orms: dict[str, Any]) -> None:
    """swift passes columns of its own, so that there is always one."""
    with pytest.raises(Exception, match=r"could read none of the first 4 rows.*columns that are there: .*anwser"):
        reward_columns(["Final Answer: 7"] * 4, [orms["table_bench"](args=None)], [turn("q", anwser="7")] * 4)


def test_trivias_validation_rows_with_a_table_and_no_questions(
    orms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_REWARDS_QA_F1_READER", "extractive")
    rewards = [orms["QA_F1_score"](args=None), orms["TEDS"](args=None)]
    training = turn("q", solution=TABLE, qa_pairs='[{"question": "What?", "answer": "1"}]')
    reward_columns([TABLE] * 2, rewards, [training] * 2)
    scores = reward_columns([TABLE] * 2, rewards, [turn("q", solution=TABLE)] * 2)
    assert scores[:, 1].tolist() == [1.0, 1.0]
    assert scores[:, 0].isnan().all()


def test_a_variable_of_nobody_stops_when_swift_builds_the_reward(
    orms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIK", "em")
    with pytest.raises(ValueError, match="did you mean TABLE_REWARDS_TABLE_BENCH_METRIC"):
        orms["table_bench"](args=None)
