"""A row that holds none of a reward's reference keys is not for it: no failure, no value, nothing in a sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from table_rewards import TEDS, Clip, Gate, TableBench, TableRegion, WeightedSum
from table_rewards.core.registry import find

TABLE = "<table><tr><td>1</td></tr></table>"


@pytest.mark.parametrize(
    ("reward", "row"),
    [
        ("table_bench", {"qa_pairs": "[]", "messages": []}),
        ("table_bench", {"answer": None, "qtype": "FactChecking"}),
        ("teds", {"question": "q", "prompt": "p"}),
        ("qa_f1", {"solution": TABLE}),
        ("qa_f1", {"ground_truth": {"table": TABLE}}),
        ("ranking", {"answer": "7"}),
        ("ranking", {"ground_truth": {"answer": "seven"}}),
        ("white_box", {"answer": "7"}),
        ("unit_tests", {"answer": "7"}),
        ("mathematics", {"data_source": "math_dapo", "answer_kind": "math"}),
        ("table_region", {"qtype": "FactChecking"}),
        ("table_bench", {}),
        ("group_judge", {"ground_truth": np.array(["a", None], dtype=object)}),
    ],
)
def test_a_row_of_another_task_is_inapplicable(reward: str, row: dict[str, Any]) -> None:
    kind = find(reward)
    made = kind(endpoints="http://127.0.0.1:9", model="m") if "endpoints" in kind.option_names() else kind()
    scores = made(["Final Answer: 7"], [row])
    assert scores.status.tolist() == ["inapplicable"]
    assert scores.values[0] != scores.values[0]
    assert scores.notes[0].startswith("not for this reward: no ")


@pytest.mark.parametrize(
    ("reward", "row"),
    [
        (TableRegion(), {"answer": "7"}),  # one key of two
        (TableRegion(), {"answer": "7", "gold_area": "not json"}),
        (TEDS(), {"solution": 7}),
        (find("unit_tests")(), {"input_output": {"outputs": ["1"]}}),  # within a reference that is there
        (find("white_box")(), {"func_str": "def f(x):\n    return x"}),
        (TableBench(), None),
    ],
)
def test_a_reference_that_is_there_and_unusable_is_unscored(reward: Any, row: Any) -> None:
    assert reward(["x"], [row]).status.tolist() == ["unscored"]


def test_it_contributes_nothing_to_a_weighted_sum() -> None:
    both = WeightedSum({"bench": TableBench(), "teds": TEDS()}, weights={"bench": 1.0, "teds": 0.5})
    rows = [{"answer": "7"}, {"table": TABLE}, {"answer": "7", "table": TABLE}, {"other": 1}]
    scores = both(["Final Answer: 7", TABLE, f"{TABLE}\nFinal Answer: 7", "x"], rows)
    assert scores.values[:3].tolist() == [1.0, 0.5, 1.5]
    assert scores.status.tolist() == ["scored", "scored", "scored", "inapplicable"]


def test_a_member_of_weight_0_cannot_make_a_sample_unscored() -> None:
    both = WeightedSum({"bench": TableBench(), "teds": TEDS()}, weights={"bench": 1.0, "teds": 0.0})
    scores = both(["Final Answer: 7"], [{"answer": "7", "table": 7}])
    assert scores.values.tolist() == [1.0]
    heavier = WeightedSum({"bench": TableBench(), "teds": TEDS()}, weights={"teds": 0.1})
    assert heavier(["Final Answer: 7"], [{"answer": "7", "table": 7}]).status.tolist() == ["unscored"]


def test_a_gate_and_a_clip_need_their_members() -> None:
    gate = Gate(TEDS(), on=TableBench())
    assert gate([TABLE], [{"table": TABLE}]).status.tolist() == ["inapplicable"]
    assert Clip(TEDS())([TABLE], [{"answer": "7"}]).status.tolist() == ["inapplicable"]


@pytest.mark.asyncio
async def test_the_asynchronous_form_says_the_same() -> None:
    both = WeightedSum({"bench": TableBench(), "teds": TEDS()}, weights={})
    rows = [{"answer": "7"}, {"table": TABLE}, {"other": 1}]
    texts = ["Final Answer: 7", TABLE, "x"]
    assert (await both.score(texts, rows)).equals(both(texts, rows))
