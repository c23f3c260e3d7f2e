"""The array kernel against the plain loops, and both against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.rewards.ranking import agreement as ranking_pairs
from table_rewards.rewards.ranking.agreement import agreement, spearman
from table_rewards.rewards.ranking.agreement_plain import plain_agreement, plain_spearman

VALUES = st.one_of(st.integers(0, 10).map(float), st.floats(0, 10).map(lambda x: round(x, 2)))
BATCHES = st.tuples(st.integers(1, 6), st.integers(2, 12)).flatmap(
    lambda mn: st.tuples(
        *[st.lists(st.lists(VALUES, min_size=mn[1], max_size=mn[1]), min_size=mn[0], max_size=mn[0])] * 2
    )
)


@settings(max_examples=100, deadline=None)
@given(BATCHES)
def test_the_kernel_equals_the_plain_loops(both):
    predicted, reference = map(np.array, both)
    columns = np.column_stack([*agreement(predicted, reference), spearman(predicted, reference)])
    plain = [(*plain_agreement(a, b), plain_spearman(a, b)) for a, b in zip(*both, strict=True)]
    np.testing.assert_allclose(columns, plain, rtol=0, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(BATCHES)
def test_correlations_are_scipys_where_scipy_defines_them(both):
    stats = pytest.importorskip("scipy.stats")
    predicted, reference = map(np.array, both)
    taus, rhos = agreement(predicted, reference).kendall_tau, spearman(predicted, reference)
    for a, b, tau, rho in zip(predicted, reference, taus, rhos, strict=True):
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            assert (tau, rho) == (0.0, 0.0)
            continue
        assert tau == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)
        expected = stats.spearmanr(a, b).statistic
        assert math.isnan(expected) or rho == pytest.approx(expected, abs=1e-9)


def test_chunks_are_a_matter_of_memory_alone(monkeypatch):
    rng = np.random.default_rng(0)
    predicted, reference = rng.integers(0, 11, (2, 500, 7)).astype(float)
    whole = agreement(predicted, reference), spearman(predicted, reference)
    monkeypatch.setattr(ranking_pairs, "_CHUNK", 64)
    for a, b in zip(
        (*whole[0], whole[1]), (*agreement(predicted, reference), spearman(predicted, reference)), strict=True
    ):
        assert np.array_equal(a, b)
