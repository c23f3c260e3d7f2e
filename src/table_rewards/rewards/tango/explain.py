"""The work behind RL Tango's rewards: the outcome, the form and the verdicts, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from table_rewards.core.explanation.data import RIGHT, TOLD, VALUE, WRONG, Section, Step

SHOWN = 400


def generator_section(outcome: float, verified: float, form: float, w: float, f: float, final: bool | None) -> Section:
    """How outcome, verdict and form come together."""
    steps = (
        Step(RIGHT if outcome else WRONG, "outcome", f"{w:g} x {outcome:g}", w * outcome),
        Step(
            TOLD,
            "verified",
            f"{1 - w:g} x {verified:g}" + ("" if final is not None else ": no final verdict, so the outcome again"),
            (1 - w) * verified,
        ),
        Step(TOLD, "format", f"{f:g} x {form:.6g}", f * form),
    )
    total = sum(step.cost or 0.0 for step in steps)
    gives = {VALUE: total, "correct": outcome, "verified": verified, "format": form}
    return Section("Value", steps, total=total, unit="value", gives=gives)


def steps_section(texts: Sequence[str], verdicts: Sequence[bool | None], title: str = "Steps") -> Section:
    """The steps of a solution with what a verifier says of them; no verdicts where it did not speak of as many."""
    known = list(verdicts) if len(verdicts) == len(texts) else [None] * len(texts)
    steps = [
        Step(
            TOLD if verdict is None else RIGHT if verdict else WRONG,
            f"step {number}",
            (f"{_word(verdict)}: " if len(verdicts) == len(texts) else "") + _cut(text),
        )
        for number, (text, verdict) in enumerate(zip(texts, known, strict=True), 1)
    ]
    closing = ""
    if verdicts and len(verdicts) != len(texts):
        closing = f"the verifier speaks of {len(verdicts)} steps, the solution has {len(texts)}: no step is rewarded"
    return Section(title, tuple(steps), closing=closing)


def verifier_section(
    final: bool | None, problem: str, label: bool, verdicts: Sequence[bool | None], form: float, weight: float,
    steps: int | None,
) -> Section:  # fmt: skip
    """The verdicts, whether the final one is right, and the mark of the form."""
    told = [Step(TOLD, f"step {number}", _word(verdict)) for number, verdict in enumerate(verdicts, 1)]
    told.append(Step(TOLD, "the solution is", _word(label)))
    if final is None:
        told.append(Step(WRONG, "final verdict", f"none: {problem}"))
        return Section("Verdicts", tuple(told), gives={VALUE: 0.0, "parsed": 0.0})
    correct = float(final == label)
    told += [
        Step(RIGHT if correct else WRONG, "final verdict", _word(final), correct),
        Step(
            TOLD,
            "format",
            f"{weight:g} x {form:.6g}" + ("" if steps is None else f"; the solution has {steps} steps"),
            weight * form,
        ),
    ]
    value = correct + weight * form
    gives = {VALUE: value, "correct": correct, "format": form}
    return Section("Verdicts", tuple(told), total=value, unit="value", gives=gives)


def mixed_section(share: float, final: float, final_weight: float) -> Section:
    """A step verifier's share of right steps mixed with its verdict on the whole."""
    told = (
        Step(TOLD, "steps", f"{1 - final_weight:g} x {share:.6g}", (1 - final_weight) * share),
        Step(TOLD, "final", f"{final_weight:g} x {final:.6g}", final_weight * final),
    )
    total = final_weight * final + (1 - final_weight) * share
    return Section("Value", told, total=total, unit="value", gives={VALUE: total, "steps": share, "final": final})


def _word(verdict: bool | None) -> str:
    return "no verdict" if verdict is None else "CORRECT" if verdict else "INCORRECT"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
