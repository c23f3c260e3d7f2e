"""CRUXEval-X beyond Python: published verdicts are met, an exit or the call itself scores 0 in every language."""

from __future__ import annotations

import json
import shutil

import pytest

from evaluation.execution.languages.test_toolchains import real
from fixture_rows import fixture_rows
from table_rewards.commands.main import main
from table_rewards.evaluation.execution.cruxeval_x import LANGUAGES, evaluate_language
from table_rewards.evaluation.execution.languages.judging import CALLED, Program, plain_answer
from table_rewards.evaluation.execution.languages.toolchains import TOOLCHAINS
from table_rewards.evaluation.execution.problems import Row, check_of
from table_rewards.testing.chat_server import ChatServer

PROGRAMS = "exec_verify/cruxeval_x_languages.jsonl"
EXITS = {
    "cpp": ["exit(0)", "std::exit(0)", "(exit(0), 4)"],
    "cs": ["Environment.Exit(0)", "System.Environment.Exit(0)"],
    "go": ["os.Exit(0)", "func() int { os.Exit(0); return 4 }()"],
    "java": ["System.exit(0)", "java.lang.System.exit(0)"],
    "js": ["process.exit(0)", "(process.exit(0), [2, 4])"],
    "php": ["exit(0)", "die(0)"],
}
HEAD = "const assert = require('node:assert');\n\nfunction test() {\n  let candidate = f;\n  assert.deepEqual("
CODE = "function f(xs, k){\n    return xs.map(x => x * k);\n}\n"
ROW = {
    "id": 0,
    "code": f"{CODE}{HEAD}candidate([1, 2], 2),[2, 4]);\n}}\n\ntest();",
    "input_reasoning": f"{HEAD}candidate(????),[2, 4]);\n}}\n\ntest();",
    "output_reasoning": f"{HEAD}candidate([1, 2], 2),????);\n}}\n\ntest();",
}
PROSE = {"go": "I cannot translate this.\nfunc TestF(t *testing.T) { f(????) }", "php": "Sorry.\nif (????) {}"}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node")


@pytest.mark.slow
@pytest.mark.parametrize("language", [real(language) for language in TOOLCHAINS])
def test_phi1_gets_the_published_verdicts_in(language):
    for task in ("output", "input"):
        rows = [row for row in fixture_rows(PROGRAMS) if row["language"] == language and row["task"] == task]
        report = evaluate_language(rows, language, task)
        assert [right for right, _ in report.counts[task]] == [row["label"] for row in rows]
        assert (report.unscored, report.unusable) == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("language", [real(language) for language in TOOLCHAINS])
def test_an_exit_or_the_call_itself_scores_0_in(language):
    """E18."""
    row = next(r for r in fixture_rows(PROGRAMS) if r["language"] == language and r["task"] == "output" and r["label"])
    check = check_of(Row(row), "output")
    asked = (check.program + check.parts["output"]).partition("????")[0].rpartition("\n")[2]
    name = CALLED.get(language, "candidate")
    call = name + asked.partition(name)[2].rstrip(" ,=.!(").removesuffix("equals").removesuffix("Equals").rstrip(".")
    said = [*EXITS[language], f"{name}(1)", call]
    report = evaluate_language([{**row, "answer": text} for text in [row["answer"], *said]], language, "output")
    assert [right for right, _ in report.counts["output"]] == [1] + [0] * len(said)


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_an_exit_is_never_put_into_a_program(language):
    program = "f\nassert(f(1) == ????);\n"
    for text in EXITS[language]:
        for task in ("output", "input"):
            assert plain_answer(Program(program, text), language, task) is None


@needs_node
def test_right_answers_pass_and_no_others():
    said = {
        "output": {
            "[2, 4]": 1,
            "<answer>[2, 4];</answer>": 1,
            "[2].concat([4])": 1,
            "assert.deepEqual(candidate([1, 2], 2),[2, 4]);": 1,
            "[2, 5]": 0,
            "process.exit(0)": 0,
            "candidate([1, 2], 2)": 0,
            "[2, 4]); process.exit(0); (0": 0,
        },
        "input": {
            "candidate([1, 2], 2)": 1,
            "[2, 4], 1": 1,
            "[1, 2]": 0,
            "process.exit(0)": 0,
            "[2, 4], (process.exit(0), 1)": 0,
        },
    }
    for task, answers in said.items():
        report = evaluate_language([{**ROW, "answer": answer} for answer in answers], "js", task)
        assert [right for right, _ in report.counts[task]] == list(answers.values())


@pytest.mark.parametrize("language", PROSE)
def test_sentences_instead_of_a_program_are_wrong_and_named(language, tmp_path, monkeypatch, capsys):
    """E22: the published checker lets every answer to them pass."""
    tool = tmp_path / {"go": "go", "php": "php"}[language]
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("table_rewards.evaluation.execution.cruxeval_x.judge", lambda programs, *_: [])
    rows = [{"id": 7, "code": PROSE[language], "answer": "1"}]
    report = evaluate_language(rows, language, "output")
    assert (report.counts["output"], report.prose) == ([(0, 1)], ["7"])
    assert evaluate_language(rows, language, "output", profile="released").counts["output"] == [(1, 1)]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), "utf-8")
    assert main(["evaluate", "cruxeval-x", str(path), "--language", language, "--task", "output"]) == 0
    assert "sentences instead of a program: 1 (7)" in capsys.readouterr().err


@needs_node
def test_released_puts_an_answer_about_an_input_in_place_of_the_whole_call():
    """E23."""
    said = ("[1, 2], 2", "[2, 4]", "candidate([1, 2], 2)", "candidate([2, 4]);", "candidate([1, 2], 2);")
    rows = [{**ROW, "answer": text} for text in said]
    assert [right for right, _ in evaluate_language(rows, "js", "input").counts["input"]] == [1, 0, 1, 0, 1]
    released = evaluate_language(rows, "js", "input", profile="released")
    assert [right for right, _ in released.counts["input"]] == [0, 1, 1, 0, 0]
    rows = [{**ROW, "answer": text} for text in ("[2, 4]", "[2, 4];", "process.exit(0)")]
    released = evaluate_language(rows, "js", "output", profile="released")
    assert [right for right, _ in released.counts["output"]] == [1, 0, 0]


@needs_node
def test_backquotes_round_an_answer_may_be_its_own():
    """A text of JavaScript may stand in them, with line ends in it; so may code of Markdown. Either may be meant."""
    code = f"function f(a){{\n    return a;\n}}\n{HEAD}candidate('a b'),????);\n}}\n\ntest();"
    rows = [{"code": code, "answer": said} for said in ("`a b`", "`'a b'`", "`a c`", "a b")]
    assert [right for right, _ in evaluate_language(rows, "js", "output").counts["output"]] == [1, 1, 0, 0]
    cases = (
        ("'\\ta'", "`\ta`", 1),
        ("'a\\n b'", "`a\n b`", 1),
        ("['a', 'b']", "[`a`, `b`]", 1),
        ("'-12 +3'", "`-12 +3`", 1),
        ("'-12 +3'", "-12 +3", 0),
        ("-9", "`-12 +3`", 1),
        ("-9", "'-12 +3'", 0),
    )
    rows = [{"code": code.replace("'a b'", given), "answer": said} for given, said, _ in cases]
    counted = evaluate_language(rows, "js", "output").counts["output"]
    assert [right for right, _ in counted] == [right for _, _, right in cases]


@needs_node
def test_the_command_counts_what_has_no_program(tmp_path, capsys):
    path = tmp_path / "js_output.json"
    template = ROW["code"].replace("),[2, 4])", "),????)")
    rows = [{"id": 0, "code": template, "answer": "[2, 4]"}, {"id": 1, "res": False}, {"id": 2}]
    path.write_text(json.dumps(rows), "utf-8")
    assert main(["evaluate", "cruxeval-x", str(path), "--language", "js", "--task", "output"]) == 0
    out, err = capsys.readouterr()
    assert "33.33" in out
    assert "no program for: 2 (1, 2)" in err


def test_the_command_asks_for_a_task_and_names_a_missing_toolchain(tmp_path, capsys, monkeypatch):
    path = tmp_path / "go_output.json"
    path.write_text(json.dumps([{"id": 0, "code": "????", "answer": "1"}]), "utf-8")
    assert main(["evaluate", "cruxeval-x", str(path), "--language", "go"]) != 0
    assert "--task" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["evaluate", "cruxeval-x", str(path), "--language", "go", "--task", "output"]) != 0
    assert "needs go on the PATH" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--profile", "released"],
        ["--language", "go", "--javatuples", "x.jar"],
        ["--language", "js", "--samples", "x.jsonl"],
    ],
)
def test_options_that_do_not_fit_together_are_refused(words, tmp_path, capsys):
    path = tmp_path / "rows.json"
    path.write_text("[]", "utf-8")
    assert main(["evaluate", "cruxeval-x", str(path), "--task", "output", *words]) == 2
    assert words[-2].lstrip("-") in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_where_a_check_begins_is_known_by_the_languages_own_mark(language):
    """For rows whose check does not stand in the program letter by letter."""
    stop = TOOLCHAINS[language].stops[0]
    check = f"{stop}(x) {{ check(????) }}"
    row = {"code": f"start\n{stop} {{ another form of it }}", "output_reasoning": check}
    found = check_of(Row(row), "output", stops=TOOLCHAINS[language].stops)
    assert found.program + found.parts["output"] == f"start\n{check}"


@needs_node
def test_from_the_benchmarks_file_to_its_number(tmp_path, capsys):
    """Prompts, predictions of a scripted model, and the number, in another language than Python."""
    bench, prompts, predictions = tmp_path / "js.jsonl", tmp_path / "prompts.jsonl", tmp_path / "predictions.jsonl"
    rows = [{**ROW, "id": n, "code": f"// {n}\n{ROW['code']}"} for n in range(2)]
    bench.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    base = ("--benchmark", "cruxeval-x", "--language", "js", "--mode", "oi", "--out", str(prompts))
    assert main(["prepare", "exec-verify-problems", str(bench), *base]) == 0
    asked = [json.loads(line) for line in prompts.read_text("utf-8").splitlines()]
    assert "candidate(????),[2, 4])" in asked[0]["prompt"][-1]["content"]
    assert "In this JavaScript program" in asked[0]["prompt"][-1]["content"]

    def model(request):
        first = "// 0" in request["messages"][-1]["content"]
        return "<reasoning>2 and 4</reasoning>\n<answer>\n[2, 4], 1\n</answer>" if first else "<answer>[1]</answer>"

    with ChatServer(reply=model) as server:
        generate = ["generate", str(prompts), "--endpoint", server.url, "--out", str(predictions), "--quiet"]
        assert main(generate) == 0
    capsys.readouterr()
    assert main(["evaluate", "cruxeval-x", str(predictions), "--language", "js", "--task", "input"]) == 0
    assert "50.00" in capsys.readouterr().out
