"""How much of the machine a pool may use, and what a snippet may read of it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from table_rewards.core.cpus import usable_cpus

SYSTEM_READABLE = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/passwd", "/etc/nsswitch.conf",
)  # fmt: skip


def memory_bytes() -> int:
    """Memory of the container, or of the machine."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = 4 << 30
    limit = _first_line("/sys/fs/cgroup/memory.max")
    return min(total, int(limit)) if limit.isdigit() else total


def default_slots(mem_mb: int = 1024) -> int:
    """One slot a CPU and one more, so that none idles while an answer is taken and the next job given.

    Fewer where all of them at their memory limit would fill more than half of the memory.
    """
    return max(1, min(usable_cpus() + 1, (memory_bytes() // 2) // (mem_mb << 20)))


def readable(python: Iterable[str], extra: Iterable[str] = ()) -> list[str]:
    """What a program needs to read: interpreter and packages, the system's libraries. Nothing of the user's."""
    return sorted({*python, *SYSTEM_READABLE, *extra})


def _first_line(path: str) -> str:
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return ""
