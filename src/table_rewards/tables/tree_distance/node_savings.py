"""What a pair of nodes saves when one is mapped on the other.

The kernels work with savings instead of costs. Deleting one tree and inserting the other costs n1 + n2; a pair (u, v)
that is mapped instead saves 2 - rename(u, v), which is 1 to 2. The distance is then n1 + n2 - S with S the greatest
total saving of an order- and ancestor-preserving mapping, and a dynamic programme over S needs no "+ 1" anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein, Postfix, Prefix
from rapidfuzz.process import cdist

from table_rewards.tables.table import Leaf
from table_rewards.tables.tree_distance.numbers import refuse_other_numbers

Matrix = NDArray[np.float64]

MAX_CHARACTER_PAIRS: Final = 20_000_000_000
"""Levenshtein work (characters x characters) for one matrix: about half a second on one core."""


def text_savings(
    left: Sequence[str], right: Sequence[str], out: Matrix | None = None, exact_numbers: bool = False
) -> Matrix:
    """Return 2 - Levenshtein / longer length for every pair of texts, shape (len(left), len(right)).

    When the texts are so long that this would take more than :data:`MAX_CHARACTER_PAIRS`, the longest ones are compared
    by their common beginning and end alone. That never overstates a saving: the rest is taken to be all wrong. With
    ``exact_numbers`` a number has nothing in common with another number.

    >>> text_savings(["ab", ""], ["ab", "ax"]).tolist()
    [[2.0, 1.5], [1.0, 1.0]]
    """
    if out is None:
        out = np.empty((len(left), len(right)))
    longest = longest_affordable(left, right)
    if longest is None:
        distances = cdist(left, right, scorer=Levenshtein.normalized_distance, dtype=np.float64)
        np.subtract(2.0, distances, out=out)
        if exact_numbers:
            refuse_other_numbers(left, right, out)
        return out
    rows = [i for i, text in enumerate(left) if len(text) <= longest]
    columns = [j for j, text in enumerate(right) if len(text) <= longest]
    out[...] = _affix_savings(left, right)
    if rows and columns:
        out[np.ix_(rows, columns)] = text_savings([left[i] for i in rows], [right[j] for j in columns])
    if exact_numbers:
        refuse_other_numbers(left, right, out)
    return out


def leaf_savings(left: Sequence[Leaf], right: Sequence[Leaf], out: Matrix, exact_numbers: bool = False) -> None:
    """Write the saving of every pair of cells to ``out``, shape (len(left), len(right)): 1 when their spans differ.

    Cells that span one slot must come first on both sides.
    """
    if tuple not in map(type, left) and tuple not in map(type, right):
        text_savings(left, right, out, exact_numbers)  # type: ignore[arg-type]
        return
    by_span_left, by_span_right = _by_span(left), _by_span(right)
    if by_span_left.keys() | by_span_right.keys() != {(1, 1)}:
        out[...] = 1.0
    for span, rows in by_span_left.items():
        columns = by_span_right.get(span)
        if columns is None:
            continue
        texts = [_text(left[i]) for i in rows], [_text(right[j]) for j in columns]
        if span == (1, 1):
            text_savings(*texts, out[: len(rows), : len(columns)], exact_numbers)
        else:
            out[np.ix_(rows, columns)] = text_savings(*texts, None, exact_numbers)


def plain_first(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Return distinct cells, those that span one slot first."""
    distinct = dict.fromkeys(leaves)
    if tuple not in map(type, distinct):
        return list(distinct)
    plain: dict[Leaf, None] = {}
    spanning: dict[Leaf, None] = {}
    for leaf in distinct:
        (plain if isinstance(leaf, str) else spanning)[leaf] = None
    return [*plain, *spanning]


def _text(leaf: Leaf) -> str:
    return leaf if isinstance(leaf, str) else leaf[0]


def _by_span(leaves: Sequence[Leaf]) -> dict[tuple[int, int], list[int]]:
    groups: dict[tuple[int, int], list[int]] = {}
    plain: list[int] = []
    for index, leaf in enumerate(leaves):
        if isinstance(leaf, str):
            plain.append(index)
        else:
            groups.setdefault((leaf[1], leaf[2]), []).append(index)
    if plain:
        groups[1, 1] = plain
    return groups


def longest_affordable(left: Sequence[str], right: Sequence[str]) -> int | None:
    """Return the greatest text length up to which all pairs can be compared in full; None when every text can."""
    if sum(map(len, left)) * sum(map(len, right)) <= MAX_CHARACTER_PAIRS:
        return None
    lengths_left, lengths_right = [len(text) for text in left], [len(text) for text in right]
    lengths = sorted({*lengths_left, *lengths_right})
    sums = zip(lengths, _sums_up_to(lengths_left, lengths), _sums_up_to(lengths_right, lengths), strict=True)
    return max((length for length, a, b in sums if a * b <= MAX_CHARACTER_PAIRS), default=0)


def _sums_up_to(values: list[int], limits: list[int]) -> list[int]:
    totals = dict.fromkeys(limits, 0)
    for value in values:
        totals[value] += value
    return list(accumulate(totals[limit] for limit in limits))


def shared_ends(left: Sequence[str], right: Sequence[str]) -> Matrix:
    """Return for every pair of texts how many characters they share at the beginning and at the end."""
    shorter = np.minimum.outer([float(len(text)) for text in left], [float(len(text)) for text in right])
    shared = cdist(left, right, scorer=Prefix.similarity, dtype=np.float64)
    shared += cdist(left, right, scorer=Postfix.similarity, dtype=np.float64)
    return np.asarray(np.minimum(shared, shorter))


def _affix_savings(left: Sequence[str], right: Sequence[str]) -> Matrix:
    longer = np.maximum.outer([float(len(text)) for text in left], [float(len(text)) for text in right])
    return np.asarray(np.where(longer > 0, 1.0 + shared_ends(left, right) / np.maximum(longer, 1.0), 2.0))
