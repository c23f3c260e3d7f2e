"""A reward manager for verl 0.7.1 and later that hands a reward what verl's own leave out: the step and the prompt.

::

    reward.reward_manager.source=importlib
    reward.reward_manager.name=TableRewardManager
    reward.reward_manager.module.path=pkg://table_rewards.frameworks.verl_manager

This module imports verl; nothing else of the package imports it.
"""

from __future__ import annotations

from typing import Any, Final

from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager

from table_rewards.core.rows import plain

HANDED_ON: Final = {"global_steps": "global_steps", "uid": "uid", "raw_prompt": "prompt"}
"""Columns of verl's batch -> keys of ``extra_info``."""


class TableRewardManager(NaiveRewardManager):  # type: ignore[misc]
    """verl's naive manager, with the training step, the prompt's uid and the prompt in ``extra_info``.

    So schedules follow the training, rewards that read the prompt have it, and fillers are by prompt. What the data set
    has under these keys itself is kept. A copy is handed on: verl's own manager changes the row's ``extra_info``.
    """

    async def run_single(self, data: Any) -> dict[str, Any]:
        columns = data.non_tensor_batch
        found = columns.get("extra_info")
        if found is not None and len(found):
            changed = found.copy()
            for i, info in enumerate(found):
                added = {key: plain(columns[name][i]) for name, key in HANDED_ON.items() if name in columns}
                changed[i] = {**{k: v for k, v in added.items() if v is not None}, **(info or {})}
            columns["extra_info"] = changed
        told: dict[str, Any] = await super().run_single(data)
        return told
