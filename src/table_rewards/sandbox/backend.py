"""What every backend offers, and how to get one."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from table_rewards.core.errors import one_of
from table_rewards.sandbox.errors import SandboxUnavailable
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.outcomes import Outcome

BACKENDS = ("local", "sandbox_fusion")
_LACKS = """
from importlib.util import find_spec
def run(names):
    return [name for name in names if find_spec(name) is None]
"""


class Sandbox(ABC):
    """Runs jobs. Thread-safe; the async forms work in any event loop.

    A job that could not be run, twice, comes back as ``sandbox_error`` (``outcome.is_ours``): the caller makes it
    unscored, never wrong.
    """

    name = ""
    trusted_tests = True  # Job.tests runs its two halves in two processes

    @abstractmethod
    def submit(self, job: Job) -> Future[Outcome]:
        """Start a job. Cancelling the future kills a job that already runs; it then ends as ``cancelled``.

        Callbacks of the future run in the sandbox's own thread: they must not wait for another job.
        """

    @abstractmethod
    def describe(self) -> str:
        """One line: which backend, what is in force, what is lost."""

    @abstractmethod
    def close(self) -> None:
        """End every process and connection. Jobs that still run end as ``cancelled``."""

    def run(self, job: Job) -> Outcome:
        """Run one job and wait for it."""
        return self.submit(job).result()

    def run_batch(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Run many jobs, equal ones once; outcomes in the order of the jobs."""
        started = self._start(jobs)
        return [started[job].result() for job in jobs]

    async def arun(self, job: Job) -> Outcome:
        """Run one job without blocking the event loop."""
        return await asyncio.wrap_future(self.submit(job))

    async def arun_batch(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Run many jobs, equal ones once, without blocking the event loop; cancelling it cancels them."""
        started = self._start(jobs)
        waiting = {job: asyncio.wrap_future(future) for job, future in started.items()}
        try:
            await asyncio.gather(*waiting.values())
        except asyncio.CancelledError:
            for future in started.values():
                future.cancel()
            raise
        return [waiting[job].result() for job in jobs]

    def lacks(self, *modules: str) -> list[str]:
        """Which of these modules programs cannot import here. A reward that needs one asks before it scores.

        >>> get_sandbox().lacks("json", "no_such_module")
        ['no_such_module']
        """
        outcome = self.run(Job.harness(_LACKS, list(modules), flavour="bare"))
        if not outcome.values[0].ok:
            raise SandboxUnavailable(f"the sandbox cannot run a program: {outcome.note or outcome.values[0].error}")
        return list(outcome.values[0].python())

    def _start(self, jobs: Sequence[Job]) -> dict[Job, Future[Outcome]]:
        started: dict[Job, Future[Outcome]] = {}
        for job in jobs:
            if job not in started:
                started[job] = self.submit(job)
        return started

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_shared: dict[tuple[Any, ...], Sandbox] = {}
_lock = threading.Lock()


def get_sandbox(backend: str = "local", **options: Any) -> Sandbox:
    """The sandbox of this process for a backend and its options: built once, shared by all, closed at exit.

    ``"local"`` takes the options of :class:`~table_rewards.sandbox.local.LocalSandbox`, ``"sandbox_fusion"`` those of
    :class:`~table_rewards.sandbox.remote.SandboxFusion`. Starting is lazy: this call raises for a bad option or
    policy, and starts nothing.
    """
    one_of("sandbox backend", backend, BACKENDS)
    key = (os.getpid(), backend, *sorted((name, _frozen(value)) for name, value in options.items()))
    with _lock:
        found = _shared.get(key)
        if found is None or getattr(found, "_closed", False):
            found = _shared[key] = _build(backend, options)
        return found


def close_sandboxes() -> None:
    """Close every shared sandbox of this process; the next ``get_sandbox`` builds a new one."""
    with _lock:
        mine = [(key, sandbox) for key, sandbox in _shared.items() if key[0] == os.getpid()]
        _shared.clear()
    for _, sandbox in mine:
        sandbox.close()


def _build(backend: str, options: dict[str, Any]) -> Sandbox:
    if backend == "sandbox_fusion":
        from table_rewards.sandbox.remote import SandboxFusion

        return SandboxFusion(**options)
    from table_rewards.sandbox.local import LocalSandbox

    return LocalSandbox(**options)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, set, frozenset)) else value


def _forked() -> None:
    global _lock
    _lock = threading.Lock()


atexit.register(close_sandboxes)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
