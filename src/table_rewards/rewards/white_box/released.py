"""ExecVerify's white-box reward as it was released, for comparison with published runs only: it can be gamed.

Formats, constants and formula are those of ``white_box.compute_score`` (E2 to E5 in docs/profiles.md). What it
runs, runs in our sandbox; what it evaluates with ``eval`` is read as a literal.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row, as_mapping
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.white_box.reference import State, WhiteBoxReference
from table_rewards.sandbox import Job, Limits, Outcome, values
from table_rewards.text.literal_eval import literal_eval, names_in

FULL: Final = 2.0
LONGEST_COMMAND: Final = 131_071
"""Bytes of program that Linux takes as one argument of a command; the released code passes programs as such."""
_PROGRAM: Final = re.compile(r"```python\n(.*?)\n```", re.DOTALL)
_BYTEARRAY: Final = re.compile(r"bytearray\((b(?:'[^']*'|\"[^\"]*\"))\)")
_BUILTINS: Final = frozenset(dir(builtins))
_NOTHING: Final = object()
"""What a gold text evaluates to that no literal equals: ``range(3)``, ``slice(1)``."""


@dataclass(frozen=True, slots=True)
class ReleasedReference(WhiteBoxReference):
    """A row with its texts as they are; ``asked`` is False where ``question_answers`` is an empty mapping (E4)."""

    asked: bool = True

    def __post_init__(self) -> None:
        """Nothing is checked: the released code takes what there is."""


@dataclass(slots=True, eq=False)
class ReleasedCase:
    """One sample between reading and judging."""

    answer: str
    reference: WhiteBoxReference
    job: Job | None


class ReleasedJudging:
    """How ExecVerify's released code reads and judges; the verbs are those of the corrected judging."""

    def __init__(self, alpha: float, limits: Limits) -> None:
        self.alpha, self.limits = alpha, limits

    def reference(self, raw: Mapping[str, Any]) -> WhiteBoxReference:
        """Read a row of ExecVerify's own columns.

        Raises:
            BadReference: a column that the released code needs is missing, or of another type.
        """
        row = Row(raw)
        answers = as_mapping(row.find("question_answers", default={} if row.find("type", default="") == "oi" else None))
        if answers is None:
            raise BadReference("no question_answers in the row: the released code stops on it")
        read = ReleasedReference.from_row(raw)
        return ReleasedReference(
            read.code,
            read.function,
            arguments=row.find("func_args", "input", default=""),
            type=read.type,
            path=read.path,
            state=read.state,
            asked=bool(answers),
        )

    def read(self, completion: str, reference: WhiteBoxReference) -> ReleasedCase:
        answer = _answer(completion)
        code = None
        if reference.type == "oi":
            program = _PROGRAM.search(answer)
            code = program[1] if program else None
        elif answer:
            first = answer.split("\n")[0].strip()
            if first.startswith("assert") and reference.arguments in first:
                code = f"\n{reference.code}\n\n{first}\n"
        if code is not None and ("\0" in code or len(code.encode("utf-8", "surrogatepass")) > LONGEST_COMMAND):
            code = None
        job = (
            None if code is None else Job.script(code + "\n", limits=self.limits)
        )  # the line end that `python -c` adds
        return ReleasedCase(answer, reference, job)

    def conclude(self, case: ReleasedCase, outcome: Outcome | None) -> Judgement:
        """``2 * ((1 - alpha) + alpha * right / questions)`` when what was run exits with 0, else 0."""
        if not case.answer:
            return Judgement(0.0, (0.0,) * 4, UNPARSED, "no <answer>...</answer>")
        if outcome is None or not outcome.ok:
            note = "nothing to run" if outcome is None else f"the run ended as {outcome.status}"
            return Judgement(0.0, (0.0,) * 4, SCORED, note)
        reference = case.reference
        path, state = len(reference.path), len(reference.state)
        if reference.type == "oi" or not getattr(reference, "asked", True):
            return Judgement(FULL, (1.0, 1.0, 1.0, FULL))
        lines = case.answer.split("\n")[1:]
        if len(lines) != path + state or not lines:
            note = f"{len(lines)} lines for {path + state} questions"
            return Judgement(FULL / 2, (1.0, 0.0, 0.0, FULL / 2), SCORED, note)
        paths = sum(_right_path(line, gold) for line, gold in zip(lines, reference.path, strict=False))
        states = sum(_right_state(line, gold) for line, gold in zip(lines[path:], reference.state, strict=True))
        value = FULL * ((1.0 - self.alpha) + self.alpha * ((paths + states) / (path + state)))
        return Judgement(value, (1.0, paths / path if path else 1.0, states / state if state else 1.0, value))


def _answer(completion: str) -> str:
    """What stands behind the last opening tag, up to a closing one if that comes later; both must be somewhere."""
    if "<answer>" not in completion or "</answer>" not in completion:
        return ""
    return completion.rpartition("<answer>")[2].partition("</answer>")[0].strip()


def _right_path(line: str, accepted: Sequence[str]) -> bool:
    return any(line.strip() == gold.strip() for gold in accepted)


def _right_state(line: str, accepted: Sequence[State]) -> bool:
    """``value; type`` by its first two parts; the first gold value that cannot be evaluated ends the search (E5)."""
    parts = line.split(";")
    if len(parts) < 2:
        return False
    said = _literal_or_text(parts[0].strip())
    kind = parts[1].strip()
    for gold in accepted:
        try:
            value = gold.value if gold.type.strip() == "str" else _evaluated(gold.value)
        except ValueError:
            return False
        if kind == gold.type.strip() and _equal(said, value):
            return True
    return False


def _literal_or_text(text: str) -> Any:
    try:
        return literal_eval(text)
    except ValueError:
        return text


def _evaluated(text: str) -> Any:
    """What ``eval`` would give, as far as an answer can equal it; ``ValueError`` where it would raise.

    Names other than built-in ones are unknown to it: ``nan``, ``inf``, ``Counter({...})`` equal nothing.
    """
    text = text.lstrip(" \t")
    try:
        return literal_eval(text)
    except ValueError:
        pass
    names = names_in(text)
    if not names <= _BUILTINS:
        raise ValueError("a name that is not built in")
    try:
        return values.from_literal(_BYTEARRAY.sub(r"\1", text)).python() if names else _NOTHING
    except ValueError:
        return _NOTHING


def _equal(said: Any, value: Any) -> bool:
    try:
        return bool(said == value)
    except RecursionError:
        return False
