"""The likelihood term against its formula in loops, and what must not enter it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from table_rewards import ConfigurationError
from table_rewards.frameworks.positive_likelihood import AGGREGATIONS, positive_likelihood_loss


def plainly(advantages, log_probs, mask, aggregation):
    sequences = [
        [a * p for a, p, m in zip(*row, strict=True) if m and a > 0]
        for row in zip(advantages.tolist(), log_probs.tolist(), mask.tolist(), strict=True)
    ]
    some = [tokens for tokens in sequences if tokens]
    if not some:
        return 0.0
    if aggregation == "token-mean":
        return -sum(map(sum, some)) / sum(map(len, some))
    means = [sum(tokens) / (len(tokens) if aggregation.endswith("mean") else 1) for tokens in some]
    return -sum(means) / len(some)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_it_is_the_formula(aggregation):
    rng = np.random.default_rng(0)
    for _ in range(20):
        advantages = np.repeat(rng.normal(size=(5, 1)), 7, axis=1)
        log_probs, mask = -rng.random((5, 7)), rng.integers(0, 2, (5, 7))
        found = positive_likelihood_loss(advantages, log_probs, mask, weight=0.1, aggregation=aggregation)
        assert float(found) == pytest.approx(0.1 * plainly(advantages, log_probs, mask, aggregation))


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_losers_padding_and_the_unscored_add_nothing(aggregation):
    advantages = np.array([[1.0, 1.0], [-1.0, -1.0], [math.nan, math.nan]])
    log_probs = np.array([[-2.0, -math.inf], [-math.inf, -1.0], [-1.0, -1.0]])
    mask = np.array([[1, 0], [1, 1], [1, 1]])
    assert float(positive_likelihood_loss(advantages, log_probs, mask, aggregation=aggregation)) == pytest.approx(0.2)
    assert float(positive_likelihood_loss(-abs(advantages), log_probs, mask, aggregation=aggregation)) == 0.0


def test_what_cannot_work_is_named():
    ones = np.ones((2, 3))
    for words, options in (("one shape", {}), ("aggregation", {"aggregation": "sum"}), ("weight", {"weight": -1.0})):
        with pytest.raises(ConfigurationError, match=words):
            positive_likelihood_loss(ones, np.ones((2, 2)) if not options else ones, ones, **options)


def test_torch_tensors_keep_their_gradient():
    torch = pytest.importorskip("torch")
    log_probs = torch.tensor([[-2.0, -1.0], [-1.0, -1.0]], requires_grad=True)
    advantages = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    positive_likelihood_loss(advantages, log_probs, torch.ones(2, 2), weight=1.0).backward()
    assert log_probs.grad.tolist() == [[-0.5, -0.5], [0.0, 0.0]]
