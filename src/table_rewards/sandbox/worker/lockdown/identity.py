"""Who a child is (user, capabilities) and how much it may use (rlimits)."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import struct

from .kernel import LINUX, PR_CAP_AMBIENT, PR_CAPBSET_DROP, PR_SET_KEEPCAPS, check, libc, prctl

_HEADER = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0), 8)
_DATA = ctypes.create_string_buffer(24)
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2


def effective_capabilities() -> int:
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    except (OSError, StopIteration, ValueError):
        return 0


def become(uid: int, keep: int = 0) -> None:
    """Change user and group for good; ``keep`` names capabilities that survive the change."""
    os.setgroups([])
    if keep:
        prctl(PR_SET_KEEPCAPS, 1, what="keepcaps")
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def drop_capabilities(keep: int = 0, bounding: bool = False) -> None:
    """Give up every capability but ``keep``. The bounding set matters only where a new program could be started."""
    if bounding:
        for capability in range(41):
            if not keep >> capability & 1:
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
    low, high = keep & 0xFFFFFFFF, keep >> 32
    _DATA.raw = struct.pack("<6I", low, low, 0, high, high, 0)
    check(libc.capset(_HEADER, _DATA), "capset")


def limit(*, cpu_s: float, memory: int, file_bytes: int, threads: int, own_user: bool) -> None:
    """Set the resource limits. RLIMIT_CPU counts whole seconds and comes late: the supervisor's watch comes first."""
    seconds = math.ceil(cpu_s) + 1
    for what, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_AS, memory, memory),
    ):
        _set(what, soft, hard)
    if LINUX:
        _set(resource.RLIMIT_MEMLOCK, 0, 0)
        _set(resource.RLIMIT_MSGQUEUE, 0, 0)
    if own_user:
        _set(resource.RLIMIT_NPROC, threads, threads)


def _set(what: int, soft: int, hard: int) -> None:
    ceiling = resource.getrlimit(what)[1]
    if ceiling != resource.RLIM_INFINITY and os.geteuid() != 0:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(what, (soft, hard))
