"""Honest programs: a sandbox that contains everything by running nothing must not pass."""

from __future__ import annotations

from importlib.util import find_spec

from table_rewards.sandbox import Job, Sandbox
from table_rewards.sandbox.values import from_literal, same

EVERYDAY = """
import collections, dataclasses, functools, heapq, itertools, json, math, random, re, string, tempfile, typing
@dataclasses.dataclass
class P:
    x: int
with open("made.txt", "w") as file: file.write("written")
with tempfile.NamedTemporaryFile("w+") as file: file.write("t")
import threading
t = threading.Thread(target=lambda: None); t.start(); t.join()
import asyncio
async def work(): return await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))
print(asyncio.run(work()), P(3), open("made.txt").read(), math.prod(range(1, 6)))
"""
NUMPY = "import numpy as np\nprint(float(np.linalg.norm(np.arange(5.0) @ np.eye(5))))"
PANDAS = "import pandas as pd\nprint(pd.read_csv('table.csv').groupby('a')['b'].sum().to_dict())"


def control_failures(sandbox: Sandbox, *, fast: bool = False) -> list[str]:
    """What of the honest programs did not come out right; nothing when all is well."""
    failures: list[str] = []

    def expect(what: str, right: bool, found: object) -> None:
        if not right:
            failures.append(f"{what}: {found}"[:400])

    outcome = sandbox.run(Job.script("import sys\nprint(int(input()) * 2)\nprint('é', file=sys.stderr)", stdin="21"))
    expect("stdin and stdout", (outcome.stdout, outcome.stderr) == ("42\n", "é\n"), outcome)
    outcome = sandbox.run(Job.script(EVERYDAY))
    expect("the standard library", outcome.stdout == "[1, 2] P(x=3) written 120\n", outcome)
    outcome = sandbox.run(Job.script("import sys\nsys.exit(3)"))
    expect("return code", (outcome.status, outcome.returncode) == ("error", 3), outcome)
    outcome = sandbox.run(Job.stdins("n = int(input())\nprint(n * n)", [str(n) for n in range(5)]))
    expect("many stdins", [r.stdout for r in outcome.results] == [f"{n * n}\n" for n in range(5)], outcome)
    outcome = sandbox.run(Job.calls("def f(a, b):\n    return {a: [b, (a, None)]}", "f", [(1, "x"), (2, 2.5)]))
    wanted = [from_literal("{1: ['x', (1, None)]}"), from_literal("{2: [2.5, (2, None)]}")]
    expect("calls", all(map(same, wanted, outcome.values)), outcome)
    outcome = sandbox.run(Job.exprs("def f(a):\n    return 1 / a", ["f(4)", "f(0)"]))
    expect("expressions", [v.kind for v in outcome.values] == ["float", "raised"], outcome)
    if sandbox.trusted_tests:
        outcome = sandbox.run(Job.tests("def f(a):\n    return a + 1", ["assert f(1) == 2", "assert f(2) == 4"], ["f"]))
        expect("tests", [r.status for r in outcome.results] == ["ok", "error"], outcome)
    outcome = sandbox.run(Job.harness("def run(payload):\n    return sorted(payload['x'])", {"x": [3, 1, 2]}))
    expect("harness", same(from_literal("[1, 2, 3]"), outcome.values[0]), outcome)
    if find_spec("numpy") is not None:
        outcome = sandbox.run(Job.script(NUMPY))
        expect("numpy", outcome.stdout.startswith("5.477"), outcome)
    if not fast and find_spec("pandas") is not None:
        outcome = sandbox.run(Job.script(PANDAS, files={"table.csv": "a,b\nx,1\ny,2\nx,3\n"}))
        expect("pandas", outcome.stdout == "{'x': 4, 'y': 2}\n", outcome)
    if not fast and find_spec("matplotlib") is not None:
        outcome = sandbox.run(Job.chart("import matplotlib.pyplot as plt\nplt.bar([1, 2], [3, 4])", kind="bar"))
        expect("chart", outcome.values[0].ok and outcome.values[0].python()["current"] == [[3.0, 4.0]], outcome)
    return failures
