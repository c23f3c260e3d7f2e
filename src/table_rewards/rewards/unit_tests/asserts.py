"""Test code cut into tests: asserts, ``check(candidate)``, pytest functions and classes, ``unittest`` classes.

Test code comes from the data set and is trusted; it is parsed here and run in the sandbox's trusted process, never
beside the model's code. An assertion that does not depend on the code under test is no test and is left out.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

MODULES: Final = frozenset(("solution", "main", "submission", "answer", "your_module", "your_code", "candidate"))
_BUILTIN: Final = frozenset(dir(builtins)) | {"__file__"}

PYTEST: Final = """
class pytest:
    class raises:
        def __init__(self, kind, match=None):
            self.kind, self.match = kind, match
        def __enter__(self):
            return self
        def __exit__(self, kind, error, trace):
            if error is None:
                raise AssertionError("did not raise")
            self.value, self.type = error, kind
            if not isinstance(error, self.kind):
                return False
            if self.match is not None:
                import re
                assert re.search(self.match, str(error)), "another message"
            return True
    class approx:
        def __init__(self, expected, rel=None, abs=None, nan_ok=False):
            self.expected, self.rel, self.abs, self.nan = expected, rel, abs, nan_ok
        def __eq__(self, got):
            import math
            e = self.expected
            if isinstance(e, dict):
                return isinstance(got, dict) and e.keys() == got.keys() and all(self._like(e[k]) == got[k] for k in e)
            if isinstance(e, (list, tuple)):
                return isinstance(got, (list, tuple)) and len(e) == len(got) and all(
                    self._like(x) == y for x, y in zip(e, got))
            if isinstance(e, bool) or not isinstance(e, (int, float)) or not isinstance(got, (int, float)):
                return e == got
            if e != e:
                return self.nan and got != got
            rel = self.rel if self.rel is not None else 0.0 if self.abs is not None else 1e-6
            return math.isclose(e, got, rel_tol=rel, abs_tol=1e-12 if self.abs is None else self.abs)
        def _like(self, expected):
            return pytest.approx(expected, self.rel, self.abs, self.nan)
    class mark:
        @staticmethod
        def parametrize(names, cases, **_):
            names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
            def bind(test):
                old = getattr(test, "_cases", [{}])
                plain = [getattr(case, "values", case) for case in cases]
                rows = [dict(zip(names, [case] if len(names) == 1 else case)) for case in plain]
                test._cases = [{**a, **b} for a in old for b in rows]
                return test
            return bind
    class param:
        def __init__(self, *values, **_):
            self.values = values if len(values) > 1 else values[0]
    @staticmethod
    def fail(why=""):
        raise AssertionError(why)
    @staticmethod
    def fixture(*args, **_):
        return args[0] if args and callable(args[0]) else (lambda made: made)
""".strip()

RUN: Final = """
def _run_test(test, *self):
    for case in getattr(test, "_cases", [{}]):
        test(*self, **case)
""".strip()


class SplitTests(NamedTuple):
    """``setup`` runs once before the tests, in their namespace, where ``entry_points`` stand for the model's code."""

    setup: str
    tests: tuple[str, ...]
    entry_points: tuple[str, ...]


def split_tests(code: str, entry_point: str = "") -> SplitTests:
    """Cut test code into tests.

    >>> split_tests("from solution import add\\n\\ndef test_one():\\n    assert add(1, 1) == 2")
    SplitTests(setup='def test_one():...', tests=('test_one()',), entry_points=('add',))
    >>> split_tests("assert True\\nassert add(1, 1) == 2\\nx = add(2, 2)\\nassert x == 4").tests
    ('assert add(1, 1) == 2', 'x = add(2, 2)\\nassert x == 4')

    Raises:
        ValueError: it is not Python, or there is no test in it.
    """
    return _split(code, entry_point)


@lru_cache(maxsize=1024)
def _split(code: str, entry_point: str) -> SplitTests:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in strings are the data set's business
        try:
            tree = ast.parse(code)
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise ValueError(f"the test code is not Python: {error}") from None
    imported: list[str] = []
    body: list[ast.stmt] = []
    uses_pytest = False
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.level or node.module in MODULES):
            imported += [alias.name for alias in node.names if alias.name != "*"]
            body += [_assign(alias.asname, alias.name) for alias in node.names if alias.asname]
        elif isinstance(node, ast.Import) and [alias.name for alias in node.names] == ["pytest"]:
            uses_pytest = True
        elif not _is_main(node):
            body.append(node)
    entry_points = _entry_points(tree, [entry_point] if entry_point else [], imported)
    kept, tests = _collect(body, entry_points, entry_point)
    if not tests:
        raise ValueError("there is no test in the test code")
    parts = [PYTEST] if uses_pytest else []
    if any("_run_test(" in test for test in tests):
        parts.append(RUN)
    parts += map(ast.unparse, kept)
    return SplitTests("\n".join(parts), tuple(tests), entry_points)


def _collect(
    body: Sequence[ast.stmt], entry_points: Sequence[str], entry_point: str
) -> tuple[list[ast.stmt], list[str]]:
    """What stays in the set-up, and the tests."""
    kept: list[ast.stmt] = []
    tests: list[str] = []
    loose: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == "check" and entry_point and len(node.args.args) == 1:
            simple = _simple_asserts(node, entry_point)
            if simple:
                tests += simple
            else:
                kept.append(node)
                tests.append(f"check({entry_point})")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            kept.append(node)
            tests.append(f"_run_test({node.name})" if node.decorator_list else f"{node.name}()")
        elif isinstance(node, ast.ClassDef) and (_is_test_case(node) or node.name.startswith("Test")):
            kept.append(node)
            tests += _methods(node)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            kept.append(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and tests):
            loose.append(node)  # a call behind the tests is their runner: we run them ourselves
    chunks, rest = _chunks(loose, entry_points)
    if tests or not chunks:
        kept = sorted([*kept, *rest], key=lambda node: node.lineno)
    return kept, [*tests, *chunks]


def _chunks(body: Iterable[ast.stmt], entry_points: Iterable[str]) -> tuple[list[str], list[ast.stmt]]:
    """Statements cut behind every assert that depends on the code under test; the statements that are left."""
    tainted = set(entry_points)
    chunks: list[str] = []
    waiting: list[ast.stmt] = []
    for node in body:
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        touched = bool(used & tainted)
        has_assert = any(isinstance(n, ast.Assert) for n in ast.walk(node))
        if touched:
            tainted |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if isinstance(node, ast.Assert) and not touched:
            continue
        waiting.append(node)
        if has_assert and touched:
            chunks.append("\n".join(map(ast.unparse, waiting)))
            waiting = []
    return chunks, waiting


def _simple_asserts(check: ast.FunctionDef, entry_point: str) -> list[str]:
    """The asserts of a ``check(candidate)`` without loops and returns, each a test of its own; else nothing."""
    allowed = (ast.Assert, ast.Expr, ast.Assign, ast.Import, ast.ImportFrom, ast.Pass)
    if not all(isinstance(node, allowed) for node in check.body):
        return []
    name = check.args.args[0].arg
    chunks, _ = _chunks(check.body, [name, entry_point])
    return [f"{name} = {entry_point}\n{chunk}" if index == 0 else chunk for index, chunk in enumerate(chunks)]


def _methods(node: ast.ClassDef) -> list[str]:
    found = [item.name for item in node.body if isinstance(item, ast.FunctionDef) and item.name.startswith("test")]
    if _is_test_case(node):
        return [f"{node.name}({name!r}).debug()" for name in found]
    setup = any(isinstance(item, ast.FunctionDef) and item.name == "setup_method" for item in node.body)
    before = "_it.setup_method()\n" if setup else ""
    return [f"_it = {node.name}()\n{before}_run_test(_it.{name})" for name in found]


def _is_test_case(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for base in node.bases)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _assign(name: str | None, value: str) -> ast.stmt:
    return ast.parse(f"{name} = {value}").body[0]


def _entry_points(tree: ast.Module, given: Sequence[str], imported: Sequence[str]) -> tuple[str, ...]:
    """The names that stand for the model's code: given, imported from it, or used and bound nowhere."""
    bound: set[str] = {"pytest"}
    used: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                used[node.id] = None
            else:
                bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            ours = isinstance(node, ast.ImportFrom) and (node.level or node.module in MODULES)
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names if alias.asname or not ours}
    free = [name for name in used if name not in bound and name not in _BUILTIN]
    return tuple(dict.fromkeys([*given, *imported, *free]))
