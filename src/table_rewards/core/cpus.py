"""How many CPUs this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use: its affinity, and no more than its control group's quota.

    At least 1. Containers limit CPUs by a quota that the affinity does not show.

    >>> usable_cpus() >= 1
    True
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return max(1, count if quota is None else min(count, int(quota + 0.999)))


def _quota() -> float | None:
    """CPUs that the control group grants; None where there is no limit."""
    try:
        allowed, period = _CGROUP_2.read_text("ascii").split()
        return None if allowed == "max" else int(allowed) / int(period)
    except (OSError, ValueError):
        pass
    try:
        allowed, period = (path.read_text("ascii").strip() for path in _CGROUP_1)
        return None if int(allowed) <= 0 else int(allowed) / int(period)
    except (OSError, ValueError):
        return None
