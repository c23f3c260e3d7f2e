"""The checks of the contract for packages whose variants of rewards keep it, beside what tests/testing keeps already.

What starts an interpreter for each of them leaves the fast suite: tests/testing does it there for every reward.
"""

from __future__ import annotations

import pytest

from table_rewards.testing.contract import CHECKS

VARIANT_CHECKS = [
    pytest.param(
        check, id=check.__name__, marks=[pytest.mark.slow] if check.__name__ == "works_in_a_spawned_daemon" else []
    )
    for check in CHECKS
]
