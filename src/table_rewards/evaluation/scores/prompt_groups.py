"""Scores by prompt: how much the completions of one prompt differ, since GRPO learns from nothing else."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

from table_rewards.evaluation.scores.distribution import NAN, Distribution, json_number

MAX_PROMPTS: Final = 100_000


class PromptGroups:
    """The spread of scores among the completions of one prompt: what GRPO learns from, and where it learns nothing.

    Held for the first 100,000 prompts.

    >>> groups = PromptGroups()
    >>> for prompt, value in [("a", 1.0), ("a", 1.0), ("b", 0.0), ("b", 1.0), ("c", 1.0)]:
    ...     groups.add(prompt, value)
    >>> groups.several, groups.dead, groups.dead_share
    (2, 1, 0.5)
    """

    def __init__(self) -> None:
        self._of: dict[Any, list[float]] = {}  # prompt -> [count, sum, sum of squares, lowest, highest]
        self.beyond = 0

    def add(self, prompt: Any, value: float | None) -> None:
        if value is None or value != value:
            return
        held = self._of.get(prompt)
        if held is None:
            if len(self._of) >= MAX_PROMPTS:
                self.beyond += 1
                return
            self._of[prompt] = [1, value, value * value, value, value]
            return
        held[0] += 1
        held[1] += value
        held[2] += value * value
        held[3] = min(held[3], value)
        held[4] = max(held[4], value)

    @property
    def prompts(self) -> int:
        return len(self._of)

    @property
    def several(self) -> int:
        """Prompts with two scored completions or more."""
        return sum(1 for held in self._of.values() if held[0] > 1)

    @property
    def dead(self) -> int:
        """Of these, prompts whose scores are all equal: no advantage, no gradient."""
        return sum(1 for held in self._of.values() if held[0] > 1 and held[3] == held[4])

    @property
    def dead_share(self) -> float:
        return self.dead / self.several if self.several else NAN

    def dead_at(self) -> dict[float, int]:
        """Value -> number of dead groups at it, the commonest first."""
        found = Counter(round(held[3], 4) for held in self._of.values() if held[0] > 1 and held[3] == held[4])
        return dict(found.most_common())

    def deviations(self) -> Distribution:
        """The standard deviations within the groups."""
        spread = Distribution()
        for count, total, square, low, high in self._of.values():
            if count > 1:
                spread.add(0.0 if low == high else math.sqrt(max(0.0, square / count - (total / count) ** 2)))
        return spread

    def to_dict(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts,
            "with_several_completions": self.several,
            "zero_variance": self.dead,
            "zero_variance_share": json_number(self.dead_share),
            "zero_variance_at": {f"{value:g}": count for value, count in self.dead_at().items()},
            "mean_std_within": json_number(self.deviations().mean),
            "completions_beyond_limit": self.beyond,
        }
