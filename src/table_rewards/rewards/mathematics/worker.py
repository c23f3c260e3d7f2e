"""The process that math-verify runs in. Started as ``python worker.py FD WORKERS``; not to be imported.

It stands alone: the standard library, and math-verify in memory before the first fork. One process hands out the work
and watches; its children compare, one pair at a time, and are killed and forked anew when a pair takes too long. A fork
of this small single-threaded process costs milliseconds; the trainer itself is never forked.

Messages are JSON lines. In: ``{"id", "mode", "gold", "answer", "cpu_s"}``. Out: ``{"id", "verdict", "note"}`` with the
verdict true, false, or null when the comparison could not be made (the note says why); first of all
``{"ready": version}`` or ``{"broken": why}``.
"""

from __future__ import annotations

import collections
import contextlib
import importlib
import json
import os
import re
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

MEMORY = 2 << 30
STACK = 20_000
WALL_FACTOR = 8.0
ARITHMETIC = re.compile(r"[0-9\s.,+*/^()\-]{1,1000}")
QUICK_LOOK = 0.02

math_verify: Any = None
LATEX: Any = None
EXPRESSION: Any = None


def main() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != folder]
    trainer = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's business
    with contextlib.suppress(AttributeError, ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        version = _load()
    except BaseException as error:  # whatever it is, the trainer must hear of it
        trainer.sendall(_line({"broken": f"{type(error).__name__}: {error}"}))
        return
    trainer.sendall(_line({"ready": version}))
    Overseer(trainer, int(sys.argv[2])).run()


class Child:
    """One forked process that compares."""

    def __init__(self, others: list[socket.socket]) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for sock in [ours, *others]:
                    sock.close()
                _compare_forever(theirs)
            finally:
                os._exit(0)
        theirs.close()
        self.sock = ours
        self.buffer = b""
        self.job: dict[str, Any] | None = None
        self.cpu_from = self.wall_from = 0.0

    def give(self, job: dict[str, Any]) -> None:
        self.job = job
        self.cpu_from, self.wall_from = self.cpu(), time.monotonic()
        self.sock.sendall(_line(job))

    def cpu(self) -> float:
        try:
            return time.clock_gettime((~self.pid << 3) | 2)  # the kernel's CPU clock of that process
        except OSError:
            return -1.0

    def overdue(self) -> str:
        """Why this child must go, or nothing. CPU time decides, so that a busy machine changes no verdict."""
        if self.job is None:
            return ""
        limit, wall, cpu = self.job["cpu_s"], time.monotonic() - self.wall_from, self.cpu()
        if cpu >= 0 and cpu - self.cpu_from >= limit:
            return "slow"
        if wall >= limit and cpu < 0:
            return "slow"
        return "stuck" if wall >= limit * WALL_FACTOR else ""

    def end(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        self.sock.close()
        with contextlib.suppress(OSError):
            os.waitpid(self.pid, 0)


class Overseer:
    """Hands out pairs, watches the clocks, replaces what dies."""

    def __init__(self, trainer: socket.socket, workers: int) -> None:
        self.trainer, self.workers = trainer, workers
        self.parent = os.getppid()
        self.queue: collections.deque[dict[str, Any]] = collections.deque()
        self.children: list[Child] = []
        self.buffer = b""

    def run(self) -> None:
        try:
            while os.getppid() == self.parent:
                busy = [child for child in self.children if child.job is not None]
                socks = [self.trainer, *(child.sock for child in self.children)]
                readable, _, _ = select.select(socks, [], [], QUICK_LOOK if busy else 1.0)
                if self.trainer in readable and not self.read_trainer():
                    break
                for child in list(self.children):
                    if child.sock in readable:
                        self.read_child(child)
                for child in list(self.children):
                    why = child.overdue()
                    if why:
                        limit = child.job["cpu_s"] if child.job else 0.0
                        note = f"no verdict after {limit:g} s of computing" if why == "slow" else "stalled"
                        self.replace(child, note, ours=why == "stuck")
                self.hand_out()
        finally:
            for child in self.children:
                child.end()

    def read_trainer(self) -> bool:
        try:
            data = self.trainer.recv(1 << 18)
        except OSError:
            return False
        if not data:
            return False
        lines = (self.buffer + data).split(b"\n")
        self.buffer = lines.pop()
        self.queue.extend(json.loads(line) for line in lines if line)
        return True

    def read_child(self, child: Child) -> None:
        try:
            data = child.sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.replace(child, "the comparison ran out of memory or crashed", ours=False)
            return
        child.buffer += data
        if child.buffer.endswith(b"\n"):
            line, child.buffer, child.job = child.buffer, b"", None
            self.trainer.sendall(line)

    def replace(self, child: Child, note: str, *, ours: bool) -> None:
        job = child.job
        self.children.remove(child)
        child.end()
        if job is not None:
            self.trainer.sendall(_line({"id": job["id"], "verdict": None, "note": note, "ours": ours}))

    def hand_out(self) -> None:
        while self.queue:
            free = next((child for child in self.children if child.job is None), None)
            if free is None and len(self.children) < self.workers:
                free = Child([self.trainer, *(child.sock for child in self.children)])
                self.children.append(free)
            if free is None:
                return
            job = self.queue.popleft()
            try:
                free.give(job)
            except OSError:
                free.job = None
                self.queue.appendleft(job)
                self.replace(free, "", ours=True)


def _compare_forever(sock: socket.socket) -> None:
    _die_with_parent()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.setrecursionlimit(STACK // 10)
    buffer = b""
    while True:
        data = sock.recv(1 << 16)
        if not data:
            return
        buffer += data
        if not buffer.endswith(b"\n"):
            continue
        job, buffer = json.loads(buffer), b""
        verdict, note = _verdict(job)
        sock.sendall(_line({"id": job["id"], "verdict": verdict, "note": note}))


# -- the comparison ---------------------------------------------------------------------------------------------------


def _load() -> str:
    """Import math-verify, and parse one formula so that every child is born warm."""
    global math_verify, LATEX, EXPRESSION  # before the first fork
    import logging
    import warnings
    from importlib.metadata import version

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(20_000)
    math_verify = importlib.import_module("math_verify")
    LATEX = math_verify.LatexExtractionConfig()
    EXPRESSION = math_verify.ExprExtractionConfig()
    if _verdict({"mode": "algebra", "gold": "\\frac{x^2-1}{x-1}", "answer": "x+1"}) != (True, ""):
        raise RuntimeError("math-verify does not work here: its ANTLR runtime must be 4.9.3, 4.11 or 4.13.2")
    return version("math-verify")


def _verdict(job: dict[str, Any]) -> tuple[bool | None, str]:
    try:
        if job["mode"] == "metric":
            return _metric(job["gold"], job["answer"]), ""
        gold = _parsed(job["gold"])
        if not gold:
            return None, "the reference is not a formula"
        answer = _parsed(job["answer"])
        if not answer or _untrue(answer[0]):
            return False, "not a formula" if not answer else "an equation that does not hold"
        return _same(gold, answer), ""
    except (Exception, RecursionError, MemoryError) as error:
        return None, f"{type(error).__name__}: {str(error)[:200]}"


_PARSED: dict[str, list[Any]] = {}


def _parsed(text: str) -> list[Any]:
    """What math-verify reads in a formula, all of it; nothing when it reads nothing.

    Its search for expressions in running text is left out: it would take the last number of anything. So are its
    strings: texts were compared before.
    """
    found = _PARSED.get(text)
    if found is None:
        clean = text.replace("$", "").replace("\n", " ")
        found = math_verify.parse(f"${clean}$", [LATEX], parsing_timeout=None)
        found = [item for item in found if not isinstance(item, str)]
        if not found and ARITHMETIC.fullmatch(clean):
            found = math_verify.parse(clean, [EXPRESSION], parsing_timeout=None)
            found = [item for item in found if not isinstance(item, str)]
        if len(_PARSED) > 512:
            _PARSED.clear()
        _PARSED[text] = found
    return found


def _untrue(formula: Any) -> bool:
    """Whether this is an equation between two different numbers: its right side would count as the answer."""
    if type(formula).__name__ != "Equality":
        return False
    left, right = formula.args
    if left.free_symbols or right.free_symbols:
        return False
    return not math_verify.verify([left], [right], timeout_seconds=None)


def _same(gold: list[Any], answer: list[Any]) -> bool:
    return bool(math_verify.verify(gold, answer, timeout_seconds=None, allow_set_relation_comp=True))


def _metric(gold: str, completion: str) -> bool:
    """The released scorer: gold as LaTeX, whole completion as expression or LaTeX."""
    wanted = math_verify.parse(f"\\boxed{{{gold}}}", [LATEX], parsing_timeout=None)
    if not wanted:
        raise ValueError("no formula in the reference")
    given = math_verify.parse(completion, [EXPRESSION, LATEX], parsing_timeout=None)
    return any(math_verify.verify(wanted, [item], 6, timeout_seconds=None) for item in given)


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _die_with_parent() -> None:
    """Linux: be killed when the parent ends, even inside a computation that never looks up.

    For the children only: the kernel means the parent's *thread*, and the trainer may start us from one that ends.
    """
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
