"""What docs/trl.md says of TRL, in the newest TRL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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


def test_an_evaluation_never_raises_and_its_fillers_are_its_own(
    program: Callable[..., Any], tmp_path: Path, tiny_model: Path
) -> None:
    told = program("trl_evaluation.py", tiny_model, tmp_path)
    steps = [row for row in told["log"] if "reward" in row]
    assert [row["rewards/answered/mean"] for row in steps] == [1.0] * 4, "training goes on after each evaluation"
    evaluated = [row for row in told["log"] if "eval_reward" in row]
    assert [row["eval_table_rewards/answered/unscored"] for row in evaluated] == [1.0] * 4
    assert [row["eval_rewards/answered/mean"] for row in evaluated] == [0.0] * 4, "not the training's mean"
    assert all(note == "unscored: endpoint down" for note in told["notes"]["answered/note"][-8:])
    first, second = told["lines"]
    assert first.startswith("table_rewards: table_bench: table_bench:metric=auto,")
    assert first.endswith("options: unscored_ceiling=0.0 (argument)")
    assert second.endswith("options: metric=em (argument)")


def test_past_the_ceiling_the_run_stops(program: Callable[..., Any], tmp_path: Path, tiny_model: Path) -> None:
    told = program("trl_evaluation.py", tiny_model, tmp_path, "training", fails=True)
    assert "could not be scored, more than 0% of 256 (unscored_ceiling); last reasons: endpoint down" in told


def test_judges_need_the_prompt_alone_and_coroutines_wait_at_the_same_time(
    program: Callable[..., Any], tmp_path: Path, tiny_model: Path
) -> None:
    (step,) = program("trl_judges.py", tiny_model, tmp_path)
    assert step["rewards/step_verifier/mean"] == 1.0
    assert step["rewards/group_judge/std"] > 0.0
    for name in ("group_judge", "step_verifier", "one", "other"):
        assert step[f"table_rewards/{name}/unscored"] == 0.0, name
    assert step["rewards/one/mean"] == step["rewards/other/mean"] == 1.0


@pytest.fixture(scope="module")
def unscored(program: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Any:
    return program("trl_unscored.py", tiny_model, tmp_path_factory.mktemp("unscored"))


@pytest.mark.parametrize("case", ["neutral of 1", "neutral of 2"])
def test_an_unscored_sample_gets_its_groups_mean_hence_advantage_0(unscored: Any, case: str) -> None:
    right, lost, wrong, other = unscored[case]["advantages"]
    assert lost == pytest.approx(0.0, abs=1e-4)
    assert right > 1.0 > 0.0 > wrong == pytest.approx(other)
    assert unscored[case]["log"]["table_rewards/lost/unscored"] == 0.25


def test_none_of_a_lone_function_is_left_out_by_trl_and_among_several_counts_as_0(unscored: Any) -> None:
    """The table of docs/trl.md, for 1.6 and later."""
    right, lost, wrong, _ = unscored["none of 1"]["advantages"]
    assert lost == pytest.approx(0.0, abs=1e-4)
    assert right > 0.0 > wrong
    right, lost, wrong, other = unscored["none of 2"]["advantages"]
    assert lost == pytest.approx(wrong) == pytest.approx(other), "no better than a wrong answer"
    assert right > 0.0 > lost
    right, lost, wrong, _ = unscored["none of 2, normalised first"]
    assert lost == pytest.approx(0.0, abs=1e-4)
    assert right > 0.0 > wrong


def test_rloo_with_a_coroutine_and_two_uses_of_one_reward(unscored: Any) -> None:
    assert unscored["keeps_columns"], "remove_unused_columns"
    assert unscored["rloo"]["rewards/table_bench/mean"] == 0.0
    assert unscored["rloo"]["rewards/em/mean"] == 0.0


def test_the_command_line_takes_a_reward_by_its_path(tmp_path: Path, tiny_model: Path) -> None:
    """`trl grpo --reward_funcs table_rewards.frameworks.trl.table_bench`, a step of it."""
    data = tmp_path / "data"
    data.mkdir()
    row = {"prompt": [{"role": "user", "content": "How many?"}], "answer": "7"}
    (data / "train.jsonl").write_text("\n".join([json.dumps(row)] * 4), "utf-8")
    words = ["--model_name_or_path", tiny_model, "--dataset_name", data, "--output_dir", tmp_path / "out"]
    words += ["--reward_funcs", "table_rewards.frameworks.trl.table_bench", "--max_steps", "1", "--logging_steps", "1"]
    words += ["--per_device_train_batch_size", "4", "--num_generations", "4", "--max_completion_length", "4"]
    words += ["--report_to", "none", "--use_cpu", "True", "--bf16", "False", "--dtype", "float32"]
    done = subprocess.run(
        [sys.executable, "-m", "trl.scripts.grpo", *map(str, words)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "rewards/table_bench/mean" in done.stdout
