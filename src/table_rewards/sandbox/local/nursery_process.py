"""Starting a nursery: a fresh interpreter, an environment built from nothing, a directory that tells its owner."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from table_rewards.sandbox.local.policy import BOOT, FIRST_USER, USERS, Policy
from table_rewards.sandbox.worker import workdir

PREFIX = "table-rewards-sandbox"
PAIRS, DRAWINGS = "sandbox_worker.trusted_tests", "sandbox_worker.charts"  # as boot.py names the worker's package
FLAVOURS = {
    "bare": (),
    "pairs": (PAIRS,),
    "data": ("numpy", "pandas", PAIRS),
    "charts": ("numpy", "pandas", "matplotlib.pyplot", PAIRS, DRAWINGS),
    "tests": ("pytest", "unittest.mock", "asyncio", PAIRS),
}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass
class Settings:
    """What all nurseries of a pool share."""

    python: str
    slots: int
    policy: Policy
    readable: Sequence[str]
    tmp: str
    hash_seed: int = 0
    preload: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(FLAVOURS))


def start_time(pid: int) -> str:
    """When a process started, as the kernel counts: with the pid it names one process for good. Empty if gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def make_root(tmp: str) -> str:
    """A directory whose name carries its owner, so that a later pool can tell when it was left behind."""
    root = tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-{start_time(os.getpid())}-", dir=tmp)
    os.chmod(root, 0o711)
    return root


def sweep(tmp: str) -> int:
    """Remove what killed trainers left behind; how many directories that were."""
    removed = 0
    try:
        names = [name for name in os.listdir(tmp) if name.startswith(PREFIX + "-")]
    except OSError:
        return 0
    for name in names:
        parts = name[len(PREFIX) + 1 :].split("-")
        path = os.path.join(tmp, name)
        try:
            mine = os.lstat(path).st_uid == os.geteuid()
        except OSError:
            continue
        if mine and len(parts) == 3 and parts[0].isdigit() and start_time(int(parts[0])) != parts[1]:
            removed += workdir.remove(path)
    return removed


def first_user(flavour: str, slots: int) -> int:
    """The first of a nursery's own users: one a slot, apart from other pools' as far as the range goes."""
    width = slots
    index = os.getpid() * len(FLAVOURS) + sorted(FLAVOURS).index(flavour)
    return FIRST_USER + (index * width) % max(1, USERS - width)


def start(settings: Settings, flavour: str, root: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a nursery; it says it is ready on the returned control socket."""
    ours, theirs = socket.socketpair()
    policy = settings.policy
    config = {
        "preload": settings.preload[flavour],
        "root": root,
        "slots": settings.slots,
        "readable": [*settings.readable, os.path.join(root, "mpl")],
        "uid": first_user(flavour, settings.slots) if policy.separate_users else None,
        "keep_capabilities": policy.keep_capabilities,
        "landlock": policy.landlock,
        "seccomp": policy.seccomp,
    }
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "TZ": "UTC",
        "PYTHONHASHSEED": str(settings.hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": os.path.join(root, "mpl"),
        "MALLOC_ARENA_MAX": "2",
        "LD_BIND_NOW": "1",  # else every child looks up the C functions that it is the first to call
        **dict.fromkeys(ONE_THREAD, "1"),
    }
    os.makedirs(environment["MPLCONFIGDIR"], exist_ok=True)
    with theirs, open(os.path.join(root, "log"), "ab") as log:
        command = [settings.python, "-s", "-X", "utf8", BOOT, "nursery", str(theirs.fileno()), json.dumps(config)]
        process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process, ours


def log_tail(root: str) -> str:
    """The last words of a nursery, for an error message."""
    try:
        with open(os.path.join(root, "log"), "rb") as log:
            return log.read()[-2000:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
