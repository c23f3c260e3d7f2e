"""Rows no one would choose, through verl's own manager and metrics: the batch survives, keys stay, nothing is NaN."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_rows import samples_of
from verl_harness import Row, reward_overrides, score_in_process, trainer_config, validation_metrics

pytestmark = pytest.mark.slow

COMPLETIONS = {
    "empty": "",
    "long": "Final Answer: " + "9" * 200_000,
    "binary": "\x00\x01\ufffd\x7f" * 200,
    "right to left": "الجواب النهائي \u202e Final Answer: ٤٢ \u202c" * 20,
    "unclosed region": '<gold_area>{"columns": ["a", "rows": [' * 50,
    "deep": "[" * 20_000,
}


@pytest.mark.parametrize("reward", ["table_bench", "table_region"])
def test_hostile_completions_among_good_ones(reward: str, tokenizer: Any, model_folder: Path) -> None:
    samples = samples_of(reward)
    good = [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i // 2}") for i, s in enumerate(samples)]
    bad = [Row(text, samples[0].ground_truth, samples[0].extra_info, uid="bad") for text in COMPLETIONS.values()]
    config = trainer_config(reward_overrides(reward), model=model_folder)
    alone = score_in_process(config, tokenizer, good)
    mixed = score_in_process(config, tokenizer, [*bad, *good])
    assert mixed[len(bad) :] == alone, "a bad neighbour changed a score"
    keys = tuple(alone[0]["reward_extra_info"])
    for name, item in zip(COMPLETIONS, mixed, strict=False):
        assert tuple(item["reward_extra_info"]) == keys, name
        assert all(type(value) is float and math.isfinite(value) for value in item["reward_extra_info"].values()), name
        assert item["reward_score"] < 0.5, name
    extra = {key: [item["reward_extra_info"][key] for item in mixed] for key in keys}
    validation_metrics([*bad, *good], [item["reward_score"] for item in mixed], extra)


@pytest.mark.parametrize("reward", ["table_bench", "table_region"])
def test_numpy_all_the_way_down_scores_the_same(reward: str, tokenizer: Any, model_folder: Path) -> None:
    """What pandas and Ray make of a row: numpy strings, arrays of arrays, numpy integers."""

    def as_numpy(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_numpy(item) for key, item in value.items()}
        if isinstance(value, str):
            return np.str_(value)
        if isinstance(value, list):
            return np.array([as_numpy(item) for item in value], dtype=object)
        return np.int64(value) if type(value) is int else value

    samples = samples_of(reward)
    plain = [Row(s.completion, s.ground_truth, s.extra_info) for s in samples]
    packed = [Row(s.completion, as_numpy(s.ground_truth), as_numpy(s.extra_info)) for s in samples]
    config = trainer_config(reward_overrides(reward), model=model_folder)
    assert score_in_process(config, tokenizer, packed) == score_in_process(config, tokenizer, plain)


@pytest.mark.parametrize("reward", ["table_bench", "table_region"])
def test_one_unusable_reference_is_unscored_not_wrong(reward: str, tokenizer: Any, model_folder: Path) -> None:
    """An empty ground truth cannot be scored: the row gets a stand-in value, is counted, and the rest is untouched."""
    samples = samples_of(reward)
    good = [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i // 2}") for i, s in enumerate(samples)]
    config = trainer_config(reward_overrides(reward), model=model_folder)
    out = score_in_process(config, tokenizer, [*good, Row("Final Answer: 4", {}, {}, uid="unusable")])
    assert out[:-1] == score_in_process(config, tokenizer, good)
    unusable = out[-1]["reward_extra_info"]
    assert tuple(unusable) == tuple(out[0]["reward_extra_info"])
    assert all(math.isfinite(value) for value in unusable.values())
    assert unusable["unscored"] == 1.0
    assert out[0]["reward_extra_info"]["unscored"] == 0.0
