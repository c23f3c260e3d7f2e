"""Rewards in OpenRLHF's own process: a file with ``reward_func``, named by ``--reward.remote_url FILE.py``.

The reward is the one that the environment variable ``TABLE_REWARDS_REWARD`` names; its options come from the
environment and ``TABLE_REWARDS_CONFIG``, as everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.registry import names
from table_rewards.frameworks.framework_reward import FrameworkReward, framework_reward
from table_rewards.frameworks.serving.forms import read_request

REWARD: Final = "TABLE_REWARDS_REWARD"


def reward_func(queries: Sequence[Any], prompts: Sequence[Any], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """Score a batch as OpenRLHF calls it.

    Args:
        queries: prompt followed by response, decoded with special tokens.
        prompts: the prompts.
        labels: the gold answers; the text of a JSON object is a row.

    Returns:
        ``rewards`` (what is trained on; an unscored sample gets its prompt's mean), ``scores`` (the accuracy from 0 to
        1, for dynamic filtering) and ``extra_logs``, each with one number a sample.

    Raises:
        ConfigurationError: ``TABLE_REWARDS_REWARD`` is not set, or names no reward.
    """
    batch = read_request("openrlhf", {"query": list(queries), "prompts": list(prompts), "labels": list(labels)})
    chosen = _chosen()
    rows = chosen.many(batch.completions, batch.rows, None, batch.prompts)
    extra = [key for key in chosen.keys if key not in ("score", "acc")]
    return {
        "rewards": [row["score"] for row in rows],
        "scores": [row["acc"] for row in rows],
        "extra_logs": {key: [row[key] for row in rows] for key in extra},
    }


def _chosen() -> FrameworkReward:
    name = os.environ.get(REWARD, "")
    if not name:
        raise ConfigurationError(f"set {REWARD} to the reward for OpenRLHF; known: {', '.join(names())}")
    return framework_reward(name, {}, alone=True, shared=True)
