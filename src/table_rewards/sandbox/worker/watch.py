"""One job from fork to report: start its child, read its pipes up to their caps, hold it to its limits, end it.

What a child wrote is held in mappings that are gone before the next fork.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import socket
import time
from typing import Any

from . import child, wire, workdir
from .children import Exit, cpu_clock, queued, reap_orphans
from .lockdown import kernel

QUOTA_EVERY = 0.05
SETUP_WITHIN = 60.0
AT_FIRST = 0.02  # nothing that a child writes is read sooner: most have ended by then, and each wake-up costs
GATHER = 0.002  # finished items are counted this often: a wake-up for each would cost more than a small test does
GATHER_UP_TO = 16 << 10  # bytes at a time; who writes more must not wait with a full pipe
STRETCH = 10  # by how much a busy machine may stretch the wall-clock limit
STDERR_BYTES = 64 << 10


class Watch:
    """One job from fork to report."""

    def __init__(self, header: dict[str, Any]) -> None:
        self.header = header
        self.caps = (header["out"], STDERR_BYTES, header["res"] + wire.CLOCKS.size)
        self.status = ""
        self.note = ""
        self.ready = False
        self.gone = False  # the trainer is
        self.frames = 0
        self.frame_at = 0
        self.cpu_from = 0.0
        self.wall_from = time.monotonic()
        self.wall_end = self.wall_from + SETUP_WITHIN
        self.poll = select.poll()
        self.area = mmap.mmap(-1, sum(self.caps) + len(self.caps), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.bases = (0, self.caps[0] + 1, self.caps[0] + self.caps[1] + 2)  # where the area holds each pipe's bytes
        self.polls = False
        self.sizes = [0, 0, 0]
        self.pipes: list[int] = []
        self.open: set[int] = set()
        self.pids: list[int] = []
        self.starts_none = False  # whether the children can start no processes of their own
        self.ended = False  # whether the job's process has, by itself

    def start(self, plan: child.Plan, slot: int, work: str, ruleset: int, sock: socket.socket) -> None:
        (out_from, out), (err_from, err), (result_from, result) = os.pipe(), os.pipe(), os.pipe()
        self.pipes = [out_from, err_from, result_from]
        self.starts_none = bool(plan.seccomp)
        sizes, told = self.header["sizes"], self.header
        limits = child.Limits(told["cpu"] * told["count"], told["mem"], told["file"], told["threads"])
        if len(sizes) == 2:
            self._start_pair(plan, limits, slot, work, (out, err, result, ruleset), sock, sizes)
        else:
            self._fork(child.start(plan, limits, slot, work, (out, err, result, -1, ruleset), False), sock, sizes[0])
        for fd in (out, err, result):
            os.close(fd)
        for fd in self.pipes:
            os.set_blocking(fd, False)
        self.open.update(self.pipes)

    def _start_pair(
        self,
        plan: child.Plan,
        limits: child.Limits,
        slot: int,
        work: str,
        ends: tuple[int, int, int, int],
        sock: socket.socket,
        sizes: list[int],
    ) -> None:
        """The model's code first: it is through with the socket before anybody reads the tests from it."""
        out, err, result, ruleset = ends
        ours, theirs = socket.socketpair()
        gate_out, gate_in = os.pipe()
        null = os.open(os.devnull, os.O_WRONLY)
        descriptors = out, err, gate_in, theirs.fileno(), ruleset
        self._fork(child.start(plan, limits, slot, work, descriptors, False), sock, sizes[0])
        os.close(gate_in)
        theirs.close()
        frame = os.read(gate_out, 4096)
        os.close(gate_out)
        if frame[4:5] == wire.READY:
            descriptors = null, err, result, ours.fileno(), ruleset
            self._fork(child.start(plan, limits, slot, work, descriptors, True), sock, sizes[1], trusted=True)
            self.pids.reverse()  # the first is the one whose end ends the job
        else:
            self.note = frame[5:].decode("utf-8", "replace") or "the child did not start"
        os.close(null)
        ours.close()

    def _fork(self, start: child.Start, sock: socket.socket, size: int, trusted: bool = False) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                child.run(start, self.header, sock, size, trusted)
            finally:
                os._exit(98)
        self.pids.append(pid)

    def drain(self, which: int, to_end: bool = False) -> None:
        """Read what a pipe holds, up to its cap."""
        fd, end = self.pipes[which], self.bases[which] + self.caps[which] + 1
        while fd in self.open:
            with memoryview(self.area) as view, view[self.bases[which] + self.sizes[which] : end] as room:
                space = len(room)
                try:
                    count = os.readv(fd, [room]) if space else -1
                except BlockingIOError:
                    return
            if count == 0:
                if self.polls:
                    self.poll.unregister(fd)
                self.open.discard(fd)
                return
            self.sizes[which] += max(count, 0)
            if count == -1 or self.sizes[which] > self.caps[which]:
                self.stop("output_limit", ("stdout", "stderr", "values")[which])
                return
            if count < space and not to_end:
                return  # it is empty for now

    def stopped(self) -> bool:
        return bool(self.status)

    def stop(self, status: str, note: str = "") -> None:
        if not self.status:
            self.status, self.note = status, note

    def count_frames(self) -> None:
        """Every whole frame ends an item; the first says when the child was locked down and about to run."""
        area, base, end = self.area, self.bases[2], min(self.sizes[2], self.caps[2])
        while self.frame_at + 4 <= end:
            at = base + self.frame_at
            (size,) = wire.LENGTH.unpack_from(area, at)
            if self.frame_at + 4 + size > end:
                return
            if not self.ready:
                if area[at + 4 : at + 5] != wire.READY:
                    return
                self.ready = True
                used, self.wall_from = wire.CLOCKS.unpack_from(area, at + 5)
                self.cpu_from = used + sum(cpu_clock(pid) or 0.0 for pid in self.pids[1:])
                self.wall_end = self.wall_from + self.header["wall"]
            elif self.frames < self.header["items"]:
                self.frames += 1
                self.cpu_from, self.wall_from = self.cpu(), time.monotonic()
                self.wall_end = self.wall_from + self.header["wall"]
            self.frame_at += 4 + size

    def out_of_time(self, now: float) -> bool:
        """The wall clock stops a program that waits, not one that a busy machine keeps waiting."""
        if now < self.wall_end:
            return False
        wall = self.header["wall"]
        if self.ready and now < self.wall_from + STRETCH * wall:
            self.wall_end = self.wall_from + wall + sum(map(queued, self.pids))
        return now >= self.wall_end

    def cpu(self) -> float:
        """CPU seconds that count against the limit: all of the code's, and a part of those of the tests' process."""
        if len(self.pids) == 2:
            tests, code = self.pids
            return (cpu_clock(code) or 0.0) + (cpu_clock(tests) or 0.0) / child.TESTS_SHARE
        return sum(cpu_clock(pid) or 0.0 for pid in self.pids)

    def watch(self, sock: socket.socket, work: str) -> None:
        header = self.header
        done = Exit(self.pids[0], self.poll)
        now = time.monotonic()
        next_look = now + min(header["cpu"], header["wall"], QUOTA_EVERY)
        gather = now + AT_FIRST  # until when the pipes, later the result's alone, may fill unread
        hears = False
        while not done.seen and not self.status:
            if gather and now >= gather:
                gather = 0.0
                self._poll_pipes()
            wait = max(0.0, min(self.wall_end, next_look, gather or next_look) - now) * 1000 + 0.5
            for fd, _ in self.poll.poll(wait if done.fd >= 0 else min(wait, 5.0)):
                if fd in self.open:
                    which = self.pipes.index(fd)
                    before = self.sizes[which]
                    self.drain(which)
                    if which == 2:
                        self.count_frames()
                        few = self.sizes[which] - before < GATHER_UP_TO
                        if few and fd in self.open and self.ready and header["items"] > 1:
                            gather = time.monotonic() + GATHER
                            self.poll.modify(fd, 0)
                elif fd == done.fd:
                    done.seen = True
                else:
                    self.hear(sock)
            done.look(self.pids[0])
            if done.seen or self.stopped():
                break
            now = time.monotonic()
            if gather and now >= min(next_look, self.wall_end):
                self.drain(2)  # what has ended is not late
                self.count_frames()
            if self.ready and not hears:
                hears = True
                self.poll.register(sock, select.POLLIN)  # the child is through with it
            if now >= next_look:
                used = self.cpu() - self.cpu_from
                if self.ready and used >= header["cpu"]:
                    self.stop("timeout_cpu")
                elif workdir.over_quota(work, header["disk"]):
                    self.stop("disk_limit")
                next_look = now + max(0.002, min(header["cpu"] - used, QUOTA_EVERY))
            if self.out_of_time(now):
                self.stop("timeout_wall" if self.ready else "sandbox_error", "" if self.ready else "slow set-up")
        self.ended = done.seen
        done.close()

    def _poll_pipes(self) -> None:
        self.polls = True
        for fd in self.open:
            self.poll.register(fd, select.POLLIN)

    def hear(self, sock: socket.socket) -> None:
        """A cancellation, or the end of the trainer."""
        try:
            told = wire.receive_header(sock)
        except (EOFError, OSError):
            self.gone = True
            self.stop("cancelled")
            return
        if told.get("cancel") == self.header["id"]:
            self.stop("cancelled")

    def kill(self) -> None:
        for pid in self.pids:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)

    def finish(self) -> tuple[int, float, int]:
        """End what is left; exit status of the job's process, CPU seconds, peak memory of the model's own."""
        if not (self.starts_none and self.ended and len(self.pids) == 1):
            self.kill()
        _, first_status, usage = os.wait4(self.pids[0], 0)
        used = usage.ru_utime + usage.ru_stime
        for pid in self.pids[1:]:
            _, _, usage = os.wait4(pid, 0)
            used += usage.ru_utime + usage.ru_stime
        if not self.starts_none:
            reap_orphans()
        for which in range(3):
            self.drain(which, to_end=True)
            os.close(self.pipes[which])
        self.count_frames()
        return first_status, used, usage.ru_maxrss

    def report(self, exit_status: int) -> None:
        if self.status or not self.ready:
            first = self.area[self.bases[2] + 4 : self.bases[2] + min(self.sizes[2], 400)]
            models_fault = self.status in ("cancelled", "output_limit", "disk_limit")  # tests: before the tester is up
            if not self.ready and not models_fault:
                self.status = "sandbox_error"
                self.note = self.note or first[1:].decode("utf-8", "replace") or f"ended with {exit_status}"
        elif os.WIFSIGNALED(exit_status):
            number = os.WTERMSIG(exit_status)
            self.status = "timeout_cpu" if number == signal.SIGXCPU else "signal"
            self.note = signal.Signals(number).name if number in signal.valid_signals() else str(number)
        else:
            self.status = "ok" if os.WEXITSTATUS(exit_status) == 0 else "error"

    def send(self, sock: socket.socket, exit_status: int, cpu_s: float, rss: int, wall_s: float, last: bool) -> None:
        for which in range(3):
            self.sizes[which] = min(self.sizes[which], self.caps[which])
        header = {
            "id": self.header["id"], "status": self.status, "note": self.note, "code":
            os.waitstatus_to_exitcode(exit_status), "cpu": cpu_s, "wall": wall_s, "rss": rss * (1024 if kernel.LINUX
            else 1), "sizes": self.sizes, "last": last,
        }  # fmt: skip
        text = wire.text_of(header)
        sock.sendall(wire.LENGTH.pack(len(text)) + text)
        for which in range(3):
            base, size = self.bases[which], self.sizes[which]
            if size:
                with memoryview(self.area) as view, view[base : base + size] as part:
                    sock.sendall(part)

    def close(self) -> None:
        self.area.close()
