"""Charts of all eight types, drawn by programs in the sandbox and compared in the trainer."""

from __future__ import annotations

import pytest

from fixture_rows import fixture_rows
from table_rewards import TableBench
from table_rewards.rewards.table_bench.charts import KINDS, chart_matches, read_references

TABLE = {"columns": ["name", "x", "y"], "data": [["a", 1, 10], ["b", 2, 20], ["c", 3, 70]]}
HEAD = "import pandas as pd\nimport numpy as np\nimport matplotlib.pyplot as plt\ndf = pd.read_csv('table.csv')\n"
PROGRAMS = {
    "bar": "plt.bar(df['name'], df['y'])",
    "hbar": "plt.barh(df['name'], df['y'])",
    "line": "plt.plot(df['x'], df['y'])",
    "pie": "plt.pie(df['y'], labels=df['name'])",
    "scatter": "plt.scatter(df['x'], df['y'])",
    "area": "plt.stackplot(df['x'], df['y'])",
    "waterfall": "plt.bar(df['name'], df['y'], bottom=[0, 10, 30])",
    "radar": (
        "angles = np.linspace(0, 2 * np.pi, 3, endpoint=False)\nax = plt.subplot(polar=True)\n"
        "ax.plot(np.append(angles, angles[0]), np.append(df['y'], df['y'].iloc[0]))"
    ),
}


def score(kind: str, program: str, answer: str = "y_references = [[10, 20, 70]]", **options: str) -> float:
    row = {
        "qtype": "Visualization",
        "qsubtype": "ChartGeneration",
        "chart_type": kind,
        "answer": answer,
        "table": TABLE,
    }
    completion = f"```python\n{HEAD}{program}\nplt.show()\n```"
    return float(TableBench(**options)([completion], [row]).values[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
def test_each_type_is_read_from_the_figure(kind: str) -> None:
    assert score(kind, PROGRAMS[kind]) == 1.0
    assert score(kind, PROGRAMS[kind], "y_references = [[11, 20, 69]]") == 0.0


def test_b9_subplots_count_and_guide_lines_do_not() -> None:
    subplots = "f, (a, b) = plt.subplots(1, 2)\na.plot(df['x'], df['y'])\nb.plot([1], [5])"
    guide = "plt.figure()\nplt.plot(df['x'], df['y'])\nplt.axhline(15)"
    for program in (subplots, guide):
        assert score("line", program) == 1.0
        assert score("line", program, profile="released") == 0.0


def test_b9_released_draws_twice_into_one_figure() -> None:
    assert score("bar", PROGRAMS["bar"], profile="released") == 0.0
    assert score("bar", "plt.figure()\n" + PROGRAMS["bar"], profile="released") == 1.0


def test_references_may_hold_nan_and_text() -> None:
    assert read_references("y_references = [['$9,589', '$11,402']]") == ("$9,589", "$11,402")
    drawn = {"current": [["$9,589", "$11,402"]], "axes": [{"series": [{"y": [9589.0, 11402.0]}]}]}
    assert chart_matches(drawn, ("$9,589", "$11,402"), "line")
    assert not chart_matches(drawn, ("$9,589", "$11,402"), "line", released=True)
    nan = float("nan")
    assert chart_matches({"axes": [{"series": [{"y": [1.0, nan]}]}]}, (nan, 1.0), "bar")


def test_a_chart_that_never_appears_is_wrong() -> None:
    assert score("bar", "pass") == 0.0
    assert score("bar", "1 / 0") == 0.0


ROWS = fixture_rows("tablebench/charts.jsonl")


def test_real_questions_of_all_eight_types_are_answered_by_honest_programs() -> None:
    assert {row["chart_type"] for row in ROWS} == set(KINDS)
    scores = TableBench()([row["completion"] for row in ROWS], ROWS)
    assert dict(zip([row["id"] for row in ROWS], scores.values.tolist(), strict=True)) == dict.fromkeys(
        [row["id"] for row in ROWS], 1.0
    )
    assert (scores.parts["executed"] == 1.0).all()


def test_a_real_chart_of_another_question_is_wrong() -> None:
    others = ROWS[1:] + ROWS[:1]
    swapped = [{**row, "answer": other["answer"]} for row, other in zip(ROWS, others, strict=True)]
    assert TableBench()([row["completion"] for row in ROWS], swapped).values.tolist() == [0.0] * len(ROWS)
