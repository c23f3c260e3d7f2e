"""What the rewards that run one job a sample have in common: read all, run all together, judge all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from table_rewards.core.explanation.assembling import passages_of
from table_rewards.core.explanation.data import Section, Working
from table_rewards.core.reward import ReferenceT, Reward
from table_rewards.core.scores import Judgement
from table_rewards.sandbox import Job, Outcome, get_sandbox


class Case(Protocol):
    """One sample between reading and judging."""

    job: Job | None
    """What must be run for it; None where reading tells enough."""


CaseT = TypeVar("CaseT", bound=Case)


class SandboxedReward(Reward[ReferenceT], Generic[ReferenceT, CaseT]):
    """A reward whose samples become cases, with a job each or none; a batch's jobs run side by side.

    Attributes:
        sandbox: the backend's name, see :func:`table_rewards.sandbox.get_sandbox`.
    """

    waits = True
    sandbox: str

    @abstractmethod
    def read(self, completion: str, reference: ReferenceT) -> CaseT:
        """Read a sample; whatever the completion holds, this must not raise."""

    @abstractmethod
    def conclude(self, case: CaseT, outcome: Outcome | None) -> Judgement:
        """Judge a case by what came of its job; None for one without."""

    def sections(self, case: CaseT, outcome: Outcome | None, judged: Judgement) -> list[Section]:
        """Tell how a case was judged."""
        return []

    def judge_telling(
        self, completions: Sequence[str], reference: ReferenceT, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        cases, jobs = self._read_all(completions[:1], [reference])
        outcomes = list(get_sandbox(self.sandbox).run_batch(jobs)) if jobs else []
        outcome = outcomes[0] if outcomes else None
        judged = self.conclude(cases[0], outcome)
        sections = self.sections(cases[0], outcome, judged)
        return judged, Working(tuple(sections), passages_of(completions[0], self.thought_tags))

    def judge(self, completion: str, reference: ReferenceT, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> list[Judgement]:
        cases, jobs = self._read_all(completions, references)
        return self._conclude_all(cases, get_sandbox(self.sandbox).run_batch(jobs) if jobs else [])

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> list[Judgement]:
        cases, jobs = self._read_all(completions, references)
        return self._conclude_all(cases, await get_sandbox(self.sandbox).arun_batch(jobs) if jobs else [])

    def _read_all(self, completions: Sequence[str], references: Sequence[ReferenceT]) -> tuple[list[CaseT], list[Job]]:
        cases = [self.read(*pair) for pair in zip(completions, references, strict=True)]
        return cases, [case.job for case in cases if case.job is not None]

    def _conclude_all(self, cases: Sequence[CaseT], outcomes: Sequence[Outcome]) -> list[Judgement]:
        left = iter(outcomes)
        return [self.conclude(case, next(left) if case.job is not None else None) for case in cases]
