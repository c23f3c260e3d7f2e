"""Tracing functions and making questions of the traces: how long CRUXEval's functions take.

python benchmarks/bench_tracing.py [--functions 1000]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

from figures import table
from table_rewards.datasets.exec_verify import Report, Settings, prepare
from table_rewards.datasets.exec_verify.tracing import Sample, trace_calls

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures/exec_verify"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=1000)
    count = parser.parse_args().functions
    rows = [json.loads(line) for line in (FIXTURES / "cruxeval.jsonl").read_text("utf-8").splitlines()]
    samples = [{**rows[n % len(rows)], "code": rows[n % len(rows)]["code"] + f"\n# {n}"} for n in range(count)]
    trace_calls([Sample("def f():\n    return 1", "f()")])
    started = time.perf_counter()
    traces = trace_calls([Sample(row["code"], f"f({row['input']})") for row in samples])
    traced = time.perf_counter() - started
    visits, problems = sum(len(trace.visits) for trace in traces), sum(bool(trace.problem) for trace in traces)
    started = time.perf_counter()
    report = Report()
    made = sum(1 for _ in prepare(samples, Settings(), report))
    whole, questions = time.perf_counter() - started, report.questions
    asked = f"{questions['next-statement']:,} about statements, {questions['variable-state']:,} about variables"
    table(
        f"{count:,} functions of CRUXEval",
        ["work", "seconds", "functions a second", "it gives"],
        [
            ["traced, with the states of variables", traced, count / traced, f"{visits:,} visits, {problems} problems"],
            ["the whole preparation", whole, count / whole, f"{made:,} rows: {asked}"],
        ],
        formats=["{}", "{:.1f}", "{:,.0f}", "{}"],
    )


if __name__ == "__main__":
    main()
