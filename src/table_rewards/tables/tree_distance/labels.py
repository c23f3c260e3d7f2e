"""Exact tree edit distance of regular trees whose nodes have labels that are equal or not: on strings and big integers.

A table is written as a string of labels in postorder, one character a node. Most pairs are then decided by a lower
bound that meets an upper one:

* the Levenshtein distance of the two strings never exceeds the tree edit distance (a mapping of trees keeps the order
  of the nodes), and rapidfuzz computes it on machine words;
* an alignment of whole rows is a mapping, so its cost is never below the tree edit distance.

Where they do not meet, the savings of a step of the dynamic programme grow by 0 or 1 from column to column: one Python
integer holds them all, a bit a column, as in Hyyrö's bit-parallel longest common subsequence (2004).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import Final

from rapidfuzz.distance import Levenshtein

from table_rewards.tables.table import Leaf, Row
from table_rewards.tables.tree_distance.equal_ends import equal_ends

Words = list[str]
"""The rows of a table; each a character for every cell and one for the row itself."""

PLAIN: Final = "c"
ROW: Final = "r"
_ANY: Final = "any"
_LETTERS_FROM: Final = 0x10000
_MAX_LETTERS: Final = 0x100000
_MAX_GAP: Final = 400  # row pairs up to which rows that differ are aligned in the best way
_MAX_ROW_PAIRS: Final = 20_000  # from here on the general kernel is faster than big integers


class Letters(dict[Leaf, str]):
    """A character for every different cell, text and all."""

    def __missing__(self, leaf: Leaf) -> str:
        letter = self[leaf] = chr(_LETTERS_FROM + len(self))
        return letter


def costs_no_more(left: list[Row], right: list[Row], floor: float, letters: Letters) -> bool:
    """Whether some mapping costs no more than ``floor`` without renaming a cell into one of another text.

    A distance that is known not to fall below ``floor`` is then ``floor``. False where it is not seen at once.
    """
    if len(left) * len(right) > _MAX_ROW_PAIRS or len(letters) + sum(map(len, left)) > _MAX_LETTERS:
        return False
    ours, theirs = (["".join([letters[leaf] for leaf in row]) + ROW for row in rows] for rows in (left, right))
    if Levenshtein.distance("".join(ours), "".join(theirs), score_cutoff=int(floor)) > floor:
        return False
    return swept(ours, theirs, bound=int(floor), fine=2) <= floor


def label_distance(left: Words, right: Words) -> float | None:
    """Return the distance of two tables of labels, None when only the general kernel can tell."""
    head, tail = equal_ends(left, right)
    left, right = left[head : len(left) - tail], right[head : len(right) - tail]
    if not left or not right:
        return float(sum(map(len, left)) + sum(map(len, right)))
    kinds_left, kinds_right = set(left), set(right)
    kinds = kinds_left | kinds_right
    plain = all(len(word) > 1 and word.count(PLAIN) == len(word) - 1 for word in kinds)
    if plain and len(kinds_left) == len(kinds_right) == 1:
        return float(_uniform(len(left), len(left[0]), len(right), len(right[0])))
    bound = _aligned(left, right)
    if bound == Levenshtein.distance("".join(left), "".join(right), score_cutoff=bound):
        return float(bound)
    if len(left) * len(right) > _MAX_ROW_PAIRS:
        return None
    return float(swept(left, right, bound, fine=1 if plain else 2))


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


def swept(left: Words, right: Words, bound: int, fine: int) -> int:
    """Return the distance of two tables of labels if it is at most ``bound``, else more than that; savings are counted
    in ``fine`` halves of 2.

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
