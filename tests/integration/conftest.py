"""Shared ground of the integration suites: what is under test, where the helpers are, real rows.

The suites need verl and ms-swift, which cannot share an environment. nox makes one for each and sets
TABLE_REWARDS_INTEGRATION to its name; without that variable (the fast suite) the folders are not even collected.
"""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FRAMEWORK = os.environ.get("TABLE_REWARDS_INTEGRATION", "")

SUITES = ("verl", "swift", "trl", "ray", "gym")

collect_ignore = ["support"]
collect_ignore += [name for name in SUITES if name != FRAMEWORK]

if FRAMEWORK:
    sys.path.insert(0, str(HERE / "support"))


def pytest_configure(config: pytest.Config) -> None:
    if not FRAMEWORK:
        return
    if FRAMEWORK not in SUITES:
        raise pytest.UsageError(f"TABLE_REWARDS_INTEGRATION={FRAMEWORK!r}: expected one of {', '.join(SUITES)}")
    import table_rewards

    where = Path(table_rewards.__file__).resolve()
    if ROOT / "src" in where.parents:
        raise pytest.UsageError(
            f"table_rewards comes from {where}, the source tree; the integration suites test the installed wheel. "
            "Run them with: make integration"
        )


@pytest.fixture(scope="session")
def adapter_file() -> Path:
    """The installed file that a user gives to the framework, found as a user finds it: `table-rewards adapter NAME`."""
    import subprocess

    command = [str(Path(sys.executable).with_name("table-rewards")), "adapter", FRAMEWORK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.is_file(), f"{command} printed {done.stdout!r}"
    assert ROOT not in path.parents or ".nox" in path.parts, path
    return path


_passed: list[str] = []
_sources: dict[str, tuple[str, str]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FRAMEWORK and isinstance(item, pytest.Function):
            _sources[item.nodeid] = inspect.getsource(item.function), inspect.getsource(item.module)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if FRAMEWORK and report.when == "call" and report.passed:
        _passed.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave what was run, for the page of support/matrix.py; earlier runs of other tests stay in it."""
    if not FRAMEWORK or not _passed:
        return
    import json
    from importlib import metadata

    from matrix import LOGS, entry

    from table_rewards import names

    packages = {"verl": "verl", "swift": "ms-swift", "trl": "trl", "ray": "ray", "gym": "nemo-gym"}
    versions = {FRAMEWORK: metadata.version(packages[FRAMEWORK])}
    file = LOGS / f"matrix-{FRAMEWORK}-{versions[FRAMEWORK]}.json"
    known = {one["test"]: one for one in json.loads(file.read_text("utf-8"))} if file.is_file() else {}
    for nodeid in _passed:
        known[nodeid] = {"test": nodeid, **entry(nodeid, FRAMEWORK, versions, names(), _sources.get(nodeid, ()))}
    LOGS.mkdir(exist_ok=True)
    file.write_text(json.dumps(list(known.values()), indent=1), "utf-8")
