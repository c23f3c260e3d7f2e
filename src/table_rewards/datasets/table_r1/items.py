"""Table-R1's training data (arXiv 2505.12415): questions about tables, with cleaned labels and regions.

Each source row becomes an :class:`Item` for every prompt type wanted, with cleaned labels and a region whose
origin it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from table_rewards.core.errors import BadReference, ConfigurationError, ScorerFailed, one_of
from table_rewards.datasets.files import read_batches
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.datasets.table_r1 import prompts
from table_rewards.datasets.table_r1.labels import LEFTOVER, clean_answer, clean_region
from table_rewards.datasets.table_r1.regions import program_job, region_of_answer, region_of_program
from table_rewards.datasets.table_r1.report import Report
from table_rewards.datasets.table_r1.source import Example, read_example
from table_rewards.datasets.table_r1.table import Region, Table, Unusable, region_of
from table_rewards.rewards.table_bench.programs import ProgramRunner, printed_answer, program_in
from table_rewards.rewards.table_bench.region import TAG
from table_rewards.rewards.table_bench.table_region import INSTRUCTION_TYPES
from table_rewards.sandbox import Outcome
from table_rewards.sandbox.outcomes import Status
from table_rewards.text.blocks import last_tagged
from table_rewards.text.final_answer import final_answer

BATCH: Final = 256
PROMPTS: Final = ("keep", "ours")
WITHOUT_REGION: Final = ("drop", "whole-table")


@dataclass(frozen=True, slots=True)
class Settings:
    """Prompt types (none: a row's own, else all four), whose prompts, what becomes of rows without a region."""

    types: tuple[str, ...] = ()
    prompts: str = "keep"
    without_region: str = "drop"
    data_source: str = "table_area"
    sandbox: str = "local"

    def __post_init__(self) -> None:
        for kind in self.types:
            one_of("instruction type", kind, INSTRUCTION_TYPES)
        one_of("prompts", self.prompts, PROMPTS)
        one_of("without_region", self.without_region, WITHOUT_REGION)
        if not self.data_source:
            raise ConfigurationError("data_source is empty; verl picks rewards by it, such as 'table_area'")


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt with its labels. ``origin`` says how the region came about (a key of ``ORIGINS``)."""

    number: int
    kind: str
    table: Table
    question: str
    answer: str
    region: Region
    origin: str
    qtype: str = ""
    qsubtype: str = ""
    id: str = ""
    given_prompt: str = ""
    response: str = ""
    repeats: bool = False
    """An earlier item has the same prompt and answer, and another response."""

    @property
    def prompt(self) -> str:
        return self.given_prompt or prompts.prompt(self.kind, self.table, self.question)


def prepare(
    rows: Iterable[Mapping[str, Any]], settings: Settings, report: Report, log: BatchLog | None = None
) -> Iterator[Item]:
    """Yield items in the order of the rows; a row that is of no use is counted in ``report``, with the reason.

    Programs of batches that ``log`` has are not run again.

    >>> row = {"table": {"columns": ["name", "goals"], "data": [["Woo", 116], ["Kim", 114]]},
    ...        "question": "How many goals has Woo?", "answer": " 116"}
    >>> report = Report()
    >>> items = list(prepare([row, {"question": "?"}], Settings(), report))
    >>> [item.kind for item in items], items[0].region.rows, items[0].origin
    (['DP', 'TCoT', 'SCoT', 'PoT'], (0,), 'answer')
    >>> dict(report.left_out), dict(report.mended)
    ({'no table': 1}, {'spaces at the edges of the answer': 1})

    Raises:
        ScorerFailed: the sandbox could not run the rows' programs; data are made whole or not at all.
    """
    seen: set[tuple[bytes, str, str, str, str]] = set()
    prompts_seen: set[tuple[bytes, str, str, str]] = set()
    answers: dict[tuple[bytes, str], str] = {}
    runner = ProgramRunner(settings.sandbox)
    for batch in read_batches(enumerate(rows), BATCH):
        examples = []
        for number, row in batch:
            report.read += 1
            try:
                examples.append(read_example(row, number, keep_prompt=settings.prompts == "keep"))
            except (Unusable, BadReference) as error:
                report.leave_out(_words(error), number)
        for example, outcome in zip(examples, _run(examples, runner, log), strict=True):
            try:
                items = _items(example, outcome, settings, report)
            except Unusable as error:
                report.leave_out(str(error), example.number)
                continue
            fresh = [
                replace(item, repeats=_asked(item) in prompts_seen)
                for item in items
                if (*_asked(item), item.response) not in seen
            ]
            if not fresh:
                report.leave_out("a repeat of an earlier row", example.number)
                continue
            first = answers.setdefault((example.table.digest(), example.question), items[0].answer)
            if _bare(first) != _bare(items[0].answer):
                report.leave_out("another answer than an earlier row has to the same question", example.number)
                continue
            seen.update((*_asked(item), item.response) for item in fresh)
            prompts_seen.update(map(_asked, fresh))
            report.kept += 1
            report.origins[items[0].origin] += 1
            yield from fresh


def _run(examples: Sequence[Example], runner: ProgramRunner, log: BatchLog | None) -> list[Outcome | None]:
    jobs = {}
    for place, example in enumerate(examples):
        job = program_job(example.program, example.table, runner) if example.program else None
        if job is not None:
            jobs[place] = job
    if not jobs:
        return [None] * len(examples)

    def work() -> list[tuple[Status, str]]:
        outcomes = list(runner.run(list(jobs.values())))
        for outcome in outcomes:
            if outcome.is_ours:
                raise ScorerFailed(f"a program could not be run: {outcome.note}")
        return [(outcome.status, outcome.stdout) for outcome in outcomes]

    asked = [[examples[place].program, examples[place].table.digest().hex()] for place in jobs]
    ended = dict(zip(jobs, work() if log is None else log.done(asked, work), strict=True))
    return [Outcome(*ended[place]) if place in ended else None for place in range(len(examples))]


def _items(example: Example, outcome: Outcome | None, settings: Settings, report: Report) -> list[Item]:
    mended: list[str] = []
    answer = _answer(example, outcome, mended)
    region, origin = _region(example, answer, outcome, settings, mended, report)
    report.mended.update(mended)
    kinds = settings.types or ((example.kind,) if example.kind else INSTRUCTION_TYPES)
    item = Item(
        example.number,
        "",
        example.table,
        example.question,
        answer,
        region,
        origin,
        example.qtype,
        example.qsubtype,
        example.id,
    )
    return [
        replace(
            item,
            kind=kind,
            given_prompt=example.prompt if kind == example.kind else "",
            response=_response(example, kind),
        )
        for kind in kinds
    ]


def _answer(example: Example, outcome: Outcome | None, mended: list[str]) -> str:
    text = example.answer
    printed = printed_answer(outcome) if outcome is not None else None
    if text is None and example.program:
        if printed is None:
            raise Unusable("no answer, and the program fails or prints none")
        text = printed
    elif text is None:
        text = final_answer(example.response)
        if text is None:
            raise Unusable("no answer")
    try:
        clean, notes = clean_answer(text, example.table)
    except Unusable as error:
        if str(error) != LEFTOVER or printed is None:
            raise
        clean, notes = clean_answer(printed, example.table)
        notes.append("a template's leftover, replaced by what the row's program prints")
    mended += notes
    return clean


def _region(
    example: Example, answer: str, outcome: Outcome | None, settings: Settings, mended: list[str], report: Report
) -> tuple[Region, str]:
    raw, origin = example.region, "given"
    if raw is None and (cited := last_tagged(example.response, TAG)) is not None:
        raw, origin = cited, "response"
    problem = ""
    if raw is not None:
        try:
            region, notes = clean_region(raw, example.table)
        except Unusable as error:
            problem = str(error)
        else:
            mended += notes
            return region, "mended" if notes and origin == "given" else origin
    found: Region | str = "no program, and "
    if outcome is not None:
        found = region_of_program(outcome, example.program, answer, example.table)
        if isinstance(found, Region):
            _replaced(problem, "what the program looks at", mended)
            return found, "program"
    by_answer = region_of_answer(answer, example.question, example.table)
    if isinstance(by_answer, Region):
        _replaced(problem, "the answer's cells", mended)
        return by_answer, "answer"
    report.no_region[by_answer if outcome is None else f"{found}; {by_answer}"] += 1
    if settings.without_region == "drop":
        raise Unusable(f"{problem or 'no region is given'} and none could be derived")
    _replaced(problem, "the whole table", mended)
    columns, rows = range(len(example.table.columns)), range(len(example.table.data))
    return region_of(example.table, columns, rows), "whole table"


def _replaced(problem: str, by: str, mended: list[str]) -> None:
    if problem:
        mended.append(f"{problem}: replaced by {by}")


def _response(example: Example, kind: str) -> str:
    """What there is to learn from for a prompt of this kind."""
    if example.response and (kind == example.kind or (kind == "PoT" and program_in(example.response))):
        return example.response
    return f"```python\n{example.program.strip()}\n```" if kind == "PoT" and example.program else ""


def _bare(answer: str) -> str:
    return " ".join(answer.casefold().replace(",", " ").split()).rstrip(".")


def _asked(item: Item) -> tuple[bytes, str, str, str]:
    return item.table.digest(), item.question, item.kind, item.answer


def _words(error: Exception) -> str:
    """A reason without the row's own values, so that it can be counted."""
    text = str(error)
    return text if isinstance(error, Unusable) else text.partition(";")[0].partition(":")[0]
