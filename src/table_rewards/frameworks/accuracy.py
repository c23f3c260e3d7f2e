"""The accuracy from 0 to 1 that a framework shows of a reward, whatever its values are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from table_rewards.core.compose import WeightedSum
from table_rewards.core.reward import Reward


def accuracy_of(reward: Reward[Any]) -> Callable[[Sequence[float]], float]:
    """Return the function from (value, *parts) to the accuracy in [0, 1].

    Of a weighted sum it is the mean of its members' accuracies by their weights at step 0, over those that have a
    value; where no weight is positive, their plain mean.
    """
    names = ["", *reward.parts]
    if isinstance(reward, WeightedSum):
        return _accuracy_of_sum(reward, names)
    column = names.index(reward.accuracy) if reward.accuracy in reward.parts else 0
    return _within(column, reward.accuracy_range)


def _within(column: int, limits: tuple[float, float]) -> Callable[[Sequence[float]], float]:
    low, high = limits

    def accuracy(row: Sequence[float]) -> float:
        share = (row[column] - low) / (high - low)
        return 0.0 if share < 0.0 else 1.0 if share > 1.0 else share

    return accuracy


def _accuracy_of_sum(reward: WeightedSum, names: Sequence[str]) -> Callable[[Sequence[float]], float]:
    members = []
    for name, member in reward.members.items():
        part = f"{name}/{member.accuracy}" if member.accuracy in member.parts else name
        members.append((max(0.0, reward.weights[name](0)), _within(names.index(part), member.accuracy_range)))
    if not any(weight for weight, _ in members):
        members = [(1.0, accuracy) for _, accuracy in members]

    def accuracy(row: Sequence[float]) -> float:
        known = [(weight, share) for weight, one in members if (share := one(row)) == share]
        total = sum(weight for weight, _ in known)
        return sum(weight * share for weight, share in known) / total if total else 0.0

    return accuracy
