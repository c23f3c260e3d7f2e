"""PRIME's checker as released: what the recorded rows show little of."""

from __future__ import annotations

import json

import pytest

from table_rewards import ConfigurationError, UnitTests


def value(program, tests):
    completion = f"<answer>\n```python\n{program}\n```\n</answer>"
    return UnitTests(profile="released")([completion], [{"ground_truth": json.dumps(tests)}]).values[0]


def test_one_wrong_call_makes_all_wrong():
    """E19: alone, a test has lost the function's name."""
    tests = {"inputs": ["1", "2"], "outputs": ["1", "2"], "fn_name": "f"}
    assert value("def f(x):\n    return x", tests) == 1.05
    assert value("def f(x):\n    return 1", tests) == 0.0


@pytest.mark.parametrize(
    "program",
    ["print(1)\nexit()", "print(1)\nquit()", "import sys\nprint(len(sys.stdin.buffer.read()))"],
)
def test_programs_that_leave_or_read_bytes_fail(program):
    """E21."""
    assert value(program, {"inputs": ["a"], "outputs": ["1"]}) == 0.0


def test_each_test_has_streams_of_its_own():
    tests = {"inputs": ["", "", ""], "outputs": ["0", "0", "1"]}
    assert value("print(len(open(0).read()))", tests) == pytest.approx(2 / 3 + 0.05)


def test_a_program_is_the_body_of_a_function():
    """E20."""
    tests = {"inputs": [""], "outputs": ["2"]}
    assert value("n = 1\ndef g():\n    global n\n    n = 2\ng()\nprint(n)", tests) == 0.0
    assert value('print(len("""\n"""))', tests) == 1.05, "the tab in front of the second line counts"


@pytest.mark.slow
def test_a_loop_without_end_stops_and_spares_the_rest():
    tests = {"inputs": ["1", "2"], "outputs": ["1", "2"]}
    assert value("a = input()\nwhile a == '2': pass\nprint(a)", tests) == pytest.approx(0.55)


def test_rows_that_the_released_code_cannot_read_are_unscored():
    scores = UnitTests(profile="released")(["<answer>x</answer>"], ["assert f(1) == 1"])
    assert scores.status.tolist() == ["unscored"]
    with pytest.raises(ConfigurationError, match="share"):
        UnitTests(profile="released", all_or_nothing=True)
