"""The dynamic programme over two forests of rows: one pair at a time, or many in lockstep.

See :mod:`table_rewards.tables.tree_distance.regular` for the recurrence. S[u, v] is the greatest saving of the first u
nodes of the left forest and the first v of the right one; only one row of S is kept, with a zero column for v = 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

import numpy as np

from table_rewards.tables.tree_distance.node_savings import Matrix
from table_rewards.tables.tree_distance.rows import Indices

_SHORT = 500  # nodes up to which a guessed band gains nothing: the calls cost more than the arithmetic
_BAND = 0.6  # share of all nodes from which a band is as good as none


class Side(NamedTuple):
    """A forest of rows in postorder.

    ``nodes``: number of each cell, one number for all rows that have cells and the next one for those that have none;
    ``ends``: position of each row node; ``widths``: cells of each row.
    """

    nodes: Indices
    ends: Indices
    widths: Indices

    @property
    def size(self) -> int:
        return len(self.nodes)

    @property
    def starts(self) -> Indices:
        """Position of the first node of each row."""
        return self.ends - self.widths

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], row_number: int) -> Side:
        nodes: list[int] = []
        ends: list[int] = []
        for cells in rows:
            nodes += cells
            ends.append(len(nodes))
            nodes.append(row_number if cells else row_number + 1)
        as_lists: tuple[list[int], ...] = (nodes, ends, [len(cells) for cells in rows])
        return cls(*(np.array(values, dtype=np.intp) for values in as_lists))

    def part(self, first: int, behind: int) -> tuple[Side, slice, slice]:
        """Return the rows first to behind, and where their nodes and they themselves are."""
        begin, end = int(self.starts[first]), int(self.ends[behind - 1]) + 1
        rows = slice(first, behind)
        return Side(self.nodes[begin:end], self.ends[rows] - begin, self.widths[rows]), slice(begin, end), rows


class Job(NamedTuple):
    """A pair of forests.

    ``gains``: saving of a left cell number on each node of the right forest; ``row_gains``: saving of a left row on
    each right row, cells included; ``places``: which line of ``row_gains`` each row of the left forest has.
    """

    left: Side
    right: Side
    gains: Matrix
    row_gains: Matrix
    places: Indices

    def exchanged(self) -> Job:
        """Return the same pair with left and right exchanged; savings are symmetric."""
        count = self.right.size
        right = self.right._replace(nodes=np.arange(count))
        return Job(
            right,
            self.left,
            np.ascontiguousarray(self.gains[self.left.nodes].T),
            np.ascontiguousarray(self.row_gains[self.places].T),
            np.arange(len(right.ends)),
        )


def alone(job: Job, bound: float | None = None) -> float:
    """Return the greatest saving of one pair; ``bound``, if known, is a distance that the true one does not exceed.

    A path through S that passes (u, v) leaves at least |u - v| + |(n1 - u) - (n2 - v)| nodes unmapped, so with an upper
    bound of the distance only a band around the diagonal matters. The first bound is a guess; what a banded pass
    finds is always a distance that some mapping has, hence a bound for the second pass, and exact when within the
    bound assumed.
    """
    total = job.left.size + job.right.size
    shortest = min(job.left.size, job.right.size)
    guess = abs(job.left.size - job.right.size) + max(8, shortest // 12)
    limit = ceil(bound) if bound is not None else guess if shortest > _SHORT else total
    while limit < _BAND * total:
        found = total - _sweep_alone(job, limit)
        if found <= limit or bound is not None:
            return total - found
        limit = ceil(found)
    return _sweep_alone(job, total)


def _sweep_alone(job: Job, bound: int) -> float:
    """One pass over the pair; mappings that cost more than ``bound`` may be missed."""
    left, right = job.left, job.right
    width = right.size
    ahead_of = (left.size - width + bound) / 2  # band: behind <= u - v <= ahead_of
    behind = floor((left.size - width - bound) / 2)
    reach = ceil(ahead_of)
    ends, starts = right.ends, right.starts
    end_list: list[int] = ends.tolist()
    row_node = bytearray(left.size)
    for end in left.ends.tolist():
        row_node[end] = 1
    lines, row_lines = list(job.gains), iter([job.row_gains[place] for place in job.places.tolist()])
    current, other, step = np.zeros(width + 1), np.zeros(width + 1), np.zeros(width)
    at_start = np.zeros(len(ends))
    add, maximum, running = np.add, np.maximum, np.maximum.accumulate
    low, high, banded = 0, width, bound < left.size + width
    now, before, here, before_other, ahead = step, current[:-1], current[1:], other[:-1], other[1:]
    for u, number in enumerate(left.nodes.tolist()):
        gain = lines[number]
        if banded:
            low, high = max(u - reach, 0), min(u + 1 - behind, width)  # columns of this step
            now, gain = step[low:high], gain[low:high]
            before, here, ahead = current[low:high], current[low + 1 : high + 1], other[low + 1 : high + 1]
        if low < high:
            add(before, gain, now)
            maximum(now, here, out=now)
            if row_node[u]:
                row_line = next(row_lines)
                first, last = (bisect_left(end_list, low), bisect_left(end_list, high)) if banded else (0, len(ends))
                columns = ends[first:last]
                step[columns] = maximum(at_start[first:last] + row_line[first:last], step.take(columns))
            running(now, 0, None, ahead)
            current, other = other, current
            before, before_other, here, ahead = before_other, before, ahead, here
        elif row_node[u]:
            next(row_lines)
        if row_node[u]:
            current.take(starts, out=at_start, mode="clip")
    return float(current[-1])


def lockstep(jobs: Sequence[Job]) -> list[float]:
    """Return the greatest saving of each pair; jobs must come in descending order of their left rows.

    Row r of all left forests is swept at the same time. It takes as many steps as the widest of them has cells, and one
    for the row nodes; the others wait.
    """
    count = len(jobs)
    heights = [len(job.left.ends) for job in jobs]
    breadth = max(job.right.size for job in jobs) + 1  # one idle column at the end: there a pair carries its result
    row_columns = max(len(job.right.ends) for job in jobs)
    widest = np.zeros(heights[0], dtype=np.intp)
    for job, height in zip(jobs, heights, strict=True):
        np.maximum(widest[:height], job.left.widths, out=widest[:height])
    last = np.cumsum(widest + 1) - 1  # the step of each row node

    gains = np.zeros((int(last[-1]) + 1, count, breadth))
    row_gains = np.zeros((heights[0], count, row_columns))
    row_at = np.full((count, row_columns), breadth - 1, dtype=np.intp)  # columns of row nodes; the idle one for none
    row_from = np.zeros((count, row_columns), dtype=np.intp)  # where their rows begin
    has_empty_rows = False
    for k, (job, height) in enumerate(zip(jobs, heights, strict=True)):
        left, right = job.left, job.right
        steps = np.arange(left.size)
        begins = last[:height] - widest[:height]
        steps += np.repeat(begins - left.starts, left.widths + 1)
        steps[left.ends] = last[:height]
        gains[steps, k, : right.size] = job.gains[left.nodes]
        rows = len(right.ends)
        row_gains[:height, k, :rows] = job.row_gains[job.places]
        row_at[k, :rows], row_from[k, :rows] = right.ends, right.starts
        has_empty_rows = has_empty_rows or not left.widths.all()
    offsets = np.arange(count)[:, None]
    row_at += offsets * breadth
    row_from += offsets * (breadth + 1)
    return _sweep_together(gains, row_gains, row_at, row_from, last.tolist(), heights, has_empty_rows)


def _sweep_together(
    gains: Matrix,
    row_gains: Matrix,
    row_at: Indices,
    row_from: Indices,
    last: list[int],
    heights: list[int],
    has_empty_rows: bool,
) -> list[float]:
    """Advance K dynamic programmes a node at a time; S keeps a zero column for "no node yet".

    ``gains`` is (steps, K, columns); ``row_gains`` (rows, K, rows of the reference); ``row_at`` and ``row_from``
    index the flattened S without and with its zero column.
    """
    count, breadth = gains.shape[1:]
    results = [0.0] * count
    add, maximum, running = np.add, np.maximum, np.maximum.accumulate
    current, other = np.zeros((count, breadth + 1)), np.zeros((count, breadth + 1))
    step_gain = np.empty((count, breadth))
    at_row_start = np.zeros(row_at.shape)
    active = count
    step = 0
    before, here, before_other, ahead = current[:, :-1], current[:, 1:], other[:, :-1], other[:, 1:]
    for row, row_step in enumerate(last):
        while heights[active - 1] <= row:  # that pair has ended; its result stands in the idle column
            active -= 1
            results[active] = float(current[active, -1])
            current, other, step_gain = current[:active], other[:active], step_gain[:active]
            gains, row_gains, at_row_start = gains[:, :active], row_gains[:, :active], at_row_start[:active]
            row_at, row_from = row_at[:active], row_from[:active]
            before, here, before_other, ahead = current[:, :-1], current[:, 1:], other[:, :-1], other[:, 1:]
        for gain in gains[step:row_step]:
            add(before, gain, step_gain)
            maximum(step_gain, here, out=step_gain)
            running(step_gain, 1, None, ahead)
            current, other = other, current
            before, before_other, here, ahead = before_other, before, ahead, here
        if has_empty_rows:
            add(before, gains[row_step], out=step_gain)
            maximum(step_gain, here, out=step_gain)
        else:
            step_gain[...] = here
        at_row_start += row_gains[row]
        maximum(at_row_start, step_gain.take(row_at), out=at_row_start)
        step_gain.reshape(-1)[row_at] = at_row_start
        running(step_gain, axis=1, out=ahead)
        current, other = other, current
        before, before_other, here, ahead = before_other, before, ahead, here
        current.take(row_from, out=at_row_start, mode="clip")
        step = row_step + 1
    for k in range(active):
        results[k] = float(current[k, -1])
    return results
