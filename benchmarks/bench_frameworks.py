"""What a framework that scores one sample a call pays: overhead, stalls by looping programs, batches of single calls.

Four measurements, each against its peer of the same run, the best of some rounds in which the two take turns (a machine
that others use, too, slows single rounds):

- a cheap reward's overhead a call: ``verl.table_bench`` less the reward itself judging the same reference;
- 32 threads, 2 % of the samples looping programs: p50 and p99 of the plain samples, with and without the loops;
- 512 concurrent TEDS calls (threads, coroutines) against one by one;
- ``route_async`` at full concurrency: samples a second against its rewards called by themselves.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from figures import table
from table_rewards import TableBench
from table_rewards.frameworks import verl

PLAIN = {"qtype": "FactChecking", "qsubtype": "MatchBased"}
LOOPING = {**PLAIN, "instruction_type": "PoT", "table": '{"columns": ["a"], "data": [[1]]}'}
LOOP = "```python\nwhile True:\n    pass\n```"


def overhead_us(calls: int = 4000) -> tuple[float, float]:
    """Microseconds a call: the reward alone, and what verl's function adds."""
    reward = TableBench()
    reference = reward.coerce({"ground_truth": "7", "extra_info": PLAIN})

    def alone(i: int) -> None:
        reward.judge(f"Final Answer: {i}", reference, None)

    def called(i: int) -> None:
        verl.table_bench("t", f"Final Answer: {i}", "7", PLAIN)

    def best(function: Callable[[int], None]) -> float:
        rounds = []
        for _ in range(5):
            begin = time.process_time()  # of this process alone, whoever else is busy
            for i in range(calls):
                function(i)
            rounds.append((time.process_time() - begin) / calls * 1e6)
        return min(rounds)

    called(0)
    base = best(alone)
    return base, best(called) - base


def plain_latencies(loops: bool, threads: int = 32, samples: int = 1600) -> list[float]:
    """Seconds from completion to score of the plain samples; every fiftieth sample is a looping program with loops."""
    took: list[float] = []
    lock = threading.Lock()

    def one(i: int) -> None:
        if loops and i % 50 == 25:
            verl.table_bench("t", LOOP + f"\n# {i}", "7", LOOPING, cpu_seconds=1, unscored_ceiling=1.0)
            return
        time.sleep(0.02)  # rollouts end one after the other
        begin = time.perf_counter()
        verl.table_bench("t", f"Final Answer: {i}", "7", PLAIN, cpu_seconds=1, unscored_ceiling=1.0)
        with lock:
            took.append(time.perf_counter() - begin)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(samples)))
    return sorted(took)


def html_table(i: int, rows: int = 12) -> str:
    cells = "".join(f"<tr><td>{r}</td><td>{r * i % 7}</td><td>row {r}</td></tr>" for r in range(rows))
    return f"<table>{cells}</table>"


def teds_seconds(way: str, calls: int = 512, group: int = 8) -> float:
    """Seconds for that many calls, 8 completions of each reference, half of them the same."""
    samples = [(html_table(i // group * 10 + i % group // 2), html_table(i // group * 10)) for i in range(calls)]
    verl.teds("t", html_table(1), html_table(1), {})
    begin = time.perf_counter()
    if way == "one by one":
        for said, truth in samples:
            verl.teds("t", said, truth, {})
    elif way == "threads":
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda sample: verl.teds("t", *sample, {}), samples))
    else:

        async def all_at_once() -> None:
            await asyncio.gather(*(verl.teds_async("t", *sample, {}) for sample in samples))

        asyncio.run(all_at_once())
    return time.perf_counter() - begin


def routed_per_second(routed: bool, calls: int = 1024) -> float:
    routes = {"tables": "teds", "otherwise": "table_bench"}

    async def all_at_once() -> None:
        waiting: list[Any] = []
        for i in range(calls):
            source, said, truth = (
                ("tables", html_table(i % 5), html_table(1)) if i % 2 else ("t", f"Final Answer: {i}", "7")
            )
            if routed:
                waiting.append(verl.route_async(source, said, truth, PLAIN, routes=routes))
            else:
                function = verl.teds_async if i % 2 else verl.table_bench_async
                waiting.append(function(source, said, truth, PLAIN))
        await asyncio.gather(*waiting)

    begin = time.perf_counter()
    asyncio.run(all_at_once())
    return calls / (time.perf_counter() - begin)


def main() -> int:
    base, added = overhead_us()
    table(
        "A call as verl makes it, CPU microseconds",
        ["", "us"],
        [["the reward judges", base], ["verl.table_bench adds", added]],
        formats=["{}", "{:.0f}"],
        note="The target for what is added: below 40",
    )

    def told(took: list[float]) -> list[float]:
        return [statistics.median(took) * 1e6, took[int(len(took) * 0.99)] * 1e6]

    plain_latencies(False, samples=200)
    rounds = [(*told(plain_latencies(False)), *told(plain_latencies(True))) for _ in range(2)]
    p50, p99, p50_loops, p99_loops = map(min, zip(*rounds, strict=True))
    table(
        "32 threads: from completion to score of plain samples, microseconds",
        ["other samples", "median", "99th of 100"],
        [["plain ones", p50, p99], ["2 % of them loop", p50_loops, p99_loops]],
        formats=["{}", "{:.0f}", "{:.0f}"],
    )
    names = ("one by one", "threads", "coroutines")
    best = [min(times) for times in zip(*([teds_seconds(way) for way in names] for _ in range(5)), strict=True)]
    ways = [[way, took, best[0] / took] for way, took in zip(names, best, strict=True)]
    table(
        "512 calls of verl.teds, 8 completions of each reference",
        ["way", "seconds", "ratio"],
        ways,
        formats=["{}", "{:.2f}", "{:.1f}x"],
        note="Calls that wait together are judged together",
        plot={"kind": "bars", "x": "way", "y": ["seconds"], "label": "seconds"},
    )
    apart, routed = map(max, zip(*((routed_per_second(False), routed_per_second(True)) for _ in range(5)), strict=True))
    table(
        "Samples a second through verl.route_async",
        ["way", "samples a second"],
        [["its rewards by themselves", apart], ["routed", routed]],
        formats=["{}", "{:,.0f}"],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
