"""Files of rollouts through the command line: rows a second and memory, small files against large ones.

    python benchmarks/bench_files.py [--rows 1000000]

Rows are TableBench's shipped answers with chains of thought, eight a prompt, as JSON lines. Each command is a process
of its own, whose CPU time and largest memory the system reports. Reading, scoring, writing and summing up are included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path

from figures import table

ITEMS = Path(__file__).resolve().parents[1] / "fixtures" / "tablebench" / "tablebench_o3mini_dp_items.jsonl"
RUN = "import sys; from table_rewards.commands.main import main; sys.exit(main())"


def rollouts(path: Path, count: int) -> Path:
    items = [json.loads(line) for line in ITEMS.read_text("utf-8").splitlines()]
    draw = random.Random(3)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            own = items[number // 8 % len(items)]
            said = own if number % 3 else draw.choice(items)
            thoughts = "We take the rows that are asked for, one by one. " * draw.randint(1, 8)
            row = {
                "uid": number // 8,
                "prompt": f"{own['question']} ({number // 8})",
            }
            row |= {"qtype": own["qtype"], "qsubtype": own["qsubtype"], "answer": own["reference"]}
            file.write(json.dumps({**row, "completion": f"{thoughts}\nFinal Answer: {said['reference']}"}) + "\n")
    return path


def cost(*words: str) -> tuple[float, float]:
    """CPU seconds and largest MB of one command."""
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", RUN, *words],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(words)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    most = parser.parse_args().rows
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (most // 20, most):
            source = rollouts(Path(folder) / f"{count}.jsonl", count)
            size = source.stat().st_size >> 20
            for name, words in (
                ("profile", ["profile", str(source), "--reward", "table_bench", "--json"]),
                ("score --out", ["score", str(source), "--reward", "table_bench", "--quiet", "--json",
                                 "--out", str(source.with_suffix(".scores.jsonl"))]),
            ):  # fmt: skip
                seconds, memory = cost(*words)
                rows.append([name, count, size, seconds, count / seconds, memory])
                print(f"  {name} of {count:,} rows done", flush=True)
    table(
        "A file of rollouts, CPU seconds and memory",
        ["command", "rows", "MB of the file", "CPU seconds", "rows a second of one core", "MB of memory"],
        rows,
        formats=["{}", "{:,}", "{:,}", "{:.1f}", "{:,.0f}", "{:.0f}"],
        note="Memory does not grow with the file, beyond the statistics of up to 150,000 prompts",
    )


if __name__ == "__main__":
    main()
