"""What is published works where nothing else is: wheel and sdist installed clean, alone and with each light extra.

`make release` and CI run these; they need a package index.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]

WORKS = {
    "data": "table-rewards score {rows} --reward teds --out scores.parquet --quiet",
    "report": "table-rewards profile {rows} --reward teds --html page.html",
    "programs": "table-rewards demo table_bench unit_tests --json",
    "math": "table-rewards demo mathematics generator --json",
    "zh": "table-rewards score {pairs} --reward qa_f1 --profile released --option reader=extractive "
    "--completion-column otsl",
}
"""Extra -> a command that needs it."""


def run(*words, cwd, check=0):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=clean, capture_output=True, text=True, timeout=500)
    assert done.returncode == check, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """The folder with the sdist of this checkout and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


def environment(folder, what):
    """A clean environment with one thing installed, and the path of its `table-rewards`."""
    venv.create(folder, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python")
    run(*pip, "install", "--quiet", "--no-compile", what, cwd=folder)
    run(*pip, "check", cwd=folder)
    return folder / "bin/table-rewards"


def played(command, folder, *rewards, check=0):
    return {
        (one["reward"], one["title"]): one
        for one in json.loads(run(command, "demo", "--json", *rewards, cwd=folder, check=check))
    }


def test_wheel_and_sdist_hold_what_they_need_and_nothing_of_the_checkout(released):
    (wheel,) = released.glob("*.whl")
    (sdist,) = released.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    assert {"table_rewards/py.typed", "table_rewards/fixtures/tables/rollouts.jsonl"} <= in_wheel
    assert not [name for name in in_wheel if name.startswith(("tests/", "docs/", "benchmarks/"))]
    with tarfile.open(sdist) as archive:
        in_sdist = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "noxfile.py",
        "docs/index.md",
        "tests/conftest.py",
    } <= in_sdist
    assert not [name for name in in_sdist if re.search(r"(^|/)(\.venv|\.nox|_build|__pycache__)", name)]


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_the_demonstration_runs_without_extras(released, kind, tmp_path):
    """All rewards but those whose extra is missing, which say which one."""
    (package,) = released.glob(kind)
    command = environment(tmp_path / "env", package)
    outcomes = played(command, tmp_path, check=1)
    missing = {reward for (reward, _), one in outcomes.items() if one.get("problem")}
    assert missing == {"mathematics", "generator"}
    assert all("table-rewards[math]" in one["problem"] for one in outcomes.values() if one.get("problem"))
    assert outcomes["teds", "PubTabNet's published examples"]["mean"] == pytest.approx(0.930, abs=1e-3)
    for reward in ("teds", "table_region", "qa_f1"):
        options = ("--option", "reader=extractive") if reward == "qa_f1" else ()
        assert " attacks " in run(command, "attack", reward, "--limit", "3", *options, cwd=tmp_path)
    assert "test_mine.py" in run(command, "new-reward", "mine", cwd=tmp_path)
    rollouts = Path(run(command, "demo", "--folder", cwd=tmp_path).strip()) / "tables/rollouts.jsonl"
    assert "83.3 % of the prompts give a gradient" in run(
        command, "profile", rollouts, "--reward", "teds", cwd=tmp_path
    )


@pytest.mark.parametrize("extra", sorted(WORKS))
def test_each_light_extra_brings_what_it_is_for(released, extra, tmp_path):
    (wheel,) = released.glob("*.whl")
    command = environment(tmp_path / "env", f"table-rewards[{extra}] @ {wheel.as_uri()}")
    folder = Path(run(command, "demo", "--folder", cwd=tmp_path).strip())
    words = WORKS[extra].format(rows=folder / "tables/rollouts.jsonl", pairs=folder / "trivia/tables_qa.jsonl").split()
    printed = run(command, *words[1:], cwd=tmp_path)
    if words[-1] == "--json":
        assert not [one for one in json.loads(printed) if one.get("problem") or one.get("unscored")]
