"""What the pool keeps account of: jobs on their way, supervisors, nurseries."""

from __future__ import annotations

import json
import select
import socket
import subprocess
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.outcomes import Outcome
from table_rewards.sandbox.worker import wire


class JobFuture(Future[Outcome]):
    """A future whose ``cancel`` also reaches a job that already runs: it is killed and ends as ``cancelled``."""

    def __init__(self) -> None:
        super().__init__()
        self.on_cancel: Any = None

    def cancel(self) -> bool:
        if super().cancel():
            return True
        if self.on_cancel is not None and not self.done():
            self.on_cancel()
        return False


@dataclass(eq=False)
class Task:
    job: Job
    future: JobFuture
    number: int
    flavour: str
    attempts: int = 0
    cancelled: bool = False


@dataclass(eq=False)
class Slot:
    """A supervisor: ``starting`` until it says hello, then idle or busy with ``task``."""

    sock: socket.socket
    nursery: Nursery
    number: int
    pid: int = 0
    task: Task | None = None
    deadline: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)


@dataclass(eq=False)
class Nursery:
    flavour: str
    root: str
    process: subprocess.Popen[bytes]
    control: socket.socket
    started: float
    ready: bool = False
    buffer: bytearray = field(default_factory=bytearray)
    slots: dict[int, Slot] = field(default_factory=dict)
    idle: list[Slot] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)


def has_ended(sock: socket.socket) -> bool:
    """Whether the other side of an idle socket is gone: an idle supervisor has nothing to say."""
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(0))


def take_message(buffer: bytearray) -> tuple[dict[str, Any], list[bytes]] | None:
    """Remove one whole message from the buffer, or leave it."""
    if len(buffer) < 4:
        return None
    (size,) = wire.LENGTH.unpack_from(buffer)
    if len(buffer) < 4 + size:
        return None
    header = json.loads(bytes(buffer[4 : 4 + size]))
    end = 4 + size + sum(header["sizes"])
    if len(buffer) < end:
        return None
    parts, at = [], 4 + size
    for length in header["sizes"]:
        parts.append(bytes(buffer[at : at + length]))
        at += length
    del buffer[:end]
    return header, parts
