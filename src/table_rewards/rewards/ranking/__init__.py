"""GRRM's rewards for a ranking of candidates and for a single quality score."""

from table_rewards.rewards.ranking.reference import RankingReference
from table_rewards.rewards.ranking.reward import Ranking
from table_rewards.rewards.ranking.scalar_quality import QualityReference, ScalarQuality

__all__ = ["QualityReference", "Ranking", "RankingReference", "ScalarQuality"]

for _public in (QualityReference, Ranking, RankingReference, ScalarQuality):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
