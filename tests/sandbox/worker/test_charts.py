"""The y-values of every chart type, as the released evaluation takes them and as a reader would."""

from __future__ import annotations

import pytest

from table_rewards.sandbox import CHART_KINDS, Job, Sandbox

HEAD = "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n"
POLAR = "a = np.linspace(0, 2 * np.pi, 3, endpoint=False).tolist()\nax = plt.subplot(polar=True)\n"
CHARTS = [
    ("line", "plt.plot([1, 2], [3, 4], label='u')\nplt.axhline(9)\nplt.show()", [[3.0, 4.0], [9.0, 9.0]], [[3.0, 4.0]]),
    ("bar", "plt.bar(['a', 'b'], [1, -2])\nplt.axhspan(0, 1)", None, [[1.0, -2.0]]),
    ("bar", "pd.DataFrame({'a': [1, 2], 'b': [3, 4]}).plot.bar()", [[1.0, 2.0, 3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]),
    ("hbar", "plt.barh(['a', 'b'], [3, 4])", [[3.0, 4.0]], [[3.0, 4.0]]),
    ("pie", "plt.pie([1, 2, 3])", [[0.17, 0.33, 0.5]], [[1 / 6, 1 / 3, 1 / 2]]),
    ("area", "plt.fill_between([1, 2, 3], [1, 2, 3])", [[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]),
    ("area", "plt.stackplot([1, 2], [1, 2], [4, 5])", None, [[1.0, 2.0], [4.0, 5.0]]),
    ("radar", POLAR + "ax.plot(a + a[:1], [1, 2, 3, 1])", [[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]),
    ("radar", POLAR + "ax.plot(a, [1, 2, 3])", [[1.0, 2.0]], [[1.0, 2.0, 3.0]]),
    ("scatter", "plt.scatter([1, 2], [3, 4])\nplt.plot([1], [7], 'o')", [[3.0, 4.0]], [[3.0, 4.0], [7.0]]),
    ("waterfall", "plt.bar([1, 2], [3, -4], bottom=[0, 3])", [[3.0, -4.0]], [[3.0, -4.0]]),
]


@pytest.mark.parametrize(("kind", "code", "current", "series"), CHARTS)
def test_y_values(sandbox: Sandbox, kind: str, code: str, current: object, series: list[list[float]]) -> None:
    value = sandbox.run(Job.chart(HEAD + code, kind=kind)).values[0].python()
    if current is not None:
        assert value["current"] == current
    found = [one["y"] for axes in value["axes"] for one in axes["series"]]
    assert len(found) == len(series)
    for mine, expected in zip(found, series, strict=True):
        assert mine == pytest.approx(expected)


def test_every_kind_is_covered() -> None:
    assert {kind for kind, *_ in CHARTS} == set(CHART_KINDS)


def test_subplots_are_seen_where_the_current_axes_hold_only_the_last(sandbox: Sandbox) -> None:
    code = "f, (a, b) = plt.subplots(1, 2)\na.plot([1, 2], label='left')\nb.plot([3, 4])"
    value = sandbox.run(Job.chart(HEAD + code, kind="line")).values[0].python()
    assert value["current"] == [[3.0, 4.0]]
    assert [axes["series"][0]["y"] for axes in value["axes"]] == [[1.0, 2.0], [3.0, 4.0]]
    assert value["axes"][0]["series"][0]["label"] == "left"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "plt.close('all')",
        "1 / 0",
        "plt.gca = None\nplt.bar([1], [2])",
        "plt.plot(['x'], ['y'])",
        "import os; os._exit(0)",
    ],
)
def test_no_figure_is_no_exception(sandbox: Sandbox, code: str) -> None:
    outcome = sandbox.run(Job.chart(HEAD + code, {"table.csv": "a"}, "bar"))
    assert not outcome.is_ours
    value = outcome.values[0]
    assert not value.ok or not [s for axes in value.python()["axes"] for s in axes["series"] if s["y"] != [2.0]]


def test_letters_that_the_warm_interpreter_never_drew_can_be_drawn(sandbox: Sandbox) -> None:
    """Regression: cached fonts kept files of the nursery, which a child does not have: 'failed to load glyph'."""
    code = (
        "import matplotlib.pyplot as plt\nplt.bar(['Cancún', 'Łódź'], [1, 2])\nplt.title('Größe μ')\nplt.tight_layout()"
    )
    outcome = sandbox.run(Job.chart(code + "\nplt.savefig('x.png')", kind="bar"))
    assert (outcome.status, outcome.note) == ("ok", "")
