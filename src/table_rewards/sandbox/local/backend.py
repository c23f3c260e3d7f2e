"""The local backend: jobs in locked-down children of warm interpreters on this machine."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import warnings
import weakref
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from dataclasses import replace

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.forking import renew_after_fork
from table_rewards.sandbox.backend import Sandbox
from table_rewards.sandbox.errors import SandboxDegradedWarning, SandboxUnavailable
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.local import machine, nursery_process
from table_rewards.sandbox.local.fresh_process_pool import ProcessPool
from table_rewards.sandbox.local.nursery_pool import Pool
from table_rewards.sandbox.local.policy import PolicyName, choose, probe
from table_rewards.sandbox.local.pool_state import JobFuture
from table_rewards.sandbox.outcomes import Outcome, TestResult

log = logging.getLogger("table_rewards.sandbox")


class LocalSandbox(Sandbox):
    """Runs jobs on this machine, one locked-down child a snippet.

    Nothing starts before the first job. Usable from every thread and event loop; a forked copy of the process starts a
    pool of its own.

    ``slots``
        Jobs at a time; one for each usable CPU and one more when left out.
    ``policy``, ``allow_degraded``
        ``"strict"`` refuses to run with any guarantee lost; ``"auto"`` warns, and refuses where untrusted code would be
        next to unprotected unless ``allow_degraded``.
    ``readable``
        More directories that snippets may read.
    ``python``
        The interpreter that runs the snippets; the trainer's own when left out.
    ``tmp``
        Where the working directories are made.
    ``hash_seed``
        The programs' ``PYTHONHASHSEED``: by it the order of a set of strings is the same in every run.
    ``without``
        Layers to leave out (``"seccomp"``, ``"landlock"``, ``"user"``, ``"zygote"``): for measuring, and to rehearse a
        lesser machine.
    """

    name = "local"

    def __init__(
        self,
        *,
        slots: int | None = None,
        policy: PolicyName = "auto",
        allow_degraded: bool = False,
        readable: Iterable[str] = (),
        python: str | None = None,
        tmp: str | None = None,
        hash_seed: int = 0,
        without: Collection[str] = (),
    ) -> None:
        if slots is not None and (isinstance(slots, bool) or slots < 1):
            raise ConfigurationError(f"slots must be a positive number of jobs at a time, got {slots!r}")
        if isinstance(hash_seed, bool) or not isinstance(hash_seed, int) or not 0 <= hash_seed < 1 << 32:
            raise ConfigurationError(f"hash_seed must be a whole number from 0 to {2**32 - 1}, got {hash_seed!r}")
        if os.name != "posix":
            raise SandboxUnavailable("the local sandbox needs Linux or macOS; use the 'sandbox_fusion' backend")
        found = probe(python or sys.executable)
        self.policy = choose(found, policy, allow_degraded=allow_degraded, without=without)
        self.settings = nursery_process.Settings(
            python=python or sys.executable,
            slots=slots or machine.default_slots(),
            policy=self.policy,
            readable=machine.readable(found.readable, readable),
            tmp=tmp or tempfile.gettempdir(),
            hash_seed=hash_seed,
        )
        self._pool: Pool | ProcessPool | None = None
        self._lock = threading.Lock()
        self._closed = False
        _INSTANCES.add(self)
        if self.policy.lost:
            warnings.warn(f"code sandbox degraded: {'; '.join(self.policy.lost)}", SandboxDegradedWarning, stacklevel=3)

    def submit(self, job: Job) -> Future[Outcome]:
        if job.kind == "stdins" and job.count > 1:
            return _Stdins(self.pool(), job).future
        return self.pool().submit(job)

    def pool(self) -> Pool | ProcessPool:
        """The running pool, started when there is none.

        Raises:
            SandboxUnavailable: the sandbox is closed.
        """
        with self._lock:
            if self._closed:
                raise SandboxUnavailable("this sandbox is closed; get_sandbox() makes a new one")
            if self._pool is None or self._pool.closed:
                self._pool = Pool(self.settings) if self.policy.zygote else ProcessPool(self.settings)
                log.info("%s", self.describe())
            return self._pool

    def describe(self) -> str:
        """One line: the layers in force, the slots, what is lost."""
        lost = "[]" if not self.policy.lost else "[" + "; ".join(self.policy.lost) + "]"
        python = os.path.basename(self.settings.python)
        return f"sandbox: local {self.policy.describe()} slots={self.settings.slots} python={python} degraded={lost}"

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def forked(self) -> None:
        """In a forked copy of the process: forget the parent's pool, start anew on demand."""
        self._lock = threading.Lock()
        if self._pool is not None:
            self._pool.abandon()
        self._pool = None


_INSTANCES: weakref.WeakSet[LocalSandbox] = weakref.WeakSet()


def _forked() -> None:
    for sandbox in list(_INSTANCES):
        sandbox.forked()


renew_after_fork(_forked)


class _Stdins:
    """Many stdins in one child; then, alone in a fresh one, those that a crash or a predecessor may have spoilt."""

    def __init__(self, pool: Pool | ProcessPool, job: Job) -> None:
        self.pool, self.job = pool, job
        self.future = JobFuture()
        self.future.set_running_or_notify_cancel()
        self.future.on_cancel = self.cancel
        self.outcome: Outcome | None = None
        self.results: list[TestResult] = []
        self.inner: list[JobFuture] = [pool.submit(job)]
        self.left = 0
        self.inner[0].add_done_callback(self.first_done)

    def cancel(self) -> None:
        for future in self.inner:
            future.cancel()

    def first_done(self, done: Future[Outcome]) -> None:
        outcome = done.result() if not done.cancelled() else Outcome("cancelled")
        self.outcome, self.results = outcome, list(outcome.results)
        again = []
        if outcome.status in ("ok", "error", "signal"):
            # The first test had nobody before it, unless it ended the process itself (fast programs do: os._exit(0)).
            again = [
                i
                for i, result in enumerate(self.results)
                if result.status == "not_run" or (i and result.status in ("error", "signal"))
            ]
        if not again:
            self.future.set_result(outcome)
            return
        self.left = len(again)
        lock = threading.Lock()
        for index in again:
            alone = replace(self.job, kind="script", inputs=(self.job.inputs[index],))
            future = self.pool.submit(alone)
            self.inner.append(future)
            future.add_done_callback(lambda done, index=index: self.one_done(index, done, lock))  # type: ignore[misc]

    def one_done(self, index: int, done: Future[Outcome], lock: threading.Lock) -> None:
        alone = done.result() if not done.cancelled() else Outcome("cancelled")
        with lock:
            self.results[index] = TestResult(alone.status, alone.stdout, alone.note)
            self.left -= 1
            if self.left:
                return
        assert self.outcome is not None
        ours = any(result.status == "sandbox_error" for result in self.results)
        status = "sandbox_error" if ours else self.outcome.status
        self.future.set_result(replace(self.outcome, status=status, results=tuple(self.results)))
