"""Nothing outlives its owner: not a process, not a directory, whatever ends first."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from table_rewards.sandbox import Job, Limits, SandboxUnavailable, get_sandbox
from table_rewards.sandbox.local.backend import LocalSandbox

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="zygotes are Linux's")

LONG = Job.script("while True: pass", limits=Limits(cpu_s=60, wall_s=60))
VICTIM = """
import os, sys, time
from table_rewards.sandbox import Job, Limits, get_sandbox
sandbox = get_sandbox(slots=2)
jobs = [sandbox.submit(Job.script("open('x', 'w').write('y')\\nwhile True: pass", limits=Limits(cpu_s=60, wall_s=60)))
        for _ in range(4)]
deadline = time.time() + 20
pool = sandbox.pool()
while pool.running < 2 and time.time() < deadline: time.sleep(0.01)
time.sleep(0.1)
print(os.getpid(), flush=True)
end = sys.argv[1]
if end == "hang": time.sleep(60)
if end == "exit": sys.exit(0)
if end == "exception": raise RuntimeError
if end == "os_exit": os._exit(0)
if end == "cancel":
    for job in jobs: job.cancel()
    time.sleep(60)
"""


def processes_of(owner: int) -> list[int]:
    """Sandbox processes that belong to a trainer: their command line names its directory."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                if f"table-rewards-sandbox-{owner}-".encode() in file.read():
                    found.append(int(name))
    return found


def directories_of(owner: int) -> list[str]:
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(f"table-rewards-sandbox-{owner}-")]


def gone_within(owner: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not processes_of(owner) and not directories_of(owner):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("end", ["hang", "exit", "exception", "os_exit"])
def test_nothing_is_left_soon_after_the_trainer(end: str) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert victim.stdout is not None
    owner = int(victim.stdout.readline())
    if end == "hang":
        assert processes_of(owner)
        assert directories_of(owner)
        victim.kill()
    victim.wait(20)
    victim.stdout.close()
    assert gone_within(owner, 15.0), (processes_of(owner), directories_of(owner))


def test_close_leaves_nothing_and_ends_running_jobs_as_cancelled() -> None:
    sandbox = LocalSandbox(slots=1)
    running, waiting = sandbox.submit(LONG), sandbox.submit(Job.script("print(1)"))
    wait_until(lambda: sandbox.pool().running == 1)
    began = time.monotonic()
    sandbox.close()
    assert running.result(5).status == waiting.result(5).status == "cancelled"
    assert time.monotonic() - began < 30  # not the 60 s of the job
    with pytest.raises(SandboxUnavailable, match="closed"):
        sandbox.run(Job.script("1"))


def test_get_sandbox_shares_by_options_and_renews_after_close() -> None:
    first = get_sandbox("local", slots=3)
    assert get_sandbox("local", slots=3) is first
    assert get_sandbox("local", slots=4) is not first
    first.close()
    assert get_sandbox("local", slots=3) is not first


def test_cancelling_a_running_job_kills_it_at_once(sandbox: LocalSandbox) -> None:
    future = sandbox.submit(LONG)
    wait_until(lambda: sandbox.pool().running >= 1)
    time.sleep(0.05)
    began = time.monotonic()
    future.cancel()
    assert future.result(5).status == "cancelled"
    assert time.monotonic() - began < 30  # not the 60 s of the job


def test_cancelling_an_asyncio_task_kills_its_job(sandbox: LocalSandbox) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(sandbox.arun(LONG))
        while sandbox.pool().running < 1:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    wait_until(lambda: sandbox.pool().running == 0)


def test_thirty_two_threads(sandbox: LocalSandbox) -> None:
    with ThreadPoolExecutor(32) as threads:
        outputs = list(threads.map(lambda i: sandbox.run(Job.script(f"print({i})")).stdout, range(100)))
    assert outputs == [f"{i}\n" for i in range(100)]


def test_four_event_loops_in_four_threads(sandbox: LocalSandbox) -> None:
    def loop(number: int) -> list[str]:
        async def main() -> list[str]:
            return [
                o.stdout for o in await sandbox.arun_batch([Job.script(f"print({number}, {i})") for i in range(20)])
            ]

        return asyncio.run(main())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(loop, range(4))) == [[f"{n} {i}\n" for i in range(20)] for n in range(4)]


def test_a_killed_supervisor_costs_no_job(sandbox: LocalSandbox) -> None:
    """Idle: replaced. Under a job: the job is run again."""
    sandbox.run(Job.script("1"))
    for slot in list(sandbox.pool().nurseries["bare"].slots.values()):
        os.kill(slot.pid, signal.SIGKILL)
    assert [sandbox.run(Job.script(f"print({i})")).stdout for i in range(4)] == [f"{i}\n" for i in range(4)]
    future = sandbox.submit(Job.script("import time\ntime.sleep(0.5)\nprint('done')", limits=Limits(wall_s=10)))
    wait_until(lambda: any(s.task for s in list(sandbox.pool().nurseries["bare"].slots.values())))
    busy = next(slot for slot in sandbox.pool().nurseries["bare"].slots.values() if slot.task)
    os.kill(busy.pid, signal.SIGKILL)
    assert future.result(10).stdout == "done\n"


def test_a_killed_nursery_costs_no_job() -> None:
    with LocalSandbox(slots=2) as sandbox:
        future = sandbox.submit(Job.script("import time\ntime.sleep(0.5)\nprint('done')", limits=Limits(wall_s=10)))
        wait_until(lambda: sandbox.pool().running == 1)
        os.kill(sandbox.pool().nurseries["bare"].process.pid, signal.SIGKILL)
        assert future.result(20).stdout == "done\n"


def test_a_job_that_cannot_be_run_twice_is_ours_not_wrong() -> None:
    with LocalSandbox(slots=1) as sandbox:
        future = sandbox.submit(LONG)
        killed: set[int] = set()
        while len(killed) < 2:
            wait_until(lambda: any(s.task and s.pid not in killed for s in slots(sandbox)))
            pid = next(slot.pid for slot in slots(sandbox) if slot.task and slot.pid not in killed)
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        outcome = future.result(10)
        assert outcome.is_ours
        assert outcome.status == "sandbox_error"
        assert sandbox.run(Job.script("print(1)")).stdout == "1\n"


def slots(sandbox: LocalSandbox) -> list[object]:
    nursery = sandbox.pool().nurseries.get("bare")
    return list(nursery.slots.values()) if nursery else []


def test_an_interpreter_that_cannot_start_is_our_fault_and_says_why() -> None:
    sandbox = LocalSandbox(slots=1)
    sandbox.settings.python = "/bin/false"
    outcome = sandbox.run(Job.script("1"))
    sandbox.close()
    assert outcome.status == "sandbox_error"
    assert "cannot start" in outcome.note


def test_a_forked_copy_of_the_trainer_runs_its_own_jobs_and_leaves_the_original_alone(sandbox: LocalSandbox) -> None:
    assert sandbox.run(Job.script("print(1)")).stdout == "1\n"
    child = multiprocessing.get_context("fork").Process(target=_in_a_fork, args=(sandbox,), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert gone_within(child.pid or 0, 3.0)
    assert sandbox.run(Job.script("print(2)")).stdout == "2\n"


def _in_a_fork(sandbox: LocalSandbox) -> None:
    good = sandbox.run(Job.script("print(3)")).stdout == "3\n"
    good = good and get_sandbox("local", slots=2).run(Job.script("print(4)")).stdout == "4\n"
    os._exit(0 if good else 1)


def test_a_pool_sweeps_what_killed_trainers_left(tmp_path: object) -> None:
    stale = os.path.join(str(tmp_path), "table-rewards-sandbox-999999999-1-abc")
    os.makedirs(os.path.join(stale, "slot0", "work"))
    with LocalSandbox(slots=1, tmp=str(tmp_path)) as sandbox:
        assert sandbox.run(Job.script("print(1)")).ok
        assert not os.path.exists(stale)
    assert os.listdir(str(tmp_path)) == []


def wait_until(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "did not come to pass"
        time.sleep(0.01)


def test_a_trainer_killed_together_with_its_nursery_leaves_nothing() -> None:
    """Ray kills a worker's children with it: the supervisors clean up."""
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, "hang"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert victim.stdout is not None
    owner = int(victim.stdout.readline())
    with open(f"/proc/{owner}/task/{owner}/children") as children:
        direct = [int(pid) for pid in children.read().split()]
    for pid in [*direct, *[p for p in processes_of(owner) if parent_of(p) == owner]]:
        os.kill(pid, signal.SIGKILL)
    victim.kill()
    victim.wait()
    victim.stdout.close()
    assert gone_within(owner, 2.0), (processes_of(owner), directories_of(owner))


def test_a_nursery_killed_a_moment_after_its_trainer_leaves_nothing() -> None:
    """Killed together, the trainer may end first: its supervisors clean up while the nursery still seems to live."""
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, "hang"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert victim.stdout is not None
    owner = int(victim.stdout.readline())
    nurseries = [p for p in processes_of(owner) if parent_of(p) == owner]
    assert nurseries
    for pid in nurseries:
        os.kill(pid, signal.SIGSTOP)
    victim.kill()
    victim.wait()
    victim.stdout.close()
    time.sleep(0.15)
    for pid in nurseries:
        os.kill(pid, signal.SIGKILL)
    assert gone_within(owner, 2.0), (processes_of(owner), directories_of(owner))


def parent_of(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
