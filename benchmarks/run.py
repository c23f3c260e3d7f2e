"""All benchmarks, one after the other, and the page docs/benchmarks.md with what they measured: ``make bench``.

    python benchmarks/run.py                     all of them, some ten minutes on two cores
    python benchmarks/run.py teds llm            only these; the others keep on the page what their last run wrote
    python benchmarks/run.py --peers FOLDER      graders and metrics of others, installed there with pip --target
    python benchmarks/run.py --page              write the page anew from what is kept

Figures are kept in benchmarks/figures.json with machine and date of each run. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from figures import KEPT_IN
from page import write_page

HERE: Final = Path(__file__).resolve().parent
KEPT: Final = HERE / "figures.json"
SECONDS: Final = 600
"""A benchmark that takes longer is stopped, and said to have failed."""

BOUNDED: Final[dict[str, list[str]]] = {
    "llm": ["--rates"],
    "mathematics": ["--answers", "40000", "--peer", "600"],
    "ranking": ["--rankings", "50000", "--repeat", "2"],
    "sandbox": ["--jobs", "200", "--rounds", "2"],
    "tablebench": ["--samples", "40000", "--peer", "2000"],
    "tracing": ["--functions", "300"],
    "white_box": ["--prompts", "48", "--programs", "16"],
    "costs": ["--seconds", "1"],
    "ray": ["--rows", "20000"],
}
"""What keeps the whole below a quarter of an hour on two cores; each alone takes larger sizes."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--remark", default="", help="stands on the page, such as what else the machine did")
    options = parser.parse_args()
    known = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    kept = _kept()
    failed = []
    for name in () if options.page else options.names or known:
        found = _run(name, known[name], options)
        if found is None:
            failed.append(name)
        else:
            kept = {**_kept(), name: found}  # another run may have written meanwhile
            KEPT.write_text(json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if kept:
        print(f"\nwrote {write_page({name: kept[name] for name in sorted(kept) if name in known})}")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {}
    return found


def _run(name: str, path: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    """What one benchmark measured; None when it failed."""
    print(f"\n== {name} " + "=" * (76 - len(name)), flush=True)
    begun, load = time.perf_counter(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "figures.jsonl"
        environment = {**os.environ, KEPT_IN: str(place)}
        if options.peers:
            environment["PYTHONPATH"] = os.pathsep.join(
                filter(None, (environment.get("PYTHONPATH"), str(options.peers.resolve())))
            )
        command = [sys.executable, str(path), *BOUNDED.get(name, [])]
        try:
            status = subprocess.run(command, cwd=HERE.parent, env=environment, timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            print(f"{name} took more than {SECONDS} s and was stopped", file=sys.stderr)
            status = 1
        took = time.perf_counter() - begun
        print(f"-- {name}: {took:.0f} s", flush=True)
        if status or not place.is_file():
            return None
        tables = [json.loads(line) for line in place.read_text("utf-8").splitlines()]
    return {
        "about": _about(path),
        "command": f"make bench BENCH={name}",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": machine(),
        "load": round(load, 1),
        "remark": options.remark,
        "seconds": round(took),
        "tables": tables,
    }


def _about(path: Path) -> str:
    """The first paragraph of a benchmark's own description."""
    text = path.read_text("utf-8").partition('"""')[2].partition('"""')[0]
    return " ".join(text.split("\n\n")[0].split())


def machine() -> str:
    """Processor, cores, memory and versions, in words."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {memory} GiB, {platform.system()}, CPython {platform.python_version()}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
