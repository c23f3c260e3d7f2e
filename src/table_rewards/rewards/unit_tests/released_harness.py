"""Runs a program on PRIME's tests in the way of its published checker; source for the sandbox, not a module of ours.

All tests first, five seconds each; unless all pass, the first ten once more, each alone and without the function's
name, so that what should be called is then fed its arguments on stdin (E19). Programs that read stdin become the body
of a function, each line behind a tab (E20); their output is compared by one rule after the other.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import math
import os
import signal
import sys
from typing import Any

STARS = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing"),
)
MODULES = (*STARS[:16],)
RECURSION = 600_000
TAKEN = (
    *("kill", "system", "putenv", "remove", "removedirs", "rmdir", "fchdir", "setuid", "fork", "forkpty", "killpg"),
    *("rename", "renames", "truncate", "replace", "unlink", "fchmod", "fchown", "chmod", "chown", "chroot", "lchflags"),
    *("lchmod", "lchown", "getcwd", "chdir"),
)
BLOCKED = ("ipdb", "joblib", "resource", "psutil", "tkinter")


class Stopped(BaseException):
    """The time of a test is over."""


def run(payload: dict[str, Any]) -> list[str]:
    """The results that count, a word each: ``passed``, or why not."""
    guard()
    code, tests = payload["code"], payload["tests"]
    together, alone = payload["seconds"]
    results = attempt(code, tests, together)
    if all(result == "passed" for result in results):
        return results
    count = min(len(tests["inputs"]), payload["counted"])
    results = []
    for index in range(count):
        one = {"inputs": [tests["inputs"][index]], "outputs": [tests["outputs"][index]]}
        results += attempt(code, one, alone)
    return results


def guard() -> None:
    """What the published checker takes from programs before it runs them."""
    for name in ("exit", "quit", "help"):
        setattr(builtins, name, None)
    for name in TAKEN:
        if hasattr(os, name):
            setattr(os, name, None)
    for name in BLOCKED:
        sys.modules[name] = None  # type: ignore[assignment]
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, stop)


def stop(*_: Any) -> None:
    raise Stopped


def within(seconds: float) -> None:
    """Start the clock of a test: so many seconds of computing, or four times as many on the wall; 0 stops it."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 4 * seconds)


def attempt(code: str, tests: dict[str, Any], seconds: float) -> list[str]:
    """The results up to the first test that fails; what ends the checker's own process fails all tests."""
    streams = sys.stdin, sys.stdout, sys.stderr
    empty = os.open(os.devnull, os.O_RDONLY)  # each attempt is a process of its own there, with a descriptor 0 to close
    if empty:
        os.dup2(empty, 0)
        os.close(empty)
    try:
        with open(os.devnull, "w") as nowhere:
            sys.stdout = sys.stderr = nowhere
            return tried(code, json.loads(json.dumps(tests)), seconds)
    except Stopped:
        return ["timeout"] * len(tests["inputs"])
    except BaseException as error:
        return [f"{type(error).__name__}"] * len(tests["inputs"])
    finally:
        within(0)
        sys.stdin, sys.stdout, sys.stderr = streams


def tried(code: str, tests: dict[str, Any], seconds: float) -> list[str]:
    name = tests.get("fn_name")
    space: dict[str, Any] = {}
    within(seconds)
    try:
        exec(prelude() + (code if name is not None else as_function(code)), space)
        where: Any = Namespace(space)
        if name is not None and "class Solution" in code:
            where = where.Solution()
    except Exception as error:
        return [f"{type(error).__name__} before the tests"]
    within(0)
    try:
        function = getattr(where, name if name is not None else "code")
    except Exception:
        return ["no such function"]
    results: list[str] = []
    for given, expected in zip(tests["inputs"], tests["outputs"], strict=True):
        judge = called if name is not None else printed
        results.append(judge(function, given, expected, seconds))
        if results[-1] != "passed":
            break
    return results


class Namespace:
    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in space.items() if name != "__builtins__"})


def prelude() -> str:
    stars = "".join(f"from {name} import *\n" for name in STARS)
    return stars + "".join(f"import {name}\n" for name in MODULES) + f"sys.setrecursionlimit({RECURSION})\n"


# -- functions --------------------------------------------------------------------------------------------------------


def called(function: Any, given: Any, expected: Any, seconds: float) -> str:
    """Arguments are JSON, a line each; a list around the expected value counts for nothing, nor does a tuple."""
    arguments = [json.loads(line) for line in given.split("\n")]
    wanted = json.loads(expected)
    if isinstance(arguments[0], dict):
        arguments = numbered(arguments[0], arguments)
    if isinstance(wanted, dict):
        wanted = numbered(wanted, wanted)
    if isinstance(wanted, (list, str)) and wanted and isinstance(wanted[0], dict):
        wanted = numbered(wanted[0], wanted)
    within(seconds)
    try:
        value = function(*arguments)
        json.dumps(value)
        if isinstance(value, tuple):
            value = list(value)
        same = value == wanted
        if isinstance(wanted, list) and wanted:
            same = same or value == wanted[0]
        try:
            if isinstance(value[0], tuple):
                same = same or [list(item) for item in value] == wanted[0]
        except Exception:
            pass
    except Exception as error:
        return type(error).__name__
    finally:
        within(0)
    return "passed" if same is True else "another value"


def numbered(mapping: dict[str, Any], otherwise: Any) -> Any:
    """A list of the mapping with whole numbers for keys, where all of them are."""
    try:
        return [{int(key): value for key, value in mapping.items()}]
    except Exception:
        return otherwise


# -- programs that read stdin -----------------------------------------------------------------------------------------


def as_function(code: str) -> str:
    """The program as the body of ``code()``; imports before its first other line stay outside (E20)."""
    try:
        body = ast.parse(code).body
        last = body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test).strip() == "__name__ == '__main__'":
            code = unparsed(body[:-1]) + "\n" + unparsed(last.body)
    except Exception:
        pass
    written, started = "", False
    for line in code.split("\n"):
        if line.startswith(("from ", "import ")):
            written += ("\t" if started else "") + line + "\n"
            continue
        if not started:
            written += "stdin = sys.stdin\nstdout = sys.stdout\ndef code():\n"
            started = True
        written += "\t" + line + "\n"
    return written


def unparsed(statements: list[ast.stmt]) -> str:
    return ast.unparse(statements)  # type: ignore[arg-type]


def printed(function: Any, given: Any, expected: Any, seconds: float) -> str:
    if not isinstance(given, str) or not isinstance(expected, str):
        raise AssertionError("a text was expected")
    kept, lines = sys.stdin, iter(given.split("\n"))
    readers = {"readline": lambda *_: next(lines), "readlines": lambda *_: given.split("\n"), "read": lambda *_: given}
    for name, reader in readers.items():  # the stream that was there before is what the name stdin stands for
        setattr(kept, name, reader)
    sys.stdin = io.StringIO(given)
    nowhere, sys.stdout = sys.stdout, io.StringIO()
    output = sys.stdout
    setattr(output, "close", lambda *_: 1)  # noqa: B010
    within(seconds)
    try:
        function()
    except SystemExit:
        pass
    except Exception as error:
        return type(error).__name__
    finally:
        within(0)
        sys.stdin, sys.stdout = kept, nowhere
        for name in readers:
            delattr(kept, name)
    return "passed" if same_output(output.getvalue().splitlines(), expected) else "another output"


def same_output(lines: list[str], expected: str) -> bool:
    """The whole text; the stripped lines; then lines that are not empty, as they are or as numbers."""
    for some in (lines, [line.strip() for line in lines]):
        if "\n".join(some).strip() == expected.strip():
            return True
    wanted = [line.strip() for line in expected.split("\n") if line]
    if lines in ([expected], wanted):
        return True
    lines = [line for line in lines if line]
    if lines == wanted:
        return True
    if all(one.isdigit() and other.isdigit() for one, other in zip(lines, wanted, strict=False)):
        return False
    try:
        return len(lines) == len(wanted) and all(map(close, map(float, lines), map(float, wanted)))
    except ValueError:
        return False


def close(value: float, wanted: float) -> bool:
    """As numpy's ``allclose``."""
    if value == wanted:
        return True
    return math.isfinite(value) and math.isfinite(wanted) and abs(value - wanted) <= 1e-8 + 1e-5 * abs(wanted)
