"""Attacks on rewards: completions that need no gold answer, and a search for more of them.

>>> from table_rewards import TableBench
>>> from table_rewards.testing.attacks import check_attacks
>>> check_attacks(TableBench(), [{"answer": "Rome"}, {"answer": "Bonn"}, {"answer": "23.5"}])
"""

from table_rewards.testing.attacks.known import Attack, known_attacks
from table_rewards.testing.attacks.running import AttackResult, Target, check_attacks, run_attacks
from table_rewards.testing.attacks.search import Found, search
from table_rewards.testing.attacks.simulated import close_rankings, simulated_judge

__all__ = [
    "Attack",
    "AttackResult",
    "Found",
    "Target",
    "check_attacks",
    "close_rankings",
    "known_attacks",
    "run_attacks",
    "search",
    "simulated_judge",
]
