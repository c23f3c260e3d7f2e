"""What every backend of the sandbox offers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future

from table_rewards.sandbox.errors import SandboxUnavailable
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.outcomes import Outcome

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

        Raises:
            SandboxUnavailable: not even a program without imports runs.

        >>> from table_rewards.sandbox import get_sandbox
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
