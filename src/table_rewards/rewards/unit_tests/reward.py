"""The unit-test reward (ExecVerify's second stage, PRIME): the share of the tests that a program passes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import fraction, positive_whole, truth
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.core.zero_point import BlindScores, ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.sandboxed import SandboxedReward
from table_rewards.rewards.unit_tests.explain import outcome_section, tests_section
from table_rewards.rewards.unit_tests.output import same_output, same_result
from table_rewards.rewards.unit_tests.program import program_of, with_imports, with_prompt
from table_rewards.rewards.unit_tests.reference import (
    UnitTestsReference,
    arguments,
    expected_outputs,
    expected_values,
    helpers_of,
    shown_of_row,
)
from table_rewards.rewards.unit_tests.released import ReleasedJudging
from table_rewards.sandbox import Job, Limits, Outcome, TestResult, values
from table_rewards.sandbox.shared import BACKENDS

__all__ = ["UnitTests", "UnitTestsReference"]

_TIMEOUTS: Final = ("timeout_cpu", "timeout_wall")
SKIPPED: Final = "\0skipped"
PYTHONS_RECURSION: Final = 1000


class UnitTests(SandboxedReward[UnitTestsReference, Any]):
    """Share of a problem's tests that the completion's program passes, plus a bonus for the format.

    ::

        value = passed / tests + format_bonus * format

    The program is the last Python block of the last ``<answer>``, else of the completion. It runs in the sandbox, in
    one child for all tests; the first timeout stops it, and what was not run has failed. Expected values never enter a
    process that runs the program: printed text and returned values are compared in this process (line by line, word
    by word, decimals within 1e-6; returned values by value, a tuple as a list), and test code runs in a process of
    its own that calls the program's functions through a socket.

    Source: ExecVerify, arXiv 2603.11226, ``compute_score_prime``; PRIME's ``prime_code``. ``profile="released"`` is
    PRIME's checker as it is: all tests, else the first 10 alone (E8) and without the function's name (E19), programs
    rewritten into a function (E20), the bonus for the bare tags and lost where nothing passes (E1). It reads PRIME's
    rows alone, keeps expected values beside the program, and takes its own times instead of ``cpu_s``.

    Args:
        cap: at most so many tests, spread evenly over all of them; the note says so when some are left out. None for
            no limit.
        all_or_nothing: 1 or 0 for the tests instead of the share.
        zero_point: ``blind``: only what is above R0 counts, the share of the tests that a table of the prompt's
            examples passes (the row's ``tests_in_prompt``, which ``prepare exec-verify-code`` writes) with the
            commonest expected output for all other inputs: ``max(0, (share - R0) / (1 - R0))`` in the value, see
            docs/blind.md. A number in (0, 1): one R0 for every row.
        format_bonus: what a program in a Python block inside ``<answer>`` earns on top, in [0, 1].
        cpu_s: CPU seconds for one test. A busy machine makes no false timeouts.
        mem_mb: memory of the program, in MiB.
        recursion_limit: Python's recursion limit of the program, in frames; LiveCodeBench's by default.
        sandbox: the backend that runs it, ``local`` or ``sandbox_fusion``.
        profile: ``corrected`` or ``released``.

    The value is in [0, 1 + format_bonus]. Parts: ``pass_rate``, ``all_passed``, ``format`` and ``timeouts`` (1 when a
    timeout stopped the program). A completion without a program scores 0 and is *unparsed*.

    Raises:
        ConfigurationError: an option cannot be, or the released profile is given ``all_or_nothing=True``.

    >>> reward = UnitTests()
    >>> tests = {"inputs": ["1 2", "3 4"], "outputs": ["3", "7"]}
    >>> program = "<answer>\\n```python\\na, b = map(int, input().split())\\nprint({})\\n```\\n</answer>"
    >>> scores = reward([program.format("a + b"), program.format(3), "I would add them."], [tests] * 3)
    >>> scores.values.tolist(), scores.parts["pass_rate"].tolist(), scores.notes
    ([1.05, 0.55, 0.0], [1.0, 0.5, 0.0], ['', 'test 2 of 2: another output', 'no program'])
    """

    name: ClassVar[str] = "unit_tests"
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind"}
    reference_type: ClassVar[type[Any]] = UnitTestsReference
    parts: tuple[str, ...] = ("pass_rate", "all_passed", "format", "timeouts")
    headline = ("pass_rate", "timeouts")
    accuracy = "all_passed"

    def __init__(
        self,
        *,
        cap: int | None = 64,
        all_or_nothing: bool = False,
        zero_point: ZeroPoint = "none",
        format_bonus: float = 0.05,
        cpu_s: float = 2.0,
        mem_mb: int = 1024,
        recursion_limit: int = 50_000,
        sandbox: str = "local",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.zero_point = checked_zero_point(zero_point, profile)
        self._blind = BlindScores(self.zero_point)
        if self.zero_point != "none":
            self.parts = ("pass_rate", "all_passed", "format", "timeouts", "blind")
        self.cap = None if cap is None else positive_whole("cap", cap)
        self.all_or_nothing = truth("all_or_nothing", all_or_nothing)
        self.format_bonus = fraction("format_bonus", format_bonus)
        self.limits = Limits(cpu_s=cpu_s, mem_mb=mem_mb, recursion=recursion_limit)
        self.sandbox = one_of("sandbox", sandbox, BACKENDS)

        if profile == "released" and all_or_nothing:
            raise ConfigurationError("the released reward is the share of the tests; leave all_or_nothing out")
        self.released = ReleasedJudging(self.format_bonus, mem_mb) if profile == "released" else None

    def options(self) -> dict[str, object]:
        return {
            "cap": self.cap if self.cap is not None else "all",
            "all": self.all_or_nothing,
            "format": self.format_bonus,
            "cpu": self.limits.cpu_s,
            "mem": self.limits.mem_mb,
            "recursion": self.limits.recursion,
            **({} if self.zero_point == "none" else {"zero_point": self.zero_point}),
            **super().options(),
        }

    def reference(self, row: Mapping[str, Any]) -> UnitTestsReference:
        if self.released:
            return self.released.reference(row)
        reference = UnitTestsReference.from_row(row)
        shown = shown_of_row(row, reference.count) if self.zero_point == "blind" else ()
        return replace(reference, shown=shown) if shown else reference

    def natural(self, value: Any) -> UnitTestsReference:
        return self.released.natural(value) if self.released else UnitTestsReference.of(value)

    # -- judging ------------------------------------------------------------------------------------------------------

    def read(self, completion: str, reference: UnitTestsReference) -> Any:
        if self.released is not None:
            return self.released.read(completion, reference)
        names = [reference.function] if reference.function else reference.entry_points
        program, in_answer = program_of(answer_of(completion), names, reads=reference.kind == "stdin")
        chosen = self._chosen(reference.count)
        case = _Case(reference, chosen, in_answer)
        if not program.strip():
            return case
        if reference.kind == "stdin":
            limits = self._room([reference.outputs[i] for i in chosen])
            case.job = Job.stdins(with_imports(program), [reference.inputs[i] for i in chosen], limits=limits)
        elif reference.kind == "calls":
            calls = [arguments(reference.inputs[i]) for i in chosen]
            case.job = Job.calls(with_imports(program), reference.function, calls, limits=self.limits)
        else:
            case.job = Job.tests(
                with_prompt(program, reference.prompt, reference.entry_points),
                [reference.inputs[i] for i in chosen],
                reference.entry_points,
                setup=reference.setup,
                helpers=helpers_of(reference.prompt),
                framework=reference.framework,
                modules=reference.modules,
                limits=self._as_the_tests_have_it(reference.setup),
            )
        return case

    def sections(self, case: Any, outcome: Outcome | None, judged: Judgement) -> list[Section]:
        told = [outcome_section(outcome)]
        if outcome is None or judged.status != SCORED or not isinstance(case, _Case):
            return told
        verdicts = _verdicts(case, outcome)
        if isinstance(verdicts, str):
            return told
        tests = tests_section(
            case.reference,
            case.chosen,
            verdicts,
            outcome,
            SKIPPED,
            all_or_nothing=self.all_or_nothing,
            format_bonus=self.format_bonus,
            has_format=case.format,
        )
        return [*told, tests]

    def _room(self, outputs: Sequence[str]) -> Limits:
        """The limits with room for what is expected, where that is long."""
        longest = 2 * max(map(len, outputs)) + 4096  # characters may take more bytes than one, and blanks are free
        if longest <= self.limits.out_bytes:
            return self.limits
        total = sum(2 * len(output) + 8192 for output in outputs)
        return replace(
            self.limits,
            out_bytes=longest,
            result_bytes=max(self.limits.result_bytes, total),
            file_mb=max(self.limits.file_mb, (longest >> 20) + 2),
        )

    def _as_the_tests_have_it(self, setup: str) -> Limits:
        """The limits; where the tests look at the recursion limit themselves, with the interpreter's own."""
        if "RecursionError" in setup or "getrecursionlimit" in setup:
            return replace(self.limits, recursion=min(self.limits.recursion or PYTHONS_RECURSION, PYTHONS_RECURSION))
        return self.limits

    def _chosen(self, count: int) -> range | list[int]:
        if self.cap is None or count <= self.cap:
            return range(count)
        return [index * count // self.cap for index in range(self.cap)]

    def conclude(self, case: Any, outcome: Outcome | None) -> Judgement:
        if outcome is None:
            return Judgement(0.0, (0.0,) * len(self.parts), UNPARSED, "no program")
        if outcome.is_ours:
            return self.unscored(f"the sandbox failed: {outcome.note}")
        if self.released is not None:
            return self.released.conclude(case, outcome)
        verdicts = _verdicts(case, outcome)
        if isinstance(verdicts, str):
            return self.unscored(verdicts)
        counted = [verdict for verdict in verdicts if verdict != SKIPPED]
        passed = sum(verdict == "" for verdict in counted)
        rate, everything = passed / len(counted), passed == len(counted)
        timeouts = float(any(verdict in _TIMEOUTS for verdict in counted))
        earned, parts = float(everything) if self.all_or_nothing else rate, (rate, float(everything))
        behind: tuple[float, ...] = ()
        if self.zero_point != "none":
            behind = (self._blind.of(case.reference, self._earned_blindly),)
            earned = above_blind(earned, *behind)
        value = earned + self.format_bonus * case.format
        return Judgement(value, (*parts, float(case.format), timeouts, *behind), SCORED, _note(case, verdicts))

    def _earned_blindly(self, reference: UnitTestsReference) -> float:
        """The share of the tests that a table of the prompt's examples passes, with one answer for all other inputs."""
        chosen, shown = self._chosen(reference.count), frozenset(reference.shown)
        outputs = expected_outputs(reference)
        others = Counter(outputs[at] for at in chosen if at not in shown and outputs[at]) if outputs else Counter()
        known = sum(at in shown for at in chosen)
        return (known + max(others.values(), default=0)) / len(chosen)


@dataclass(slots=True, eq=False)
class _Case:
    """One sample between reading and judging: the tests that count, and the job that runs them."""

    reference: UnitTestsReference
    chosen: Sequence[int]
    format: bool
    job: Job | None = None


def _verdicts(case: _Case, outcome: Outcome) -> list[str] | str:
    """For each test nothing, or why it failed; a text when the tests themselves could not be set up."""
    reference = case.reference
    if reference.kind == "stdin":
        return [
            _failure(result) if not result.ok else _printed(reference.outputs[index], result.stdout)
            for index, result in zip(case.chosen, outcome.results, strict=True)
        ]
    if reference.kind == "calls":
        found = [
            _returned(reference.outputs[i], v, reference.wrapped)
            for i, v in zip(case.chosen, outcome.values, strict=True)
        ]
        stopped = _stopped(outcome)
        return [stopped if verdict == "?" else verdict for verdict in found]
    if outcome.fault:
        return f"the tests' own set-up failed: {outcome.fault}"
    if all(result.status == "skipped" for result in outcome.results):
        return "every test is skipped by the test file itself"
    unloaded = _unloaded(outcome)
    return [
        SKIPPED if result.status == "skipped" else "" if result.ok else _told(_failure(result), unloaded)
        for result in outcome.results
    ]


def _unloaded(outcome: Outcome) -> str:
    """Why a program that tests call did not load, as its own traceback ends; it stands in front of the tests'."""
    first = outcome.stderr.partition("\nTraceback ")[0].strip()
    return first.splitlines()[-1] if re.match(r"(?:Traceback [^\n]*\n)? *File \"main\.py\", line", first) else ""


def _told(failure: str, unloaded: str) -> str:
    """The failure; what follows alone from a program that did not load says why it did not."""
    if unloaded and re.match(r"CodeEnded: |NameError: name '\w+' is not defined|ImportError: cannot import", failure):
        return f"the program did not load: {unloaded}"
    return failure


def _stopped(outcome: Outcome) -> str:
    """Why a program did not get to a call: the timeout, or the last line of its traceback."""
    if outcome.status in _TIMEOUTS:
        return outcome.status
    lines = outcome.stderr.strip().splitlines()
    return lines[-1] if lines else "the program ended before it" if outcome.ok else outcome.note or outcome.status


def _failure(result: TestResult) -> str:
    if result.status == "not_run" and not result.error:
        return "the program ended before it"
    return result.status if result.status in _TIMEOUTS else result.error or result.status


def _printed(expected: str, printed: str) -> str:
    return "" if same_output(expected, printed) else "another output"


def _returned(expected: str, value: values.Value, wrapped: bool) -> str:
    """Nothing when the value is as expected, why not, or ``?`` when the call did not run."""
    if value.kind == "missing":
        return "?"
    if not value.ok:
        return value.error or "not plain data"
    options = expected_values(expected)
    if wrapped:
        options += [wanted[0] for wanted in options if isinstance(wanted, list) and len(wanted) == 1]
    return "" if any(same_result(values.from_python(one), value) for one in options) else "another value"


def _note(case: _Case, verdicts: Sequence[str]) -> str:
    notes = []
    if len(case.chosen) < case.reference.count:
        notes.append(f"{len(case.chosen)} of {case.reference.count} tests")
    failed = next((number for number, verdict in enumerate(verdicts) if verdict and verdict != SKIPPED), None)
    if failed is not None:
        why = " ".join(verdicts[failed].split())[:120]
        notes.append(f"test {case.chosen[failed] + 1} of {case.reference.count}: {why}")
    return "; ".join(notes)
