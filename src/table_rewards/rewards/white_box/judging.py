"""How the white-box reward reads an answer and judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from table_rewards.core.completion import REASONING_TAGS, answer_of
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.white_box.answers import answer_lines, right_path, right_state, unlisted
from table_rewards.rewards.white_box.calls import (
    Arguments,
    arguments_of,
    last_call,
    parameters_of,
    read_assertion,
    same_arguments,
)
from table_rewards.rewards.white_box.input_expressions import computes, is_plain
from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.rewards.white_box.tokens import MAX_ANSWER, NotThatForm, first_statement, literal, without_marks
from table_rewards.sandbox import Job, Limits, Outcome, Value, values
from table_rewards.text.blocks import last_tagged


@dataclass(slots=True, eq=False)
class Case:
    """One sample between reading and judging; ``job`` where something must be run for it."""

    completion: str
    reference: WhiteBoxReference
    io: bool = False
    path: int = 0
    state: int = 0
    note: str = ""
    unparsed: bool = False
    lines: tuple[str, ...] = ()
    expected: Value | None = None
    job: Job | None = None


class Judging:
    """Reads an answer into a case, with a job where something must be run for it, and judges what came of it.

    Arguments as the options of :class:`~table_rewards.rewards.white_box.WhiteBox`.
    """

    def __init__(self, alpha: float, limits: Limits, gate_on_io: bool = True, *, computed_inputs: bool = True) -> None:
        self.alpha, self.limits, self.gate_on_io = alpha, limits, gate_on_io
        self.computed_inputs = computed_inputs

    def reference(self, row: Mapping[str, Any]) -> WhiteBoxReference:
        return WhiteBoxReference.from_row(row)

    def conclude(self, case: Case, outcome: Outcome | None) -> Judgement:
        if case.unparsed:
            return Judgement(0.0, (0.0,) * 4, UNPARSED, case.note)
        io, note = case.io, case.note
        if outcome is not None:
            value = outcome.values[0] if outcome.values else None
            if case.expected is None or value is None or not value.ok:
                why = (value.error if value is not None else "") or outcome.note or outcome.status
                if case.reference.type == "io_mixed":
                    return Judgement.unscored(f"the reference's own call has no plain value: {why}", 4)
                note = f"the call with this input has no value: {why}"
            else:
                io = values.same(value, case.expected, nan_is_nan=True)
                note = "" if io else _wrong(case.reference, value)
        return self._formula(case, io, note)

    def _formula(self, case: Case, io: bool, note: str) -> Judgement:
        asked = case.reference.questions
        accuracy = (case.path + case.state) / asked if asked else float(io)
        value = (1 - self.alpha) * io + self.alpha * accuracy
        if self.gate_on_io and not io:
            value = 0.0
        path = case.path / len(case.reference.path) if case.reference.path else 1.0
        state = case.state / len(case.reference.state) if case.reference.state else 1.0
        return Judgement(value, (float(io), path, state, value), SCORED, note)

    def read(self, completion: str, reference: WhiteBoxReference) -> Case:
        answer = last_tagged(answer_of(completion, REASONING_TAGS), "answer")
        case = Case(completion, reference)
        if answer is None or not answer.strip():
            case.unparsed, case.note = True, "no <answer>...</answer>" if answer is None else "the answer is empty"
        elif len(answer) > MAX_ANSWER:
            case.unparsed, case.note = True, f"an answer of {len(answer):,} characters"
        else:
            try:
                (self._read_input if reference.type == "oi" else self._read_answers)(case, answer)
            except NotThatForm as error:
                case.note = str(error)
        return case

    def _read_input(self, case: Case, answer: str) -> None:
        reference = case.reference
        case.expected = literal(reference.result)
        parameters = parameters_of(reference.code, reference.function)
        found = last_call(_unfenced(answer), reference.function, parameters)
        if not self.computed_inputs:
            for argument in found.values():
                if argument.value is None and computes(argument.text):
                    raise NotThatForm(f"the input {argument.text[:40]!r} is worked out and not written out")
        call = _written(found, parameters, reference.code)
        case.job = Job.exprs(reference.code, [f"{reference.function}({call})"], limits=self.limits)

    def _read_answers(self, case: Case, answer: str) -> None:
        reference = case.reference
        answer = unlisted(_unfenced(answer))
        try:
            statement, rest = first_statement(answer)
        except NotThatForm:
            statement, rest = [], answer.lstrip().partition("\n")[2]
        self._read_lines(case, rest)
        parameters = parameters_of(reference.code, reference.function)
        assertion = read_assertion(without_marks(statement), reference.function, parameters)
        if not same_arguments(assertion.arguments, arguments_of(reference.arguments, parameters)):
            raise NotThatForm(f"the assertion calls {reference.function} with other arguments")
        case.expected = assertion.claimed
        try:
            result = literal(reference.result) if reference.result else None
        except NotThatForm:
            result = None
        if result is None:
            call = f"{reference.function}({reference.arguments})"
            case.job = Job.exprs(reference.code, [call], limits=self.limits)
            return
        case.io = values.same(result, assertion.claimed, nan_is_nan=True)
        case.note = case.note if case.io else "the output is another"

    def _read_lines(self, case: Case, rest: str) -> None:
        reference = case.reference
        lines = answer_lines(rest)
        case.lines = tuple(lines)
        behind = len(reference.path)
        case.path = sum(right_path(*pair) for pair in zip(lines, reference.path, strict=False))
        case.state = sum(right_state(*pair) for pair in zip(lines[behind:], reference.state, strict=False))
        if len(lines) != reference.questions:
            case.note = f"{len(lines)} answers to {reference.questions} questions"


def _unfenced(answer: str) -> str:
    """The answer without the lines of code fences."""
    if "```" not in answer and "~~~" not in answer:
        return answer
    return "\n".join(line for line in answer.splitlines() if not line.lstrip().startswith(("```", "~~~")))


def _written(arguments: Arguments, parameters: Sequence[str], code: str) -> str:
    """Arguments as source made from their values, so that nothing that the model wrote can touch the function.

    Raises:
        NotThatForm: one of them is neither a literal nor a plain expression.
    """
    parts: list[str] = []
    for name, argument in arguments.items():
        if argument.value is not None:
            text = argument.value.text(8 * MAX_ANSWER)
        elif is_plain(argument.text, code):
            text = argument.text
        else:
            raise NotThatForm(f"the input {argument.text[:40]!r} is not plain data")
        positional = isinstance(name, int) or (len(parts) < len(parameters) and parameters[len(parts)] == name)
        parts.append(text if positional else f"{name}={text}")
    return ", ".join(parts)


def _wrong(reference: WhiteBoxReference, value: Value) -> str:
    if reference.type == "io_mixed":
        return "the output is another"
    return f"{reference.function} returns {value.text(60)} for this input"
