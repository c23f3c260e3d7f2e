"""The workers of a Ray cluster on this machine, by what Ray writes into their command lines."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def free_port() -> int:
    """A port of the loopback address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


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
