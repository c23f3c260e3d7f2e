"""TRivia's reward: a reader answers questions from the table that a model wrote."""

from table_rewards.rewards.qa_f1.reference import QAPair, QAPairs
from table_rewards.rewards.qa_f1.reward import QAF1

__all__ = ["QAF1", "QAPair", "QAPairs"]

for _public in (QAF1, QAPair, QAPairs):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
