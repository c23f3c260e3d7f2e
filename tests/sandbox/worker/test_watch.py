"""The wall clock stops programs that wait, not programs that a busy machine keeps waiting."""

from __future__ import annotations

import os
import time

import pytest

from table_rewards.sandbox.worker import watch, wire, workdir
from table_rewards.sandbox.worker.watch import STRETCH, Watch

HEADER = {"id": 1, "kind": "script", "items": 0, "cpu": 1.0, "wall": 4.0, "out": 10, "res": 10}


@pytest.mark.parametrize(
    ("queued", "after", "over"),
    [
        (0.0, 3.9, False),
        (0.0, 4.1, True),
        (3.0, 5.0, False),
        (3.0, 7.1, True),
        (1000.0, 39.0, False),
        (1000.0, 40.1, True),
    ],
)
def test_time_in_the_queue_does_not_count(
    monkeypatch: pytest.MonkeyPatch, queued: float, after: float, over: bool
) -> None:
    monkeypatch.setattr(watch, "queued", lambda pid: queued)
    job = Watch(HEADER)
    job.pids, job.ready = [os.getpid()], True
    job.wall_end = job.wall_from + HEADER["wall"]
    assert job.out_of_time(job.wall_from + after) is over
    job.close()
    assert STRETCH == 10


def piped(header: dict[str, object]) -> tuple[Watch, list[int]]:
    """A watch over three pipes, and the ends to write to."""
    job = Watch(header)
    ends = [os.pipe() for _ in range(3)]
    job.pipes = [pair[0] for pair in ends]
    for fd in job.pipes:
        os.set_blocking(fd, False)
    job.open.update(job.pipes)
    return job, [pair[1] for pair in ends]


def test_the_limits_count_from_the_clocks_that_a_child_tells_however_late_they_are_read() -> None:
    job, ends = piped({**HEADER, "res": 5})
    wire.say(wire.READY, wire.CLOCKS.pack(0.25, 17.0), ends[2])
    job.pids = [os.getpid()]
    job.drain(2)
    job.count_frames()
    assert (job.ready, job.cpu_from, job.wall_from, job.wall_end) == (True, 0.25, 17.0, 21.0)
    job.close()


def test_what_a_pipe_held_at_the_end_is_read_up_to_the_cap_of_its_own() -> None:
    job, (out, err, result) = piped({**HEADER, "res": 20})
    os.write(out, b"o" * 10)
    os.write(err, b"e" * 30)
    os.write(result, b"r" * 37)  # 20, and 16 for the clocks
    for fd in (out, err, result):
        os.close(fd)
    for which in range(3):
        job.drain(which, to_end=True)
    assert job.sizes == [10, 30, 37]
    assert (job.status, job.note) == ("output_limit", "values"), "one byte too many, and of the last alone"
    held = [bytes(job.area[base : base + size]) for base, size in zip(job.bases, job.sizes, strict=True)]
    assert held == [b"o" * 10, b"e" * 30, b"r" * 37]
    job.close()


def test_the_kernel_tells_queue_and_cpu_time_of_a_process() -> None:
    assert watch.queued(os.getpid()) >= 0
    used = watch.cpu_clock(os.getpid())
    assert used is not None
    assert abs(used - time.process_time()) < 0.5
    assert watch.cpu_clock(2**22 - 3) is None


def test_a_directory_is_emptied_whatever_lies_in_it(tmp_path: object) -> None:
    top = os.path.join(str(tmp_path), "work")
    os.makedirs(os.path.join(top, "a", "b", "c"))
    deep = top
    for _ in range(300):
        deep = os.path.join(deep, "d")
        os.mkdir(deep)
    for name in ("'; touch x; '", "-rf", "*", "\n", "a" * 255, "\udc80"):
        open(os.path.join(top, name), "w").close()
    os.symlink("/etc", os.path.join(top, "a", "link"))
    for path in ("a/b/c", "a/b", "a"):
        os.chmod(os.path.join(top, path), 0)
    assert workdir.over_quota(top, 1 << 30), "deeper than anybody needs"
    assert workdir.empty(top)
    assert os.listdir(top) == []
    assert os.path.isdir("/etc")
    assert not workdir.over_quota(top, 1)
    assert workdir.remove(top)
    assert not workdir.empty(top), "it is gone"
