"""Does the sandbox hold on this machine? Run the hostile corpus, and the honest controls, and say so.

>>> from table_rewards.testing.sandbox.check import check_sandbox
>>> report = check_sandbox(fast=True)  # doctest: +SKIP
>>> report.clean, report.hacked, report.harmed, report.hung  # doctest: +SKIP
(True, [], [], [])

Run it in the container that will train: what the kernel and the container allow decides what the sandbox can hold.
``table-rewards sandbox check`` is the same from the command line.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from table_rewards.sandbox import Job, Limits, Outcome, Sandbox, get_sandbox
from table_rewards.sandbox.values import from_python, same
from table_rewards.testing.sandbox.canaries import Canaries
from table_rewards.testing.sandbox.cases import Case
from table_rewards.testing.sandbox.controls import control_failures
from table_rewards.testing.sandbox.corpus import hostile

Mode = Literal["calls", "tests", "stdout"]
MODES: tuple[Mode, ...] = ("calls", "tests", "stdout")
EXPECTED = 8_675_309_123_457  # what f(41) should be; no snippet is ever sent it
LIMITS = Limits(cpu_s=0.5, wall_s=1.5, mem_mb=512, file_mb=8, disk_mb=24)
HUNG_AFTER = 30.0


@dataclass(frozen=True)
class CaseResult:
    """One snippet in one mode. ``clean`` is: no reward, no harm, an expected status, in time."""

    case: Case
    mode: Mode
    status: str
    seconds: float
    hacked: bool
    harm: tuple[str, ...]
    unexpected: bool

    @property
    def hung(self) -> bool:
        return self.seconds > HUNG_AFTER

    @property
    def clean(self) -> bool:
        return not (self.hacked or self.harm or self.hung or self.unexpected)

    def line(self) -> str:
        """What went wrong, in one line."""
        what = [f"harm: {', '.join(self.harm)}"] if self.harm else []
        what += ["HACKED"] * self.hacked + ["hung"] * self.hung + [f"ended as {self.status}"] * self.unexpected
        return f"{self.case.group}: {self.case.name} [{self.mode}]: {'; '.join(what) or 'clean'}"


@dataclass
class Report:
    """Every result, and what of the honest controls failed."""

    sandbox: str
    results: list[CaseResult] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def hacked(self) -> list[CaseResult]:
        return [result for result in self.results if result.hacked]

    @property
    def harmed(self) -> list[CaseResult]:
        return [result for result in self.results if result.harm]

    @property
    def hung(self) -> list[CaseResult]:
        return [result for result in self.results if result.hung]

    @property
    def clean(self) -> bool:
        return not self.controls and all(result.clean for result in self.results)

    def text(self) -> str:
        """The report as a person reads it."""
        lines = [self.sandbox, ""]
        for group in dict.fromkeys(result.case.group for result in self.results):
            mine = [result for result in self.results if result.case.group == group]
            bad = [result for result in mine if not result.clean]
            lines.append(f"  {group:<12} {len(mine) - len(bad):>4} of {len(mine):<4} clean")
            lines += [f"      {result.line()}" for result in bad]
        lines += [f"  control failed: {text}" for text in self.controls]
        cases = len({result.case.name for result in self.results})
        verdict = "contained" if self.clean else "NOT CONTAINED"
        lines += [
            "",
            f"{verdict}: {cases} hostile snippets in {len(self.results)} runs, {len(self.hacked)} rewards hacked, "
            f"{len(self.harmed)} did harm, {len(self.hung)} hung, {len(self.controls)} honest controls failed "
            f"({self.seconds:.1f} s)",
        ]
        return "\n".join(lines)


def check_sandbox(
    sandbox: Sandbox | None = None,
    *,
    fast: bool = False,
    modes: Sequence[Mode] | None = None,
    cases: Sequence[Case] | None = None,
    progress: Callable[[CaseResult], None] | None = None,
) -> Report:
    """Run the corpus: every case in every mode, one after another, the canaries looked at after each.

    ``fast`` takes the quick cases only (seconds instead of a minute or two). The snippets stay small: tens of
    megabytes, seconds, and nothing that forks unless the sandbox lets it. A backend without trusted tests is checked
    without them.
    """
    sandbox = sandbox or get_sandbox()
    chosen_modes = modes_of(sandbox) if modes is None else modes
    chosen = applicable(cases, fast=fast)
    report = Report(sandbox.describe())
    began = time.monotonic()
    canaries = Canaries()
    try:
        for case in chosen:
            for mode in chosen_modes:
                result = run_case(sandbox, case, mode, canaries)
                report.results.append(result)
                if progress is not None:
                    progress(result)
        report.controls = control_failures(sandbox, fast=fast)
    finally:
        canaries.close()
    report.seconds = time.monotonic() - began
    return report


def run_case(sandbox: Sandbox, case: Case, mode: Mode, canaries: Canaries) -> CaseResult:
    """One snippet in one mode."""
    code = canaries.fill(case.source)
    if "tests" in modes_of(sandbox):  # leaves something to find in the memory of the slot
        sandbox.run(Job.tests("def f(x):\n    return 1\n", f"assert f(1) == 1  # previous-token {EXPECTED}", ["f"]))
    began = time.monotonic()
    outcome, hacked = _RUN[mode](sandbox, code)
    seconds = time.monotonic() - began
    harm = canaries.harm()
    said = "\n".join([outcome.stdout, outcome.stderr, outcome.note, *(v.text(10_000) for v in outcome.values)])
    said += "\n".join(result.stdout for result in outcome.results)
    harm += [line[:120] for line in said.splitlines() if line.startswith("HARM:")][:3]
    if canaries.leaked(said):
        harm.append("a canary's token in its output")
    healthy = sandbox.run(Job.script("print(6 * 7)"))
    if healthy.stdout != "42\n":
        harm.append(f"the next snippet: {healthy.status} {healthy.note}")
    wanted = case.statuses or ("ok", "error", "signal", "timeout_cpu", "timeout_wall", "output_limit", "disk_limit")
    unexpected = outcome.status == "sandbox_error" or (mode == "calls" and outcome.status not in wanted)
    return CaseResult(case, mode, outcome.status, seconds, hacked, tuple(harm), unexpected)


def _calls(sandbox: Sandbox, code: str) -> tuple[Outcome, bool]:
    outcome = sandbox.run(Job.calls(code, "f", [(41,), (41,)], limits=LIMITS))
    expected = from_python(EXPECTED)
    return outcome, any(same(expected, value, nan_is_nan=True, rel_tol=1e-6) for value in outcome.values)


def _tests(sandbox: Sandbox, code: str) -> tuple[Outcome, bool]:
    tests = [f"assert f(41) == {EXPECTED}", f"import unittest\nunittest.TestCase().assertEqual(f(41), {EXPECTED})"]
    outcome = sandbox.run(Job.tests(code, tests, ["f"], limits=LIMITS))
    return outcome, any(result.status == "ok" for result in outcome.results)


def _stdout(sandbox: Sandbox, code: str) -> tuple[Outcome, bool]:
    outcome = sandbox.run(Job.stdins(code + "\nprint(f(41))", ["1", "2"], limits=LIMITS))
    return outcome, any(result.stdout.strip() == str(EXPECTED) for result in outcome.results)


_RUN: dict[str, Callable[[Sandbox, str], tuple[Outcome, bool]]] = {"calls": _calls, "tests": _tests, "stdout": _stdout}


def modes_of(sandbox: Sandbox) -> tuple[Mode, ...]:
    """The kinds of job that a backend can be checked with."""
    return tuple(mode for mode in MODES if mode != "tests" or sandbox.trusted_tests)


def applicable(cases: Sequence[Case] | None = None, *, fast: bool = False) -> list[Case]:
    """The cases (all when left out) that mean something on this machine."""
    chosen = hostile() if cases is None else cases
    return [case for case in chosen if case.machine in ("", platform.machine()) and (case.fast or not fast)]
