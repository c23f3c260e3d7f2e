"""The edits add up to the distance, and they lead from one table to the other."""

from __future__ import annotations

import json
import pathlib

import pytest

from table_rewards import TEDS
from table_rewards.tables.formats.find import Found, find_tables
from table_rewards.tables.tree_distance.alignment import CHANGED, DELETED, INSERTED, KEPT, SPANS, tree_alignment
from table_rewards.tables.tree_distance.distance import tree_edit_distances
from table_rewards.tables.tree_distance.plain import rename_cost, tree_edit_distance
from table_rewards.tables.tree_distance.similarity import similarity
from table_rewards.tables.trees.normalisation import NORMALISATIONS, tree_of
from table_rewards.tables.trees.tree import Tree

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tables"


def check(one: Tree, two: Tree, exact_numbers: bool = False) -> None:
    found = tree_alignment(one, two, exact_numbers=exact_numbers)
    assert found.exact
    assert sum(edit.cost for edit in found.edits) == pytest.approx(found.distance, abs=1e-9)
    assert found.distance == tree_edit_distances([one], two, exact_numbers=exact_numbers)[0].value
    ours = [edit.prediction for edit in found.edits if edit.prediction is not None]
    theirs = [edit.reference for edit in found.edits if edit.reference is not None]
    assert [node.tag for node in ours] == [label.tag for label in one.labels]
    assert [node.text for node in ours] == one.texts
    assert [node.text for node in theirs] == two.texts
    for edit in found.edits:
        if edit.characters:
            assert "".join(change.prediction for change in edit.characters) == edit.prediction.text
            assert "".join(change.reference for change in edit.characters) == edit.reference.text
        assert edit.cost == {INSERTED: 1.0, DELETED: 1.0, KEPT: 0.0, SPANS: 1.0}.get(edit.kind, edit.cost)
        assert (edit.prediction is None) == (edit.kind == INSERTED)
        assert (edit.reference is None) == (edit.kind == DELETED)


@pytest.mark.parametrize("exact_numbers", [False, True])
def test_costs_add_up_on_random_tables(make_trees, exact_numbers):
    maker = make_trees(21)
    for _ in range(150):
        rows = maker.rows()
        check(Tree.from_rows(maker.mutated(rows)), Tree.from_rows(rows), exact_numbers)


def test_costs_add_up_on_any_trees(make_trees):
    maker = make_trees(22)
    for _ in range(150):
        check(maker.irregular(), maker.irregular())


def test_an_order_preserving_mapping_is_what_comes_out(make_trees):
    """The edits are a mapping of trees: what it costs is no less than the least, by the plain algorithm."""
    maker = make_trees(23)
    for _ in range(80):
        one, two = maker.irregular(3), maker.irregular(3)
        found = tree_alignment(one, two)
        assert sum(edit.cost for edit in found.edits) == pytest.approx(tree_edit_distance(one, two), abs=1e-9)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("denominator", ["compared", "pubtabnet"])
def test_the_sum_of_the_costs_is_the_score(normalisation, denominator):
    reward = TEDS(normalisation=normalisation, denominator=denominator, clip=False)
    cases = [json.loads(line) for name in ("pairs", "pubtabnet_scores") for line in _lines(name)]
    checked = 0
    for case in cases:
        completion, reference = case["prediction"], case["reference"]
        if len(reference) > 12_000:
            continue
        trees = reward.deciding_trees(completion, reference)
        assert trees is not None
        found = tree_alignment(*trees)
        score = similarity(sum(edit.cost for edit in found.edits), *trees, denominator)
        assert score == pytest.approx(reward([completion], [reference]).values[0], abs=1e-9)
        checked += 1
    assert checked >= 10


def _lines(name: str) -> list[str]:
    return (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines()


def test_a_real_mistake_is_told_where_it_is():
    truth = find_tables("| City | People |\n|---|---|\n| Oslo | 709,037 |\n| Bergen | 291,940 |")[0]
    wrong = Found("markdown", "| City | People |\n|---|---|\n| Bergen | 219,940 |")
    one, two = tree_of(wrong), tree_of(truth)
    assert one is not None
    assert two is not None
    edits = [edit for edit in tree_alignment(one, two).edits if edit.kind != KEPT]
    assert [edit.kind for edit in edits] == [INSERTED, INSERTED, INSERTED, CHANGED]
    assert (edits[0].reference.text, edits[0].reference.row, edits[0].reference.position) == ("Oslo", 1, 0)
    assert [change.kind for change in edits[-1].characters].count("equal") >= 2


def test_a_number_that_is_another_number_costs_one_where_asked():
    one, two = Tree.from_rows([("1538", "a1")]), Tree.from_rows([("1,536", "a2")])
    assert tree_edit_distances([one], two)[0].value == pytest.approx(0.4 + 0.5)
    assert tree_edit_distances([one], two, exact_numbers=True)[0].value == pytest.approx(1.0 + 0.5)
    same = Tree.from_rows([("1,538", "a1")])
    assert tree_edit_distances([one], same, exact_numbers=True)[0].value == pytest.approx(0.2)
    assert rename_cost(one, 0, two, 0, exact_numbers=True) == 1.0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("12 kg", "13 kg"),
        ("1.2 (0.3)", "1.2 (0.4)"),
        ("12 ± 3", "12 ± 4"),
        ("0.310–2.268", "0.310–2.269"),
        ("2019年", "2018年"),
        ("-5 kg", "5 kg"),
        ("p < 0.05", "p < 0.01"),
        ("12 kg", "13"),
    ],
)
def test_figures_with_units_are_other_figures_where_a_number_is_another(one: str, two: str) -> None:
    left, right = Tree.from_rows([(one,)]), Tree.from_rows([(two,)])
    assert tree_edit_distances([left], right)[0].value < 1.0
    assert tree_edit_distances([left], right, exact_numbers=True)[0].value == 1.0
    assert rename_cost(left, 0, right, 0, exact_numbers=True) == 1.0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("12 kg", "12kg"),
        ("12.5*", "12.5"),
        ("0.310–2.268", "0.310-2.268"),
        ("1,536 t", "1536 t"),
        ("12.0 kg", "12 kg"),
        ("Q1", "Q2"),
        ("Oslo has 12 parks and 3 lakes", "Oslo has 12 parks and 4 lakes"),
    ],
)
def test_the_same_figures_otherwise_written_and_texts_with_digits_cost_by_letters(one: str, two: str) -> None:
    left, right = Tree.from_rows([(one,)]), Tree.from_rows([(two,)])
    (published,), (strict,) = (tree_edit_distances([left], right, exact_numbers=exact) for exact in (False, True))
    assert 0 < strict.value == published.value < 1.0


def test_a_pair_too_large_for_the_exact_distance_has_a_bound_and_no_edits():
    one, two = Tree.from_rows([("a",)] * 9), Tree.from_rows([("b",)] * 9)
    found = tree_alignment(one, two, max_comparisons=10)
    assert (found.edits, found.exact) == ((), False)
    assert found.distance == tree_edit_distances([one], two, 10)[0].value
