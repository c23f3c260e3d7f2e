"""Who trains at which step of RL Tango's loop, and with which alpha: the published numbers of updates."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards import ConfigurationError
from table_rewards.frameworks.advantages import StepWeight
from table_rewards.frameworks.alternation import Alternation

PUBLISHED = {
    "the document's": (Alternation(440, verifier_warmup=40, generator_steps=3), (300, 140), 300),
    "node_1, stage 1": (Alternation(200, verifier_warmup=50, verifier_steps=3), (38, 162), 37),
    "node_1, stage 2": (Alternation(200), (100, 100), 100),
}


@pytest.mark.parametrize(("plan", "updates", "length"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_published_runs_have_their_published_numbers_of_updates(plan, updates, length):
    trained = Counter(plan.trains(step) for step in range(1, plan.total + 1))
    assert (trained["generator"], trained["verifier"]) == plan.updates == updates
    assert plan.alpha_updates == length


def test_alpha_follows_the_generators_updates():
    plan = PUBLISHED["the document's"][0]
    alphas = [alpha for step in range(1, 441) if (alpha := plan.alpha(step)) is not None]
    assert len(alphas) == 300
    assert [round(alphas[update], 6) for update in (0, 50, 100, 150, 200)] == [0.1, 0.046416, 0.021544, 0.01, 0.004642]
    assert [plan.trains(step) for step in range(40, 46)] == ["verifier", *["generator"] * 3, "verifier", "generator"]
    assert plan.alpha(40) is None


def test_the_steps_rewards_do_not_count_in_the_generators_warm_up():
    plan = Alternation(20, generator_warmup=4, verifier_warmup=6)
    assert [plan.alpha(step) for step in (1, 4, 5, 10)] == [0.0, 0.0, None, None]
    assert plan.alpha(11) == 0.1


def test_a_model_with_no_steps_never_trains_behind_the_warm_ups():
    assert Alternation(20, verifier_warmup=5, verifier_steps=0).updates == (15, 5)
    assert Alternation(20, generator_warmup=5, generator_steps=0).updates == (5, 15)


def test_another_shape_of_alpha_keeps_its_start_and_takes_the_plans_length():
    plan = Alternation(100, weight=StepWeight(shape="linear", start=0.5, end=0.1))
    assert plan.alpha(1) == 0.5
    assert plan.alpha(51) == pytest.approx(0.3)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 4), st.integers(1, 4), st.integers(1, 60))
def test_as_the_released_loop_counts(generator_warmup, verifier_warmup, generator, verifier, more):
    """The loop as it is written: a mode that changes when its own counter is full."""
    total = generator_warmup + verifier_warmup + more
    plan = Alternation(total, generator_warmup, verifier_warmup, generator, verifier)
    mode, counted = ("generator" if generator else "verifier"), 0
    for step in range(1, total + 1):
        if step <= generator_warmup:
            expected = "generator"
        elif step <= generator_warmup + verifier_warmup:
            expected = "verifier"
        else:
            expected = mode
            counted += 1
            if counted >= {"generator": generator, "verifier": verifier}[mode]:
                counted = 0
                mode = "verifier" if mode == "generator" or not generator else "generator"
        assert plan.trains(step) == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"total": 0}, "total"),
        ({"total": 40, "verifier_warmup": 40}, "larger than both warm-ups"),
        ({"total": 9, "generator_steps": 0, "verifier_steps": 0}, "nothing would train"),
        ({"total": 9, "generator_steps": -1}, "generator_steps must be 0 or more"),
        ({"total": 9, "verifier_warmup": 1.5}, "verifier_warmup must be a whole number"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(options, says):
    with pytest.raises(ConfigurationError, match=says):
        Alternation(**options)


@pytest.mark.parametrize("step", [0, 10, -1])
def test_a_step_outside_of_the_plan_is_refused(step):
    with pytest.raises(ConfigurationError, match="one of 1 to 9"):
        Alternation(9).trains(step)
