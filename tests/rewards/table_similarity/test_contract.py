"""The contract that every reward keeps, for those that compare tables."""

from __future__ import annotations

import pytest

from contract_checks import VARIANT_CHECKS
from table_rewards.rewards.table_similarity import TEDS, CellF1, GriTS
from table_rewards.testing.contract import Samples

TRUTH = "<table><tr><td>Metal</td><td>Melts</td></tr><tr><td>Iron</td><td>1538</td></tr></table>"
COMPLETIONS = [TRUTH, TRUTH.replace("1538", "1536"), "none", "| Metal | Melts |\n|---|---|\n| Iron | 15 |"]


@pytest.mark.parametrize("check", VARIANT_CHECKS)
@pytest.mark.parametrize("reward", [TEDS(), CellF1(), GriTS()], ids=lambda reward: reward.name)
def test_contract(reward, check):
    check(Samples(reward, COMPLETIONS, [TRUTH] * len(COMPLETIONS)))
