"""Landlock: which files a process may touch, kept by the kernel, needing no privilege."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable

from .kernel import Step, check, libc

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, IOCTL_DEV = 1 << 6, 1 << 9, 1 << 10, 1 << 11, 1 << 15
TRUNCATE = 1 << 14
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# by ABI: 1 = Linux 5.13, 2 = 5.19 (rename across directories), 3 = 6.2 (truncate), 5 = 6.10 (device ioctl)
ACCESS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full")


def abi() -> int:
    """The kernel's Landlock version, 0 where there is none or where the container filters it."""
    found = libc.syscall(ctypes.c_long(CREATE), None, ctypes.c_long(0), ctypes.c_long(1))
    return max(0, int(found))


def ruleset(read: Iterable[str], write: Iterable[str], *, programs: bool = False) -> int:
    """A file descriptor with the rules: ``read`` trees, ``write`` trees, the harmless devices; nothing else.

    With ``programs`` the files of both may be executed.

    Also refused where the kernel can: TCP (ABI 4), signals and abstract sockets beyond the sandbox (ABI 6). Built once
    for many children; each applies it to itself.
    """
    version = abi()
    if not version:
        raise OSError(errno.ENOSYS, "no Landlock")
    handled = ACCESS.get(version, (1 << 16) - 1)
    attributes = struct.pack("<QQQ", handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    buffer = ctypes.create_string_buffer(attributes, 24)
    fd = check(libc.syscall(ctypes.c_long(CREATE), buffer, ctypes.c_size_t(size), ctypes.c_long(0)), "landlock ruleset")
    run = EXECUTE if programs else 0
    for path in read:
        _allow(fd, path, handled & (READ_FILE | READ_DIR | run))
    for path in write:
        _allow(fd, path, handled & ~(EXECUTE | MAKE_CHAR | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | IOCTL_DEV) | run)
    for path in DEVICES:
        _allow(fd, path, handled & (READ_FILE | WRITE_FILE))
    return int(fd)


def _allow(ruleset_fd: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist cannot be read either
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            access &= ON_FILES
        rule = ctypes.create_string_buffer(struct.pack("<Qi", access, fd), 12)
        done = libc.syscall(
            ctypes.c_long(ADD_RULE), ctypes.c_long(ruleset_fd), ctypes.c_long(1), rule, ctypes.c_long(0)
        )
        check(done, f"landlock rule for {path}")
    finally:
        os.close(fd)


def restrict(ruleset_fd: int) -> Step:
    """Apply the rules to the calling thread for good. Needs no_new_privs."""
    return libc.syscall, (ctypes.c_long(RESTRICT), ctypes.c_long(ruleset_fd), ctypes.c_long(0)), "landlock"
