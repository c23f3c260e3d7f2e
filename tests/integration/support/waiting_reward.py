"""A reward that waits, as one that asks a model does: each sample until ``together`` of them wait at once.

verl loads it by the path of the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import table_rewards
from table_rewards.frameworks.verl import __getattr__  # noqa: F401

PATIENCE_S = 60


class Waiting(table_rewards.TableBench):
    name = "waiting"
    waits = True

    def __init__(self, *, together: int = 1) -> None:
        super().__init__()
        self.together, self.here, self.all_here = together, 0, asyncio.Event()

    async def judge_all_async(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> Any:
        self.here += len(completions)
        if self.here >= self.together:
            self.all_here.set()
        try:
            await asyncio.wait_for(self.all_here.wait(), PATIENCE_S)
        except asyncio.TimeoutError:
            return [self.unscored(f"only {self.here} samples at once")] * len(completions)
        return super().judge_all(completions, references, step)


table_rewards.register(Waiting)
