"""Rows of programs with tests: which tests a table of the prompt's examples would pass."""

from __future__ import annotations

import json

import pytest

from table_rewards.datasets.exec_verify.code import prepare_code, shown_tests
from table_rewards.datasets.exec_verify.rows import Report
from table_rewards.rewards.unit_tests import UnitTestsReference


@pytest.mark.parametrize(
    ("tests", "prompt", "shown"),
    [
        (
            UnitTestsReference("stdin", ("3\n1 2 3\n", "1\n7\n"), ("6", "7")),
            "Sum.\n\nInput:\n3\n1  2 3\n\nOutput:\n6",
            [0],
        ),
        (UnitTestsReference("stdin", ("3", "5"), ("6", "7")), "Numbers of 3 digits.\nExample:\n5", [1]),
        (UnitTestsReference("calls", ('[[1, 2], "a"]', "[[9], 1]"), ("1", "2"), "g"), "g([1,2], 'a') gives 1", [0]),
        (UnitTestsReference("asserts", ("assert g(1) == 2", "assert g(10) == 3")), ">>> g(10)\n3", [1]),
        (UnitTestsReference("asserts", ("assert g(1) == 2",)), "Write g.", []),
    ],
)
def test_tests_whose_input_stands_in_the_prompt_are_numbered(tests, prompt, shown):
    assert shown_tests(tests, prompt) == shown


def test_rows_say_which_tests_are_shown():
    row = {"prompt": "Write add.\n>>> add(1, 2)\n3", "test_list": ["assert add(1, 2) == 3", "assert add(4, 4) == 8"]}
    report = Report()
    made, hidden = prepare_code([row, {**row, "prompt": "Write add."}], report)
    assert json.loads(made["extra_info"]["tests_in_prompt"]) == [0]
    assert json.loads(hidden["extra_info"]["tests_in_prompt"]) == []
