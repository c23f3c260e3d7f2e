"""What verl's calls have in common: rows, prompts, the training step, whether it is validation."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.frameworks.framework_reward import FrameworkReward, Remembered, framework_reward, step_of

INJECTED: Final = frozenset(
    {
        "reward_router_address",
        "reward_model_tokenizer",
        "sandbox_fusion_url",
        "concurrent_semaphore",
        "memory_limit_mb",
        "prompt_str",
    }
)
"""Keywords that verl (or a published fork of it) adds on its own; they are not ours."""

RESERVED: Final = frozenset(
    {"reward", "uid", "data_source", "raw_prompt", "extra_info", "index", "turn_scores", "tool_rewards", "extras"}
    | {"multi_modal_inputs", "reward_model", "reward_extra_info", "min_global_steps", "max_global_steps", "num_turns"}
    | {"rollout_reward_scores", "prompts", "responses"}
)
"""Keys that a reward's dict must not have: verl's batch has them, and the union fails."""

VALIDATION: Final = ("val", "test", "dev", "eval")
"""How ``extra_info.split`` begins on rows of validation; verl tells a reward nothing else of it."""


def given_options(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the options among a function's keywords, and the step if it is one of them."""
    given = {key: value for key, value in keywords.items() if key not in INJECTED and key != "step"}
    return given, keywords.get("step")


def row_of(data_source: Any, ground_truth: Any, extra_info: Any) -> dict[str, Any]:
    """The row of a call as rewards read it."""
    return {
        "data_source": data_source,
        "ground_truth": ground_truth,
        "extra_info": extra_info if isinstance(extra_info, (dict, Mapping)) else None,
    }


def in_training(row: Mapping[str, Any]) -> bool:
    """Whether a row is of training; one whose ``extra_info`` has no ``split`` counts as such.

    >>> [in_training(row_of("t", "7", {"split": split})) for split in ("train", "test", None)]
    [True, False, True]
    """
    split = (row["extra_info"] or {}).get("split")
    return not (isinstance(split, str) and split.lower().startswith(VALIDATION))


def prompt_of(row: Mapping[str, Any]) -> Hashable:
    """What the completions of one prompt have in common, as far as verl lets a reward see it."""
    info = row["extra_info"] or {}
    for key in ("uid", "index"):
        value = info.get(key)
        if value is None:
            continue
        value = plain(value)
        if isinstance(value, (str, int)):
            return (str(row["data_source"]), str(info.get("split")), key, value)
    return hashlib.blake2b(repr(row["ground_truth"]).encode("utf-8", "replace"), digest_size=16).digest()


REWARDS: Final = Remembered(lambda name, options: framework_reward(name, options, alone=True, shared=True))
"""verl's rewards by name and options; nobody else scores their rows."""


def score_one(
    reward: str, data_source: Any, text: Any, ground_truth: Any, extra_info: Any, keywords: Mapping[str, Any]
) -> dict[str, float]:
    """One sample through the reward of a name."""
    given, step = given_options(keywords) if keywords else (keywords, None)
    chosen = REWARDS.get(reward, given)
    return chosen.one(text, *call_of(data_source, ground_truth, extra_info, step))


def call_of(data_source: Any, ground_truth: Any, extra_info: Any, step: Any) -> tuple[Any, ...]:
    """The row, the step, the prompt and whether it is training: the rest of a call's arguments."""
    row = row_of(data_source, ground_truth, extra_info)
    return row, step_of({"step": step}, row["extra_info"]), prompt_of(row), in_training(row)


async def score_one_async(
    reward: str, data_source: Any, text: Any, ground_truth: Any, extra_info: Any, keywords: Mapping[str, Any]
) -> dict[str, float]:
    """The same without blocking the loop."""
    given, step = given_options(keywords)
    chosen = REWARDS.get(reward, given)
    return await chosen.one_async(text, *call_of(data_source, ground_truth, extra_info, step))


def score_many(
    reward: str, data_sources: Any, texts: Any, ground_truths: Any, extra_infos: Any, keywords: Mapping[str, Any]
) -> list[dict[str, float]]:
    """A batch through the reward of a name."""
    texts, rows = batch_of(data_sources, texts, ground_truths, extra_infos)
    given, step = given_options(keywords)
    return batch_through(REWARDS.get(reward, given), texts, rows, step)


def batch_of(data_sources: Any, texts: Any, ground_truths: Any, extra_infos: Any) -> tuple[list[Any], list[Any]]:
    """The texts and rows of a batch call.

    Raises:
        ConfigurationError: the columns differ in length.
    """
    texts = list(texts) if texts is not None else []
    n = len(texts)
    columns = [[None] * n if column is None else list(column) for column in (data_sources, ground_truths, extra_infos)]
    if any(len(column) != n for column in columns):
        raise ConfigurationError(f"{n} solution_strs but {[len(c) for c in columns]} of the other columns")
    return texts, [row_of(*cells) for cells in zip(*columns, strict=True)]


def batch_through(chosen: FrameworkReward, texts: list[Any], rows: list[Any], step: Any) -> list[dict[str, float]]:
    """A batch through a reward; the step is that of the first row that has one."""
    found = step_of({"step": step}, *(row["extra_info"] for row in rows))
    prompts = [prompt_of(row) for row in rows]
    training = all(in_training(row) for row in rows)
    return chosen.many(texts, rows, found, prompts, training=training)
