"""docs/systems.md: no blank beside a published setting, and "the same" is what the recipe says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import recipe_pages
from table_rewards.commands.main import _tasks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "systems.md"
SECTIONS = {
    "Table-R1": ("table-r1.md", 70),
    "TRivia": ("trivia.md", 60),
    "RL Tango": ("tango.md", 90),
    "ExecVerify": ("exec-verify.md", 110),
    "GRRM": ("grrm.md", 100),
}


def rows(section):
    """The rows of a system's tables: published, here."""
    (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for line in body.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row != ["published", "here"]]


def normal(value):
    """A setting's value, whatever quotes and spelling it has."""
    value = value.replace("'", "").replace('"', "").replace(" ", "").lower()
    try:
        return str(float(value))
    except ValueError:
        return value


def settings_of(page):
    """Every setting of the page's commands and YAML files, by name; values in every place that has them."""
    yaml = pytest.importorskip("yaml")
    found: dict[str, set[str]] = {}
    for block in recipe_pages.blocks(page, "yaml"):
        for name, value in yaml.safe_load(block).items():
            found.setdefault(name, set()).add(normal("null" if value is None else str(value)))
    for command in recipe_pages.commands(page):
        for setting in command.settings:
            name, value = setting.lstrip("+").split("=", 1)
            found.setdefault(name, set()).add(normal(value))
        name, values = "", []
        for word in [*command.words, "--"]:
            if word.startswith("--"):
                found.setdefault(name, set()).add(normal(" ".join(values)))
                name, values = word, []
            else:
                values.append(word)
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_is_left_blank(section):
    _, least = SECTIONS[section]
    found = rows(section)
    assert len(found) >= least
    for row in found:
        assert len(row) == 2, row
        assert all(len(cell) > 2 for cell in row), row


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_called_the_same_is_in_the_recipe(section):
    page, _ = SECTIONS[section]
    there = settings_of(page)
    checked = 0
    for published, here in rows(section):
        setting = re.fullmatch(r"`(--\w+) ([^`]*)`|`\+?([\w.]+)(?:=|: )([^`]*)`", published)
        if here == "the same" and setting:
            name = setting[1] or setting[3]
            assert normal(setting[2] or setting[4] or "") in there.get(name, set()), published
            checked += 1
    assert checked >= (0 if section == "RL Tango" else 20)  # RL Tango's rows hold several settings each


@pytest.mark.parametrize("section", SECTIONS)
def test_what_takes_a_settings_place_is_in_the_recipe(section):
    """`key=value` that begins a cell under "here" is typed so in the recipe."""
    page, _ = SECTIONS[section]
    there = settings_of(page)
    for published, here in rows(section):
        setting = re.match(r"`((?:actor_rollout_ref|data|trainer|algorithm|reward)\.[\w.]+)=([^`]*)`", here)
        if setting and "$" not in setting[2] and "as you like" not in here:
            assert normal(setting[2]) in there.get(setting[1], set()), (published, here)


def test_the_commands_that_it_names_are_there():
    text = PAGE.read_text("utf-8")
    for command, task in re.findall(r"`table-rewards (prepare|evaluate) ([a-z0-9-]+)", text):
        assert task in _tasks(command), task
