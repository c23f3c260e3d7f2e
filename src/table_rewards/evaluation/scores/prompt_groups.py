"""Scores by prompt: how much the completions of one prompt differ, since GRPO learns from nothing else."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import Any, Final

from table_rewards.evaluation.scores.distribution import NAN, Distribution, json_number

MAX_PROMPTS: Final = 1_000_000
_FIELDS: Final = 9  # count, sum, sum of squares, lowest, highest; pairs, sums of lengths, their squares, products
_EMPTY: Final = array("d", [0.0] * _FIELDS)


class PromptGroups:
    """The spread of scores among the completions of one prompt: what GRPO learns from, and where it learns nothing.

    Also how scores go with length among the completions of one prompt. Held for the first 1,000,000 prompts.

    >>> groups = PromptGroups()
    >>> for prompt, value in [("a", 1.0), ("a", 1.0), ("b", 0.0), ("b", 1.0), ("c", 1.0)]:
    ...     groups.add(prompt, value)
    >>> groups.several, groups.dead, groups.dead_share
    (2, 1, 0.5)
    """

    def __init__(self, most: int = MAX_PROMPTS) -> None:
        self._most = most
        self._at: dict[int, int] = {}  # hash of the prompt -> where its numbers begin
        self._numbers = array("d")
        self.beyond = 0

    def add(self, prompt: Any, value: float | None, length: float | None = None) -> None:
        """Take one completion's score, and its length in characters."""
        if value is None or value != value:
            return
        held = self._numbers
        key = hash(prompt)
        i = self._at.get(key)
        if i is None:
            if len(self._at) >= self._most:
                self.beyond += 1
                return
            i = self._at[key] = len(held)
            held.extend(_EMPTY)
            held[i + 3] = held[i + 4] = value
        held[i] += 1
        held[i + 1] += value
        held[i + 2] += value * value
        if value < held[i + 3]:
            held[i + 3] = value
        elif value > held[i + 4]:
            held[i + 4] = value
        if length is not None:
            held[i + 5] += 1
            held[i + 6] += length
            held[i + 7] += length * length
            held[i + 8] += length * value

    @property
    def prompts(self) -> int:
        return len(self._at)

    @property
    def several(self) -> int:
        """Prompts with two scored completions or more."""
        return sum(1 for count in self._numbers[0::_FIELDS] if count > 1)

    @property
    def dead(self) -> int:
        """Of these, prompts whose scores are all equal: no advantage, no gradient."""
        return sum(1 for count, _, _, low, high in self._held() if count > 1 and low == high)

    @property
    def dead_share(self) -> float:
        return self.dead / self.several if self.several else NAN

    def dead_at(self) -> dict[float, int]:
        """Value -> number of dead groups at it, the commonest first."""
        found = Counter(round(low, 4) for count, _, _, low, high in self._held() if count > 1 and low == high)
        return dict(found.most_common())

    def deviations(self) -> Distribution:
        """The standard deviations within the groups."""
        spread = Distribution()
        for count, total, square, low, high in self._held():
            if count > 1:
                spread.add(0.0 if low == high else math.sqrt(max(0.0, square / count - (total / count) ** 2)))
        return spread

    def sizes(self) -> Distribution:
        """How many scored completions the prompts have."""
        found = Distribution()
        for count in self._numbers[0::_FIELDS]:
            found.add(count)
        return found

    def length_within(self) -> tuple[float, int]:
        """Pearson's correlation of score and length within prompts, each centred at its prompt's mean; and its pairs.

        NaN where no prompt has completions of different scores and different lengths.
        """
        xx = yy = xy = 0.0
        pairs = 0
        held = self._numbers
        for i in range(0, len(held), _FIELDS):
            count = held[i + 5]
            if count < 2 or count != held[i]:
                continue
            pairs += int(count)
            if held[i + 3] == held[i + 4]:
                xx += max(0.0, held[i + 7] - held[i + 6] ** 2 / count)
                continue
            xx += max(0.0, held[i + 7] - held[i + 6] ** 2 / count)
            yy += max(0.0, held[i + 2] - held[i + 1] ** 2 / count)
            xy += held[i + 8] - held[i + 6] * held[i + 1] / count
        scale = math.sqrt(xx * yy)
        return (max(-1.0, min(1.0, xy / scale)) if scale > 1e-12 else NAN), pairs

    def _held(self) -> zip[tuple[float, float, float, float, float]]:
        numbers = self._numbers
        return zip(*(numbers[field::_FIELDS] for field in range(5)), strict=True)

    def to_dict(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts,
            "with_several_completions": self.several,
            "zero_variance": self.dead,
            "zero_variance_share": json_number(self.dead_share),
            "zero_variance_at": {f"{value:g}": count for value, count in self.dead_at().items()},
            "mean_std_within": json_number(self.deviations().mean),
            "completions_a_prompt": json_number(self.sizes().mean),
            "completions_beyond_limit": self.beyond,
        }
