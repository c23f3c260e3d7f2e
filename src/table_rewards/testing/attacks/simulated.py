"""Rows for rewards of judges whose data is not at hand: close candidates, and a judge that sees them with an error."""

from __future__ import annotations

import random
from typing import Any

from table_rewards.rewards.ranking.reference import label, order_of, score_line


def close_rankings(count: int, *, seed: int = 0, candidates: int = 4, spread: float = 0.9) -> list[dict[str, Any]]:
    """Reference scores of close candidates, as translations by one model are: some two fifths of the pairs are tied.

    >>> close_rankings(1)
    [{'scores': {'A': 7, 'B': 7, 'C': 8, 'D': 7}}]
    """
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        level = chance.gauss(7.2, 0.8)
        scores = [round(min(10.0, max(0.0, chance.gauss(level, spread)))) for _ in range(candidates)]
        rows.append({"scores": {label(at): score for at, score in enumerate(scores)}})
    return rows


def simulated_judge(scores: dict[str, int], *, seed: int, error: float = 1.0) -> str:
    """What a judge writes who sees each score with an error of that deviation.

    >>> print(simulated_judge({"A": 9, "B": 4}, seed=1).splitlines()[-1])
    A: 10, B: 5
    """
    chance = random.Random(seed)
    seen = {name: round(min(10.0, max(0.0, chance.gauss(score, error)))) for name, score in scores.items()}
    return f"Compared one by one.\n\n{order_of(seen)}\n\n{score_line(seen)}"
