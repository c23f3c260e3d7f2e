"""Rewards that a judge model gives: to the candidates of one prompt together, or to each on its own."""

from table_rewards.rewards.group_judge.reference import GroupReference
from table_rewards.rewards.group_judge.reward import GroupJudge
from table_rewards.rewards.group_judge.scalar_judge import ScalarJudge

__all__ = ["GroupJudge", "GroupReference", "ScalarJudge"]

for _public in (GroupJudge, GroupReference, ScalarJudge):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
