"""Distances of structures: the fast paths against the plain kernel on real, damaged and made-up tables."""

from __future__ import annotations

import json
import pathlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.tables.formats.find import find_tables
from table_rewards.tables.table import Row
from table_rewards.tables.tree_distance.distance import tree_edit_distances
from table_rewards.tables.tree_distance.plain import tree_edit_distance
from table_rewards.tables.tree_distance.structure import structure_distances
from table_rewards.tables.trees.normalisation import tree_of
from table_rewards.tables.trees.tree import Tree

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tables"


def real_trees(normalisation: str) -> list[Tree]:
    trees = []
    for name in ("pubtabnet", "docling", "wikitablequestions"):
        for line in (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines():
            tree = tree_of(find_tables(json.loads(line)["html"])[0], normalisation)
            assert tree is not None
            trees.append(tree)
    return trees


def damaged(rows: list[Row], rng: random.Random) -> list[Row]:
    """Rows split, dropped, repeated, cut, with other spans: each a few times."""
    rows = list(rows)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(rows)) if rows else 0
        row = rows[at] if rows else ()
        cut = rng.randrange(len(row) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            rows[at : at + 1] = [row[:cut], row[cut:]]
        elif kind == 1:
            del rows[at : at + 1]
        elif kind == 2:
            rows.insert(at, row)
        elif kind == 3:
            rows[at : at + 1] = [row[:cut]]
        elif kind == 4 and row:
            rows[at] = (*row[:cut], ("s", rng.randrange(1, 3), 2), *row[cut + 1 :])
        else:
            rows[at : at + 2] = [sum(rows[at : at + 2], ())]
    return rows


@pytest.mark.parametrize("normalisation", ["standard", "pubtabnet"])
def test_real_tables_and_their_damaged_selves_are_as_far_apart_as_the_kernel_says(normalisation):
    rng = random.Random(5)
    trees = [tree for tree in real_trees(normalisation) if tree.size <= 400]
    assert len(trees) > 40
    for place, tree in enumerate(trees):
        predictions = [tree, trees[place - 1], trees[place - 2]]
        if tree.rows is not None:
            columns = [tuple(column) for column in zip(*tree.rows, strict=False)]
            predictions += [Tree.from_rows(rows) for rows in (*(damaged(tree.rows, rng) for _ in range(4)), columns)]
        expected = tree_edit_distances([one.structure() for one in predictions], tree.structure())
        assert structure_distances(predictions, tree) == expected
        floors = [distance.value for distance in expected]
        assert tree_edit_distances(predictions, tree, floors=floors) == tree_edit_distances(predictions, tree)


PLAIN = st.integers(1, 6).map(lambda width: ("x",) * width)
ANY = st.lists(st.sampled_from(["x", "y", ("x", 2, 1), ("x", 1, 2)]), max_size=4).map(tuple)
TABLES = st.one_of(st.lists(PLAIN, min_size=1, max_size=9), st.lists(ANY, max_size=6))


@settings(max_examples=300, deadline=None)
@given(TABLES, TABLES)
def test_made_up_tables_are_as_far_apart_as_the_plain_algorithm_says(one, two):
    left, right = Tree.from_rows(one), Tree.from_rows(two)
    (found,) = structure_distances([left], right)
    assert found == (tree_edit_distance(left.structure(), right.structure()), True)


@pytest.mark.slow
def test_many_tables():
    """The sweep on big integers, in wide and narrow bands."""
    rng = random.Random(7)
    for _ in range(3_000):
        widths = [rng.randrange(1, 7) for _ in range(rng.randrange(1, 5))]
        rows: list[Row] = [("x",) * rng.choice(widths) for _ in range(rng.randrange(1, 30))]
        other = damaged(rows, rng)
        if rng.random() < 0.5:  # else with empty rows and with spans
            other = [row for row in other if row and "s" not in {leaf[0] for leaf in row}]
        left, right = Tree.from_rows(rows), Tree.from_rows(other)
        assert structure_distances([left], right) == tree_edit_distances([left.structure()], right.structure())


def test_what_the_structures_prove_about_the_texts_is_true(make_trees):
    """With the distance of the structures known, a mapping that costs no more is taken for the best: never wrongly."""
    maker = make_trees(31)
    proved = 0
    for _ in range(400):
        rows = maker.rows()
        one, two = Tree.from_rows(maker.mutated(rows)), Tree.from_rows(rows)
        floor = structure_distances([one], two)[0].value
        found = tree_edit_distances([one], two, floors=[floor])[0].value
        assert found == pytest.approx(tree_edit_distance(one, two), abs=1e-9)
        proved += found == floor > 0
    assert proved > 50


def test_texts_in_place_are_taken_for_the_best_mapping_only_where_they_are(make_trees):
    maker = make_trees(32)
    for _ in range(300):
        rows = [tuple(maker.random.choice(("ab", "ac", "xb", "x", "")) for _ in range(2)) for _ in range(3)]
        other = [tuple(maker.random.choice(("ab", "ac", "xb", "x", "")) for _ in range(2)) for _ in range(3)]
        one, two = Tree.from_rows(rows), Tree.from_rows(other)
        assert tree_edit_distances([one], two)[0].value == pytest.approx(tree_edit_distance(one, two), abs=1e-9)
