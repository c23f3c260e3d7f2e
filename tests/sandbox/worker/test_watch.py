"""The wall clock stops programs that wait, not programs that a busy machine keeps waiting."""

from __future__ import annotations

import os
import time

import pytest

from table_rewards.sandbox.worker import watch, workdir
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
