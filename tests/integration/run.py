#!/usr/bin/env python3
"""Run the slow suites against the real verl, the real ms-swift and the newest TRL, each in an environment of its own.

    python tests/integration/run.py [verl] [swift] [swift3] [trl] [--fresh] [-- pytest arguments]

For each framework: `.venv-NAME` in the checkout with the pinned framework (kept while the pins stay the same), the
package as users get it (a wheel built from this checkout, not an editable install), then
`pytest -m slow tests/integration/NAME`.
Every step has a time limit. Exit status: 0 when all suites passed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from every_python import (
    ROOT,
    Interpreter,
    StepFailed,
    clean_environment,
    find_interpreters,
    make_environment,
    run_logged,
    split_arguments,
)

PYTHON = "3.11"  # the constraints were resolved on it
TEST_TOOLS = ["pytest", "pytest-asyncio", "pytest-timeout"]
TEST_TIMEOUT = 1200  # seconds, a suite


@dataclass(frozen=True)
class Framework:
    name: str  # of the environment
    suite: str  # the folder of tests
    constraints: str
    requirements: list[str] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)  # folder below versions/: a requirement without dependencies


FRAMEWORKS = {
    # verl's agent loop imports the last three without declaring them.
    "verl": Framework(
        "verl",
        "verl",
        "verl-0.9.1.txt",
        ["torch==2.13.0", "verl==0.9.1", "cachetools", "fastapi", "uvicorn", "math-verify==0.9.0"],
        # Older verls run on the newest one's dependencies; the oldest wants pkg_resources. LLaMA-Factory's argument
        # classes, which read the recipes' YAML files, need nothing that verl has not brought.
        {
            **{version: f"verl=={version}" for version in ("0.4.1", "0.5.0", "0.6.1", "0.7.0", "0.7.1", "0.8.0")},
            "setuptools": "setuptools<80",
            "llamafactory": "llamafactory==0.9.5",
        },
    ),
    # msgspec: imported by the trainer, not declared.
    "swift": Framework("swift", "swift", "swift-4.6.0.txt", ["torch==2.13.0", "ms-swift==4.6.0", "msgspec"]),
    "trl": Framework("trl", "trl", "trl-1.16.0.txt", ["torch==2.13.0", "trl==1.16.0"]),
    # The last 3.x, whose registry, constructor and trainer differ.
    "swift3": Framework("swift3", "swift", "swift-3.12.6.txt", ["torch==2.13.0", "ms-swift==3.12.6", "msgspec"]),
}


def say(framework: Framework, text: str) -> None:
    print(f"[{framework.name}] {text}", flush=True)


def prepare(framework: Framework, interpreter: Interpreter, fresh: bool) -> Path:
    """Environment and wheel; returns the environment's python."""
    folder = ROOT / f".venv-{framework.name}"
    log = ROOT / f".venv-logs/install-{framework.name}.log"
    log.unlink(missing_ok=True)
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    pins = ROOT / "constraints" / framework.constraints
    constrain = ["--constraint", str(pins)]
    say(framework, f"environment {folder.name}: CPython {interpreter.version}, {', '.join(framework.requirements)}")
    spent = make_environment(
        interpreter, folder, [[*framework.requirements, *TEST_TOOLS, *constrain]], log, pins.read_text()
    )
    say(
        framework, f"environment installed in {spent:.0f} s" if spent else "environment kept: its pins have not changed"
    )

    begin = time.monotonic()
    python = folder / "bin" / "python"
    missing = {name: what for name, what in framework.copies.items() if not (folder / "versions" / name).is_dir()}
    for name, what in missing.items():
        part = folder / "versions" / f"{name}.part"  # renamed when whole, so that a broken one is never taken for it
        shutil.rmtree(part, ignore_errors=True)
        run_logged([str(python), "-m", "pip", "install", "--no-deps", "--target", str(part), what], log, 300)
        part.rename(folder / "versions" / name)
    if missing:
        say(framework, f"older versions beside it, in {time.monotonic() - begin:.0f} s: {', '.join(missing.values())}")

    begin = time.monotonic()
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    run_logged([str(python), "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(wheels), "."], log, 300)
    (wheel,) = wheels.glob("table_rewards-*.whl")
    run_logged([str(python), "-m", "pip", "install", f"{wheel}[data]", *constrain], log, 300)
    run_logged([str(python), "-m", "pip", "install", "--no-deps", "--force-reinstall", str(wheel)], log, 300)
    run_logged([str(python), "-m", "pip", "check"], log, 120)
    say(framework, f"{wheel.name} built and installed in {time.monotonic() - begin:.0f} s")
    return python


def run_suite(framework: Framework, python: Path, arguments: list[str]) -> None:
    cache = ROOT / f".venv-{framework.name}" / "cache"
    env = clean_environment(
        TABLE_REWARDS_INTEGRATION=framework.suite,
        PATH=f"{python.parent}:{clean_environment().get('PATH', '')}",
        HF_HOME=str(cache / "hf"),
        MODELSCOPE_CACHE=str(cache / "modelscope"),
        HF_HUB_OFFLINE="1",
        PYTHONUNBUFFERED="1",
    )
    log = ROOT / f".venv-logs/pytest-{framework.name}.log"
    log.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", "-v", "-m", "slow", "-p", "no:cacheprovider", "--durations=5"]
    run_logged([*command, f"tests/integration/{framework.suite}", *arguments], log, TEST_TIMEOUT, env=env, echo=True)


def tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.is_file() else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="arguments after -- go to pytest")
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK", help=f"{', '.join(FRAMEWORKS)} (default: all)")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    words, arguments = split_arguments(sys.argv[1:])
    options = parser.parse_args(words)
    unknown = [name for name in options.frameworks if name not in FRAMEWORKS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: the suites are {', '.join(FRAMEWORKS)}")

    interpreter = find_interpreters().get(PYTHON)
    if interpreter is None:
        print(f"needs CPython {PYTHON}, on which the frameworks' pins were resolved; none found", file=sys.stderr)
        return 1
    outcomes: dict[str, str] = {}
    for framework in (FRAMEWORKS[name] for name in options.frameworks or FRAMEWORKS):
        begin = time.monotonic()
        try:
            python = prepare(framework, interpreter, options.fresh)
        except StepFailed as failure:
            print(tail(ROOT / f".venv-logs/install-{framework.name}.log"), flush=True)
            outcomes[framework.name] = f"NOT RUN, {failure}"
            continue
        try:
            run_suite(framework, python, arguments)
        except StepFailed as failure:
            outcomes[framework.name] = f"FAILED, {failure}"
        else:
            outcomes[framework.name] = "ok"
        say(framework, f"{outcomes[framework.name]} after {time.monotonic() - begin:.0f} s")
    print()
    for name, outcome in outcomes.items():
        closing = tail(ROOT / f".venv-logs/pytest-{name}.log", 1)
        print(f"  {name:<7} {outcome}\n{closing}", flush=True)
    return 0 if all(outcome == "ok" for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
