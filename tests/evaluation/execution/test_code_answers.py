"""Programs in answers, in the forms of the benchmarks that judge programs themselves."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from table_rewards.commands.main import main
from table_rewards.evaluation.execution.code_answers import problem_text, program_of, solutions

CODE = "def f(x):\n    return x\n"
BLOCK = f"```python\n{CODE}```"


@pytest.mark.parametrize(
    "answer",
    [
        f"<answer>\n{BLOCK}\n</answer>",
        f"<think>\n```python\nno\n```\n</think>\n{BLOCK}",
        f"<reasoning>\n```python\nno\n```\n</reasoning>\n<answer>{BLOCK}</answer>",
        f"First:\n```python\ndraft\n```\nBetter:\n{BLOCK}\nDone.",
        f"<answer>{CODE}</answer>",
    ],
)
def test_the_program_is_found_in_every_form(answer):
    assert program_of(answer, "bigcodebench").strip() == CODE.strip()
    assert program_of(answer, "evalplus").strip() == f"from typing import Any, List, Tuple\n{CODE}".strip()


def test_an_import_from_the_future_stays_the_first_statement():
    program = program_of(f"```python\nfrom __future__ import annotations\n{CODE}```", "evalplus")
    compile(program, "solution.py", "exec")
    assert "from typing import" in program


def test_a_problem_of_mbpp_as_the_hubs_have_it_names_its_function():
    """There the tests stand apart, and the problem is a number."""
    row = {"task_id": 2, "prompt": "Add two numbers.", "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]}
    assert "assert add(1, 2) == 3" in problem_text(row, "evalplus")
    whole = {"task_id": "Mbpp/2", "prompt": f'"""\nAdd.\n{row["test_list"][0]}\n"""\n', "test_list": row["test_list"]}
    assert problem_text(whole, "evalplus") == whole["prompt"]
    (solution,) = solutions([{**row, "prediction": BLOCK}], "evalplus", Counter())
    assert solution["task_id"] == "Mbpp/2"


def test_a_draft_in_thoughts_is_no_program():
    draft = f"<think>\n{BLOCK}"
    assert [program_of(draft, name) for name in ("evalplus", "bigcodebench", "livecodebench")] == [
        "",
        "",
        "assert False",
    ]


def test_the_files_are_what_the_benchmarks_read(tmp_path, capsys):
    answers = tmp_path / "answers.jsonl"
    rows = [
        {"task_id": "HumanEval/0", "prediction": BLOCK},
        {"task_id": "HumanEval/0", "prediction": "I cannot."},
        {"task_id": "HumanEval/1", "responses": [BLOCK, BLOCK]},
    ]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    out = tmp_path / "samples.jsonl"
    assert main(["evaluate", "programs", str(answers), "--benchmark", "bigcodebench", "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [(line["task_id"], line["solution"]) for line in lines] == [
        ("HumanEval/0", CODE),
        ("HumanEval/0", ""),
        ("HumanEval/1", CODE),
        ("HumanEval/1", CODE),
    ]
    assert "1 no program in the answer" in capsys.readouterr().err
    out = tmp_path / "samples.json"
    assert main(["evaluate", "programs", str(answers), "--benchmark", "livecodebench", "--out", str(out)]) == 0
    assert json.loads(out.read_text("utf-8")) == [
        {"question_id": "HumanEval/0", "code_list": [CODE, "assert False"]},
        {"question_id": "HumanEval/1", "code_list": [CODE, CODE]},
    ]
