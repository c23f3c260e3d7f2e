"""The workers of a Ray cluster on this machine, by what Ray writes into their command lines."""

from __future__ import annotations

import os
import random
import socket
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    """A port of the loopback address that nobody uses: none of those that a system gives away, nor Ray's workers."""
    while True:
        port = random.SystemRandom().randrange(21_000, 31_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def workers(name: str) -> list[int]:
    """Process numbers of workers whose title holds ``name``, such as ``ServeReplica:app:deployment``.

    Only those that descend from this process: another suite may run on this machine.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            title = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if title.startswith("ray::") and name in title and _descends(int(entry.name), os.getpid()):
            found.append(int(entry.name))
    return sorted(found)


def _descends(number: int, ancestor: int) -> bool:
    while number > 1 and number != ancestor:
        try:
            told = Path(f"/proc/{number}/stat").read_text("utf-8", "replace")
        except OSError:
            return False
        number = int(told.rpartition(")")[2].split()[1])
    return number == ancestor
