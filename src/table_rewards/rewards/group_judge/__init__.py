"""A reward for the candidates of one prompt, ranked together by a judge."""

from table_rewards.rewards.group_judge.reference import GroupReference
from table_rewards.rewards.group_judge.reward import GroupJudge

__all__ = ["GroupJudge", "GroupReference"]

for _public in (GroupJudge, GroupReference):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
