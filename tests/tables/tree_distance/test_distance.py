"""One shared tester for the plain reference, both kernels and apted: equal to 1e-9."""

from __future__ import annotations

import random

import pytest

from table_rewards.tables.formats.find import Found, find_tables
from table_rewards.tables.tree_distance import regular as regular_kernel
from table_rewards.tables.tree_distance.distance import Distance, tree_edit_distances
from table_rewards.tables.tree_distance.irregular import irregular_distance
from table_rewards.tables.tree_distance.plain import tree_edit_distance
from table_rewards.tables.tree_distance.regular import regular_distances
from table_rewards.tables.trees.normalisation import NORMALISATIONS, tree_of
from table_rewards.tables.trees.tree import Label, Tree

EQUAL = {"rel": 0, "abs": 1e-9}


def tree(source: str, normalisation: str = "standard") -> Tree:
    found = tree_of(find_tables(source)[0], normalisation)
    assert found is not None
    return found


def check_regular(maker, apted_distance, groups, monkeypatch):
    """Groups of regular trees: lockstep and alone, against the reference, apted and the kernel for any tree."""
    pairs = 0
    for _ in range(groups):
        monkeypatch.setattr(regular_kernel, "_LARGE", maker.random.choice((0, 40_000)))  # alone, or in lockstep
        rows = maker.rows()
        reference = Tree.from_rows(rows)
        trees = [
            Tree.from_rows(maker.mutated(rows) if maker.random.random() < 0.7 else maker.rows())
            for _ in range(maker.random.randrange(1, 7))
        ]
        for one, distance in zip(trees, regular_distances(trees, reference), strict=True):
            expected = apted_distance(one, reference)
            assert distance == pytest.approx(expected, **EQUAL), (one.rows, rows)
            assert tree_edit_distance(one, reference) == pytest.approx(expected, **EQUAL)
            assert irregular_distance(one, reference) == pytest.approx(expected, **EQUAL)
            pairs += 1
    return pairs


def check_irregular(maker, apted_distance, pairs):
    for _ in range(pairs):
        one, two = maker.irregular(), maker.irregular()
        expected = apted_distance(one, two)
        assert tree_edit_distance(one, two) == pytest.approx(expected, **EQUAL)
        assert irregular_distance(one, two) == pytest.approx(expected, **EQUAL), (one.labels, two.labels)


def test_kernels_equal_the_reference_and_apted_on_random_groups(make_trees, apted_distance, monkeypatch):
    assert check_regular(make_trees(1), apted_distance, 100, monkeypatch) > 300


def test_kernel_for_any_tree_equals_the_reference_and_apted(make_trees, apted_distance):
    check_irregular(make_trees(2), apted_distance, 150)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_at_scale_two_thousand_random_pairs_of_each_kind(make_trees, apted_distance, monkeypatch):
    assert check_regular(make_trees(3), apted_distance, 1_000, monkeypatch) > 2_000
    check_irregular(make_trees(4), apted_distance, 2_000)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_real_tables_and_their_damage_equal_apted(normalisation, table_variants, apted_distance):
    rng = random.Random(normalisation)
    small = [(name, table) for name, table in table_variants.real_tables() if table.size <= 45]
    checked = 0
    for name, table in rng.sample(small, 12):
        made = table_variants.variants(table, 5, [other for _, other in small])
        kinds = rng.sample(sorted(made), 5)
        trees = [tree_of(Found("html", made[kind]), normalisation) for kind in kinds]
        reference = tree(made["identical"], normalisation)
        known = [one for one in trees if one is not None]
        for one, distance in zip(known, tree_edit_distances(known, reference), strict=True):
            assert distance.exact
            assert distance.value == pytest.approx(apted_distance(one, reference), **EQUAL), name
            checked += 1
    assert checked > 40


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_at_scale_every_real_table_against_three_kinds_of_damage(normalisation, table_variants, apted_distance):
    rng = random.Random(7)
    for name, table in table_variants.real_tables():
        if table.size > 160:  # apted needs seconds to minutes beyond
            continue
        made = table_variants.variants(table, 11)
        reference = tree(made["identical"], normalisation)
        for kind in rng.sample(sorted(made), 3):
            one = tree_of(Found("html", made[kind]), normalisation)
            if one is not None:
                distance = tree_edit_distances([one], reference)[0].value
                assert distance == pytest.approx(apted_distance(one, reference), **EQUAL), (name, kind)


def test_large_tables_equal_the_kernel_for_any_tree(table_variants):
    """Tables beyond apted's reach: the banded sweep, the exchanged sweep and lockstep against the full matrix."""
    tables = [table for _, table in table_variants.real_tables("wikitablequestions") if 240 <= table.size <= 530]
    for table in tables[::2]:
        made = table_variants.variants(table, 3, tables)
        kinds = ("light_typos", "wrong_spans", "split_rows", "other_table", "repetition_loop", "truncated")
        trees, reference = [tree(made[kind]) for kind in kinds], tree(made["identical"])
        for kind, one, distance in zip(kinds, trees, regular_distances(trees, reference), strict=True):
            assert distance == pytest.approx(irregular_distance(one, reference), **EQUAL), kind


def test_a_wide_or_tall_prediction_is_exact_too():
    reference = Tree.from_rows([("a", "b"), ("c",)])
    for rows in ([tuple("abcabcab" * 200)], [("a",)] * 900, [()] * 900, [("c", "a", "b")] * 400):
        one = Tree.from_rows(rows)
        assert regular_distances([one], reference)[0] == pytest.approx(irregular_distance(one, reference), **EQUAL)


def test_distance_is_symmetric_and_zero_only_for_equal_trees(make_trees):
    maker = make_trees(9)
    for _ in range(60):
        one, two = Tree.from_rows(maker.rows()), Tree.from_rows(maker.rows())
        there, back = tree_edit_distances([one], two)[0].value, tree_edit_distances([two], one)[0].value
        assert there == pytest.approx(back, **EQUAL)
        assert (there == 0) == (one == two)


def test_a_group_gives_what_its_members_give_alone(make_trees):
    """Lockstep must not let one prediction touch another."""
    maker = make_trees(10)
    for _ in range(30):
        rows = maker.rows()
        reference = Tree.from_rows(rows)
        trees = [Tree.from_rows(maker.mutated(rows)) for _ in range(8)]
        assert regular_distances(trees, reference) == [regular_distances([one], reference)[0] for one in trees]


def test_equal_predictions_are_computed_once(monkeypatch):
    calls: list[int] = []
    group = regular_kernel._Group

    def counting(rows, reference, remainders, exact_numbers):
        calls.append(len(remainders))
        return group(rows, reference, remainders, exact_numbers)

    monkeypatch.setattr(regular_kernel, "_Group", counting)
    one, other = Tree.from_rows([("a", "x")]), Tree.from_rows([("a", "y", "z")])
    assert regular_distances([one, other, one, one], Tree.from_rows([("a", "b")])) == [1.0, 2.0, 1.0, 1.0]
    assert calls == [2]


def test_cells_of_equal_text_but_other_spans_cost_one():
    one, two = Tree.from_rows([(("a", 2, 1), "b")]), Tree.from_rows([("a", "b")])
    assert tree_edit_distances([one], two) == [Distance(1.0)]


def test_roots_that_differ_cost_one():
    one = Tree.from_postorder([Label("td"), Label("div")], ["a", None], [0, 0])
    two = Tree.from_postorder([Label("td"), Label("table")], ["a", None], [0, 0])
    assert tree_edit_distances([one], two) == [Distance(1.0)]
