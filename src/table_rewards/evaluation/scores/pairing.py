"""Two score files compared, completion by completion of the same prompts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from table_rewards.evaluation.scores.distribution import NAN
from table_rewards.evaluation.scores.score_files import ScoreFile

Matches = Mapping[Any, list[float]]


@dataclass
class Pairing:
    """Two score files, joined on the prompt and on the sample's number within it.

    ``difference`` is the mean of (second - first) over the completions that both scored, ``error`` its standard error;
    completions of one prompt count as dependent.

    Attributes:
        rows: the completions that both files hold and scored.
        prompts: the prompts that both files hold.
        only_first: completions of the first file that the second does not hold.
        only_second: completions of the second file that the first does not hold.
    """

    first: str
    second: str
    rows: int = 0
    higher: int = 0
    lower: int = 0
    difference: float = NAN
    error: float = NAN
    prompts: int = 0
    only_first: int = 0
    only_second: int = 0

    @property
    def equal(self) -> int:
        return self.rows - self.higher - self.lower

    @property
    def clear(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.rows > 1 and abs(self.difference) > 2 * self.error


def pair(first: ScoreFile, second: ScoreFile) -> Pairing | None:
    """Compare two files; None when they share no completion that both scored.

    Files of different training steps are joined on the prompt alone.
    """
    found = Pairing(first.name, second.name)
    mine, theirs = _joinable(first.matches, second.matches)
    sums = [0.0] * 5  # over prompts: count, s, s*s, n*s, n*n
    shared = 0
    for key, values in mine.items():
        others = theirs.get(key)
        if others is None:
            continue
        found.prompts += 1
        shared += min(len(values), len(others))
        differences = [b - a for a, b in zip(values, others, strict=False) if a == a and b == b]
        found.rows += len(differences)
        found.higher += sum(1 for one in differences if one > 1e-9)
        found.lower += sum(1 for one in differences if one < -1e-9)
        if differences:
            n, s = len(differences), sum(differences)
            for i, value in enumerate((1, s, s * s, n * s, n * n)):
                sums[i] += value
    found.only_first = sum(map(len, mine.values())) - shared
    found.only_second = sum(map(len, theirs.values())) - shared
    if not found.rows:
        return None
    count, total, squares, cross, sizes = sums
    mean = found.difference = total / found.rows
    spread = max(0.0, squares - 2 * mean * cross + mean * mean * sizes)
    found.error = math.sqrt(spread * count / max(1.0, count - 1)) / found.rows
    return found


def _joinable(first: Matches, second: Matches) -> tuple[Matches, Matches]:
    if any(key in second for key in first):
        return first, second
    steps = {key[1] for key in first} | {key[1] for key in second}
    return (first, second) if steps == {None} else (_without_steps(first), _without_steps(second))


def _without_steps(matches: Matches) -> Matches:
    joined: dict[Any, list[float]] = {}
    for (prompt, _), values in matches.items():
        joined.setdefault(prompt, []).extend(values)
    return joined
