"""A Ray actor that is killed while the sandbox runs its jobs leaves no process and no directory behind."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def processes_of(owner: int) -> list[int]:
    """The sandbox's processes name its directory, and that names the actor."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if f"table-rewards-sandbox-{owner}-".encode() in line:
            found.append(int(folder.name))
    return found


def directories_of(owner: int) -> list[str]:
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"table-rewards-sandbox-{owner}-")]


@pytest.mark.parametrize("again", range(3))
def test_an_actor_killed_in_the_middle_of_its_jobs_leaves_nothing(again: int, ray_cluster: None) -> None:
    import ray

    @ray.remote(num_cpus=1)
    class Scorer:
        def start(self) -> int:
            from table_rewards.sandbox import Job, Limits, get_sandbox

            sandbox = get_sandbox(slots=2)
            loop = Job.script("open('x', 'w').write('y')\nwhile True: pass", limits=Limits(cpu_s=60, wall_s=60))
            self.jobs = [sandbox.submit(loop) for _ in range(4)]
            deadline = time.monotonic() + 20
            while sandbox.pool().running < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            return os.getpid()

    scorer = Scorer.remote()
    owner = ray.get(scorer.start.remote(), timeout=120)
    assert processes_of(owner)
    assert directories_of(owner)
    ray.kill(scorer)
    deadline = time.monotonic() + 10  # Ray takes its time to kill; 2 s are the sandbox's own
    while Path(f"/proc/{owner}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    deadline = time.monotonic() + 20  # on a busy machine; a quiet one needs less than 2
    while (processes_of(owner) or directories_of(owner)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (processes_of(owner), directories_of(owner)) == ([], [])
