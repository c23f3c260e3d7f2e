"""TARPO's mixture of region and answer, and what a completion that ends in a loop loses of it."""

from __future__ import annotations

from typing import Final

from table_rewards.core.schedules import Constant
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.text.repetition import repeats_at_end

RELEASED_WEIGHT: Final = Constant(0.1)
"""The weight of the region in the published code, and without a training step."""


def mixed(region: float, answer: float, weight: float, executed: float, parsed: bool, note: str) -> Judgement:
    """``weight * region + (1 - weight) * answer``."""
    value = weight * region + (1.0 - weight) * answer
    return Judgement(value, (region, answer, weight, executed), SCORED if parsed else UNPARSED, note)


def unless_looping(judgement: Judgement, completion: str, *, white_space_counts: bool = False) -> Judgement:
    """The judgement, without what the answer earned where the completion ends in a loop."""
    if judgement.parts[1] != 1.0 or not repeats_at_end(completion, white_space_counts=white_space_counts):
        return judgement
    region, _, weight, *others = judgement.parts
    note = "; ".join(filter(None, (judgement.note, "ends in a loop")))
    value = judgement.value - (1.0 - weight) if len(others) > 1 else weight * region
    return Judgement(max(0.0, value), (region, 0.0, weight, *others), judgement.status, note)
