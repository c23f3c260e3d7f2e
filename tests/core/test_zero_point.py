"""The zero point: nothing up to what a blind strategy earns, right answers all, order kept in between."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.zero_point import BlindScores, above_blind, checked_zero_point

unit = st.floats(0, 1)


@given(unit, unit, unit, st.sampled_from([1.0, 2.0, 0.5]))
def test_the_order_above_the_zero_point_stays_and_the_range_too(a: float, b: float, blind: float, top: float) -> None:
    low, high = sorted((a * top, b * top))
    below, above = above_blind(low, blind * top, top), above_blind(high, blind * top, top)
    assert 0.0 <= below <= above <= top
    if low <= blind * top < high and low < top:
        assert below == 0.0 or blind == 0.0


@given(unit, st.sampled_from([1.0, 2.0]))
def test_right_answers_keep_all_and_blind_ones_earn_nothing(blind: float, top: float) -> None:
    assert above_blind(top, blind * top, top) == top
    if 0 < blind < 1:
        assert above_blind(blind * top, blind * top, top) == 0.0


def test_what_is_no_zero_point_is_told() -> None:
    with pytest.raises(UnknownName, match="none, blind"):
        checked_zero_point("blnd", "corrected")
    with pytest.raises(ConfigurationError, match="no zero point"):
        checked_zero_point("blind", "released")
    assert checked_zero_point("none", "released") == checked_zero_point(None, "released") == "none"
    for number in (0, 1, -0.5, 1.5, float("nan")):
        with pytest.raises(ConfigurationError, match="between 0 and 1"):
            checked_zero_point(number, "corrected")
    with pytest.raises(ConfigurationError, match="no zero point"):
        checked_zero_point(0.5, "released")
    with pytest.raises(UnknownName):
        checked_zero_point(True, "corrected")


def test_a_reference_is_priced_once_and_a_pickled_copy_prices_it_again() -> None:
    asked: list[str] = []

    def price(reference: str) -> float:
        asked.append(reference)
        return 0.25

    scores = BlindScores()
    assert [scores.of("a", price), scores.of("a", price)] == [0.25, 0.25]
    assert asked == ["a"]
    assert pickle.loads(pickle.dumps(scores)).of("a", price) == 0.25
    assert asked == ["a", "a"]


def test_one_zero_point_for_all_needs_no_reference_and_survives_a_pickle() -> None:
    scores = pickle.loads(pickle.dumps(BlindScores(0.75, top=2.0)))
    assert scores.of(["not hashable"], lambda _: pytest.fail("asked")) == 1.5


def test_a_negative_price_is_no_gift() -> None:
    assert BlindScores().of("a", lambda _: -0.5) == 0.0
