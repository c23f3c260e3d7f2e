"""One job in a process of its own, without zygote or socket: on a server that runs plain programs, and on macOS.

The payload lies in a file, the frames of the result go to a file; otherwise the same code runs as in a zygote's child.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from . import child, programs, runners, trusted_tests, wire
from .lockdown import identity, kernel

PAYLOAD, RESULT = "job.payload", "job.result"


def main(payload: str = PAYLOAD, result: str = RESULT, limits: str = "", peer: str = "") -> None:
    """Run the job of the payload file and end the process. ``limits`` is JSON; ``peer`` the socket of ``Job.tests``."""
    with open(payload, "rb") as file:
        spec, parts = wire.split(file.read())
    os.unlink(payload)
    if peer:
        _move(int(peer), wire.PEER_FD)
    _move(os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), wire.RESULT_FD)
    if limits:
        wanted = json.loads(limits)
        wanted["memory"] += child.address_space()
        kernel.take(identity.limit(**wanted, own_user=False))
    wire.say(wire.READY, b"")
    code = 1
    try:
        work = run_tests_in_one_process if spec["kind"] == "tests" else runners.runner(spec["kind"])
        code = work(spec, parts)
        code = child.finish(code)
    finally:
        os._exit(code & 0xFF)


def _move(fd: int, to: int) -> None:
    if fd != to:
        os.dup2(fd, to, inheritable=False)
        os.close(fd)


def run_tests_in_one_process(spec: dict[str, Any], parts: list[bytes]) -> int:
    """The tests in the code's own process: what every peer does, and what a snippet can forge."""
    space = programs.new_module("solution")
    status = programs.load(programs.prepare(spec, parts), space)
    trusted_tests.run_beside(spec, space, f"the code ended with {status}" if status else "")
    return status


if __name__ == "__main__":
    main(*sys.argv[1:])
