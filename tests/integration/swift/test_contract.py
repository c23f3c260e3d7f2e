"""Our reward classes as the trainer finds, builds and calls them, without training."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from real_rows import Sample, samples_of
from swift_harness import reward_columns

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
    assert set(REWARDS) <= set(ours)
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
