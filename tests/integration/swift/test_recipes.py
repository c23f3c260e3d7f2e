"""Every command of docs/recipes/*.md that ms-swift runs, read by its own argument classes, 4.x and 3.x."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from swift_harness import major

import recipe_pages
from recipe_pages import Command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMMANDS = [command for kind in ("rlhf", "sft") for command in recipe_pages.all_commands("swift", kind)]


def words_of(command: Command) -> list[str]:
    """The command's options; for 3.x changed as the recipes say."""
    words = list(command.words[2:])
    if major() < 4:
        words = ["--train_type" if word == "--tuner_type" else word for word in words]
        if "--callbacks" in words:
            at = words.index("--callbacks")
            del words[at : at + 2]
    return words


def parsed(command: Command) -> Any:
    from transformers import HfArgumentParser

    try:
        from swift.arguments import RLHFArguments, SftArguments
    except ImportError:
        from swift.llm import RLHFArguments
        from swift.llm import TrainArguments as SftArguments

    parser = HfArgumentParser([RLHFArguments if command.words[1] == "rlhf" else SftArguments])
    values, unknown = argparse.ArgumentParser.parse_known_args(parser, words_of(command))
    assert unknown == [], f"{command}: ms-swift has no {unknown}"
    return values


def test_the_recipes_have_their_trainings() -> None:
    assert {(c.page, c.words[1]) for c in COMMANDS} >= {
        ("trivia.md", "rlhf"),
        ("table-r1.md", "rlhf"),
        ("tango.md", "sft"),
        ("tango.zh.md", "sft"),
    }


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_swift_has_every_option(command: Command) -> None:
    """Every option exists and takes the value that is written."""
    values = parsed(command)
    if command.words[1] == "rlhf":
        assert values.rlhf_type == "grpo"
        assert values.external_plugins
        assert values.reward_funcs
        assert values.num_generations > 1


def test_trivias_rewards_and_weights() -> None:
    (command,) = [c for c in COMMANDS if c.page == "trivia.md" and "QA_F1_score" in c.words]
    values = parsed(command)
    assert values.reward_funcs == ["QA_F1_score", "TEDS"]
    assert [float(weight) for weight in values.reward_weights] == [1.0, 0.0]
    assert len(values.external_plugins) == 3
    assert (values.seed, values.data_seed) == (42, 42)


def test_tangos_fine_tuning_adds_nothing_to_the_prompt_and_an_end_to_the_response(
    tiny_model: Path, tmp_path: Path
) -> None:
    """The template `dummy`: prompt, response, end token, and loss on the last two alone; columns by name."""
    if major() < 4:
        pytest.skip("the recipe is for 4.6.0")
    import pyarrow as pa
    import pyarrow.parquet as parquet
    from swift.dataset import load_dataset
    from swift.model import get_model_processor
    from swift.template import get_template

    rows = tmp_path / "train.parquet"
    row = {"prompt": "User: 1+1?\nAssistant:", "response": "<think>x</think>", "question": "1+1?", "ground_truth": "2"}
    parquet.write_table(pa.Table.from_pylist([{**row, "index": 0}] * 2), rows)
    (command, *_) = [c for c in COMMANDS if c.page == "tango.md" and c.words[1] == "sft"]
    columns = json.loads(command.option("columns"))
    data, _ = load_dataset(str(rows), columns=columns)
    _, processor = get_model_processor(str(tiny_model), load_model=False, model_type="qwen2")
    template = get_template(processor, template_type=command.option("template"))
    template.set_mode("train")
    encoded = template.encode(data[0])
    ids, labels = encoded["input_ids"], encoded["labels"]
    prompt = processor(row["prompt"])["input_ids"]
    assert ids[: len(prompt)] == prompt
    assert ids[len(prompt) :] == [*processor(row["response"])["input_ids"], processor.eos_token_id]
    assert labels == [-100] * len(prompt) + ids[len(prompt) :]
