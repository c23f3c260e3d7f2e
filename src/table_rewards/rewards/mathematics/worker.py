"""The process that algebra runs in. Started as ``python worker.py FD WORKERS``; not to be imported.

It has sympy in memory before the first fork. One process hands out the work and watches; its children compare, one pair
at a time, and are killed and forked anew when a pair takes too long. A fork of this small single-threaded process costs
milliseconds; the trainer itself is never forked.

Messages are JSON lines. In: ``{"id", "mode", "gold", "answer", "cpu_s"}``; the mode is a form (which values
count), or ``metric``: math-verify on a gold answer and a whole completion, as the published scorers call it.
Out: ``{"id", "verdict", "note"}`` with the verdict true, false, or null when the comparison could not be made (the note
says why); ``{"gold": true}`` with it says that the gold answer is to blame. First of all ``{"ready": version}`` or
``{"broken": why}``.
"""

from __future__ import annotations

import collections
import contextlib
import importlib
import json
import os
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
QUICK_LOOK = 0.02

math_verify: Any = None
LATEX: Any = None
EXPRESSION: Any = None
RULES: dict[str, Any] = {}


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
                poll = select.poll()  # unlike select, it knows descriptors beyond 1,023, as a busy trainer hands on
                for sock in (self.trainer, *(child.sock for child in self.children)):
                    poll.register(sock, select.POLLIN)
                readable = {fd for fd, _ in poll.poll(1000 * (QUICK_LOOK if busy else 1.0))}
                if self.trainer.fileno() in readable and not self.read_trainer():
                    break
                for child in list(self.children):
                    if child.sock.fileno() in readable:
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
            if self.queue[0]["mode"] == "metric" and math_verify is None and not self.warmed_up():
                continue
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

    def warmed_up(self) -> bool:
        """Import math-verify before the first fork that needs it; children that were born without it make room."""
        try:
            _load_math_verify()
        except BaseException as error:
            note = f"math-verify cannot be used: {type(error).__name__}: {error}"
            job = self.queue.popleft()
            self.trainer.sendall(_line({"id": job["id"], "verdict": None, "note": note, "ours": True}))
            return False
        for child in [child for child in self.children if child.job is None]:
            self.children.remove(child)
            child.end()
        return True


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
        verdict, note, gold = _verdict(job)
        sock.sendall(_line({"id": job["id"], "verdict": verdict, "note": note, "gold": gold}))


# -- the comparison ---------------------------------------------------------------------------------------------------


def _load() -> str:
    """Import sympy and our reader, and compare one pair so that every child is born warm."""
    import logging
    import warnings
    from importlib.metadata import version

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(20_000)
    import sympy

    from table_rewards.rewards.mathematics.algebra import Algebra
    from table_rewards.rewards.mathematics.equality import Comparison
    from table_rewards.rewards.mathematics.rule import ANSWER_FORMS

    RULES.update({form: Comparison(Algebra(), form=form) for form in ANSWER_FORMS})
    x = sympy.Symbol("x", real=True)
    sympy.solveset(x**2 - 1, x, sympy.S.Reals)
    for gold, answer in (("\\frac{x^2-1}{x-1}", "x+1"), ("x^2=4", "(x-2)(x+2)=0"), ("x<1", "(-\\infty,1)")):
        if _verdict({"mode": "finished", "gold": gold, "answer": answer}) != (True, "", False):
            raise RuntimeError(f"algebra does not work here: {gold} and {answer} are one")
    return f"sympy {version('sympy')}"


def _load_math_verify() -> None:
    global math_verify, LATEX, EXPRESSION
    found = importlib.import_module("math_verify")
    LATEX = found.LatexExtractionConfig()
    EXPRESSION = found.ExprExtractionConfig()
    if not found.verify(
        found.parse("$x+1$", [LATEX], parsing_timeout=None),
        found.parse("$1+x$", [LATEX], parsing_timeout=None),
        timeout_seconds=None,
    ):
        raise RuntimeError("its ANTLR runtime must be 4.9.3, 4.11 or 4.13.2")
    math_verify = found


def _verdict(job: dict[str, Any]) -> tuple[bool | None, str, bool]:
    """What came of a pair: the verdict, a note, and whether the gold answer is to blame for there being none."""
    from table_rewards.rewards.mathematics.reading import read_answer
    from table_rewards.rewards.mathematics.tree import Unreadable

    try:
        if job["mode"] == "metric":
            if math_verify is None:
                _load_math_verify()
            return _metric(job["gold"], job["answer"]), "", False
        try:
            gold = read_answer(job["gold"])
        except Unreadable as error:
            return None, f"the reference cannot be read: {error}", True
        try:
            answer = read_answer(job["answer"])
        except Unreadable as error:
            return False, f"not understood: {error}", False
        same = RULES[job["mode"]].same(gold, answer)
        return same, "" if same is not None else "algebra cannot tell", False
    except (Exception, RecursionError, MemoryError) as error:
        return None, f"{type(error).__name__}: {str(error)[:200]}", False


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
