"""The released advantages equal what RL Tango's own functions gave, on numpy and on torch."""

from __future__ import annotations

import numpy as np
import pytest

from fixture_rows import fixture_rows
from table_rewards.frameworks import advantages


def cases(name):
    return fixture_rows(f"parity/advantages_{name}.jsonl")


@pytest.mark.parametrize("name", ["grpo", "rloo", "reinforce_plus_plus", "extra"])
def test_numpy(name):
    for row in cases(name):
        mine = advantages.two_level_advantage(*_arguments(row, np.array), form="released", estimator=row["estimator"])
        np.testing.assert_allclose(mine, row["expected"], rtol=1e-5, atol=1e-5, err_msg=row["id"])


@pytest.mark.parametrize("name", ["grpo", "rloo", "reinforce_plus_plus", "extra"])
def test_torch(name):
    torch = pytest.importorskip("torch")
    from table_rewards.frameworks import advantages_torch

    for row in cases(name):
        given = _arguments(row, lambda values: torch.tensor(values, dtype=torch.float64))
        mine = advantages_torch.two_level_advantage(*given, form="released", estimator=row["estimator"])
        np.testing.assert_allclose(mine.numpy(), row["expected"], rtol=1e-5, atol=1e-5, err_msg=row["id"])


def _arguments(row, array):
    three = [array(row[name]) for name in ("outcomes", "step_rewards", "response_mask")]
    return [*three, row["groups"], row["alpha"]]
