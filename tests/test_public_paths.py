"""What the documentation names can be imported, and what a pickle names stays where it is."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import table_rewards
from table_rewards.core.registry import BUILTIN, find

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("*/*.md"))]
NAMES = sorted({name for page in PAGES for name in re.findall(r"table_rewards(?:\.\w+)+", page.read_text("utf-8"))})
ALWAYS = [
    "table_rewards.frameworks.verl",
    "table_rewards.frameworks.swift",
    "table_rewards.frameworks.trl",
    "table_rewards.frameworks.advantages",
    "table_rewards.frameworks.advantages_torch",
    "table_rewards.frameworks.advantages_verl",
    "table_rewards.llm.ChatPool",
    "table_rewards.sandbox.get_sandbox",
    "table_rewards.sandbox.values.from_literal",
    "table_rewards.testing.contract.check_reward",
    "table_rewards.testing.chat_server.ChatServer",
    "table_rewards.testing.sandbox.check_sandbox",
    "table_rewards.datasets.files.read_rows",
    "table_rewards.datasets.files.RowWriter",
]
OPTIONAL = {"torch", "verl", "swift", "trl", "transformers"}


def named(path: str) -> Any:
    """The module, or the attribute of a module, that a dotted path names."""
    words = path.split(".")
    for count in range(len(words), 0, -1):
        name = ".".join(words[:count])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name in OPTIONAL:
                pytest.skip(f"{error.name} is not installed")
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        for word in words[count:]:
            found = getattr(found, word)
        return found
    raise ModuleNotFoundError(path)


@pytest.mark.parametrize("path", sorted({*NAMES, *ALWAYS}))
def test_every_path_that_the_documentation_names_can_be_imported(path: str) -> None:
    if path == "table_rewards.rewards" or path.endswith((".md", ".toml")):  # an entry-point group, a file
        return
    named(path)


@pytest.mark.parametrize("name", table_rewards.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(table_rewards, name) is not None


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_a_pickle_of_a_reward_names_its_family(name: str) -> None:
    reward = find(name)
    family = BUILTIN[name].partition(":")[0]
    assert reward.__module__ == family
    assert family.count(".") == 2, "a family is a package directly below table_rewards.rewards"
    assert family.encode() in pickle.dumps(reward)
    assert reward.reference_type.__module__ == family
