"""The result of scoring a batch: columns, one row a sample.

A sample is in one of four states:

============  ======================================================  ======
status        meaning                                                 value
============  ======================================================  ======
scored        an answer was found and judged                          finite
unparsed      the completion held no answer: the reward's floor       finite
unscored      the scorer could not do its work; never a wrong answer  NaN
inapplicable  the row has no reference of this reward; no failure     NaN
============  ======================================================  ======
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SCORED: Final = "scored"
UNPARSED: Final = "unparsed"
UNSCORED: Final = "unscored"
INAPPLICABLE: Final = "inapplicable"
STATUSES: Final = (SCORED, UNPARSED, UNSCORED, INAPPLICABLE)

NAN: Final = float("nan")


class Judgement(NamedTuple):
    """What a reward says of one sample: its value, its parts in the order of ``Reward.parts``, a status and a note."""

    value: float
    parts: tuple[float, ...] = ()
    status: str = SCORED
    note: str = ""

    @classmethod
    def unscored(cls, note: str, parts: int = 0) -> Judgement:
        """A sample that could not be scored: NaN everywhere.

        >>> Judgement.unscored("endpoint down", parts=1)
        Judgement(value=nan, parts=(nan,), status='unscored', note='endpoint down')
        """
        return cls(NAN, (NAN,) * parts, UNSCORED, note)

    @classmethod
    def inapplicable(cls, note: str, parts: int = 0) -> Judgement:
        """A sample whose row is not for this reward: NaN everywhere, and not counted as a failure."""
        return cls(NAN, (NAN,) * parts, INAPPLICABLE, note)


class Score(NamedTuple):
    """One sample of a :class:`Scores`, with named parts."""

    value: float
    parts: dict[str, float]
    status: str
    note: str


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of ``n`` samples as columns.

    Attributes:
        values: float64 of shape (n,); NaN where unscored or inapplicable.
        parts: name -> float64 of shape (n,); the same names on every sample, fixed by the reward's options.
        status: str array of shape (n,), each one of the four states.
        notes: n short texts: why; empty where there is nothing to say.
        signature: reward, options and version that made these numbers; compare only equal signatures.

    >>> scores = Scores.of([Judgement(1.0, (1.0,)), Judgement.unscored("endpoint down", 1)], ("answer",), "demo|v0")
    >>> scores.values, scores.status.tolist(), scores.mean
    (array([ 1., nan]), ['scored', 'unscored'], 1.0)
    >>> scores[1].note
    'endpoint down'
    """

    values: NDArray[np.float64]
    parts: Mapping[str, NDArray[np.float64]]
    status: NDArray[np.str_]
    notes: Sequence[str]
    signature: str = field(default="")

    @classmethod
    def of(cls, judgements: Iterable[Judgement], parts: Sequence[str], signature: str = "") -> Scores:
        """Turn judgements into columns. Every judgement must carry one number for each name in ``parts``."""
        rows = list(judgements)
        if not rows:
            empty = np.empty(0, dtype=np.float64)
            return cls(empty, dict.fromkeys(parts, empty), np.empty(0, dtype="<U12"), [], signature)
        values, part_rows, status, notes = zip(*rows, strict=True)
        matrix = np.array(part_rows, dtype=np.float64).reshape(len(rows), len(parts))
        return cls(
            np.array(values, dtype=np.float64),
            {name: np.ascontiguousarray(matrix[:, i]) for i, name in enumerate(parts)},
            np.array(status, dtype="<U12"),
            list(notes),
            signature,
        )

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Score:
        return Score(
            float(self.values[index]),
            {name: float(column[index]) for name, column in self.parts.items()},
            str(self.status[index]),
            self.notes[index],
        )

    def __iter__(self) -> Iterator[Score]:
        return (self[i] for i in range(len(self)))

    @property
    def mean(self) -> float:
        """Mean over the samples that have a value; NaN when none has."""
        known = self.values[~np.isnan(self.values)]
        return float(known.mean()) if known.size else NAN

    @property
    def counts(self) -> dict[str, int]:
        """Number of samples in each status; all four names are always there."""
        return {name: int(np.count_nonzero(self.status == name)) for name in STATUSES}

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> Scores:
        """Return the samples at ``indices``, in that order."""
        where = np.asarray(indices, dtype=np.intp)
        return Scores(
            self.values[where],
            {name: column[where] for name, column in self.parts.items()},
            self.status[where],
            [self.notes[i] for i in where.tolist()],
            self.signature,
        )

    def equals(self, other: object) -> bool:
        """True when every column is equal bit for bit (NaN equals NaN)."""
        return (
            isinstance(other, Scores)
            and self.signature == other.signature
            and np.array_equal(self.values, other.values, equal_nan=True)
            and list(self.parts) == list(other.parts)
            and all(np.array_equal(a, other.parts[name], equal_nan=True) for name, a in self.parts.items())
            and np.array_equal(self.status, other.status)
            and list(self.notes) == list(other.notes)
        )

    def to_dict(self) -> dict[str, Any]:
        """Columns as plain lists, ready for a data frame: ``score``, one column a part, ``status``, ``note``."""
        columns: dict[str, Any] = {"score": self.values.tolist()}
        columns.update((name, column.tolist()) for name, column in self.parts.items())
        columns.update(status=self.status.tolist(), note=list(self.notes))
        return columns

    def __str__(self) -> str:
        states = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        means = [f"{name} {Scores._mean(column)}" for name, column in self.parts.items()]
        return f"mean {Scores._mean(self.values)} over {len(self)} ({states or 'empty'}); " + ", ".join(
            [*means, self.signature]
        )

    @staticmethod
    def _mean(column: NDArray[np.float64]) -> str:
        known = column[~np.isnan(column)]
        return f"{known.mean():.4f}" if known.size else "-"
