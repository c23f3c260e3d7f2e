"""The best alignment of two rows' cells, for every pair of rows at once.

For rows x and y this is the weighted longest common subsequence of their cells under the savings of
:mod:`table_rewards.tables.tree_distance.node_savings`; together with the 2 that the row nodes save it is what mapping
row on row is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from table_rewards.tables.tree_distance.node_savings import Matrix

Indices = NDArray[np.intp]

_CHUNK: Final = 500_000  # numbers in one temporary: stays in the second-level cache or near it


def row_pair_savings(
    savings: Matrix, left: Sequence[Sequence[int]], right: Sequence[Sequence[int]], padding: tuple[int, int]
) -> Matrix:
    """Return the greatest total saving of aligning the cells of each left row with those of each right row.

    Args:
        savings: cell x cell.
        left: rows as line numbers of ``savings``.
        right: rows as column numbers of ``savings``.
        padding: a line and a column of ``savings`` that are 0 for every cell of the rows: "no cell".

    Returns:
        float64 of shape (len(left), len(right)).
    """
    padding_left, padding_right = padding
    buckets_left = _by_length(left)
    result = np.zeros((len(left), len(right)))
    buckets_right = [(where, _padded(right, where, padding_right)) for where in _by_length(right)]
    for rows in buckets_left:
        cells_left = _padded(left, rows, padding_left)
        for columns, cells_right in buckets_right:
            step = max(1, _CHUNK // max(1, cells_right.size))
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                if len(part) == len(left) and len(columns) == len(right):
                    return _align(savings, cells_left, cells_right)
                result[np.ix_(part, columns)] = _align(savings, cells_left[start : start + step], cells_right)
    return result


def _align(savings: Matrix, left: Indices, right: Indices) -> Matrix:
    (rows, width_left), (columns, width_right) = left.shape, right.shape
    if width_left > 4 * width_right:  # the calls go with the left width: let that be the small one
        return _align(savings.T, right, left).T
    # One step a pair of positions on (columns, rows) planes, or one step a position with a running maximum along the
    # other row: the first does less arithmetic, the second makes fewer calls. Nanoseconds, measured.
    work = rows * columns * width_left * width_right
    by_planes = 0.9 * work + 3_000 * width_left * width_right
    by_positions = 3.0 * work + 7_000 * width_left
    return (
        _align_by_planes(savings, left, right)
        if by_planes < by_positions
        else _align_by_positions(savings, left, right)
    )


def _align_by_planes(savings: Matrix, left: Indices, right: Indices) -> Matrix:
    (rows, width_left), (columns, width_right) = left.shape, right.shape
    transposed = np.ascontiguousarray(savings.T)
    flat_right = np.ascontiguousarray(right.T).ravel()
    best = [np.zeros((columns, rows)) for _ in range(width_right + 1)]
    for k in range(width_left):
        planes = transposed.take(left[:, k], axis=1).take(flat_right, axis=0).reshape(width_right, columns, rows)
        diagonal = best[0]
        for m in range(width_right):
            plane = planes[m]
            plane += diagonal
            diagonal = best[m + 1]
            np.maximum(plane, diagonal, out=plane)
            np.maximum(plane, best[m], out=plane)
            best[m + 1] = plane
    return best[-1].T


def _align_by_positions(savings: Matrix, left: Indices, right: Indices) -> Matrix:
    (rows, width_left), (columns, width_right) = left.shape, right.shape
    flat_right = right.ravel()
    best = np.zeros((rows, columns, width_right + 1))
    for k in range(width_left):
        step = savings.take(left[:, k], axis=0).take(flat_right, axis=1).reshape(rows, columns, width_right)
        step += best[:, :, :-1]
        np.maximum(step, best[:, :, 1:], out=step)
        np.maximum.accumulate(step, axis=2, out=best[:, :, 1:])
    return best[:, :, -1]


def _by_length(rows: Sequence[Sequence[int]]) -> list[Indices]:
    """Row numbers in buckets of like length (powers of two), so that padding at most doubles the work."""
    lengths = [len(row) for row in rows]
    if lengths and max(lengths) * len(lengths) <= 2 * sum(lengths):
        return [np.arange(len(lengths))]
    buckets: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        if length:
            buckets.setdefault((length - 1).bit_length(), []).append(index)
    return [np.array(bucket, dtype=np.intp) for bucket in buckets.values()]


def _padded(rows: Sequence[Sequence[int]], which: Indices, padding: int) -> Indices:
    chosen = [rows[i] for i in which.tolist()]
    width = max(map(len, chosen))
    if all(len(row) == width for row in chosen):
        return np.array(chosen, dtype=np.intp)
    return np.array([[*row, *[padding] * (width - len(row))] for row in chosen], dtype=np.intp)
