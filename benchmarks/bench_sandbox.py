"""What a snippet costs in the sandbox, against a fresh interpreter for each, in CPU time and in one run.

    python benchmarks/bench_sandbox.py [--jobs 400] [--rounds 3]

CPU milliseconds a snippet are those of all processes (trainer's children, reaped); the machine may be busy meanwhile.
The peer is what the published systems do: ``subprocess.run([sys.executable, "-c", code])``, once a snippet or test.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from figures import table
from table_rewards.sandbox import Job, Limits
from table_rewards.sandbox.local.backend import LocalSandbox

TRIVIAL = "def f(x):\n    return x + 1\nassert f({i}) == {i} + 1"
PANDAS = """import io
import pandas as pd
frame = pd.read_csv(io.StringIO("a,b\\nx,1\\ny,2\\nx,{i}\\n"))
print(frame.groupby("a")["b"].sum().to_string())"""
PROGRAM = "n = int(input())\nprint(sum(range(n)))  # {i}"
UNPROTECTED = ("seccomp", "landlock", "user")


def reaped_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peer_ms(work: Callable[[int], None], count: int) -> float:
    before = reaped_cpu()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(count)))
    return (reaped_cpu() - before) / count * 1e3


def sandbox_ms(make: Callable[[int], Job], count: int, without: tuple[str, ...] = ()) -> tuple[float, float]:
    """CPU ms a job, of the sandbox and of the trainer: a long run less a short one, so that starting cancels."""
    totals = []
    for jobs in (10, 10 + count):
        before, own = reaped_cpu(), time.process_time()
        with LocalSandbox(without=without, allow_degraded=bool(without)) as sandbox:
            outcomes = sandbox.run_batch([make(i) for i in range(jobs)])
        wrong = [outcome for outcome in outcomes if not outcome.ok]
        assert not wrong, wrong[0]
        totals.append((reaped_cpu() - before, time.process_time() - own))
    (cpu_short, own_short), (cpu_long, own_long) = totals
    return (cpu_long - cpu_short) / count * 1e3, (own_long - own_short) / count * 1e3


def fresh(code: str, stdin: str = "") -> None:
    subprocess.run([sys.executable, "-c", code], input=stdin, capture_output=True, text=True, check=True)


def ten_stdins(i: int) -> None:
    for n in range(10):
        fresh(PROGRAM.format(i=i), str(n))


WORKLOADS: dict[str, tuple[Callable[[int], Job], Callable[[int], None], int, float]] = {
    # the job, the peer, how many runs the peer gets, the share of --jobs
    "trivial": (lambda i: Job.script(TRIVIAL.format(i=i)), lambda i: fresh(TRIVIAL.format(i=i)), 40, 1.0),
    "pandas": (lambda i: Job.script(PANDAS.format(i=i)), lambda i: fresh(PANDAS.format(i=i)), 4, 0.25),
    "10 stdins": (lambda i: Job.stdins(PROGRAM.format(i=i), [str(n) for n in range(10)]), ten_stdins, 6, 0.5),
}


def speed(jobs: int, rounds: int) -> None:
    lines = []
    for name, (make, peer, peer_runs, share) in WORKLOADS.items():
        if name == "pandas" and find_spec("pandas") is None:
            continue
        rows = []
        for _ in range(rounds):
            own_ms, trainer_ms = sandbox_ms(make, int(jobs * share))
            bare_ms, _ = sandbox_ms(make, int(jobs * share), UNPROTECTED)
            rows.append((peer_ms(peer, peer_runs), own_ms, bare_ms, trainer_ms))
        peer_cpu, own, bare, trainer = (statistics.median(column) for column in zip(*rows, strict=True))
        lines.append([name, own, peer_cpu, peer_cpu / own, bare, own / bare - 1, trainer])
        print(f"  {name} done", flush=True)
    table(
        "CPU milliseconds a snippet",
        ["snippet", "sandbox", "a fresh interpreter", "ratio", "sandbox without locks", "locks cost", "in the trainer"],
        lines,
        formats=["{}", "{:.2f}", "{:.2f}", "{:.1f}x", "{:.2f}", "{:+.0%}", "{:.2f}"],
        note="CPU of all processes; the peer is `subprocess.run([sys.executable, '-c', code])` for each snippet or "
        f"test, as published systems do; the median of {rounds} rounds",
        plot={
            "kind": "bars", "x": "snippet", "y": ["sandbox", "a fresh interpreter"], "log": True,
            "label": "CPU milliseconds a snippet",
        },
    )  # fmt: skip


def false_timeouts() -> None:
    """A right program of 0.13 CPU seconds, 48 times, far more at once than there are processors."""
    code = "import time\nwhile time.process_time() < 0.13: pass\nprint('done')  # {i}"
    with LocalSandbox(slots=8) as sandbox, ThreadPoolExecutor(16) as threads:
        limits = Limits(cpu_s=0.5)
        ours = list(threads.map(lambda i: sandbox.run(Job.script(code.format(i=i), limits=limits)), range(48)))

    def by_the_wall(i: int) -> bool:
        try:
            subprocess.run([sys.executable, "-c", code.format(i=i)], capture_output=True, timeout=0.5, check=True)
        except subprocess.TimeoutExpired:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        peers = list(threads.map(by_the_wall, range(48)))
    late = sum(outcome.stdout != "done\n" for outcome in ours)
    table(
        "Right programs of 0.13 CPU seconds that were called late, 16 threads at once",
        ["limit", "of 48"],
        [["sandbox, 0.5 s of CPU", late], ["0.5 s of the clock", 48 - sum(peers)]],
    )


def flood() -> None:
    """A snippet prints until it is stopped; the trainer must not notice."""
    code = "import os\nc = b'x' * (1 << 20)\nfor _ in range(10_000): os.write(1, c)"
    with LocalSandbox(slots=1) as sandbox:
        sandbox.run(Job.script("1"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        outcome = sandbox.run(Job.script(code))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    table(
        "A program that prints 10 GB",
        ["", "it ends as", "after seconds", "the trainer grows by MB"],
        [["in the sandbox", outcome.status, time.monotonic() - began, grown]],
        formats=["{}", "{}", "{:.2f}", "{:.1f}"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=400, metavar="N", help="snippets a measurement (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="measurements, of which the median (%(default)s)"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    flood()  # first, while the trainer's peak memory is still its own
    with LocalSandbox() as sandbox:
        print(sandbox.describe(), end="\n\n")
    speed(options.jobs, options.rounds)
    false_timeouts()


if __name__ == "__main__":
    main()
