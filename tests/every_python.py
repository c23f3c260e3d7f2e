#!/usr/bin/env python3
"""Run the fast suite on every CPython 3.10 to 3.13 that is on this machine, each in an environment of its own.

    python tests/every_python.py [--only 3.10,3.12] [--skip 3.11] [--fresh] [-- pytest arguments]

Looks on PATH, in pyenv's and uv's folders and at the running interpreter. Environments are `.venv-3.X` in the checkout
and are kept: a second run installs only when pyproject.toml or the constraints have changed. While one version is
tested, the next one's environment is being installed. Exit status: 0 when every version found passes, 1 when one fails
or none is found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
INSTALL_TIMEOUT, TEST_TIMEOUT = 900, 1200  # seconds
PROBE = (
    "import json, sys, sysconfig, importlib.util as u; print(json.dumps([sys.implementation.name, "
    "'%d.%d' % sys.version_info[:2], '%d.%d.%d' % sys.version_info[:3], "
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED')), bool(u.find_spec('venv') and u.find_spec('ensurepip'))]))"
)


@dataclass(frozen=True)
class Interpreter:
    path: Path
    minor: str  # "3.12"
    version: str  # "3.12.1"


@dataclass
class Result:
    interpreter: Interpreter
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    install_seconds: float = 0.0
    test_seconds: float = 0.0
    problem: str = ""


class StepFailed(Exception):
    """A command failed or ran out of time; the message says which, the log has the rest."""


def clean_environment(**extra: str) -> dict[str, str]:
    """This environment without what would leak another Python's packages into a child."""
    drop = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", "PYENV_VERSION"}
    kept = {key: value for key, value in os.environ.items() if key not in drop}
    return {**kept, "PYTHONNOUSERSITE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **extra}


def run_logged(
    command: list[str], log: Path, timeout: float, *, env: dict[str, str] | None = None, echo: bool = False
) -> None:
    """Run a command in the checkout, its output in `log` (and here with `echo`); end its process group when time is up.

    Raises:
        StepFailed: it exited with an error or ran out of time.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with log.open("ab") as sink:
        sink.write(f"\n$ {' '.join(command)}\n".encode())
        sink.flush()
        start = sink.tell()
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=env or clean_environment(),
            start_new_session=True,
        )
        try:
            with log.open("rb") as source:
                source.seek(start)
                while child.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.2)
                    if echo:
                        show(source.read())
                timed_out = child.poll() is None
                if echo:
                    show(source.read())
        finally:
            if child.poll() is None:
                end_group(child)
    if timed_out or child.returncode != 0:
        outcome = f"ran past {timeout:.0f} s" if timed_out else f"exited with {child.returncode}"
        raise StepFailed(f"{' '.join(command[1:4])} ... {outcome}, see {log.relative_to(ROOT)}")


def show(output: bytes) -> None:
    if output:
        sys.stdout.write(output.decode("utf-8", "replace"))
        sys.stdout.flush()


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Ask the child's process group to stop, then make it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            return
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            continue
        return


def candidates() -> list[Path]:
    """Every place where an interpreter may be, best first."""
    out = [Path(sys.executable)]
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    out += [folder / f"python{minor}" for minor in VERSIONS for folder in folders]
    out += [folder / name for name in ("python3", "python") for folder in folders]
    home = Path.home()
    roots = [Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions", home / ".local/share/uv/python"]
    for root in roots:
        out += sorted((version / "bin" / "python3" for version in root.glob("*")), key=str, reverse=True)
    return [path for path in out if path.is_file() and os.access(path, os.X_OK)]


def probe(path: Path) -> Interpreter | None:
    """What an executable is, if it is a supported CPython that can make environments; a pyenv shim may be nothing."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            env=clean_environment(),
        )
        name, minor, version, free_threaded, usable = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if name != "cpython" or minor not in VERSIONS or free_threaded or not usable:
        return None
    return Interpreter(path, minor, version)


def find_interpreters() -> dict[str, Interpreter]:
    """The first usable interpreter of each minor version, in the order of VERSIONS."""
    found: dict[str, Interpreter] = {}
    seen: set[Path] = set()
    for path in candidates():
        if len(found) == len(VERSIONS):
            break
        if path in seen:
            continue
        seen.add(path)
        interpreter = probe(path)
        if interpreter is not None:
            found.setdefault(interpreter.minor, interpreter)
    return {minor: found[minor] for minor in VERSIONS if minor in found}


def make_environment(
    interpreter: Interpreter, folder: Path, installs: list[list[str]], log: Path, inputs: str
) -> float:
    """Make `folder` an environment in which `installs` (pip arguments) have run; keep it while `inputs` are the same.

    Returns the seconds it took, 0 when kept.

    Raises:
        StepFailed: an install failed; the half-made environment is made anew next time.
    """
    begin = time.monotonic()
    stamp = folder / ".installed"
    key = hashlib.sha256(json.dumps([interpreter.version, installs, inputs]).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == key:
        return 0.0
    shutil.rmtree(folder, ignore_errors=True)
    run_logged([str(interpreter.path), "-m", "venv", str(folder)], log, 120)
    for arguments in installs:
        run_logged([str(folder / "bin" / "python"), "-m", "pip", "install", *arguments], log, INSTALL_TIMEOUT)
    stamp.write_text(key)
    return time.monotonic() - begin


def install(interpreter: Interpreter, fresh: bool) -> tuple[float, str]:
    """Install the development environment; returns the seconds and what went wrong, if anything."""
    folder = ROOT / f".venv-{interpreter.minor}"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    constraints = ROOT / "constraints" / f"dev-{interpreter.minor}.txt"
    pins = ["--constraint", str(constraints)] if constraints.is_file() else []
    inputs = (ROOT / "pyproject.toml").read_text() + (constraints.read_text() if pins else "")
    log = ROOT / f".venv-logs/install-{interpreter.minor}.log"
    log.unlink(missing_ok=True)
    try:
        return make_environment(interpreter, folder, [["--editable", ".[dev]", *pins]], log, inputs), ""
    except StepFailed as failure:
        return 0.0, f"install: {failure}"


def run_suite(result: Result, arguments: list[str]) -> None:
    """Run the fast suite and fill in the counts from pytest's closing line."""
    minor = result.interpreter.minor
    log = ROOT / f".venv-logs/pytest-{minor}.log"
    log.unlink(missing_ok=True)
    command = [str(ROOT / f".venv-{minor}/bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    begin = time.monotonic()
    try:
        run_logged(command, log, TEST_TIMEOUT)
    except StepFailed as failure:
        result.problem = str(failure)
    result.test_seconds = time.monotonic() - begin
    text = log.read_text("utf-8", "replace")
    closing = text.rstrip().rsplit("\n", 1)[-1]
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", closing)}
    result.passed, result.skipped = counts.get("passed", 0), counts.get("skipped", 0)
    result.failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if not result.problem and not result.passed:
        result.problem = f"no test passed: {closing}"
    if result.problem:
        print("\n".join(text.splitlines()[-60:]), flush=True)


def split_arguments(words: list[str]) -> tuple[list[str], list[str]]:
    """Our arguments and, after a `--`, pytest's."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="arguments after -- go to pytest")
    parser.add_argument("--only", default="", metavar="3.X,3.Y", help="only these versions")
    parser.add_argument("--skip", default="", metavar="3.X,3.Y", help="not these versions")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    words, arguments = split_arguments(sys.argv[1:])
    options = parser.parse_args(words)
    wanted = [v for v in options.only.split(",") if v] or list(VERSIONS)
    skipped = [v for v in options.skip.split(",") if v]
    unknown = [v for v in (*wanted, *skipped) if v not in VERSIONS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: the package supports {', '.join(VERSIONS)}")

    found = find_interpreters()
    for minor in VERSIONS:
        if minor in skipped or minor not in wanted:
            print(f"  {minor}   left out, as asked")
        elif minor not in found:
            print(f"  {minor}   not on this machine, skipped")
        else:
            print(f"  {minor}   {found[minor].version} at {found[minor].path}")
    chosen = [i for i in found.values() if i.minor in wanted and i.minor not in skipped]
    if not chosen:
        # Nothing left to do is fine when everything else was left out on purpose; finding nothing at all is not.
        print("no interpreter to test", flush=True)
        return 0 if found and skipped and not options.only else 1

    results = []
    with ThreadPoolExecutor(1) as installer:
        installs = [(i, installer.submit(install, i, options.fresh)) for i in chosen]
        for interpreter, job in installs:
            result = Result(interpreter)
            results.append(result)
            result.install_seconds, result.problem = job.result()
            if not result.problem:
                print(f"CPython {interpreter.version}: running the fast suite ...", flush=True)
                run_suite(result, arguments)
            verdict = result.problem or f"{result.passed} passed, {result.skipped} skipped"
            print(f"CPython {interpreter.version}: {verdict}", flush=True)

    print(f"\n  {'CPython':<9}{'passed':>8}{'failed':>8}{'skipped':>9}{'install':>10}{'tests':>9}")
    for r in results:
        spent = f"{r.install_seconds:>8.0f} s{r.test_seconds:>7.0f} s"
        print(f"  {r.interpreter.version:<9}{r.passed:>8}{r.failed:>8}{r.skipped:>9}{spent}  {r.problem or 'ok'}")
    # A version whose suite could not even run counts as one failure.
    failed = sum(max(r.failed, 1 if r.problem else 0) for r in results)
    passed, skips = sum(r.passed for r in results), sum(r.skipped for r in results)
    print(f"\n{passed} passed, {failed} failed, {skips} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
