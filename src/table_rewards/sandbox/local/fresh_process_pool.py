"""Where there is no zygote (macOS): one fresh interpreter a snippet, with limits on time, output and file size.

Nothing keeps such a process from the user's files and network, which is why it needs ``allow_degraded=True`` and warns.
The protocol, the statuses and the comparison are those of the zygotes.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from table_rewards.sandbox import job_encoding
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.local import nursery_process
from table_rewards.sandbox.local.policy import BOOT
from table_rewards.sandbox.local.pool_state import JobFuture
from table_rewards.sandbox.outcomes import Outcome, Status
from table_rewards.sandbox.worker import standalone, wire, workdir

STDERR_BYTES = 64 << 10


class ProcessPool:
    """The same face as :class:`~table_rewards.sandbox.local.nursery_pool.Pool`, much slower."""

    def __init__(self, settings: nursery_process.Settings) -> None:
        self.settings = settings
        self.closed = False
        self.threads = ThreadPoolExecutor(settings.slots, thread_name_prefix="table-rewards-sandbox")
        nursery_process.sweep(settings.tmp)

    def submit(self, job: Job) -> JobFuture:
        future = JobFuture()
        stop = threading.Event()
        future.on_cancel = stop.set

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(_Run(self.settings, job, stop).outcome())
                except OSError as error:
                    future.set_result(job_encoding.failed(job, f"the sandbox cannot start: {error}"))

        self.threads.submit(work)
        return future

    def close(self) -> None:
        self.closed = True
        self.threads.shutdown(wait=True, cancel_futures=True)

    def abandon(self) -> None:
        self.closed = True


class _Run:
    def __init__(self, settings: nursery_process.Settings, job: Job, stop: threading.Event) -> None:
        self.settings, self.job, self.stop = settings, job, stop
        self.root = nursery_process.make_root(settings.tmp)
        self.work = os.path.join(self.root, "work")
        os.mkdir(self.work, 0o700)
        self.result = os.path.join(self.root, standalone.RESULT)
        self.status: Status | None = None

    def outcome(self) -> Outcome:
        began = time.monotonic()
        started: list[subprocess.Popen[bytes]] = []
        try:
            payloads = job_encoding.payloads(self.job)
            if len(payloads) == 2:
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    started.append(self._start(payloads[1], self.result, ours))
                    started.append(self._start(payloads[0], os.devnull, theirs))
            else:
                started.append(self._start(payloads[0], self.result, None))
            texts = self._watch(started[0], started[-1])
            self._kill(started)
            code, used = _reap(started[0])
            return self._report(code, used, texts, time.monotonic() - began)
        finally:
            self._kill(started)
            for one in started:
                with contextlib.suppress(OSError):
                    one.wait()
                for pipe in (one.stdout, one.stderr):
                    if pipe is not None:
                        pipe.close()
            workdir.remove(self.work)
            workdir.remove(self.root)

    def _start(self, payload: bytes, result: str, peer: socket.socket | None) -> subprocess.Popen[bytes]:
        path = os.path.join(self.root, f"{os.path.basename(result)}.payload")
        with open(path, "wb") as file:
            file.write(payload)
        limits = self.job.limits
        wanted = {
            "cpu_s": limits.cpu_s * self.job.count,
            "memory": limits.mem_mb << 20,
            "file_bytes": max(limits.file_mb << 20, limits.result_bytes),
            "threads": limits.threads,
        }
        command = [self.settings.python, "-s", "-X", "utf8", BOOT, "standalone", path, result, json.dumps(wanted)]
        stdin = os.path.join(self.root, "stdin")
        with open(stdin, "wb") as file:
            file.write(self.job.inputs[0] if self.job.kind == "script" else b"")
        fds = [] if peer is None else [peer.fileno()]
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": self.work, "TMPDIR": self.work, "TZ": "UTC"}
        environment.update(PYTHONHASHSEED=str(self.settings.hash_seed), PYTHONDONTWRITEBYTECODE="1")
        environment.update(MPLBACKEND="Agg", MPLCONFIGDIR=self.work)
        environment.update(dict.fromkeys(nursery_process.ONE_THREAD, "1"))
        with open(stdin, "rb") as source:
            return subprocess.Popen(
                [*command, *map(str, fds)],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=fds,
                cwd=self.work,
                env=environment,
                start_new_session=True,
            )

    def _watch(self, main: subprocess.Popen[bytes], model: subprocess.Popen[bytes]) -> list[bytearray]:
        """Read both streams of the model's process, up to their caps, until the main one ends or a limit is met."""
        limits = self.job.limits
        texts, caps = [bytearray(), bytearray()], [limits.out_bytes, STDERR_BYTES]
        deadline = time.monotonic() + limits.wall * self.job.count + 5  # a fresh interpreter takes its time to import
        with selectors.DefaultSelector() as selector:
            for index, pipe in enumerate((model.stdout, model.stderr)):
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ, index)
            while self.status is None:
                for key, _ in selector.select(0.02):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    texts[key.data] += data[: caps[key.data] - len(texts[key.data])]
                    if len(texts[key.data]) >= caps[key.data]:
                        self.status = "output_limit"
                if self.stop.is_set():
                    self.status = "cancelled"
                elif time.monotonic() > deadline:
                    self.status = "timeout_wall"
                elif workdir.over_quota(self.work, limits.disk_mb << 20):
                    self.status = "disk_limit"
                elif not selector.get_map() or os.waitid(os.P_PID, main.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    break
            for index, pipe in enumerate((model.stdout, model.stderr)):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
                while data := (pipe.read(1 << 16) or b""):
                    texts[index] += data[: caps[index] - len(texts[index])]
        if self.status is None:
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                _wait_without_reaping(main.pid, max(0.0, deadline - time.monotonic()))
        return texts

    def _kill(self, started: list[subprocess.Popen[bytes]]) -> None:
        for one in started:
            if one.returncode is None and not _ended(one.pid):
                with contextlib.suppress(OSError):
                    os.killpg(one.pid, signal.SIGKILL)

    def _report(self, code: int, used: float, texts: list[bytearray], wall: float) -> Outcome:
        frames = b""
        with contextlib.suppress(OSError), open(self.result, "rb") as file:
            frames = file.read(max(self.job.limits.result_bytes, job_encoding.MAX_RESULT))
        status: Status = self.status or ("ok" if code == 0 else "signal" if code < 0 else "error")
        if code == -signal.SIGXCPU or (self.status is None and code < 0 and used >= self.job.limits.cpu_s):
            status = "timeout_cpu"
        if self.status is None and frames[4:5] != wire.READY:
            return job_encoding.failed(
                self.job, f"the process did not start: {texts[1][-200:].decode('utf-8', 'replace')}"
            )
        header: dict[str, Any] = {"status": status, "note": "", "code": code, "cpu": used, "wall": wall, "rss": 0}
        return job_encoding.decode_outcome(self.job, header, [bytes(texts[0]), bytes(texts[1]), frames])


def _ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _wait_without_reaping(pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _ended(pid) and time.monotonic() < deadline:
        time.sleep(0.005)


def _reap(one: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Return code and CPU seconds."""
    _, state, usage = os.wait4(one.pid, 0)
    one.returncode = os.waitstatus_to_exitcode(state)
    return one.returncode, usage.ru_utime + usage.ru_stime
