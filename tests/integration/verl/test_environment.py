"""docs/verl.md: which of the environment's variables reach verl's reward workers."""

from __future__ import annotations

from typing import Any

import pytest
from verl_harness import Row, local_ray, reward_overrides, score_with_actors, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

VARIABLE = "TABLE_REWARDS_TABLE_BENCH_METRIC"
NEAR = Row("Final Answer: 105", "100", uid="a")  # right within 10 %, wrong by exact match


def score(tokenizer: Any, model_folder: Any) -> float:
    config = trainer_config(reward_overrides("table_bench"), model=model_folder)
    (found,), _ = score_with_actors(config, tokenizer, [NEAR])
    return found


def test_one_that_is_exported_after_ray_has_started_does_not(
    tokenizer: Any, model_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_ray():
        monkeypatch.setenv(VARIABLE, "em_tolerance")
        assert score(tokenizer, model_folder) == 0.0


@pytest.mark.parametrize("where", ["shell", "runtime_env"])
def test_one_of_the_shell_that_starts_ray_and_one_of_its_runtime_environment_do(
    tokenizer: Any, model_folder: Any, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "shell":
        monkeypatch.setenv(VARIABLE, "em_tolerance")
    runtime_env = {"env_vars": {VARIABLE: "em_tolerance"}} if where == "runtime_env" else None
    with local_ray(runtime_env=runtime_env):
        assert score(tokenizer, model_folder) == 1.0
