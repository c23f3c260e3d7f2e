"""The white-box reward as it was released, for comparison with published runs only: it can be gamed.

Constants, formats and formula are those of the released code (E2 to E5 in docs/profiles.md); it runs in our sandbox,
and what it evaluated with ``eval`` is read as a literal here.
"""

from __future__ import annotations

import re
from typing import Any

from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.sandbox import Job, Limits, Outcome, values

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_PROGRAM = re.compile(r"```python\n(.*?)\n```", re.DOTALL)
FULL = 2.0


def job(completion: str, reference: WhiteBoxReference, limits: Limits) -> Job | None:
    """What the released code runs: the function and the first line of the answer, or the program in the answer."""
    body = _body(completion)
    if body is None:
        return None
    if reference.type == "oi":
        program = _PROGRAM.search(body)
        return Job.script(program[1], limits=limits) if program else None
    first = body.strip().split("\n")[0].strip()
    if not first.startswith("assert") or reference.arguments not in first:
        return None
    return Job.script(f"{reference.code}\n{first}", limits=limits)


def judgement(completion: str, reference: WhiteBoxReference, alpha: float, outcome: Outcome | None) -> Judgement:
    """``2 * ((1 - alpha) + alpha * right / questions)`` when what was run exits with 0, else 0."""
    if _body(completion) is None:
        return Judgement(0.0, (0.0,) * 4, UNPARSED, "no <answer>...</answer>")
    if outcome is None or not outcome.ok:
        note = "nothing to run" if outcome is None else f"the run ended as {outcome.status}"
        return Judgement(0.0, (0.0,) * 4, SCORED, note)
    lines = (_body(completion) or "").strip().split("\n")[1:]
    path, state = len(reference.path), len(reference.state)
    if reference.type == "oi" or not path + state:
        return Judgement(FULL, (1.0, 1.0, 1.0, FULL))
    if len(lines) != path + state:
        value = FULL / 2
        return Judgement(value, (1.0, 0.0, 0.0, value), SCORED, f"{len(lines)} lines for {path + state} questions")
    paths = sum(line.strip() in gold for line, gold in zip(lines, reference.path, strict=False))
    states = sum(
        any(_same(line, *one) for one in gold) for line, gold in zip(lines[path:], reference.state, strict=True)
    )
    value = FULL * ((1 - alpha) + alpha * (paths + states) / (path + state))
    return Judgement(value, (1.0, paths / path if path else 1.0, states / state if state else 1.0, value))


def _body(completion: str) -> str | None:
    found = _ANSWER.search(completion)
    return found[1] if found else None


def _same(line: str, kind: str, gold: str) -> bool:
    parts = [part.strip() for part in line.split(";")]
    return len(parts) == 2 and parts[1] == kind and bool(values.same(_value(gold), _value(parts[0])))


def _value(text: str) -> Any:
    try:
        return values.from_literal(text)
    except ValueError:
        return values.from_python(text)
