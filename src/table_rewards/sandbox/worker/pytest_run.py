"""A module of tests that is in memory only, run by pytest itself."""

from __future__ import annotations

import os
import re
import types
from typing import Any

from . import programs, wire
from .mirrors import AsItWas, Mirror
from .sides import Solution

_MISSING = re.compile(r"fixture '\w+' not found")
ARGUMENTS = (
    *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:junitxml", "-p", "no:pastebin", "-p", "no:stepwise"),
    *("-p", "no:doctest", "-p", "no:faulthandler", "-p", "no:setuponly", "-p", "no:setupplan", "-p", "no:debugging"),
    *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("--noconftest", "--capture=no", "--assert=plain", "-c", os.devnull),
)


def run(module: types.ModuleType, report: Any, side: Any) -> None:
    """Collect and run the tests of ``module``; ``report.verdict(name, error, skipped)`` is told of each."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        from pathlib import Path

        import pytest
        from _pytest.config import _prepareconfig
        from _pytest.main import Session
    except ImportError as error:
        report.fault(f"{error}: these tests need pytest (pip install 'table-rewards[programs]')")
        return

    here = os.getcwd()
    first: Any = pytest.hookimpl(tryfirst=True)
    _Plugin.pytest_pyfunc_call = first(_Plugin.pytest_pyfunc_call)  # type: ignore[method-assign]
    _Plugin.pytest_fixture_setup = first(_Plugin.pytest_fixture_setup)  # type: ignore[method-assign]
    _Plugin.pytest_pycollect_makeitem = first(_Plugin.pytest_pycollect_makeitem)  # type: ignore[method-assign]
    plugin = _Plugin(report, side)
    _patch_as_is(pytest.MonkeyPatch, side)
    config = _prepareconfig([*ARGUMENTS, f"--rootdir={here}", f"--basetemp={here}/.tests"], [plugin])

    config.option.trace = config.option.usepdb = (
        False  # what methods of a TestCase ask of the debugger, which is left out
    )

    class Module(pytest.Module):
        def _getobj(self) -> types.ModuleType:
            return module

    config._do_configure()
    session: Any = Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    try:
        collected = Module.from_parent(session, path=Path(here) / "test_solution.py")
        items = list(session.genitems(collected))
        if wire.OTHERS in report.names:
            items.sort(key=lambda item: name_of(item.nodeid) not in report.names)
        else:
            items = [item for item in items if name_of(item.nodeid) in report.names]
        if plugin.collect_error:
            report.not_collectable(plugin.collect_error)
            return
        config.hook.pytest_collection_modifyitems(session=session, config=config, items=items)
        session.items, session.testscollected = items, len(items)
        before = ""
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            if name_of(item.nodeid) != before:
                report.starts()
            before = name_of(item.nodeid)
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if plugin.lacking:
                report.fault(plugin.lacking)
                return
            if following is None or name_of(following.nodeid) != name_of(item.nodeid):
                plugin.tell(name_of(item.nodeid))
    finally:
        try:
            config.hook.pytest_sessionfinish(session=session, exitstatus=0)
            config._ensure_unconfigure()
        except BaseException as error:
            programs.print_error(error)


def _patch_as_is(kind: Any, side: Any) -> None:
    """``monkeypatch`` looks for what it puts back in the ``__dict__`` of a target, where a stand-in has nothing."""
    from _pytest.monkeypatch import derive_importpath

    absent = kind.setattr.__defaults__[0]
    plain_set, plain_delete = kind.setattr, kind.delattr

    def put_back(patch: Any, holder: Any, before: Any) -> None:
        if before is not absent and patch._setattr[-1][2] is absent:
            patch._setattr[-1] = (*patch._setattr[-1][:2], AsItWas() if isinstance(holder, Mirror) else before)

    def set_name(self: Any, target: Any, name: Any, value: Any = absent, raising: bool = True) -> None:
        if value is absent and isinstance(target, str):
            name, target, value = *derive_importpath(target, raising), name
        remote = isinstance(target, (Mirror, Solution))
        if not remote and hasattr(side, "follow"):
            side.follow(target, name)
        before = getattr(target, name, absent) if remote else absent
        plain_set(self, target, name, value, raising)
        put_back(self, target, before)

    def delete_name(self: Any, target: Any, name: Any = absent, raising: bool = True) -> None:
        if name is absent and isinstance(target, str):
            name, target = derive_importpath(target, raising)
        before = getattr(target, name, absent) if isinstance(target, Mirror) else absent
        plain_delete(self, target, name, raising)
        if before is not absent:
            put_back(self, target, before)

    kind.setattr, kind.delattr = set_name, delete_name


def name_of(nodeid: str) -> str:
    """``Class.test`` of ``file::Class::test[parameters]``."""
    return nodeid.partition("::")[2].partition("[")[0].replace("::", ".")


async def _last(made: Any) -> None:
    async for _ in made:
        raise RuntimeError("a fixture has more than one yield")


class _Plugin:
    """Sums up the phases and variants of each test."""

    def __init__(self, report: Any, side: Any) -> None:
        self.report, self.side = report, side
        self.collect_error = self.lacking = ""
        self.problems: dict[str, str] = {}
        self.passed: dict[str, int] = {}
        self.done: set[str] = set()
        self.expected: set[str] = set()
        self.loop: Any = None

    def pytest_pyfunc_call(self, pyfuncitem: Any) -> object | None:
        """A coroutine function is run to its end."""
        import asyncio
        import inspect

        function = pyfuncitem.obj
        if not inspect.iscoroutinefunction(function):
            return None
        wanted = pyfuncitem._fixtureinfo.argnames
        running = function(**{name: pyfuncitem.funcargs[name] for name in wanted})
        if self.loop is not None:
            self.loop.run_until_complete(running)  # that of its fixtures
        else:
            asyncio.run(running)
        return True

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> object | None:
        """A coroutine function, or an asynchronous generator, as a fixture: what it returns or yields is the value."""
        import inspect

        if not (inspect.iscoroutinefunction(fixturedef.func) or inspect.isasyncgenfunction(fixturedef.func)):
            return None
        import asyncio

        from _pytest.fixtures import resolve_fixture_function

        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        run = self.loop.run_until_complete
        given = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
        made = resolve_fixture_function(fixturedef, request)(**given)
        if inspect.isasyncgen(made):
            value = run(made.__anext__())
            fixturedef.addfinalizer(lambda: run(_last(made)))
        else:
            value = run(made)
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value if value is not None else ()

    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: Any) -> list[Any] | None:
        """Nothing for a name that is none of the tests: what a file imports as ``test_merge`` is no test of its."""
        path = name_of(f"{collector.nodeid}::{name}")
        if wire.OTHERS in self.report.names and getattr(obj, "__module__", "") == self.report.module:
            return None
        if path in self.report.names or any(known.startswith(f"{path}.") for known in self.report.names):
            return None
        return []

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            told = [line[2:] for line in lines if line.startswith("E ")][-1:] or lines
            self.collect_error = self.collect_error or " ".join(" ".join(told).split())[:300]

    def pytest_runtest_setup(self, item: Any) -> None:
        """A mark of ``unittest`` skips behind the fixtures, which may have asked the code: it is the file's own."""
        marked = (getattr(item, "obj", None), getattr(item, "cls", None))
        if any(getattr(one, "__unittest_skip__", False) for one in marked) and not self.report.skips_by_code:
            self.expected.add(name_of(item.nodeid))

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if call.excinfo is not None:
            self.report.look(call.excinfo.value)

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = name_of(report.nodeid)
        if self.side.refused:
            self.problems.setdefault(name, self.side.refused)
        if report.failed and report.when == "setup" and "fixture '" in str(report.longrepr):
            missing = _MISSING.search(str(report.longrepr))
            if missing and self.report.untouched():  # no program can pass it
                self.lacking = self.lacking or f"{name} asks for the {missing[0]}"
        if report.failed:
            text = str(report.longrepr).strip().splitlines() or ["failed"]
            crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", "") or text[-1]
            self.problems.setdefault(name, crash[:300])
        elif hasattr(report, "wasxfail"):
            self.expected.add(name)
        elif report.when == "call" and report.passed:
            self.passed[name] = self.passed.get(name, 0) + 1

    def tell(self, name: str) -> None:
        if name in self.done:
            return
        problem = self.problems.get(name, "")
        if problem or self.passed.get(name):
            self.done.add(name)
            self.report.verdict(name, problem)
        else:
            self.done.add(name)
            self.report.verdict(name, "", True, name in self.expected)
