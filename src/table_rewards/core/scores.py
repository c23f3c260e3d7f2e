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
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from table_rewards.core.errors import ConfigurationError, nearest

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


@dataclass(frozen=True, eq=False, repr=False)
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
    >>> scores[1].note, scores["answer"], scores
    ('endpoint down', array([ 1., nan]), <Scores of 2: mean 1.0000 (1 scored, 1 unscored) demo|v0>)
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

    @overload
    def __getitem__(self, index: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Scores: ...
    @overload
    def __getitem__(self, index: int) -> Score: ...
    def __getitem__(self, index: int | slice | str) -> Score | Scores | NDArray[Any]:
        """One sample by its number, some by a slice, or a column by its name: ``scores["em"]``, ``scores["score"]``.

        Raises:
            KeyError: no such column; names the nearest and all there are.
        """
        if isinstance(index, str):
            return self._column(index)
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        return Score(
            float(self.values[index]),
            {name: float(column[index]) for name, column in self.parts.items()},
            str(self.status[index]),
            self.notes[index],
        )

    def _column(self, name: str) -> NDArray[Any]:
        if name in self.parts:
            return self.parts[name]
        own: dict[str, Any] = {"score": self.values, "status": self.status, "note": np.array(self.notes, dtype=object)}
        if name not in own:
            known = ("score", *self.parts, "status", "note")
            raise KeyError(f"no column {name!r}{nearest(name, known)}; columns: {', '.join(known)}")
        return own[name]  # type: ignore[no-any-return]

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

    def to_pandas(self) -> Any:
        """A data frame of the columns of :meth:`to_dict`.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ConfigurationError("to_pandas needs pandas: pip install pandas") from None
        return pandas.DataFrame(self.to_dict())

    def to_arrow(self) -> Any:
        """An Arrow table of the columns of :meth:`to_dict`, null where there is no number; the signature is metadata.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError:
            raise ConfigurationError("to_arrow needs pyarrow: pip install 'table-rewards[data]'") from None
        columns: dict[str, Any] = {"score": pyarrow.array(self.values, from_pandas=True)}
        columns.update((name, pyarrow.array(column, from_pandas=True)) for name, column in self.parts.items())
        columns.update(
            status=pyarrow.array(self.status.tolist(), pyarrow.string()),
            note=pyarrow.array(list(self.notes), pyarrow.string()),
        )
        return pyarrow.table(columns, metadata={"signature": self.signature})

    def __repr__(self) -> str:
        states = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        return f"<Scores of {len(self)}: mean {Scores._mean(self.values)} ({states or 'empty'}) {self.signature}>"

    def _repr_html_(self) -> str:
        """For notebooks: the mean and the states, then the first ten samples."""
        from html import escape

        shown = self[:10]
        names = ["score", *self.parts, "status", "note"]
        rows = []
        for value, parts, status, note in shown:
            numbers = ["" if one != one else f"{one:.4g}" for one in (value, *parts.values())]
            cells = [*numbers, status, note[:120]]
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        more = f"<p>and {len(self) - 10:,} more</p>" if len(self) > 10 else ""
        return (
            f"<div><p>{escape(repr(self).strip('<>'))}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>{more}</div>"
        )

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
