"""What runs a job, by its kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from . import programs

Runner = Callable[[dict[str, Any], list[bytes]], int]
RUNNERS: dict[str, Runner] = {
    "script": programs.run_script,
    "stdins": programs.run_stdins,
    "calls": programs.run_calls,
    "exprs": programs.run_exprs,
    "harness": programs.run_harness,
}
LARGE = {
    "chart": (".charts", "run_chart"),
    "candidate": (".trusted_tests", "run_candidate"),
    "tester": (".trusted_tests", "run_tester"),
}


def runner(kind: str) -> Runner:
    """The function for a kind of job.

    What charts and ``Job.tests`` need is large. A nursery for other jobs does not hold it, since each fork and each
    exit pays for every page; it comes with the first such job where it is not there yet.
    """
    found = RUNNERS.get(kind)
    if found is None:
        module, name = LARGE[kind]
        found = getattr(importlib.import_module(module, __package__), name)
    return found
