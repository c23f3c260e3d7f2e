"""Mathematics under both ANTLR runtimes that its neighbours pin: 4.9.3 (hydra, so verl) and 4.13.2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]

SCRIPT = """
from importlib.metadata import version
from table_rewards import Mathematics

pairs = [
    ("x^2+2x+1", "(x+1)^2", 1), ("\\\\{1,2\\\\}", "\\\\{2,1\\\\}", 1), ("[0,1)", "\\\\left[0,1\\\\right)", 1),
    ("y+1", "x", 0),
    ("\\\\begin{pmatrix}1&2\\\\end{pmatrix}", "\\\\begin{bmatrix}1&2\\\\end{bmatrix}", 1),
    ("\\\\sqrt{8}", "2\\\\sqrt2", 1),
    ("(1,2)", "1<x<2", 1), ("\\\\frac{1}{\\\\sqrt2}", "\\\\frac{\\\\sqrt2}{2}", 1), ("(1,2)", "(2,1)", 0),
    ("x=1,y=2", "y=2,x=1", 1),
]
scores = Mathematics()([f"\\\\boxed{{{answer}}}" for _, answer, _ in pairs], [gold for gold, _, _ in pairs])
assert scores.values.tolist() == [value for _, _, value in pairs], scores.to_dict()
released = Mathematics(answer_kind="math", profile="released")(["\\\\boxed{(x+1)^2}", "\\\\boxed{x}"], ["x^2+2x+1"] * 2)
assert released.values.tolist() == [1.0, 0.0], released.to_dict()  # the profile that asks math-verify
print(version("antlr4-python3-runtime"))
"""


@pytest.mark.parametrize("version", ["4.9.3", "4.13.2"])
def test_the_same_verdicts_under_both_runtimes(version):
    folder = ROOT / f".venv-antlr-{version}"
    if not (folder / "antlr4").is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        subprocess.run([*install, f"antlr4-python3-runtime=={version}"], check=True, timeout=240)
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == version, done.stderr[-2000:]
