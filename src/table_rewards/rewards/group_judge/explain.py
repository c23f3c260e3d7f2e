"""The work behind the group judge: the candidates that were seen together, and what the judge gave each."""

from __future__ import annotations

from table_rewards.core.explanation.data import DECIDED, TOLD, VALUE, WRONG, Section, Step
from table_rewards.core.scores import SCORED, Judgement
from table_rewards.rewards.group_judge.panel import Panel

SHOWN = 300


def candidates_section(panel: Panel | None, own: str, judged: Judgement, scale: float) -> Section:
    """Every candidate with its score, best first, this completion's marked."""
    if panel is None or not panel.scores:
        return Section("Candidates", (Step(WRONG, "this completion", judged.note),))
    means = panel.means
    steps = [
        Step(
            DECIDED if text == own else TOLD,
            "this completion" if text == own else "another candidate",
            f"{means[text]:.4g} points: {_cut(text)}",
        )
        for text in sorted(means, key=lambda text: -means[text])
    ]
    score, overlong = means[own], judged.parts[2]
    value = scale * score - overlong
    closing = f"{scale:g} x {score:.6g} points - {overlong:.6g} for length = {value:.6g}"
    gives = {VALUE: value, "judge_score": score} if judged.status == SCORED else {}
    return Section(f"{len(means)} candidates, judged together", tuple(steps), closing=closing, gives=gives)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
