"""Agreement of two rankings, a batch at a time: every pair of candidates of every ranking in one array.

Input is two arrays of shape (m, n): what m rankings, and their references, say n candidates are worth (higher is
better; only differences count). :mod:`table_rewards.rewards.ranking.agreement_plain` says the same in loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MARGIN_CREDIT: Final = ((0.0, 1.0), (1.0, 0.6), (2.0, 0.2), (3.0, 0.0))
"""Credit for a score difference that is so far off; between these points linear, beyond them 0."""

_CHUNK: Final = 1 << 18  # pairs worked on at once: they stay in the processor's cache


class Agreement(NamedTuple):
    """Columns of shape (m,)."""

    ranking: Array
    margin: Array
    kendall_tau: Array


def agreement(predicted: Array, reference: Array) -> Agreement:
    """Compare rankings with their references.

    ::

        ranking      share of the pairs whose relation (better, worse, tied) is the reference's
        margin       mean over the pairs of credit(| predicted difference - reference difference |)
        kendall_tau  tau-b = (concordant - discordant) / sqrt(untied pairs here * untied pairs there); 0 where either
                     side ties all

    >>> both = agreement(np.array([[8.0, 3.0, 3.0]]), np.array([[9.0, 4.0, 5.0]]))
    >>> [round(float(column[0]), 4) for column in both]
    [0.6667, 0.7333, 0.8165]
    """
    m, n = predicted.shape
    out = np.empty((3, m))
    left, right = np.triu_indices(n, 1)
    predicted, reference = np.ascontiguousarray(predicted.T), np.ascontiguousarray(reference.T)
    if _small_integers(predicted) and _small_integers(reference):
        predicted, reference = predicted.astype(np.int16), reference.astype(np.int16)
    for rows in _chunks(m, len(left)):  # one row a pair from here on: contiguous, and summed along the first axis
        here = predicted[left, rows] - predicted[right, rows]
        there = reference[left, rows] - reference[right, rows]
        better, truly = _sign(here), _sign(there)
        out[0, rows] = _count(better == truly) / len(left)
        out[1, rows] = _credit(here - there)
        concordance = np.add.reduce(better * truly, axis=0, dtype=np.int32)
        untied = np.sqrt(_count(better != 0).astype(np.float64) * _count(truly != 0))
        out[2, rows] = np.divide(concordance, untied, out=np.zeros(len(untied)), where=untied > 0)
    return Agreement(*out)


def spearman(predicted: Array, reference: Array) -> Array:
    """Spearman's rho of each row, with mid-ranks for ties; 0 where either side ties all.

    >>> spearman(np.array([[3.0, 2.0, 1.0]]), np.array([[9.0, 1.0, 5.0]]))
    array([0.5])
    """
    out = np.zeros(len(predicted))
    for rows in _chunks(len(predicted), predicted.shape[1] ** 2):
        here, there = _mid_ranks(predicted[rows]), _mid_ranks(reference[rows])
        spread = np.sqrt((here**2).sum(axis=1) * (there**2).sum(axis=1))
        out[rows] = np.divide((here * there).sum(axis=1), spread, out=np.zeros(len(spread)), where=spread > 0)
    return out


def _small_integers(values: Array) -> bool:
    """True when differences of differences fit into 16 bits."""
    return bool(np.all(np.abs(values) < 8000) and np.all(values == np.rint(values)))


def _sign(difference: NDArray[Any]) -> NDArray[np.int8]:
    return (difference > 0).view(np.int8) - (difference < 0).view(np.int8)


def _count(flags: NDArray[np.bool_]) -> NDArray[Any]:
    """Number of true rows in each column, in the narrowest type that holds it."""
    kind = np.uint8 if len(flags) < 256 else np.uint32
    counted: NDArray[Any] = np.add.reduce(flags.view(np.uint8), axis=0, dtype=kind)
    return counted


def _credit(error: NDArray[Any]) -> Array:
    """Mean credit of each column's margin errors."""
    error = np.abs(error)
    if error.dtype == np.int16:
        total = sum(value * _count(error == point) for point, value in MARGIN_CREDIT if value)
        return np.asarray(total, dtype=np.float64) / len(error)
    points, values = zip(*MARGIN_CREDIT, strict=True)
    credit: Array = np.interp(np.round(error, 9), points, values).mean(axis=0)
    return credit


def _mid_ranks(scores: Array) -> Array:
    """Ranks with ties averaged, centred on 0."""
    higher = scores[:, :, None] > scores[:, None, :]
    rank: Array = (higher.sum(axis=2) - higher.sum(axis=1)) / 2.0
    return rank


def _chunks(rows: int, each: int) -> Iterator[slice]:
    step = max(1, _CHUNK // max(1, each))
    return (slice(start, start + step) for start in range(0, rows, step))
