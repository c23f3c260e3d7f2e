"""ExecVerify's training data: (function, call) samples to traces to questions to rows for verl, and for LLaMA-Factory.

A sample is a row with ``code`` and ``input`` (CRUXEval, as it is) or ``func_str`` and ``func_args``; ``output`` or
``result``, when it is there, must be what the call returns. A sample is kept when the call ends within the limits, in
the sandbox, the ``repr`` of what it returns is a literal that reads back as the same value, and runs under other string
hash seeds go the same way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Final

from table_rewards.core.errors import BadReference, ConfigurationError, ScorerFailed, one_of
from table_rewards.core.options import fraction, not_negative, whole
from table_rewards.core.rows import Row
from table_rewards.core.scores import UNSCORED
from table_rewards.datasets.exec_verify import prompts
from table_rewards.datasets.exec_verify.hash_seeds import unstable
from table_rewards.datasets.exec_verify.questions import (
    MOST,
    TRIVIAL_SHARE,
    PathQuestion,
    Questions,
    StateQuestion,
    ask,
    in_words,
)
from table_rewards.datasets.exec_verify.scripts import read_script
from table_rewards.datasets.exec_verify.templates import Template
from table_rewards.datasets.exec_verify.tracing import BATCH, TRACED, Sample, Trace, trace_calls
from table_rewards.datasets.exec_verify.trivial import TRIVIAL, solved_trivially
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.rewards.white_box import WhiteBox
from table_rewards.rewards.white_box.calls import only_function
from table_rewards.rewards.white_box.reference import TYPES, State, WhiteBoxReference
from table_rewards.sandbox import Limits, Sandbox, values

DATA_SOURCE: Final = "exec_verify"
MAX_OI_RESULT: Final = 150
NOT_RIGHT: Final = "its own right answer does not earn full marks (an input that is no plain data)"
UNSTABLE: Final = "another run goes another way (the order of a set of strings, hash, random, time, id)"


@dataclass(frozen=True, slots=True)
class Settings:
    """How rows are made.

    Args:
        types: kinds of rows.
        questions: of each kind at most.
        seed: of the choice of questions.
        limits: of a call.
        split: what ``extra_info.split`` says.
        keep_trivial: keep ``oi`` rows that an input solves which needs no look at the function.
        unreached: lines that are never executed to ask about besides.
        trivial_share: most of the questions of a kind that take no effort.
        templates: prompts of the user's own, by kind of row.
        system: the system message; empty for none.
    """

    types: tuple[str, ...] = TYPES
    questions: int = MOST
    seed: int = 0
    limits: Limits = TRACED
    split: str = "train"
    keep_trivial: bool = True
    unreached: int = 0
    trivial_share: float = TRIVIAL_SHARE
    templates: Mapping[str, Template] = field(default_factory=dict)
    system: str = ""

    def __post_init__(self) -> None:
        if not self.types:
            raise ConfigurationError(f"types is empty; choose from {', '.join(TYPES)}")
        for kind in self.types:
            one_of("row type", kind, TYPES)
        if not 0 <= self.questions <= 100:
            raise ConfigurationError(f"questions is a number of questions of each kind, 0 to 100, not {self.questions}")
        not_negative("unreached", whole("unreached", self.unreached))
        fraction("trivial_share", self.trivial_share)


@dataclass(slots=True)
class Report:
    """How many samples were read, how many rows were made of them, and why samples were left out."""

    read: int = 0
    kept: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what another report says, as plain data."""
        self.kept += other["kept"]
        for name in ("rows", "questions", "left_out"):
            getattr(self, name).update(other[name])

    def __str__(self) -> str:
        lines = [f"{self.kept:,} of {self.read:,} samples kept"]
        lines += [f"  {count:>8,} {kind} rows" for kind, count in sorted(self.rows.items())]
        lines += [f"  {count:>8,} {kind} questions" for kind, count in sorted(self.questions.items())]
        if self.left_out:
            lines.append("left out:")
            lines += [f"  {count:>8,} {reason}" for reason, count in self.left_out.most_common()]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Call:
    """A sample, read: the function, its name, the arguments' source, and the result that the row states, if any."""

    code: str
    function: str
    arguments: str
    stated: str = ""
    name: str = ""

    @classmethod
    def of(cls, raw: Mapping[str, Any], number: int) -> Call:
        """Read a sample.

        >>> Call.of({"code": "def f(a):\\n    return a", "call": "f([1])"}, 0).arguments
        '[1]'

        Raises:
            BadReference: a key is missing, or there is no function.
        """
        row = Row(raw)
        code = row.find("func_str", "code")
        if not isinstance(code, str):
            raise BadReference("code must be source text")
        function = str(row.find("func_name", "entry_point", default="") or only_function(code))
        arguments = row.find("func_args", "input", default=None)
        if arguments is None and row.find("call", default=None) is None:  # a script with a print of the call
            script = read_script(code)
            code, function, arguments = script.code, script.function, script.arguments
        elif arguments is None:
            call = str(row.find("call")).strip()
            if not (call.startswith(f"{function}(") and call.endswith(")")):
                raise BadReference(f"call must read {function}(...)")
            arguments = call[len(function) + 1 : -1]
        stated = row.find("result", "output", default="")
        reference = WhiteBoxReference(code, function, str(arguments).strip())
        name = str(row.find("id", "task_id", default=number))
        return cls(code, reference.function, reference.arguments, str(stated).strip(), name)


def prepare(
    samples: Iterable[Mapping[str, Any]],
    settings: Settings,
    report: Report,
    sandbox: Sandbox | None = None,
    log: BatchLog | None = None,
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (verl row, solution): the row's prompt and reference, and a right completion written from the trace.

    The same samples and settings make the same rows. ``report`` is filled in on the way; batches that ``log`` has are
    not traced again.

    Raises:
        ScorerFailed: the sandbox failed on a sample; data are made whole or not at all.
    """
    batch: list[Call] = []
    for number, raw in enumerate(samples):
        report.read += 1
        try:
            batch.append(Call.of(raw, number))
        except BadReference as error:
            report.left_out[f"unusable row: {error}"] += 1
        if len(batch) == BATCH:
            yield from _numbered(batch, settings, report, sandbox, log)
            batch = []
    yield from _numbered(batch, settings, report, sandbox, log)


def _numbered(
    calls: Sequence[Call], settings: Settings, report: Report, sandbox: Sandbox | None, log: BatchLog | None
) -> Iterator[tuple[dict[str, Any], str]]:
    def work() -> dict[str, Any]:
        its = Report()
        pairs = list(_rows(calls, settings, its, sandbox))
        counted = {name: dict(getattr(its, name)) for name in ("rows", "questions", "left_out")}
        return {"pairs": pairs, "report": {"kept": its.kept, **counted}}

    if not calls:
        return
    made = work() if log is None else log.done([astuple(call) for call in calls], work)
    before = sum(report.rows.values())
    report.add(made["report"])
    for number, (row, solution) in enumerate(made["pairs"], before):
        row["extra_info"]["index"] = number
        yield row, solution


def _rows(
    calls: Sequence[Call], settings: Settings, report: Report, sandbox: Sandbox | None
) -> Iterator[tuple[dict[str, Any], str]]:
    samples = [Sample(call.code, f"{call.function}({call.arguments})") for call in calls]
    traces = trace_calls(samples, limits=settings.limits, sandbox=sandbox) if samples else []
    shaky = unstable(samples, traces, settings.limits)
    made: list[tuple[tuple[dict[str, Any], str], Questions | None]] = []
    for call, trace, differs in zip(calls, traces, shaky, strict=True):
        problem = _problem(call, trace) or (UNSTABLE if differs else "")
        if problem:
            report.left_out[problem] += 1
            continue
        report.kept += 1
        assert trace.result is not None
        if "io_mixed" in settings.types:
            questions = ask(
                call.code,
                trace,
                f"{settings.seed}\0{call.arguments}",
                settings.questions,
                unreached=settings.unreached,
                trivial_share=settings.trivial_share,
            )
            made.append((_output_row(call, trace, questions, settings), questions))
        if "oi" in settings.types:
            if len(trace.result.value) > MAX_OI_RESULT:
                report.left_out[f"oi: a result of over {MAX_OI_RESULT} characters"] += 1
            else:
                made.append((_input_row(call, trace.result.value, settings), None))
    scores = WhiteBox()([solution for (_, solution), _ in made], [row for (row, _), _ in made])
    trivial = [False] * len(made) if settings.keep_trivial else solved_trivially([row for (row, _), _ in made])
    for (pair, asked), score, guessed in zip(made, scores, trivial, strict=True):
        kind = pair[0]["extra_info"]["type"]
        if score.value != 1.0:
            if score.status == UNSCORED and "sandbox" in score.note:
                raise ScorerFailed(score.note)
            report.left_out[f"{kind}: {NOT_RIGHT}"] += 1
            continue
        if guessed:
            report.left_out[f"{kind}: {TRIVIAL}"] += 1
            continue
        report.rows[kind] += 1
        if asked is not None:
            report.questions["next-statement"] += len(asked.path)
            report.questions["variable-state"] += len(asked.state)
        yield pair


def _problem(call: Call, trace: Trace) -> str:
    """Why the sample is no good, in a few words that group well; empty when it is."""
    if trace.ours:
        raise ScorerFailed(trace.problem)
    if trace.problem:
        return trace.problem.partition(":")[0] if "Error" in trace.problem.partition(":")[0] else trace.problem
    assert trace.result is not None
    try:
        result = values.from_literal(trace.result.value)
    except ValueError:
        return "the result's repr does not read back"
    if call.stated:
        try:
            if not values.same(values.from_literal(call.stated), result, nan_is_nan=True):
                return "the call returns another value than the row states"
        except ValueError:
            return "the stated result is not a literal"
    return "" if trace.visits else "no statement of the program was traced"


def _output_row(call: Call, trace: Trace, questions: Questions, settings: Settings) -> tuple[dict[str, Any], str]:
    assert trace.result is not None
    result = trace.result.value
    answers = {
        "path_answers": [[question.answer] for question in questions.path],
        "state_as": [[_as_published(question.answer)] for question in questions.state],
    }
    template = settings.templates.get("io_mixed")
    asked = {
        kind: [_question(question, call, template, settings) for question in group]
        for kind, group in (("path_questions", questions.path), ("state_questions", questions.state))
    }
    if template is None:
        prompt = prompts.output_prompt(
            call.code, call.function, call.arguments, questions, may_be_unreached=bool(settings.unreached)
        )
    else:
        every = [*asked["path_questions"], *asked["state_questions"]]
        prompt = template.fill(code=call.code, function=call.function, arguments=call.arguments, questions=every)
    reasoning = prompts.walked_through(call.code, call.function, call.arguments, result, trace, questions)
    answer = prompts.output_answer(call.function, call.arguments, result, questions)
    return _row(call, "io_mixed", prompt, result, answers, asked, settings), f"{reasoning}\n{answer}"


def _question(question: PathQuestion | StateQuestion, call: Call, template: Template | None, settings: Settings) -> str:
    """In the template's words where it has some, else in ours."""
    state = isinstance(question, StateQuestion)
    own = template and template.words(
        "state" if state else "path",
        line=str(question.line),
        statement=call.code.split("\n")[question.line - 1],
        visit=str(question.visit),
        variable=question.variable if isinstance(question, StateQuestion) else "",
        function=call.function,
        arguments=call.arguments,
    )
    return own or in_words(question, call.code, may_be_unreached=bool(settings.unreached))


def _as_published(state: State) -> list[str]:
    """A state as ExecVerify's own files have it: text as it is, everything else as its ``repr``."""
    return [state.type, str(values.from_literal(state.value).python()) if state.type == "str" else state.value]


def _input_row(call: Call, result: str, settings: Settings) -> tuple[dict[str, Any], str]:
    template = settings.templates.get("oi")
    if template is None:
        prompt = prompts.input_prompt(call.code, call.function, result)
    else:
        prompt = template.fill(code=call.code, function=call.function, result=result)
    told = f"With the arguments {call.arguments or 'left out'}, {call.function} returns {result}."
    solution = f"<reasoning>\n{told}\n</reasoning>\n{prompts.input_answer(call.function, call.arguments, result)}"
    return _row(call, "oi", prompt, result, {}, {}, settings), solution


def _row(
    call: Call,
    kind: str,
    prompt: str,
    result: str,
    answers: Mapping[str, Any],
    asked: Mapping[str, Any],
    settings: Settings,
) -> dict[str, Any]:
    """verl's columns. The reference is one JSON text in ``ground_truth``, which no loader rewrites."""
    truth = {
        "type": kind,
        "func_str": call.code,
        "func_name": call.function,
        "func_args": call.arguments if kind == "io_mixed" else "",
        "result": result,
        "question_answers": answers,
    }
    return {
        "data_source": DATA_SOURCE,
        "prompt": [
            *([{"role": "system", "content": settings.system}] if settings.system else []),
            {"role": "user", "content": prompt},
        ],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(truth, ensure_ascii=False)},
        "extra_info": {
            "index": 0,  # known once the rows before it are
            "split": settings.split,
            "sample": call.name,
            "type": kind,
            "questions": json.dumps(asked, ensure_ascii=False),
        },
    }


def self_check(rows: Sequence[tuple[Mapping[str, Any], str]]) -> list[str]:
    """Score every solution with the reward; return the notes of those that do not earn full marks."""
    scores = WhiteBox()([solution for _, solution in rows], [row for row, _ in rows])
    return [f"{score.value:.2f}: {score.note}" for score in scores if score.value != 1.0]


def sharegpt(row: Mapping[str, Any], solution: str) -> dict[str, Any]:
    """A row of LLaMA-Factory's ``sharegpt`` form."""
    asked = row["prompt"]
    question = asked if isinstance(asked, str) else asked[-1]["content"]
    return {"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": solution}]}
