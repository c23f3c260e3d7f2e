"""GriTS and adjacency relations against plain implementations of their papers' definitions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from table_rewards.tables.adjacency import adjacency_relations, overlap
from table_rewards.tables.grits import grits_alignment, grits_content, grits_topology
from table_rewards.tables.table import Cell, Grid, Table
from table_rewards.tables.tree_distance.node_savings import MAX_CHARACTER_PAIRS, text_savings


def common_subsequence(one: str, two: str) -> int:
    best = [[0] * (len(two) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one, 1):
        for j, b in enumerate(two, 1):
            best[i][j] = best[i - 1][j - 1] + 1 if a == b else max(best[i - 1][j], best[i][j - 1])
    return best[-1][-1]


def text_similarity(one: str, two: str) -> float:
    return 2 * common_subsequence(one, two) / (len(one) + len(two)) if one or two else 1.0


def box_similarity(one: tuple[int, ...], two: tuple[int, ...]) -> float:
    width, height = (max(0, min(one[k + 2], two[k + 2]) - max(one[k], two[k])) for k in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return width * height / (sum(areas) - width * height)


def align(one: list[Any], two: list[Any], worth: Callable[[Any, Any], float]) -> tuple[float, list[tuple[int, int]]]:
    """The authors' one-dimensional alignment; of equal ways a pair is preferred, then leaving out a left item."""
    best = [[0.0] * (len(two) + 1) for _ in range(len(one) + 1)]
    gains = [[worth(a, b) for b in two] for a in one]
    for i in range(len(one)):
        for j in range(len(two)):
            best[i + 1][j + 1] = max(best[i][j] + gains[i][j], best[i][j + 1], best[i + 1][j])
    pairs, i, j = [], len(one), len(two)
    while i and j:
        if best[i - 1][j - 1] + gains[i - 1][j - 1] == best[i][j]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif best[i - 1][j] == best[i][j]:
            i -= 1
        else:
            j -= 1
    return best[-1][-1], pairs[::-1]


def plain_grits(one: list[list[Any]], two: list[list[Any]], worth: Callable[[Any, Any], float]) -> float:
    def lines(a: list[Any], b: list[Any]) -> float:
        return 2 * align(a, b, worth)[0] / (len(a) + len(b))

    rows = align(one, two, lines)[1]
    columns = align([list(c) for c in zip(*one, strict=True)], [list(c) for c in zip(*two, strict=True)], lines)[1]
    total = sum(worth(one[i][k], two[j][m]) for i, j in rows for k, m in columns)
    return 2 * total / (len(one) * len(one[0]) + len(two) * len(two[0]))


def texts(grid: Grid) -> list[list[str]]:
    return [[grid.cells[n].cell.text if n >= 0 else "" for n in line] for line in grid.slots]


def boxes(grid: Grid) -> list[list[tuple[int, ...]]]:
    def box(i: int, j: int, n: int) -> tuple[int, ...]:
        if n < 0:
            return (0, 0, 1, 1)
        at = grid.cells[n]
        return (at.column - j, at.row - i, at.column + at.colspan - j, at.row + at.rowspan - i)

    return [[box(i, j, n) for j, n in enumerate(line)] for i, line in enumerate(grid.slots)]


def grids(seed: int, count: int, table_variants: Any) -> list[tuple[Grid, Grid]]:
    rng = random.Random(seed)
    pool = [table for _, table in table_variants.real_tables("pubtabnet", "docling") if 1 < table.size <= 50]
    pairs = []
    for table in rng.sample(pool, count):
        damage = rng.choice(table_variants.DAMAGE)
        other = Table(tuple(map(tuple, damage([list(row) for row in table.rows], rng))))
        pairs.append((table.grid(), other.grid()))
    return pairs


@pytest.mark.parametrize("count", [12, pytest.param(40, marks=pytest.mark.slow)])
def test_grits_equals_its_authors_way(table_variants, count):
    """Their script takes the reference first, and that decides between alignments that are equally good."""
    for two, one in grids(1, count, table_variants):
        if not one.width or not two.width:
            continue
        assert grits_content(one, two) == pytest.approx(plain_grits(texts(two), texts(one), text_similarity), abs=1e-9)
        assert grits_topology(one, two) == pytest.approx(plain_grits(boxes(two), boxes(one), box_similarity), abs=1e-9)


def test_of_equal_alignments_the_authors_one_is_taken():
    """Two rows are alike in their sum and not in where it stands: which one is paired changes what the columns find."""
    generator, words = random.Random(5), ["a", "ab", "b", "", "abc", "c"]
    differ = 0
    for _ in range(300):
        one, two = (
            Table.of([[generator.choice(words) for _ in range(width)] for _ in range(generator.randint(1, 4))]).grid()
            for width in (generator.randint(1, 4), generator.randint(1, 4))
        )
        wanted = plain_grits(texts(two), texts(one), text_similarity)
        assert grits_content(one, two) == pytest.approx(wanted, abs=1e-9)
        differ += abs(wanted - plain_grits(texts(one), texts(two), text_similarity)) > 1e-9
    assert differ > 3  # ties that the order decides do occur


def test_an_alignment_adds_up_to_the_value(table_variants):
    for one, two in grids(3, 12, table_variants):
        for topology, value in ((False, grits_content(one, two)), (True, grits_topology(one, two))):
            found = grits_alignment(one, two, topology)
            assert [len(found.similarities), *map(len, found.similarities[:1])] == [len(found.rows), len(found.columns)]
            assert 2 * sum(map(sum, found.similarities)) / found.slots == pytest.approx(value, abs=1e-12)
            assert found.slots == one.width * one.height + two.width * two.height


def plain_relations(grid: Grid) -> Counter[tuple[str, str, str, int]]:
    """Written from the definition: for every slot of a cell, walk until another cell with text."""
    found: dict[tuple[int, int], tuple[str, int]] = {}

    def walk(start: int, i: int, j: int, di: int, dj: int, direction: str) -> None:
        blanks = 0
        while (i := i + di) < grid.height and (j := j + dj) < grid.width:
            n = grid.slots[i][j]
            if n == start:
                blanks = 0
                continue
            if n >= 0 and grid.cells[n].cell.text:
                if direction == "right" or (start, n) not in found:
                    found[start, n] = (direction, blanks)
                return
            blanks += 1

    for direction, di, dj in (("down", 1, 0), ("right", 0, 1)):
        for i, line in enumerate(grid.slots):
            for j, n in enumerate(line):
                if n >= 0 and grid.cells[n].cell.text:
                    walk(n, i, j, di, dj, direction)
    return Counter((grid.cells[a].cell.text, grid.cells[b].cell.text, *how) for (a, b), how in found.items())


def test_adjacency_relations_equal_their_definition(table_variants):
    checked = 0
    for pair in grids(2, 20, table_variants):
        for grid in pair:
            texts_of = Counter(placed.cell.text for placed in grid.cells if placed.cell.text)
            relations = Counter({tuple(r): n for r, n in adjacency_relations(grid).items()})
            if all(p.rowspan == p.colspan == 1 for p in grid.cells):  # a cut or overlapping span leaves no rectangle
                assert relations == plain_relations(grid)
                checked += 1
            assert relations.total() <= 4 * sum(texts_of.values()) * max(1, grid.width)
    assert checked > 10


def test_spanning_cells_meet_each_neighbour_once():
    grid = Table.of([[("head", 2, 1)], ["a", "b"]]).grid()
    assert set(map(tuple, adjacency_relations(grid))) == {
        ("head", "a", "down", 0),
        ("head", "b", "down", 0),
        ("a", "b", "right", 0),
    }


def test_overlap_counts_repeats():
    assert overlap(Counter("aaa"), Counter("a")).precision == pytest.approx(1 / 3)
    assert overlap(Counter(), Counter("a")) == (0.0, 0.0, 0.0)


def test_texts_too_long_to_compare_are_never_overrated():
    """Beyond the budget common ends count alone; identical texts are still identical."""
    long = "ab" * 100_000
    assert len(long) ** 2 > MAX_CHARACTER_PAIRS
    found = text_savings([long, "abc", ""], [long, "x" + long[1:], "abd"])
    assert found[0, 0] == 2.0
    assert 1.99 < found[0, 1] < 2.0
    assert found[1, 2] == pytest.approx(2 - 1 / 3)
    assert grits_content(Table.of([[Cell(long)]]).grid(), Table.of([[Cell(long)]]).grid()) == 1.0
