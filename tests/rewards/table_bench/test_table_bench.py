"""TableBench: the published numbers as released, what they mean as corrected, programs and charts in the sandbox."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fixture_rows import fixture_rows
from table_rewards import ConfigurationError, Scores, TableBench, TableBenchReference
from table_rewards.core.errors import BadReference, UnknownName

ITEMS = fixture_rows("tablebench/tablebench_o3mini_dp_items.jsonl")
ANSWERS = [row for row in ITEMS if row["qtype"] != "Visualization"]


def reference(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "answer": row["reference"], "prompt": None}


def scored(rows: list[dict[str, Any]], **options: Any) -> Scores:
    return TableBench(**options)([row["prediction"] for row in rows], [reference(row) for row in rows])


def test_released_equals_the_official_functions_on_every_row() -> None:
    scores = scored(ANSWERS, profile="released")
    official = [row["expected_metrics_official"] for row in ANSWERS]
    for part, name in (("em", "EM"), ("em_tolerance", "EM_with_error_10"), ("rouge_l", "ROUGE-L")):
        np.testing.assert_allclose(scores.parts[part], [m[name] for m in official], atol=1e-12, err_msg=part)
    np.testing.assert_allclose(scores.values, [row["expected_metric"] for row in ANSWERS], atol=1e-12)


def test_released_gives_the_published_subtype_scores_charts_included() -> None:
    scores = scored(ITEMS, profile="released")
    published = [r for r in fixture_rows("tablebench/tablebench_o3mini_dp_aggregates.jsonl") if r["level"] == "subtype"]
    assert len(published) == 18
    for row in published:
        mine = [s.value for s, item in zip(scores, ITEMS, strict=True) if item["qsubtype"] == row["qsubtype"]]
        assert round(100 * float(np.mean(mine)), 2) == pytest.approx(row["expected_metric"], abs=0.005), row["id"]


@pytest.mark.parametrize(
    ("gold", "answer", "released", "corrected"),
    [
        ("10.6", "1.06", 1.0, 0.0),
        ("-5", "5", 1.0, 0.0),
        ("10%", "10", 1.0, 1.0),  # a missing sign is no error, a missing point is
        ("10.5%", "105", 1.0, 0.0),
        ("10.6", "10.60", 0.0, 1.0),
        ("7", "7.0", 0.0, 1.0),
        ("Paris, Rome", "Paris", 0.0, 0.5),
    ],
)
def test_b1_punctuation_before_numbers(gold: str, answer: str, released: float, corrected: float) -> None:
    text = f"Final Answer: {answer}"
    assert TableBench(profile="released")([text], [gold]).values.tolist() == [released]
    assert TableBench()([text], [gold]).values.tolist() == [corrected]


def test_b5_the_first_answer_line_won() -> None:
    text = "Final Answer: AnswerName1, AnswerName2\nFinal Answer: 7"
    assert TableBench(profile="released")([text], ["7"]).values.tolist() == [0.0]
    assert TableBench()([text], ["7"]).values.tolist() == [1.0]


@pytest.mark.parametrize(
    ("subtype", "part"),
    [
        ("Aggregation", "em"),
        ("ImpactAnalysis", "em"),
        ("", "em"),
        ("Never heard of", "em"),
        ("CorrelationAnalysis", "em_tolerance"),
        ("CausalAnalysis", "rouge_l"),
    ],
)
def test_the_subtype_chooses_the_metric(subtype: str, part: str) -> None:
    row = {"answer": "100 words", "qsubtype": subtype}
    scores = TableBench()(["Final Answer: 100 big words", "Final Answer: 109"], [row, {**row, "answer": "100"}])
    assert scores.values.tolist() == scores.parts[part].tolist() == scores.parts["answer"].tolist()


def test_a_metric_can_be_forced_and_a_typo_is_told() -> None:
    row = {"answer": "100", "qsubtype": "Aggregation"}
    assert TableBench(metric="em_tolerance")(["Final Answer: 109"], [row]).values.tolist() == [1.0]
    with pytest.raises(UnknownName, match=r"did you mean 'rouge_l'"):
        TableBench(metric="rougel")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="cpu_seconds"):
        TableBench(cpu_seconds=0)


def test_no_answer_is_the_floor_and_says_so() -> None:
    score = TableBench()(["I do not know."], ["7"])[0]
    assert (score.value, score.status, score.note) == (0.0, "unparsed", "no 'Final Answer:' line")


def test_b12_an_empty_answer_equals_a_gold_answer_of_punctuation_only_as_released() -> None:
    assert TableBench()(["nothing"], ["---"]).values.tolist() == [0.0]
    released = TableBench(profile="released")(["nothing"], ["---"])
    assert (released.values.tolist(), released.status.tolist()) == ([1.0], ["scored"])


def test_verl_rows_and_swift_columns_give_the_same_reference() -> None:
    reward = TableBench()
    wanted = TableBenchReference("7", "DataAnalysis", "CausalAnalysis")
    kinds = {"qtype": "DataAnalysis", "qsubtype": "CausalAnalysis"}
    assert reward.reference({"data_source": "t", "ground_truth": "7", "extra_info": kinds}) == wanted
    assert reward.reference({"messages": [], "solution": "7", **kinds}) == wanted
    assert reward.reference({"reward_model": {"ground_truth": {"answer": np.str_("7"), **kinds}}}) == wanted


@pytest.mark.parametrize("answer", [float("nan"), {}, object(), []])
def test_a_gold_answer_that_is_none_is_unscored(answer: Any) -> None:
    score = TableBench()(["Final Answer: 7"], [{"answer": answer}])[0]
    assert score.status == "unscored"
    assert score.note.startswith("reference unusable")


TABLE = {"columns": ["a", "a"], "data": [[1, 10], [2, 20]]}
SUM = "```python\nimport pandas as pd\ndf = pd.read_csv('table.csv')\nprint('Final Answer:', df.iloc[:, 1].sum())\n```"


@pytest.mark.parametrize(
    ("completion", "value", "executed", "note"),
    [
        (SUM, 1.0, 1.0, ""),  # B8: the second of two columns of one name is still there
        ("```python\nprint('Final Answer: 31')\n```", 0.0, 1.0, ""),
        ("```python\nprint('Final Answer: 30'); 1/0\n```", 0.0, 0.0, "ZeroDivisionError: division by zero"),
        ("```python\nprint(30)\n```", 0.0, 1.0, "no 'Final Answer:' line"),
        ("Final Answer: 30", 0.0, 0.0, "no Python code block"),
        ("```python\nimport os; os._exit(0)\n```", 0.0, 1.0, "no 'Final Answer:' line"),
    ],
)
def test_programs_answer_with_their_own_table(completion: str, value: float, executed: float, note: str) -> None:
    row = {"answer": "30", "instruction_type": "PoT", "table": TABLE}
    score = TableBench()([completion], [row])[0]
    assert (score.value, score.parts["executed"], score.note) == (value, executed, note)


def test_b10_released_falls_back_to_all_that_was_printed() -> None:
    row = {"answer": "30", "instruction_type": "PoT", "table": TABLE}
    assert TableBench(profile="released")(["```python\nprint(30)\n```"], [row]).values.tolist() == [1.0]


def test_a_program_without_its_table_is_unscored_not_wrong() -> None:
    score = TableBench()([SUM], [{"answer": "30", "instruction_type": "PoT"}])[0]
    assert (score.status, score.note) == ("unscored", "the row has no table for the program to read")


def test_a_sandbox_that_is_down_is_unscored_not_wrong() -> None:
    class Down(TableBench):
        def __init__(self) -> None:
            super().__init__()
            from table_rewards.rewards.table_bench.programs import ProgramRunner
            from table_rewards.sandbox import Outcome

            class Lost(ProgramRunner):
                def run(self, jobs: Any) -> Any:
                    return [Outcome("sandbox_error", note="worker lost twice") for _ in jobs]

            self.programs = Lost()

    row = {"answer": "30", "instruction_type": "PoT", "table": TABLE}
    scores = Down()([SUM, "Final Answer: 7"], [row, "7"])
    assert scores.status.tolist() == ["unscored", "scored"]
    assert scores.notes[0] == "sandbox: worker lost twice"


def test_a_sandbox_without_pandas_is_unscored_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    from table_rewards.rewards.table_bench import programs
    from table_rewards.sandbox import Outcome

    class Bare:
        def run_batch(self, jobs: Any) -> list[Outcome]:
            note = "ModuleNotFoundError: No module named 'pandas'"
            return [Outcome("error", returncode=1, note=note, stderr=note) for _ in jobs]

        def lacks(self, *modules: str) -> list[str]:
            return [module for module in modules if module == "pandas"]

    monkeypatch.setattr(programs, "get_sandbox", lambda backend: Bare())
    score = TableBench()([SUM], [{"answer": "30", "instruction_type": "PoT", "table": TABLE}])[0]
    assert score.status == "unscored"
    assert "lacks pandas; install table-rewards[programs]" in score.note


@pytest.mark.parametrize("row", [{"chart_type": "bar", "answer": "y = 3"}, {"chart_type": "spider", "answer": "[1]"}])
def test_a_chart_reference_that_cannot_be_read_is_unusable(row: dict[str, Any]) -> None:
    with pytest.raises(BadReference):
        TableBench().reference({"qtype": "Visualization", "table": TABLE, **row})
