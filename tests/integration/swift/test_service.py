"""`service=` in ms-swift: real GRPO steps whose rewards a service computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from plain_service import serving
from real_rows import tablebench_samples
from swift_harness import run_grpo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_two_steps_with_a_served_reward(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    from table_rewards import TableBench

    samples = [sample for sample in tablebench_samples(["EM"]) if sample.correct][:2]
    rows = [
        {
            "messages": [{"role": "user", "content": sample.question[:200]}],
            "answer": sample.ground_truth,
            **sample.extra_info,
            "scripted": [sample.completion, "Final Answer: none of these", sample.completion, ""],
        }
        for sample in samples
    ]
    with serving(TableBench()) as service:
        training = run_grpo(
            tmp_path,
            rows,
            [scripted_rollout, adapter_file],
            ["table_bench"],
            model=tiny_model,
            env={"TABLE_REWARDS_TABLE_BENCH_SERVICE": service.address},
        )
        assert service.scored >= 6
    assert [step["reward"] for step in training.steps] == [pytest.approx(0.5)] * 2
