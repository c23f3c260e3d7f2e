"""CRUXEval-X in JavaScript: plain data is run in the benchmark's program, everything else is wrong."""

from __future__ import annotations

import json
import shutil

import pytest

from table_rewards.commands.main import main
from table_rewards.evaluation.execution.cruxeval import evaluate_javascript
from table_rewards.evaluation.execution.javascript import is_plain

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node")
HEAD = "const assert = require('node:assert');\n\nfunction test() {\n  let candidate = f;\n  assert.deepEqual("
CODE = "function f(xs, k){\n    return xs.map(x => x * k);\n}\n"
ROW = {
    "id": 0,
    "code": f"{CODE}{HEAD}candidate([1, 2], 2),[2, 4]);\n}}\n\ntest();",
    "input_reasoning": f"{HEAD}candidate(????),[2, 4]);\n}}\n\ntest();",
    "output_reasoning": f"{HEAD}candidate([1, 2], 2),????);\n}}\n\ntest();",
}


@needs_node
def test_right_answers_pass_and_no_others():
    said = {
        "output": {
            "[2, 4]": 1,
            "<answer>[2, 4];</answer>": 1,
            "[2].concat([4])": 1,
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
        report = evaluate_javascript([{**ROW, "answer": answer} for answer in answers], task)
        assert [right for right, _ in report.counts[task]] == list(answers.values())


@needs_node
def test_the_command_counts_what_has_no_program(tmp_path, capsys):
    path = tmp_path / "js_output.json"
    template = ROW["code"].replace("),[2, 4])", "),????)")
    path.write_text(json.dumps([{"id": 0, "code": template, "answer": "[2, 4]"}, {"id": 1, "res": False}]), "utf-8")
    assert main(["evaluate", "cruxeval-x", str(path), "--language", "js", "--task", "output"]) == 0
    out, err = capsys.readouterr()
    assert "50.00" in out
    assert "no program for: 1" in err


@pytest.mark.parametrize(
    "text",
    [
        "[]['constructor']",
        "[].constructor",
        "{__proto__: []}",
        "{'__pro\\x74o__': []}",
        "() => 1",
        "a",
        "1;2",
    ],
)
def test_what_reaches_into_values_is_not_plain(text):
    assert not is_plain(text)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, b: [null, NaN]}', "new Set([1, 2])", "-1.5e3", "'it\\'s'", "`a b`", "Array(3).fill(0)", "[...'abc']"],
)
def test_plain_data_in_javascripts_forms(text):
    assert is_plain(text)
