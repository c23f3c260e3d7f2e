"""Scores by prompt: how much the completions of one prompt differ, since GRPO learns from nothing else."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.evaluation.scores.distribution import NAN, Distribution, json_number

MEMORY: Final = 48 << 20
"""Bytes that the held prompts may take; those beyond are counted and said."""

_KEY: Final = 100  # bytes of a prompt beside its numbers

# where the numbers of a prompt stand: scores, then pairs of length and score, the step, and three for each part
_COUNT, _SUM, _SQUARES, _LOW, _HIGH, _AT_LOW, _AT_HIGH = range(7)
_PAIRS, _LENGTHS, _LENGTH_SQUARES, _PRODUCTS, _STEP = range(7, 12)
_PARTS: Final = 12


class PromptGroups:
    """The spread of scores among the completions of one prompt: what GRPO learns from, and where it learns nothing.

    Also how scores go with length among the completions of one prompt. Held for as many prompts as fit into 48 MiB,
    about 150,000 with six parts; how many completions are of prompts beyond is counted and said.

    Args:
        parts: the names of the parts, whose spread is held too.
        most: the number of prompts that are held; None for what fits into the memory.

    >>> groups = PromptGroups()
    >>> for prompt, value in [("a", 1.0), ("a", 1.0), ("b", 0.0), ("b", 1.0), ("c", 1.0)]:
    ...     groups.add(prompt, value)
    >>> groups.several, groups.dead, groups.dead_share
    (2, 1, 0.5)
    """

    def __init__(self, parts: Sequence[str] = (), most: int | None = None) -> None:
        self._parts = tuple(parts)
        self._fields = _PARTS + 3 * len(self._parts)
        self.most = MEMORY // (8 * self._fields + _KEY) if most is None else most
        self._empty = array("d", [0.0] * self._fields)
        self._at: dict[int, int] = {}  # hash of prompt and step -> where its numbers begin
        self._numbers = array("d")
        self._steps: dict[Any, int] = {}
        self.beyond = 0

    def add(
        self,
        prompt: Any,
        value: float | None,
        length: float | None = None,
        step: Any = None,
        parts: Sequence[float | None] = (),
    ) -> None:
        """Take one completion's score, its length in characters, its training step and its parts."""
        if value is None or value != value:
            return
        held = self._numbers
        key = hash(prompt if step is None else (prompt, step))
        i = self._at.get(key)
        if i is None:
            if len(self._at) >= self.most:
                self.beyond += 1
                return
            i = self._at[key] = len(held)
            held.extend(self._empty)
            held[i + _LOW] = held[i + _HIGH] = value
            if step is not None:
                held[i + _STEP] = self._steps.setdefault(step, len(self._steps) + 1)
        held[i] += 1
        held[i + _SUM] += value
        held[i + _SQUARES] += value * value
        if value < held[i + _LOW]:
            held[i + _LOW], held[i + _AT_LOW] = value, 0.0
        elif value > held[i + _HIGH]:
            held[i + _HIGH], held[i + _AT_HIGH] = value, 0.0
        held[i + _AT_LOW] += value == held[i + _LOW]
        held[i + _AT_HIGH] += value == held[i + _HIGH]
        if length is not None:
            held[i + _PAIRS] += 1
            held[i + _LENGTHS] += length
            held[i + _LENGTH_SQUARES] += length * length
            held[i + _PRODUCTS] += length * value
        j = i + _PARTS
        for part in parts:
            if part is not None and part == part:
                if not held[j]:
                    held[j + 1] = held[j + 2] = part
                elif part < held[j + 1]:
                    held[j + 1] = part
                elif part > held[j + 2]:
                    held[j + 2] = part
                held[j] += 1
            j += 3

    @property
    def prompts(self) -> int:
        return len(self._at)

    @property
    def several(self) -> int:
        """Prompts with two scored completions or more."""
        return sum(1 for count in self._numbers[0 :: self._fields] if count > 1)

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
        for count in self._numbers[0 :: self._fields]:
            found.add(count)
        return found

    def length_within(self) -> tuple[float, int]:
        """Pearson's correlation of score and length within prompts, each centred at its prompt's mean; and its pairs.

        NaN where no prompt has completions of different scores and different lengths.
        """
        xx = yy = xy = 0.0
        pairs = 0
        held = self._numbers
        for i in range(0, len(held), self._fields):
            count = held[i + _PAIRS]
            if count < 2 or count != held[i]:
                continue
            pairs += int(count)
            xx += max(0.0, held[i + _LENGTH_SQUARES] - held[i + _LENGTHS] ** 2 / count)
            if held[i + _LOW] != held[i + _HIGH]:
                yy += max(0.0, held[i + _SQUARES] - held[i + _SUM] ** 2 / count)
                xy += held[i + _PRODUCTS] - held[i + _LENGTHS] * held[i + _SUM] / count
        scale = math.sqrt(xx * yy)
        return (max(-1.0, min(1.0, xy / scale)) if scale > 1e-12 else NAN), pairs

    def dead_parts(self) -> dict[str, tuple[int, int]]:
        """Part -> (prompts in which it is the same on every completion, prompts in which several have it)."""
        found = {}
        for number, name in enumerate(self._parts):
            j = _PARTS + 3 * number
            counts, lows, highs = (self._numbers[j + k :: self._fields] for k in range(3))
            several = [(low, high) for count, low, high in zip(counts, lows, highs, strict=True) if count > 1]
            found[name] = sum(1 for low, high in several if low == high), len(several)
        return found

    def by_step(self) -> dict[Any, tuple[int, int]]:
        """Training step -> (prompts without variance, prompts with several completions)."""
        names = {number: step for step, number in self._steps.items()}
        dead: Counter[Any] = Counter()
        several: Counter[Any] = Counter()
        for (count, _, _, low, high), step in zip(self._held(), self._numbers[_STEP :: self._fields], strict=True):
            if count > 1 and step:
                several[names[int(step)]] += 1
                dead[names[int(step)]] += low == high
        return {step: (dead[step], several[step]) for step in several}

    def signal(self, sizes: Sequence[int] = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)) -> dict[int, float]:
        """Group size -> the estimated share of prompts whose completions would not all score the same.

        Without bias: the share of all groups of that size that can be drawn from a prompt's completions, for the sizes
        that at least half of the prompts allow. Scores between the lowest and the highest of a prompt are taken to
        differ.
        """
        found = {}
        numbers, fields = self._numbers, self._fields
        several = self.several
        for size in sizes:
            alive, known = 0.0, 0
            for i in range(0, len(numbers), fields):
                n = int(numbers[i])
                if n < size:
                    continue
                known += 1
                if numbers[i + _LOW] != numbers[i + _HIGH]:
                    same = sum(math.comb(int(numbers[i + at]), size) for at in (_AT_LOW, _AT_HIGH))
                    alive += 1 - same / math.comb(n, size)
            if known and 2 * known >= several:
                found[size] = alive / known
        return found

    def _held(self) -> zip[tuple[float, float, float, float, float]]:
        numbers = self._numbers
        return zip(*(numbers[field :: self._fields] for field in range(5)), strict=True)

    def to_dict(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts,
            "with_several_completions": self.several,
            "zero_variance": self.dead,
            "zero_variance_share": json_number(self.dead_share),
            "zero_variance_at": {f"{value:g}": count for value, count in self.dead_at().items()},
            "mean_std_within": json_number(self.deviations().mean),
            "completions_a_prompt": json_number(self.sizes().mean),
            "zero_variance_of_parts": {
                name: dead / several for name, (dead, several) in self.dead_parts().items() if several
            },
            "signal_by_group_size": {str(size): value for size, value in self.signal().items()},
            "completions_beyond_limit": self.beyond,
        }
