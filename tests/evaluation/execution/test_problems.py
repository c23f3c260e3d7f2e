"""Output and input prediction in the row forms of CRUXEval-X and LiveCodeBench."""

from __future__ import annotations

import pytest

from fixture_rows import fixture_rows
from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row
from table_rewards.evaluation.execution.cruxeval import evaluate_cruxeval
from table_rewards.evaluation.execution.problems import NoProgram, read_problem

CHECK = "def check(candidate):\n    assert candidate({}) == {}\n\ndef test_check():\n    check(f)\n\ntest_check()\n"
CODE = "def f(a, b=1):\n    return [a] * b\n\n"
X = {
    "code": CODE,
    "output_reasoning": CHECK.format("2, b=2", "????"),
    "input_reasoning": CHECK.format("????", "[2, 2]"),
}
LIVE = {
    "question_id": "1",
    "function_name": "count",
    "code": "def count(xs: List[int]) -> Dict[int, int]:\n    return dict(Counter(xs))",
    "input": "count(xs = [1, 1, 2])",
    "output": "{1: 2, 2: 1}",
    "numsteps": 3,
}


def test_whole_programs_get_the_published_verdicts():
    """The `candidate(...)` form scored 0.00."""
    rows = fixture_rows("exec_verify/cruxeval_x_programs.jsonl")
    report = evaluate_cruxeval(rows)
    for task in ("output", "input"):
        labels = [row["label"] for row in rows if row["task"] == task]
        assert [right == 1 for right, _ in report.counts[task]] == labels
        assert report.pass_at(1, task) == pytest.approx(sum(labels) / len(labels))
    assert len(report.no_program) == 2
    assert not report.unusable


@pytest.mark.parametrize(
    ("task", "prediction", "right"),
    [
        ("output", "[2, 2]", True),
        ("output", "candidate(2, b=2) == [2, 2]", True),
        ("output", "assert candidate(2, 2) == [2, 2]", True),
        ("output", "<answer>\n```python\nassert f(2, b=2) == [2, 2]\n```\n</answer>", True),
        ("output", "[2, 2] == candidate(2, b=2)", True),
        ("output", "candidate(2, b=2)", False),
        ("output", "candidate(3, b=2) == [2, 2]", False),
        ("output", "[2, 3]", False),
        ("input", "candidate(2, 2)", True),
        ("input", "2, 2", True),
        ("input", "f(a=2, b=2)", True),
        ("input", "assert candidate(2, b=2) == [2, 2]", True),
        ("input", "candidate(2)", False),
        ("input", "candidate(candidate(2, 2))", False),
    ],
)
def test_both_tasks_of_one_row(task, prediction, right):
    assert evaluate_cruxeval([{**X, "prediction": prediction}], task).pass_at(1, task) == right


@pytest.mark.parametrize(
    ("task", "prediction", "right"),
    [
        ("output", "{1: 2, 2: 1}", True),
        ("output", "assert count(xs = [1, 1, 2]) == {2: 1, 1: 2}", True),
        ("output", "count([1, 1, 2]) == {1: 2, 2: 1}", True),
        ("output", "{1: 2}", False),
        ("output", "count(xs = [1, 1, 2])", False),
        ("input", "count([2, 1, 1])", True),
        ("input", "[1, 2, 1]", True),
        ("input", "[1, 2]", False),
    ],
)
def test_live_code_bench_puts_the_whole_call_into_input(task, prediction, right):
    """The call stood inside another call, and names from `typing` and `collections` were not there."""
    assert evaluate_cruxeval([{**LIVE, "prediction": prediction}], task).pass_at(1, task) == right


def test_recorded_runs_are_read_with_the_answer_in_place():
    code = CODE + CHECK.format("2, b=2", "[2, 2]")
    assert evaluate_cruxeval([{"id": 0, "code": code, "answer": "[2, 2]"}], "output").pass_at(1, "output") == 1.0
    assert (
        evaluate_cruxeval([{"id": 0, "code": code, "answer": "candidate(2, b=2)"}], "input").pass_at(1, "input") == 1.0
    )
    wrong = CODE + CHECK.format("2, b=2", "[2")
    assert evaluate_cruxeval([{"id": 0, "code": wrong, "answer": "[2"}], "output").pass_at(1, "output") == 0.0


@pytest.mark.parametrize(
    ("result", "prediction", "right"),
    [
        ("'f(x) == 1'", "'f(x) == 1'", True),
        ("'f(x) == 1'", "1'", False),
        ("'a == b'", "f('a == b') == 'a == b'", True),
        ("'a == b'", "'b'", False),
    ],
)
def test_equal_signs_inside_texts_compare_nothing(result, prediction, right):
    """`'f(x) == 1'` was cut at its last `==`, so the right text was wrong."""
    row = {"code": "def f(a):\n    return a", "input": result, "output": result, "prediction": prediction}
    assert evaluate_cruxeval([row], "output").pass_at(1, "output") == right


def test_a_call_inside_a_text_is_no_call():
    row = {"code": "def f(a):\n    return len(a)", "input": "", "output": "4", "prediction": "'f(1)'"}
    assert evaluate_cruxeval([row], "input").pass_at(1, "input") == 1.0


def test_what_cannot_be_read_is_named():
    with pytest.raises(NoProgram):
        read_problem(Row({"code": None, **{k: v for k, v in X.items() if k != "code"}}), "output")
    with pytest.raises(BadReference, match="no input_reasoning"):
        read_problem(Row({"code": CODE, "output_reasoning": X["output_reasoning"]}), "input")
    with pytest.raises(BadReference, match="no Python"):
        read_problem(Row({"code": "function f(a) {}", "output_reasoning": "let candidate = f;"}), "output")
