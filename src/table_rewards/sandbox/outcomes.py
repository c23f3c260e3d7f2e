"""What came of a job.

A snippet's fault and the sandbox's own are different statuses:

=================  ====================================================================================
``ok``             the process ended with return code 0
``error``          it ended with another return code: an exception, ``sys.exit(1)``
``signal``         it died of a signal of its own making: a segmentation fault, ``abort``
``timeout_cpu``    it used up its CPU time
``timeout_wall``   it slept or waited past the wall-clock back-stop
``output_limit``   it wrote more than it may to stdout, stderr or as values
``disk_limit``     its files grew past the quota
``cancelled``      the caller cancelled it
``sandbox_error``  ours: it could not be run, twice. Never a wrong answer; score it unscored
=================  ====================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from table_rewards.sandbox.values import Value

Status = Literal[
    "ok",
    "error",
    "signal",
    "timeout_cpu",
    "timeout_wall",
    "output_limit",
    "disk_limit",
    "cancelled",
    "sandbox_error",
]
ItemStatus = Literal[Status, "not_run", "skipped"]


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of ``Job.stdins`` or ``Job.tests``: ``not_run`` when an earlier one used up the time.

    ``skipped`` is a test that its own framework skips, or expects to fail: it says nothing about the program.

    ``stdout`` is what the program printed for this stdin (tests: what the test printed); ``error`` names the exception.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    status: ItemStatus
    stdout: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the test ran to its end."""
        return self.status == "ok"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one job. ``results`` and ``values`` have one entry for each item of the job, whatever happened.

    ``cpu_s``, ``wall_s`` and ``max_rss`` (bytes) are measured outside the snippet; the memory is the peak of the
    program's own process with its interpreter, 0 where nothing measures it. ``note`` says in a few words why, for a
    reward's notes. ``fault`` says why tests could not be run, where the program had no part in it.
    """

    status: Status
    stdout: str = ""
    stderr: str = ""
    returncode: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    max_rss: int = 0
    note: str = ""
    results: Sequence[TestResult] = ()
    values: Sequence[Value] = ()
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Whether the job ran to its end; what its tests say stands in ``results``."""
        return self.status == "ok"

    @property
    def is_ours(self) -> bool:
        """True when the sandbox failed, not the snippet: the sample is unscored, never wrong."""
        return self.status == "sandbox_error"

    @property
    def passed(self) -> bool:
        """``Job.tests``: every test ran to its end without an exception, but for those that are skipped."""
        told = [result.status for result in self.results if result.status != "skipped"]
        return bool(told) and all(status == "ok" for status in told)
