"""Answers that know nothing and want everything: none may earn."""

from __future__ import annotations

import time

import pytest

from table_rewards import WhiteBox

CODE = "NINE = 9 / 7\n\ndef g(n):\n    return n * 7\n\ndef f(a, b):\n    return g(a) + b"
ROW = {"func_str": CODE, "func_name": "f", "func_args": "1, 2", "result": "9"}
INVERSE = {"func_str": CODE, "func_name": "f", "result": "9", "type": "oi"}

ASSERTIONS = [
    "assert True # 1, 2",
    "assert (1, 2)",
    "assert f(1, 2) == f(1, 2)",
    "assert f(1, 2)",
    "assert f(1, 2) or 1, 2",
    "assert f(1, 2) != 8",
    "assert f(1, 2) is not None",
    "assert f(1, 2) is 9",
    "assert f(1, 2) in [9, 1]",
    "assert f(1, 2) == 9 or True",
    "assert True or f(1, 2) == 9",
    "assert not f(1, 2) == 8",
    "assert f(1, 2) == (x := f(1, 2))",
    "assert f(1, 2) == g(1) + 2",
    "assert f(1, 2) == 9 == f(1, 2)",
    "assert f(1, 2) >= 0",
    "assert f(1, 2) == [9, 8][0]",
    "assert f(*(1, 2)) == 9",
    "assert f(**{'a': 1, 'b': 2}) == 9",
    "assert f(1, 2, 3) == 9",
    "assert f(2, 1) == 9",
    "assert f(True, 2) == 9",
    "assert f(1.0, 2) == 9",
    "assert g(1, 2) == 9",
    "assert x.f(1, 2) == 9",
    "assert [f(1, 2)] == [9]",
    "assert f(1, 2) == type('E', (), {'__eq__': lambda *_: True})()",
    "assert f(1, 2) == __import__('os')._exit(0)",
    "import sys; sys.exit(0) # assert f(1, 2)",
    "f = lambda *a: 8\nassert f(1, 2) == 8",
    "def f(a, b): return 8\nassert f(1, 2) == 8",
    "if 0: assert f(1, 2) == 9",
    "assert f(1, 2) == 9 if 0 else True",
    "assert (lambda: f(1, 2) == 9)",
    "assert f'{f(1, 2)}' == f'9'",
    "'''\nassert f(1, 2) == 9\n'''",
    "assert '''f(1, 2) == 9'''",
    "assert f(1, 2) == {9, 8}",
    "assert f(1, 2) == '9'",
    "9",
    "",
]

INPUTS = [
    "pass",
    "print(1)",
    "import sys; sys.exit(0)",
    "import os; os._exit(0)",
    "def f(a, b): return 9\nf(0, 0)",
    "f = lambda a, b: 9\nassert f(0, 0) == 9",
    "assert 9 == 9",
    "f(globals().update(g=lambda n: 9) or 0, 0)",
    "f((g := (lambda n: 9)), 0)",
    "f(type('N', (int,), {'__mul__': lambda *_: 9})(), 0)",
    "f([g.__globals__.update(f=1)], 0)",
    "f(__import__('builtins'), 0)",
    "f(9, 9)",
    "f('9', '')",
    "f()",
    "f(?, ?)",
    "f(f(1, 2), 1)",
    "f(*[1, 2])",
    "f(([0 for NINE in [0]], NINE)[1], 0)",
    "f(([0 for g in [0]], g)[1], 0)",
    "x.f(1, 2)",
    "def f(1, 2): pass",
]


@pytest.mark.parametrize("profile", ["corrected"])
def test_no_assertion_but_an_honest_one_earns(profile):
    reward = WhiteBox(profile=profile)
    for fence in ("{}", "```python\n{}\n```"):
        completions = [f"<answer>\n{fence.format(text)}\n</answer>" for text in ASSERTIONS]
        scores = reward(completions, [ROW] * len(completions))
        assert {text: v for text, v in zip(ASSERTIONS, scores.values, strict=True) if v != 0} == {}
    assert reward(["<answer>assert f(1, 2) == 9</answer>"], [ROW]).values[0] == 1.0


def test_no_program_but_a_right_input_earns():
    reward = WhiteBox()
    completions = [f"<answer>\n```python\n{text}\n```\n</answer>" for text in INPUTS]
    scores = reward(completions, [INVERSE] * len(completions))
    assert {text: v for text, v in zip(INPUTS, scores.values, strict=True) if v != 0} == {}
    assert reward(["<answer>assert f(1, 2) == 9</answer>"], [INVERSE]).values[0] == 1.0


def test_guessing_many_times_is_no_better_than_once():
    several = "".join(f"<answer>assert f(1, 2) == {n}</answer>" for n in range(20))
    inputs = "\n".join(f"assert f({n}, {n}) == 9" for n in range(20)) + "\nassert f(1, 2) == 9\nassert f(0, 0) == 9"
    assert WhiteBox()([several, f"<answer>{inputs}</answer>"], [ROW, INVERSE]).values.tolist() == [0.0, 0.0]


def test_questions_cannot_be_sprayed():
    row = {**ROW, "question_answers": {"path_answers": [["return g(a) + b"]], "state_as": [[["int", "7"]]]}}
    spray = ["return n * 7", "return g(a) + b", "-1", "7; int", "9; int"]
    scores = WhiteBox()(["<answer>\n" + "\n".join(["assert f(1, 2) == 9", *spray]) + "\n</answer>"], [row])
    assert scores.values[0] == 0.5, "answers are read by their place"


@pytest.mark.slow
def test_hostile_sizes_cost_no_time():
    monsters = [
        "assert f(" + "(" * 50_000,
        "assert f(1, 2) == " + "-" * 60_000 + "9",
        "assert f(1, 2) == " + "[" * 30_000 + "]" * 30_000,
        "assert f(1, 2) == {" + ", ".join(str(n * (2**61 - 1)) for n in range(2_500)) + "}",
        "assert f(1, 2) == " + "9" * 60_000,
        "'''\\" * 15_000,
        "assert " + "(" * 30_000 + "f(1, 2) == 8" + ")" * 30_000,
        "f(" * 20_000,
        "f(" * 15_000 + ")" * 15_000,
        "assert " + "f(1, 2) == " * 5_000,
        "\n" * 60_000,
        "; " * 30_000,
        "```" * 20_000,
        "x" * 5_000_000,
    ]
    row = {**ROW, "question_answers": {"path_answers": [["x"]], "state_as": [[["int", "7"]]]}}
    started = time.process_time()
    scores = WhiteBox()([f"<answer>{text}</answer>" for text in monsters], [row] * len(monsters))
    inverse = WhiteBox()([f"<answer>{text}</answer>" for text in monsters], [INVERSE] * len(monsters))
    assert time.process_time() - started < 20  # 3 s by itself; what is read in squares of its length takes minutes
    assert not scores.values.any()
    assert "unscored" not in [*scores.status.tolist(), *inverse.status.tolist()]
