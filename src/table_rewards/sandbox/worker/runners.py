"""What runs a job, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import programs, trusted_tests

RUNNERS: dict[str, Callable[[dict[str, Any], list[bytes]], int]] = {
    "script": programs.run_script,
    "stdins": programs.run_stdins,
    "calls": programs.run_calls,
    "exprs": programs.run_exprs,
    "harness": programs.run_harness,
    "chart": programs.run_chart,
    "candidate": trusted_tests.run_candidate,
    "tester": trusted_tests.run_tester,
}
