"""Trusted tests against untrusted code: two processes, plain data, and nothing to forge."""

from __future__ import annotations

import pytest

from table_rewards.sandbox import Job, Limits, Sandbox

PASSING = [
    ("def f(x): return x + 1", "assert f(1) == 2", ["f"]),
    ("def f(x, *, k=0): return {x: [k, (x, None)]}", "assert f(1, k=2) == {1: [2, (1, None)]}", ["f"]),
    ("def f(x): x.append(1)", "l = [0]\nf(l)\nassert l == [0, 1]", ["f"]),
    ("def f(d, s): d['k'] = 1; s.clear()", "d, s = {}, {1}\nf(d, s)\nassert (d, s) == ({'k': 1}, set())", ["f"]),
    ("def f(g): return g(2) + 1", "assert f(lambda x: x * 10) == 21", ["f"]),
    ("def f(x): return (i * i for i in range(x))", "assert list(f(3)) == [0, 1, 4]", ["f"]),
    ("def f(x): return x", "def check(candidate):\n    assert candidate(3) == 3\ncheck(candidate)", ["f"]),
    ("class Solution:\n    def f(self, x): return x", "assert f(5) == 5", ["f"]),
    ("N = 7", "assert N == 7", ["N"]),
    (
        "class Stack:\n    def __init__(self): self.v = []\n    def push(self, x): self.v.append(x); return self\n"
        "    def __len__(self): return len(self.v)",
        "a = Stack()\na.push(3).push(4)\nassert len(a) == 2\nassert a.v == [3, 4]",
        ["Stack"],
    ),
    (
        "def f(x): raise ValueError('no')",
        "try:\n    f(1)\nexcept ValueError as e:\n    assert str(e) == 'no'\nelse: assert 0",
        ["f"],
    ),
    (
        "def f(x): return x",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(2), 2)\n"
        "r = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
        "assert r.wasSuccessful()",
        ["f"],
    ),
]


@pytest.mark.parametrize(("code", "test", "names"), PASSING)
def test_right_code_passes(sandbox: Sandbox, code: str, test: str, names: list[str]) -> None:
    outcome = sandbox.run(Job.tests(code, test, names))
    assert outcome.passed, (outcome.results, outcome.stderr)


FAILING = [
    "def f(x): return x",
    "raise RuntimeError",
    "def g(x): return 2",
    "import os; os._exit(0)",
    "def f(x):\n    import os; os._exit(0)",
    "def f(x): raise SystemExit(0)",
    "class E:\n    __eq__ = lambda s, o: True\n    __bool__ = lambda s: True\ndef f(x): return E()",
    "class I(int):\n    __eq__ = lambda s, o: True\ndef f(x): return I()",
    "def f(x): return f",
    "import os\ndef f(x):\n    for fd in range(3, 9):\n"
    "        try: os.write(fd, b'\\x02\\0\\0\\0{}' * 9)\n        except OSError: pass\n    return 2",
]


@pytest.mark.parametrize("code", FAILING)
@pytest.mark.parametrize(
    "test", ["assert f(1) == 2", "assert 2 == f(1)", "assert f(1) in (2,)", "assert not f(1) != 2"]
)
def test_wrong_code_and_tricks_fail(sandbox: Sandbox, code: str, test: str) -> None:
    outcome = sandbox.run(Job.tests(code, [test, test], ["f"]))
    assert not outcome.passed
    assert not outcome.is_ours


def test_an_object_of_the_code_is_true_as_python_says(sandbox: Sandbox) -> None:
    """Which is as much as a function that returns True can say; it equals nothing by its own word alone."""
    code = "class A:\n    __eq__ = lambda s, o: True\nclass B:\n    __len__ = lambda s: 0\ndef f(x): return (A, B)[x]()"
    tests = ["assert f(0)", "assert not f(1)", "assert f(0) == 2", "assert f(0) == f(0)", "assert f(1) != f(1)"]
    outcome = sandbox.run(Job.tests(code, tests, ["f"]))
    assert [result.status for result in outcome.results] == ["ok", "ok", "error", "error", "ok"]


def test_each_test_has_its_own_result_and_limit(sandbox: Sandbox) -> None:
    code = "def f(x):\n    while x == 3: pass\n    return x"
    tests = ["assert f(1) == 1", "assert f(2) == 1", "assert f(3) == 3", "assert f(4) == 4"]
    outcome = sandbox.run(Job.tests(code, tests, ["f"], limits=Limits(cpu_s=0.3)))
    assert [result.status for result in outcome.results] == ["ok", "error", "timeout_cpu", "not_run"]
    assert outcome.results[1].error.startswith("AssertionError")


def test_the_code_never_holds_a_test(sandbox: Sandbox) -> None:
    """Neither of this job nor of the one before it in the same slot."""
    code = """
import gc, sys
def f(x):
    word = ["SEC", "RET"]
    found = 0
    for o in gc.get_objects():
        try: found += "".join(word) in repr(o)[:100_000]
        except Exception: pass
    frame = sys._getframe()
    while frame:
        found += "".join(word) in repr(frame.f_locals)[:100_000]
        frame = frame.f_back
    return found
"""
    for _ in range(3):
        assert sandbox.run(Job.tests(code, "assert f(1) == 0  # SECRET", ["f"], limits=Limits(cpu_s=5))).passed
