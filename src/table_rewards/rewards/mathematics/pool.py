"""The trainer's side of the comparing process: started on demand, shared by all threads, forgotten after a fork.

One thread reads verdicts; callers wait on futures. No signal is used, nothing is forked from this process
(``subprocess`` runs a fresh interpreter), and the other side ends when this process does, however that happens.

A sandbox job for each pair was tried instead of this pool: a job that does nothing takes 3.0 ms of CPU, a whole pair of
formulas here 1.1 ms, since a child here compares many pairs before it is replaced.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from table_rewards.core.cpus import usable_cpus
from table_rewards.core.errors import ScorerFailed
from table_rewards.core.forking import renew_after_fork

WORKER: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
START_WITHIN: Final = 120.0
ATTEMPTS: Final = 2
REMEMBERED: Final = 100_000
PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")

logger = logging.getLogger("table_rewards.mathematics")


class Verdict(NamedTuple):
    """What came of a comparison: ``same`` is None when it could not be made; ``ours`` says that it was our fault,
    ``gold`` that the gold answer cannot be read."""

    same: bool | None
    note: str = ""
    ours: bool = False
    gold: bool = False


class Task(NamedTuple):
    """A pair to compare: a form of answers takes two answers, ``metric`` a gold answer and a whole completion."""

    gold: str
    answer: str
    mode: str = "finished"


class Comparer:
    """A comparing process with ``workers`` children. Thread-safe."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or default_workers()
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._known: dict[tuple[Task, float], Verdict] = {}

    def compare(self, tasks: Sequence[Task], cpu_s: float) -> list[Verdict]:
        """Compare every pair, each within ``cpu_s`` seconds of computing, equal pairs once.

        Raises:
            ScorerFailed: the process cannot be started (its message says why).
        """
        known = self._known
        unknown = [task for task in dict.fromkeys(tasks) if (task, cpu_s) not in known]
        fresh = {task: future.result() for task, future in zip(unknown, self.start(unknown, cpu_s), strict=True)}
        found = [fresh[task] if task in fresh else known[task, cpu_s] for task in tasks]
        if len(known) + len(fresh) > REMEMBERED:
            self._known = known = {}
        known.update({(task, cpu_s): verdict for task, verdict in fresh.items() if not verdict.ours})
        return found

    def start(self, tasks: Iterable[Task], cpu_s: float) -> list[Future[Verdict]]:
        """The same as futures, at once."""
        known: dict[Task, Future[Verdict]] = {}
        ordered = []
        fresh: list[_Pending] = []
        for task in tasks:
            future = known.get(task)
            if future is None:
                future = known[task] = Future()
                fresh.append(_Pending(task, cpu_s, future))
            ordered.append(future)
        if fresh:
            self.running().send(fresh)
        return ordered

    def running(self) -> _Process:
        """The living process, started when there is none."""
        with self._lock:
            if self._process is None or self._process.ended:
                self._process = _Process(self.workers, self._again)
            return self._process

    def close(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _again(self, lost: list[_Pending]) -> None:
        """The process died under these: once more in a new one, then they fail."""
        retry = [pending for pending in lost if pending.attempts < ATTEMPTS]
        for pending in lost:
            if pending.attempts >= ATTEMPTS:
                pending.future.set_result(Verdict(None, "the comparing process ended twice", True))
        if retry:
            try:
                self.running().send(retry)
            except Exception as error:
                for pending in retry:
                    if not pending.future.done():
                        pending.future.set_result(Verdict(None, str(error), True))


class _Pending:
    __slots__ = ("attempts", "cpu_s", "future", "task")

    def __init__(self, task: Task, cpu_s: float, future: Future[Verdict]) -> None:
        self.task, self.cpu_s, self.future = task, cpu_s, future
        self.attempts = 0


class _Process:
    """One comparing process and the thread that reads from it."""

    def __init__(self, workers: int, lost: Any) -> None:
        self.lost = lost
        self.ended = False
        self.pending: dict[int, _Pending] = {}
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.send_lock = threading.Lock()
        self.closed = False
        self.sock, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment.update(
            PYTHONPATH=os.pathsep.join(path for path in sys.path if path),
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONHASHSEED="0",
        )
        try:
            with theirs:
                self.process = subprocess.Popen(
                    [sys.executable, "-s", WORKER, str(theirs.fileno()), str(workers)],
                    pass_fds=[theirs.fileno()],
                    env=environment,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            self.sock.settimeout(START_WITHIN)
            self.reader = self.sock.makefile("rb")
            first = self.reader.readline()
            greeting = json.loads(first) if first else {"broken": "it ended without a word"}
        except (OSError, ValueError) as error:
            greeting = {"broken": f"{type(error).__name__}: {error}"}
        if "ready" not in greeting:
            self.ended = True
            self.sock.close()
            raise ScorerFailed(f"the algebra cannot be used: {greeting.get('broken')}")
        self.sock.settimeout(None)
        logger.info("comparing with %s in %d processes", greeting["ready"], workers)
        self.thread = threading.Thread(target=self.read, name="mathematics", daemon=True)
        self.thread.start()

    def send(self, batch: list[_Pending]) -> None:
        lines = []
        with self.lock:
            for pending in batch:
                pending.attempts += 1
                number = next(self.numbers)
                self.pending[number] = pending
                task = pending.task._asdict()
                lines.append(json.dumps({"id": number, **task, "cpu_s": pending.cpu_s}))
        with contextlib.suppress(OSError), self.send_lock:  # never both locks: the reader needs the first to go on
            self.sock.sendall(("\n".join(lines) + "\n").encode())
        if self.ended:
            self.hand_over()

    def read(self) -> None:
        try:
            for line in self.reader:
                message = json.loads(line)
                with self.lock:
                    pending = self.pending.pop(message["id"], None)
                if pending is None:
                    continue
                if message.get("ours") and pending.attempts < ATTEMPTS:
                    self.send([pending])
                    continue
                verdict = Verdict(
                    message["verdict"], message["note"], bool(message.get("ours")), bool(message.get("gold"))
                )
                pending.future.set_result(verdict)
        except (OSError, ValueError) as error:
            logger.warning("the comparing process was lost: %s", error)
        self.ended = True
        with contextlib.suppress(Exception):
            self.process.kill()
            self.process.wait(5)
        self.hand_over()

    def hand_over(self) -> None:
        with self.lock:
            left, self.pending = list(self.pending.values()), {}
        if self.closed:
            for pending in left:
                pending.future.set_result(Verdict(None, "the comparing process was closed", True))
        elif left:
            self.lost(left)

    def close(self) -> None:
        self.ended = self.closed = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(Exception):
            self.process.wait(2)
        with contextlib.suppress(Exception):
            self.process.kill()
            self.process.wait(2)

    def abandon(self) -> None:
        """In a forked copy: let go of the parent's socket without a word."""
        self.ended = True
        with contextlib.suppress(OSError):
            self.sock.close()
        with contextlib.suppress(Exception):
            self.process.returncode = 0  # not our child: nothing to wait for


def default_workers() -> int:
    """One for each usable CPU, at most 8; the environment variable TABLE_REWARDS_MATH_WORKERS overrides it."""
    named = os.environ.get("TABLE_REWARDS_MATH_WORKERS", "")
    if named.isdecimal() and int(named) > 0:
        return int(named)
    return min(8, usable_cpus())


_shared: Comparer | None = None
_shared_lock = threading.Lock()


def shared_comparer() -> Comparer:
    """The comparer of this process."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Comparer()
        return _shared


def _forked() -> None:
    global _shared, _shared_lock
    _shared_lock = threading.Lock()
    old, _shared = _shared, None
    if old is not None and old._process is not None:
        old._process.abandon()
        _inherited.append(old)


_inherited: list[Comparer] = []


def _close() -> None:
    if _shared is not None:
        _shared.close()


atexit.register(_close)
renew_after_fork(_forked)
