"""REval's right answers, traced here: what is left out rather than judged by half of what is right."""

from __future__ import annotations

from table_rewards.evaluation.execution.reval import evaluate_reval
from table_rewards.evaluation.execution.reval_gold import DREval, Key

CODE = "def f(n):\n    xs = []\n    for i in range(2):\n        xs = [i] * n\n    return n\n"


def benchmark(n):
    data = [
        {"task_id": "T/0", "entry_point": "f", "code": CODE, "inputs": [f"({n},)"], "outputs": [f"({n},)"], "test": ""}
    ]
    asked = [{"lineno": 2, "var": "xs"}, {"lineno": 4, "var": "xs"}]
    tasks = [{"task_id": "T/0", "tasks": [{"input_idx": 0, "task": asked, "output_pred": f"assert f({n}) == ??"}]}]
    return DREval.load(data, tasks)


def test_a_value_over_the_limit_leaves_its_question_out():
    """Half of the values of a line would make the other half wrong."""
    said = [
        {"task": "state", "task_id": "T/0", "input_idx": 0, "lineno": line, "var": "xs", "response": text}
        for line, text in ((2, "[]; list"), (4, "[1] * 400; list"))
    ]
    assert benchmark(2).lines[Key("T/0", 0, 4, "xs")].states is not None
    long = benchmark(400)
    assert long.lines[Key("T/0", 0, 4, "xs")].states is None
    report = evaluate_reval(long, said)
    assert (report.no_gold, report.accuracy("state"), report.missing["state"]) == (1, 1.0, 0)
