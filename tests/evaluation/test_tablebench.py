"""The official TableBench numbers, from the shipped predictions; faults and gaps left out loudly."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from fixture_rows import fixture_rows
from table_rewards.commands.main import main
from table_rewards.evaluation.tablebench import Parsed, evaluate, headline, parse_predictions
from table_rewards.rewards.table_bench.programs import ProgramRunner
from table_rewards.sandbox import Outcome

ITEMS = [{**row, "answer": row["reference"]} for row in fixture_rows("tablebench/tablebench_o3mini_dp_items.jsonl")]
PUBLISHED = fixture_rows("tablebench/tablebench_o3mini_dp_aggregates.jsonl")
METHOD = "o3-mini-2025-01-31/DP"


@pytest.fixture(scope="module")
def released() -> list[Parsed]:
    return list(parse_predictions(ITEMS, "released"))


def test_every_parsed_result_is_the_official_one(released: list[Parsed]) -> None:
    for one, row in zip(released, ITEMS, strict=True):
        assert one.result == row["expected_parsed_result"], row["id"]


def test_the_published_tables_are_reproduced(released: list[Parsed]) -> None:
    """B3: where ROUGE-L is one draw of a bootstrap, its deterministic mean. B4: `EM_with_error_2` allows 2 %."""
    found = evaluate(released, "released")
    for row in PUBLISHED:
        level, _, name = row["id"].partition("/")
        numbers = (found.subtypes if level == "subtype" else found.types)[METHOD][name]
        expected = {**row["expected_all"], **(row.get("deterministic_mean_rouge_values") or {})}
        for metric, value in expected.items():
            assert numbers[metric] == pytest.approx(value, abs=0.011), f"{name} {metric}"
        shown = expected.get("Mix_Metric", row["expected_metric"])
        assert headline(name, numbers) == pytest.approx(shown, abs=0.011), name


def test_b2_the_corrected_overall_counts_charts_in_per_cent() -> None:
    rows = [
        {"qtype": "FactChecking", "qsubtype": "MatchBased", "answer": "7", "model_name": "m", "instruction_type": "DP"},
        {"qtype": "Visualization", "qsubtype": "ChartGeneration", "model_name": "m", "instruction_type": "DP"},
    ]
    parsed = [Parsed(rows[0], "8"), Parsed(rows[1], True, executed=True)]
    assert evaluate(parsed, "released").types["m/DP"]["Overall"]["Mix_Metric"] == 0.5
    assert evaluate(parsed, "corrected").types["m/DP"]["Overall"]["Mix_Metric"] == 50.0


def test_b7_missing_types_are_left_out_and_no_error() -> None:
    row = {"qtype": "FactChecking", "qsubtype": "MatchBased", "answer": "7", "prediction": "Final Answer: 7"}
    found = evaluate(list(parse_predictions([row], "corrected")), "corrected")
    assert list(found.types["model/"]) == ["FactChecking", "Overall"]


class Down(ProgramRunner):
    def run(self, jobs: Any) -> list[Outcome]:
        return [Outcome("sandbox_error", note="no workers") for _ in jobs]


def test_a_sandbox_that_is_down_leaves_its_rows_out_and_counts_them() -> None:
    parsed = list(parse_predictions(ITEMS, "released", Down()))
    found = evaluate(parsed, "released")
    assert found.unscored == 3
    assert "Visualization" not in found.types[METHOD]
    assert {one.unscored for one in parsed} == {"", "sandbox: no workers"}


def test_program_of_thought_has_its_execution_rate() -> None:
    table = {"columns": ["a"], "data": [[3], [4]]}
    good = "```python\nimport pandas as pd\nprint('Final Answer:', pd.read_csv('table.csv')['a'].sum())\n```"
    base = {"qtype": "FactChecking", "qsubtype": "MatchBased", "answer": "7", "instruction_type": "PoT"}
    rows = [
        {**base, "table": table, "response": good},
        {**base, "table.columns": ["a"], "table.data": [[3], [4]], "response": good},  # Table-R1 flattens
        {**base, "table": table, "response": "```python\n1/0\n```"},
        {**base, "table": table, "response": "no program"},
    ]
    numbers = evaluate(list(parse_predictions(rows, "released")), "released").types["model/PoT"]["FactChecking"]
    assert (numbers["EM"], numbers["ECR@1"], numbers["Parse@1"]) == (50.0, 50.0, 50.0)


def test_the_command_writes_the_official_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ITEMS))
    assert main(["evaluate", "tablebench", str(file), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "Overall" in printed
    assert "58.31" in printed
    with (tmp_path / "out" / "llm_eval_type_results.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert rows[0]["model_name"] == "o3-mini-2025-01-31"
    assert float(rows[0]["NumericalReasoning"]) == 87.5
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"llm_eval_subtype_results.json", "overall_sim_inference_results.json", "parsed_results.jsonl"} <= names


def test_a_missing_column_is_one_line_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text('{"qtypes": "x", "qsubtype": "y", "answer": "7", "prediction": "Final Answer: 7"}\n')
    assert main(["evaluate", "tablebench", str(file)]) == 3
    assert "qtypes" in capsys.readouterr().err
