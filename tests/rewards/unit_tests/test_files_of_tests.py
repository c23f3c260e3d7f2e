"""Whole test files: what no program can pass leaves the row unscored, whatever the program says; the rest is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from table_rewards import UnitTests
from table_rewards.rewards.unit_tests.asserts import split_tests

RIGHT, NOTHING, ENDS = "def f(x): return x + 1", "def f(x): return None", "raise SystemExit(0)"
LACKS = "raise ModuleNotFoundError(\"No module named 'nowhere_at_all'\", name='nowhere_at_all')"


@pytest.fixture(scope="module")
def reward() -> UnitTests:
    return UnitTests(cpu_s=4.0, format_bonus=0.0)


def judged(reward: UnitTests, row: Mapping[str, Any], programs: Sequence[str]) -> list[float]:
    return reward([f"```python\n{program}\n```" for program in programs], [row] * len(programs)).values.tolist()


def test_an_imported_generator_named_like_a_test_is_no_test(reward):
    """pytest 8.4 refuses the whole file for it; the files of KodCode were written for an older one."""
    file = (
        "import pytest\nfrom heapq import merge as test_merge\nfrom solution import f\ndef test_f(): assert f(1) == 2"
    )
    assert judged(reward, {"test": file}, [RIGHT, NOTHING, ENDS]) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "file",
    [
        "import pytest\nfrom solution import f\n@pytest.mark.parametrize('a, b', [(1,)])\n"
        "def test_f(a, b): assert f(a) == b",
        "import pytest\nfrom solution import f\ndef test_f(no_such_fixture): assert f(1) == 2",
        "import nowhere_at_all\nfrom solution import f\ndef test_f(): assert f(1) == 2",
        "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test_f(self):\n"
        "        import nowhere_at_all\n        self.assertEqual(f(1), 2)",
        "import pytest\nfrom solution import f\ndef test_f():\n    import nowhere_at_all\n    assert f(1) == 2",
    ],
    ids=["parameters that do not fit", "a fixture", "a module", "a module in a method", "a module in a function"],
)
def test_what_no_program_can_pass_is_unscored(reward, file):
    values = judged(reward, {"test": file}, [RIGHT, NOTHING, f"def f(x):\n    {LACKS}"])
    assert np.isnan(values).all(), values


@pytest.mark.parametrize(
    "file",
    [
        "from solution import f\nFOUND = f(1)\ndef test_f(): assert FOUND == 2",
        "import pytest\nfrom solution import f\n@pytest.mark.parametrize('a', [f(1)])\ndef test_f(a): assert a == 2",
        "import pytest\nfrom solution import f\n@pytest.fixture\ndef found(): return f(1)\n"
        "def test_f(found): assert found == 2",
        "import math\nfrom solution import f\ndef test_f():\n    import math\n    assert f(1) == 2",
    ],
    ids=["in the file", "in parameters", "in a fixture", "in a test"],
)
def test_a_program_that_says_the_same_is_wrong_and_not_unscored(reward, file):
    programs = [
        f"def f(x):\n    {LACKS}", LACKS, "import nowhere_at_all\n" + RIGHT,
        "def f(x): raise LookupError(\"fixture 'found' not found\")", RIGHT,
    ]  # fmt: skip
    assert judged(reward, {"test": file}, programs) == [0.0, 0.0, 0.0, 0.0, 1.0]


def test_the_tests_may_call_the_program_by_a_name_of_their_own(reward):
    """Exercism's tests, and those of Aider's benchmark, import from ``two_fer``."""
    file = (
        "import unittest\nfrom unittest import mock\nfrom two_fer import two_fer\nimport two_fer as module\n"
        "class T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(two_fer(), 'One for you')\n"
        "    def test_patched(self):\n        with mock.patch('two_fer.NAME', 'me'):\n"
        "            self.assertEqual(module.two_fer(), 'One for me')\n"
    )
    right = "NAME = 'you'\ndef two_fer(): return 'One for ' + NAME"
    assert judged(reward, {"test": file}, [right, "def two_fer(): return 'One for you'", "x = 1"]) == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("from two_fer import f\ndef test_f(): assert f(1) == 2", ("two_fer",)),
        ("from pack.inner import f\ndef test_f(): assert f(1) == 2", ("pack", "pack.inner")),
        ("import numpy as np\nfrom two_fer import f\ndef test_f(): assert f(1) == 2", ("two_fer",)),
        ("import strange\nfrom solution import f\ndef test_f(): assert f(strange.x) == 2", ()),
        ("import strange\ndef test_f(): assert f(strange.x) == 2", ()),
    ],
)
def test_one_strange_module_is_the_program_only_where_nothing_else_can_be(file, expected):
    assert split_tests(file).modules == expected


def test_a_module_that_helps_the_tests_is_not_the_program():
    with pytest.raises(ValueError, match="import from two_fer, helpers: which"):
        split_tests("from two_fer import f\nfrom helpers import g\ndef test_f(): assert f(1) == g(2)")


def test_the_imports_of_a_classeval_row_are_there_for_program_and_tests(reward):
    row = {
        "import_statement": ["import math", "from collections import deque"],
        "test": "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        "        self.assertEqual(Ring(deque([4])).root(), math.sqrt(4))",
    }
    right = "class Ring:\n    def __init__(self, d): self.d = d\n    def root(self): return math.sqrt(self.d[0])"
    assert judged(reward, row, [right, right.replace("math.sqrt", "float")]) == [1.0, 0.0]
    lacking = {**row, "import_statement": ["import nowhere_at_all"]}
    assert np.isnan(judged(reward, lacking, [right, ENDS])).all()


def test_a_copy_of_the_solution_in_the_test_file_is_not_what_is_tested(reward):
    file = "def f(x): return x + 1\ndef test_f():\n    assert f(1) == 2"
    named = {"test": file, "test_info": [{"function_name": "f"}]}
    assert judged(reward, named, [RIGHT, NOTHING, "x = 1"]) == [1.0, 0.0, 0.0]
    assert np.isnan(judged(reward, {"test": file}, [RIGHT])).all()  # nobody says which function is asked for


def test_signatures_and_notes_are_those_of_the_program(reward):
    """They are told without ``inspect``, which is imported where a test asks for them."""
    file = (
        "import inspect\nimport unittest\nfrom solution import f, g\nclass T(unittest.TestCase):\n"
        "    def test_it(self):\n"
        "        self.assertEqual(str(inspect.signature(f)), '(a: int, /, b, *more, c=3, d, **rest) -> str')\n"
        "        self.assertEqual(f.__annotations__, {'a': int, 'return': str})\n"
        "        self.assertEqual(list(inspect.signature(g).parameters), ['a', 'b'])\n"
        "        self.assertEqual(inspect.signature(g).parameters['b'].default, 2)\n"
    )
    right = (
        "import functools\ndef f(a: int, /, b, *more, c=3, d, **rest) -> str: return ''\n"
        "def plain(a, b=2): return a\n@functools.wraps(plain)\ndef g(*args): return plain(*args)\n"
    )
    wrong = right.replace("c=3", "c=4")
    assert judged(reward, {"test": file}, [right, wrong]) == [1.0, 0.0]


@pytest.mark.parametrize(
    "row",
    [
        {"test_list": ["assert f(1) == 2", "assert f(2) == 3"]},
        {"test": "from solution import f\ndef test_a(): assert f(1) == 2\ndef test_b(): assert f(2) == 3"},
        {"inputs": [[1], [2]], "outputs": [[2], [3]], "fn_name": "f"},
    ],
    ids=["asserts", "file", "calls"],
)
def test_a_program_that_ends_while_it_is_loaded_has_passed_nothing(reward, row):
    """No framework gets to the tests of a module that exits on import, with whatever exit code."""
    ends = ("raise SystemExit", "import sys; sys.exit(0)", "exit()", "import os; os._exit(0)", "import os; os.abort()")
    assert judged(reward, row, [f"{RIGHT}\n{end}" for end in ends]) == [0.0] * len(ends)
    assert judged(reward, row, [f"{RIGHT}\nif __name__ == '__main__':\n    exit()"]) == [1.0]


def test_a_function_may_close_or_replace_standard_output(reward):
    row = {"test_list": ["assert f(1) == 2", "assert f(2) == 3"]}
    changes = (
        "sys.stdout.close()", "sys.stdout = io.StringIO()", "sys.stdout = open('printed', 'w')", "sys.stderr.close()",
        "sys.stdout = sys.__stdout__; print('seen')",
    )  # fmt: skip
    programs = [f"import io, sys\ndef f(x):\n    {change}\n    return x + 1" for change in changes]
    assert judged(reward, row, programs) == [1.0] * len(changes)


@pytest.mark.parametrize("returned", ["{3: {4: True}}", "{'3': {'4': True}}"])
def test_digits_as_keys_of_an_expected_result_are_numbers_or_text(reward, returned):
    """JSON writes both alike; the checkers of PRIME and LiveCodeBench each take one of them."""
    row = {"inputs": [[1]], "outputs": [{"3": {"4": True}}], "fn_name": "f"}
    wrong = returned.replace("True", "False")
    assert judged(reward, row, [f"def f(x): return {returned}", f"def f(x): return {wrong}"]) == [1.0, 0.0]


HEAD = "import pytest\nfrom solution import f\ndef test_one():\n    assert f(1) == 2\n"
CASE = (
    "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n"
    "    def test_one(self): self.assertEqual(f(1), 2)\n"
)
MAKES = "def make(n):\n    def made(*self): assert f(n) == n + 1\n    return made\n"
MADE = {
    "another name": HEAD + "def check(): assert f(2) == 3\ntest_two = check",
    "a loop over globals": HEAD + MAKES + "for n in (2, 3):\n    globals()[f'test_{n}'] = make(n)",
    "a closure": HEAD + MAKES + "test_two = make(2)",
    "a class": HEAD + MAKES + "TestTwo = type('TestTwo', (), {'test_it': make(2)})",
    "a loop over methods": CASE + MAKES + "for n in (2, 3):\n    setattr(T, f'test_{n}', make(n))",
    "a method's other name": CASE + "    def check(self): self.assertEqual(f(2), 3)\n    test_two = check",
    "load_tests": CASE + MAKES + "def load_tests(loader, tests, pattern):\n"
    "    tests.addTest(unittest.FunctionTestCase(make(2)))\n    return tests",
}  # fmt: skip


@pytest.mark.parametrize("how", MADE)
def test_tests_that_a_file_makes_while_it_runs_are_run(reward, how):
    values = judged(reward, {"test": MADE[how]}, [RIGHT, "def f(x): return 2", NOTHING, ENDS])
    assert values == [1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize(
    "file",
    [
        "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n"
        "    async def test_it(self): self.assertEqual(f(2), 3)",
        "import pytest\nimport unittest\nfrom solution import f\nclass T(unittest.TestCase):\n"
        "    async def test_it(self): self.assertEqual(f(2), 3)",
        "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n"
        "    def runTest(self): self.assertEqual(f(2), 3)",
        "from solution import f\nmatch 1:\n    case 1:\n        def test_it(): assert f(2) == 3",
        "from solution import f\ndef run(): assert f(2) == 3\nif __name__ == '__main__':\n    run()",
        "from solution import f\nif f(2) != 3:\n    raise ValueError",
    ],
    ids=["a coroutine of a plain TestCase", "the same under pytest", "runTest", "in a match", "a script", "a raise"],
)
def test_tests_that_their_framework_would_pass_over_are_run(reward, file):
    """unittest drops the coroutine of a plain ``TestCase`` with a warning, and calls it a pass."""
    assert judged(reward, {"test": file}, [RIGHT, "def f(x): return 2", NOTHING]) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "statement",
    [
        "try:\n    assert f(2) == 3\nexcept AssertionError:\n    print('no')",
        "try:\n    assert f(2) == 3\nexcept:\n    pass",
        "import contextlib\nwith contextlib.suppress(Exception):\n    assert f(2) == 3",
    ],
)
def test_an_assertion_that_the_test_catches_is_no_test(reward, statement):
    indented = statement.replace("\n", "\n    ")
    for file in (f"from solution import f\n{statement}", f"from solution import f\ndef test_it():\n    {indented}"):
        assert np.isnan(judged(reward, {"test": file}, [RIGHT, NOTHING])).all()
    beside = f"from solution import f\ndef test_it():\n    {indented}\ndef test_other(): assert f(1) == 2"
    assert judged(reward, {"test": beside}, [RIGHT, NOTHING]) == [1.0, 0.0]


def test_an_assertion_in_a_function_within_a_test_is_one(reward):
    file = (
        "from solution import f\ndef test_it():\n    def helper(n): assert f(n) == n + 1\n    helper(1)\n    helper(2)"
    )
    assert judged(reward, {"test": file}, [RIGHT, "def f(x): return 2", NOTHING]) == [1.0, 0.0, 0.0]


def test_an_error_that_the_test_expects_is_judged(reward):
    file = (
        "from solution import f\ndef test_it():\n    try:\n        f('a')\n        assert False\n"
        "    except TypeError:\n        pass"
    )
    assert judged(reward, {"test": file}, [RIGHT, NOTHING]) == [1.0, 0.0]


UNDER_PYTEST = """import pytest, unittest
from unittest import mock
from solution import f
class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.two = 2
    def setUp(self): self.one = 1
    @pytest.fixture(autouse=True)
    def found(self):
        self.found = f(1)
        yield
class T(Base):
    def test_it(self): self.assertEqual(f(self.two), 3)
    def test_parts(self):
        for n in (1, 2):
            with self.subTest(n=n): self.assertEqual(f(n), n + self.one)
    def test_fixture(self): self.assertEqual(self.found, 2)
    @mock.patch('builtins.print')
    def test_patched(self, patched): self.assertEqual(f(1), 2)
    @unittest.skip('not here')
    def test_skipped(self): self.fail()
    @unittest.expectedFailure
    def test_expected(self): self.assertEqual(f(1), 9)
@pytest.mark.parametrize('x', [1, 2])
def test_beside(x): assert f(x) == x + 1
"""


def test_classes_of_unittest_in_a_file_of_pytest_are_run(reward):
    assert judged(reward, {"test": UNDER_PYTEST}, [RIGHT, "def f(x): return 0", NOTHING, ENDS]) == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("mark", ["@unittest.skipIf(f(1) != 2, '')", "@pytest.mark.skipif(f(1) != 2, reason='')"])
def test_a_test_that_is_skipped_for_what_the_program_says_has_failed(reward, mark):
    file = f"import pytest, unittest\nfrom solution import f\n{mark}\ndef test_it(): assert f(2) == 3"
    assert judged(reward, {"test": file}, [RIGHT, NOTHING, ENDS]) == [1.0, 0.0, 0.0]
    own = file.replace("f(1) != 2", "True") + "\ndef test_other(): assert f(1) == 2"
    assert judged(reward, {"test": own}, [RIGHT, NOTHING]) == [1.0, 0.0]


@pytest.mark.parametrize(
    "program",
    [
        "import sys\nd = sys.stdin.read().split()\nclass P:\n    def __del__(self): print(total(d))\n"
        "def total(d): return sum(map(int, d))\np = P()",
        "class P:\n    def __init__(self, n): self.n = n\n    def __del__(self): print(self.n, end=end)\n"
        "a, b = input().split()\nend = ''\n_x = [P(int(a) + int(b))]",
    ],
    ids=["names", "a list"],
)
def test_what_a_program_prints_in_del_may_use_its_names(reward, program):
    row = {"inputs": ["1 2", "3 4"], "outputs": ["3", "7"]}
    assert judged(reward, row, [program, program.replace("int(a) +", "").replace("total(d)", "d[0]")]) == [1.0, 0.0]


def test_a_library_that_this_machine_has_not_is_blamed_on_who_asks_for_it(reward):
    head = "import nowhere_at_all\ndef f(x):\n    pass\n"
    tests = "from solution import f\ndef test_f(): assert f(1) == 2"
    for row in (
        {"prompt": head, "entry_point": "f", "test": "def check(candidate):\n    assert candidate(1) == 2"},
        {"code_prompt": head, "entry_point": "f", "test": tests},
        {"test": f"import pytest\nx = pytest.importorskip('nowhere_at_all')\n{tests}"},
    ):
        programs = [RIGHT, NOTHING, f"import nowhere_at_all\n{RIGHT}"]
        assert np.isnan(judged(reward, row, programs)).all(), row
    for program in (f"import nowhere_at_all\n{RIGHT}", f"{LACKS}\n{RIGHT}"):
        for row in ({"test": tests}, {"test_list": ["assert f(1) == 2"]}):
            scores = reward([f"```python\n{program}\n```"], [row])
            assert scores.values.tolist() == [0.0]
            assert "did not load: ModuleNotFoundError: No module named 'nowhere_at_all'" in scores.notes[0]


def test_a_program_cannot_say_that_its_tests_skip_an_import(reward):
    file = (
        "import pytest\nnp = pytest.importorskip('json')\nfrom solution import f\nf(0)\ndef test_f(): assert f(1) == 2"
    )
    lies = "class Skipped(Exception):\n    __module__ = 'builtins'\ndef f(x): raise Skipped('could not import j')"
    assert judged(reward, {"test": file}, [RIGHT, lies]) == [1.0, 0.0]


def test_tests_that_expect_a_recursion_error_run_at_the_interpreters_own_limit(reward):
    file = (
        "import sys, unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test_f(self):\n"
        "        with self.assertRaises(RecursionError): f(sys.getrecursionlimit() + 10)\n"
    )
    deep = "def f(n): return [n, *f(n - 1)] if n else []"
    assert judged(reward, {"test": file}, [deep, NOTHING]) == [1.0, 0.0]


def test_tests_of_two_modules_are_refused_for_what_they_are(reward):
    file = "from shapes import area\nfrom shapes_data import sides\ndef test_f(): assert area(sides) == 2"
    scores = reward([f"```python\n{RIGHT}\n```"], [{"test": file}])
    assert "import from shapes, shapes_data: which of them is the program" in scores.notes[0]
