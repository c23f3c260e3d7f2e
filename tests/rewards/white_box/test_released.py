"""ExecVerify's released reward: the accidents that the recorded rows hold few of."""

from __future__ import annotations

import pytest

from table_rewards import WhiteBox

ROW = {"type": "io_mixed", "func_str": "def f(a):\n    return a", "func_name": "f", "func_args": "1", "result": "1"}


@pytest.mark.parametrize(
    ("line", "golds", "right"),
    [
        ("1; int; and more", [["int", "1"]], True),
        ("True; int", [["int", "1"]], True),
        ("1;Int", [["int", "1"]], False),
        ("1 # one; int", [["int", "1"]], True),
        ("'a'; str", [["str", "a"]], True),
        ("'a'; str", [["str", "'a'"]], False),
        ("nan; float", [["float", "nan"]], False),
        ("3; int", [["object", "<function f at 0x1>"], ["int", "3"]], False),  # the first value cannot be evaluated
        ("3; int", [["object", "Counter({1: 2})"], ["int", "3"]], False),
        ("3; int", [["object", "range(0, 3)"], ["int", "3"]], True),
        ("{1}; set", [["set", "frozenset({1})"]], True),
        ("b'a'; object", [["object", "bytearray(b'a')"]], True),
    ],
)
def test_states_as_released(line, golds, right):
    """E5."""
    row = {**ROW, "question_answers": {"path_answers": [], "state_as": [golds]}}
    completion = f"<answer>\nassert f(1) == 1\n{line}\n</answer>"
    value = WhiteBox(profile="released")([completion], [row]).values[0]
    assert value == (2.0 if right else 1.0)


def test_nothing_in_a_gold_value_is_run(tmp_path):
    mark = tmp_path / "mark"
    row = {**ROW, "question_answers": {"path_answers": [], "state_as": [[["int", f"open({str(mark)!r}, 'w')"]]]}}
    completion = "<answer>\nassert f(1) == 1\n1; int\n</answer>"
    assert WhiteBox(profile="released")([completion], [row]).values[0] == 1.0
    assert not mark.exists()


def test_a_backslash_that_ends_the_assertion_continues_into_nothing():
    """The published code runs `python -c`, which adds a line end to what it is given."""
    row = {**ROW, "question_answers": {}}
    assert WhiteBox(profile="released")(["<answer>\nassert f(1) == 1\\\n</answer>"], [row]).values[0] == 2.0
