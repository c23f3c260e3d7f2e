"""libc through ctypes, with errno turned into OSError, and calls that are prepared before a fork and made after it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 8, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47

libc: Any = ctypes.CDLL(None, use_errno=True) if LINUX else None
if LINUX:
    libc.syscall.restype = ctypes.c_long
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


def check(result: int, what: str) -> int:
    """Return the result of a C call, or raise what errno says."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


Step = tuple[Callable[..., Any], tuple[Any, ...], str]  # a call, its arguments, and its name, empty if it may fail


def take(steps: Iterable[Step]) -> None:
    """Make the calls in order; one that fails ends it with an OSError.

    A forked process pays for every page that it writes to, be it only to count a reference: what a child does to lock
    itself in is therefore worked out before the fork, and this loop is all that it runs.
    """
    for call, arguments, what in steps:
        if call(*arguments) == -1 and what:
            check(-1, what)


def prctl(option: int, a: int = 0, b: int = 0, what: str = "prctl") -> int:
    return check(libc.prctl(option, a, b, 0, 0), what)


def prctl_step(option: int, a: int = 0, what: str = "prctl") -> Step:
    return libc.prctl, (option, a, 0, 0, 0), what


def die_with_parent(number: int = 9) -> Step:
    """Get this signal when the parent thread ends. A later change of user clears this: do it after that."""
    return prctl_step(PR_SET_PDEATHSIG, number, "pdeathsig")


def no_new_privileges() -> Step:
    return prctl_step(PR_SET_NO_NEW_PRIVS, 1, "no_new_privs")


def not_dumpable() -> Step:
    """Keep this process's memory, descriptors and environment from others of the same user."""
    return prctl_step(PR_SET_DUMPABLE, 0, "dumpable")


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent dies."""
    prctl(PR_SET_CHILD_SUBREAPER, 1, what="subreaper")
