"""The workers of a Ray cluster on this machine, by what Ray writes into their command lines."""

from __future__ import annotations

from pathlib import Path


def workers(name: str) -> list[int]:
    """Process numbers of workers whose title holds ``name``, such as ``ServeReplica:app:deployment``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            title = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if title.startswith("ray::") and name in title:
            found.append(int(entry.name))
    return sorted(found)
