"""The two processes of ``Job.tests``: the tests in one, the model's code in the other, a socket between them.

The tester never runs a line of the model's code, and what it receives is plain data or a stand-in, see :mod:`.mirrors`.
The candidate never sees a test. Only the tester can write a verdict: its frames carry a seal that the candidate's
process has never held.
"""

from __future__ import annotations

import importlib
import re
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from . import programs, pytest_run, wire, world
from .sides import CodeEnded, CodeSide, Solution, TestSide

Spec = dict[str, Any]
NAME = "test_solution"
SETUP, PROMPT = "test_solution.py", "prompt"
SKIPPED = b"S"
LOOKS_AT_SIGNATURES = ("inspect", "signature", "mock", "pydoc", "help(")


# -- the model's side


def run_candidate(spec: Spec, parts: list[bytes]) -> int:
    """Load the code, then serve calls until the tester hangs up."""
    sock = socket.socket(fileno=wire.PEER_FD)
    space = programs.new_module("solution")
    world.keep_warnings()
    status = programs.load(programs.prepare(spec, parts), space)
    if status:
        return status
    side = CodeSide(sock, space)
    try:
        while True:
            told = wire.receive_header(sock)
            side.take(told)
            side.send(side.serve(told))
    except (EOFError, OSError, CodeEnded):
        return 0


def rehearse() -> None:
    """Questions and answers in one process, so that those who are forked from it find every cache full."""
    kept = sys.stdout, sys.stderr
    ours, theirs = socket.socketpair()
    with ours, theirs:
        code, space = programs.new_module("solution"), programs.new_module(NAME)
        programs.load("def f(x):\n    return [x + 1]\n", code)
        there = CodeSide(theirs, code)
        sys.stdout, sys.stderr = kept
        here = TestSide(_Loop(ours, there))  # type: ignore[arg-type]
        space["f"] = here.look("f")
        for number in range(20):
            problem = one_test(f"assert f({number}) == [{number + 1}]", space)
            if problem:
                raise RuntimeError(f"a trivial test fails: {problem}")
    del sys.modules["solution"], sys.modules[NAME]


class _Loop:
    """A socket whose other end is served before the answer is read."""

    def __init__(self, sock: socket.socket, there: CodeSide) -> None:
        self.sock, self.there, self.recv = sock, there, sock.recv

    def sendall(self, data: bytes) -> None:
        self.sock.sendall(data)
        told = wire.receive_header(self.there.sock)
        self.there.take(told)
        self.there.send(self.there.serve(told))


# -- the tests' side


class Report:
    """Tells the verdicts, each once, in the order in which they are known."""

    module = NAME

    def __init__(self, spec: Spec, side: TestSide) -> None:
        self.seal = bytes.fromhex(spec["seal"])
        self.side = side
        self.setup = spec["setup"]
        names = "|".join(map(re.escape, [*spec["names"], *spec["modules"]]))
        self.skips_by_code = bool(re.search(rf"skip(?:if|If|Unless)\([^\n]*\b(?:{names})\b", self.setup))
        self.names = {name: index for index, name in enumerate(spec["items"])}
        self.count = len(spec["items"])
        self.told: set[int] = set()
        self.others: list[str] = []
        self.asked = self.calls_before = 0
        self.missed_before = self.missed = (
            0  # names that the code lacks: asked for by the set-up; until the test under way
        )

    def tell(self, index: int, error: str, status: bytes = b"") -> None:
        if index in self.told:
            return
        self.told.add(index)
        status = status or (b"E" if error else b"K")
        reason = error.encode("utf-8", "replace")
        wire.say(wire.TEST, self.seal + wire.LENGTH.pack(index) + status + wire.LENGTH.pack(len(reason)) + reason)

    def starts(self) -> None:
        """A test begins."""
        self.side.refused = ""
        self.asked, self.missed = self.side.asked, self.side.missed

    def untouched(self) -> bool:
        """Whether the test under way has asked the code nothing yet."""
        return not self.side.dead and not self.side.missed and self.side.asked == self.asked

    def verdict(self, name: str, error: str, skipped: bool = False, expected: bool = False) -> None:
        """The verdict of a test that a framework ran.

        A test that is skipped before it asks the code anything, or that is expected to fail, says nothing about the
        code; one that is skipped for what the code answered has not passed.
        """
        index = self.names.get(name)
        if index is None:
            if wire.OTHERS in self.names and not skipped:
                self.others.append(error or self.side.refused or (CODE_ENDED if self.side.dead else ""))
            self.side.refused = ""
            return
        problem = error or self.side.refused or (CODE_ENDED if self.side.dead else "")
        self.side.refused = ""
        if skipped and not problem:
            by_code = bool(self.skips_by_code and self.calls_before)
            missed = self.missed_before or self.side.missed != self.missed
            neutral = expected or (not missed and self.side.asked == self.asked and not by_code)
            self.tell(index, "skipped", SKIPPED if neutral else b"E")
        else:
            self.tell(index, problem)

    def fault(self, why: str) -> None:
        """The tests could not be set up, and the code had no part in it."""
        wire.say(wire.FAULT, self.seal + why.encode("utf-8", "replace"))

    def look(self, error: BaseException | None) -> None:
        """A test that imports what this machine has not says nothing about any program."""
        if error is not None and _lacking(error, self.setup):
            self.fault(programs.describe(error))

    def rest(self, why: str) -> None:
        for index in range(self.count):
            self.tell(index, why)

    def not_collectable(self, why: str) -> None:
        """The framework takes the file for no tests: a fault of the file, unless the code was asked anything for it."""
        if self.side.calls or self.side.missed or self.side.dead:
            self.rest(why)
        else:
            self.fault(why)

    def not_collected(self) -> None:
        """Tests that the file defines only under a condition, which did not hold."""
        if wire.OTHERS in self.names:
            problem = next(filter(None, self.others), "")
            if self.others or self.side.missed or self.side.dead:
                self.tell(self.names[wire.OTHERS], problem or ("" if self.others else CODE_ENDED))
            else:
                self.tell(self.names[wire.OTHERS], "no other tests", SKIPPED)
        neutral = not self.missed_before and not self.side.dead and not self.calls_before
        for index in range(self.count):
            self.tell(index, "not collected", SKIPPED if neutral else b"E")


CODE_ENDED = "the code ended: it has exited, crashed or not loaded"


def run_tester(spec: Spec, parts: list[bytes]) -> int:
    """Run the tests as their framework runs them; a test that ends without an exception has passed."""
    del parts
    side = TestSide(socket.socket(fileno=wire.PEER_FD))
    report = Report(spec, side)
    programs.fresh_state()
    sys.path[:] = [path for path in sys.path if path]  # what the code leaves in the directory is no module of ours
    module = Solution("solution", side, spec["modules"])
    for name in spec["modules"]:
        while name not in sys.modules:
            sys.modules[name] = module
            name = name.rpartition(".")[0] or name
    space = programs.new_module(NAME)
    space["__name__"] = NAME
    sys.modules["__main__"] = sys.modules["tests"] = sys.modules[NAME]
    try:
        if any(word in text for text in (spec["setup"], *spec["items"]) for word in LOOKS_AT_SIGNATURES):
            importlib.import_module("inspect")  # the stand-ins of functions are signed where it is there
        if "hypothesis" in spec["setup"]:
            _steady_hypothesis()
        absent = _helpers(spec["helpers"], space)
        if absent:
            report.fault(absent)
            return 0
        side.decorated = _decorated((spec["setup"], *spec["items"]), spec)
        missing = _names(spec, side, space)
        exec(programs.compiled(spec["setup"], SETUP), space)
    except BaseException as error:
        programs.print_error(error)
        lacking = _lacking(error, spec["setup"])
        if not lacking and (isinstance(error, CodeEnded) or side.calls or side.missed or side.dead):
            report.rest(programs.describe(error))
        else:
            report.fault(programs.describe(error))
        return 0
    report.calls_before, report.missed_before = side.calls, side.missed
    side.sign_waiting()
    world.follow_patches(side.follow)
    if missing and spec["framework"] == "statements" and len(spec["names"]) == 1:
        report.rest(missing)
        return 0
    try:
        RUN[spec["framework"]](spec, side, report, space)
    except BaseException as error:
        programs.print_error(error)
        report.rest(programs.describe(error))
    return 0


_DECORATED = re.compile(r"^[ \t]*@[^\n]*\n(?:[ \t]*(?:@[^\n]*)?\n)*[ \t]*class\b", re.MULTILINE)


def _decorated(texts: tuple[str, ...], spec: Spec) -> frozenset[str]:
    """The qualified names of the tests' classes that a decorator of the code stands at."""
    if not any(map(_DECORATED.search, texts)):
        return frozenset()
    import ast

    ours = {name.split(".")[0] for name in (*spec["names"], *spec["modules"], "solution", "candidate")}
    found: set[str] = set()

    def walk(node: ast.AST, within: str) -> None:
        for inner in ast.iter_child_nodes(node):
            path = within
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                path = f"{within}{inner.name}.<locals>."
            elif isinstance(inner, ast.ClassDef):
                path = f"{within}{inner.name}."
                for decorator in inner.decorator_list:
                    root: ast.AST = decorator
                    while isinstance(root, (ast.Call, ast.Attribute)):
                        root = root.func if isinstance(root, ast.Call) else root.value
                    if isinstance(root, ast.Name) and root.id in ours:
                        found.add(path[:-1])
            walk(inner, path)

    for text in texts:
        if "class " in text:
            walk(ast.parse(text), "")
    return frozenset(found)


def _lacking(error: BaseException, setup: str, file: str = SETUP) -> bool:
    """Whether the tests import a module that this machine has not: no program can pass them, whatever it says.

    The error is the import system's own, raised for an import statement of the tests; one that the code raises comes
    through the socket.
    """
    if (type(error).__module__, type(error).__name__) == ("builtins", "Skipped"):  # by pytest.importorskip
        return str(error).startswith("could not import ") and "importorskip" in setup
    if type(error) is not ModuleNotFoundError or type(error.name) is not str:
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename != file:
        return False
    line = setup.splitlines()[trace.tb_lineno - 1]
    return bool(re.match(rf"\s*(?:import|from)[ \t]+{re.escape(error.name.split('.')[0])}\b", line))


def _steady_hypothesis() -> None:
    """The same examples in each run, and no deadline for one: a question across the socket takes its time."""
    try:
        import hypothesis
    except ImportError:
        return  # the import of the tests says so
    settings = hypothesis.settings
    settings.register_profile(
        "steady", database=None, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
    )
    settings.load_profile("steady")


class _Beside:
    """In place of the socket, where the tests run in the code's own process."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space
        self.calls, self.missed, self.asked, self.dead, self.refused = 1, 0, 0, False, ""

    def look(self, name: str) -> Any:
        return programs.find(self.space, name)


def run_beside(spec: Spec, code: dict[str, Any], problem: str) -> None:
    """The tests in the code's own process."""
    side: Any = _Beside(code)
    report = Report(spec, side)
    if problem:
        report.rest(problem)
        return
    for name in spec["modules"]:
        sys.modules[name] = sys.modules["solution"]
    space = programs.new_module(NAME)
    space["__name__"] = NAME
    try:
        _helpers(spec["helpers"], space)
        _names(spec, side, space)
        exec(programs.compiled(spec["setup"], SETUP), space)
    except BaseException as error:
        report.rest(programs.describe(error))
        return
    RUN[spec["framework"]](spec, side, report, space)


def _helpers(source: str, space: dict[str, Any]) -> str:
    """What the problem's own source defines: the tests use it from here, never from the code under test.

    Returns what it imports and this machine has not: it stands in front of every program, so that none can run.
    """
    if source:
        try:
            exec(programs.compiled(source, PROMPT), space)
        except Exception as error:  # the head of a class alone, say: it has no helpers then
            programs.print_error(error)
            return programs.describe(error) if _lacking(error, source, PROMPT) else ""
    return ""


def _names(spec: Spec, side: TestSide, space: dict[str, Any]) -> str:
    """Put the asked names of the code in place; why one is missing."""
    problem = ""
    for name in spec["names"]:
        space.pop(name, None)
        try:
            space[name] = side.look(name)
        except (Exception, CodeEnded) as error:
            problem = programs.describe(error)
    if len(spec["names"]) == 1 and spec["names"][0] in space:
        space["candidate"] = space[spec["names"][0]]
    return problem


def run_statements(spec: Spec, side: TestSide, report: Report, space: dict[str, Any]) -> None:
    for index, test in enumerate(spec["items"]):
        problem = one_test(test, space)
        problem = problem or side.refused or (CODE_ENDED if side.dead else "")
        side.refused = ""
        report.tell(index, problem)


def one_test(test: str, space: dict[str, Any]) -> str:
    """Run one test; why it failed, or nothing."""
    try:
        exec(programs.compiled(test, "test"), space)
    except BaseException as error:
        programs.print_error(error)
        return programs.describe(error)
    return ""


def run_unittest(spec: Spec, side: TestSide, report: Report, space: dict[str, Any]) -> None:
    """Classes of ``unittest`` as it runs them, and functions without arguments."""
    import unittest

    classes = [value for value in space.values() if isinstance(value, type) and issubclass(value, unittest.TestCase)]
    await_methods(classes)
    loader = unittest.TestLoader()

    class Result(unittest.TestResult):
        def __init__(self) -> None:
            super().__init__()
            self.problem, self.skip, self.expected, self.under_way = "", False, False, False

        def startTest(self, test: Any) -> None:
            self.problem, self.skip, self.expected, self.under_way = "", False, False, True
            report.starts()
            super().startTest(test)

        def stopTest(self, test: Any) -> None:
            super().stopTest(test)
            self.under_way = False
            report.verdict(_name_of(test), self.problem, self.skip, self.expected)

        def _failed(self, test: Any, error: Any) -> None:
            programs.print_error(error[1])
            report.look(error[1])
            self.problem = self.problem or programs.describe(error[1]) or "failed"
            if not isinstance(test, unittest.TestCase):  # setUpClass, setUpModule
                where = str(test)
                for name in report.names:
                    if f".{name.rpartition('.')[0]})" in where or "Module" in where:
                        report.verdict(name, self.problem)

        addError = addFailure = _failed  # type: ignore[assignment]

        def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:
            if error is not None:
                self._failed(test, error)

        def addSkip(self, test: Any, reason: str) -> None:
            # CPython 3.12.1 starts no test that its decorator skips
            if isinstance(test, unittest.TestCase) and not self.under_way:
                self.startTest(test)
            self.skip = True
            if not isinstance(test, unittest.TestCase):
                for name in report.names:
                    if f".{name.rpartition('.')[0]})" in str(test) or "Module" in str(test):
                        report.verdict(name, "", True)

        def addExpectedFailure(self, test: Any, error: Any) -> None:
            self.skip = self.expected = True

        def addUnexpectedSuccess(self, test: Any) -> None:
            self.problem = "an unexpected success"

    seen: set[Any] = set()
    suite = unittest.TestSuite()
    for cls in classes:
        if cls not in seen and cls.__module__ == NAME:
            seen.add(cls)
            suite.addTest(loader.loadTestsFromTestCase(cls))
    if wire.OTHERS in report.names and isinstance(space.get("load_tests"), types.FunctionType):
        suite = space["load_tests"](loader, suite, None)
    suite.run(Result())
    for name in report.names:
        if "." not in name and isinstance(space.get(name), types.FunctionType):
            report.starts()
            report.verdict(name, _called(space[name], report))
    if wire.OTHERS in report.names:
        for name, value in list(space.items()):
            own = isinstance(value, types.FunctionType) and value.__module__ == NAME and name.startswith("test")
            if own and name not in report.names:
                report.starts()
                report.verdict(name, _called(value, report))
    report.not_collected()


def _name_of(test: Any) -> str:
    """The name of a test as the trainer's side has it, which knows no classes that a function makes."""
    return f"{type(test).__qualname__}.{test._testMethodName}"


def await_methods(classes: list[Any]) -> None:
    """Run coroutine methods to their end, also where ``unittest`` would drop the coroutine and call it a pass."""
    import inspect
    import unittest

    for cls in classes:
        if issubclass(cls, unittest.IsolatedAsyncioTestCase):
            continue
        for name in dir(cls):
            method = getattr(cls, name, None)
            if name.startswith(("test", "runTest")) and inspect.iscoroutinefunction(method):
                setattr(cls, name, _awaited(method))


def _awaited(method: Any) -> Any:
    import functools

    @functools.wraps(method)
    def run(self: Any, *args: Any, **named: Any) -> None:
        import asyncio

        asyncio.run(method(self, *args, **named))

    return run


def _called(function: Any, report: Report) -> str:
    try:
        found = function()
        if isinstance(found, types.CoroutineType):
            import asyncio

            asyncio.run(found)
    except BaseException as error:
        programs.print_error(error)
        report.look(error)
        return programs.describe(error)
    return ""


def run_pytest(spec: Spec, side: TestSide, report: Report, space: dict[str, Any]) -> None:
    """The file as pytest runs it, from memory."""
    if "unittest" in sys.modules:
        cases = sys.modules["unittest"].TestCase
        await_methods([value for value in space.values() if isinstance(value, type) and issubclass(value, cases)])
    pytest_run.run(sys.modules[NAME], report, side)
    report.not_collected()


RUN: dict[str, Callable[[Spec, TestSide, Report, dict[str, Any]], None]] = {
    "statements": run_statements,
    "unittest": run_unittest,
    "pytest": run_pytest,
}
