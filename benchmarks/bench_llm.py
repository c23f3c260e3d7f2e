"""The chat pool against a server with 50 ms latency: CPU a request, throughput, and a whole QA-F1 batch.

    python benchmarks/bench_llm.py [--sdk-python PATH]    PATH: an interpreter with the `openai` package

Everything runs against the same server process, one after the other. What is reported:
    CPU a request and requests a second at 64, 256, 512 and 1,024 in flight;
    the same for the published way (120 threads and a blocking SDK);
    64 completions with 8 questions over 2 servers, as a multiple of what the latency alone costs.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from figures import left_out, table
from table_rewards.llm import get_pool
from table_rewards.rewards.qa_f1 import QAF1

LATENCY_S = 0.05
PUBLISHED_THREADS = 120
ROUNDS = 2
HERE = Path(__file__).parent


class Server:
    """The test server in a process of its own, so that its CPU is not counted as ours."""

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "table_rewards.testing.chat_server", "--latency-ms", str(LATENCY_S * 1000)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def ours(url: str, in_flight: int, count: int) -> tuple[float, float]:
    """Requests a second and CPU milliseconds a request."""
    pool = get_pool(url, model="test-model", max_in_flight=in_flight, workers=1)
    pool.ask_many([f"warm {in_flight} {number}" for number in range(in_flight)])
    prompts = [f"question {number} " * 50 for number in range(count)]
    wall, cpu = time.perf_counter(), time.process_time()
    replies = pool.ask_many(prompts)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert all(reply.ok for reply in replies)
    assert pool.usage()["peak_in_flight"] == in_flight
    return count / wall, cpu / count * 1e3


def published_way(python: str, url: str) -> dict[str, float]:
    done = subprocess.run(
        [python, str(HERE / "llm_published_way.py"), url, "1500", str(PUBLISHED_THREADS)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def qa_f1_batch(urls: list[str], in_flight: int, repeats: int = 5) -> tuple[float, float, float]:
    """Median seconds of a batch of 64 completions x 8 questions; what latency alone costs; CPU seconds of a batch."""
    reward = QAF1(endpoints=urls, model="test-model", max_in_flight=in_flight)
    pairs = [{"question": f"What is value {number}?", "answer": "42"} for number in range(8)]
    walls, cpus = [], []
    for repeat in range(repeats + 1):
        header = f"<fcel>name<fcel>value of {repeat}<nl>\n"
        tables = [header + f"<fcel>row {i}<fcel>{i}<nl>\n" * 12 for i in range(64)]
        wall, cpu = time.perf_counter(), time.process_time()
        scores = reward(tables, [pairs] * 64)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        assert scores.counts["scored"] == 64
    rounds = math.ceil(64 * 8 / in_flight)
    return sorted(walls[1:])[repeats // 2], rounds * LATENCY_S, sorted(cpus[1:])[repeats // 2]


def _better(best: dict[tuple[str, int], tuple[float, float]], way: tuple[str, int], found: tuple[float, float]) -> None:
    rate, cpu = best.get(way, (0.0, math.inf))
    best[way] = max(rate, found[0]), min(cpu, found[1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdk-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--rates", action="store_true", help="also what the clock says; only of use on a quiet machine")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        urls = [stack.enter_context(Server()).url for _ in range(2)]
        best: dict[tuple[str, int], tuple[float, float]] = {}
        for _ in range(ROUNDS):  # one way after the other, so that a moment in which the machine is busy is nobody's
            for in_flight in (64, 256, 512, 1024):
                _better(best, ("ours", in_flight), ours(urls[0], in_flight, max(1500, 2 * in_flight)))
            try:
                published = published_way(options.sdk_python, urls[0])
            except subprocess.CalledProcessError as error:
                left_out("threads with a blocking SDK", (error.stderr or "").strip().splitlines()[-1])
                continue
            name = f"published: threads + {published['way']}"
            _better(best, (name, PUBLISHED_THREADS), (published["per_second"], published["cpu_ms"]))
            print("  a round done", flush=True)
        rows = [
            [f"{way}, {many:,} in flight", cpu, 1e3 / cpu, rate if options.rates else None]
            for (way, many), (rate, cpu) in best.items()
        ]
        table(
            "Requests to one server with 50 ms latency",
            ["way", "CPU ms a request", "requests a second of one core", "requests a second"],
            rows,
            formats=["{}", "{:.3f}", "{:,.0f}", "{:,.0f}"],
            note=f"CPU of the client, the best of {ROUNDS} rounds of each; the rates by the clock stand here where a "
            "quiet machine measures them (--rates), since client and server share its cores",
            plot={"kind": "bars", "x": "way", "y": ["CPU ms a request"], "label": "CPU milliseconds a request"},
        )
        batches: list[list[float | None]] = []
        for in_flight in (64, 128, 256, 512):
            wall, floor, cpu = qa_f1_batch(urls, in_flight, 5 if options.rates else 2)
            ratio = wall / floor if options.rates else None
            batches.append([in_flight, cpu * 1e3, floor * 1e3, wall * 1e3 if options.rates else None, ratio])
        table(
            "QA-F1: 64 completions with 8 questions each, 2 servers",
            ["in flight", "CPU ms", "ms of latency alone", "ms by the clock", "ratio"],
            batches,
            formats=["{:,}", "{:.0f}", "{:.0f}", "{:.0f}", "{:.2f}x"],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
