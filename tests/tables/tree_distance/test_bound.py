from __future__ import annotations

import pytest

from table_rewards.tables.tree_distance.bound import bounded_distance
from table_rewards.tables.tree_distance.distance import tree_edit_distances
from table_rewards.tables.trees.tree import Tree


@pytest.mark.parametrize("budget", [0, 20, 10_000])
def test_the_bound_is_never_below_the_distance(make_trees, budget):
    """A score that is too large would reward tables for being oversize."""
    maker = make_trees(5)
    for _ in range(150):
        rows = maker.rows()
        one, two = Tree.from_rows(maker.mutated(rows)), Tree.from_rows(rows)
        assert bounded_distance(one, two, budget) >= tree_edit_distances([one], two)[0].value - 1e-9


def test_the_bound_of_irregular_trees_is_never_below_the_distance(make_trees):
    maker = make_trees(6)
    for _ in range(60):
        one, two = maker.irregular(), maker.irregular()
        assert bounded_distance(one, two, 0) >= tree_edit_distances([one], two)[0].value - 1e-9


def test_an_oversize_pair_is_bounded_and_says_so():
    one = Tree.from_rows([(f"x{i}", f"y{i}") for i in range(50)])
    two = Tree.from_rows([(f"x{i}", f"z{i}") for i in range(50)])
    exact, bound = tree_edit_distances([one], two)[0], tree_edit_distances([one], two, max_comparisons=1_000)[0]
    assert exact.exact
    assert not bound.exact
    assert exact.value <= bound.value <= 100


def test_equal_trees_are_exact_whatever_their_size():
    big = Tree.from_rows([tuple(map(str, range(10)))] * 20_000)
    assert tree_edit_distances([Tree.from_rows(big.rows or ())], big)[0] == (0.0, True)


def test_a_lopsided_pair_is_bounded():
    one, two = Tree.from_rows([("a",)] * 5_000), Tree.from_rows([("a",)])
    distance = tree_edit_distances([one], two)[0]
    assert (distance.value, distance.exact) == (9_998.0, False)
