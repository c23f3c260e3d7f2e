"""A reward of ours makes a model learn; a constant one does not; outages do not keep it from learning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]


@pytest.mark.parametrize("reward", ["table_bench", "outages"])
def test_a_tiny_model_learns_to_copy_a_cell(reward: str, program: Callable[..., Any], tmp_path: Path) -> None:
    told = program("trl_learning.py", reward, tmp_path, 140)
    curve = [value for _, value in told["curve"]]
    assert curve[0] < 0.1
    assert max(curve[-3:]) > 0.9, told


def test_a_constant_reward_teaches_nothing(program: Callable[..., Any], tmp_path: Path) -> None:
    told = program("trl_learning.py", "constant", tmp_path, 40)
    right = [value for _, value in told["right"]]
    assert max(right) < 0.1, told
