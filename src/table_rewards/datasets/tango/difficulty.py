"""Easy and hard training rows by the difficulty of their problems, and rows to validate on: the second recipe's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.options import finite, fraction, whole
from table_rewards.datasets.tango.problems import Problem

DIFFICULTY: Final = 6.0
EASY_SHARE: Final = 0.7
HARD_SHARE: Final = 0.3
VALIDATION: Final = 2_000


class Mixture(NamedTuple):
    """The three sets of the recipe, each in random order; no problem is in two of them.

    Attributes:
        easy, hard: what the two stages train on.
        validation: what was held out before.
        low, high: how many of the rest are at most, and more than, so difficult.
        repeated: validation questions that stand in training too, because the source has them more than once.
    """

    easy: list[Problem]
    hard: list[Problem]
    validation: list[Problem]
    low: int
    high: int
    repeated: int


def mix(
    problems: Sequence[Problem],
    *,
    difficulty: float = DIFFICULTY,
    easy_share: float = EASY_SHARE,
    hard_share: float = HARD_SHARE,
    validation: int = VALIDATION,
    seed: int = 42,
) -> Mixture:
    """Hold out a validation set, then mix the rest into an easy and a hard set.

    ::

        easy = floor(easy_share * low) of the low ones + floor(hard_share * high) of the high ones;  hard = the rest

    A problem is low when its difficulty is at most ``difficulty``. The published script does the same without a seed,
    so that a second run trains on rows that the first validated on (G20).

    Args:
        problems: each with a difficulty.
        difficulty: the border, 6.0 in the recipe.
        easy_share: share of the low ones that is easy.
        hard_share: share of the high ones that is in the easy set nevertheless.
        validation: how many to hold out; less than there are.
        seed: the same seed gives the same sets in the same order.

    Raises:
        ConfigurationError: a share outside of [0, 1], or nothing left to train on.

    >>> made = mix([Problem(str(i), "1", difficulty=i % 10) for i in range(30)], validation=10, seed=1)
    >>> len(made.easy) + len(made.hard), len(made.validation), made.low + made.high
    (20, 10, 20)
    >>> len(made.easy) == int(0.7 * made.low) + int(0.3 * made.high)
    True
    """
    finite("difficulty", difficulty)
    fraction("easy_share", easy_share)
    fraction("hard_share", hard_share)
    if not 0 <= whole("validation", validation) < len(problems):
        raise ConfigurationError(
            f"validation must be a number from 0 to {max(0, len(problems) - 1):,}, so that some of the "
            f"{len(problems):,} usable rows are left to train on, not {validation:,}"
        )
    source = random.Random(seed)
    order = list(problems)
    source.shuffle(order)
    held, rest = order[:validation], order[validation:]
    low = [problem for problem in rest if problem.difficulty is not None and problem.difficulty <= difficulty]
    high = [problem for problem in rest if problem.difficulty is None or problem.difficulty > difficulty]
    easy_low, easy_high = int(len(low) * easy_share), int(len(high) * hard_share)
    easy, hard = low[:easy_low] + high[:easy_high], low[easy_low:] + high[easy_high:]
    source.shuffle(easy)
    source.shuffle(hard)
    trained = Counter(problem.question for problem in rest)
    return Mixture(easy, hard, held, len(low), len(high), sum(problem.question in trained for problem in held))
