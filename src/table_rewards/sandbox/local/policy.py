"""What this machine lets the sandbox do, and whether that is enough.

=======================  =====================  ============================================================
machine                  files are guarded by   lost
=======================  =====================  ============================================================
root, Landlock           Landlock and users     nothing
other user, Landlock     Landlock               nothing
root, no Landlock        users                  world-readable files can be read
other user, no Landlock  nothing                every file of the user: refused without ``allow_degraded``
no seccomp               as above               network, processes, signals: refused without ``allow_degraded``
not Linux                nothing                all of it: refused without ``allow_degraded``
=======================  =====================  ============================================================
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from table_rewards.core.errors import one_of
from table_rewards.sandbox.errors import SandboxUnavailable

PolicyName = Literal["auto", "strict"]
LAYERS = ("seccomp", "landlock", "user", "zygote")
BOOT = str(Path(__file__).parents[1] / "worker" / "boot.py")
FIRST_USER, USERS = 61_000, 4_500


@dataclass(frozen=True)
class Capabilities:
    """What was found by trying. ``landlock`` is its version; ``user`` that children can be other users."""

    linux: bool = False
    root: bool = False
    arch: str = ""
    seccomp: bool = False
    landlock: int = 0
    cpu_clock: bool = False
    user: bool = False
    user_keeping: int = 0
    readable: tuple[str, ...] = ()  # the interpreter and its packages


@dataclass(frozen=True)
class Policy:
    """The layers that are applied, and the guarantees that are lost without the others."""

    seccomp: bool = False
    landlock: int = 0
    separate_users: bool = False
    keep_capabilities: int = 0
    zygote: bool = True
    lost: tuple[str, ...] = ()
    refused: tuple[str, ...] = field(default=())

    def describe(self) -> str:
        """The layers in one line, for the status line.

        >>> Policy(seccomp=True, landlock=7, separate_users=True).describe()
        'landlock=7 seccomp=yes users=separate'
        """
        users = "separate" if self.separate_users else "shared"
        return f"landlock={self.landlock or 'no'} seccomp={'yes' if self.seccomp else 'no'} users={users}"


@lru_cache(maxsize=4)
def probe(python: str = sys.executable) -> Capabilities:
    """Try every layer in processes that are thrown away; about a tenth of a second, once a process.

    Raises:
        SandboxUnavailable: the interpreter cannot be started, or the probe fails in it.
    """
    command = [python, "-s", BOOT, "probe", str(FIRST_USER)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": os.defpath}, check=True)
        found = json.loads(done.stdout)
        return Capabilities(**{**found, "readable": tuple(found["readable"])})
    except subprocess.CalledProcessError as error:
        raise SandboxUnavailable(f"the sandbox's probe failed in {python}: {error.stderr.strip()[-500:]}") from None
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailable(f"the sandbox's probe failed in {python}: {error}") from None


def choose(
    found: Capabilities, policy: PolicyName = "auto", *, allow_degraded: bool = False, without: Collection[str] = ()
) -> Policy:
    """Pick the layers; raise :class:`SandboxUnavailable` where what remains is not enough for the policy.

    ``without`` leaves layers out on purpose, to measure them or to rehearse a machine that lacks them.
    """
    one_of("policy", policy, ("auto", "strict"))
    for layer in without:
        one_of("layer", layer, LAYERS)
    seccomp = found.seccomp and "seccomp" not in without
    landlock = found.landlock if "landlock" not in without else 0
    users, keep = False, 0
    if found.root and "user" not in without:
        if found.user:
            users = True
        elif found.user_keeping and landlock:
            users, keep = True, found.user_keeping  # Python lies where only root can read: Landlock guards the files
    if "zygote" in without:
        found, seccomp, landlock, users = replace(found, linux=False), False, 0, False
    lost, refused = _lost(found, seccomp, landlock, users)
    zygote = found.linux and "zygote" not in without
    chosen = Policy(seccomp, landlock, users, keep, zygote, lost, refused)
    if policy == "strict" and lost:
        raise SandboxUnavailable(f"policy 'strict', but this machine lacks: {'; '.join(lost)}")
    if refused and not allow_degraded:
        raise SandboxUnavailable(
            f"untrusted code would run without protection here: {'; '.join(refused)}. Use a kernel with Landlock "
            "(Linux 5.13, Docker 23), the 'sandbox_fusion' backend, or accept it with allow_degraded=True"
        )
    return chosen


def _lost(found: Capabilities, seccomp: bool, landlock: int, users: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is lost, and the part of it that is too much without a word of consent."""
    if not found.linux:
        all_of_it = "no zygote (not Linux): files, network and processes are not guarded, only time and output"
        return (all_of_it,), (all_of_it,)
    lost, refused = [], []
    if not seccomp:
        refused.append("no seccomp: network, new processes and signals to other processes are not blocked")
    if not landlock and not users:
        refused.append("no Landlock and no separate users: snippets can read and write every file of this user")
    elif not landlock:
        lost.append("no Landlock: snippets can read world-readable files and write where everybody may")
    if found.root and not users and landlock:
        lost.append("no separate users although root: only Landlock and seccomp stand between a snippet and root")
    if not found.cpu_clock:
        lost.append("no per-process CPU clock: CPU limits are whole seconds")
    return tuple(lost + refused), tuple(refused)
