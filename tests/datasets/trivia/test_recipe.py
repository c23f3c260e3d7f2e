"""Every command line of docs/recipes/trivia.md is one that its program's own parser takes."""

from __future__ import annotations

import argparse
import importlib
import pathlib
import re
import shlex

import pytest

from table_rewards.commands.main import COMMANDS, _tasks

RECIPE = (pathlib.Path(__file__).parents[3] / "docs/recipes/trivia.md").read_text("utf-8")
BLOCKS = [block.replace("\\\n", " ") for block in re.findall(r"```bash\n(.*?)```", RECIPE, re.DOTALL)]
INLINE = re.findall(r"`(table-rewards [^`\n]+)`", RECIPE)
NESTED = re.findall(r"\$\((table-rewards [^)]+)\)", RECIPE)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.startswith("table-rewards")]
OURS = list(dict.fromkeys([*LINES, *INLINE, *NESTED]))


def test_the_recipe_has_command_lines():
    assert len(LINES) >= 6
    assert len(NESTED) == 3


@pytest.mark.parametrize("line", OURS)
def test_our_parser_takes_the_line(line):
    _, name, *rest = shlex.split(line)
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    if name == "prepare":
        _tasks("prepare")[rest[0]][1](parser)
        parser.parse_args(rest[1:])
        return
    homes = {command: home for group in COMMANDS.values() for command, (_, home) in group.items()}
    module = importlib.import_module(homes[name])
    (module.configure if hasattr(module, "configure") else module.add_arguments)(parser)
    parser.parse_args(rest)


def test_no_comment_breaks_a_continued_line():
    """R6: the release's own recipe has comments behind its backslashes, so the shell drops the rest of the command."""
    for block in re.findall(r"```bash\n(.*?)```", RECIPE, re.DOTALL):
        for line in block.splitlines():
            assert not re.search(r"\\\s+#|#.*\\$", line), line
