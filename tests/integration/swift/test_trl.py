"""Real TRL steps on a CPU: ms-swift brings TRL along (0.24, 0.29), and our functions go to its own trainer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SUPPORT = Path(__file__).parents[1] / "support"


def told_by(program: str, tmp_path: Path, tiny_model: Path) -> Any:
    done = subprocess.run(
        [sys.executable, SUPPORT / program, tiny_model, tmp_path],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_grpo_steps_with_two_reward_functions(tmp_path: Path, tiny_model: Path) -> None:
    told = told_by("trl_steps.py", tmp_path, tiny_model)
    steps, columns = told["log"], told["columns"]
    assert len(steps) == 2
    assert all(step["rewards/table_bench/mean"] == 0.0 for step in steps)
    assert all(step["rewards/answered/mean"] == 1.0 for step in steps)
    assert {"answer", "trainer_state"} <= set(columns)
    if "log_metric" in columns:  # TRL 1.0
        assert all(step["table_rewards/table_bench/unparsed"] == 1.0 for step in steps)
        assert all(step["table_rewards/answered/unscored"] == 0.0 for step in steps)


def test_before_1_6_trl_takes_none_for_0_and_our_mean_is_neutral(tmp_path: Path, tiny_model: Path) -> None:
    """The table of docs/trl.md, in the TRL that ms-swift brings."""
    told = told_by("trl_unscored.py", tmp_path, tiny_model)
    assert told["version"] < [1, 6]
    assert told["keeps_columns"]
    for case in ("neutral of 1", "neutral of 2"):
        right, lost, wrong, _ = told[case]["advantages"]
        assert abs(lost) < 1e-4
        assert right > 0.0 > wrong
    for case in ("none of 1", "none of 2"):
        right, lost, wrong, _ = told[case]["advantages"]
        assert abs(lost - wrong) < 1e-4, "no better than a wrong answer"
        assert right > 0.0 > lost
    assert told["rloo"]["rewards/em/mean"] == 0.0
