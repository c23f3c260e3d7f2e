"""What docs/trl.md says of TRL, in the newest TRL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_two_grpo_steps_with_two_reward_functions(
    program: Callable[..., Any], tmp_path: Path, tiny_model: Path
) -> None:
    told = program("trl_steps.py", tiny_model, tmp_path)
    steps, columns = told["log"], told["columns"]
    assert len(steps) == 2
    assert all(step["rewards/table_bench/mean"] == 0.0 for step in steps)
    assert all(step["rewards/answered/mean"] == 1.0 for step in steps)
    assert {"answer", "trainer_state", "log_metric"} <= set(columns)
    assert all(step["table_rewards/table_bench/unparsed"] == 1.0 for step in steps)
    assert all(step["table_rewards/answered/unscored"] == 0.0 for step in steps)


def test_two_tasks_in_one_data_set_go_through_and_fill_no_metric_of_the_other(
    program: Callable[..., Any], tmp_path: Path, tiny_model: Path
) -> None:
    """Far more than a ceiling's worth of samples are not for one of the two rewards."""
    log = program("trl_tasks.py", tiny_model, tmp_path)
    steps = [row for row in log if "reward" in row]
    assert len(steps) == 30
    assert all(step["reward"] == 1.0 for step in steps), "None contributes nothing"
    assert any("eval_reward" in row for row in log), "a validation set without the column is evaluated"
    told = [step.get("table_rewards/answered/unscored", 0.0) for step in steps]
    assert told == [0.0] * 30, "not for this reward is no failure"


def test_a_column_that_no_reward_reads_stops_the_first_batch_and_is_named(
    program: Callable[..., Any], tmp_path: Path, tiny_model: Path
) -> None:
    told = program("trl_tasks.py", tiny_model, tmp_path, "wrong", fails=True)
    assert "could read none of the first 4 rows" in told
    assert "columns that are there: anwser, prompt, table" in told
