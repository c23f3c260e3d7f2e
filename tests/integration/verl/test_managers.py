"""Our functions inside verl's reward managers, in process: the loop managers of today, the classes of yesterday."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from real_rows import Sample, samples_of
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl_harness import MODULE, Row, make_batch, reward_overrides, score_in_process, trainer_config, validation_metrics

pytestmark = pytest.mark.slow

REWARDS = ["table_bench", "table_region"]


def rows_of(samples: list[Sample], group: int = 2) -> list[Row]:
    return [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i // group}") for i, s in enumerate(samples)]


def check_scores(samples: list[Sample], scores: list[float]) -> None:
    assert len(scores) == len(samples)
    assert all(math.isfinite(score) for score in scores)
    right = [score for sample, score in zip(samples, scores, strict=True) if sample.correct is True]
    wrong = [score for sample, score in zip(samples, scores, strict=True) if sample.correct is False]
    assert len(right) >= 3, "fixtures changed?"
    assert len(wrong) >= 3, "fixtures changed?"
    assert min(right) > max(wrong), (right, wrong)


def direct(reward: str, samples: list[Sample]) -> list[float]:
    """The same samples through the plain function, outside verl."""
    from table_rewards.frameworks import verl as functions

    function = getattr(functions, reward)
    return [function("tablebench", s.completion, s.ground_truth, dict(s.extra_info))["score"] for s in samples]


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo", "rate_limited"])
@pytest.mark.parametrize("loaded_from", ["file", "package"])
def test_loop_managers(
    reward: str, manager: str, loaded_from: str, adapter_file: Path, tokenizer: Any, model_folder: Path
) -> None:
    path = adapter_file if loaded_from == "file" else MODULE
    config = trainer_config(reward_overrides(reward, path=path, manager=manager), model=model_folder)
    samples = samples_of(reward)
    out = score_in_process(config, tokenizer, rows_of(samples))
    scores = [item["reward_score"] for item in out]
    check_scores(samples, scores)
    assert scores == pytest.approx(direct(reward, samples))
    keys = {tuple(item["reward_extra_info"]) for item in out}
    assert len(keys) == 1, f"verl takes the keys of sample 0 for all: {keys}"
    extra = {key: [item["reward_extra_info"][key] for item in out] for key in keys.pop()}
    assert {"score", "acc"} <= set(extra)
    metrics = validation_metrics(rows_of(samples), scores, extra)
    assert metrics["tablebench"]["acc"]["mean@2"] == pytest.approx(sum(extra["acc"]) / len(samples))


@pytest.mark.parametrize("reward", REWARDS)
def test_legacy_naive_and_batch(reward: str, adapter_file: Path, tokenizer: Any) -> None:
    """The managers of verl <= 0.7.0: their classes still ship, the batch one takes columns."""
    from verl.workers.reward_manager import BatchRewardManager, NaiveRewardManager

    samples = samples_of(reward)
    for manager, name in ((NaiveRewardManager, reward), (BatchRewardManager, f"{reward}_batch")):
        function = get_custom_reward_fn(trainer_config(reward_overrides(name, path=adapter_file)))
        out = manager(tokenizer=tokenizer, num_examine=0, compute_score=function)(
            make_batch(tokenizer, rows_of(samples)), return_dict=True
        )
        scores = out["reward_tensor"].sum(-1).tolist()
        check_scores(samples, scores)
        assert scores == pytest.approx(direct(reward, samples), abs=1e-6), name
        assert all(len(values) == len(samples) for values in out["reward_extra_info"].values())


@pytest.mark.parametrize("reward", REWARDS)
def test_legacy_prime_in_its_process_pool(reward: str, adapter_file: Path, tokenizer: Any) -> None:
    """prime pickles the function, calls it by position and makes zeros of dicts: it gets the float form."""
    from verl.workers.reward_manager import PrimeRewardManager

    samples = samples_of(reward)
    function = get_custom_reward_fn(trainer_config(reward_overrides(f"{reward}_float", path=adapter_file)))
    scores = PrimeRewardManager(tokenizer, 0, function)(make_batch(tokenizer, rows_of(samples))).sum(-1).tolist()
    check_scores(samples, scores)
