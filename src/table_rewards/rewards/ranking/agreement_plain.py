"""The plain reference of :mod:`table_rewards.rewards.ranking.agreement`: one ranking, one pair at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from table_rewards.rewards.ranking.agreement import MARGIN_CREDIT


def plain_agreement(predicted: Sequence[float], reference: Sequence[float]) -> tuple[float, float, float]:
    """Return (ranking, margin, kendall_tau) of one ranking.

    >>> plain_agreement([8, 3], [8, 3])
    (1.0, 1.0, 1.0)
    >>> plain_agreement([3, 8], [8, 3])
    (0.0, 0.0, -1.0)
    """
    equal = concordance = untied_here = untied_there = pairs = 0
    credit = 0.0
    for i, j in itertools.combinations(range(len(reference)), 2):
        here, there = predicted[i] - predicted[j], reference[i] - reference[j]
        pairs += 1
        equal += _sign(here) == _sign(there)
        credit += plain_credit(abs(here - there))
        concordance += _sign(here) * _sign(there)
        untied_here += here != 0
        untied_there += there != 0
    untied = untied_here * untied_there
    return equal / pairs, credit / pairs, concordance / math.sqrt(untied) if untied else 0.0


def all_tied(reference: Sequence[float]) -> tuple[float, float]:
    """(ranking, margin) of the ranking that ties all candidates.

    >>> all_tied([8, 8, 7])
    (0.3333333333333333, 0.7333333333333334)
    """
    apart = [abs(here - there) for here, there in itertools.combinations(reference, 2)]
    return apart.count(0.0) / len(apart), sum(map(plain_credit, apart)) / len(apart)


def plain_spearman(predicted: Sequence[float], reference: Sequence[float]) -> float:
    """Spearman's rho: Pearson's correlation of the mid-ranks."""
    here, there = _mid_ranks(predicted), _mid_ranks(reference)
    mean = (len(here) + 1) / 2
    spread = math.sqrt(sum((a - mean) ** 2 for a in here) * sum((b - mean) ** 2 for b in there))
    return sum((a - mean) * (b - mean) for a, b in zip(here, there, strict=True)) / spread if spread else 0.0


def plain_credit(error: float) -> float:
    """The credit of one margin error."""
    error = round(error, 9)
    for (x0, y0), (x1, y1) in itertools.pairwise(MARGIN_CREDIT):
        if x0 <= error <= x1:
            return y0 + (y1 - y0) * (error - x0) / (x1 - x0)
    return 0.0


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _mid_ranks(scores: Sequence[float]) -> list[float]:
    return [sum(other < one for other in scores) + (sum(other == one for other in scores) + 1) / 2 for one in scores]
