"""The distribution of a column of numbers in bounded memory, whatever the number of rows.

Means are exact. Quantiles and histograms come from values rounded to four decimals (fewer when there are very many).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_VALUES: Final = 50_000

_LARGE: Final = 1e9
"""Beyond it numpy rounds otherwise than Python."""

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

    def add_all(self, column: NDArray[np.float64]) -> None:
        """Take many values, NaN where there is none."""
        known = column[column == column]
        self.missing += len(column) - len(known)
        if not len(known):
            return
        low, high = float(known.min()), float(known.max())
        if max(-low, high) > _LARGE:
            for value in known.tolist():
                self.add(value)
            return
        self.count += len(known)
        self.total += float(known.sum())
        self._square += float(known @ known)
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        values = self._values
        for key, number in Counter(known.round(self._digits).tolist()).items():
            values[key] = values.get(key, 0) + number
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

    def counted(self) -> Iterator[tuple[float, int]]:
        """(value, how often), values rounded, in no order."""
        return iter(self._values.items())

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "unscored": self.missing,
            "mean": json_number(self.mean),
            "std": json_number(self.deviation),
            "quantiles": {f"{share:g}": json_number(self.quantile(share)) for share in QUANTILES},
        }

    def _coarsen(self) -> None:
        self._digits -= 1
        merged: dict[float, int] = {}
        for value, number in self._values.items():
            key = round(value, self._digits)
            merged[key] = merged.get(key, 0) + number
        self._values = merged


def json_number(value: float) -> float | None:
    """A statistic at ten significant digits; None for what JSON cannot say: NaN, and infinities.

    What stands behind them depends on how many rows were added at once: it would differ between engines, and between a
    run and one that was resumed.

    >>> json_number(0.1 + 0.2), json_number(math.inf)
    (0.3, None)
    """
    return float(f"{value:.10g}") if math.isfinite(value) else None
