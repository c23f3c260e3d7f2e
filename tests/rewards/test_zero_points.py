"""Each reward's zero point, on real rows: its blind strategy earns nothing, right answers all, published parts stay."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixture_rows import fixture_rows
from table_rewards import TEDS, CellF1, GriTS, Ranking, ScalarQuality, TableBench, TableRegion, UnitTests
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.rewards.ranking.agreement import spearman
from table_rewards.rewards.table_similarity.base import TableReward, first_table
from table_rewards.rewards.table_similarity.blind import blind_trees
from table_rewards.tables.formats.html import render_html
from table_rewards.tables.table import Table
from table_rewards.testing.attacks import close_rankings, simulated_judge

TABLES = [row["html"] for name in ("pubtabnet", "docling") for row in fixture_rows(f"tables/{name}.jsonl")]
OPEN = [
    {**row, "answer": row["reference"]}
    for row in fixture_rows("tablebench/tablebench_o3mini_dp_items.jsonl")
    if row["qsubtype"] in ("AnomalyDetection", "CausalAnalysis", "DescriptiveAnalysis")
]
CAUSAL = {
    "question": "Does an increase in viewers cause an increase in the rating?",
    "answer": "Yes, an increase in viewers (0.99) causes an increase in the rating",
    "qsubtype": "CausalAnalysis",
}


def said(text: str) -> str:
    return f"Final Answer: {text}"


# -- TableBench


def test_the_question_said_again_earns_nothing_and_the_answer_all() -> None:
    reward = TableBench(zero_point="blind")
    scores = reward([said(CAUSAL["question"]), said(CAUSAL["answer"])], [CAUSAL, CAUSAL])
    assert scores.values.tolist() == [0.0, 1.0]
    published = TableBench()([said(CAUSAL["question"])], [CAUSAL])
    assert published.values[0] == scores["rouge_l"][0] == scores["blind"][0] > 0.6


def test_exact_match_has_no_zero_point() -> None:
    row = {"answer": "7", "qsubtype": "Counting", "question": "How many of the 7 teams won 7 games?"}
    assert TableBench(zero_point="blind")([said("7"), said("8")], [row, row]).values.tolist() == [1.0, 0.0]


def test_real_gold_answers_keep_their_one_under_both_options() -> None:
    golds = [said(row["answer"]) for row in OPEN]
    assert (TableBench(facts=True, zero_point="blind")(golds, OPEN).values == 1.0).all()


def test_answers_of_a_model_keep_their_order_above_the_zero_point() -> None:
    reward = TableBench(zero_point="blind")
    for row in OPEN:
        words = row["answer"].split()
        answers = [said(" ".join(words[:end])) for end in range(1, len(words) + 1)]
        scores = reward([*answers, row["prediction"]], [row] * (len(answers) + 1))
        kept = scores["rouge_l"] > scores["blind"]
        assert (
            np.argsort(scores.values[kept], kind="stable") == np.argsort(scores["rouge_l"][kept], kind="stable")
        ).all()
        assert not scores.values[~kept].any()


@pytest.mark.parametrize(
    ("wrong", "share"),
    [
        ("Yes, an increase in viewers (0.98) causes an increase in the rating", 2 / 3),
        ("No, a decrease in viewers (0.10) causes a decrease in the rating", 0.0),
        ("Yes, an increase in viewers (0.99) causes a decrease in the rating", 2.5 / 3),
    ],
)
def test_wrong_numbers_and_directions_cost_their_share_of_rouge(wrong: str, share: float) -> None:
    scores = TableBench(facts=True)([said(wrong)], [CAUSAL])
    assert scores.values[0] == pytest.approx(scores["rouge_l"][0] * share)


def test_facts_are_looked_at_in_chinese_too() -> None:
    row = {"answer": "销量上升了12%", "qsubtype": "CausalAnalysis"}
    right, wrong = TableBench(facts=True)([said("销量上升了12%"), said("销量下降了13%")], [row, row]).values
    assert (right, wrong) == (1.0, 0.0)


# -- TableRegion

REGION = {
    "question": "What is the size of Rome?",
    "table": {
        "columns": ["city", "size", "river"],
        "data": [["Rome", 3, "Tiber"], ["Paris", 2, "Seine"], ["Bonn", 1, ""]],
    },
    "answer": "3",
    "gold_area": {"columns": ["city", "size"], "rows": [0]},
    "instruction_type": "TCoT",
}


def cited(columns: list[str], rows: list[int], answer: str) -> str:
    return f'<gold_area>{{"columns": {columns}, "rows": {rows}}}</gold_area> Final Answer: {answer}'.replace("'", '"')


def test_the_whole_table_cited_earns_nothing() -> None:
    reward = TableRegion(weight=0.5, zero_point="blind")
    everything, right, wrong = (
        cited(["city", "size", "river"], [0, 1, 2], "4"),
        cited(["city", "size"], [0], "3"),
        cited(["city", "size"], [0], "4"),
    )
    assert reward([everything, right, wrong], [REGION] * 3).values.tolist() == [0.0, 1.0, 0.5]
    assert TableRegion(weight=0.5)([everything], [REGION]).values[0] == 0.25


def test_where_the_region_is_the_whole_table_the_answer_is_the_value() -> None:
    whole = {**REGION, "gold_area": {"columns": ["city", "size", "river"], "rows": [0, 1, 2]}}
    reward = TableRegion(weight=0.5, zero_point="blind")
    texts = [cited(["city", "size", "river"], [0, 1, 2], "4"), "Final Answer: 3"]
    scores = reward(texts, [whole, whole])
    assert scores.values.tolist() == [0.0, 1.0]
    assert scores["weight"].tolist() == [0.0, 0.0]


def test_a_loop_still_loses_the_answer_and_keeps_the_region() -> None:
    text = cited(["city", "size"], [0], "3") + "\n" + "again and again " * 9
    assert TableRegion(weight=0.25, zero_point="blind")([text], [REGION]).values[0] in (0.25, pytest.approx(0.25))


def test_table_r1s_rows_have_their_table_and_question_in_the_prompt() -> None:
    rows = fixture_rows("table_r1/rl_rows.jsonl")
    reward = TableRegion(weight=1.0, zero_point="blind")
    read = [reference for row in rows if hasattr(reference := reward.read_reference(row), "blind_regions")]
    assert any(len(reference.blind_regions) == 2 for reference in read)
    for reference in read:
        if reference.blind_regions and reference.instruction_type != "PoT":
            texts = [f"<gold_area>{region}</gold_area> Final Answer: ?" for region in reference.blind_regions]
            assert not reward(texts, [reference] * len(texts)).values.any()


# -- tables

SIMILARITIES: list[Reward[Any]] = [
    TEDS(zero_point="blind"),
    TEDS(zero_point="blind", structure_only=True),
    TEDS(zero_point="blind", normalisation="pubtabnet"),
    CellF1(zero_point="blind"),
    CellF1(zero_point="blind", relation="position"),
    GriTS(zero_point="blind"),
    GriTS(zero_point="blind", metric="topology"),
]


@pytest.mark.parametrize("reward", SIMILARITIES, ids=str)
def test_cells_in_one_row_earn_nothing_and_the_table_all(reward: Any) -> None:
    tables = TABLES[:12]
    flat = [render_html(Table.of([[leaf for row in rows for leaf in row]])) for rows in map(_rows, tables)]
    scores = reward([*flat, *tables], tables * 2)
    several = [at for at, table in enumerate(tables) if len(_rows(table)) > 1]
    assert scores.values[several] == pytest.approx(0.0, abs=1e-9)
    assert (scores.values[len(tables) :] == 1.0).all()


def _rows(table: str) -> Any:
    _, tree = first_table(table, "standard")
    assert tree is not None
    assert tree.rows is not None
    return tree.rows


def test_teds_of_a_table_in_one_row_is_what_its_formula_says() -> None:
    reward = TEDS(zero_point="blind")
    for table in TABLES:
        _, tree = first_table(table, "standard")
        assert tree is not None
        trees = blind_trees(tree, structure_alone=False)
        searched = max((one.parts[0] for one in reward.compare(trees, tree)), default=0.0)
        assert reward.earned_blindly(tree) == pytest.approx(searched)


def test_an_empty_grid_of_the_right_size_earns_nothing_where_spans_or_ragged_rows_are_asked_for() -> None:
    spans = "<table><tr><td colspan=2>a</td></tr><tr><td>b</td><td>c</td></tr></table>"
    grid = "<table><tr><td></td><td></td></tr><tr><td></td><td></td></tr></table>"
    for reward in (TEDS(zero_point="blind", structure_only=True), GriTS(zero_point="blind", metric="topology")):
        assert reward([grid, spans], [spans, spans]).values.tolist() == [0.0, 1.0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 11), max_size=4), st.sampled_from(range(7)))
def test_worse_copies_of_a_table_keep_their_order(spoilt: list[int], which: int) -> None:
    reward = SIMILARITIES[which]
    published = type(reward)(**{k: v for k, v in _options(reward).items() if k != "zero_point"})
    table = Table.of([["year", "north", "south"], ["2023", "17", "5"], ["2024", "19", "8"], ["2025", "23", "13"]])
    copies = []
    for end in range(len(spoilt) + 1):
        cells = [[cell.text for cell in row] for row in table.rows]
        for place in spoilt[:end]:
            cells[place // 3][place % 3] = "x"
        copies.append(render_html(Table.of(cells)))
    truth = [render_html(table)] * len(copies)
    ours, theirs = reward(copies, truth), published(copies, truth).values
    for i in range(len(copies)):
        for j in range(len(copies)):
            if theirs[i] > theirs[j] and theirs[i] > ours["blind"][i]:
                assert ours.values[i] > ours.values[j] - 1e-12


def _options(reward: Any) -> dict[str, Any]:
    return {name: getattr(reward, name) for name in reward.option_names()}


# -- rankings


def test_all_tied_earns_nothing_and_the_right_ranking_all() -> None:
    reward = Ranking(zero_point="blind", reasoning="optional")
    gold = {"A": 8, "B": 7, "C": 7}
    tied = "A = B = C\n\nA: 7, B: 7, C: 7"
    right = "A > B = C\n\nA: 8, B: 7, C: 7"
    scores = reward([tied, right], [gold, gold])
    assert scores.values.tolist() == [0.0, 2.0]
    assert scores["blind"][0] == Ranking(reasoning="optional")([tied], [gold]).values[0] > 1.0


def test_where_all_are_tied_only_that_is_worth_anything() -> None:
    gold = {"A": 7, "B": 7}
    texts = ["A = B\n\nA: 5, B: 5", "A > B\n\nA: 8, B: 7"]
    assert Ranking(zero_point="blind", reasoning="optional")(texts, [gold] * 2).values.tolist() == [2.0, 0.0]


@pytest.mark.parametrize("gold", [0, 3, 5.5, 9, 10])
def test_the_constant_of_the_scale_earns_nothing(gold: float) -> None:
    scores = ScalarQuality(zero_point="blind")(["7", f"{gold:g}"], [gold, gold])
    assert scores.values.tolist() == [0.0, 1.0]


# -- all of them


@pytest.mark.parametrize(
    ("reward", "completion", "reference"),
    [
        (TEDS(zero_point="blind"), TABLES[0], TABLES[0].replace("1", "7")),
        (GriTS(zero_point="blind"), TABLES[0], TABLES[0].replace("1", "7")),
        (CellF1(zero_point="blind"), TABLES[0], TABLES[0].replace("1", "7")),
        (TableBench(zero_point="blind", facts=True), said(CAUSAL["answer"] + " (0.5)"), CAUSAL),
        (TableBench(facts=True), said(CAUSAL["answer"].replace("9", "8")), CAUSAL),
        (TableRegion(zero_point="blind", weight=0.5), cited(["city"], [0], "3"), REGION),
        (Ranking(zero_point="blind", reasoning="optional"), "A > B = C\n\nA: 8, B: 6, C: 6", {"A": 8, "B": 7, "C": 7}),
        (ScalarQuality(zero_point="blind"), "8", 9),
        (
            UnitTests(zero_point="blind"),
            "```python\nprint('odd' if input() < '3' else 'even')\n```",
            {"inputs": ["1", "2", "3"], "outputs": ["odd", "even", "odd"]},
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Reward) else "",
)
def test_what_is_explained_comes_to_the_score(reward: Any, completion: str, reference: Any) -> None:
    told = reward.explain(completion, reference)
    assert not told.remarks
    assert told.value == reward([completion], [reference]).values[0]
    if reward.zero_point == "blind":
        assert told.sections[-1].title == "Zero point"


@pytest.mark.parametrize(
    ("kind", "point"),
    [(TEDS, 0.75), (CellF1, 0.5), (GriTS, 0.3), (Ranking, 0.5), (ScalarQuality, 0.5), (TableBench, 0.2)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_one_zero_point_for_all_rows_keeps_every_order(kind: Any, point: float) -> None:
    """Between rows too, which R0 by row cannot."""
    texts: list[str]
    references: list[Any]
    if issubclass(kind, TableReward):
        rows = fixture_rows("tables/pairs.jsonl") + fixture_rows("tables/pubtabnet_scores.jsonl")
        texts, references = [row["prediction"] for row in rows], [row["reference"] for row in rows]
    elif kind is TableBench:
        texts, references = [row["prediction"] for row in OPEN], OPEN
    elif kind is Ranking:
        references = [row["scores"] for row in close_rankings(60)]
        texts = [simulated_judge(one, seed=number, error=0.6) for number, one in enumerate(references)]
    else:
        texts, references = [f"It reads well.\n\n{at % 11}" for at in range(60)], [at % 7 for at in range(60)]
    before, scores = kind()(texts, references).values, kind(zero_point=point)(texts, references)
    above = scores.values > 0
    assert len(set(before[above].tolist())) > 1
    top = 2.0 if kind is Ranking else 1.0
    assert scores["blind"].tolist() == pytest.approx([point * top] * len(texts)) or kind is TableBench
    assert scores.values[above] == pytest.approx(top * (before[above] / top - point) / (1 - point))
    assert (before[~above] <= point * top + 1e-9).all()
    assert f"zero_point={point:g}" in kind(zero_point=point).signature


@pytest.mark.parametrize("kind", [TEDS, CellF1, GriTS, Ranking, ScalarQuality], ids=lambda kind: kind.name)
def test_honest_answers_of_a_prompt_keep_their_order_under_the_options_for_training(kind: Any) -> None:
    """Spearman's correlation within prompts, above the zero point: 0.98 at least. Right answers keep their all."""
    groups: list[tuple[Any, list[str]]]
    if issubclass(kind, TableReward):
        rows = fixture_rows("tables/rollouts.jsonl")
        solutions = dict.fromkeys(row["solution"] for row in rows)
        groups = [(one, [row["completion"] for row in rows if row["solution"] == one]) for one in solutions]
    else:
        judged = [row["scores"] for row in close_rankings(40)]
        if kind is ScalarQuality:
            groups = [(one["A"], [f"Well.\n\n{score / 2:g}" for score in range(8, 20)]) for one in judged]
        else:
            groups = [(one, [simulated_judge(one, seed=at, error=0.6) for at in range(12)]) for one in judged]
    found: list[tuple[float, int]] = []
    for gold, texts in groups:
        before, after = (kind(**options)(texts, [gold] * len(texts)).values for options in ({}, kind.for_training))
        above = after > 0
        if len(set(before[above].tolist())) > 1:
            found.append((float(spearman(before[None, above], after[None, above])[0]), int(above.sum())))
        full = before == (2.0 if kind is Ranking else 1.0)
        assert (after[full] == before[full]).all()
    assert len(found) > 3
    together = np.average([rho for rho, _ in found], weights=[count for _, count in found])
    assert together == 1.0 if kind is not TEDS else together >= 0.98  # another number costs more, in other orders


RELEASED: list[Callable[..., Any]] = [TableBench, TableRegion, Ranking, ScalarQuality]


@pytest.mark.parametrize("kind", RELEASED)
def test_released_refuses_a_zero_point(kind: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="zero_point"):
        kind(zero_point="blind", profile="released")


@pytest.mark.parametrize(
    "kind", [TableBench, TableRegion, TEDS, CellF1, GriTS, Ranking, ScalarQuality], ids=lambda kind: kind.name
)
def test_the_signature_names_it_and_only_where_it_is_set(kind: Callable[..., Any]) -> None:
    assert "zero_point" not in kind().signature
    reward = kind(zero_point="blind")
    assert re.search(r"[:,]zero_point=blind[,|]", reward.signature)
    assert reward.parts[-1] == "blind"
    assert pickle.loads(pickle.dumps(reward)).signature == reward.signature


@pytest.mark.parametrize(
    ("tests", "constant", "blind"),
    [
        ({"inputs": ["1", "2", "3", "5"], "outputs": ["odd", "even", "odd", "odd"]}, "print('odd')", 0.75),
        ("assert f(1) == 7\nassert f(2) == 7\nassert f(3) == 8\nassert f(4) == 9", "def f(n): return 7", 0.5),
    ],
    ids=["printed", "asserted"],
)
def test_a_program_that_prints_the_commonest_output_earns_the_bonus_alone(
    tests: Any, constant: str, blind: float
) -> None:
    text = f"<answer>\n```python\n{constant}\n```\n</answer>"
    scores = UnitTests(zero_point="blind")([text], [tests])
    assert scores["pass_rate"].tolist() == scores["blind"].tolist() == [blind]
    assert scores.values.tolist() == [0.05]
    assert UnitTests()([text], [tests]).values.tolist() == [blind + 0.05]
    right = (
        "print(['even', 'odd'][int(input()) % 2])"
        if isinstance(tests, dict)
        else "def f(n): return [7, 7, 8, 9][n - 1]"
    )
    right = f"<answer>\n```python\n{right}\n```\n</answer>"
    assert UnitTests(zero_point="blind")([right], [tests]).values.tolist() == [1.05]


def test_a_table_of_the_prompts_examples_earns_the_bonus_alone() -> None:
    row = {
        "inputs": ["1", "2", "3", "5", "6"],
        "outputs": ["odd", "even", "odd", "odd", "even"],
        "tests_in_prompt": "[1]",
    }
    table = "print({'2': 'even'}.get(input(), 'odd'))"
    right = "print(['even', 'odd'][int(input()) % 2])"
    texts = [f"<answer>\n```python\n{program}\n```\n</answer>" for program in (table, right)]
    scores = UnitTests(zero_point="blind")(texts, [row, row])
    assert scores["pass_rate"].tolist() == [0.8, 1.0]
    assert scores["blind"].tolist() == [0.8, 0.8]
    assert scores.values.tolist() == [0.05, 1.05]
    assert UnitTests()(texts, [row, row]).values.tolist() == pytest.approx([0.85, 1.05])
