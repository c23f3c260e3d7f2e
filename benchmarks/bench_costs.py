"""What a completion costs with each reward: CPU of this process and of the sandbox, bytes a completion, on real rows.

    python benchmarks/bench_costs.py [--seconds 2]

The rows are those of `table-rewards demo`, made distinct so that nothing is scored once for many. Rewards that ask a
model ask a scripted server on this machine: their figure is our share alone, not the model's. The last columns are
what a node of 64 cores scores in an hour and the bytes that go to it a completion.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

from figures import table
from table_rewards.commands.demo import Entry, entries
from table_rewards.commands.demo_scripts import script
from table_rewards.commands.installed import shipped
from table_rewards.core.completion import completion_text
from table_rewards.core.registry import create
from table_rewards.evaluation.scores.layout import completions_of, reference_of
from table_rewards.evaluation.scores.scoring import plan
from table_rewards.testing.chat_server import ChatServer

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """CPU of this process and of every process below it, ended ones included where they were waited for."""
    stats: dict[int, tuple[int, float]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        stats[int(name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    total = 0.0
    for number, (parent, spent) in stats.items():
        above = number
        while above in stats and above != os.getpid():
            above, parent = parent, stats.get(parent, (0, 0.0))[0]
        if above == os.getpid():
            total += spent
    return total


def samples(entry: Entry, parts: tuple[str, ...]) -> list[tuple[str, Any]]:
    how = plan(shipped(f"fixtures/{entry.file}"), completion=entry.completion, reference=entry.reference, parts=parts)
    found = []
    for row in how.rows():
        completions, _ = completions_of(row, how.completion)
        found += [(completion_text(one), reference_of(row, how)) for one in completions]
    return found


def measured(entry: Entry, seconds: float) -> list[Any]:
    server = None
    options = dict(entry.options)
    if entry.script is not None:
        server = ChatServer(reply=script(entry.script, shipped(f"fixtures/{entry.file}")), model="scripted").__enter__()
        options["endpoints"] = server.url
    reward = create(entry.reward, **options)
    rows = samples(entry, reward.parts)
    reward([text for text, _ in rows], [row for _, row in rows], step=entry.step)
    count, size, begun, spent = 0, 0, time.perf_counter(), cpu_seconds()
    while time.perf_counter() - begun < seconds:
        texts = [f"{' ' * (count % 97)}{text}" if entry.script is None else text for text, _ in rows]
        reward(texts, [row for _, row in rows], step=entry.step)
        count += len(rows)
        size += sum(len(text) + len(json.dumps(row, default=str)) for text, row in rows)
    each = (cpu_seconds() - spent) / count
    if server is not None:
        server.__exit__(None, None, None)
    hour = 64 * 3600 / each if each else 0
    share = " *" if entry.script else ""
    return [f"{entry.reward}: {entry.title[:46]}{share}", each * 1e3, hour, size / count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds = parser.parse_args().seconds
    rows = []
    for entry in entries():
        if entry.options.get("profile") != "released":
            rows.append(measured(entry, seconds))
            print(f"  {rows[-1][0]}: {rows[-1][1]:.3f} ms", flush=True)
    table(
        "CPU milliseconds a completion, by reward",
        ["reward and rows", "CPU ms", "completions an hour on 64 cores", "bytes"],
        rows,
        formats=["{}", "{:.3f}", "{:,.0f}", "{:,.0f}"],
        note="This process and all below it (sandbox, formulas), on the rows of `table-rewards demo`, no two alike; "
        "* asks a model: our share alone",
        plot={"kind": "bars", "x": "reward and rows", "y": ["CPU ms"], "label": "CPU milliseconds", "log": True},
    )


if __name__ == "__main__":
    main()
