"""The unit-test reward: every data set's form of tests, what counts as passed, and what does not."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixture_rows import fixture_rows
from table_rewards import BadReference, ConfigurationError, UnitTests
from table_rewards.rewards.unit_tests import UnitTestsReference
from table_rewards.rewards.unit_tests.asserts import split_tests
from table_rewards.rewards.unit_tests.output import same_output
from table_rewards.rewards.unit_tests.program import with_imports

ADD = "a, b = map(int, input().split())\nprint(a + b)"
EURUS = {"reward_model": {"ground_truth": json.dumps({"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]})}}


def program(code):
    return f"I add.\n<answer>\n```python\n{code}\n```\n</answer>"


def score(code, row, **options):
    return UnitTests(**options)([program(code)], [row])[0]


def packed(cases):
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


TWO_SUM = """
class Solution:
    def two(self, nums: List[int], target: int):
        seen = defaultdict(int)
        for i, n in enumerate(nums):
            if target - n in seen:
                return seen[target - n], i
            seen[n] = i
"""
HUMANEVAL = {
    "task_id": "HumanEval/x",
    "prompt": "from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    '''Sum.'''\n",
    "entry_point": "total",
    "test": "METADATA = {}\n\n\ndef check(candidate):\n    assert True\n    assert candidate([]) == 0\n"
    "    assert candidate([1, 2]) == 3\n",
}
HUMANEVAL_PLUS = {
    **HUMANEVAL,
    "test": "import numpy as np\n\ndef check(candidate):\n    inputs = [[[]], [[1, 2]]]\n    results = [0, 3]\n"
    "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assert candidate(*inp) == exp\n",
}
KODCODE = {
    "test": "import pytest\nfrom solution import Stack, double\n\nCASES = [(1, 2), (2, 4)]\n\n"
    "@pytest.mark.parametrize('x,y', CASES)\ndef test_double(x, y):\n    assert double(x) == y\n\n"
    "def test_text():\n    with pytest.raises(TypeError):\n        double('x')\n\n"
    "class TestStack:\n    def test_push(self):\n        s = Stack()\n        s.push(1)\n"
    "        assert s.pop() == pytest.approx(1.0)\n",
}
KOD_PROGRAM = """
class Stack:
    def __init__(self): self.a = []
    def push(self, x): self.a.append(x)
    def pop(self): return self.a.pop()
def double(x):
    if isinstance(x, str): raise TypeError(x)
    return 2 * x
"""
UNITTEST = {
    "test": "import unittest\n\nclass TestAdd(unittest.TestCase):\n    def setUp(self):\n        self.c = Adder(1)\n"
    "    def test_one(self):\n        self.assertEqual(self.c.add(1), 2)\n"
    "    def test_two(self):\n        self.assertEqual(self.c.add(2), 3)\n\n"
    "if __name__ == '__main__':\n    unittest.main()\n",
}
ADDER = "class Adder:\n    def __init__(self, n):\n        self.n = n\n    def add(self, m):\n        return self.n + m"

FORMS = {
    "PRIME and Eurus, stdin": (ADD, EURUS),
    "PRIME, calls": (
        "def add(a, b): return a + b",
        {"inputs": [[1, 2], [3, 4]], "outputs": [[3], [7]], "fn_name": "add"},
    ),
    "PRIME, assert_case": ("def add(a, b): return a + b", {"assert_case": ["assert add(1, 2) == 3"]}),
    "APPS, method": (
        TWO_SUM,
        {"input_output": json.dumps({"fn_name": "two", "inputs": [[[2, 7], 9]], "outputs": [[[0, 1]]]})},
    ),
    "TACO, lists of lines": (ADD, {"input_output": {"inputs": [["1 2"]], "outputs": [["3"]]}}),
    "CodeContests": (
        ADD,
        {"public_tests": {"input": ["1 2"], "output": ["3"]}, "private_tests": {"input": [], "output": []}},
    ),
    "LiveCodeBench, stdin": (
        ADD,
        {"public_test_cases": json.dumps([{"input": "1 2", "output": "3", "testtype": "stdin"}])},
    ),
    "LiveCodeBench, functional, packed": (
        TWO_SUM,
        {
            "public_test_cases": "[]",
            "private_test_cases": packed([{"input": "[2, 7]\n9", "output": "[0, 1]", "testtype": "functional"}]),
            "metadata": json.dumps({"func_name": "two"}),
        },
    ),
    "HumanEval": ("def total(xs: List[int]):\n    return sum(xs)", HUMANEVAL),
    "HumanEval, the body alone": ("    return sum(xs)", HUMANEVAL),
    "HumanEval+": ("def total(xs: List[int]):\n    return sum(xs)", HUMANEVAL_PLUS),
    "MBPP": ("def g(x): return math.floor(x)", {"test_list": ["assert g(1.5) == 1"], "test_setup_code": ""}),
    "KodCode": (KOD_PROGRAM, KODCODE),
    "unittest": (ADDER, UNITTEST),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_right_program_passes_every_form_of_tests(form):
    code, row = FORMS[form]
    scored = score(code, row)
    assert (scored.value, scored.parts["all_passed"], scored.note) == (1.05, 1.0, "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", ["pass", "import os; os._exit(0)", "raise SystemExit(0)", "print('3')", "x = ("])
def test_a_program_that_does_nothing_earns_the_format_alone(form, code):
    _, row = FORMS[form]
    wrong = (
        {"print('3')"}
        if form in ("PRIME and Eurus, stdin", "TACO, lists of lines", "CodeContests", "LiveCodeBench, stdin")
        else set()
    )
    if code not in wrong:
        assert score(code, row).value == 0.05


def test_the_shipped_programs_score_as_they_were_spoilt():
    rows = fixture_rows("exec_verify/programs.jsonl")
    scores = UnitTests(cpu_s=0.5)([row["completion"] for row in rows], rows)
    by_kind = {}
    for row, scored in zip(rows, scores, strict=True):
        by_kind.setdefault(row["what"], []).append(scored)
    assert all(scored.value == 1.05 for scored in by_kind["as published"])
    assert all(scored.value == 0.05 and scored.parts["timeouts"] == 1.0 for scored in by_kind["never ends"])
    assert all(scored.value == 0.05 for scored in by_kind["cut off"] if "expected" in scored.note)


# -- the imports that judges provide ---------------------------------------------------------------------------------

GCD = {
    "stdin": ("a, b = map(int, input().split())\nprint({})", {"inputs": ["4 6"], "outputs": ["2"]}),
    "calls": ("def f(a, b):\n    return {}", {"inputs": [[4, 6]], "outputs": [2], "fn_name": "f"}),
    "method": (
        "class Solution:\n    def f(self, a: int, b: Optional[int]) -> List[int]:\n        return {}",
        {"inputs": ["4\n6"], "outputs": ["2"], "fn_name": "f"},
    ),
}


@pytest.mark.parametrize("kind", GCD)
@pytest.mark.parametrize(
    "value",
    [
        "math.gcd(a, b)",
        "gcd(a, b)",
        "reduce(gcd, [a, b])",
        "Counter([a, a, b])[a]",
        "len(collections.deque([a, b]))",
        "min(mean([2, 2]), len(sorted([a, b], key=itemgetter)) if 0 else 2)",
        "int(re.sub('x', '2', 'x'))",
        "bisect([1, 2], 3)",
        "loads('2')",
        "copy.deepcopy([2])[0]",
        "pow(gcd(a, b), 1, 5)",
        "len(ascii_lowercase) - 24",
        "0 if maxsize < 0 else 2",
    ],
)
def test_what_prime_and_livecodebench_import_need_not_be_imported(kind, value):
    """Their checkers put the imports in front of stdin programs and functions alike."""
    code, row = GCD[kind]
    assert score(code.format(value), row).note == ""


@pytest.mark.parametrize(
    "code",
    [
        "def gcd(a, b):\n    return 2\na, b = map(int, input().split())\nprint(gcd(a, b) if inf else 0)",
        "a, b = map(int, input().split())\nfor e in [2]: pass\nprint(e)",
        "from math import floor as ceil\na, b = map(int, input().split())\nprint(ceil(2.5))",
        "import re as math\na, b = map(int, input().split())\nprint(math.sub('x', '2', 'x'))",
        "a, b = map(int, input().split())\ntry:\n    count\nexcept NameError:\n    pass\ncount = 2\nprint(count)",
    ],
)
def test_a_programs_own_names_win(code):
    assert score(code, GCD["stdin"][1]).note == ""


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ("n = 1\nprint(gcd(n, 2))", 2),
        ("# told\nprint(gcd(1, 2))", 2),
        ("\ndef f():\n    return gcd(1, 2)", 3),
        ("from __future__ import annotations\ndef f(): return gcd(1, 2)", 2),
        ("import sys\ndef f(): return gcd(1, 2)", 2),
        ('"""told\nat length"""\nprint(gcd(1, 2))', 3),
    ],
)
def test_no_line_moves_where_an_import_fits_on_the_first(program, lines):
    made = with_imports(program)
    assert "from math import *" in made
    assert made.splitlines()[1:] == program.splitlines()[1:]
    assert len(made.splitlines()) == lines
    compile(made, "program", "exec")


def test_a_program_that_needs_nothing_stays_as_it_is():
    for code in (ADD, "import math\nprint(math.pi)", "from collections import *\nprint(Counter())", " x = gcd(1, 2)"):
        assert with_imports(code) == code


def test_an_import_that_no_judge_provides_is_still_missing():
    assert "NameError" in score("print(numpy.gcd(4, 6))", GCD["stdin"][1]).note


# -- the value -------------------------------------------------------------------------------------------------------


def test_the_share_of_the_tests_that_pass_or_all_of_them():
    half = "a, b = map(int, input().split())\nprint(3)"
    assert score(half, EURUS).value == 0.55
    assert score(half, EURUS, all_or_nothing=True).value == 0.05
    assert score(half, EURUS, format_bonus=0).value == 0.5
    assert score(half, EURUS).note == "test 2 of 2: another output"


def test_all_tests_count_and_a_cap_is_said():
    """E8: when not all passed, the first ten alone made the pass rate."""
    row = {"inputs": [str(n) for n in range(40)], "outputs": [str(n if n < 10 else n + 1) for n in range(40)]}
    assert score("print(input())", row).parts["pass_rate"] == 0.25
    assert score("print(input())", row, profile="released").parts["pass_rate"] == 1.0
    capped = score("print(input())", row, cap=8)
    assert capped.parts["pass_rate"] == 0.25
    assert capped.note.startswith("8 of 40 tests; ")


def test_format_credit_survives_when_nothing_passes():
    """E1: the released reward crashed exactly there."""
    assert score("print(0)", EURUS).value == 0.05
    assert score("print(0)", EURUS, profile="released").value == 0.0


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (program(ADD), 1.05),
        (f"```python\n{ADD}\n```", 1.0),
        (f"<answer>{ADD}</answer>", 1.0),
        (f"```python\n{ADD}", 1.0),
        (program("print(0)") + program(ADD), 1.05),
        (program(ADD) + program("print(0)"), 0.05),
        (f"```python\nprint(0)\n```\nno:\n```python\n{ADD}\n```", 1.0),
        ("<answer></answer>", 0.0),
        ("<answer>\n```python\n\n```\n</answer>", 0.0),
        ("", 0.0),
    ],
)
def test_the_program_is_the_last_block_of_the_last_answer(completion, expected):
    assert UnitTests()([completion], [EURUS]).values[0] == expected


TWICE = {"test": "from solution import Box, twice\ndef test_it(): assert twice(Box(4)) == 8"}
BOX = "class Box:\n    def __init__(self, n): self.n = n\n"
DOUBLE, TRIPLE = "def double(n): return 2 * n\n", "def double(n): return 3 * n\n"
ON_DOUBLE = "def twice(box): return double(box.n)\n"
WITH_FENCE = "def twice(box):\n    '''\n    ```python\n    twice(Box(1))\n    ```\n    '''\n    return 2 * box.n\n"
READ, SUM = "a, b = map(int, input().split())\n", "def add(a, b): return a + b\n"


@pytest.mark.parametrize(
    ("blocks", "row", "expected"),
    [
        ([BOX, DOUBLE, ON_DOUBLE], TWICE, 1.0),
        ([BOX, ON_DOUBLE, DOUBLE], TWICE, 1.0),
        ([BOX, TRIPLE, DOUBLE, ON_DOUBLE], TWICE, 1.0),
        ([BOX, DOUBLE, TRIPLE, ON_DOUBLE], TWICE, 0.0),
        (["import operator as op\n" + BOX, "def twice(box): return op.mul(box.n, 2)\n", "twice(Box(1))\n"], TWICE, 1.0),
        ([BOX + DOUBLE + ON_DOUBLE, "def twice(box: Box) -> int: ...\n"], TWICE, 1.0),
        ([BOX + WITH_FENCE], TWICE, 1.0),
        (["\ufeff" + BOX + "def twice(box): return 2 * box.n\n"], TWICE, 1.0),
        ([SUM, READ + "print(add(a, b))\n"], EURUS, 1.0),
        ([READ + "print(a + b)\n", "import subprocess\nsubprocess.run(['python', 'a.py'], input='1 2')\n"], EURUS, 1.0),
        (["def add(a, b): return a - b\n", READ + "print(add(a, b))\n"], EURUS, 0.0),
    ],
    ids=[
        *("in pieces", "a helper behind", "the last helper", "the last helper is wrong", "imports and a demonstration"),
        *("a head behind", "a fence in a docstring", "a mark of byte order", "a reader", "no reader", "a wrong helper"),
    ],
)
def test_a_program_may_be_given_in_pieces(blocks, row, expected):
    completion = "\n".join(f"So:\n```python\n{block}```" for block in blocks)
    assert UnitTests()([completion], [row]).values[0] == expected


def test_the_first_timeout_stops_the_program_and_is_told():
    row = {"inputs": ["1"] * 30, "outputs": ["1"] * 30}
    scored = score("n = input()\nwhile True: pass", row, cpu_s=0.2)
    assert (scored.value, scored.parts["timeouts"], scored.note) == (0.05, 1.0, "test 1 of 30: timeout_cpu")
    late = score(
        "import os\nn = input()\nwhile n == '2': pass\nprint(n)",
        {"inputs": ["1", "2", "1"], "outputs": ["1", "2", "1"]},
        cpu_s=0.2,
    )
    assert late.parts["pass_rate"] == pytest.approx(1 / 3)


# -- attacks ---------------------------------------------------------------------------------------------------------

CALLS = {"inputs": [[1, 2], [3, 5]], "outputs": [3, 8], "fn_name": "add"}
ASSERTS = {"test_list": ["assert add(1, 2) == 3", "assert add(3, 5) == 8"]}
HACKS = [
    "class E(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\ndef add(a, b): return E(0)",
    "class E:\n    def __eq__(self, o): return True\ndef add(a, b): return E()",
    "class T(type):\n    def __eq__(s, o): return True\ndef add(a, b): return T('x', (), {})",
    "def add(a, b):\n    import os\n    os._exit(0)",
    "def add(a, b):\n    raise SystemExit(0)",
    "import builtins\nbuiltins.AssertionError = ValueError\ndef add(a, b): return 0",
    "import sys\ndef add(a, b):\n    return sys._getframe(1).f_locals.get('expected', 0)",
    "import gc\ndef add(a, b):\n    return next((o for o in gc.get_objects() if o == [3, 8]), 0)",
    "import os\nfor fd in range(64):\n    try: os.write(fd, b'[1, 1]\\n')\n    except OSError: pass\n"
    "def add(a, b): return 0",
    "import unittest, sys\nunittest.TestCase.assertEqual = lambda *a: None\nsys.modules['pytest'] = None\n"
    "def add(a, b): return 0",
    "def check(*a): pass\ndef add(a, b): return None",
    "def add(a, b): return float('nan')",
    "def add(a, b): return [3, 8]",
    "def add(a, b): return str(a + b)",
    "add = type('A', (), {'__call__': lambda s, a, b: s, '__eq__': lambda s, o: True})()",
]


@pytest.mark.parametrize("row", [CALLS, ASSERTS], ids=["calls", "asserts"])
def test_no_trick_passes_a_test(row):
    scores = UnitTests(cpu_s=0.3)([program(code) for code in HACKS], [row] * len(HACKS))
    assert {code: v for code, v in zip(HACKS, scores.parts["pass_rate"], strict=True) if v} == {}
    assert set(scores.status) == {"scored"}


def test_stdin_tricks_pass_no_test():
    hacks = [
        "import sys; sys.exit(0)",
        "print('3\\n7')",
        "print(3, 7)",
        "print(open('/proc/self/fd/0').read())",
        "print('PASS')",
    ]
    hacks += [
        "import os; os.write(1, b'3' * 2_000_000)",
        "print('3' + chr(0))",
        "print('03')",
        "print('3.0')",
        "print('inf')",
    ]
    scores = UnitTests()([program(code) for code in hacks], [EURUS] * len(hacks))
    assert not scores.parts["pass_rate"].any()


def test_an_assertion_that_does_not_depend_on_the_code_is_no_test():
    tests = UnitTestsReference.of("assert True\nassert 1 == 1\nassert add(1, 1) == 2")
    assert tests.count == 1
    with pytest.raises(BadReference, match="no test"):
        UnitTestsReference.of("assert True")


def test_a_silent_program_cannot_be_right_by_the_data_alone():
    with pytest.raises(BadReference, match="prints nothing"):
        UnitTestsReference.of([["1", ""], ["2", " \n"]])


def test_a_pickle_that_imports_is_refused_and_nothing_runs():
    evil = base64.b64encode(zlib.compress(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")).decode()
    with pytest.raises(BadReference, match=r"posix|os\.system|system"):
        UnitTestsReference.from_row({"private_test_cases": evil})
    bomb = base64.b64encode(zlib.compress(b"0" * (65 << 20))).decode()
    with pytest.raises(BadReference, match="64 MB"):
        UnitTestsReference.from_row({"private_test_cases": bomb})


# -- comparing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("1 2\n", "1 2", True),
        ("1 2", "  1   2  \n\n", True),
        ("0.1", "0.10000000001", True),
        ("1e-3", "0.001", True),
        ("10", "10.0", False),
        ("0.5", "nan", False),
        ("0.5", "0.50001", False),
        ("a b", "a\nb", False),
        ("b a", "a b", False),
        ("Yes", "YES", False),
        ("1000000007", "1000000008", False),
    ],
)
def test_outputs_are_equal_word_by_word(expected, printed, same):
    assert same_output(expected, printed) is same


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_an_output_equals_itself_in_other_spacing(text):
    assert same_output(text, text)
    assert same_output(text, "\n".join(f"  {line}  " for line in text.splitlines()) + "\n\n")


# -- life ------------------------------------------------------------------------------------------------------------


def test_rows_without_tests_are_unscored_and_named():
    rows = [
        {},
        {"ground_truth": ""},
        {"test": "def f("},
        {"inputs": ["1"], "outputs": []},
        {"inputs": [[1]], "outputs": [2]},
    ]
    scores = UnitTests()([program(ADD)] * 5, rows)
    assert scores.status.tolist() == ["inapplicable"] + ["unscored"] * 3 + ["scored"]
    assert "'inputs'" in scores.notes[0]
    assert all("reference unusable" in note for note in scores.notes[1:4])


def test_tests_that_cannot_be_set_up_are_unscored_not_wrong():
    scored = score("def g(x): return x", {"test": "import nothing_of_the_kind\nassert g(1) == 1"})
    assert scored.status == "unscored"
    assert "nothing_of_the_kind" in scored.note


@pytest.mark.parametrize(
    "options", [{"cap": 0}, {"cap": True}, {"format_bonus": 2}, {"all_or_nothing": 1}, {"cpu_s": -1}]
)
def test_options_that_cannot_work_are_refused_at_once(options):
    with pytest.raises(ConfigurationError):
        UnitTests(**options)


def test_it_pickles_and_scores_without_blocking():
    reward = pickle.loads(pickle.dumps(UnitTests(cap=None)))
    assert asyncio.run(reward.score([program(ADD)], [EURUS])).values.tolist() == [1.05]


def test_runners_behind_the_tests_are_not_tests():
    tests = split_tests("def test_a():\n    assert g(1) == 1\n\ntest_a()\nif __name__ == '__main__':\n    test_a()")
    assert (tests.tests, tests.entry_points) == (("test_a",), ("g",))


@pytest.mark.parametrize(
    "prompt", ["def add(a, b):\n", "def add(a, b):", "import math\n\n\ndef add(a: int, b: int) -> int:\n"]
)
def test_a_prompt_that_is_only_the_head_of_the_function_loses_no_whole_function(prompt):
    row = {
        "prompt": prompt,
        "entry_point": "add",
        "test": "def check(f):\n    assert f(1, 2) == 3\n    assert f(2, 2) == 4\n",
    }
    right, wrong = "```python\ndef add(a, b):\n    return a + b\n```", "```python\ndef add(a, b):\n    return a\n```"
    body = "```python\n    return a + b\n```"
    values = UnitTests(format_bonus=0.0)([right, wrong, body], [row] * 3).values.tolist()
    assert values == [1.0, 0.0, 1.0]
