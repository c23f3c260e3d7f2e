"""All benchmarks, one after the other: ``make bench``. ``python benchmarks/run.py teds llm`` runs only those.

Nothing here is a test: it prints what it measures, as ratios against peers of the same run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    known = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or known:
        print(f"\n== {name} " + "=" * (76 - len(name)), flush=True)
        started = time.perf_counter()
        if subprocess.run([sys.executable, str(known[name])], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
        print(f"-- {name}: {time.perf_counter() - started:.0f} s", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
