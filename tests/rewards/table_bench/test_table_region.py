"""TARPO's mixed reward: region, answer, loop guard, schedule; programs; every strange region has a stated result."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import pytest

from fixture_rows import fixture_rows
from table_rewards import ConfigurationError, Constant, Linear, TableRegion
from table_rewards.rewards.table_bench import table_region

GOLD = fixture_rows("table_r1/table_r1_tablearea_test_gold.jsonl")
MADE = fixture_rows("table_r1/regions.jsonl")
AREA = '{"columns": ["a"], "rows": [0, 1], "data": [[1], [2]]}'
ROW = {"answer": "7", "gold_area": AREA, "instruction_type": "DP"}
RIGHT = f"<gold_area>{AREA}</gold_area>\nFinal Answer: 7"


def row_of(row: dict[str, Any]) -> dict[str, Any]:
    return {"answer": row["reference"], "gold_area": row["gold_area"], "instruction_type": "DP"}


def test_released_regions_against_themselves_score_as_the_released_code_does() -> None:
    reward = TableRegion(profile="released")
    scores = reward([f"<gold_area>{row['gold_area']}</gold_area>" for row in GOLD], [row_of(row) for row in GOLD])
    assert scores.parts["region"].tolist() == [row["expected_region_self_score"] for row in GOLD]


def test_corrected_regions_against_themselves_are_whole() -> None:
    usable = [row for row in GOLD if row["gold_area_is_json"]]
    scores = TableRegion()(
        [f"<gold_area>{row['gold_area']}</gold_area>" for row in usable], [row_of(r) for r in usable]
    )
    assert (scores.parts["region"] == 1.0).all()


@pytest.mark.parametrize(
    ("kind", "region", "answer"),
    [
        ("right", {1.0}, {1.0}),
        ("wrong answer", {1.0}, {0.0}),
        ("no region", {0.0}, {1.0}),
        ("no answer", {1.0}, {0.0}),
        ("loop", {1.0}, {0.0}),
    ],
)
def test_real_regions_with_made_mistakes(kind: str, region: set[float], answer: set[float]) -> None:
    rows = [row for row in MADE if row["kind"] == kind and row["answer"] != row["question"]]
    scores = TableRegion(weight=0.1)([row["completion"] for row in rows], rows)
    assert set(scores.parts["region"].tolist()) == region
    assert set(scores.parts["answer"].tolist()) == answer
    np.testing.assert_allclose(scores.values, 0.1 * scores.parts["region"] + 0.9 * scores.parts["answer"])


def test_t1_the_weight_decays_with_the_step_and_released_is_constant() -> None:
    corrected = [float(TableRegion()([RIGHT], [ROW], step=step).parts["weight"][0]) for step in (0, 600, 1200)]
    assert corrected == pytest.approx([0.3, 0.3 * np.exp(-0.0915 * 6), 0.3 * np.exp(-0.0915 * 12)])
    released = {float(TableRegion(profile="released")([RIGHT], [ROW], step=s).parts["weight"][0]) for s in (0, 5000)}
    assert released == {0.1}


def test_without_a_step_the_constant_holds_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_region, "_said_no_step", False)
    with caplog.at_level(logging.WARNING):
        weights = [TableRegion()([RIGHT], [ROW]).parts["weight"][0] for _ in range(3)]
    assert weights == [0.1] * 3
    assert len([r for r in caplog.records if "no training step" in r.message]) == 1


@pytest.mark.parametrize("weight", [-0.1, 1.5, Linear(0.3, 2.0, 10), "often"])
def test_a_weight_outside_0_to_1_is_refused(weight: Any) -> None:
    with pytest.raises(ConfigurationError, match="weight"):
        TableRegion(weight=weight)


def test_schedules_come_as_objects_texts_and_mappings() -> None:
    for weight in (
        Constant(0.2),
        0.2,
        "0.2",
        "linear(0.4, 0.0, 100)",
        {"schedule": "linear", "start": 0.4, "end": 0, "steps": 100},
    ):
        assert TableRegion(weight=weight)([RIGHT], [ROW], step=50).parts["weight"].tolist() == pytest.approx([0.2])


@pytest.mark.parametrize(
    ("gold", "status"),
    [
        ("not json", "unscored"),
        ("", "unscored"),
        ('{"columns": "a", "rows": 3}', "unscored"),
        ({"columns": ["a"], "rows": [0, 1]}, "scored"),
        ({"columns": np.array(["a"]), "rows": np.array([0, 1])}, "scored"),
        ('{"columns": [], "rows": []}', "scored"),
        ('{"columns": ["a", {"b": 1}], "rows": [0]}', "scored"),
        ('{"columns": ["a]", "a]"], "rows": [0]}', "scored"),
        (None, "unscored"),
    ],
)
def test_every_gold_region_has_a_stated_result(gold: Any, status: str) -> None:
    score = TableRegion(weight=0.1)([RIGHT], [{**ROW, "gold_area": gold}])[0]
    assert score.status == status
    assert status == "scored" or "gold_area" in score.note


def test_unknown_instruction_types_are_read_as_text_answers() -> None:
    assert TableRegion(weight=0.1)([RIGHT], [{**ROW, "instruction_type": "CoT-2"}]).values.tolist() == [1.0]  # T7


def test_neither_region_nor_answer_is_the_floor() -> None:
    score = TableRegion()(["I do not know"], [ROW])[0]
    assert (score.value, score.status) == (0.0, "unparsed")
    assert score.note == "no 'Final Answer:' line; no readable <gold_area>"


def test_t8_trailing_blank_lines_are_no_loop() -> None:
    text = RIGHT + "\n" * 30
    assert TableRegion(weight=0.1)([text], [ROW]).parts["answer"].tolist() == [1.0]
    assert TableRegion(profile="released")([text], [ROW]).parts["answer"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("gold", "given", "released", "corrected"),
    [
        ("23.0", "22.999", 0.0, 1.0),
        ("1000", "1,000", 0.0, 1.0),
        ("1000", "1000.9", 1.0, 0.0),
        ("Paris", "paris", 0.0, 1.0),
    ],
)
def test_t5_numbers_close_across_a_whole_number(gold: str, given: str, released: float, corrected: float) -> None:
    row = {**ROW, "answer": gold}
    text = f"Final Answer: {given}"
    assert TableRegion(profile="released")([text], [row]).parts["answer"].tolist() == [released]
    assert TableRegion()([text], [row]).parts["answer"].tolist() == [corrected]


PROMPT = [
    {
        "role": "user",
        "content": f"Answer it.\n[TABLE] \n{json.dumps({'columns': ['a'], 'data': [[3], [4]]})}\nQuestion: sum?",
    }
]
PROGRAM = "```python\nimport pandas as pd\nprint('Final Answer:', pd.read_csv('table.csv')['a'].sum())\n```"


def test_t2_programs_run_with_the_table_of_the_prompt() -> None:
    row = {**ROW, "instruction_type": "PoT", "extra_info": {"raw_prompt": PROMPT}}
    text = f"<gold_area>{AREA}</gold_area>\n{PROGRAM}"
    score = TableRegion(weight=0.1)([text], [row])[0]
    assert (score.value, score.parts["answer"], score.parts["executed"]) == (1.0, 1.0, 1.0)
    assert TableRegion(profile="released")([text], [row]).parts["answer"].tolist() == [0.0]


def test_a_program_prompt_without_a_table_is_unscored() -> None:
    score = TableRegion()([PROGRAM], [{**ROW, "instruction_type": "PoT"}])[0]
    assert (score.status, score.note) == ("unscored", "the row has no table for the program to read")
