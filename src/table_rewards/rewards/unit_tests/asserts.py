"""Test code cut into tests: asserts, ``check(candidate)``, pytest functions and classes, ``unittest`` classes.

Test code comes from the data set and is trusted; it is parsed here and run in the sandbox's trusted process, never
beside the model's code. Files of pytest and unittest are run whole, by the framework's own rules; here their tests are
only counted. An assertion that does not depend on the code under test is no test and is left out.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from table_rewards.rewards.unit_tests.program import provided_names
from table_rewards.sandbox.jobs import MODULES, Framework
from table_rewards.sandbox.worker.crossing import LIBRARIES
from table_rewards.sandbox.worker.wire import OTHERS


def _later(*names: str) -> tuple[type[ast.stmt], ...]:
    """Kinds of statements that older Pythons do not have."""
    return tuple(getattr(ast, name) for name in names if hasattr(ast, name))


_BUILTIN: Final = frozenset(dir(builtins)) | {"__file__", "__name__"}
_USUAL: Final = {
    "np": "import numpy as np", "numpy": "import numpy", "pd": "import pandas as pd", "pandas": "import pandas",
    "plt": "import matplotlib.pyplot as plt", "dt": "import datetime as dt", "pytest": "import pytest",
    "sp": "import sympy as sp",
    **{name: f"from PIL import {name}" for name in ("Image", "ImageChops", "ImageDraw", "ImageFilter", "ImageOps")},
}  # fmt: skip
# packages that tests use: never the program's, installed or not
_KNOWN: Final = LIBRARIES | {
    "pytest", "pytest_asyncio", "_pytest", "hypothesis", "parameterized", "mock", "freezegun", "nose", "testtools",
    "ddt", "faker", "sklearn", "torch", "tensorflow", "statsmodels", "seaborn", "plotly", "bs4", "lxml", "openpyxl",
    "docx", "PyPDF2", "nltk", "gensim", "cv2", "attr", "attrs", "pydantic", "dateutil", "pytz", "six", "flask",
    "typing_extensions", "django", "fastapi", "aiohttp", "httpx", "sqlalchemy", "tabulate", "regex", "Levenshtein",
    "psutil", "tqdm", "click",
}  # fmt: skip
_HOOKS: Final = ("setup_module", "setup_function", "setup_method", "setup_class", "teardown_module")
_COMPOUND: Final = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.Match, *_later("TryStar"))
_MAKES: Final = re.compile(r"\bglobals\(|\bsetattr\(|\btype\(['\"f]|\bexec\(")  # what may define a test while it runs
_ADDS: Final = re.compile(r"\bparameterized\b|\bexpand\b|\bddt\b|\bdata\(")
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


class SplitTests(NamedTuple):
    """``setup`` runs once before the tests, in their namespace, where ``entry_points`` stand for the model's code."""

    setup: str
    tests: tuple[str, ...]
    entry_points: tuple[str, ...]
    framework: Framework = "statements"
    modules: tuple[str, ...] = ()  # more names under which the tests have the program's module


def split_tests(code: str, entry_point: str = "", helpers: Sequence[str] = (), before: str = "") -> SplitTests:
    """Cut test code into tests; ``helpers`` are names that the problem's own source defines, ``before`` sets them up.

    >>> split_tests("from solution import add\\n\\ndef test_one():\\n    assert add(1, 1) == 2").tests
    ('test_one',)
    >>> split_tests("assert True\\nassert add(1, 1) == 2\\nx = add(2, 2)\\nassert x == 4").tests
    ('assert add(1, 1) == 2', 'x = add(2, 2)\\nassert x == 4')

    Raises:
        ValueError: it is not Python, there is no test in it, or a test that no framework runs, or it does not tell
            which of two names is the program's.
    """
    return _split(code, entry_point, tuple(helpers), before)


@lru_cache(maxsize=1024)
def _split(code: str, entry_point: str, helpers: tuple[str, ...], before: str) -> SplitTests:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in strings are the data set's business
        try:
            tree = ast.parse(code)
            first = ast.parse(before).body
            tree.body[:0] = first
        except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
            raise ValueError(f"the test code is not Python: {error}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            node.level, node.module = 0, "solution"
    modules = () if entry_point else _take_for_solution(tree)
    imported = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
        if alias.name != "*"
    ]
    names = _test_names(tree)
    free = _free(tree, imported)
    provided, own = _provided_or_own(tree, free, entry_point, imported, helpers)
    local = {node.name for node in tree.body if isinstance(node, (*_FUNCTION, ast.ClassDef))}
    if names and entry_point in local and not (imported or own or _modules(tree)):
        # a copy of the solution in the test file, which would be tested in place of the program
        tree.body = [node for node in tree.body if getattr(node, "name", "") != entry_point]
        local.remove(entry_point)
    given = [entry_point] if entry_point and entry_point not in local else []
    entry_points = tuple(dict.fromkeys([*given, *imported, *own]))
    if names:
        if not entry_points and not _modules(tree):
            raise ValueError(_uses_nothing(tree))
        return _file(tree, names, entry_points, provided)._replace(modules=modules)
    if not entry_points:
        entry_points = _shadowed_builtin(tree)
    _refuse_judges(tree, own)
    body = [node for node in tree.body[len(first) :] if not _is_main(node)]
    known = [*entry_points, *_modules(tree), *_stored(first)]
    kept, tests = _collect(body, known, entry_point)
    if not tests:  # they are run as a script, whose main part is the test
        body += [inner for node in tree.body if _is_main(node) for inner in getattr(node, "body", [])]
        kept, tests = _collect(body, known, entry_point)
    if not tests:
        raise ValueError("there is no test in the test code")
    setup = "\n".join([*provided, *map(ast.unparse, first), *map(ast.unparse, kept)])
    return SplitTests(setup, tuple(tests), entry_points, modules=modules)


def _uses_nothing(tree: ast.Module) -> str:
    strange = _strange(_imported_modules(tree))
    if len(strange) < 2:
        return "the tests use nothing of the program"
    return f"the tests import from {', '.join(strange)}: which of them is the program cannot be told"


def _imported_modules(tree: ast.Module) -> dict[str, list[str]]:
    """The modules that the tests import, by package."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                found.setdefault(name.split(".")[0], []).append(name)
    return found


def _strange(packages: Iterable[str]) -> list[str]:
    """The packages that are neither the standard library nor among the usual ones."""
    return [top for top in packages if top not in sys.stdlib_module_names and top not in _KNOWN]


def _take_for_solution(tree: ast.Module) -> tuple[str, ...]:
    """The names of the program's module where the tests call it by a name of its own (``from two_fer import two_fer``).

    That is the one package that they import beside the standard library and the usual ones, where they have nothing
    else that could be the program. The tree has ``solution`` in its place behind this.
    """
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    found = _imported_modules(tree)
    strange = _strange(found)
    if len(strange) != 1 or found.keys() & set(MODULES):
        return ()
    bound = [(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names]
    if [name for name in _free(tree, bound) if name not in _USUAL and name not in provided_names()]:
        return ()
    dotted = [name for name in found[strange[0]] if "." in name]
    bases = {n.value.id for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    for node in imports:  # ``from package import module``, as it looks
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == strange[0]:
            dotted += [
                f"{node.module}.{a.name}" for a in node.names if (a.asname or a.name) in bases and a.name.islower()
            ]
    for node in imports:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == strange[0]:
            node.module = "solution"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == strange[0] and (alias.asname or "." not in alias.name):
                    alias.asname, alias.name = alias.asname or alias.name, "solution"
    return tuple(dict.fromkeys([strange[0], *dotted]))


def _stored(body: Iterable[ast.stmt]) -> set[str]:
    names = (n for node in body for n in ast.walk(node) if isinstance(n, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


# -- files of a framework


def _file(tree: ast.Module, names: list[str], own: tuple[str, ...], provided: list[str]) -> SplitTests:
    local = {name.split(".")[0] for name in names}
    body = [node for node in tree.body if not _is_main(node) and not _runs_tests(node, local)]
    setup = "\n".join(
        [*map(ast.unparse, _future(body)), *provided, *[ast.unparse(n) for n in body if not _is_future(n)]]
    )
    return SplitTests(setup, tuple(names), own, "pytest" if _needs_pytest(tree) else "unittest")


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _future(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [node for node in body if _is_future(node)]


def _test_names(tree: ast.Module) -> list[str]:
    """The tests of a file as its framework names them, in order: also in conditions, inherited, in inner classes."""
    classes = {node.name: node for node in _statements(tree.body) if isinstance(node, ast.ClassDef)}
    found: list[str] = []
    for node in _statements(tree.body):
        if isinstance(node, _FUNCTION) and node.name.startswith("test") and not _is_fixture(node):
            _refuse_generator(node)
            found += [] if _cannot_fail(node) else [node.name]
        elif isinstance(node, ast.ClassDef):
            found += _methods(node, classes, node.name)
    if _makes_tests(tree):
        found.append(OTHERS)
    return list(dict.fromkeys(found))


def _makes_tests(tree: ast.Module) -> bool:
    """Whether the file may make tests while it runs: by assignment, in a loop, by a decorator of another package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) or node is tree:
            for item in _statements(getattr(node, "body", [])):
                targets = item.targets if isinstance(item, ast.Assign) else []
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                if any(name.startswith(("test_", "Test")) for name in names) and _may_be_test(item):
                    return True
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    tests = {name for name in functions if name.startswith("test")}
    if "load_tests" in functions or "__getattr__" in functions:
        return True
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            decorators = [decorator for item in (node, *node.body) for decorator in getattr(item, "decorator_list", [])]
            if any(_ADDS.search(ast.unparse(decorator)) for decorator in decorators) or any(
                not ast.unparse(decorator).startswith(("pytest.", "unittest.", "patch", "mock."))
                for decorator in node.decorator_list
            ):
                return True
        elif not isinstance(node, _FUNCTION) and not _is_main(node) and not _runs_tests(node, tests):
            called = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
            if _MAKES.search(ast.unparse(node)) or (isinstance(called, ast.Name) and called.id in functions):
                return True
    return False


def _may_be_test(item: ast.stmt) -> bool:
    return isinstance(item, ast.Assign) and isinstance(item.value, (ast.Call, ast.Name, ast.Attribute, ast.Lambda))


def _cannot_fail(node: ast.AST) -> bool:
    """Whether a test catches each of its own assertions, so that it passes whatever the program does."""
    waiting, judged = list(ast.iter_child_nodes(node)), False
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, (*_FUNCTION, ast.ClassDef, ast.Lambda)):
            if _judges(inner):
                return False  # called or not: who asserts in a function of its own is taken at its word
            continue
        judged = judged or isinstance(inner, ast.Assert) or _is_judge_call(inner, _JUDGES)
        waiting += ast.iter_child_nodes(inner)
    return judged and not _fails(node)


_SUPPRESSES: Final = re.compile(r"\bsuppress\(.*\b(?:AssertionError|Exception|BaseException)\b")
_JUDGES: Final = ("raises", "warns", "fail", "exit", "skip")


def _fails(node: ast.AST, judges: Iterable[str] = _JUDGES) -> bool:
    """Whether a statement can fail by an assertion: not one in a function that it only defines, nor one it catches."""
    if isinstance(node, (ast.Assert, ast.Raise)) or _is_judge_call(node, judges):
        return True
    inner: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, (ast.Try, *_later("TryStar"))):
        caught = any(map(_swallows, getattr(node, "handlers", [])))
        inner = [part for part in inner if not caught or part not in getattr(node, "body", [])]
    elif isinstance(node, ast.With) and any(_SUPPRESSES.search(ast.unparse(item)) for item in node.items):
        inner = []
    return any(_fails(part, judges) for part in inner if not isinstance(part, (*_FUNCTION, ast.ClassDef, ast.Lambda)))


def _swallows(handler: ast.ExceptHandler) -> bool:
    caught = "" if handler.type is None else ast.unparse(handler.type)
    if caught and not re.search(r"\b(AssertionError|Exception|BaseException)\b", caught):
        return False
    return not any(
        isinstance(inner, (ast.Raise, ast.Assert)) or _is_judge_call(inner, _JUDGES)
        for part in handler.body
        for inner in ast.walk(part)
    )


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, and those within its conditions and loops."""
    for node in body:
        yield node
        if isinstance(node, _COMPOUND) and not _is_main(node):
            for inner in (getattr(node, "body", []), getattr(node, "orelse", []), getattr(node, "finalbody", [])):
                yield from _statements(inner)
            for case in getattr(node, "cases", []):
                yield from _statements(case.body)
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _methods(node: ast.ClassDef, classes: dict[str, ast.ClassDef], path: str) -> list[str]:
    is_case = _is_test_case(node, classes)
    if not is_case and not node.name.startswith("Test"):
        return []
    if not is_case and any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in node.body):
        return []  # pytest does not collect it
    found: dict[str, None] = {}
    for part in _line(node, classes):
        for item in _statements(part.body):
            if isinstance(item, _FUNCTION) and item.name.startswith("test") and not _is_fixture(item):
                _refuse_generator(item)
                if not _cannot_fail(item):
                    found[f"{path}.{item.name}"] = None
    if is_case and not found:
        for part in _line(node, classes):
            if any(isinstance(item, _FUNCTION) and item.name == "runTest" for item in part.body):
                found[f"{path}.runTest"] = None
    inner: list[str] = []
    if not is_case:
        for item in node.body:
            if isinstance(item, ast.ClassDef):
                inner += _methods(item, {**classes, item.name: item}, f"{path}.{item.name}")
    return [*found, *inner]


def _line(node: ast.ClassDef, classes: dict[str, ast.ClassDef], depth: int = 0) -> list[ast.ClassDef]:
    """A class and the classes of the file that it inherits from."""
    line = [node]
    for base in node.bases:
        parent = classes.get(base.id) if isinstance(base, ast.Name) else None
        if parent is not None and parent is not node and depth < 20:
            line += _line(parent, classes, depth + 1)
    return line


def _is_test_case(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for part in _line(node, classes) for base in part.bases)


def _is_fixture(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def _refuse_generator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, (ast.Yield, ast.YieldFrom)):
            raise ValueError(f"{node.name} has a yield: no framework runs it")
        if not isinstance(inner, (*_FUNCTION, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(inner)


def _runs_tests(node: ast.stmt, local: set[str]) -> bool:
    """A call behind the tests that runs them: we run them ourselves."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = ast.unparse(node.value.func)
    last = function.split(".")[-1]
    return (
        function in local
        or function in ("exit", "quit", "sys.exit")
        or last in ("main", "run_tests", "run_module_suite")
    )


def _needs_pytest(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any(name.split(".")[0] in ("pytest", "pytest_asyncio") for name in names):
                return True
        if isinstance(node, ast.Name) and node.id == "pytest":
            return True
        if isinstance(node, _FUNCTION) and node.name in _HOOKS:
            return True
    classes = {node.name: node for node in _statements(tree.body) if isinstance(node, ast.ClassDef)}
    for node in _statements(tree.body):
        if isinstance(node, _FUNCTION) and node.name.startswith("test"):
            given = node.args
            if node.decorator_list or given.args or given.kwonlyargs or given.posonlyargs:
                return True
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test") and not _is_test_case(node, classes):
            return True
    return False


# -- statements


def _collect(
    body: Sequence[ast.stmt], entry_points: Sequence[str], entry_point: str
) -> tuple[list[ast.stmt], list[str]]:
    """What stays in the set-up, and the tests."""
    kept: list[ast.stmt] = []
    tests: list[str] = []
    loose: list[ast.stmt] = []
    judges = {node.name for node in body if isinstance(node, _FUNCTION) and _judges(node)}
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == "check" and entry_point and len(node.args.args) == 1:
            simple = _simple_asserts(node, entry_point)
            if simple:
                tests += simple
            else:
                kept.append(node)
                tests.append(f"check({entry_point})")
        elif isinstance(node, (*_FUNCTION, ast.ClassDef, ast.Import, ast.ImportFrom)):
            kept.append(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and tests):
            loose.append(node)  # a call behind the tests is their runner: we run them ourselves
    own = set(entry_points)
    for node in [*body, *body]:  # what calls what calls the program
        if isinstance(node, (*_FUNCTION, ast.ClassDef)) and own & {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name)
        }:
            own.add(node.name)
    chunks, rest = _chunks(loose, own, judges)
    if tests or not chunks:
        kept = sorted([*kept, *rest], key=lambda node: node.lineno)
    return kept, [*tests, *chunks]


def _judges(node: ast.AST) -> bool:
    return any(isinstance(inner, (ast.Assert, ast.Raise)) for inner in ast.walk(node))


def _chunks(
    body: Iterable[ast.stmt], entry_points: Iterable[str], judges: Iterable[str] = ()
) -> tuple[list[str], list[ast.stmt]]:
    """Statements cut behind every assert that depends on the code under test; the statements that are left."""
    tainted = set(entry_points)
    body = list(body)
    judges = {*judges, *(n.name for node in body for n in ast.walk(node) if isinstance(n, _FUNCTION) and _judges(n))}
    chunks: list[str] = []
    waiting: list[ast.stmt] = []
    for node in body:
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        touched = bool(used & tainted)
        has_assert = _fails(node, judges)
        if touched:
            tainted |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if isinstance(node, ast.Assert) and not touched:
            continue
        waiting.append(node)
        if has_assert and touched:
            chunks.append("\n".join(map(ast.unparse, waiting)))
            waiting = []
    return chunks, waiting


def _is_judge_call(node: ast.AST, judges: Iterable[str]) -> bool:
    """A call of a function that judges: one of the test code's own with an assert in it, or an ``assert_...``."""
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func).split(".")[-1]
    return name in judges or (name.startswith("assert") and name != "assert")


def _simple_asserts(check: ast.FunctionDef, entry_point: str) -> list[str]:
    """The asserts of a ``check(candidate)`` without loops and returns, each a test of its own; else nothing."""
    allowed = (ast.Assert, ast.Expr, ast.Assign, ast.Import, ast.ImportFrom, ast.Pass)
    if not all(isinstance(node, allowed) for node in check.body):
        return []
    name = check.args.args[0].arg
    chunks, rest = _chunks(check.body, [name, entry_point])
    if any(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in rest):
        return []
    return [f"{name} = {entry_point}\n{chunk}" if index == 0 else chunk for index, chunk in enumerate(chunks)]


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


# -- whose names they are


def _free(tree: ast.Module, imported: Sequence[str]) -> list[str]:
    """Names that the test code uses and binds nowhere."""
    bound: set[str] = set()
    used: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                used[node.id] = None
            else:
                bound.add(node.id)
        elif isinstance(node, (*_FUNCTION, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            bound.add(node.name)
    return [name for name in used if name not in bound and name not in _BUILTIN]


def _modules(tree: ast.Module) -> list[str]:
    """The names under which the test code has the program's module."""
    return [
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in MODULES
    ] + [
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
        if alias.asname
    ]


def _provided_or_own(
    tree: ast.Module, free: Sequence[str], entry_point: str, imported: Sequence[str], helpers: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The imports that the tests' side provides, and the names that come from the program.

    What judges a program must not come from it: modules of the standard library and their usual short names are
    imported here, also where the data set left that to the program. A bare name that the standard library has as well
    (``Counter``) is the library's where another name is the program's, and the program's where it is the only one.
    """
    bases: dict[str, set[str]] = {}
    for n in ast.walk(tree):
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name):
            bases.setdefault(n.value.id, set()).add(n.attr)
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    provided: list[str] = []
    own: list[str] = []
    doubtful: list[str] = []
    library = provided_names()
    for name in free:
        if name in helpers or name == entry_point:
            continue
        if name in _USUAL and name != entry_point and name in bases:
            provided.append(_USUAL[name])
        elif name in sys.stdlib_module_names and (name in bases or name == "datetime"):
            provided.append(_imported(name, bases.get(name, set())))
        elif library.get(name) and name not in called:
            provided.append(f"from {library[name]} import {name}")
        elif library.get(name):
            doubtful.append(name)
        elif name != "candidate" or not (entry_point or imported):
            own.append(name)
    if own or entry_point or imported or len(doubtful) > 1:
        asked = [] if own or entry_point or imported else doubtful[:1]
        provided += [f"from {library[name]} import {name}" for name in doubtful if name not in asked]
        own += asked
    else:
        own += doubtful
    return provided, own


def _imported(name: str, used: set[str]) -> str:
    """The import of a module, or of the class in it of the same name (``datetime``), by what is used of it."""
    module = importlib.import_module(name) if name in ("datetime", "time", "copy", "pprint", "glob") else None
    inner = getattr(module, name, None)
    if inner is None or (used and all(hasattr(module, attribute) for attribute in used)):
        return f"import {name}"
    return f"from {name} import {name}"


def _shadowed_builtin(tree: ast.Module) -> tuple[str, ...]:
    """The builtin that every assert calls, where no other name can be the program's: a task asks for ``filter``."""
    common: set[str] | None = None
    for node in tree.body:
        if isinstance(node, ast.Assert):
            called = {
                n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            } & _BUILTIN
            common = called if common is None else common & called
    return (next(iter(common)),) if common and len(common) == 1 else ()


def _refuse_judges(tree: ast.Module, own: Sequence[str]) -> None:
    """Refuse tests in which one name that nobody defines judges the result of another: both could be the program's."""
    for node in tree.body:
        call = node.test if isinstance(node, ast.Assert) else node.value if isinstance(node, ast.Expr) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in own):
            continue
        inner = {
            n.func.id
            for arg in call.args[:1]
            for n in ast.walk(arg)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        judged = sorted(inner & set(own) - {call.func.id})
        if judged and len(call.args) > 1:
            raise ValueError(f"nobody defines {call.func.id}, which judges {judged[0]}: both could be the program's")
