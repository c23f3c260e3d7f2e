"""The work behind the white-box reward: the output, then question by question."""

from __future__ import annotations

from collections.abc import Sequence

from table_rewards.core.explanation.data import RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.core.scores import Judgement
from table_rewards.rewards.white_box.answers import right_path, right_state
from table_rewards.rewards.white_box.reference import WhiteBoxReference


def output_section(reference: WhiteBoxReference, judged: Judgement, ran: str) -> Section:
    """Whether the output, or the input of the model's choice, is right."""
    call = f"{reference.function}({reference.arguments})" if reference.type == "io_mixed" else reference.function
    steps = [Step(TOLD, "function", call), Step(TOLD, "gold result", reference.result or "the call is run")]
    if ran:
        steps.append(Step(TOLD, "run in the sandbox", ran))
    right = judged.parts[0] == 1.0
    steps.append(Step(RIGHT if right else WRONG, "output", judged.note or ("right" if right else "wrong")))
    return Section("Output", tuple(steps), gives={"io": float(right)})


def questions_section(reference: WhiteBoxReference, lines: Sequence[str]) -> Section:
    """The lines below the assertion against what the questions accept."""
    steps = []
    right = [0, 0]
    for number, accepted in enumerate(reference.path):
        line = lines[number] if number < len(lines) else None
        good = line is not None and right_path(line, accepted)
        right[0] += good
        steps.append(_answer(f"next statement {number + 1}", line, " or ".join(accepted), good))
    behind = len(reference.path)
    for number, states in enumerate(reference.state):
        line = lines[behind + number] if behind + number < len(lines) else None
        good = line is not None and right_state(line, states)
        right[1] += good
        wanted = " or ".join(f"{state.value}; {state.type}" for state in states)
        steps.append(_answer(f"state {number + 1}", line, wanted, good))
    extra = len(lines) - reference.questions
    if extra > 0:
        steps.append(Step(TOLD, "further lines", f"{extra}, answers to no question"))
    gives = {
        "path": right[0] / len(reference.path) if reference.path else 1.0,
        "state": right[1] / len(reference.state) if reference.state else 1.0,
    }
    closing = f"{sum(right)} of {reference.questions} questions are answered rightly"
    return Section("Questions", tuple(steps), closing=closing, gives=gives)


def formula_section(reference: WhiteBoxReference, judged: Judgement, alpha: float, gate: bool) -> Section:
    """How output and questions become the value."""
    io, path, state, _ = judged.parts
    asked = reference.questions
    accuracy = (path * len(reference.path) + state * len(reference.state)) / asked if asked else io
    value = 0.0 if gate and not io else (1 - alpha) * io + alpha * accuracy
    closing = f"{1 - alpha:g} x output {io:g} + {alpha:g} x questions {accuracy:.6g} = {value:.6g}"
    if gate and not io:
        closing = "a wrong output makes the whole value 0"
    return Section("Value", closing=closing, gives={VALUE: value})


def _answer(label: str, line: str | None, wanted: str, right: bool) -> Step:
    return Step(RIGHT if right else WRONG, label, "" if line is not None else "no line", None, line, wanted)
