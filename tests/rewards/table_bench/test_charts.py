"""Charts of all eight types, drawn by programs in the sandbox and compared in the trainer."""

from __future__ import annotations

import pytest

from fixture_rows import fixture_rows
from table_rewards import TableBench
from table_rewards.rewards.table_bench.charts import KINDS, chart_matches, read_references
from table_rewards.rewards.table_bench.released import ReleasedMethod

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
    subplots = "f, (a, b) = plt.subplots(1, 2)\na.plot(df['x'][:2], df['y'][:2])\nb.plot(df['x'][2:], df['y'][2:])"
    guide = "plt.figure()\nplt.plot(df['x'], df['y'])\nplt.axhline(15)"
    for program in (subplots, guide):
        assert score("line", program) == 1.0
        assert score("line", program, profile="released") == 0.0


EVERYTHING = {
    "subplots": "f, (a, b) = plt.subplots(1, 2)\na.plot(df['x'], df['x'])\nb.plot(df['x'], df['y'])",
    "one axes": "plt.plot(df['x'], df['x'])\nplt.plot(df['x'], df['y'])",
    "figures": "for c in ('x', 'y'):\n    plt.figure()\n    plt.plot(df['x'], df[c])",
    "shown one by one": "for c in ('x', 'y'):\n    plt.figure()\n    plt.plot(df['x'], df[c])\n    plt.show()",
    "shown and closed": "for c in ('x', 'y'):\n    plt.plot(df['x'], df[c])\n    plt.show()\n    plt.close()",
    "saved and cleared": "for c in 'xy':\n    plt.plot(df['x'], df[c])\n    plt.savefig(c + '.png')\n    plt.clf()",
    "cleared axes": "for c in ('x', 'y'):\n    plt.plot(df['x'], df[c])\n    plt.show()\n    plt.cla()",
    "twin axes": "ax = plt.gca()\nax.plot(df['x'], df['x'])\nax.twinx().plot(df['x'], df['y'])",
}


@pytest.mark.parametrize("how", EVERYTHING)
def test_drawing_every_column_answers_nothing(how: str) -> None:
    """A program that draws all there is did not find out what was asked, however it shows it."""
    assert score("line", EVERYTHING[how]) == 0.0
    assert score("line", EVERYTHING[how], "y_references = [[1, 2, 3]]") == 0.0
    one_figure = how in ("subplots", "one axes", "twin axes")
    both = "y_references = [[1, 2, 3], [10, 20, 70]]"
    assert score("line", EVERYTHING[how], both) == float(one_figure), "both were asked for, in one chart"


DRAWN = "plt.bar(df['name'], df['y'])\n"


@pytest.mark.parametrize(
    "program",
    [
        DRAWN + "plt.savefig('chart.png')\nplt.close()",
        DRAWN + "plt.show()\nplt.close('all')",
        DRAWN + "plt.savefig('chart.png')\nplt.clf()",
        DRAWN + "plt.savefig('chart.png')\nplt.title('now shown')",
        "fig, ax = plt.subplots()\nax.bar(df['name'], df['y'])\nfig.show()\nplt.close(fig)",
        "plt.figure(figsize=(8, 5))\ndf.plot(x='name', y='y', kind='bar', legend=False)",
        "plt.bar(df['name'], df['x'])\nplt.close()\n" + DRAWN,
        DRAWN + "plt.show()\nplt.figure()\n" + DRAWN,
        "import matplotlib\nmatplotlib.use('TkAgg')\n" + DRAWN,
        "plt.switch_backend('Qt5Agg')\nplt.style.use('seaborn-whitegrid')\n" + DRAWN,
        "plt.bar(df['name'], df['y'], color=plt.cm.get_cmap('tab10')(range(3)))",
        "plt.bar(df['name'], df['y'], yerr=1, capsize=4)",
    ],
)
def test_common_ways_to_show_a_chart(program: str) -> None:
    assert score("bar", program) == 1.0
    assert score("bar", program.replace("df['y']", "df['x']").replace("y='y'", "y='x'")) == 0.0


def test_caps_of_error_bars_are_no_lines() -> None:
    errors = "plt.errorbar(df['x'], df['y'], yerr=2, capsize=3"
    assert score("line", errors + ")") == 1.0
    assert score("scatter", errors + ", fmt='o')") == 1.0


def test_b9_released_draws_twice_into_one_figure() -> None:
    assert score("bar", PROGRAMS["bar"], profile="released") == 0.0
    assert score("bar", "plt.figure()\n" + PROGRAMS["bar"], profile="released") == 1.0


def test_references_may_hold_nan_and_text() -> None:
    assert read_references("y_references = [['$9,589', '$11,402']]") == ("$9,589", "$11,402")
    drawn = {"current": [["$9,589", "$11,402"]], "axes": [{"series": [{"y": [9589.0, 11402.0]}]}]}
    assert chart_matches(drawn, ("$9,589", "$11,402"), "line")
    assert not ReleasedMethod().draws(drawn, ("$9,589", "$11,402"), "line")
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


@pytest.mark.parametrize(
    "tail",
    [
        "",
        pytest.param("    plt.show()\n    plt.close()\n", marks=pytest.mark.slow),
        pytest.param("    plt.savefig('a.png')\n    plt.clf()\n", marks=pytest.mark.slow),
    ],
)
def test_one_program_for_all_questions_answers_none(tail: str) -> None:
    """It draws every numeric column in a figure of its own, and never looks at the question."""
    draw = {"pie": "plt.pie(y.abs())", "hbar": "plt.barh(range(len(y)), y)", "line": "plt.plot(y)"}
    program = (
        "num = df.apply(lambda c: pd.to_numeric(c.astype(str).str.replace(r'[^0-9.-]', '', regex=True), 'coerce'))\n"
        "for c in num.columns[num.notna().all()]:\n    y = num[c]\n    plt.figure()\n    {}\n" + tail
    )
    completions = [
        f"```python\n{HEAD}{program.format(draw.get(row['chart_type'], 'plt.bar(range(len(y)), y)'))}```"
        for row in ROWS
    ]
    assert TableBench()(completions, ROWS).values.tolist() == [0.0] * len(ROWS)
