"""Rewards in slime's own process: ``--custom-rm-path table_rewards.frameworks.slime.teds``.

Every reward of the registry is a coroutine function here, under its name; options come from the environment and
``TABLE_REWARDS_CONFIG``, as everywhere. With ``--reward-key score`` a sample gets the whole mapping of numbers, without
it the score alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from table_rewards.core import registry
from table_rewards.frameworks.framework_reward import framework_reward, step_of
from table_rewards.frameworks.serving.forms import read_request

Told = float | dict[str, float]


def rewards_of(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Make the function of a reward.

    Raises:
        UnknownName: no such reward.
    """
    registry.find(name)

    async def reward(args: Any, sample: Any, **_: Any) -> Told | list[Told]:
        """Score one sample, or each of a list."""
        if isinstance(sample, Sequence):
            return list(await asyncio.gather(*(_one(name, args, one) for one in sample)))
        return await _one(name, args, sample)

    reward.__name__ = reward.__qualname__ = name
    reward.__module__ = __name__
    return reward


async def _one(name: str, args: Any, sample: Any) -> Told:
    metadata = getattr(sample, "metadata", None)
    body = {
        "prompt": getattr(sample, "prompt", ""),
        "response": getattr(sample, "response", ""),
        "label": getattr(sample, "label", None),
        "metadata": metadata if isinstance(metadata, Mapping) else None,
    }
    batch = read_request("slime", json.loads(json.dumps(body, default=str)))
    chosen = framework_reward(name, {}, alone=True, shared=True)
    told = await chosen.one_async(batch.completions[0], batch.rows[0], step_of(metadata), batch.prompts[0])
    return told if getattr(args, "reward_key", None) else told["score"]


def __getattr__(name: str) -> Any:
    """The functions of all rewards, made on first use."""
    if name.startswith("_") or name not in registry.names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; rewards: {', '.join(registry.names())}")
    found = globals()[name] = rewards_of(name)
    return found
