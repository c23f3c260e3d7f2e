"""What this machine allows, found out by trying each layer in a process that is thrown away. Prints JSON."""

from __future__ import annotations

import json
import os
import socket
import sys
import sysconfig
import time
from collections.abc import Callable

from .lockdown import identity, kernel, landlock, seccomp
from .lockdown.syscalls import ARCH


def succeeds(attempt: Callable[[], None]) -> bool:
    """Whether ``attempt`` runs through, in a fork of its own."""
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _seccomp() -> None:
    """Installed is not enough: the filter must be seen to refuse."""
    kernel.take([kernel.no_new_privileges(), seccomp.install(seccomp.build(neuter_metadata=True))])
    try:
        socket.socket()
    except PermissionError:
        return
    raise RuntimeError("the filter does not refuse")


def _landlock() -> None:
    fd = landlock.ruleset([sys.base_prefix], [])
    kernel.take([kernel.no_new_privileges(), landlock.restrict(fd)])
    try:
        os.listdir("/")
    except PermissionError:
        return
    raise RuntimeError("the rules do not refuse")


def _user(uid: int, keep: int) -> Callable[[], None]:
    """As another user, Python's own files must still be readable."""

    def attempt() -> None:
        kernel.take([*identity.become(uid, keep), *identity.drop_capabilities(keep)])
        with open(os.__file__, "rb"):
            pass
        for path in sys.path:
            if os.path.isdir(path):
                os.listdir(path)

    return attempt


def _cpu_clock() -> None:
    time.clock_gettime((~os.getppid() << 3) | 2)


def main(uid: str) -> None:
    found: dict[str, object] = {"linux": kernel.LINUX, "root": os.getuid() == 0, "arch": ARCH}
    if kernel.LINUX:
        found["seccomp"] = bool(ARCH) and succeeds(_seccomp)
        found["landlock"] = landlock.abi() if succeeds(_landlock) else 0
        found["cpu_clock"] = succeeds(_cpu_clock)
        if found["root"]:
            found["user"] = succeeds(_user(int(uid), 0))
            held = identity.effective_capabilities()
            for capability in (identity.CAP_DAC_READ_SEARCH, identity.CAP_DAC_OVERRIDE):
                if held & capability and succeeds(_user(int(uid), capability)):
                    found["user_keeping"] = capability
                    break
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and os.path.isdir(path)]
    found["readable"] = sorted({sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"], *packages})
    sys.stdout.write(json.dumps(found))
