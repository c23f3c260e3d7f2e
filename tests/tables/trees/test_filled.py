"""The rectangular form of a table is what a drawing of it, slot by slot, is read as."""

from __future__ import annotations

import random

import pytest

from table_rewards.rewards.table_similarity import TEDS, CellF1, GriTS
from table_rewards.tables import parse_table, render_table
from table_rewards.tables.table import Table
from table_rewards.tables.trees.filled import filled
from table_rewards.tables.trees.tree import Tree


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b"), ("c", "d")], [("a", "b"), ("c", "d")]),
        ([("a", "b"), ("c",)], [("a", "b"), ("c", "")]),
        ([("a",), ("b", "c")], [("a", ""), ("b", "c")]),
        ([(("a", 1, 9), "b"), ("c",)], [(("a", 1, 2), "b"), ("c",)]),
        ([("a", "b"), (("c", 1, 2), "d")], [("a", "b"), ("c", "d")]),
        ([(("a", 2, 1),), ("b",)], [(("a", 2, 1),), ("b", "")]),
        ([(), ("a",)], [("",), ("a",)]),
    ],
)
def test_blanks_are_filled_and_spans_cut(rows, expected):
    assert filled(Tree.from_rows(rows)).rows == tuple(expected)


def test_any_table_becomes_what_its_drawing_is_read_as():
    pick = random.Random(3)
    for _ in range(400):
        rows = [
            tuple(
                pick.choice(["a", "b", ("c", pick.randint(1, 3), pick.randint(1, 3))])
                for _ in range(pick.randint(0, 4))
            )
            for _ in range(pick.randint(1, 4))
        ]
        tree = Tree.from_rows(rows)
        once = filled(tree)
        drawn = parse_table(render_table(Table.of(rows), "otsl"), "otsl")
        if drawn is not None and drawn.size:
            texts = [[(c.text, c.colspan, c.rowspan) for c in row] for row in drawn.rows]
            assert [[leaf if isinstance(leaf, tuple) else (leaf, 1, 1) for leaf in row] for row in once.rows] == texts


@pytest.mark.parametrize("reward", [TEDS(), TEDS(structure_only=True), CellF1(), CellF1(relation="position"), GriTS()])
@pytest.mark.parametrize("format", ["html", "otsl", "latex"])
def test_a_perfect_rendering_of_a_real_table_scores_one(reward, format, table_variants, fixture_rows):
    sources = [row["html"] for name in ("pubtabnet", "docling", "wikitablequestions") for row in fixture_rows(name)]
    checked = 0
    for source in sources:
        if len(source) > 20_000:
            continue
        table = parse_table(source)
        assert table is not None
        assert reward([render_table(table, format)], [source]).values[0] == pytest.approx(1.0, abs=1e-12)
        checked += 1
    assert checked > 60


def test_filling_pays_nobody_who_leaves_out_what_is_there():
    truth = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"
    full, short = "<fcel>a<fcel>b<nl><fcel>c<ecel><nl>", "<fcel>a<fcel>b<nl>"
    wrong = full.replace("<ecel>", "<fcel>d")
    scores = TEDS()([full, short, wrong], [truth] * 3).values.tolist()
    assert scores[0] == 1.0
    assert max(scores[1:]) < 0.9
