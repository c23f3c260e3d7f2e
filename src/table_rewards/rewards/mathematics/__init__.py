"""Whether an answer equals the gold answer: numbers, expressions, sets, intervals, equations."""

from table_rewards.rewards.mathematics.reference import MathReference
from table_rewards.rewards.mathematics.reward import Mathematics

__all__ = ["MathReference", "Mathematics"]

for _public in (MathReference, Mathematics):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
