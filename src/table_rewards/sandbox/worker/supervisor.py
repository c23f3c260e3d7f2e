"""One slot: take a job's header from the trainer, fork its child, watch it, report, clean up, again.

A supervisor never reads a payload. The child does, from the same socket, so that no code, input or test of one job
lies in memory from which the next one is forked; what a child wrote is held in a mapping that is gone before the next
fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

from . import child, wire, workdir
from .lockdown import kernel, landlock
from .watch import Watch

WAIT_FOR_NURSERY = 0.5


def serve(plan: child.Plan, slot: int, root: str, readable: list[str], sock: socket.socket, nursery: int) -> NoReturn:
    """The life of a supervisor. Ends with the trainer, with the nursery, or when its directory cannot be cleaned.

    ``nursery`` is the parent's number from before the fork: a parent that is killed at any moment from there on must
    not leave a directory behind.
    """
    base = os.path.join(root, f"slot{slot}-{os.getpid()}")
    work = os.path.join(base, "work")
    try:
        signal.signal(signal.SIGTERM, _parent_ended)
        kernel.take([kernel.die_with_parent(signal.SIGTERM)])
        kernel.adopt_orphans()
        os.mkdir(base, 0o711)
        os.chmod(base, 0o711)
        os.mkdir(work, 0o700)
        user = plan.user(slot)
        if user is not None:
            os.chown(work, user, user)
        os.environ.update(HOME=work, TMPDIR=work)
        ruleset = landlock.ruleset(readable, [work]) if plan.landlock else -1
        sock.sendall(wire.message({"hello": os.getpid()}))
        while os.getppid() == nursery:
            header = wire.receive_header(sock)
            if "cancel" in header:
                continue
            if not _one(plan, slot, work, ruleset, sock, header):
                break
    except (EOFError, OSError):
        pass
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        workdir.remove(work)
        workdir.remove(base)
        with contextlib.suppress(OSError):
            _leave(root, nursery)
        os._exit(0)


def _leave(root: str, nursery: int) -> None:
    """The nursery removes the root; where it was killed, the last of its supervisors does.

    Who ends trainer and nursery together may end the trainer first: a nursery that still lives when the supervisors
    see the end of the trainer is therefore no promise that the root will be removed.
    """
    deadline = time.monotonic() + WAIT_FOR_NURSERY
    while os.getppid() == nursery:
        if time.monotonic() >= deadline or not os.path.isdir(root):
            return
        time.sleep(0.002)
    if not workdir.slots(root):
        workdir.remove(root)


def _parent_ended(*_: object) -> NoReturn:
    raise EOFError("the nursery was killed")


def _one(plan: child.Plan, slot: int, work: str, ruleset: int, sock: socket.socket, header: dict[str, Any]) -> bool:
    """One job; False when this supervisor must not take another."""
    began = time.monotonic()
    watch = Watch(header)
    try:
        watch.start(plan, slot, work, ruleset, sock)
        watch.watch(sock, work)
        exit_status, cpu_s, rss = watch.finish()
        watch.report(exit_status)
        clean = workdir.empty(work)
        goes_on = clean and watch.ready and not watch.gone
        if not watch.gone:
            watch.send(sock, exit_status, cpu_s, rss, time.monotonic() - began, last=not goes_on)
        return goes_on
    except BaseException:
        watch.kill()
        raise
    finally:
        watch.close()
