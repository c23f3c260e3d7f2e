"""Every command line of docs/recipes/table-r1.md is one that its program's own parser takes, and its numbers hold."""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
import re
import shlex

import pytest

from table_rewards.commands.main import COMMANDS, _tasks
from table_rewards.datasets.llama_factory import prompt_response
from table_rewards.datasets.table_r1.report import ORIGINS
from table_rewards.frameworks import verl

RECIPE = (pathlib.Path(__file__).parents[3] / "docs/recipes/table-r1.md").read_text("utf-8")
BLOCKS = [block.replace("\\\n", " ") for block in re.findall(r"```bash\n(.*?)```", RECIPE, re.DOTALL)]
INLINE = list(re.findall(r"`(table-rewards [^`\n]+)`", RECIPE))
NESTED = re.findall(r"\$\((table-rewards [^)]+)\)", RECIPE)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.startswith("table-rewards")]


def test_the_recipe_has_its_command_lines():
    assert len(LINES) == 10
    assert len(NESTED) == 1


@pytest.mark.parametrize("line", list(dict.fromkeys([*LINES, *INLINE, *NESTED])))
def test_our_parser_takes_the_line(line):
    _, name, *rest = shlex.split(line)
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    if name in ("prepare", "evaluate"):
        _tasks(name)[rest[0]][1](parser)
        parser.parse_args(rest[1:])
        return
    homes = {command: home for group in COMMANDS.values() for command, (_, home) in group.items()}
    module = importlib.import_module(homes[name])
    (module.configure if hasattr(module, "configure") else module.add_arguments)(parser)
    parser.parse_args(rest)


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


def test_no_comment_breaks_a_continued_line():
    for block in re.findall(r"```bash\n(.*?)```", RECIPE, re.DOTALL):
        assert not re.search(r"\\[ \t]+$|\\\s+#", block, re.MULTILINE)
