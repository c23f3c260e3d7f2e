"""A reward whose scorer is lost on completions that say so, as verl loads it by the path of its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import table_rewards
from table_rewards.frameworks.verl import __getattr__  # noqa: F401


class Failing(table_rewards.TableBench):
    name = "failing"

    def judge_all(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> Any:
        judged = super().judge_all(completions, references, step)
        return [
            self.unscored("endpoint down") if "lost" in text else one
            for text, one in zip(completions, judged, strict=True)
        ]


table_rewards.register(Failing)
