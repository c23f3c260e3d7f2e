"""How the score and its parts go together, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from table_rewards.evaluation.scores.distribution import NAN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK: Final = 4096


class PartCorrelations:
    """Pearson's correlation of every two columns, over the rows that have both.

    >>> some = PartCorrelations(("score", "a"))
    >>> for value in (0.0, 1.0, 1.0):
    ...     some.add(value, [1 - value])
    >>> some.matrix()[0][1]
    -1.0
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._rows: list[list[float]] = []
        self._held: list[NDArray[np.float64]] = []
        self._count = 0
        self._sums: Any = None  # counts, sums, squares and products of every two columns

    def add(self, value: float, parts: Sequence[float | None]) -> None:
        """Take one row."""
        self._rows.append([value, *(NAN if part is None else part for part in parts)])
        if len(self._rows) >= BLOCK:
            self._flush()

    def add_all(self, rows: NDArray[np.float64]) -> None:
        """Take rows, NaN where there is no number."""
        self._held.append(rows)
        self._count += len(rows)
        if self._count >= BLOCK:
            self._flush()

    def matrix(self) -> list[list[float]]:
        """The correlations, in the order of ``names``; NaN where a column is constant or two rows have both."""
        import numpy as np

        self._flush()
        size = len(self.names)
        if self._sums is None:
            return [[NAN] * size for _ in range(size)]
        counts, sums, squares, products = self._sums
        with np.errstate(all="ignore"):
            means = sums / counts  # of the row's column over rows that have both
            spread = squares / counts - means**2
            found = (products / counts - means * means.T) / np.sqrt(spread * spread.T)
        known = (counts > 2) & (spread > 1e-12) & (spread.T > 1e-12)
        return np.where(known, np.clip(found, -1, 1), np.nan).tolist()  # type: ignore[no-any-return]

    def _flush(self) -> None:
        import numpy as np

        if self._rows:
            self._held.append(np.array(self._rows, dtype=np.float64))
            self._rows = []
        if not self._held:
            return
        columns = np.concatenate(self._held)
        self._held, self._count = [], 0
        there = np.isfinite(columns)
        values = np.where(there, columns, 0.0)
        mask = there.astype(np.float64)
        found = np.stack([mask.T @ mask, values.T @ mask, (values**2).T @ mask, values.T @ values])
        self._sums = found if self._sums is None else self._sums + found
