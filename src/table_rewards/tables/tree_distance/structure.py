"""Exact tree edit distance of structures: the texts are not looked at, so that very few kinds of rows are left.

A structure is written as a string of labels in postorder, one character a node: cells of one slot, cells of each other
span, rows. Most pairs are then decided by a lower bound that meets an upper one:

* the Levenshtein distance of the two strings never exceeds the tree edit distance (a mapping of trees keeps the order
  of the nodes), and rapidfuzz computes it on machine words;
* an alignment of whole rows is a mapping, so its cost is never below the tree edit distance.

Where they do not meet, the savings of a step of the dynamic programme grow by 0 or 1 from column to column: one Python
integer holds them all, a bit a column, as in Hyyrö's bit-parallel longest common subsequence (2004). Tables of very
many rows are left to the general kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from rapidfuzz.distance import Levenshtein

from table_rewards.tables.table import Row
from table_rewards.tables.tree_distance.distance import MAX_COMPARISONS, Distance, lopsided, tree_edit_distances
from table_rewards.tables.tree_distance.regular import equal_ends
from table_rewards.tables.trees.tree import Tree

Words = list[str]
"""The rows of a structure; each a character for every cell and one for the row itself."""

_PLAIN: Final = "c"
_ROW: Final = "r"
_ANY: Final = "any"
_SPANS_FROM: Final = 0x10000  # characters beyond those of plain cells and rows, one a span
_MAX_SPANS: Final = 0x100000
_MAX_GAP: Final = 400  # row pairs up to which rows that differ are aligned in the best way
_MAX_ROW_PAIRS: Final = 20_000  # from here on the general kernel is faster than big integers


def structure_distances(
    predictions: Sequence[Tree],
    reference: Tree,
    max_comparisons: int = MAX_COMPARISONS,
) -> list[Distance]:
    """Return the tree edit distance of each prediction to the reference, were all texts empty.

    Arguments and result are those of :func:`table_rewards.tables.tree_distance.distance.tree_edit_distances`.

    >>> a, b = Tree.from_rows([("a", "b"), ("c",)]), Tree.from_rows([("x", "y"), ("z", "z")])
    >>> structure_distances([a, b], b)
    [Distance(value=1.0, exact=True), Distance(value=0.0, exact=True)]
    """
    results: list[Distance | None] = [None] * len(predictions)
    spans: dict[tuple[int, int], str] = {}
    right = None if reference.rows is None else _words(reference.rows, spans)
    known: dict[tuple[str, ...], Distance] = {}
    others: list[int] = []
    for index, tree in enumerate(predictions):
        if right is None or tree.rows is None or len(spans) > _MAX_SPANS:
            others.append(index)
            continue
        left = _words(tree.rows, spans)
        key = tuple(left)
        if key in known:
            results[index] = known[key]
            continue
        large = tree.size * reference.size > max_comparisons or lopsided(tree.size, reference.size)
        found = 0.0 if left == right else None if large else _decided(left, right)
        if found is None:
            others.append(index)
        else:
            results[index] = known[key] = Distance(found)
    if others:
        structures = [predictions[i].structure() for i in others]
        solved = tree_edit_distances(structures, reference.structure(), max_comparisons)
        for index, distance in zip(others, solved, strict=True):
            results[index] = distance
    return [result for result in results if result is not None]


def _words(rows: Sequence[Row], spans: dict[tuple[int, int], str]) -> Words:
    words = []
    for row in rows:
        if tuple in map(type, row):
            labels = [
                _PLAIN if isinstance(leaf, str) else spans.setdefault(leaf[1:], chr(_SPANS_FROM + len(spans)))
                for leaf in row
            ]
            words.append("".join(labels) + _ROW)
        else:
            words.append(_PLAIN * len(row) + _ROW)
    return words


def _decided(left: Words, right: Words) -> float | None:
    """The distance of two structures, None when only the general kernel can tell."""
    head, tail = equal_ends(left, right)
    left, right = left[head : len(left) - tail], right[head : len(right) - tail]
    if not left or not right:
        return float(sum(map(len, left)) + sum(map(len, right)))
    kinds_left, kinds_right = set(left), set(right)
    kinds = kinds_left | kinds_right
    plain = all(len(word) > 1 and word.count(_PLAIN) == len(word) - 1 for word in kinds)
    if plain and len(kinds_left) == len(kinds_right) == 1:
        return float(_uniform(len(left), len(left[0]), len(right), len(right[0])))
    bound = _aligned(left, right)
    if bound == Levenshtein.distance("".join(left), "".join(right), score_cutoff=bound):
        return float(bound)
    if len(left) * len(right) > _MAX_ROW_PAIRS:
        return None
    return float(_swept(left, right, bound, fine=1 if plain else 2))


def _uniform(rows_left: int, left: int, rows_right: int, right: int) -> int:
    """Distance of two tables whose rows are all of one kind; ``left`` and ``right`` are nodes of a row.

    With some rows mapped on one another, the cells of all others are best mapped across rows, in one stretch: mapped
    pairs = rows + cells of theirs + the fewer of the cells that are left.
    """
    cells_left, cells_right, both = left - 1, right - 1, min(left, right)
    most = max(
        mapped * both + min((rows_left - mapped) * cells_left, (rows_right - mapped) * cells_right)
        for mapped in range(min(rows_left, rows_right) + 1)
    )
    return rows_left * left + rows_right * right - 2 * most


def _aligned(left: Words, right: Words) -> int:
    """Cost of an alignment of rows: an upper bound of the distance."""
    letters: dict[str, int] = {}
    numbered = [[letters.setdefault(word, len(letters)) for word in words] for words in (left, right)]
    cost = at_left = at_right = 0
    for block in Levenshtein.opcodes(*numbered):
        if block.tag == "equal":
            cost += _gap(left[at_left : block.src_start], right[at_right : block.dest_start])
            at_left, at_right = block.src_end, block.dest_end
    return cost + _gap(left[at_left:], right[at_right:])


def _gap(left: Words, right: Words) -> int:
    """Cost of the best alignment of rows between two that are equal, or of a good one."""
    if len(left) == len(right) and (len(left) == 1 or len(left) ** 2 > _MAX_GAP):
        return sum(map(_row_cost, left, right))
    if not left or not right or len(left) * len(right) > _MAX_GAP:
        return sum(map(len, left)) + sum(map(len, right))
    line = list(accumulate(map(len, right), initial=0))
    for word in left:
        diagonal = line[0]
        best = line[0] = diagonal + len(word)
        for column, other in enumerate(right, 1):
            mapped, above = diagonal + _row_cost(word, other), line[column]
            diagonal = above
            best = line[column] = min(mapped, above + len(word), best + len(other))
    return line[-1]


@lru_cache(maxsize=4_096)
def _row_cost(left: str, right: str) -> int:
    return Levenshtein.distance(left, right)


def _swept(left: Words, right: Words, bound: int, fine: int) -> int:
    """Distance of two structures, which is at most ``bound``; savings are counted in ``fine`` halves of 2.

    ``fine`` = 1 is for tables whose cells all span one slot and whose rows all have cells: a pair saves 2 or nothing.
    Else a pair of unequal labels saves 1. Then each node has two columns: all cells are alike in the first one, and in
    the second one those of equal labels, so that the common subsequence grows by 1 or 2 (the blow-up of Tiskin,
    "Semi-local string comparison", 2008). Bit v of ``grown`` tells S[u, v + 1] = S[u, v] + 1. A row maps on a row by a
    jump from what was saved before both.
    """
    total_left, total_right = sum(map(len, left)), sum(map(len, right))
    behind, ahead = (total_left - total_right - bound) / 2, (total_left - total_right + bound) / 2
    ends = list(accumulate(map(len, right)))
    up_to = [(1 << end * fine) - 1 for end in (0, *ends)]
    masks, everything = _masks(right, fine), up_to[-1]
    any_cell, row_columns = masks.pop(_ANY, 0), (1 << fine) - 1
    flat = everything
    position = first = last = 0
    for word in left:
        position += len(word)
        # Rows that this one may be mapped on: a path through (u, v) leaves |u - v| and more unmapped.
        while first < len(ends) and position - ends[first] > ahead:
            first += 1
        while last < len(ends) and position - ends[last] >= behind:
            last += 1
        mapped = everything ^ flat
        worth = [
            (mapped & up_to[row]).bit_count() + (len(word) + len(right[row]) - _row_cost(word, right[row])) * fine // 2
            for row in range(first, last)
        ]
        for label in word[:-1] or word:  # an empty row is a leaf, and may be renamed to a cell
            if fine == 2:
                matches = flat & any_cell
                flat = ((flat + matches) | (flat - matches)) & everything
            matches = flat & masks.get(label, 0)
            flat = ((flat + matches) | (flat - matches)) & everything
        mapped = everything ^ flat
        for row, value in zip(range(first, last), worth, strict=True):
            for _ in range(value - (mapped & up_to[row + 1]).bit_count()):  # no more than ``fine`` times
                further = mapped & ~up_to[row + 1]
                own = ~mapped & (row_columns << (ends[row] - 1) * fine)
                mapped ^= (further & -further) | (own & -own)
        flat = everything ^ mapped
    return total_left + total_right - 2 * (everything ^ flat).bit_count() // fine


def _masks(right: Words, fine: int) -> dict[str, int]:
    """Columns in which a cell of each label grows the common subsequence; those of any cell under ``_ANY``."""
    masks: dict[str, int] = {}
    column = 1
    for word in right:
        for label in word[:-1]:
            if fine == 2:
                masks[_ANY] = masks.get(_ANY, 0) | column
                column <<= 1
            masks[label] = masks.get(label, 0) | column
            column <<= 1
        if len(word) == 1:
            masks[_ANY] = masks.get(_ANY, 0) | column
        column <<= fine
    return masks
