"""A reward that waits, as one that asks a model does, each sample until ``together`` of them wait at once; and one that
tells the size of its batches. verl loads them by the path of the file.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import table_rewards
from table_rewards.frameworks.verl import __getattr__  # noqa: F401

PATIENCE_S = 300  # a busy machine takes its time to send hundreds of calls
FIRST_CALLERS = 5  # verl's reward worker has some six threads on a machine of two cores


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


class Gathering(table_rewards.TableBench):
    """Its value is the size of the batch that a sample was judged in; the first batch ends when others have come."""

    name = "gathering"

    def __init__(self) -> None:
        super().__init__()
        self.read, self.others = 0, threading.Event()

    def coerce(self, value: Any) -> Any:
        self.read += 1
        if self.read == FIRST_CALLERS:
            self.others.set()
        return super().coerce(value)

    def judge_all(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> Any:
        if self.others.wait(PATIENCE_S):
            time.sleep(0.2)  # those whose references are read get in line
        return [table_rewards.Judgement(float(len(completions)), (0.0,) * len(self.parts))] * len(completions)


table_rewards.register(Waiting)
table_rewards.register(Gathering)
