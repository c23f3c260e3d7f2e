"""A page for every reward, which names each option with its default, each part, and a line that each trainer takes."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import table_rewards
from table_rewards.core.registry import BUILTIN, find
from table_rewards.frameworks import swift, trl, verl

FOLDER = Path(__file__).parents[2] / "docs" / "rewards"
REWARDS = sorted(BUILTIN)
OVERVIEWS = {"verification"}


def page_of(reward):
    return (FOLDER / f"{reward}.md").read_text("utf-8")


def table_rows(text):
    """The cells of each row of the tables of a page."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in re.findall(r"^\|.*\|$", text, re.M)
    ]


def parameters(reward):
    return inspect.signature(find(reward)).parameters


def test_every_page_is_a_reward_or_a_named_overview():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(REWARDS) | OVERVIEWS


@pytest.mark.parametrize("reward", REWARDS)
def test_every_option_is_named_on_the_page(reward):
    named = set(re.findall(r"`(\w+)(?:=[^`]*)?`", page_of(reward)))
    assert sorted(set(parameters(reward)) - named) == []


@pytest.mark.parametrize("reward", REWARDS)
def test_the_page_names_no_option_that_the_reward_lacks_and_no_other_default(reward):
    """The tables of options: the first cell names options, the second their defaults (the first of the values)."""
    text = page_of(reward)
    headings = [row for row in table_rows(text) if row[0] == "option"]
    checked = 0
    for heading in headings:
        rows = table_rows(text[text.index("| " + " | ".join(heading).strip()) :].split("\n\n", 1)[0])[2:]
        for names, default, *_ in rows:
            options = re.findall(r"`(\w+)`", names)
            assert set(options) <= set(parameters(reward)), options
            if heading[1] not in ("default", "values") or len(options) != 1:
                continue
            written = re.match(r"`([^`]*)`|([\d,.-]*\d)", default)
            if written:
                value = ast.literal_eval(written[1]) if written[1] else float(written[2].replace(",", ""))
                assert value == parameters(reward)[options[0]].default, options
                checked += 1
    assert checked or not headings


@pytest.mark.parametrize("reward", REWARDS)
def test_every_part_is_named_on_the_page(reward):
    parts = find(reward)(**{"endpoints": "http://127.0.0.1:9"} if "endpoints" in parameters(reward) else {}).parts
    assert parts
    assert sorted(set(parts) - set(re.findall(r"`(\w+)`", page_of(reward)))) == []


@pytest.mark.parametrize("reward", REWARDS)
def test_every_page_tells_the_attacks_and_what_happens_when(reward):
    text = page_of(reward)
    assert re.search(r"^## (Attacks|Not to be fooled)$", text, re.M)
    assert "unparsed" in text
    assert "unscored" in text
    assert re.search(r"^ {4}\S.* = |= |divided by|mean|share", text, re.M)


@pytest.mark.parametrize("reward", REWARDS)
def test_the_lines_for_the_trainers_are_right(reward, monkeypatch):
    monkeypatch.setenv("TABLE_REWARDS_ENDPOINTS", "http://127.0.0.1:9")
    text = page_of(reward)
    function = re.search(r"reward\.custom_reward_function\.name=(\w+)`", text)[1]
    assert callable(getattr(verl, function))
    assert f"--reward_funcs {reward}`" in text
    assert reward in swift.register({}, object)
    assert f"reward_funcs=[trl.{reward}]" in text
    assert callable(getattr(trl, reward))
    (call,) = re.findall(r'`trl\.reward\("(\w+)", (\w+)=([^`]*)\)`', text)
    name, option, value = call
    assert name == reward
    assert option in parameters(reward)
    find(reward)(**{option: ast.literal_eval(value)})


@pytest.mark.parametrize("reward", REWARDS)
def test_verl_args_prints_the_function_of_the_page(reward, capsys):
    from table_rewards.commands.main import main

    assert main(["verl-args", reward, "--verl-version", "0.9.1"]) == 0
    printed = re.search(r"custom_reward_function\.name=(\w+)", capsys.readouterr().out)[1]
    assert f"reward.custom_reward_function.name={printed}`" in page_of(reward)


METALS = [
    ["Metal", "Melts at", "Colour"],
    ["Iron", "1538", "grey"],
    ["Zinc", "420", "blue"],
    ["Gold", "1064", "yellow"],
]


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


PREDICTIONS = {
    "*the right table*": markdown(METALS),
    "*one wrong cell*": markdown(METALS).replace("420", "421"),
    "*a row left out*": markdown([*METALS[:2], METALS[3]]),
    "*two columns exchanged*": markdown([[b, a, c] for a, b, c in METALS]),
    "every cell empty": markdown([[""] * 3] * 4),
    "every cell the same word": markdown([["Iron"] * 3] * 4),
    "all cells in one row": markdown([[cell for row in METALS for cell in row]]),
    "all text in one cell": markdown([[" ".join(cell for row in METALS for cell in row)]]),
    "every row twice": markdown([METALS[0], *(row for row in METALS[1:] for _ in range(2))]),
    "the table three times": "\n\n".join([markdown(METALS)] * 3),
    "30 empty rows more": markdown([*METALS, *[[""] * 3] * 30]),
    "a wrong table, then the right one": "| x |\n|---|\n| y |\n\n" + markdown(METALS),
    "one cell that spans a million rows and columns": (
        "<table><tr><td colspan=1000000 rowspan=1000000>Metal</td></tr></table>"
    ),
}


@pytest.mark.parametrize("reward", ["cell_f1", "grits"])
def test_what_attacks_on_tables_earn_is_what_the_page_says(reward):
    rows = table_rows(page_of(reward))
    (heading,) = [row for row in rows if row[0] == "prediction"]
    rewards = [eval(made.strip("`"), {name: getattr(table_rewards, name) for name in ("CellF1", "GriTS", "TEDS")})
               for made in heading[1:]]  # fmt: skip
    told = {row[0]: row[1:] for row in rows if row[0] in PREDICTIONS}
    assert set(told) == set(PREDICTIONS)
    for name, prediction in PREDICTIONS.items():
        scored = [f"{made([prediction], [markdown(METALS)]).values[0]:.2f}" for made in rewards]
        assert scored == told[name], name


@pytest.mark.parametrize("reward", REWARDS)
def test_the_page_says_what_a_blind_policy_earns(reward):
    assert "**blind policy**" in page_of(reward) or "**What a blind policy earns**" in page_of(reward)
    assert "blind.md" in page_of(reward)
    if "zero_point" in parameters(reward):
        assert 'zero_point="blind"' in page_of(reward)
