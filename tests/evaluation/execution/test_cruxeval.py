"""CRUXEval and REval: published verdicts, gold answers, and the consistency score."""

from __future__ import annotations

import json

import pytest

from fixture_rows import FIXTURES, fixture_rows
from table_rewards.commands.main import main
from table_rewards.evaluation.execution.cruxeval import evaluate_cruxeval
from table_rewards.evaluation.execution.reval import evaluate_reval
from table_rewards.evaluation.execution.reval_answers import right_output, said_yes
from table_rewards.evaluation.execution.reval_gold import DREval
from table_rewards.testing.chat_server import ChatServer

DATA, TASKS = "exec_verify/dreval_data.jsonl", "exec_verify/dreval_tasks.jsonl"


def test_phi1_gets_the_published_verdicts():
    rows = fixture_rows("exec_verify/cruxeval_x_phi1.jsonl")
    report = evaluate_cruxeval(rows)
    for task in ("output", "input"):
        labels = [bool(row["label"]) for row in rows if row["task"] == task]
        assert [right == 1 for right, _ in report.counts[task]] == labels
        assert report.pass_at(1, task) == pytest.approx(sum(labels) / len(labels))
        assert report.pass_at(5, task) is None


@pytest.mark.parametrize(
    "prediction",
    [
        "'ab'",
        "assert f('a') == 'ab'",
        "f('a') == 'ab'",
        "[ANSWER] assert f('a') == 'ab' [/ANSWER]",
        "[THOUGHT]..[/THOUGHT]\n[ANSWER]\n'ab'\n[/ANSWER]",
        "so\n<answer>\nassert f('a') == 'ab'\n</answer>",
        "```python\nassert f('a') == 'ab'\n```",
        "'a' + 'b'",
    ],
)
def test_a_right_output_counts_in_every_form(prediction):
    row = {"code": "def f(s):\n    return s + 'b'", "input": "'a'", "output": "'ab'", "prediction": prediction}
    assert evaluate_cruxeval([row], "output").pass_at(1, "output") == 1.0


@pytest.mark.parametrize(
    ("task", "prediction", "right"),
    [
        ("output", "assert f(3) == f(3)", 0.0),
        ("output", "assert f(3) == 4", 1.0),
        ("input", "assert f(3) == 4\nassert f(3) == 4", 1.0),
        ("input", "assert f(2) == 4\nassert f(2) == 4", 0.0),
    ],
)
def test_a_claim_is_a_value_and_may_be_said_twice(task, prediction, right):
    """E17."""
    row = {"code": "def f(a):\n    return a + 1", "input": "3", "output": "4", "prediction": prediction}
    assert evaluate_cruxeval([row], task).pass_at(1, task) == right


def test_pass_at_five_is_the_unbiased_estimate():
    row = {"code": "def f(a):\n    return a", "input": "1", "output": "1", "predictions": ["1"] + ["2"] * 9}
    report = evaluate_cruxeval([row], "output")
    assert report.pass_at(1, "output") == pytest.approx(0.1)
    assert report.pass_at(5, "output") == pytest.approx(0.5)


@pytest.fixture(scope="module")
def dreval():
    return DREval.load(fixture_rows(DATA), fixture_rows(TASKS))


@pytest.fixture(scope="module")
def gold(dreval):
    rows = []
    for key, right in dreval.lines.items():
        place = {"task_id": key.task_id, "input_idx": key.input_idx, "lineno": key.lineno, "var": key.var}
        state = f"{right.states[-1].value}; {right.states[-1].type}" if right.states else "Nil"
        for task, said in (
            ("coverage", "YES" if right.covered else "NO"),
            ("path", right.following[0]),
            ("state", state),
        ):
            rows.append({**place, "task": task, "response": f"[ANSWER]{said}[/ANSWER]"})
    for key, (template, right) in dreval.outputs.items():
        said = right if "assert" in right else template.replace("??", right)
        said = (
            said.replace("(result)", "(True)")
            .replace("(missing_args)", "(None)")
            .replace(
                "arguments, arguments)", "arguments, {'arg1': 21, 'option1': True, 'arg2': 'value', 'option2': True})"
            )
        )
        rows.append({"task_id": key.task_id, "input_idx": key.input_idx, "task": "output", "response": said})
    return rows


def test_gold_answers_are_right_everywhere(dreval, gold):
    report = evaluate_reval(dreval, gold)
    assert dreval.problems == []
    assert [report.accuracy(task) for task in ("coverage", "state", "path", "output")] == [1.0] * 4
    assert (report.f1, report.consistency) == (1.0, 100.0)


@pytest.mark.parametrize(
    ("wrong", "score"),
    [
        ({"output"}, 50.0),
        ({"output", "path"}, 25.0),
        ({"output", "path", "state"}, 12.5),
        ({"output", "path", "state", "coverage"}, 0.0),
        ({"coverage"}, 0.0),
        ({"state"}, 0.0),
    ],
)
def test_consistency_counts_how_far_a_model_gets(dreval, gold, wrong, score):
    def spoilt(row):
        no = "NO" if "YES" in row["response"] else "YES"
        return {**row, "response": no if row["task"] == "coverage" else "nonsense"} if row["task"] in wrong else row

    assert evaluate_reval(dreval, map(spoilt, gold)).consistency == score


def test_revals_questions_from_the_two_files_to_the_numbers(tmp_path, gold, capsys):
    """Prompts, predictions as `generate` writes them, numbers."""
    prompts, predictions = tmp_path / "prompts.jsonl", tmp_path / "predictions.jsonl"
    data, tasks = FIXTURES / DATA, FIXTURES / TASKS
    words = ["--benchmark", "reval", "--tasks", str(tasks), "--out", str(prompts)]
    assert main(["prepare", "exec-verify-problems", str(data), *words]) == 0
    asked = [json.loads(line) for line in prompts.read_text("utf-8").splitlines()]
    assert len(asked) == len(gold)
    by_place = {(r["task"], r["task_id"], r["input_idx"], r.get("lineno", -1), r.get("var", "")): r for r in gold}
    answers = {}
    for row in asked:
        said = by_place[row["task"], row["task_id"], row["input_idx"], row["lineno"], row["var"]]["response"]
        text = said.removeprefix("[ANSWER]").removesuffix("[/ANSWER]")
        answers[row["prompt"][-1]["content"]] = f"<reasoning>so</reasoning>\n<answer>\n{text}\n</answer>"
    with ChatServer(reply=lambda request: answers[request["messages"][-1]["content"]]) as server:
        assert main(["generate", str(prompts), "--endpoint", server.url, "--out", str(predictions), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "reval", str(predictions), "--data", str(data), "--tasks", str(tasks)]) == 0
    assert [line.split()[-2:] for line in capsys.readouterr().out.splitlines()[1:3]] == [["100.00", "0"]] * 2
    assert main(["prepare", "exec-verify-problems", str(data), "--benchmark", "reval", "--out", str(prompts)]) != 0
    assert "--tasks" in capsys.readouterr().err


def test_unanswered_questions_are_wrong_and_counted(dreval, gold):
    coverage = [row for row in gold if row["task"] == "coverage"]
    report = evaluate_reval(dreval, coverage[::2])
    assert report.accuracy("coverage") == pytest.approx(len(coverage[::2]) / len(coverage))
    assert report.missing["coverage"] == len(coverage) - len(coverage[::2])
    assert report.consistency is None


def test_the_logs_that_reval_writes_are_read(dreval):
    key = next(iter(dreval.lines))
    asked = [k for k in dreval.lines if k[:2] == key[:2]]
    results = [{"generated": "YES", "response": True, "expected": dreval.lines[k].covered} for k in asked]
    log = [{"task_id": key.task_id, "generation": [{"input_idx": key.input_idx, "results": results}]}, {"acc": 1.0}]
    report = evaluate_reval(dreval, log)
    assert sum(report.right["coverage"].values()) == sum(dreval.lines[k].covered for k in asked)


def test_yes_must_come_first():
    """E8: "YES" anywhere in the answer counted."""
    assert said_yes("[ANSWER]\nYES, it is.")
    assert not said_yes("NO (YES would be wrong)")


def test_outputs_over_several_lines():
    template = "a = A()\nassertEqual(a.g(), ??)\nassertEqual(a.h([1]), ??)"
    right = "a = A()\nassertEqual(a.g(), 1)\nassertEqual(a.h([1]),\n    {'x': 2})"
    assert right_output(template, right, right)
    assert right_output(template, right, "assertEqual(a.g(),1)\nassertEqual(a.h([1]), {'x': 2})")
    assert not right_output(template, right, "assertEqual(a.g(), 1)")
    assert not right_output(template, right, right.replace("2", "3"))


def test_what_an_assertion_compares_with_may_be_a_variable():
    right = "r = {'a': 1}\nassertTrue(ok)\nassertEqual(p.get(), r)"
    assert right_output(
        "assertTrue(??)\nassertEqual(p.get(), ??)", right, "assertTrue(True)\nassertEqual(p.get(), {'a': 1})"
    )
    assert not right_output(
        "assertTrue(??)\nassertEqual(p.get(), ??)", right, "assertTrue(False)\nassertEqual(p.get(), 1)"
    )


def test_the_commands_print_a_table(tmp_path, capsys, gold):
    import json

    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in gold), "utf-8")
    files = ["--data", str(FIXTURES / DATA), "--tasks", str(FIXTURES / TASKS)]
    assert main(["evaluate", "reval", str(path), *files]) == 0
    assert "consistency" in capsys.readouterr().out
    assert main(["evaluate", "cruxeval", str(FIXTURES / "exec_verify/cruxeval_x_phi1.jsonl")]) == 0
    assert "pass@1" in capsys.readouterr().out


def test_the_two_files_of_dreval_swapped_are_told_in_one_line(capsys):
    data, tasks = str(FIXTURES / DATA), str(FIXTURES / TASKS)
    assert main(["evaluate", "reval", data, "--data", tasks, "--tasks", data]) == 3
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "dreval_tasks.jsonl: no column 'entry_point'" in err
