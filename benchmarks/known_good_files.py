"""Known-good programs of KodCode and ClassEval, judged by their own tests.

Their data is CC BY-NC and is not part of this repository: get it from github.com/KodCode-AI/kodcode (the ``.json``
files under ``demo/`` whose names start with Verified) and github.com/FudanSELab/ClassEval
(``data/ClassEval_data.json``), and name the files::

    python benchmarks/known_good_files.py --kodcode demo/KodCode_algorithm.json --classeval ClassEval_data.json

Each program is run as it is, and once more with functions that return None. A program that its own tests do not pass in
plain Python (``--plain`` measures it, unprotected) is no known-good one.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from table_rewards import UnitTests


def kodcode(paths: list[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """(name, program, row) of every entry with a solution and a test."""
    found = []
    for path in paths:
        text = Path(path).read_text(encoding="utf-8")
        rows = json.loads(text) if path.endswith(".json") else [json.loads(line) for line in text.splitlines() if line]
        for row in rows:
            program = row.get("solution") or row.get("response")
            test = row.get("test") or row.get("test_code")
            if program and test:
                name = f"kodcode/{row.get('question_id', row.get('id', len(found)))}"
                found.append((name, program, {"test": test}))
    return found


def class_eval(paths: list[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """(name, program, row) of every class."""
    found = []
    for path in paths:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        found += [
            (
                row["task_id"],
                row["solution_code"],
                {"test": f"import unittest\n{row['test']}", "import_statement": row["import_statement"]},
            )
            for row in rows
        ]
    return found


class Nothing(ast.NodeTransformer):
    """Every function returns None at once, but for constructors, which a test could not go on without."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name != "__init__":
            node.body = [ast.Return(ast.Constant(None))]
        return node


def emptied(program: str) -> str:
    return ast.unparse(ast.fix_missing_locations(Nothing().visit(ast.parse(program))))


def plain(program: str, test: str) -> bool:
    """Whether the tests pass in plain Python: the program and the tests are run without any protection."""
    with tempfile.TemporaryDirectory() as folder:
        imported = "from solution" in test or "import solution" in test
        Path(folder, "solution.py").write_text(program, encoding="utf-8")
        Path(folder, "test_solution.py").write_text(test if imported else f"{program}\n{test}", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_solution.py"]
        try:
            return subprocess.run(command, cwd=folder, capture_output=True, timeout=60).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kodcode", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--classeval", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--limit", type=int, default=0, help="only so many of each set")
    parser.add_argument("--plain", action="store_true", help="tell of failures whether plain Python passes them")
    options = parser.parse_args()
    reward = UnitTests(cpu_s=8.0)
    for name, items in (("KodCode", kodcode(options.kodcode)), ("ClassEval", class_eval(options.classeval))):
        items = items[: options.limit or None]
        if not items:
            continue
        began, full, unscored, fooled, excused = time.monotonic(), 0, 0, 0, 0
        for at in range(0, len(items), 8):
            part = items[at : at + 8]
            programs = [f"```python\n{program}\n```" for _, program, _ in part]
            nothing = [f"```python\n{emptied(program)}\n```" for _, program, _ in part]
            scores = reward(programs + nothing, [row for _, _, row in part] * 2)
            for index, (which, program, row) in enumerate(part):
                right = scores.parts["all_passed"][index] == 1
                full += right
                unscored += math.isnan(scores.values[index])
                wrong = scores.parts["all_passed"][len(part) + index] == 1
                fooled += wrong
                if not right:
                    before = "\n".join(row.get("import_statement", []))
                    excuse = options.plain and not plain(f"{before}\n{program}", row["test"])
                    excused += excuse
                    print(
                        f"  {which}: {scores.values[index]:.3g}{' (plain too)' if excuse else ''} {scores.notes[index]}"
                    )
                if wrong:
                    print(f"  {which}: functions that return None pass")
        print(
            f"{name}: {full} of {len(items)} full ({excused} of the rest fail in plain Python), {unscored} unscored, "
            f"{fooled} pass with functions that return None; {time.monotonic() - began:.0f} s"
        )


if __name__ == "__main__":
    main()
