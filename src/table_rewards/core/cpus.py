"""How many CPUs this process may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from table_rewards.core.errors import ConfigurationError

CPUS: Final = "TABLE_REWARDS_CPUS"
"""The environment variable that says how many CPUs a process may use at most, where others share the machine."""

_CGROUP_2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use: its affinity, and no more than its control group's quota.

    At least 1. Containers limit CPUs by a quota that the affinity does not show. The environment variable
    ``TABLE_REWARDS_CPUS`` lowers the number, where several processes share a machine.

    Raises:
        ConfigurationError: ``TABLE_REWARDS_CPUS`` is no whole number above 0.

    >>> usable_cpus() >= 1
    True
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    found = max(1, count if quota is None else min(count, int(quota + 0.999)))
    told = os.environ.get(CPUS, "")
    if not told:
        return found
    if not told.isascii() or not told.isdigit() or int(told) < 1:
        raise ConfigurationError(f"{CPUS} must be a whole number above 0, not {told!r}")
    return min(found, int(told))


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
