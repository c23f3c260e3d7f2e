"""What the trainer does: Ray actors score the batch; naive in a worker thread, remote in a main thread of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_rows import samples_of
from verl_harness import MODULE, Row, reward_overrides, score_with_actors, trainer_config, validation_metrics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("manager", "reward"), [("naive", "table_bench"), ("remote", "table_region")])
def test_ray_reward_workers(
    manager: str, reward: str, ray_cluster: None, adapter_file: Path, tokenizer: Any, model_folder: Path
) -> None:
    from table_rewards.frameworks import verl as functions

    samples = samples_of(reward)
    rows = [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i // 2}") for i, s in enumerate(samples)]
    path = adapter_file if manager == "naive" else MODULE
    config = trainer_config(reward_overrides(reward, path=path, manager=manager), model=model_folder)
    scores, extra = score_with_actors(config, tokenizer, rows)

    function = getattr(functions, reward)
    here = [function("tablebench", s.completion, s.ground_truth, dict(s.extra_info)) for s in samples]
    assert scores == pytest.approx([values["score"] for values in here], abs=1e-6)
    assert len(set(scores)) > 1
    assert set(extra) == set(here[0])
    metrics = validation_metrics(rows, scores, extra)["tablebench"]
    assert metrics["acc"]["mean@2"] == pytest.approx(sum(v["acc"] for v in here) / len(here), abs=1e-6)
