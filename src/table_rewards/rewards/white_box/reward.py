"""The white-box reward (ExecVerify): does the model know what a program does, step by step?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.sandboxed import SandboxedReward
from table_rewards.rewards.white_box import released
from table_rewards.rewards.white_box.answers import answer_lines, right_path, right_state
from table_rewards.rewards.white_box.calls import (
    Arguments,
    arguments_of,
    last_call,
    parameters_of,
    read_assertion,
    same_arguments,
)
from table_rewards.rewards.white_box.input_expressions import is_plain
from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.rewards.white_box.tokens import MAX_ANSWER, NotThatForm, first_statement, literal
from table_rewards.sandbox import Job, Limits, Outcome, Value, values
from table_rewards.sandbox.shared import BACKENDS
from table_rewards.text.blocks import last_tagged

__all__ = ["WhiteBox", "WhiteBoxReference"]


class WhiteBox(SandboxedReward[WhiteBoxReference, "_Case"]):
    """Share of the right answers about a program: its output, its next statements, the states of its variables.

    ``io_mixed``: the ``<answer>`` holds ``assert f(args) == value``, then one line for each next-statement question,
    then one ``value; type`` line for each state question. The assertion is read, never run: it must call the given
    function with the given arguments (equal by value) and compare with a literal, which must equal the call's result::

        value = io * ((1 - alpha) + alpha * right / questions)        without questions: io

    ``oi``: the ``<answer>`` holds a call with an input of the model's choice. The *given* function is run on it in the
    sandbox, and what it returns is compared with the given result; nothing else that the model wrote is run.

    Values are compared as values: floats, ``nan``, ``inf``, sets, nested containers, ``None``; strings in states with
    or without quotes. In states ``1`` is not ``True``, and types count by name.

    Source: ExecVerify, arXiv 2603.11226. ``profile="released"`` reproduces the released formula, in [0, 2], with its
    holes (E2 to E5 in docs/profiles.md); do not train with it.

    Args:
        alpha: weight of the questions, in [0, 1].
        gate_on_io: a wrong output makes the whole value 0; else it is ``(1 - alpha) * io + alpha * right / questions``.
        cpu_s: CPU seconds for a call of the given function.
        sandbox: the backend that runs it, ``local`` or ``sandbox_fusion``.
        profile: ``corrected`` or ``released``.

    The value is in [0, 1]. Parts: ``io``, ``path`` and ``state`` (shares of the right answers, 1 where nothing was
    asked) and ``score``, the value. A completion without ``<answer>...</answer>`` scores 0 and is *unparsed*.

    >>> reward = WhiteBox()
    >>> row = {"func_str": "def f(a):\\n    b = a + 1\\n    return b", "func_args": "1", "result": "2",
    ...        "question_answers": {"path_answers": [["return b"]], "state_as": [[["int", "2"]]]}}
    >>> honest = "<answer>\\nassert f(1) == 2\\nreturn b\\n3; int\\n</answer>"
    >>> hack = "<answer>\\nassert True # 1\\nreturn b\\n2; int\\n</answer>"
    >>> scores = reward([honest, hack], [row, row])
    >>> scores.values.tolist(), scores.parts["state"].tolist(), scores.notes[1]
    ([0.75, 0.0], [0.0, 1.0], "the assertion is not one comparison by '=='")
    """

    name: ClassVar[str] = "white_box"
    reference_type: ClassVar[type[Any]] = WhiteBoxReference
    parts = ("io", "path", "state", "score")
    headline = ("io", "path")

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        gate_on_io: bool = True,
        cpu_s: float = 0.5,
        sandbox: str = "local",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
            raise ConfigurationError(f"alpha is the weight of the questions in [0, 1], not {alpha!r}")
        if not isinstance(gate_on_io, bool):
            raise ConfigurationError(f"gate_on_io must be True or False, not {gate_on_io!r}")
        if profile == "released" and not gate_on_io:
            raise ConfigurationError("the released formula is always gated on the output; leave gate_on_io out")
        self.alpha, self.gate_on_io = float(alpha), gate_on_io
        self.limits = Limits(cpu_s=cpu_s)
        self.sandbox = one_of("sandbox", sandbox, BACKENDS)

    def options(self) -> dict[str, object]:
        return {"alpha": self.alpha, "gate": self.gate_on_io, "cpu": self.limits.cpu_s, **super().options()}

    def reference(self, row: Mapping[str, Any]) -> WhiteBoxReference:
        return WhiteBoxReference.from_row(row)

    def natural(self, value: Any) -> WhiteBoxReference:
        if isinstance(value, (list, tuple)) and len(value) in (2, 3) and all(isinstance(part, str) for part in value):
            return WhiteBoxReference.from_row(dict(zip(("func_str", "func_args", "result"), value, strict=False)))
        raise BadReference("a white-box reference is a row, or (function source, arguments[, result]) as three texts")

    # -- judging ------------------------------------------------------------------------------------------------------

    def conclude(self, case: _Case, outcome: Outcome | None) -> Judgement:
        if case.unparsed:
            return Judgement(0.0, (0.0,) * 4, UNPARSED, case.note)
        if outcome is not None and outcome.is_ours:
            return self.unscored(f"the sandbox failed: {outcome.note}")
        if self.profile == "released":
            return released.judgement(case.completion, case.reference, self.alpha, outcome)
        io, note = case.io, case.note
        if outcome is not None:
            value = outcome.values[0] if outcome.values else None
            if case.expected is None or value is None or not value.ok:
                why = (value.error if value is not None else "") or outcome.note or outcome.status
                if case.reference.type == "io_mixed":
                    return self.unscored(f"the reference's own call has no plain value: {why}")
                note = f"the call with this input has no value: {why}"
            else:
                io = values.same(value, case.expected, nan_is_nan=True)
                note = "" if io else _wrong(case.reference, value)
        return self._formula(case, io, note)

    def _formula(self, case: _Case, io: bool, note: str) -> Judgement:
        asked = case.reference.questions
        accuracy = (case.path + case.state) / asked if asked else float(io)
        value = (1 - self.alpha) * io + self.alpha * accuracy
        if self.gate_on_io and not io:
            value = 0.0
        path = case.path / len(case.reference.path) if case.reference.path else 1.0
        state = case.state / len(case.reference.state) if case.reference.state else 1.0
        return Judgement(value, (float(io), path, state, value), SCORED, note)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, completion: str, reference: WhiteBoxReference) -> _Case:
        answer = last_tagged(completion, "answer")
        case = _Case(completion, reference)
        if self.profile == "released":
            case.job = released.job(completion, reference, self.limits)
            return case
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

    def _read_input(self, case: _Case, answer: str) -> None:
        reference = case.reference
        case.expected = literal(reference.result)
        parameters = parameters_of(reference.code, reference.function)
        found = last_call(_unfenced(answer), reference.function, parameters)
        call = _written(found, parameters, reference.code)
        case.job = Job.exprs(reference.code, [f"{reference.function}({call})"], limits=self.limits)

    def _read_answers(self, case: _Case, answer: str) -> None:
        reference = case.reference
        answer = _unfenced(answer)
        try:
            statement, rest = first_statement(answer)
        except NotThatForm:
            statement, rest = [], answer.lstrip().partition("\n")[2]
        self._read_lines(case, rest)
        parameters = parameters_of(reference.code, reference.function)
        assertion = read_assertion(statement, reference.function, parameters)
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

    def _read_lines(self, case: _Case, rest: str) -> None:
        reference = case.reference
        lines = answer_lines(rest)
        behind = len(reference.path)
        case.path = sum(right_path(*pair) for pair in zip(lines, reference.path, strict=False))
        case.state = sum(right_state(*pair) for pair in zip(lines[behind:], reference.state, strict=False))
        if len(lines) != reference.questions:
            case.note = f"{len(lines)} answers to {reference.questions} questions"


@dataclass(slots=True, eq=False)
class _Case:
    """One sample between reading and judging; ``job`` where something must be run for it."""

    completion: str
    reference: WhiteBoxReference
    io: bool = False
    path: int = 0
    state: int = 0
    note: str = ""
    unparsed: bool = False
    expected: Value | None = None
    job: Job | None = None


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
