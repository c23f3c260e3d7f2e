"""Who a child is (user, capabilities) and how much it may use (rlimits), as steps for :func:`.kernel.take`."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import struct

from .kernel import LINUX, PR_CAP_AMBIENT, PR_CAPBSET_DROP, PR_SET_KEEPCAPS, Step, libc, prctl_step

_HEADER = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0), 8)
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2


def effective_capabilities() -> int:
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    except (OSError, StopIteration, ValueError):
        return 0


def become(uid: int, keep: int = 0) -> list[Step]:
    """Change user and group for good; ``keep`` names capabilities that survive the change."""
    kept = [prctl_step(PR_SET_KEEPCAPS, 1, "keepcaps")] if keep else []
    ids = (uid, uid, uid)
    return [(os.setgroups, ([],), "groups"), *kept, (os.setresgid, ids, "group"), (os.setresuid, ids, "user")]


def drop_capabilities(keep: int = 0, bounding: bool = False) -> list[Step]:
    """Give up every capability but ``keep``. The bounding set matters only where a new program could be started."""
    steps = []
    if bounding:
        steps = [prctl_step(PR_CAPBSET_DROP, number, "") for number in range(41) if not keep >> number & 1]
    low, high = keep & 0xFFFFFFFF, keep >> 32
    data = ctypes.create_string_buffer(struct.pack("<6I", low, low, 0, high, high, 0), 24)
    return [*steps, prctl_step(PR_CAP_AMBIENT, 4, ""), (libc.capset, (_HEADER, data), "capset")]


def limit(*, cpu_s: float, memory: int, file_bytes: int, threads: int, own_user: bool) -> list[Step]:
    """Set the resource limits. RLIMIT_CPU counts whole seconds and comes late: the supervisor's watch comes first."""
    seconds = math.ceil(cpu_s) + 1
    wanted = [
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_AS, memory, memory),
    ]
    if LINUX:
        wanted += [(resource.RLIMIT_MEMLOCK, 0, 0), (resource.RLIMIT_MSGQUEUE, 0, 0)]
    if own_user:
        wanted.append((resource.RLIMIT_NPROC, threads, threads))
    return [(resource.setrlimit, (what, _possible(what, soft, hard)), "limit") for what, soft, hard in wanted]


def _possible(what: int, soft: int, hard: int) -> tuple[int, int]:
    ceiling = resource.getrlimit(what)[1]
    if ceiling != resource.RLIM_INFINITY and os.geteuid() != 0:
        return min(soft, ceiling), min(hard, ceiling)
    return soft, hard
