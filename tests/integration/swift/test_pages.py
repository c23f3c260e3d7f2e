"""What docs/swift.md and docs/contract.md say of swift, and is shown by no other test of this suite."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from swift_harness import TrainingFailed, read_lines, run_grpo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FAILING = Path(__file__).parents[1] / "support/failing_reward.py"
RIGHT, WRONG, LOST = "Final Answer: 7", "Final Answer: 8", "Final Answer: 7 lost"
TABLE = "<table><tr><td>1</td></tr></table>"
NAMES = ("Failing", "Teds")


def turn(text: str, scripted: list[str], **row: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "scripted": scripted, **row}


def _asks(row: dict[str, Any], prompt: str) -> bool:
    return str(row["messages"][0]["content"]) in prompt


def test_a_weighted_sum_over_rows_of_two_tasks_of_none_and_of_an_outage(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    """Our plugin before the user's own file, whose reward is registered later; a line a reward at the start."""
    scripted = [RIGHT, WRONG, TABLE, TABLE]
    rows = [
        turn("answer", scripted, answer="7", table=None),
        turn("table", scripted, answer=None, table=TABLE),
        turn("neither", scripted, answer=None, table=None),
        turn("outage", [RIGHT, LOST, WRONG, WRONG], answer="7", table=None),
    ]
    training = run_grpo(
        tmp_path,
        rows,
        [scripted_rollout, adapter_file, FAILING],
        ["failing", "teds"],
        model=tiny_model,
        steps=4,
        extra=["--reward_weights", "0.3", "2.0"],
        env={"TABLE_REWARDS_FAILING_METRIC": "em"},
    )
    found = {}  # swift shuffles the rows
    for step, logged in zip(training.steps, training.completions, strict=True):
        task = next(row["messages"][0]["content"] for row in rows if _asks(row, logged["prompt"][0]))
        columns = [[None if value is None or math.isnan(value) else value for value in logged[name]] for name in NAMES]
        found[task] = (step["reward"], *columns)
        assert task != "neither" or logged["advantages"] == [0.0] * 4
        assert task != "outage" or logged["advantages"][1] == pytest.approx(0.0, abs=1e-4)
    assert found == {
        "answer": (pytest.approx(0.3 / 4, abs=1e-4), [1.0, 0.0, 0.0, 0.0], [None] * 4),
        "table": (pytest.approx(2.0 * 2 / 4, abs=1e-4), [None] * 4, [0.0, 0.0, 1.0, 1.0]),
        "neither": (0.0, [None] * 4, [None] * 4),
        "outage": (pytest.approx(0.3 / 3, abs=1e-4), pytest.approx([1.0, 1 / 3, 0.0, 0.0]), [None] * 4),
    }
    lines = [line for line in training.output.splitlines() if line.startswith("table_rewards: ")]
    assert len(lines) == 2, lines
    assert any("failing:" in line and "metric=em (TABLE_REWARDS_FAILING_METRIC)" in line for line in lines), lines


def test_an_evaluation_never_raises_and_its_fillers_are_its_own(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    """The scorer is lost in every evaluation, and one unscored training sample would stop the run."""
    rows = [turn(f"train {i}", [RIGHT, WRONG, RIGHT, RIGHT], answer="7") for i in range(4)]
    validation = tmp_path / "validation.jsonl"
    lost = [turn(f"validation {i}", [LOST], answer="7") for i in range(2)]
    validation.write_text("".join(json.dumps(row) + "\n" for row in lost), "utf-8")
    extra = ["--val_dataset", str(validation), "--eval_strategy", "steps", "--eval_steps", "1"]
    run = {
        "plugins": [scripted_rollout, FAILING, adapter_file],
        "rewards": ["failing"],
        "model": tiny_model,
        "extra": [*extra, "--per_device_eval_batch_size", "4"],
        "env": {"TABLE_REWARDS_UNSCORED_CEILING": "0"},
    }
    training = run_grpo(tmp_path / "run", rows, steps=2, **run)  # type: ignore[arg-type]
    assert [step["reward"] for step in training.steps] == pytest.approx([0.75, 0.75])
    logged = read_lines(tmp_path / "run", "logging.jsonl")
    evaluated = [row["eval_reward"] for row in logged if "eval_reward" in row]
    assert evaluated == [0.0, 0.0], "no evaluation has scored a sample, and the training's mean is none of its own"
    assert "could not be scored" not in training.output
    with pytest.raises(TrainingFailed, match="could not be scored"):
        run_grpo(tmp_path / "stopped", [turn("train", [RIGHT, LOST], answer="7")] * 4, steps=2, **run)  # type: ignore[arg-type]


def test_a_wrong_option_stops_before_the_first_rollout(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    rows = [turn("train", [RIGHT], answer="7")] * 4
    file = tmp_path / "rewards.toml"
    file.write_text('[table_bench]\nmetrik = "em"\n', "utf-8")
    with pytest.raises(TrainingFailed, match="did you mean 'metric'") as failed:
        run_grpo(
            tmp_path / "run",
            rows,
            [scripted_rollout, adapter_file],
            ["table_bench"],
            model=tiny_model,
            env={"TABLE_REWARDS_CONFIG": str(file)},
        )
    assert "_generate_completions" not in str(failed.value)
    assert not list(tmp_path.rglob("completions.jsonl"))
