"""Characters that cannot be seen cost nothing in the corrected comparisons, and hide no wrong answer."""

from __future__ import annotations

from typing import Any

import pytest

from table_rewards import QAF1, TEDS, CellF1, GriTS, Mathematics, TableBench, TableRegion
from table_rewards.core.invisible import visible

TABLE = "<table><tr><td>Year</td><td>Sales</td></tr><tr><td>2024</td><td>total 17</td></tr></table>"
UNSEEN = ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u200e", "\ufe0f", "\u034f"]


@pytest.mark.parametrize("mark", UNSEEN, ids=ascii)
@pytest.mark.parametrize("reward", [TEDS(), CellF1(), GriTS()], ids=lambda reward: reward.name)
def test_a_cell_with_unseen_characters_is_the_cell(reward: Any, mark: str) -> None:
    marked = (
        TABLE.replace("Sales", f"Sa{mark}les").replace("2024", f"{mark}2024").replace("total 17", f"total{mark} 17")
    )
    markdown = f"| Year | Sales |\n|---|---|\n| 2024 | total 1{mark}7 |"
    wrong = marked.replace("Sa", "Se")
    values = reward([marked, TABLE, markdown, wrong], [TABLE, marked, TABLE, TABLE]).values
    assert values[:3].tolist() == [1.0, 1.0, 1.0]
    assert values[3] < 1.0


@pytest.mark.parametrize("normalisation", ["pubtabnet", "omnidocbench"])
def test_published_normalisations_compare_them_as_their_authors_do(normalisation: Any) -> None:
    for mark in UNSEEN:
        marked = TABLE.replace("Sales", f"Sa{mark}les")
        assert TEDS(normalisation=normalisation)([marked], [TABLE]).values[0] < 1.0


@pytest.mark.parametrize("mark", UNSEEN, ids=ascii)
def test_an_answer_with_unseen_characters_is_the_answer(mark: str) -> None:
    said = [
        f"Final Answer: Ro{mark}me",
        f"Final Answer:{mark} 1{mark}7",
        f"Final Answer: Ro{mark}ma",
        "Final Answer: 17",
    ]
    assert TableBench()(said, ["Rome", "17", "Rome", f"1{mark}7"]).values.tolist() == [1.0, 1.0, 0.0, 1.0]
    pairs = [{"question": "What are the Sales in 2024?", "answer": f"to{mark}tal 17"}]
    assert QAF1(reader="extractive")([TABLE, TABLE.replace("17", f"1{mark}8")], [pairs] * 2).values.tolist() == [
        1.0,
        pytest.approx(0.5),
    ]
    area = {"answer": "3", "gold_area": {"columns": ["city"], "rows": [0]}}
    cited = f'<gold_area>{{"columns": ["ci{mark}ty"], "rows": [0]}}</gold_area> Final Answer: 3'
    assert TableRegion(weight=0.5)([cited], [area]).values.tolist() == [1.0]


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u00ad", "\u200e", "\ufe0f"], ids=ascii)
def test_a_formula_with_unseen_characters_is_the_formula(mark: str) -> None:
    said = [f"\\boxed{{1{mark}7}}", f"\\boxed{{1{mark}8}}"]
    assert Mathematics(symbolic=False)(said, ["17", "17"]).values.tolist() == [1.0, 0.0]


def test_what_changes_the_drawing_is_kept() -> None:
    for joiner in "\u200c\u200d\u202e\u2066":
        assert visible(f"a{joiner}b") == f"a{joiner}b"
