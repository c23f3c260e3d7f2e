"""The recipes as they are typed: our commands parse, blocks are whole, both languages of RL Tango say the same.

verl's, ms-swift's and LLaMA-Factory's commands are checked by those programs: tests/integration/*/test_recipes.py.
"""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

import recipe_pages
from command_line import parsed
from recipe_pages import PAGES
from table_rewards.core.registry import find
from table_rewards.datasets import llama_factory
from table_rewards.frameworks import verl

OURS = [(page, line) for page in PAGES for line in dict.fromkeys(recipe_pages.written_commands(page))]


@pytest.mark.parametrize(("page", "line"), OURS, ids=[f"{page}-{line[14:50]}" for page, line in OURS])
def test_our_parser_takes_the_command(page, line):
    words = shlex.split(line, comments=True)[1:]
    if words[:1] == ["probe"] or len(words) > 1 or words[0] in ("demo", "list"):
        try:
            parsed(words)
        except SystemExit as left:
            pytest.fail(f"{page}: {line}: exit status {left.code}")


@pytest.mark.parametrize("page", PAGES)
def test_the_shell_reads_every_block(page):
    """A comment behind a backslash ends the command in the published instructions of two systems (E7, R6)."""
    found = recipe_pages.blocks(page, "bash")
    assert len(found) >= 8
    for block in found:
        assert not re.search(r"\\[ \t]+$|\\[ \t]*#", block, re.MULTILINE), block
        assert not block.rstrip().endswith("\\"), block
    if shutil.which("bash"):
        done = subprocess.run(["bash", "-n"], input="\n".join(found), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_json_and_yaml_read(page):
    yaml = pytest.importorskip("yaml")
    for block in recipe_pages.blocks(page, "json"):
        assert isinstance(json.loads(block), dict)
    for block in recipe_pages.blocks(page, "yaml"):
        assert isinstance(yaml.safe_load(block), dict)


@pytest.mark.parametrize(
    ("page", "name", "entry"),
    [
        ("table-r1.md", "table_r1_train", llama_factory.prompt_response("train_sft.json")),
        ("exec-verify.md", "exec_verify_sft", llama_factory.sharegpt("sft.json")),
        ("grrm.md", "sft_towerblocks_mt_ranking", llama_factory.chat("sft_towerblocks_mt_ranking.parquet")),
    ],
)
def test_the_yaml_trains_on_the_data_set_that_our_command_registers(page, name, entry):
    yaml = pytest.importorskip("yaml")
    (registered,) = recipe_pages.blocks(page, "json")
    assert json.loads(registered) == {name: entry}
    (training,) = (yaml.safe_load(block) for block in recipe_pages.blocks(page, "yaml"))
    assert training["dataset"] == name
    folders = {
        str(pathlib.Path(word).parent if word.endswith(".parquet") else word)
        for command in recipe_pages.commands(page)
        if command.starts("table-rewards", "prepare")
        for option in ("--out", "--output-path")
        if option in command.words
        for word in [command.words[command.words.index(option) + 1]]
    }
    assert training["dataset_dir"] in folders


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_named_that_users_do_not_have(page):
    """The verl wheel has no `runtime_env.yaml` and no `scripts/`, and newest versions refuse these settings."""
    for block in recipe_pages.blocks(page, "bash"):
        for missing in ("runtime_env.yaml", "scripts/", "rollout.mode=", "reward_model.reward_manager"):
            assert missing not in block, missing
        assert not re.search(r"(?<!reward\.)custom_reward_function\.", block), block


def test_both_languages_of_rl_tango_have_the_same_commands():
    """Whole in both: block by block the same, but for comments."""

    def without_comments(block):
        return "\n".join(re.sub(r"\s+#.*$|^#.*$", "", line) for line in block.splitlines())

    for language in ("bash", "yaml", "python", "json"):
        english = [without_comments(block) for block in recipe_pages.blocks("tango.md", language)]
        chinese = [without_comments(block) for block in recipe_pages.blocks("tango.zh.md", language)]
        assert chinese == english
    headings = [len(re.findall(r"^#+ ", recipe_pages.text(page), re.MULTILINE)) for page in ("tango.md", "tango.zh.md")]
    assert headings[0] == headings[1]


FOLDERS_HOLD = ("train.parquet", "test.parquet", "validation.parquet", "train_easy.parquet", "train_hard.parquet")


@pytest.mark.parametrize("page", PAGES)
def test_every_training_has_its_data_made_on_the_page(page):
    """Each file that verl reads is one that a command of ours writes, or a Python block, so the page can be typed."""
    made = set(re.findall(r'write_table\(.*"([^"]+)"\)', recipe_pages.text(page)))
    read = []
    for command in recipe_pages.commands(page):
        if command.starts("table-rewards", "prepare"):
            for option in ("out", "output", "output-path", "output-dir"):
                if f"--{option}" in command.words:
                    out = command.option(option)
                    made |= {out, *(f"{out}/{name}" for name in FOLDERS_HOLD)}
        for setting in command.settings:
            name, _, value = setting.partition("=")
            if name in ("data.train_files", "data.val_files"):
                read += value.strip("[]").split(",")
    assert read
    assert set(read) <= made


def test_trainings_set_the_options_that_price_what_a_blind_policy_earns():
    """As `verl-args` prints them: a reward's `for_training`, but where a published name or profile is asked for."""
    asked = []
    for command in recipe_pages.verl_trainings():
        settings = dict(word.lstrip("+").split("=", 1) for word in command.settings)
        name = next((value for key, value in settings.items() if key.endswith("custom_reward_function.name")), "")
        reward = re.sub(r"_(async|batch|float)$", "", name)
        given = {
            key.rpartition("reward_kwargs.")[2]: value for key, value in settings.items() if "reward_kwargs." in key
        }
        if reward in verl.ALIASES or not reward or given.get("profile") == "released":
            continue
        if reward == "mixed":
            for inner in re.findall(r"(\w+):\{", given["rewards"]):
                for option, value in find(inner).for_training.items():
                    asked.append(option)
                    assert f"{option}:{str(value).lower()}" in given["rewards"].lower(), command
            continue
        for option, value in find(reward).for_training.items():
            asked.append(option)
            assert given.get(option, "").lower() == str(value).lower(), f"{command}: {option}"
    assert {"zero_point", "step_credit", "consistent", "computed_inputs"} <= set(asked)
