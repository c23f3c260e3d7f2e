"""The page of what was run: framework, version, reward and path of every test that passed, written by the suite.

Each suite leaves `matrix-<environment>.json` beside its logs; this program, the last step of `make integration`, makes
docs/matrix.md of them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LOGS = ROOT / ".venv-logs"
PAGE = ROOT / "docs/matrix.md"
HEAD = """# What was run

Written by the integration suite (`make integration`) from the tests that passed: every line is a framework's own code
with a reward of ours behind it.

| framework | version | reward | path | tests |
|---|---|---|---|---|
"""


def entry(
    nodeid: str, framework: str, versions: dict[str, str], rewards: Iterable[str], sources: Iterable[str] = ()
) -> dict[str, str]:
    """What a test ran, from its place, its parameters and, where they name no reward, its source, then its module's."""
    place, _, name = nodeid.partition("::")
    parameters = name.partition("[")[2].rstrip("]")
    words = re.split(r"[-\[\]]", f"{parameters}-{name.partition('[')[0]}")
    rewards = list(rewards)
    found = [reward for reward in rewards if reward in words or reward in parameters]
    for source in sources:
        found = found or [one for one in rewards if re.search(rf"[\"'.]{one}(_async|_float|_batch)?[\"'(]", source)]
    version = next((word for word in words if re.fullmatch(r"\d+\.\d+\.\d+", word)), versions.get(framework, ""))
    managers = [word for word in words if word in ("naive", "dapo", "gdpo", "rate_limited", "remote", "v0", "v1")]
    path = Path(place).stem.removeprefix("test_").replace("_", " ") + (f" ({', '.join(managers)})" if managers else "")
    return {"framework": framework, "version": version, "reward": ", ".join(found) or "several", "path": path}


def write(entries: Iterable[dict[str, Any]]) -> str:
    """The page's text."""
    counts: dict[tuple[str, ...], int] = {}
    for one in entries:
        key = tuple(str(one[name]) for name in ("framework", "version", "reward", "path"))
        counts[key] = counts.get(key, 0) + 1
    return HEAD + "".join(f"| {' | '.join(key)} | {count} |\n" for key, count in sorted(counts.items()))


def main() -> int:
    files = sorted(LOGS.glob("matrix-*.json"))
    if not files:
        print("no suite has run here", file=sys.stderr)
        return 1
    PAGE.write_text(write(one for file in files for one in json.loads(file.read_text("utf-8"))), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
