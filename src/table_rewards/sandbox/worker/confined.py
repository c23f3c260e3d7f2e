"""Started as ``boot.py confined CONFIG PROGRAM...``: become a program of another language, with less to reach.

Compilers and runtimes start processes of their own and read files all over their folders, so that the lock-down of
Python's children does not fit them. What is taken away: the network and other processes' memory (seccomp), and every
folder but the named ones (Landlock); what is bounded: CPU seconds of each process, memory, files, core dumps. A layer
that this machine lacks is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource

from .lockdown import kernel, landlock, seccomp
from .lockdown.syscalls import ARCH


def main(config: str, *command: str) -> None:
    """Apply the limits of the JSON ``config`` and become ``command``."""
    wanted = json.loads(config)
    os.chdir(wanted["folder"])
    seconds = wanted["cpu_s"]
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, wanted["file_bytes"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_DATA, wanted["memory"]),
    ):
        hard = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):  # macOS has no such limit of data
            resource.setrlimit(what, (value, value) if hard == resource.RLIM_INFINITY else (min(value, hard), hard))
    if kernel.LINUX:
        steps = [kernel.no_new_privileges()]
        if wanted["landlock"]:
            steps.append(landlock.restrict(landlock.ruleset(wanted["read"], wanted["write"], programs=True)))
        if wanted["seccomp"] and ARCH:
            steps.append(seccomp.install(seccomp.build_offline()))
        kernel.take(steps)
    os.execv(command[0], command)
