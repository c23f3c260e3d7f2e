"""What a child does with its payload, one function a kind of job. Runs after the lock-down, beside untrusted code.

Everything reported from here is a claim. None of it can hold an expected value: the trainer never sends one.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import json
import os
import random
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import Any

from . import wire
from .encoding import encode, plain

Spec = dict[str, Any]
FILE_NAME = "main.py"
MAX_ERROR = 300


def text_in() -> io.TextIOWrapper:
    """Standard input as the interpreter makes it, with its name and mode."""
    raw: Any = io.FileIO(0, closefd=False)
    raw.name = "<stdin>"
    return _with_mode(io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8"), "r")


def text_out() -> io.TextIOWrapper:
    """Standard output as the interpreter makes it, with its name and mode."""
    raw: Any = io.FileIO(1, "w", closefd=False)
    raw.name = "<stdout>"
    return _with_mode(io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8"), "w")


def text_err() -> io.TextIOWrapper:
    """Standard error as the interpreter makes it, with its name and mode."""
    raw: Any = io.FileIO(2, "w", closefd=False)
    raw.name = "<stderr>"
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)
    return _with_mode(stream, "w")


def _with_mode(stream: Any, mode: str) -> io.TextIOWrapper:
    stream.mode = mode
    return stream  # type: ignore[no-any-return]


def flush(stream: Any) -> None:
    """Flush a standard stream, unless the program has closed or removed it."""
    if stream is not None and not getattr(stream, "closed", False):
        stream.flush()


def take_apart(space: dict[str, Any], cycles: bool) -> None:
    """What the interpreter does to a program's names at its end: objects are deleted, files they hold are flushed.

    ``cycles``: also those that hold each other, which costs a tenth of a millisecond. Objects with a ``__del__`` go
    first then, and what may hold some: the interpreter too calls it while the other names are still there.
    """
    if cycles:
        for late in (False, True):
            for name in [name for name, value in space.items() if _ends_early(value, late)]:
                space[name] = None
    for name in list(space):
        if name[:1] == "_" and name != "__builtins__":
            space[name] = None
    for name in list(space):
        if name[:1] != "_":
            space[name] = None
    if cycles:
        gc.collect()


def _ends_early(value: Any, late: bool) -> bool:
    kind = type(value)
    if not late:
        return hasattr(kind, "__del__")
    return kind in (list, dict, set, tuple) or getattr(kind, "__module__", "") == "__main__"


def needs_cycles(code: str) -> bool:
    """Whether a program may have objects whose end can be seen: files, or a ``__del__``."""
    return "__del__" in code or "open" in code or "Wrapper" in code or "Writer" in code or "FileIO" in code


def prepare(spec: Spec, parts: list[bytes]) -> str:
    """Put the files in place, seed, and return the code."""
    for name, index in spec["files"]:
        with open(name, "wb") as file:
            file.write(parts[index])
    sys.argv = [FILE_NAME]
    sys.path.insert(0, "")
    return parts[0].decode("utf-8", "surrogatepass")


def fresh_state() -> None:
    """The same start for the next program of this process; the first one's comes with the fork."""
    sys.argv = [FILE_NAME]
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)


def new_module(name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    module.__dict__.update(__builtins__=builtins, __file__=FILE_NAME)
    sys.modules[name] = module
    return module.__dict__


def compiled(code: str, name: str = FILE_NAME) -> types.CodeType:
    return compile(code, name, "exec", dont_inherit=True)


def exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    sys.stderr.write(f"{stop.code}\n")
    return 1


def describe(error: BaseException) -> str:
    """``"ValueError: text"``; an exception's own ``__str__`` is untrusted too."""
    try:
        return f"{type(error).__name__}: {str(error)[:MAX_ERROR]}"
    except BaseException:
        return type(error).__name__


def print_error(error: BaseException) -> None:
    """The traceback as the interpreter prints it, without our own frames."""
    try:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != FILE_NAME and trace.tb_next is not None:
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
    except BaseException:
        sys.stderr.write(f"{type(error).__name__}\n")


def execute(code: str, space: dict[str, Any]) -> int:
    """Run the code; the return code that its process would have ended with."""
    try:
        exec(compiled(code), space)
    except SystemExit as stop:
        return exit_code(stop)
    except BaseException as error:
        print_error(error)
        return 1
    return 0


def load(code: str, space: dict[str, Any]) -> int:
    """Run the code as an import does: one that ends the process meanwhile has not been loaded, whatever its exit code.

    No test framework passes such a program, since its tests are never run.
    """
    try:
        exec(compiled(code), space)
    except BaseException as error:
        print_error(error)
        return 1
    return 0


def run_script(spec: Spec, parts: list[bytes]) -> int:
    return execute(prepare(spec, parts), new_module("__main__"))


def run_stdins(spec: Spec, parts: list[bytes]) -> int:
    """Every stdin through one process: real descriptors 0 and 1 and a fresh ``__main__`` for each."""
    try:
        source_text = prepare(spec, parts)
        code, cycles = compiled(source_text), needs_cycles(source_text)
    except BaseException as error:
        print_error(error)
        return 1
    cap = spec["out"]
    source, sink = spec.get("scratch") or (_nameless_file(), _nameless_file())
    recursion, home = sys.getrecursionlimit(), os.getcwd()
    for index, part in spec["stdins"]:
        os.lseek(source, 0, os.SEEK_SET)
        wire.write_all(source, parts[part])
        os.ftruncate(source, len(parts[part]))  # after the writing: to free a file's pages and take others costs more
        os.lseek(source, 0, os.SEEK_SET)
        os.ftruncate(sink, 0)
        os.lseek(sink, 0, os.SEEK_SET)
        os.dup2(source, 0)
        os.dup2(sink, 1)
        sys.stdin, sys.stdout = text_in(), text_out()
        sys.__stdin__, sys.__stdout__ = sys.stdin, sys.stdout  # type: ignore[misc]
        problem = _run_one(code, cycles)
        size = os.fstat(sink).st_size
        status = b"L" if size > cap else b"E" if problem else b"K"
        reason = problem.encode("utf-8", "replace")
        head = wire.LENGTH.pack(index) + status + wire.LENGTH.pack(len(reason)) + reason
        wire.say(wire.TEST, head + os.pread(sink, min(size, cap), 0))
        if sys.getrecursionlimit() != recursion:
            sys.setrecursionlimit(recursion)
        os.chdir(home)
        fresh_state()
    os.dup2(2, 1)  # the last test's file is no longer the process's stdout
    return 0


def _run_one(code: types.CodeType, cycles: bool) -> str:
    reason = ""
    space = new_module("__main__")
    try:
        exec(code, space)
    except SystemExit as stop:
        status = exit_code(stop)
        reason = f"exit code {status}" if status else ""
    except BaseException as error:
        print_error(error)
        reason = describe(error)
    try:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
    except BaseException as error:
        reason = reason or describe(error)
    try:
        flush(sys.stdout)
        take_apart(space, cycles)
        flush(sys.__stdout__)  # as the interpreter does: a program's own stream has lost its names by now
    except BaseException as error:
        reason = reason or describe(error)
    return reason


def _nameless_file() -> int:
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        name = f".{random.getrandbits(64):x}"
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(name)
        return fd


def say_value(index: int, data: Any) -> None:
    wire.say(wire.VALUE, wire.LENGTH.pack(index) + json.dumps(data).encode())


def claim(index: int, work: Callable[[], Any]) -> None:
    """Report what ``work`` returns or raises as the value of one item."""
    try:
        data = encode(work())
    except BaseException as error:
        name, _, text = describe(error).partition(": ")
        data = ["r", name, text]
    say_value(index, data)


def run_calls(spec: Spec, parts: list[bytes]) -> int:
    """The code once, then the function for each list of arguments."""
    space = new_module("solution")
    status = load(prepare(spec, parts), space)
    if status:
        return status
    try:
        function = find(space, spec["entry"])
    except BaseException as error:
        print_error(error)
        return 1
    for index, arguments in enumerate(spec["items"]):
        claim(index, lambda arguments=arguments: function(*plain(json.loads(arguments))))  # type: ignore[misc]
    return 0


def find(space: dict[str, Any], dotted: str) -> Any:
    """The function of that name at the top level, or a method of a class ``Solution``."""
    first, *rest = dotted.split(".")
    if first in space:
        found = space[first]
    elif "Solution" in space:
        found = getattr(space["Solution"](), first)
    else:
        raise NameError(f"name {first!r} is not defined")
    for name in rest:
        found = getattr(found() if isinstance(found, type) else found, name)
    return found


def run_exprs(spec: Spec, parts: list[bytes]) -> int:
    """Each expression in a namespace of its own, as if it were the only one."""
    try:
        code = compiled(prepare(spec, parts))
    except BaseException as error:
        print_error(error)
        return 1

    def evaluate(expression: str) -> Any:
        space = new_module("solution")
        exec(code, space)
        return eval(compile(expression, "expression", "eval", dont_inherit=True), space)

    for index, expression in enumerate(spec["items"]):
        claim(index, lambda expression=expression: evaluate(expression))  # type: ignore[misc]
        fresh_state()
    return 0


def run_harness(spec: Spec, parts: list[bytes]) -> int:
    """Our own code, with the model's code as data."""
    space = new_module("harness")
    status = execute(prepare(spec, parts), space)
    if status:
        return status
    claim(0, lambda: space["run"](json.loads(spec["entry"])))
    return 0
