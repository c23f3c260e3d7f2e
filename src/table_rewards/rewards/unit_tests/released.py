"""ExecVerify's unit-test reward as released: PRIME's scorer, its accidents included (E1, E8, E19 to E21).

For comparison with published runs only. The program and the expected values are in one process there, and here, too
(locked down all the same): a program can pass by looking for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row, as_mapping, plain
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.unit_tests.reference import UnitTestsReference
from table_rewards.sandbox import Job, Limits, Outcome

COUNTED: Final = 10
"""Tests that count when not all of them pass (E8)."""
SECONDS: Final = (5.0, 1.0)
"""For a test while all are tried, and for a test alone."""


@dataclass(frozen=True, slots=True)
class ReleasedReference(UnitTestsReference):
    """PRIME's tests as they are: the JSON text of ``inputs``, ``outputs`` and ``fn_name``."""

    tests: str = ""


@dataclass(slots=True, eq=False)
class ReleasedCase:
    """One sample between reading and judging."""

    tags: bool
    job: Job


class ReleasedJudging:
    """How the released code reads and judges.

    Args:
        format_bonus: what the bare tags earn on top of a program that passes a test (E1).
        mem_mb: memory of the program, in MiB.
    """

    def __init__(self, format_bonus: float, mem_mb: int) -> None:
        self.format_bonus = format_bonus
        self.limits = Limits(cpu_s=2 * SECONDS[0] + COUNTED * 2 * SECONDS[1], mem_mb=mem_mb)

    def reference(self, raw: Mapping[str, Any]) -> ReleasedReference:
        """Read a row of PRIME or APPS.

        Raises:
            BadReference: it has no ``inputs`` and ``outputs``, all that the released code can read.
        """
        row = Row(raw)
        packed = as_mapping(row.find("input_output", default=None))
        tests = packed if packed is not None else {name: row.find(name, default=None) for name in _COLUMNS}
        return self.natural({name: value for name, value in tests.items() if value is not None})

    def natural(self, value: Any) -> ReleasedReference:
        """The same from the tests themselves.

        Raises:
            BadReference: these are not PRIME's lists, or of different lengths.
        """
        tests = as_mapping(plain(value))
        inputs, outputs = (tests or {}).get("inputs"), (tests or {}).get("outputs")
        if tests is None or not isinstance(inputs, list) or not isinstance(outputs, list):
            raise BadReference("the released reward reads PRIME's lists of inputs and outputs, nothing else")
        if not inputs or len(inputs) != len(outputs):
            raise BadReference(f"{len(inputs)} inputs, {len(outputs)} outputs: there must be one for each, and some")
        names = tuple(str(i) for i in range(len(inputs)))
        kept = {name: tests[name] for name in _COLUMNS if tests.get(name) is not None}
        return ReleasedReference("stdin", names, names, tests=json.dumps(kept))

    def read(self, completion: str, reference: UnitTestsReference) -> ReleasedCase:
        tags = "<answer>" in completion and "</answer>" in completion
        answer = completion.rpartition("<answer>")[2].partition("</answer>")[0].strip() if tags else ""
        code = answer.rpartition("```python")[2].partition("```")[0]
        payload = {
            "code": code,
            "tests": json.loads(getattr(reference, "tests", "{}")),
            "counted": COUNTED,
            "seconds": SECONDS,
        }
        return ReleasedCase(tags, Job.harness(_harness(), payload, limits=self.limits, flavour="bare"))

    def conclude(self, case: ReleasedCase, outcome: Outcome | None) -> Judgement:
        """The share of the tests plus the bonus; without a test passed 0, for the released function raises (E1)."""
        found: Any = outcome.values[0].python() if outcome is not None and outcome.values[:1] and _ran(outcome) else []
        results = [str(result) for result in found]
        passed = sum(result == "passed" for result in results)
        rate = passed / len(results) if results else 0.0
        timeouts = float("timeout" in results or (outcome is not None and outcome.status.startswith("timeout")))
        parts = (rate, float(rate == 1.0), float(case.tags), timeouts)
        if not passed:
            note = "; ".join(dict.fromkeys(results)) or (outcome.note or outcome.status if outcome is not None else "")
            return Judgement(0.0, (0.0, 0.0, float(case.tags), timeouts), SCORED if case.tags else UNPARSED, note)
        failed = next((result for result in results if result != "passed"), "")
        return Judgement(rate + self.format_bonus * case.tags, parts, SCORED, failed)


_COLUMNS: Final = ("inputs", "outputs", "fn_name")


def _ran(outcome: Outcome) -> bool:
    return outcome.values[0].ok and outcome.values[0].kind == "list"


@cache
def _harness() -> str:
    return resources.files(__package__).joinpath("released_harness.py").read_text("utf-8")
