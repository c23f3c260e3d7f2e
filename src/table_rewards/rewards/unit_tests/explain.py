"""The work behind the unit-test reward: test by test, with what was wanted and what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from table_rewards.core.explanation.data import RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.rewards.unit_tests.reference import UnitTestsReference
from table_rewards.sandbox import Outcome

SHOWN: Final = 600


def tests_section(
    reference: UnitTestsReference,
    chosen: Sequence[int],
    verdicts: Sequence[str],
    outcome: Outcome,
    skipped: str,
    *,
    all_or_nothing: bool,
    format_bonus: float,
    has_format: bool,
) -> Section:
    """One step a test; nothing in ``verdicts`` is a test that passed."""
    steps = []
    counted = [verdict for verdict in verdicts if verdict != skipped]
    for at, (index, verdict) in enumerate(zip(chosen, verdicts, strict=True)):
        label = f"test {index + 1} of {reference.count}"
        if verdict == skipped:
            steps.append(Step(TOLD, label, "skipped by the test file"))
            continue
        came, wanted = _came(reference, outcome, at), _wanted(reference, index)
        detail = f"{verdict}; {_input(reference, index)}" if verdict else _input(reference, index)
        steps.append(Step(WRONG if verdict else RIGHT, label, detail, None, came, wanted))
    passed = sum(not verdict for verdict in counted)
    share = float(passed == len(counted)) if all_or_nothing else passed / len(counted)
    value = share + format_bonus * has_format
    closing = f"{passed} of {len(counted)} pass: {share:.6g}"
    if format_bonus:
        closing += f", {format_bonus:g} for the format: {value:.6g}" if has_format else ", no bonus for the format"
    gives = {VALUE: value, "pass_rate": passed / len(counted)}
    return Section("Tests", tuple(steps), closing=closing, gives=gives)


def outcome_section(outcome: Outcome | None) -> Section:
    """How the program ended."""
    if outcome is None:
        return Section("Program", (Step(WRONG, "program", "none was found"),))
    note = f": {outcome.note}" if outcome.note else ""
    steps = [Step(RIGHT if outcome.ok else WRONG, "ended", f"{outcome.status}{note}, {outcome.cpu_s:.2f} s of CPU")]
    if outcome.stderr.strip():
        steps.append(Step(TOLD, "errors", outcome.stderr.strip()[-SHOWN:]))
    return Section("Program", tuple(steps))


def _input(reference: UnitTestsReference, index: int) -> str:
    text = str(reference.inputs[index]).strip()
    what = "test" if reference.kind not in ("stdin", "calls") else "input"
    return f"{what}: {_cut(text)}"


def _wanted(reference: UnitTestsReference, index: int) -> str | None:
    return _cut(str(reference.outputs[index]).strip()) if reference.kind in ("stdin", "calls") else None


def _came(reference: UnitTestsReference, outcome: Outcome, at: int) -> str | None:
    if reference.kind == "stdin" and at < len(outcome.results):
        return _cut(outcome.results[at].stdout.strip())
    if reference.kind == "calls" and at < len(outcome.values):
        value = outcome.values[at]
        return _cut(value.text(SHOWN)) if value.ok else value.error or None
    return None


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
