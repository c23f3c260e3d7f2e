"""CellF1 and GriTS as users call them."""

from __future__ import annotations

import json
import pathlib

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.table_similarity import CellF1, GriTS

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tables"
REWARDS = [CellF1(), CellF1(relation="position"), GriTS(), GriTS(metric="topology")]


def markdown(*rows: str) -> str:
    lines = ["| " + " | ".join(row.split()) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0].split()), *lines[1:]])


TRUTH = markdown("Metal Melts Density", "Iron 1538 7.87", "Zinc 420 7.14", "Lead 327 11.3")


@pytest.mark.parametrize("reward", REWARDS, ids=lambda reward: reward.signature)
def test_identical_real_tables_score_one(reward):
    tables = [
        json.loads(line)["html"]
        for name in ("pubtabnet", "docling")
        for line in (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    scores = reward(tables, tables)
    assert scores.values.tolist() == pytest.approx([1.0] * len(tables))


@pytest.mark.parametrize("reward", REWARDS, ids=lambda reward: reward.signature)
def test_without_a_table_unparsed_without_a_reference_unscored(reward):
    scores = reward(["none", TRUTH], [TRUTH, "none"])
    assert scores.status.tolist() == ["unparsed", "unscored"]
    assert scores.values[0] == 0.0


@pytest.mark.parametrize("reward", REWARDS, ids=lambda reward: reward.signature)
def test_giant_spans_have_a_stated_score(reward):
    bomb = '<table><tr><td colspan="1000">a</td></tr>' + '<tr><td rowspan="60000">b</td></tr>' * 3_000 + "</table>"
    score = reward([bomb], [TRUTH])[0]
    assert 0.0 <= score.value <= 0.1
    assert "slots" in score.note
    assert reward([TRUTH], [bomb]).status.tolist() == ["unscored"]


def test_a_lost_row_costs_its_relations_alone_but_all_positions_behind_it():
    lost = markdown("Metal Melts Density", "Zinc 420 7.14", "Lead 327 11.3")
    assert CellF1()([lost], [TRUTH]).values[0] == pytest.approx(2 * 9 / (12 + 17))
    assert CellF1(relation="position")([lost], [TRUTH]).values[0] == pytest.approx(2 * 3 / (9 + 12))


def test_precision_and_recall_are_told_apart():
    scores = CellF1(relation="position")([TRUTH + "\n| Tin | 232 | 7.26 |"], [TRUTH])
    assert (scores.parts["precision"][0], scores.parts["recall"][0]) == (0.8, 1.0)


def test_grits_finds_exchanged_columns_where_teds_sees_wrong_texts():
    swapped = markdown("Metal Density Melts", "Iron 7.87 1538", "Zinc 7.14 420", "Lead 11.3 327")
    scores = GriTS()([swapped], [TRUTH])
    assert scores.parts["topology"][0] == 1.0
    assert 2 / 3 <= scores.parts["content"][0] < 1.0


def test_oversize_grits_is_stated():
    score = GriTS(max_comparisons=100)([TRUTH], [TRUTH + "\n| a | b | c |"])[0]
    assert (score.value, score.status, score.note) == (0.0, "scored", "oversize: 12 x 15 slots")


@pytest.mark.parametrize(
    ("reward", "options", "message"),
    [
        (CellF1, {"relation": "neighbours"}, "known: adjacency, position"),
        (CellF1, {"profile": "released"}, "CellF1 has no released profile"),
        (GriTS, {"metric": "con"}, "did you mean 'content'"),
        (GriTS, {"max_comparisons": 0.5}, "max_comparisons must be a positive whole number"),
    ],
)
def test_misconfiguration_is_refused_at_construction(reward, options, message):
    with pytest.raises(ConfigurationError, match=message):
        reward(**options)
