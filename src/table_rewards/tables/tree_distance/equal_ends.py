"""Rows that two tables share at their beginning and at their end."""

from __future__ import annotations

from collections.abc import Sequence


def equal_ends(left: Sequence[object], right: Sequence[object]) -> tuple[int, int]:
    """Return how many rows are equal at the beginning and at the end.

    >>> equal_ends([1, 2, 3, 9], [1, 3, 9])
    (1, 2)
    """
    shortest = min(len(left), len(right))
    head = 0
    while head < shortest and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < shortest - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    return head, tail
