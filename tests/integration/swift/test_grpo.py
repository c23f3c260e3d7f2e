"""Two real GRPO steps on a CPU with our adapter: swift's command line, trainer, generation, loss and logs."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from real_rows import Sample, region_samples, tablebench_samples
from swift_harness import TrainingFailed, run_grpo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def row(sample: Sample, scripted: list[str]) -> dict[str, Any]:
    """One prompt that every reward can score: all columns of both references, and what the rollout shall answer."""
    truth = sample.ground_truth if isinstance(sample.ground_truth, dict) else {"answer": sample.ground_truth}
    return {
        "messages": [{"role": "user", "content": sample.question[:200]}],
        **truth,
        **sample.extra_info,
        "scripted": scripted,
    }


def test_two_steps_with_both_rewards(
    tmp_path: Path, adapter_file: Path, scripted_rollout: Path, tiny_model: Path
) -> None:
    """Region rows carry all that TableBench needs as well; each prompt is answered right, wrong, right, empty."""
    pairs = region_samples(4)
    rows = [
        row(right, [right.completion, wrong.completion, right.completion, ""])
        for right, wrong in zip(pairs[0::2], pairs[1::2], strict=True)
    ]
    training = run_grpo(
        tmp_path, rows, [scripted_rollout, adapter_file], ["table_bench", "table_region"], model=tiny_model
    )
    assert len(training.steps) == 2
    metrics = sorted(
        key.split("/")[1] for key in training.steps[0] if key.startswith("rewards/") and key.endswith("/mean")
    )
    assert set(metrics) == {"TableBench", "TableRegion"}, "one curve a reward, by the name of its class"
    for step, logged in zip(training.steps, training.completions, strict=True):
        assert len(logged["completion"]) == 4
        for name in metrics:
            scores = [float(value) for value in logged[name]]
            by_text = dict(zip(logged["completion"], scores, strict=True))
            right = [score for text, score in by_text.items() if any(s.completion in text for s in pairs[0::2])]
            others = [score for text, score in by_text.items() if not any(s.completion in text for s in pairs[0::2])]
            assert len(right) == 1 and len(others) == 2, by_text  # noqa: PT018
            assert right[0] == pytest.approx(1.0), (name, by_text)
            assert max(others) < 0.2, (name, by_text)
            assert step[f"rewards/{name}/mean"] == pytest.approx(statistics.fmean(scores), abs=1e-4)
        assert step["reward"] == pytest.approx(sum(step[f"rewards/{name}/mean"] for name in metrics), abs=1e-4)
        assert step["reward_std"] > 0.1
        assert [advantage > 0 for advantage in logged["advantages"]] == [
            any(s.completion in text for s in pairs[0::2]) for text in logged["completion"]
        ]


def test_the_random_model_itself(tmp_path: Path, adapter_file: Path, tiny_model: Path) -> None:
    """Noise from an untrained model, nothing scripted: every completion is scored, the run goes on."""
    rows = [row(sample, []) for sample in tablebench_samples(["EM"])[:4]]
    training = run_grpo(tmp_path, rows, [adapter_file], ["table_bench"], model=tiny_model)
    assert len(training.steps) == 2
    assert all(0.0 <= step["reward"] <= 1.0 for step in training.steps)


def test_a_misspelt_reward_name_stops_the_run_before_training(
    tmp_path: Path, adapter_file: Path, tiny_model: Path
) -> None:
    rows = [row(sample, []) for sample in tablebench_samples(["EM"])[:4]]
    with pytest.raises(TrainingFailed, match="table_brench"):
        run_grpo(tmp_path, rows, [adapter_file], ["table_brench"], model=tiny_model)
