"""Explanations of every reward: hostile completions break none, and none disagrees with its score."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixture_rows import fixture_rows
from table_rewards import (
    QAF1,
    TEDS,
    CellF1,
    Generator,
    GriTS,
    Mathematics,
    Ranking,
    ScalarQuality,
    TableBench,
    TableRegion,
    Verifier,
    WhiteBox,
)
from table_rewards.core.explanation.data import KEPT, RIGHT
from table_rewards.testing.hostile import HOSTILE_COMPLETIONS

TRUTH = "<table><tr><td>a</td><td colspan=2>b</td></tr><tr><td>1,538</td><td></td><td>3</td></tr></table>"
REGION = {
    "answer": "7, 8",
    "table": {"columns": ["a", "a", "b"], "data": [[1, 2, None], [3]]},
    "gold_area": '{"columns": ["a", "a"], "rows": [0, 1]}',
    "instruction_type": "DP",
}
FUNCTION = {
    "func_str": "def f(a):\n    b = a + 1\n    return b",
    "func_args": "1",
    "result": "2",
    "question_answers": {"path_answers": [["return b"]], "state_as": [[["int", "2"]]]},
}
CASES = [
    (TEDS(), TRUTH),
    (TEDS(structure_only=True), TRUTH),
    (TEDS(clip=False, exact_numbers=True), TRUTH),
    (TEDS(normalisation="omnidocbench", denominator="pubtabnet", table="best"), TRUTH),
    (TEDS(normalisation="pubtabnet", table="last"), TRUTH),
    (CellF1(), TRUTH),
    (CellF1(relation="position"), TRUTH),
    (GriTS(), TRUTH),
    (GriTS(metric="topology"), TRUTH),
    (TableBench(), {"answer": "9.34, Rome", "qsubtype": "StatisticalAnalysis"}),
    (TableBench(metric="rouge_l"), "the goals of Ann rose"),
    (TableBench(profile="released"), {"answer": "10.6", "qsubtype": "StatisticalAnalysis"}),
    (TableRegion(weight=0.3), REGION),
    (TableRegion(profile="released"), REGION),
    (Mathematics(symbolic=False), "1/2, 3"),
    (Mathematics(symbolic=False, answer_kind="text"), "Paris, Rome"),
    (Mathematics(symbolic=False, answer_kind="python"), "[1, 'a']"),
    (Mathematics(answer_kind="text", profile="released"), "Paris"),
    (Generator(symbolic=False, ground_truth_weight=0.25, format_weight=0.5), "7"),
    (Verifier(), True),
    (Verifier(profile="released"), False),
    (Ranking(), {"A": 8, "B": 3, "C": 3}),
    (Ranking(mode="score", margin_weight=0.5, scale=2.0, rank_correlation="both"), {"A": 8, "B": 3}),
    (Ranking(mode="ranking", reasoning="absent", profile="released"), "B > A = C"),
    (ScalarQuality(), 7.5),
    (ScalarQuality(profile="released"), 7),
    (QAF1(reader="extractive"), [{"question": "a?", "answer": "1"}, {"question": "b?", "answer": "Not answerable"}]),
    (WhiteBox(), FUNCTION),
    (WhiteBox(gate_on_io=False, alpha=0.25), FUNCTION),
    (WhiteBox(profile="released"), FUNCTION),
]
ANSWERS = [
    TRUTH,
    "| a | b | |\n|---|---|---|\n| 1,536 | | 3 |\n| x | y | z |",
    "<table><tr><td>a</td></tr></table> and <table><tr><td>a</td><td colspan=2>b</td></tr></table>",
    "<fcel>a<fcel>b<lcel><nl>\n<fcel>1<ecel><nl>\n",
    "Final Answer: 9.33, Rome",
    "Final Answer: Rome\nFinal Answer: 9.34",
    '<gold_area>{"columns": ["a", "b"], "rows": [1, 5]}</gold_area> Final Answer: 7, 8, 9',
    "<gold_area>{broken</gold_area> Final Answer: 8, 7",
    '<gold_area>{"columns": ["a", {"b": 1}], "rows": ["' + "9" * 5000 + '", true, -1, "x"]}</gold_area>',
    r"\boxed{\frac{1}{2}, 4}",
    r"\boxed{0.5, 3.0}",
    "<answer>Rome, the Paris</answer>",
    "<answer>[1, 'b']</answer>",
    r"<think><step>1+1</step><step>2</step></think><answer>\boxed{7}</answer>",
    r"<step_verification><step>\boxed{CORRECT}</step></step_verification><final_verification>\boxed{CORRECT}"
    "</final_verification>",
    "By meaning.\n\nB > A = C\n\nB: 9, A: 7, C: 7",
    "By meaning.\n\nA: 9, B: 2.5",
    "B > A = C",
    "Fluent.\n\nScore: 6.5",
    "<answer>\nassert f(1) == 2\nreturn a\n2; int\n</answer>",
    "<answer>\nassert f(1) == 3\nreturn b\n2; int\nmore\n</answer>",
]


def name_of(case):
    reward, _ = case
    return reward.signature.split("|")[0][:60]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_hostile_and_strange_completions_are_explained_as_they_are_scored(case):
    reward, reference = case
    for text in (*HOSTILE_COMPLETIONS, *ANSWERS):
        told = reward.explain(text, reference)
        score = reward([text], [reference])[0]
        assert told.remarks == (), (text[:80], told.remarks)
        assert same(told.value, score.value)
        assert (told.status, told.note) == (score.status, score.note)
        assert all(same(told.parts[name], value) for name, value in score.parts.items())
        json.dumps(told.to_dict(), allow_nan=False)
        told._repr_html_().encode("utf-8", "replace")
        str(told)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_answer_of_a_family_gets_a_section_that_comes_to_its_score(case):
    """Every reward tells more than its reference: some answer's value is worked out again."""
    reward, reference = case
    numbers = [
        section.gives for text in ANSWERS for section in reward.explain(text, reference).sections if section.gives
    ]
    assert numbers or reward.profile == "released"


CELL = st.sampled_from(["", "a", "ab", "1", "1,538", "ä<b>"])
ROWS = st.lists(
    st.lists(st.tuples(CELL, st.integers(1, 2), st.integers(1, 2)), min_size=1, max_size=4), min_size=1, max_size=4
)


def html(rows):
    cells = [
        "".join(f'<td colspan="{c}" rowspan="{r}">{text.replace("<", "&lt;")}</td>' for text, c, r in row)
        for row in rows
    ]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


@given(said=ROWS, truth=ROWS, reward=st.sampled_from([reward for reward, truth in CASES if truth is TRUTH]))
def test_the_edits_of_tables_add_up_to_the_score(said, truth, reward):
    if not any(text for row in truth for text, _, _ in row):
        truth = [[("a", 1, 1)]]
    completion, reference = html(said), html(truth)
    told = reward.explain(completion, reference)
    assert told.remarks == ()
    assert same(told.value, reward([completion], [reference]).values[0])
    first = told.sections[0]
    ours = sum(len(line.prediction) for line in first.lines if line.prediction is not None)
    theirs = sum(len(line.reference) for line in first.lines if line.reference is not None)
    assert min(ours, theirs) > 0
    if isinstance(reward, TEDS):
        changes = [step for step in first.steps if step.kind != KEPT]
        shown = {cell.kind for line in first.lines for side in (line.prediction, line.reference) for cell in side or ()}
        assert bool(changes) or shown == {KEPT}


def test_a_region_is_drawn_on_the_table_of_its_row():
    row = fixture_rows("table_r1/rl_rows.jsonl")[1]
    assert "[TABLE]" in str(row["prompt"])
    gold = row["reward_model"]["ground_truth"]
    text = f"<gold_area>{gold['gold_area']}</gold_area>\nFinal Answer: {gold['answer']}"
    told = TableRegion(weight=0.1).explain(text, row)
    region = next(section for section in told.sections if section.title == "Region")
    kinds = {cell.kind for line in region.lines for cell in (*line.prediction, *line.reference)}
    assert kinds == {KEPT, RIGHT}
    cited = json.loads(gold["gold_area"])
    marked = sum(cell.kind == RIGHT for line in region.lines for cell in line.prediction)
    assert cited["rows"][-1] == len(region.lines) - 1  # row 10 of ten rows: the published region counts from 1
    assert marked == len(cited["columns"]) * (len(cited["rows"]) - 1)
    assert [step.detail for step in region.steps if step.label == "not in the table"] == [
        "gold region: row 10",
        "cited: row 10",
    ]


def same(one, other):
    return one == other or (one != one and other != other)
