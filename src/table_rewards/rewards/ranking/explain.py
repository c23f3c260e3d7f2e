"""The work behind Ranking and ScalarQuality: pair by pair, and the distance of a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from table_rewards.core.explanation.data import RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.core.scores import UNPARSED, Judgement
from table_rewards.rewards.ranking.agreement import MARGIN_CREDIT
from table_rewards.rewards.ranking.reference import RankingReference

_SIGNS: Mapping[int, str] = {1: ">", 0: "=", -1: "<"}


def pairs_section(
    scores: Sequence[float], reference: RankingReference, *, margins: bool, margin_weight: float, scale: float
) -> Section:
    """Every pair of candidates: how the completion and the reference order it, and what its difference earns."""
    names = reference.candidates
    steps = []
    agreed, credits = 0, []
    points, values = zip(*MARGIN_CREDIT, strict=True)
    count = len(names) * (len(names) - 1) // 2
    for i, j in combinations(range(len(names)), 2):
        here, there = scores[i] - scores[j], reference.scores[i] - reference.scores[j]
        right = _sign(here) == _sign(there)
        agreed += right
        credit = float(np.interp(round(abs(here - there), 9), points, values))
        credits.append(credit)
        detail = ""
        if margins:
            detail = f"difference {here:g}, reference {there:g}: credit {credit:g}"
        said, truth = (f"{names[i]} {_SIGNS[_sign(one)]} {names[j]}" for one in (here, there))
        steps.append(Step(RIGHT if right else WRONG, f"{names[i]} and {names[j]}", detail, None, said, truth))
    ranking, margin = agreed / count, sum(credits) / count
    value = ranking + margin_weight * margin if margins else ranking
    closing = f"{agreed} of {count} pairs in the reference's order: ranking {ranking:.6g}"
    gives = {"ranking": ranking, VALUE: scale * value}
    if margins:
        closing += f"; mean credit {margin:.6g}: margin; value = ranking + {margin_weight:g} x margin = {value:.6g}"
        gives["margin"] = margin
    if scale != 1.0:
        closing += f", times {scale:g}"
    return Section("Pairs", tuple(steps), closing=closing, gives=gives)


def orders_section(completion_scores: str, reference: RankingReference, judged: Judgement) -> Section:
    """What was wanted, where the pairs are not told: an answer that breaks a rule, or the released reading."""
    steps = [Step(TOLD, "reference", reference.order)]
    if judged.status == UNPARSED:
        steps.append(Step(WRONG, "broken rule", judged.note))
    elif completion_scores:
        steps.append(Step(TOLD, "read", completion_scores))
    return Section("Ranking", tuple(steps))


def quality_section(score: float | None, truth: float, judged: Judgement) -> Section:
    """A score, the reference score, and what their distance earns."""
    steps = [Step(TOLD, "reference score", f"{truth:g}")]
    if score is None:
        steps.append(Step(WRONG, "score", judged.note))
        return Section("Score", tuple(steps), gives={VALUE: 0.0})
    error = abs(score - truth)
    steps += [
        Step(TOLD, "score", f"{score:g}"),
        Step(RIGHT if not error else WRONG, "distance", f"{error:g} earns {judged.value:.6g}"),
    ]
    return Section("Score", tuple(steps), gives={"error": error})


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
