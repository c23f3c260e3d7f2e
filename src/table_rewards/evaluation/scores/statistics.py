"""Statistics of scores in bounded memory: fed batch by batch, whatever the number of rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from table_rewards.core.scores import INAPPLICABLE, STATUSES, UNSCORED
from table_rewards.evaluation.scores.distribution import NAN, Distribution, json_number
from table_rewards.evaluation.scores.part_correlations import PartCorrelations
from table_rewards.evaluation.scores.prompt_groups import PromptGroups

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_NOTES: Final = 2_000
MAX_BUCKETS: Final = 200
MAX_STEPS: Final = 100_000
FEW: Final = 6
"""Fewer rows are taken one by one, which costs less than making columns of them."""


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

    def add_all(self, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> None:
        """Take many pairs; those with a NaN are none."""
        both = (xs == xs) & (ys == ys)
        xs, ys = xs[both], ys[both]
        if not len(xs):
            return
        mean_x, mean_y = float(xs.mean()), float(ys.mean())
        dx, dy = xs - mean_x, ys - mean_y
        count = self.count + len(xs)
        far_x, far_y, share = mean_x - self._mean_x, mean_y - self._mean_y, self.count * len(xs) / count
        self._xx += float(dx @ dx) + far_x * far_x * share
        self._yy += float(dy @ dy) + far_y * far_y * share
        self._xy += float(dx @ dy) + far_x * far_y * share
        self._mean_x += far_x * len(xs) / count
        self._mean_y += far_y * len(xs) / count
        self.count = count

    @property
    def value(self) -> float:
        """In [-1, 1]; NaN when a column is constant."""
        if self._flat(self._xx, self._mean_x) or self._flat(self._yy, self._mean_y):
            return NAN
        return max(-1.0, min(1.0, self._xy / math.sqrt(self._xx * self._yy)))

    def _flat(self, spread: float, mean: float) -> bool:
        """Whether a spread is no more than what rounding leaves of a constant column."""
        return spread <= 1e-24 * self.count + 1e-18 * self.count * mean * mean

    @property
    def notable(self) -> bool:
        """Known well enough, and large enough, to tell a person."""
        return self.count >= 30 and abs(self.value) >= 0.2


class StepNumbers:
    """Count, mean and standard deviation of the scores of one training step."""

    __slots__ = ("_square", "_total", "count")

    def __init__(self) -> None:
        self.count, self._total, self._square = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        if value == value:
            self.count += 1
            self._total += value
            self._square += value * value

    @property
    def mean(self) -> float:
        return self._total / self.count if self.count else NAN

    @property
    def deviation(self) -> float:
        return math.sqrt(max(0.0, self._square / self.count - self.mean**2)) if self.count else NAN


class LengthWithin(NamedTuple):
    """Correlation of score and length within prompts, over so many ``completions``."""

    value: float
    completions: int

    @property
    def notable(self) -> bool:
        """Known well enough, and large enough, to tell a person."""
        return self.completions >= 30 and abs(self.value) >= 0.2


class ScoreStatistics:
    """Everything that a summary says of a set of scores."""

    def __init__(self, parts: Sequence[str], by: str | None = None) -> None:
        self.by = by
        self.values = Distribution()
        self.parts = {name: Distribution() for name in parts}
        self.status: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.buckets: dict[str, Distribution] = {}
        self.groups = PromptGroups(parts)
        self.together = PartCorrelations(("score", *parts))
        self.steps: dict[Any, StepNumbers] = {}
        self.length = Correlation()
        self.signatures: dict[str, None] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one score row: ``score``, the parts, ``status``, ``note``, ``signature``, ``prompt``, columns."""
        score = row.get("score")
        value = NAN if score is None else float(score)
        parts = [row.get(name) for name in self.parts]
        length = row.get("characters")
        self.values.add(value)
        for column, part in zip(self.parts.values(), parts, strict=True):
            column.add(part)
        self.together.add(value, parts)
        self.length.add(length, value)
        self.status[str(row.get("status"))] += 1
        if row.get("note"):
            self._note(str(row["note"]), 1)
        self.signatures.setdefault(str(row.get("signature", "")))
        if self.by is not None:
            self._bucket(row.get(self.by)).add(value)
        self._group(row, value, parts)

    def add_all(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take score rows, as :meth:`add` takes one; many at once cost a quarter."""
        import numpy as np

        if len(rows) < FEW:
            for row in rows:
                self.add(row)
            return
        table = np.array([[row.get(name) for name in ("score", *self.parts)] for row in rows], dtype=np.float64)
        columns = table.T
        self.values.add_all(columns[0])
        for part, column in zip(self.parts.values(), columns[1:], strict=True):
            part.add_all(column)
        self.together.add_all(table)
        lengths = np.array([row.get("characters") for row in rows], dtype=np.float64)
        self.length.add_all(lengths, columns[0])
        self.status.update([str(row.get("status")) for row in rows])
        for note, count in Counter([row.get("note") for row in rows]).items():
            if note:
                self._note(str(note), count)
        for signature in dict.fromkeys([row.get("signature", "") for row in rows]):
            self.signatures.setdefault(str(signature))
        if self.by is not None:
            kinds: dict[Any, list[int]] = {}
            for number, row in enumerate(rows):
                kinds.setdefault(row.get(self.by), []).append(number)
            for kind, numbers in kinds.items():
                self._bucket(kind).add_all(columns[0][numbers])
        for row, (value, *parts) in zip(rows, table.tolist(), strict=True):
            self._group(row, value, parts)

    def _group(self, row: Mapping[str, Any], value: float, parts: Sequence[float | None]) -> None:
        prompt, step = row.get("prompt"), row.get("step")
        told = ("row", row.get("row")) if prompt is None else (prompt, asked_of(row))
        self.groups.add(told, value, row.get("characters"), step, parts)
        if step is not None:
            self._step(step).add(value)

    @property
    def length_within(self) -> LengthWithin:
        """How scores go with length among the completions of one prompt."""
        return LengthWithin(*self.groups.length_within())

    @property
    def count(self) -> int:
        return self.values.count + self.values.missing

    @property
    def states(self) -> tuple[str, ...]:
        """The three states of every report, and ``inapplicable`` where it occurs."""
        return tuple(name for name in STATUSES if name != INAPPLICABLE or name in self.status)

    @property
    def unscored(self) -> int:
        """Samples that the scorer failed on; those of rows without a reference of this reward are none."""
        return self.status.get(UNSCORED, 0)

    @property
    def unscored_share(self) -> float:
        return self.unscored / self.count if self.count else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.count,
            **self.values.to_dict(),
            "unscored": self.unscored,
            "status": {name: self.status.get(name, 0) for name in self.states},
            "parts": {name: column.to_dict() for name, column in self.parts.items()},
            "by": self.by,
            "groups": {name: column.to_dict() for name, column in self.buckets.items()},
            "prompts": self.groups.to_dict(),
            "length": {
                "within_prompts": json_number(self.length_within.value),
                "over_all": json_number(self.length.value),
            },
            "length_correlation": json_number(self.length.value),
            "steps": {str(step): json_number(one.mean) for step, one in self.curve()},
            "notes": dict(self.notes.most_common(20)),
            "signature": next(iter(self.signatures), ""),
        }

    def _bucket(self, value: Any) -> Distribution:
        name = "(none)" if value is None else str(value)
        if name not in self.buckets and len(self.buckets) >= MAX_BUCKETS:
            name = "(others)"
        return self.buckets.setdefault(name, Distribution())

    def _step(self, step: Any) -> StepNumbers:
        found = self.steps.get(step)
        if found is None:
            found = self.steps.setdefault(step if len(self.steps) < MAX_STEPS else "(others)", StepNumbers())
        return found

    def curve(self) -> list[tuple[Any, StepNumbers]]:
        """The training steps in order, with their numbers."""
        return sorted(self.steps.items(), key=lambda item: _in_order(item[0]))

    def _note(self, note: str, count: int) -> None:
        if note not in self.notes and len(self.notes) >= MAX_NOTES:
            self.notes = Counter(dict(self.notes.most_common(MAX_NOTES // 2)))
        self.notes[note] += count


def asked_of(row: Mapping[str, Any]) -> str:
    """The digest of what was asked that a score row carries, which tells apart what has one id and is two prompts."""
    content = row.get("content")
    return content.partition("-")[0] if isinstance(content, str) else ""


def _in_order(step: Any) -> tuple[int, float, str]:
    """Numbers by value, also those written as text; other names behind them."""
    try:
        return 0, float(step), ""
    except (TypeError, ValueError, OverflowError):
        return 1, 0.0, str(step)
