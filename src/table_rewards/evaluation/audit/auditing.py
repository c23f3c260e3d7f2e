"""The audit of a file, in three passes and memory that grows with its prompts and not with its rows' length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.reward import UNUSABLE, Reward
from table_rewards.core.rows import Row
from table_rewards.core.scores import Judgement
from table_rewards.datasets.files import BrokenRow, RowSource, UnusableFile, missing_column, read_batches
from table_rewards.evaluation.audit.findings import (
    CONTRADICTION,
    DROPPED,
    EMPTY_TABLE,
    IN_TEST,
    LEFTOVER,
    OWN_ANSWER,
    REPEATED,
    UNREADABLE,
    Finding,
)
from table_rewards.evaluation.audit.own_answers import OwnAnswer, own_answer
from table_rewards.evaluation.audit.row_checks import row_findings
from table_rewards.evaluation.scores.identity import IMAGE_COLUMNS, Identity, prompt_columns
from table_rewards.evaluation.scores.layout import named_value

BATCH: Final = 256


@dataclass
class Audit:
    """What an audit found.

    Attributes:
        rows: how many rows were looked at.
        judged: how many gold answers could be judged as their own answer.
        findings: everything, in the order of the rows.
    """

    rows: int = 0
    judged: int = 0
    findings: list[Finding] = field(default_factory=list)

    def dropped(self, kinds: Iterable[str] = DROPPED) -> set[int]:
        """The rows that findings of these kinds leave out."""
        chosen = set(kinds)
        return {finding.row for finding in self.findings if finding.kind in chosen}

    def counted(self) -> dict[str, int]:
        """Kind -> how many rows have it."""
        seen: dict[str, set[int]] = {}
        for finding in self.findings:
            seen.setdefault(finding.kind, set()).add(finding.row)
        return {kind: len(rows) for kind, rows in seen.items()}


class Auditor:
    """Audits one file with one reward.

    Args:
        source: the rows.
        reward: whose references they hold.
        reference: the column that is the ground truth; None: where the reward finds it.
        tests: files whose prompts must not stand in this one.

    Raises:
        UnusableFile: a file has no rows, the column is not there, or no column of the prompt is in both files.
    """

    def __init__(
        self,
        source: RowSource,
        reward: Reward[Any],
        *,
        reference: str | None = None,
        tests: Sequence[RowSource] = (),
    ) -> None:
        self.source, self.reward, self.reference, self.tests = source, reward, reference, tests
        there = source.columns()
        if reference is not None and all(named_value(row, reference) is None for row in source.first()):
            raise UnusableFile(source.name, missing_column(reference, there))
        self.prompt = _prompts(there)

    def run(self) -> Audit:
        """Look at every row."""
        doubtful = self._doubtful()
        held = self._held_out()
        found = Audit()
        first: dict[Any, tuple[int, Any]] = {}
        for batch in read_batches(self._rows(self.source), BATCH):
            readable: list[tuple[int, dict[str, Any], Any]] = []
            before = len(found.findings)
            for row in batch:
                number = found.rows
                found.rows += 1
                if isinstance(row, BrokenRow):
                    found.findings.append(Finding(number, UNREADABLE, row.problem))
                    continue
                read = self.reward.read_reference(row)
                found.findings += row_findings(row, number, self.reward.name, _answer(row, read))
                if isinstance(read, Judgement):
                    kind = EMPTY_TABLE if "no table with a cell" in read.note else UNREADABLE
                    found.findings.append(Finding(number, kind, read.note.removeprefix(UNUSABLE)))
                else:
                    readable.append((number, row, read))
                found.findings += held.find(row, number)
            found.findings += self._own_answers(readable, found)
            # What is wrong by itself contradicts nobody.
            unsound = {one.row for one in found.findings[before:] if one.kind in DROPPED}
            for number, row, read in readable:
                prompt = self.prompt.digest(row)
                if prompt in doubtful and number not in unsound:
                    found.findings += self._compared(first, prompt, number, read)
        found.findings.sort(key=lambda finding: finding.row)
        told = {finding.row for finding in found.findings if finding.kind in (LEFTOVER, EMPTY_TABLE)}
        found.findings = [
            finding for finding in found.findings if not (finding.kind == OWN_ANSWER and finding.row in told)
        ]
        return found

    def clean(self, audit: Audit, kinds: Iterable[str] = DROPPED) -> Iterator[dict[str, Any]]:
        """The rows that are left, as they stand in the file."""
        left_out = audit.dropped(kinds)
        for number, row in enumerate(self.source.rows(broken="yield")):
            if number not in left_out:
                yield dict(row)

    def _rows(self, source: RowSource) -> Iterator[dict[str, Any]]:
        for row in source.rows(broken="yield"):
            if self.reference is None or isinstance(row, BrokenRow):
                yield row
            else:
                yield {**row, "ground_truth": named_value(row, self.reference)}

    def _doubtful(self) -> set[str]:
        """The prompts that come more than once."""
        seen: set[str] = set()
        again: set[str] = set()
        for row in self.source.rows(broken="yield"):
            prompt = None if isinstance(row, BrokenRow) else self.prompt.digest(row)
            if prompt is not None:
                (again if prompt in seen else seen).add(prompt)
        return again

    def _held_out(self) -> _HeldOut:
        return _HeldOut(self.source, self.tests)

    def _compared(self, first: dict[Any, tuple[int, Any]], prompt: Any, number: int, read: Any) -> Iterator[Finding]:
        before, reference = first.setdefault(prompt, (number, read))
        if before == number:
            return
        if reference == read:
            yield Finding(number, REPEATED, f"row {before:,} has the same prompt and gold answer")
        elif not self._agree(reference, read):
            detail = "another gold answer of the same prompt stands in row {:,}"
            yield Finding(number, CONTRADICTION, detail.format(before))
            yield Finding(before, CONTRADICTION, detail.format(number))

    def _agree(self, one: Any, other: Any) -> bool:
        """Whether one of two references accepts the other as an answer."""
        for mine, theirs in ((one, other), (other, one)):
            own = own_answer(self.reward, mine)
            there = own_answer(self.reward, theirs)
            if own is None or there is None:
                return False
            if there.earned(self.reward([own.completion], [there.reference])[0]):
                return True
        return False

    def _own_answers(self, readable: Sequence[tuple[int, dict[str, Any], Any]], found: Audit) -> Iterator[Finding]:
        own: list[tuple[int, OwnAnswer]] = []
        for number, _, reference in readable:
            answer = own_answer(self.reward, reference)
            if answer is not None:
                own.append((number, answer))
        if not own:
            return
        scores = self.reward([one.completion for _, one in own], [one.reference for _, one in own])
        found.judged += len(own)
        for (number, one), score in zip(own, scores, strict=True):
            if not one.earned(score):
                name = one.part or "value"
                value = score.parts[one.part] if one.part else score.value
                note = f", {score.note}" if score.note else ""
                shown = one.completion if len(one.completion) <= 80 else f"…{one.completion[-80:]}"
                yield Finding(number, OWN_ANSWER, f"{name} {value:g} of {one.full:g} ({score.status}{note}): {shown!r}")


class _HeldOut:
    """The prompts of test files, by the columns that both files have."""

    def __init__(self, source: RowSource, tests: Sequence[RowSource]) -> None:
        self._known: list[tuple[Identity, dict[str, tuple[str, int]]]] = []
        here = set(source.columns())
        for test in tests:
            both = [name for name in test.columns() if name in here]
            who = _prompts(both)
            if not who.asked and not who.images:
                raise UnusableFile(test.name, f"no column of the prompt is in {source.name} too")
            prompts: dict[str, tuple[str, int]] = {}
            for number, row in enumerate(test.rows(broken="yield")):
                prompt = None if isinstance(row, BrokenRow) else who.digest(_evened(row, who))
                if prompt is not None:
                    prompts.setdefault(prompt, (test.name, number))
            self._known.append((who, prompts))

    def find(self, row: Mapping[str, Any], number: int) -> Iterator[Finding]:
        for who, prompts in self._known:
            prompt = who.digest(_evened(row, who))
            if prompt in prompts:
                name, where = prompts[prompt]
                yield Finding(number, IN_TEST, f"{name}, row {where:,}")


def _evened(row: Mapping[str, Any], who: Identity) -> dict[str, Any]:
    """The prompt of a row without regard to case and white space, by which a copy of it may differ."""

    def even(value: Any) -> Any:
        if isinstance(value, str):
            return " ".join(value.casefold().split())
        if isinstance(value, Mapping):
            return {key: even(item) for key, item in value.items()}
        return [even(item) for item in value] if isinstance(value, (list, tuple)) else value

    return {name: even(row.get(name)) for name in (*who.asked, *who.images)}


def _prompts(columns: Sequence[str]) -> Identity:
    """What makes up a prompt, without its reference."""
    return Identity(
        asked=tuple(prompt_columns(columns)),
        images=tuple(name for name in IMAGE_COLUMNS if name in columns),
    )


def _answer(row: Mapping[str, Any], read: Any) -> str | None:
    """The gold answer as it is written in the row, where it is short text or a number."""
    try:
        value = Row(row).answer("answer", "solution", "reference", "gold", "gold_answer", "final_answer")
    except ValueError:
        value = None if isinstance(read, Judgement) else getattr(read, "answer", None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None
