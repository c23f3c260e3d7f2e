"""One job's process, from fork to exit: take the payload, lock down, run."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import atexit
import contextlib
import importlib
import json
import os
import resource
import socket
import sys
import threading
import traceback
from typing import Any, NamedTuple, NoReturn

from . import programs, wire
from .lockdown import identity, kernel, landlock, seccomp
from .runners import RUNNERS

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


class Place(NamedTuple):
    """What a child takes over from its supervisor."""

    slot: int
    work: str
    ruleset: int  # the Landlock rules, -1 without
    parent: int
    stdout: int
    stderr: int
    result: int
    peer: int = -1  # the socket between the tester and the model's code
    gate: int = -1  # closed once the payload is read


def run(plan: Plan, place: Place, header: dict[str, Any], sock: socket.socket, size: int, trusted: bool) -> NoReturn:
    """Never returns. ``trusted`` is the process that holds the tests of ``Job.tests``; it too is locked down."""
    result, step = place.result, "payload"
    try:
        os.setpgid(0, 0)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)  # signal.signal touches 80 pages more
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        spec, parts = wire.split(wire.receive_exactly(sock, size))
        step = "descriptors"
        if spec["kind"] == "stdins" and hasattr(os, "memfd_create"):
            spec["scratch"] = wire.SOURCE_FD, wire.SINK_FD
        _descriptors(place, _stdin(parts[spec["stdin"]] if "stdin" in spec else b""), "scratch" in spec, plan)
        result = wire.RESULT_FD
        step = "directory"
        os.chdir(place.work)
        os.umask(0o077)
        if trusted and spec.get("framework") == "pytest":
            step = "pytest"
            importlib.import_module("pytest")  # before the clock of the tests runs
        step = "limits"
        _lock(plan, place, header, trusted)
    except BaseException as error:
        with contextlib.suppress(OSError):
            wire.say(wire.SETUP_FAILED, json.dumps([step, repr(error)]).encode(), result)
        os._exit(97)
    wire.say(wire.READY, b"")
    code = 1
    try:
        _streams()
        if header.get("recursion") and not trusted:
            sys.setrecursionlimit(header["recursion"])
        code = RUNNERS[spec["kind"]](spec, parts)
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


def _descriptors(place: Place, stdin: int, scratch: bool, plan: Plan) -> None:
    """0-2 the streams, 3 the result, 4 the peer, 5 the Landlock rules until they are applied, 6 and 7 what the tests of
    one program read and write; the rest closed."""
    first = 100
    wanted = [stdin, place.stdout, place.stderr, place.result, place.peer, place.ruleset]
    if scratch:  # a file system takes three times as long to empty a file
        wanted += [os.memfd_create("stdin"), os.memfd_create("stdout")]
    for index, fd in enumerate(wanted):
        if fd >= 0:
            os.dup2(fd, first + index)
    os.closerange(0, first)
    for index, fd in enumerate(wanted):
        if fd >= 0:
            os.dup2(first + index, index, inheritable=index < 3)
    os.closerange(first, plan.max_fd)


def _lock(plan: Plan, place: Place, header: dict[str, Any], trusted: bool) -> None:
    """The layers in the one order that works; each raises when it cannot be had."""
    uid = plan.user(place.slot)
    identity.limit(
        cpu_s=header["cpu"] * header["count"] * (TESTS_SHARE if trusted else 1),
        memory=plan.base_memory + header["mem"],
        file_bytes=header["file"],
        threads=header["threads"],
        own_user=uid is not None,
    )
    if not kernel.LINUX:
        return
    if uid is not None:
        identity.become(uid, plan.keep_capabilities)
    identity.drop_capabilities(plan.keep_capabilities, bounding=not plan.seccomp)
    kernel.die_with_parent()  # after the change of user, which clears it
    if os.getppid() != place.parent:
        os._exit(9)
    if trusted:
        kernel.not_dumpable()  # the code is of the same user: it must not look into the process of the tests
    kernel.no_new_privileges()
    if plan.landlock:
        landlock.restrict(5)
        os.close(5)
    if plan.seccomp:
        seccomp.install(plan.seccomp)


def _streams() -> None:
    """Fresh text streams over the real descriptors, as a new interpreter would have them."""
    sys.stdin = sys.__stdin__ = programs.text_in()  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = programs.text_out()  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = programs.text_err()  # type: ignore[misc]


def finish(code: int, cycles: bool = True) -> int:
    """What the interpreter does at its end, without taking it apart."""
    try:
        if threading.active_count() > 1 or getattr(threading, "_threading_atexits", True):
            threading._shutdown()  # type: ignore[attr-defined]
        if atexit._ncallbacks():
            atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
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
