"""What a supervisor asks of the processes it started: their clocks, their end, what they left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time


def cpu_clock(pid: int) -> float | None:
    """CPU seconds of a whole process so far, from the clock that the kernel keeps for it."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def queued(pid: int) -> float:
    """Seconds that a process was ready to run but another had the processor."""
    try:
        with open(f"/proc/{pid}/schedstat") as schedstat:
            return int(schedstat.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Exit:
    """Notices the end of a child: by a pidfd where there is one, else by asking."""

    def __init__(self, pid: int, poll: select.poll) -> None:
        self.seen, self.fd, self.poll = False, -1, poll
        with contextlib.suppress(OSError, AttributeError):
            self.fd = os.pidfd_open(pid)
            poll.register(self.fd, select.POLLIN)

    def look(self, pid: int) -> None:
        if self.fd < 0:
            self.seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def close(self) -> None:
        if self.fd >= 0:
            self.poll.unregister(self.fd)
            os.close(self.fd)


def reap_orphans() -> None:
    """Whatever was re-parented to us; only possible where seccomp does not forbid to fork."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            with contextlib.suppress(OSError, ValueError), open(f"/proc/self/task/{os.getpid()}/children") as children:
                for orphan in children.read().split():
                    os.kill(int(orphan), signal.SIGKILL)
            time.sleep(0.001)
