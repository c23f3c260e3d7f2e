"""One job's process, from fork to exit: take the payload, lock down, run."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import atexit
import contextlib
import functools
import importlib
import json
import os
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from . import programs, wire
from .lockdown import identity, kernel, landlock, seccomp
from .runners import runner

RULES_FD = 5  # the Landlock rules, until they are applied
TESTS_SHARE = 4  # a framework's own work, as to make hypothesis's examples, is not the program's


class Plan(NamedTuple):
    """What the machine allows and the policy asks for; the same for every child of a nursery."""

    uid: int | None  # the first user of this nursery's range, or None where users cannot be changed
    keep_capabilities: int
    landlock: bool
    seccomp: bytes  # the filter; empty where there is none
    base_memory: int
    max_fd: int
    slots: int

    def user(self, slot: int) -> int | None:
        return None if self.uid is None else self.uid + slot


class Limits(NamedTuple):
    """What the trainer allows a job, as far as the kernel keeps it."""

    cpu_s: float
    memory: int
    file_bytes: int
    threads: int


class Start(NamedTuple):
    """What a child is to do before it runs anything, worked out by its supervisor: see :func:`.kernel.take`."""

    first: list[kernel.Step]
    descriptors: tuple[int, int, int, int, int]  # stdout, stderr, the result, the peer, the Landlock rules; -1 without
    lock: list[kernel.Step]
    parent: int
    max_fd: int


@functools.lru_cache(8)
def start(
    plan: Plan, limits: Limits, slot: int, work: str, descriptors: tuple[int, int, int, int, int], trusted: bool
) -> Start:
    """The layers in the one order that works; each step raises when it cannot be had.

    ``trusted`` is the process that holds the tests of ``Job.tests``; it too is locked down.
    """
    first: list[kernel.Step] = [
        (os.setpgid, (0, 0), "group"),
        (_signal.signal, (_signal.SIGINT, _signal.default_int_handler), "signals"),  # signal.signal touches 80 pages
        (_signal.signal, (_signal.SIGTERM, _signal.SIG_DFL), "signals"),
    ]
    uid = plan.user(slot)
    lock: list[kernel.Step] = [(os.chdir, (work,), "directory"), (os.umask, (0o077,), "umask")]
    lock += identity.limit(
        cpu_s=limits.cpu_s * (TESTS_SHARE if trusted else 1),
        memory=plan.base_memory + limits.memory,
        file_bytes=limits.file_bytes,
        threads=limits.threads,
        own_user=uid is not None,
    )
    if kernel.LINUX:
        if uid is not None:
            lock += identity.become(uid, plan.keep_capabilities)
        lock += identity.drop_capabilities(plan.keep_capabilities, bounding=not plan.seccomp)
        lock.append(kernel.die_with_parent())  # after the change of user, which clears it
        if trusted:
            lock.append(kernel.not_dumpable())  # the code is of the same user: it must not look into the tests' process
        lock.append(kernel.no_new_privileges())
        if plan.landlock:
            lock += [landlock.restrict(RULES_FD), (os.close, (RULES_FD,), "rules")]
        if plan.seccomp:
            lock.append(seccomp.install(plan.seccomp))
    return Start(first, descriptors, lock, os.getpid(), plan.max_fd)


def run(start: Start, header: dict[str, Any], sock: socket.socket, size: int, trusted: bool) -> NoReturn:
    """Take the payload of ``size`` bytes, lock down, run it, exit."""
    first, descriptors, lock, parent, max_fd = start
    result, step = descriptors[2], "payload"
    try:
        kernel.take(first)
        spec, parts = wire.split(wire.receive_exactly(sock, size))
        step = "descriptors"
        if spec["kind"] == "stdins" and hasattr(os, "memfd_create"):
            spec["scratch"] = wire.SOURCE_FD, wire.SINK_FD
        stdin = _stdin(parts[spec["stdin"]] if "stdin" in spec else b"")
        _descriptors([stdin, *descriptors], "scratch" in spec, max_fd)
        result = wire.RESULT_FD
        if trusted and spec.get("framework") == "pytest":
            step = "pytest"
            importlib.import_module("pytest")  # before the clock of the tests runs
        work = runner(spec["kind"])
        step = "limits"
        kernel.take(lock)
        if os.getppid() != parent:  # it ended before it could be asked to take this process with it
            os._exit(9)
    except BaseException as error:
        with contextlib.suppress(OSError):
            wire.say(wire.SETUP_FAILED, json.dumps([step, repr(error)]).encode(), result)
        os._exit(97)
    wire.say(wire.READY, wire.CLOCKS.pack(time.process_time(), time.monotonic()))
    code = 1
    try:
        if header.get("recursion") and not trusted:
            sys.setrecursionlimit(header["recursion"])
        code = work(spec, parts)
        code = finish(code, programs.needs_cycles(parts[0].decode("utf-8", "replace")) if parts else False)
    finally:
        os._exit(code & 0xFF)


def _stdin(data: bytes) -> int:
    """The script's whole stdin, in a file that has no name."""
    if not data:
        return os.open(os.devnull, os.O_RDONLY)
    fd = os.memfd_create("stdin")
    wire.write_all(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _descriptors(wanted: list[int], scratch: bool, max_fd: int) -> None:
    """0-2 the streams, 3 the result, 4 the peer, 5 the Landlock rules until they are applied, 6 and 7 what the tests of
    one program read and write; the rest closed."""
    first = 100
    if scratch:  # a file system takes three times as long to empty a file
        wanted += [os.memfd_create("stdin"), os.memfd_create("stdout")]
    for index, fd in enumerate(wanted):
        if fd >= 0:
            os.dup2(fd, first + index)
    os.closerange(0, first)
    for index, fd in enumerate(wanted):
        if fd >= 0:
            os.dup2(first + index, index, inheritable=index < 3)
    os.closerange(first, max_fd)


@contextlib.contextmanager
def _descriptors_of_a_child() -> Iterator[None]:
    """For a while an empty input, outputs that are pipes, and a result that nobody reads."""
    kept = {}
    for fd in (0, 1, 2, wire.RESULT_FD):
        with contextlib.suppress(OSError):
            kept[fd] = os.dup(fd)
    null, (source, sink) = os.open(os.devnull, os.O_RDWR), os.pipe()
    try:
        for fd, standard in ((null, 0), (sink, 1), (sink, 2), (null, wire.RESULT_FD)):
            os.dup2(fd, standard, inheritable=False)
        yield
    finally:
        for standard in (0, 1, 2, wire.RESULT_FD):
            if standard in kept:
                os.dup2(kept[standard], standard, inheritable=standard < wire.RESULT_FD)
            else:
                os.close(standard)
        for fd in {*kept.values(), null, source, sink} - {0, 1, 2, wire.RESULT_FD}:
            os.close(fd)


def rehearse(seccomp_too: bool) -> None:
    """Run what children run, where they are forked from, and make the standard streams that all of them will use.

    Whatever sets itself up in the first runs (caches of types and of bytecode, hashes of names) would else be set up by
    every child again, in memory pages that are then its own. A stream asks at its making whether its descriptor is a
    terminal and can seek: the descriptors here and those of a child answer the same. What the nursery itself says on
    its streams goes to its own descriptors, as before.
    """
    argv, path, main, limit = sys.argv, sys.path[:], sys.modules["__main__"], sys.getrecursionlimit()
    # what a module has registered for the end of the process is for a child's
    ends = not atexit._ncallbacks() and not getattr(threading, "_threading_atexits", True)
    with _descriptors_of_a_child():
        streams = programs.text_in(), programs.text_out(), programs.text_err()
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
        for _ in range(20):
            for spec, parts in _rehearsals():
                if ends or spec["kind"] != "stdins":
                    _rehearse_one(wire.message(spec, *parts), seccomp_too, ends)
                sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__ = streams[:2]  # type: ignore[misc]
    sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, main
    sys.modules.pop("solution", None)
    sys.setrecursionlimit(limit)


def _rehearsals() -> list[tuple[dict[str, Any], list[bytes]]]:
    function = b"def f(x):\n    return [x + 1]\nassert f(1) == [2]\n"
    reads = b"print(int(input()) + 1)\n"
    return [
        ({"kind": "script", "files": [], "stdin": 1}, [function, b""]),
        ({"kind": "stdins", "files": [], "stdins": [(0, 1)], "out": 100}, [reads, b"1"]),
        ({"kind": "calls", "files": [], "entry": "f", "items": ['["l", 1]']}, [function]),
    ]


def _rehearse_one(payload: bytes, seccomp_too: bool, ends: bool) -> None:
    steps: list[kernel.Step] = [(os.getpid, (), "")]
    if seccomp_too:
        call, arguments, _ = seccomp.install(b"")  # an empty filter, which the kernel refuses
        steps.append((call, arguments, ""))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(payload)
        spec, parts = wire.split(wire.receive_exactly(ours, len(payload)))
    os.close(_stdin(parts[spec["stdin"]] if "stdin" in spec else b""))
    scratch = [os.memfd_create(name) for name in ("stdin", "stdout")] if hasattr(os, "memfd_create") else []
    if scratch:
        spec["scratch"] = tuple(scratch)
    kernel.take(steps)
    wire.say(wire.READY, wire.CLOCKS.pack(time.process_time(), time.monotonic()))
    sys.setrecursionlimit(sys.getrecursionlimit())
    if runner(spec["kind"])(spec, parts):
        raise RuntimeError(f"a trivial job fails: {spec['kind']}")
    (finish if ends else _end_main)(0, programs.needs_cycles(parts[0].decode()))
    for fd in scratch:
        os.close(fd)


def finish(code: int, cycles: bool = True) -> int:
    """What the interpreter does at its end, without taking it apart."""
    try:
        if _thread._count() or getattr(threading, "_threading_atexits", True):
            threading._shutdown()  # type: ignore[attr-defined]
        if atexit._ncallbacks():
            atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    return _end_main(code, cycles)


def _end_main(code: int, cycles: bool) -> int:
    code = _flush(code, sys.stdout, sys.stderr)
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__file__", "") == programs.FILE_NAME:
        with contextlib.suppress(BaseException):
            programs.take_apart(main.__dict__, cycles)
        code = _flush(code, sys.__stdout__, sys.__stderr__)
    return code


def _flush(code: int, *streams: Any) -> int:
    for stream in streams:
        try:
            programs.flush(stream)
        except Exception:
            code = code or 120
    return code


def address_space() -> int:
    """Bytes of address space that this process has now."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 30
