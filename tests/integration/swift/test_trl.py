"""Real TRL steps on a CPU: ms-swift brings TRL along (0.24, 0.29), and our functions go to its own trainer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PROGRAM = Path(__file__).parents[1] / "support/trl_steps.py"


def test_two_grpo_steps_with_two_reward_functions(tmp_path: Path, tiny_model: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, tiny_model, tmp_path],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    steps, columns = told["log"], told["columns"]
    assert len(steps) == 2
    assert all(step["rewards/table_bench/mean"] == 0.0 for step in steps)
    assert all(step["rewards/answered/mean"] == 1.0 for step in steps)
    assert {"answer", "trainer_state"} <= set(columns)
    if "log_metric" in columns:  # TRL 1.0
        assert all(step["table_rewards/table_bench/unparsed"] == 1.0 for step in steps)
        assert all(step["table_rewards/answered/unscored"] == 0.0 for step in steps)
