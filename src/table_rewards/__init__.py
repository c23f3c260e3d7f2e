"""Rewards for training language models on tables, code and rankings.

Everything public is imported from here, on first use, so that ``import table_rewards`` itself costs next to nothing::

    from table_rewards import TableBench

    scores = TableBench()(["Final Answer: 7"], ["7"])
    scores.values, scores.parts["em"], scores.status, scores.signature
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from table_rewards._version import __version__

if TYPE_CHECKING:
    from table_rewards.core.compose import Clip, Gate, WeightedSum
    from table_rewards.core.errors import BadReference, ConfigurationError, ScorerFailed, TableRewardsError, UnknownName
    from table_rewards.core.registry import create, find, names, register
    from table_rewards.core.reward import Reward
    from table_rewards.core.rows import Row
    from table_rewards.core.schedules import Constant, Cosine, Exponential, Linear, Schedule
    from table_rewards.core.scores import Judgement, Score, Scores
    from table_rewards.rewards.group_judge import GroupJudge, GroupReference, ScalarJudge
    from table_rewards.rewards.mathematics import Mathematics, MathReference
    from table_rewards.rewards.qa_f1 import QAF1, QAPair, QAPairs
    from table_rewards.rewards.ranking import QualityReference, Ranking, RankingReference, ScalarQuality
    from table_rewards.rewards.table_bench import RegionReference, TableBench, TableBenchReference, TableRegion
    from table_rewards.rewards.table_similarity import TEDS, CellF1, GriTS, TableReference
    from table_rewards.rewards.tango import (
        ClassBalance,
        Generator,
        GeneratorReference,
        StepReward,
        StepVerifier,
        Verifier,
        VerifierReference,
    )
    from table_rewards.rewards.unit_tests import UnitTests, UnitTestsReference
    from table_rewards.rewards.white_box import WhiteBox, WhiteBoxReference

_HOME = {
    "BadReference": "core.errors",
    "CellF1": "rewards.table_similarity",
    "ClassBalance": "rewards.tango",
    "Clip": "core.compose",
    "ConfigurationError": "core.errors",
    "Constant": "core.schedules",
    "Cosine": "core.schedules",
    "Exponential": "core.schedules",
    "Gate": "core.compose",
    "Generator": "rewards.tango",
    "GeneratorReference": "rewards.tango",
    "GriTS": "rewards.table_similarity",
    "GroupJudge": "rewards.group_judge",
    "GroupReference": "rewards.group_judge",
    "Judgement": "core.scores",
    "Linear": "core.schedules",
    "MathReference": "rewards.mathematics",
    "Mathematics": "rewards.mathematics",
    "QAF1": "rewards.qa_f1",
    "QAPair": "rewards.qa_f1",
    "QAPairs": "rewards.qa_f1",
    "QualityReference": "rewards.ranking",
    "Ranking": "rewards.ranking",
    "RankingReference": "rewards.ranking",
    "RegionReference": "rewards.table_bench",
    "Reward": "core.reward",
    "Row": "core.rows",
    "ScalarJudge": "rewards.group_judge",
    "ScalarQuality": "rewards.ranking",
    "Schedule": "core.schedules",
    "Score": "core.scores",
    "ScorerFailed": "core.errors",
    "Scores": "core.scores",
    "StepReward": "rewards.tango",
    "StepVerifier": "rewards.tango",
    "TEDS": "rewards.table_similarity",
    "TableBench": "rewards.table_bench",
    "TableBenchReference": "rewards.table_bench",
    "TableReference": "rewards.table_similarity",
    "TableRegion": "rewards.table_bench",
    "TableRewardsError": "core.errors",
    "UnitTests": "rewards.unit_tests",
    "UnitTestsReference": "rewards.unit_tests",
    "UnknownName": "core.errors",
    "Verifier": "rewards.tango",
    "VerifierReference": "rewards.tango",
    "WeightedSum": "core.compose",
    "WhiteBox": "rewards.white_box",
    "WhiteBoxReference": "rewards.white_box",
    "create": "core.registry",
    "find": "core.registry",
    "names": "core.registry",
    "register": "core.registry",
}

__all__ = [
    "QAF1",
    "TEDS",
    "BadReference",
    "CellF1",
    "ClassBalance",
    "Clip",
    "ConfigurationError",
    "Constant",
    "Cosine",
    "Exponential",
    "Gate",
    "Generator",
    "GeneratorReference",
    "GriTS",
    "GroupJudge",
    "GroupReference",
    "Judgement",
    "Linear",
    "MathReference",
    "Mathematics",
    "QAPair",
    "QAPairs",
    "QualityReference",
    "Ranking",
    "RankingReference",
    "RegionReference",
    "Reward",
    "Row",
    "ScalarJudge",
    "ScalarQuality",
    "Schedule",
    "Score",
    "ScorerFailed",
    "Scores",
    "StepReward",
    "StepVerifier",
    "TableBench",
    "TableBenchReference",
    "TableReference",
    "TableRegion",
    "TableRewardsError",
    "UnitTests",
    "UnitTestsReference",
    "UnknownName",
    "Verifier",
    "VerifierReference",
    "WeightedSum",
    "WhiteBox",
    "WhiteBoxReference",
    "__version__",
    "create",
    "find",
    "names",
    "register",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'table_rewards' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"table_rewards.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
