"""OpenRLHF's reward file and slime's custom function, called as the trainers call them."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from table_rewards.core.errors import ConfigurationError

ADAPTERS = Path(__file__).parents[2] / "adapters"


def loaded(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("reward_file", ADAPTERS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_openrlhf_loads_a_file_and_gets_lists_of_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    reward_func = loaded("openrlhf/table_rewards_openrlhf.py").reward_func
    monkeypatch.delenv("TABLE_REWARDS_REWARD", raising=False)
    with pytest.raises(ConfigurationError, match="set TABLE_REWARDS_REWARD"):
        reward_func(["x"], ["x"], ["7"])
    monkeypatch.setenv("TABLE_REWARDS_REWARD", "table_bench")
    told = reward_func(["How many?<|im_end|>Final Answer: 7<|im_end|>", "How many?none"], ["How many?"] * 2, ["7", "7"])
    assert (told["rewards"], told["scores"]) == ([1.0, 0.0], [1.0, 0.0])
    assert told["extra_logs"]["unscored"] == [0.0, 0.0]
    assert all(len(column) == 2 for column in told["extra_logs"].values())


def test_slime_awaits_a_function_for_one_sample_or_a_list() -> None:
    for module in (loaded("slime/table_rewards_slime.py"), importlib.import_module("table_rewards.frameworks.slime")):
        sample = SimpleNamespace(prompt="How many?", response="Final Answer: 7", label="7", metadata={"qtype": ""})
        wrong = SimpleNamespace(prompt="How many?", response="Final Answer: 8", label="7", metadata=None)
        plain, keyed = SimpleNamespace(), SimpleNamespace(reward_key="score")
        assert asyncio.run(module.table_bench(plain, sample)) == 1.0
        assert asyncio.run(module.table_bench(keyed, sample))["score"] == 1.0
        assert asyncio.run(module.table_bench(plain, [sample, wrong])) == [1.0, 0.0]
        with pytest.raises(AttributeError, match="rewards: cell_f1"):
            module.tabel_bench  # noqa: B018
