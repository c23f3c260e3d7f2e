"""A reward manager for verl 0.7.1 and later that hands a reward what verl's own leave out: the step and the prompt.

::

    reward.reward_manager.source=importlib
    reward.reward_manager.name=TableRewardManager
    reward.reward_manager.module.path=pkg://table_rewards.frameworks.verl_manager

verl is imported when the class is asked for, not before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from table_rewards.core.rows import plain

HANDED_ON: Final = {"global_steps": "global_steps", "uid": "uid", "raw_prompt": "prompt"}
"""Columns of verl's batch -> keys of ``extra_info``."""


@lru_cache(maxsize=1)
def manager_class() -> Any:
    """verl's naive manager, with the training step, the prompt's uid and the prompt in ``extra_info``.

    So schedules follow the training, rewards that read the prompt have it, and fillers are by prompt. What the data set
    has under these keys itself is kept. A copy is handed on: verl's own manager changes the row's ``extra_info``.
    """
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager

    class TableRewardManager(NaiveRewardManager):  # type: ignore[misc]
        async def run_single(self, data: Any) -> dict[str, Any]:
            data.non_tensor_batch["extra_info"] = with_step_and_prompt(data.non_tensor_batch)
            told: dict[str, Any] = await super().run_single(data)
            return told

    return TableRewardManager


def with_step_and_prompt(columns: Any) -> Any:
    """The column ``extra_info`` of a batch, with the step and the prompt where verl has them."""
    import numpy as np

    n = len(next(iter(columns.values())))
    found = columns.get("extra_info", [None] * n)
    changed = np.empty(n, dtype=object)
    for i, info in enumerate(found):
        added = {key: plain(columns[name][i]) for name, key in HANDED_ON.items() if name in columns}
        changed[i] = {**{key: value for key, value in added.items() if value is not None}, **(info or {})}
    return changed


def __getattr__(name: str) -> Any:
    if name == "TableRewardManager":
        return manager_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
