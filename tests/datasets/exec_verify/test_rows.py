"""ExecVerify's data: samples to questions to rows that the rewards read, the same every time."""

from __future__ import annotations

import json
import random

import pytest

from fixture_rows import fixture_rows
from table_rewards import ConfigurationError, UnitTests, WhiteBox
from table_rewards.commands.main import main
from table_rewards.datasets.exec_verify import Report, Settings, prepare, self_check
from table_rewards.datasets.exec_verify.code import passing_responses, prepare_code
from table_rewards.datasets.exec_verify.questions import ask, simple_lines
from table_rewards.datasets.exec_verify.tracing import Sample, trace_calls
from table_rewards.datasets.files import read_rows


@pytest.fixture(scope="module")
def samples():
    return fixture_rows("exec_verify/cruxeval.jsonl")


@pytest.fixture(scope="module")
def prepared(samples):
    report = Report()
    return list(prepare(samples, Settings(), report)), report


def test_every_cruxeval_row_is_kept_and_every_solution_earns_full_marks(samples, prepared):
    rows, report = prepared
    assert (report.kept, report.rows) == (len(samples), {"io_mixed": len(samples), "oi": len(samples)})
    assert self_check(rows) == []


@pytest.mark.slow
def test_the_same_samples_make_the_same_rows_and_another_seed_other_questions(samples, prepared):
    assert list(prepare(samples, Settings(), Report())) == prepared[0]
    assert list(prepare(samples, Settings(seed=1), Report())) != prepared[0]


def test_at_most_so_many_questions_of_each_kind(samples):
    for row, _ in prepare(samples[:10], Settings(("io_mixed",), questions=2), Report()):
        answers = json.loads(row["reward_model"]["ground_truth"])["question_answers"]
        assert len(answers["path_answers"]) <= 2
        assert len(answers["state_as"]) <= 2


def test_the_prompt_asks_in_the_order_in_which_the_reward_reads():
    """E7: the released example listed states before next statements, the data the other way round."""
    row, _ = next(iter(prepare([{"code": "def f(n):\n    n += 1\n    return n", "input": "1"}], Settings(), Report())))
    prompt = row["prompt"][0]["content"]
    assert prompt.index("Which statement is executed next") < prompt.index("What are the value and the type")
    assert json.loads(row["extra_info"]["questions"])["path_questions"][0] in prompt


def test_a_question_is_about_a_simple_line_of_a_function_that_is_not_recursive():
    code = "def f(n):\n    if n: n -= 1\n    x = (\n        n)\n    y = x; z = y\n    return g(2)\n\n"
    code += "def g(k):\n    if k == 0:\n        return 0\n    return g(k - 1)"
    assert simple_lines(code) == {1, 6, 8, 9, 10, 11}
    questions = ask(code, trace_calls([Sample(code, "f(1)")])[0], "0")
    assert {question.line for question in (*questions.path, *questions.state)} <= {6}


def test_unusable_samples_are_left_out_and_counted():
    bad = [
        {"code": "def f(a):\n    while True:\n        a += 1", "input": "1"},
        {"code": "def f(a):\n    return 1 / 0", "input": "1"},
        {"code": "def f(a):\n    return object()", "input": "1"},
        {"code": "def f(a):\n    return a", "input": "1", "output": "2"},
        {"code": "def f(a):\n    return a", "input": "**{}"},
        {"kode": "x"},
    ]
    report = Report()
    good = {"code": "def f(a):\n    return float('nan')", "call": "f(1)", "output": "nan"}
    rows = list(prepare([*bad, good], Settings(("io_mixed",)), report))
    assert (report.read, report.kept, len(rows)) == (7, 1, 1)
    assert sum(report.left_out.values()) == 6
    assert "ZeroDivisionError" in report.left_out
    assert str(report).startswith("1 of 7 samples kept")


def test_settings_that_cannot_work_are_refused():
    for options in ({"types": ()}, {"types": ("x",)}, {"questions": -1}):
        with pytest.raises(ConfigurationError):
            Settings(**options)


def test_the_command_writes_what_trainers_read(tmp_path, capsys):
    source = "fixtures/exec_verify/cruxeval.jsonl"
    from fixture_rows import FIXTURES

    source = str(FIXTURES / "exec_verify/cruxeval.jsonl")
    assert (
        main(
            ["prepare", "exec-verify", source, "--out", str(tmp_path), "--sft", "--test-share", "0.2", "--keep-trivial"]
        )
        == 0
    )
    train, test = (list(read_rows(tmp_path / f"{name}.parquet")) for name in ("train", "test"))
    assert len(train) + len(test) == 100
    assert test
    functions = [{json.loads(r["reward_model"]["ground_truth"])["func_str"] for r in part} for part in (train, test)]
    assert not functions[0] & functions[1]
    assert [row["extra_info"]["index"] for row in train] == list(range(len(train)))
    talks = json.loads((tmp_path / "sft.json").read_text("utf-8"))
    scores = WhiteBox()([talk["conversations"][1]["value"] for talk in talks], train)
    assert scores.values.tolist() == [1.0] * len(train)
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    assert info["exec_verify_sft"]["formatting"] == "sharegpt"
    assert "50 of 50 samples kept" in capsys.readouterr().out


@pytest.mark.parametrize(("share", "told"), [("0.0000001", True), ("0", False), ("0.9999999", False)])
def test_an_empty_test_file_is_told_unless_it_was_asked_for(share, told, tmp_path, capsys):
    """verl stops at a validation file without rows, and few functions give one."""
    source = tmp_path / "samples.jsonl"
    source.write_text(json.dumps({"code": "def f(n):\n    return n + 1", "input": "3", "output": "4"}) + "\n", "utf-8")
    assert main(["prepare", "exec-verify", str(source), "--out", str(tmp_path / "out"), "--test-share", share]) == 0
    assert ("--test-share" in capsys.readouterr().out) == told


def test_rows_that_a_trivial_input_solves_are_left_out_and_counted(tmp_path, capsys):
    same = {"id": "same", "code": "def f(text):\n    return text.strip()", "input": "' ab '", "output": "'ab'"}
    empty = {"id": "empty", "code": "def f(a, b):\n    return len(a) + len(b)", "input": "'', ''", "output": "0"}
    letters = {"id": "letters", "code": "def f(a):\n    return len(a)", "input": "[1, 2, 3]", "output": "3"}
    to_read = {"id": "to read", "code": "def f(n):\n    return n * n + 1", "input": "3", "output": "10"}
    source = tmp_path / "samples.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in (same, empty, letters, to_read)), "utf-8")
    for words, kept in (((), {"to read"}), (("--keep-trivial",), {"same", "empty", "letters", "to read"})):
        out = tmp_path / str(len(words))
        assert main(["prepare", "exec-verify", str(source), "--out", str(out), "--test-share", "0", *words]) == 0
        rows = list(read_rows(out / "train.parquet"))
        assert {row["extra_info"]["sample"] for row in rows if row["extra_info"]["type"] == "oi"} == kept
        assert sum(row["extra_info"]["type"] == "io_mixed" for row in rows) == 4
        told = "3 oi: solved by an input that needs no look at the function" in " ".join(
            capsys.readouterr().out.split()
        )
        assert told == (not words)


EURUS = {
    "ability": "code",
    "data_source": "taco",
    "prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": "Add."}],
    "reward_model": {"ground_truth": '{"inputs": ["1 2"], "outputs": ["3"]}'},
}


def test_stage_two_keeps_the_tests_and_asks_for_the_format():
    kod = {"question": "Double it.", "test": "from solution import g\ndef test_g():\n    assert g(1) == 2"}
    report = Report()
    rows = list(prepare_code([EURUS, {**EURUS, "ability": "math"}, kod, {"question": "?"}], report))
    assert (report.kept, len(rows)) == (2, 2)
    assert rows[0]["reward_model"]["ground_truth"] == EURUS["reward_model"]["ground_truth"]
    assert all("<answer>" in row["prompt"][-1]["content"] for row in rows)
    programs = ["print(sum(map(int, input().split())))", "def g(x): return 2 * x"]
    answers = [f"<answer>\n```python\n{code}\n```\n</answer>" for code in programs]
    assert UnitTests()(answers, rows).values.tolist() == [1.05, 1.05]


def test_responses_that_pass_become_supervised_data(prepared):
    rows = [{**row, "responses": ["no", solution, solution]} for row, solution in prepared[0][:6]]
    random.Random(0).shuffle(rows)
    report = Report()
    kept = list(passing_responses(rows, WhiteBox(), report))
    assert len(kept) == 6
    assert report.left_out["scores below 1"] == 6


def test_predictions_as_generate_writes_them_are_read_and_counted_by_prompt():
    """`generate -n 8` writes a row a prediction: those of one prompt give one conversation, not eight and not none."""
    sample = {"code": "def f(n):\n    return n + 1", "input": "3", "output": "4"}
    (row, solution), *_ = prepare([sample], Settings(types=("io_mixed",)), Report())
    other = {**row, "prompt": [{"role": "user", "content": "another"}]}
    rows = [{**row, "prediction": text} for text in ("no answer", solution, solution)] + [
        {**other, "prediction": solution},
        {**row, "prediction": solution},
    ]
    report = Report()
    assert [r["prompt"] for r, _ in passing_responses(rows, WhiteBox(), report)] == [row["prompt"], other["prompt"]]
    assert report.read == 5
    assert report.left_out["another response than the first 1 of its prompt"] == 2


def test_a_row_whose_own_right_answer_would_not_earn_full_marks_is_not_written():
    """An input that only the program could make: the reward refuses it, so nobody could answer the row."""
    report = Report()
    sample = {"code": "def f(g):\n    return g(8)", "input": "int.bit_length"}
    kinds = [row["extra_info"]["type"] for row, _ in prepare([sample], Settings(), report)]
    assert kinds == ["io_mixed"]
    assert sum(count for why, count in report.left_out.items() if why.startswith("oi:")) == 1


def test_text_states_are_written_as_the_published_files_have_them():
    """ExecVerify's own reward then reads our rows, too."""
    sample = {"code": "def f(a):\n    b = a + 'x'\n    return b", "input": "'q'"}
    row, solution = next(iter(prepare([sample], Settings(("io_mixed",)), Report())))
    states = json.loads(row["reward_model"]["ground_truth"])["question_answers"]["state_as"]
    assert [["str", "qx"]] in states
    assert WhiteBox()([solution], [row]).values.tolist() == [1.0]
    assert WhiteBox(profile="released")([solution], [row]).values.tolist() == [2.0]
