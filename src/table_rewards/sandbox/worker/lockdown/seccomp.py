"""A seccomp filter: a search tree over the system call's number, with a check of arguments at some leaves.

The tree keeps the filter's cost at about ten instructions a call: the kernel runs it once for every call number when
it is installed, which a plain list of 130 tests makes the dearest part of the lock-down.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from functools import partial

from . import kernel
from .kernel import Step
from .syscalls import ARCH, AUDIT_ARCH, CHECKED, DENIED, LOCKS, METADATA, NEWEST_KNOWN, numbers

LOAD, JUMP, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
OWN_PID = 0x5EEDF00D  # stands in the filter for the pid of the process that will install it
ARG0, ARG1, ARG2 = 16, 24, 32  # the low halves of the arguments, little-endian
CLONE_THREAD, CLONE_NEW_ANY = 0x10000, 0x7E020000 | 0x80
O_TRUNC = 0o1000

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant
Block = list[Instruction]


def answer(action: int) -> Block:
    return [(RETURN, 0, 0, action)]


_allow, _deny = answer(ALLOW), answer(ERRNO | errno.EPERM)


def _argument_is(offset: int, allowed: list[int], mask: int | None = None) -> Block:
    """Allow when the argument equals one of the constants (after an and with the mask), else EPERM."""
    block: Block = [(LOAD, 0, 0, offset)]
    if mask is not None:
        block.append((0x54, 0, 0, mask))
    for index, constant in enumerate(allowed):
        block.append((EQUAL, len(allowed) - index, 0, constant))
    return block + _deny + _allow


def _argument_is_not(offset: int, denied: list[int]) -> Block:
    block: Block = [(LOAD, 0, 0, offset)]
    for index, constant in enumerate(denied):
        block.append((EQUAL, len(denied) - index, 0, constant))
    return block + _allow + _deny


def _threads_only() -> Block:
    return [(LOAD, 0, 0, ARG0), (ANY_BIT, 2, 0, CLONE_NEW_ANY), (ANY_BIT, 0, 1, CLONE_THREAD), *_allow, *_deny]


def _own_pid(zero: bool) -> Block:
    return _argument_is(ARG0, [OWN_PID, 0] if zero else [OWN_PID])


def _no_truncating_read(offset: int) -> Block:
    """Before its ABI 3 Landlock lets open(O_RDONLY | O_TRUNC) empty a file it would not let write."""
    return [(LOAD, 0, 0, offset), (ANY_BIT, 0, 3, O_TRUNC), (0x54, 0, 0, 3), (EQUAL, 0, 1, 0), *_deny, *_allow]


def rules(*, neuter_metadata: bool, guard_truncate: bool, arch: str = ARCH) -> dict[int, Block]:
    """``{system call number: what to answer}``; calls that are not listed are allowed."""
    table = dict.fromkeys(numbers(DENIED, arch).values(), _deny)
    table.update(dict.fromkeys(numbers(LOCKS, arch).values(), answer(ERRNO)))
    if neuter_metadata:
        table.update(dict.fromkeys(numbers(METADATA, arch).values(), answer(ERRNO)))
    checks: dict[str, Callable[[], Block]] = {
        "clone": _threads_only,
        "clone3": partial(
            answer, ERRNO | errno.ENOSYS
        ),  # its flags lie behind a pointer; the C library falls back to clone
        "kill": partial(_own_pid, True),  # 0 is the own process group, which is the own session
        "tgkill": partial(_own_pid, False),
        "rt_sigqueueinfo": partial(_own_pid, False),
        "rt_tgsigqueueinfo": partial(_own_pid, False),
        "prlimit64": partial(_own_pid, True),
        "sched_setaffinity": partial(_own_pid, True),
        "sched_setscheduler": partial(_own_pid, True),
        "sched_setparam": partial(_own_pid, True),
        "sched_setattr": partial(_own_pid, True),
        "prctl": partial(_argument_is_not, ARG0, [1, 4, 35, 62]),  # PDEATHSIG, DUMPABLE, MM, SCHED_CORE
        "ioctl": partial(
            _argument_is_not, ARG1, [0x5412, 0x541C, 0x8901, 0x8902]
        ),  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP
        "fcntl": partial(_argument_is_not, ARG1, [8, 10, 15]),  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others
        "socketpair": partial(
            _argument_is, ARG1, [1, 5], 0xF
        ),  # stream, seqpacket: a datagram socket could send to any name
    }
    if guard_truncate:
        checks["truncate"] = partial(answer, ERRNO | errno.EPERM)
        checks["open"] = partial(_no_truncating_read, ARG1)
        checks["openat"] = partial(_no_truncating_read, ARG2)
        checks["openat2"] = partial(answer, ERRNO | errno.ENOSYS)
    for name, number in numbers(CHECKED, arch).items():
        if name in checks:
            table[number] = checks[name]()
    return table


def _tree(keys: list[int], low: int, high: int, table: dict[int, Block]) -> Block:
    """Decide calls ``low <= number < high``: runs of equal answers become one leaf."""
    if low >= high:
        return []
    inside = [key for key in keys if low <= key < high]
    first = table.get(low, _allow)
    if all(table.get(number, _allow) == first for number in range(low, high)) and (
        not inside or len(inside) == high - low
    ):
        return list(first)
    middle = _best_split(low, high, table)
    left, right = _tree(keys, low, middle, table), _tree(keys, middle, high, table)
    if len(left) <= 255:
        return [(AT_LEAST, len(left), 0, middle), *left, *right]
    return [(AT_LEAST, 0, 1, middle), (JUMP, 0, 0, len(left)), *left, *right]


def _best_split(low: int, high: int, table: dict[int, Block]) -> int:
    """The border between two different answers that lies nearest to the middle of the borders."""
    borders = [n for n in range(low + 1, high) if table.get(n, _allow) != table.get(n - 1, _allow)]
    return borders[len(borders) // 2]


def build(*, neuter_metadata: bool, guard_truncate: bool = False, arch: str = ARCH) -> bytes:
    """The filter's instructions, with ``OWN_PID`` where the installing process puts its own pid."""
    return _code(rules(neuter_metadata=neuter_metadata, guard_truncate=guard_truncate, arch=arch), arch)


def build_offline(arch: str = ARCH) -> bytes:
    """A filter for compilers and runtimes: processes may start others, and nobody reaches the network or a kernel."""
    allowed = {"fork", "vfork", "execve", "execveat", "setsid", "setpgid", "setpriority", "memfd_create", "tkill"}
    allowed |= {"pidfd_open", "pidfd_send_signal", "inotify_add_watch", "personality", "move_pages"}
    refused = {name: pair for name, pair in DENIED.items() if name not in allowed}
    return _code(dict.fromkeys(numbers(refused, arch).values(), _deny), arch)


def _code(table: dict[int, Block], arch: str) -> bytes:
    code: Block = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, AUDIT_ARCH[arch]), *answer(KILL), (LOAD, 0, 0, 0)]
    if arch == "x86_64":
        code += [(AT_LEAST, 0, 1, 0x40000000), *answer(KILL)]  # the x32 numbering would walk around the list
    code += [(AT_LEAST, 0, 1, NEWEST_KNOWN + 1), *answer(ERRNO | errno.ENOSYS)]
    code += _tree(sorted(table), 0, NEWEST_KNOWN + 1, table)
    return b"".join(struct.pack("<HBBI", op, yes, no, constant & 0xFFFFFFFF) for op, yes, no, constant in code)


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install(code: bytes) -> Step:
    """Bind the calling thread, and all that it starts, to the filter. Needs no_new_privs."""
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    address, placeholder = ctypes.addressof(program), struct.pack("<I", OWN_PID)

    def bind(_: _Program) -> int:
        buffer.raw = code.replace(placeholder, os.getpid().to_bytes(4, "little"))
        return int(kernel.libc.prctl(kernel.PR_SET_SECCOMP, 2, address, 0, 0))

    return bind, (program,), "seccomp"
