"""What docs/recipes/table-r1.md names is in the code. Its commands: tests/docs/test_recipes.py."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from table_rewards.datasets.llama_factory import prompt_response
from table_rewards.datasets.table_r1.report import ORIGINS
from table_rewards.frameworks import verl

RECIPE = (pathlib.Path(__file__).parents[3] / "docs/recipes/table-r1.md").read_text("utf-8")


def test_the_reward_and_the_estimator_that_it_names_exist():
    assert "custom_reward_function.name=table_region_async" in RECIPE
    assert callable(verl.table_region_async)
    gold = {"answer": "7", "gold_area": {"columns": ["a"], "rows": [0]}, "instruction_type": "DP"}
    assert verl.table_region("table_area", "Final Answer: 7", gold, {}, weight=0.1)["score"] == pytest.approx(0.9)
    estimators = pathlib.Path(verl.__file__).with_name("advantages_verl.py").read_text("utf-8")
    assert '{"tarpo": tarpo}' in estimators


def test_the_entry_and_the_origins_are_those_of_the_code():
    (entry,) = re.findall(r"```json\n(.*?)```", RECIPE, re.DOTALL)
    assert json.loads(entry) == {"table_r1_train": prompt_response("train_sft.json")}
    assert all(f"`{origin}`" in RECIPE for origin in ORIGINS)
