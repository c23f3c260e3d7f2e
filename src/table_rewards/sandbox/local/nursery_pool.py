"""The local pool: one dispatcher thread between any number of callers and the supervisors.

Callers only append to a queue and wake the thread, so every thread, event loop and callback may submit. The trainer
never forks: nurseries are started as programs, and everything else is forked from those.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import logging
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from typing import Any

from table_rewards.sandbox import job_encoding
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.local import nursery_process
from table_rewards.sandbox.local.pool_state import JobFuture, Nursery, Slot, Task, has_ended, take_message
from table_rewards.sandbox.worker import wire, workdir

log = logging.getLogger("table_rewards.sandbox")
ATTEMPTS = 2
LOOK_AHEAD = 16  # jobs of a flavour that still starts do not hold up those behind them
GRACE, SEND_WITHIN = 10.0, 20.0
STRETCH = 10  # a busy machine stretches wall-clock limits by so much at most
BOOT_WITHIN = 120.0
PAUSE = 0.25  # who kills a nursery often kills its trainer next, which must not be making a directory just then


class Pool:
    """Runs jobs until closed. Belongs to the process that made it: a forked copy must not use it."""

    def __init__(self, settings: nursery_process.Settings) -> None:
        self.settings = settings
        self.closed = False
        self.queue: collections.deque[Task] = collections.deque()
        self.cancels: collections.deque[Task] = collections.deque()
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.nurseries: dict[str, Nursery] = {}
        self.failures: collections.Counter[str] = collections.Counter()
        self.running = 0
        self.paused_until = 0.0
        self.selector = selectors.DefaultSelector()
        self.waker, self.wake_end = socket.socketpair()
        self.waker.setblocking(False)
        self.wake_end.setblocking(False)
        self.selector.register(self.waker, selectors.EVENT_READ, None)
        nursery_process.sweep(settings.tmp)
        self.thread = threading.Thread(target=self._loop, daemon=True, name="table-rewards-sandbox")
        self.thread.start()

    # -- any thread

    def submit(self, job: Job) -> JobFuture:
        future = JobFuture()
        task = Task(job, future, next(self.numbers), job_encoding.flavour_of(job))
        future.on_cancel = lambda: self._cancel(task)
        with self.lock:
            if self.closed:
                future.set_result(job_encoding.failed(job, "the sandbox is closed"))
                return future
            self.queue.append(task)
        self._wake()
        return future

    def _cancel(self, task: Task) -> None:
        self.cancels.append(task)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # a full pipe wakes as well
            self.wake_end.send(b"x")

    def close(self, timeout: float = 3.0) -> None:
        """End everything and wait for it. Jobs that still run end as ``cancelled``."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
        self._wake()
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout)

    def abandon(self) -> None:
        """In a forked copy of the trainer: let go of everything without touching the original's processes."""
        self.closed = True
        for sock in [self.waker, self.wake_end, *self._sockets()]:
            with contextlib.suppress(OSError):
                sock.close()
        with contextlib.suppress(OSError):
            self.selector.close()

    def _sockets(self) -> list[socket.socket]:
        found = []
        for nursery in self.nurseries.values():
            found += [nursery.control, *(slot.sock for slot in nursery.slots.values())]
        return found

    # -- the dispatcher thread

    def _loop(self) -> None:
        try:
            while not self.closed:
                for key, _ in self.selector.select(1.0 if time.monotonic() >= self.paused_until else 0.02):
                    self._serve(key.data)
                self._cancel_running()
                self._watch()
                self._dispatch()
        except BaseException:
            log.exception("the sandbox's dispatcher failed")
            with self.lock:
                self.closed = True
        finally:
            self._shut_down()

    def _serve(self, source: Nursery | Slot | None) -> None:
        if source is None:
            with contextlib.suppress(BlockingIOError):
                self.waker.recv(4096)
            return
        sock = source.control if isinstance(source, Nursery) else source.sock
        try:
            data = sock.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            if isinstance(source, Nursery):
                self._lose_nursery(source, "ended")
            else:
                self._lose_slot(source, "its supervisor ended")
            return
        source.buffer += data
        message = take_message(source.buffer)
        if message is None:
            return
        header, parts = message
        if isinstance(source, Nursery):
            source.ready, source.info = True, header
            if header["missing"]:
                log.warning("sandbox: programs cannot import %s here", ", ".join(header["missing"]))
            if header["threads"] != 1:
                log.warning(
                    "sandbox: the %s interpreter has %d threads before a fork", source.flavour, header["threads"]
                )
        elif "hello" in header:
            source.pid = header["hello"]
            source.nursery.idle.append(source)
        else:
            self._finish(source, header, parts)

    def _dispatch(self) -> None:
        """Give the oldest jobs to idle slots of their flavour; start what is missing."""
        free = self.settings.slots - self.running
        if free <= 0 or not self.queue:
            return
        with self.lock:
            waiting = list(itertools.islice(self.queue, LOOK_AHEAD * free))
        starting: collections.Counter[str] = collections.Counter()
        for task in waiting:
            if self.running >= self.settings.slots:
                return
            nursery = self.nurseries.get(task.flavour)
            if nursery is None:
                self._start_nursery(task.flavour)
                continue
            if not nursery.ready:
                continue
            while nursery.idle and has_ended(nursery.idle[-1].sock):
                self._lose_slot(nursery.idle[-1], "")
            if not nursery.idle:
                starting[task.flavour] += 1
                pending = sum(1 for slot in nursery.slots.values() if not slot.pid)
                if pending < starting[task.flavour] and len(nursery.slots) < self.settings.slots:
                    self._start_slot(nursery)
                continue
            with self.lock:
                self.queue.remove(task)
            if task.attempts or task.future.set_running_or_notify_cancel():
                self._give(task, nursery.idle.pop())

    def _give(self, task: Task, slot: Slot) -> None:
        task.attempts += 1
        slot.task = task
        limits = task.job.limits
        slot.deadline = time.monotonic() + STRETCH * limits.wall * task.job.count + 60 + GRACE
        self.running += 1
        try:
            slot.sock.sendall(job_encoding.encode_job(task.job, task.number))
        except OSError:
            self._lose_slot(slot, "its supervisor ended")

    def _finish(self, slot: Slot, header: dict[str, Any], parts: list[bytes]) -> None:
        task, slot.task = slot.task, None
        self.running -= 1
        if header["last"]:  # it could not clean up, or did not read all of its job
            self._lose_slot(slot, "")
        else:
            slot.nursery.idle.append(slot)
        assert task is not None, "an answer without a question"
        if header["status"] == "sandbox_error":
            self._failed(task, header["note"])
            return
        self._dispatch()  # before the answer is read: the slot need not wait for that
        task.future.set_result(job_encoding.decode_outcome(task.job, header, parts))

    def _failed(self, task: Task, note: str) -> None:
        """Our fault: once more, in a fresh slot, then give up."""
        if task.cancelled:
            task.future.set_result(job_encoding.failed(task.job, "cancelled", "cancelled"))
        elif task.attempts < ATTEMPTS and not self.closed:
            log.warning("sandbox: %s; the job is run again", note)
            with self.lock:
                self.queue.appendleft(task)
        else:
            task.future.set_result(job_encoding.failed(task.job, note))

    def _cancel_running(self) -> None:
        while self.cancels:
            task = self.cancels.popleft()
            task.cancelled = True
            for nursery in self.nurseries.values():
                for slot in nursery.slots.values():
                    if slot.task is task:
                        with contextlib.suppress(OSError):
                            slot.sock.sendall(wire.message({"cancel": task.number}))

    def _watch(self) -> None:
        """A supervisor that does not answer in time is killed; its job is run again elsewhere."""
        now = time.monotonic()
        for nursery in list(self.nurseries.values()):
            if not nursery.ready and now > nursery.started + BOOT_WITHIN:
                nursery.process.kill()
            for slot in nursery.slots.values():
                if slot.task is not None and now > slot.deadline and slot.pid:
                    with contextlib.suppress(OSError):
                        os.kill(slot.pid, signal.SIGKILL)

    def _start_nursery(self, flavour: str) -> None:
        if self.failures[flavour] >= ATTEMPTS or time.monotonic() < self.paused_until:
            return
        root = ""
        try:
            root = nursery_process.make_root(self.settings.tmp)
            started, control = nursery_process.start(self.settings, flavour, root)
        except OSError as error:
            self._refuse(flavour, f"the sandbox cannot start: {error}")
            if root:
                workdir.remove(root)
            return
        nursery = Nursery(flavour, root, started, control, time.monotonic())
        self.nurseries[flavour] = nursery
        self.selector.register(control, selectors.EVENT_READ, nursery)

    def _start_slot(self, nursery: Nursery) -> None:
        ours, theirs = socket.socketpair()
        number = next(n for n in range(self.settings.slots) if n not in nursery.slots)
        with theirs:
            try:
                socket.send_fds(nursery.control, [str(number).encode()], [theirs.fileno()])
            except OSError:
                ours.close()
                return
        ours.settimeout(SEND_WITHIN)
        slot = Slot(ours, nursery, number)
        nursery.slots[number] = slot
        self.selector.register(ours, selectors.EVENT_READ, slot)

    def _lose_slot(self, slot: Slot, why: str) -> None:
        nursery = slot.nursery
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(slot.sock)
        slot.sock.close()
        nursery.slots.pop(slot.number, None)
        if slot in nursery.idle:
            nursery.idle.remove(slot)
        task, slot.task = slot.task, None
        if task is not None:
            self.running -= 1
            for other in list(
                nursery.idle
            ):  # whatever ended this one may have ended them: the second try is a fresh one's
                self._lose_slot(other, why)
            self._failed(task, why)

    def _lose_nursery(self, nursery: Nursery, why: str) -> None:
        self.paused_until = time.monotonic() + PAUSE
        self.selector.unregister(nursery.control)
        nursery.control.close()
        self.nurseries.pop(nursery.flavour, None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            nursery.process.wait(2)
        for slot in list(nursery.slots.values()):
            self._lose_slot(slot, f"its nursery {why}")
        last_words = nursery_process.log_tail(nursery.root)
        workdir.remove(nursery.root)
        if nursery.ready:
            self.failures[nursery.flavour] = 0
        else:
            self.failures[nursery.flavour] += 1
            if self.failures[nursery.flavour] >= ATTEMPTS:
                self._refuse(nursery.flavour, f"the sandbox cannot start: {last_words or why}")

    def _refuse(self, flavour: str, why: str) -> None:
        """Every waiting job of a flavour that cannot be had fails by our fault; a later job tries again."""
        log.error("%s", why)
        self.failures[flavour] = 0
        with self.lock:
            refused = [task for task in self.queue if task.flavour == flavour]
            for task in refused:
                self.queue.remove(task)
        for task in refused:
            if task.attempts or task.future.set_running_or_notify_cancel():
                task.future.set_result(job_encoding.failed(task.job, why))

    def _shut_down(self) -> None:
        with self.lock:
            left = list(self.queue)
            self.queue.clear()
        for nursery in self.nurseries.values():
            left += [slot.task for slot in nursery.slots.values() if slot.task is not None]
        for sock in self._sockets():
            with contextlib.suppress(OSError):
                sock.close()
        for nursery in self.nurseries.values():
            try:
                nursery.process.wait(2)
            except subprocess.TimeoutExpired:
                nursery.process.kill()
                nursery.process.wait()
            workdir.remove(nursery.root)
        self.selector.close()
        self.waker.close()
        self.wake_end.close()
        for task in left:
            if task.attempts or task.future.set_running_or_notify_cancel():
                task.future.set_result(job_encoding.failed(task.job, "the sandbox was closed", "cancelled"))
