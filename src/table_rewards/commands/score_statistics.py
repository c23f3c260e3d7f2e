"""Statistics of scores in bounded memory: fed batch by batch, whatever the number of rows.

Means are exact. Quantiles and histograms come from values rounded to four decimals (fewer when there are very many).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

MAX_VALUES: Final = 50_000
MAX_NOTES: Final = 2_000
MAX_BUCKETS: Final = 200
MAX_PROMPTS: Final = 100_000

NAN: Final = float("nan")
QUANTILES: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


class Distribution:
    """A column of numbers: count, mean, standard deviation, quantiles, histogram. NaN is counted apart.

    >>> some = Distribution()
    >>> for value in (0.0, 1.0, 1.0, float("nan")):
    ...     some.add(value)
    >>> some.count, some.missing, round(some.mean, 3), some.quantile(0.5), some.histogram(2)[0]
    (3, 1, 0.667, 1.0, [1, 2])
    """

    __slots__ = ("_digits", "_square", "_values", "count", "highest", "lowest", "missing", "total")

    def __init__(self) -> None:
        self.count = self.missing = 0
        self.total = self._square = 0.0
        self.lowest, self.highest = math.inf, -math.inf
        self._values: dict[float, int] = {}
        self._digits = 4

    def add(self, value: float | None) -> None:
        if value is None or value != value:
            self.missing += 1
            return
        self.count += 1
        self.total += value
        self._square += value * value
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value
        key = round(value, self._digits)
        values = self._values
        values[key] = values.get(key, 0) + 1
        if len(values) > MAX_VALUES:
            self._coarsen()

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else NAN

    @property
    def deviation(self) -> float:
        """The population's standard deviation."""
        if not self.count:
            return NAN
        return math.sqrt(max(0.0, self._square / self.count - self.mean**2))

    def quantile(self, share: float) -> float:
        """The smallest value that at least ``share`` of the values do not exceed."""
        if not self.count:
            return NAN
        if share <= 0 or share >= 1:
            return self.lowest if share <= 0 else self.highest
        target, passed = share * self.count, 0
        for value in sorted(self._values):
            passed += self._values[value]
            if passed >= target:
                return value
        return self.highest

    def histogram(self, bins: int) -> tuple[list[int], float, float]:
        """Counts in equal bins, and the range: [0, 1] when all values lie in it, else lowest to highest."""
        low, high = (0.0, 1.0) if self.count and self.lowest >= 0 and self.highest <= 1 else (self.lowest, self.highest)
        counts = [0] * bins
        if self.count:
            width = (high - low) / bins or 1.0
            for value, number in self._values.items():
                counts[min(bins - 1, max(0, int((value - low) / width + 1e-9)))] += number
        return counts, low, high

    def share_of(self, value: float) -> float:
        """The share of values equal to ``value`` (as rounded)."""
        return self._values.get(round(value, self._digits), 0) / self.count if self.count else NAN

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "unscored": self.missing,
            "mean": _json(self.mean),
            "std": _json(self.deviation),
            "quantiles": {f"{share:g}": _json(self.quantile(share)) for share in QUANTILES},
        }

    def _coarsen(self) -> None:
        self._digits -= 1
        merged: dict[float, int] = {}
        for value, number in self._values.items():
            key = round(value, self._digits)
            merged[key] = merged.get(key, 0) + number
        self._values = merged


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
            "zero_variance_share": _json(self.dead_share),
            "zero_variance_at": {f"{value:g}": count for value, count in self.dead_at().items()},
            "mean_std_within": _json(self.deviations().mean),
            "completions_beyond_limit": self.beyond,
        }


class Correlation:
    """Pearson's correlation of two columns, in one pass.

    >>> some = Correlation()
    >>> for x, y in [(1, 2.0), (2, 4.0), (3, 6.0)]:
    ...     some.add(x, y)
    >>> round(some.value, 6), some.notable
    (1.0, False)
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean_x = self._mean_y = self._xx = self._yy = self._xy = 0.0

    def add(self, x: float | None, y: float | None) -> None:
        if x is None or y is None or x != x or y != y:
            return
        self.count += 1
        dx = x - self._mean_x
        self._mean_x += dx / self.count
        dy = y - self._mean_y
        self._mean_y += dy / self.count
        self._xx += dx * (x - self._mean_x)
        self._yy += dy * (y - self._mean_y)
        self._xy += dx * (y - self._mean_y)

    @property
    def value(self) -> float:
        """In [-1, 1]; NaN when a column is constant."""
        scale = math.sqrt(self._xx * self._yy)
        return max(-1.0, min(1.0, self._xy / scale)) if scale > 0 else NAN

    @property
    def notable(self) -> bool:
        """Known well enough, and large enough, to tell a person."""
        return self.count >= 30 and abs(self.value) >= 0.2


class ScoreStatistics:
    """Everything that a summary says of a set of scores."""

    def __init__(self, parts: Sequence[str], by: str | None = None) -> None:
        self.by = by
        self.values = Distribution()
        self.parts = {name: Distribution() for name in parts}
        self.status: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.buckets: dict[str, Distribution] = {}
        self.groups = PromptGroups()
        self.length = Correlation()
        self.signatures: dict[str, None] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one score row: ``score``, the parts, ``status``, ``note``, ``signature``, ``prompt``, columns."""
        value = row.get("score")
        value = NAN if value is None else float(value)
        self.values.add(value)
        for name, column in self.parts.items():
            column.add(row.get(name))
        self.status[str(row.get("status"))] += 1
        note = row.get("note")
        if note:
            self._note(str(note))
        if self.by is not None:
            self._bucket(row.get(self.by)).add(value)
        prompt = row.get("prompt")
        self.groups.add(row.get("row") if prompt is None else prompt, value)
        self.length.add(row.get("characters"), value)
        self.signatures.setdefault(str(row.get("signature", "")))

    @property
    def count(self) -> int:
        return self.values.count + self.values.missing

    @property
    def unscored_share(self) -> float:
        return self.values.missing / self.count if self.count else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.count,
            **self.values.to_dict(),
            "status": {name: self.status.get(name, 0) for name in ("scored", "unparsed", "unscored")},
            "parts": {name: column.to_dict() for name, column in self.parts.items()},
            "by": self.by,
            "groups": {name: column.to_dict() for name, column in self.buckets.items()},
            "prompts": self.groups.to_dict(),
            "length_correlation": _json(self.length.value),
            "notes": dict(self.notes.most_common(20)),
            "signature": next(iter(self.signatures), ""),
        }

    def _bucket(self, value: Any) -> Distribution:
        name = "(none)" if value is None else str(value)
        if name not in self.buckets and len(self.buckets) >= MAX_BUCKETS:
            name = "(others)"
        return self.buckets.setdefault(name, Distribution())

    def _note(self, note: str) -> None:
        if note not in self.notes and len(self.notes) >= MAX_NOTES:
            self.notes = Counter(dict(self.notes.most_common(MAX_NOTES // 2)))
        self.notes[note] += 1


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
