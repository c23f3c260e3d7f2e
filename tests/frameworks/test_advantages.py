"""The advantages of Tango and TARPO: vectors computed by hand, published numbers, and torch against numpy."""

from __future__ import annotations

import math
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import ConfigurationError, UnknownName
from table_rewards.core.schedules import Constant
from table_rewards.frameworks import advantages_verl
from table_rewards.frameworks.advantages import ESTIMATORS, StepWeight, tarpo_advantage, two_level_advantage

REGION, ANSWER, GROUP = [0.1] * 4, [0.9, 0.0, 0.9, 0.0], ["a"] * 4


def test_equal_regions_are_normalised_like_any_other_group():
    """T4: as released, a group whose regions are all equal gave +-0.45 instead of +-0.866."""
    np.testing.assert_allclose(tarpo_advantage(REGION, ANSWER, GROUP), [0.866, -0.866, 0.866, -0.866], atol=1e-3)
    np.testing.assert_allclose(
        tarpo_advantage(REGION, ANSWER, GROUP, form="released"), [0.45, -0.45, 0.45, -0.45], atol=1e-6
    )


def test_tarpo_by_hand():
    """Totals 1, 0.2, 0.9: mean 0.7, std sqrt(0.19). Means 0.1 and 0.6; products 0.02, -0.06, -0.08."""
    region, answer = [0.2, 0.2, -0.1], [0.8, 0.0, 1.0]
    std = math.sqrt(0.19) + 1e-6
    corrected = [0.3 / std, (-0.5 - 0.01 * 0.06) / std, (0.2 - 0.01 * 0.08) / std]
    released = [0.3 / std, -0.5 - 0.01 * 0.06 / std, 0.2 - 0.01 * 0.08 / std]
    np.testing.assert_allclose(tarpo_advantage(region, answer, GROUP[:3]), corrected, rtol=1e-9)
    np.testing.assert_allclose(tarpo_advantage(region, answer, GROUP[:3], form="released"), released, rtol=1e-9)


def test_a_penalty_lowers_and_its_weight_can_be_chosen():
    plain = tarpo_advantage([0.3, 0.0], [0.0, 0.7], "aa", consistency=0.0)
    for consistency in (0.01, 0.5):
        assert (tarpo_advantage([0.3, 0.0], [0.0, 0.7], "aa", consistency=consistency) < plain).all()


def test_two_levels_by_hand():
    """Outcomes 1, 0: z = +-sqrt(1/2). Steps 1/2, 1/2, -1: mean 0, std sqrt(3/4), z 1, 1, -2 / sqrt(3)."""
    steps = [[0.5, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 0.0]]
    out, s = math.sqrt(0.5), 1 / math.sqrt(3)
    expected = [
        [0.9 * out + 0.1 * 2 * s, 0.9 * out + 0.1 * s, 0.9 * out + 0.1 * s, 0.9 * out],
        [-0.9 * out - 0.1 * 2 * s, -0.9 * out - 0.1 * 2 * s, -0.9 * out, 0.0],
    ]
    mask = [[1, 1, 1, 1], [1, 1, 1, 0]]
    for form in ("corrected", "released"):
        np.testing.assert_allclose(two_level_advantage([1, 0], steps, mask, "aa", 0.1, form=form), expected, rtol=1e-5)


def test_a_group_without_steps_does_not_depend_on_its_neighbours():
    """G22."""
    steps = np.zeros((4, 2))
    alone = two_level_advantage([1, 0], steps[:2], np.ones((2, 2)), "aa", 0.5)
    steps[2, 0] = 1.0
    beside = two_level_advantage([1, 0, 1, 0], steps, np.ones((4, 2)), "aabb", 0.5)
    np.testing.assert_array_equal(beside[:2], alone)
    released = two_level_advantage([1, 0, 1, 0], steps, np.ones((4, 2)), "aabb", 0.5, form="released")
    np.testing.assert_allclose(released[:2], alone / 2)


ESTIMATORS_OF_STEPS = ("grpo", "rloo", "reinforce_plus_plus")
STEPS = [[0.5, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 0.0]]
MASK = [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_leave_one_out_by_hand():
    """Outcomes 1, 0: each minus the other. Steps 1/2, 1/2, -1: 1/2 - (-1/4) = 3/4 twice, -1 - 1/2 = -3/2; ten times."""
    expected = [
        [0.9 + 15.0 * 0.1, 0.9 + 7.5 * 0.1, 0.9 + 7.5 * 0.1, 0.9],
        [-0.9 - 15.0 * 0.1, -0.9 - 15.0 * 0.1, -0.9, 0.0],
    ]
    for form in ("corrected", "released"):
        mine = two_level_advantage([1, 0], STEPS, MASK, "aa", 0.1, form=form, estimator="rloo")
        np.testing.assert_allclose(mine, expected, atol=1e-12)
    once = two_level_advantage([1, 0], STEPS, MASK, "aa", 0.1, estimator="rloo", step_scale=1.0)
    np.testing.assert_allclose(once[0], [1.05, 0.975, 0.975, 0.9], atol=1e-12)


def test_whitening_by_hand():
    """Outcomes of seven tokens, 1 x 4, 0 x 3: mean 4/7, variance 2/7. Sums to the end: mean 0, variance 3.5/6."""
    out, step = math.sqrt(2 / 7), math.sqrt(3.5 / 6)
    right, wrong = 3 / 7 / out, -4 / 7 / out
    expected = [
        [0.5 * right + 0.5 * togo / step for togo in (1.0, 0.5, 0.5, 0.0)],
        [*(0.5 * wrong + 0.5 * togo / step for togo in (-1.0, -1.0, 0.0)), 0.0],
    ]
    mine = two_level_advantage([1, 0], STEPS, MASK, "aa", 0.5, estimator="reinforce_plus_plus")
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_released_whitening_sees_the_first_token_alone():
    """G24: the loop over tokens runs over rollouts. The reward 1/2 stays on its token and the others' are lost."""
    togo = np.array([[0.5, 0, 0, 0], [0, 0, 0, 0]])
    shown = np.array(MASK, dtype=bool)
    expected = np.where(shown, (togo - togo[shown].mean()) / togo[shown].std(ddof=1), 0.0)
    mine = two_level_advantage([1, 0], STEPS, MASK, "aa", 1.0, form="released", estimator="reinforce_plus_plus")
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_a_lone_rollout_teaches_nothing_in_the_released_leave_one_out():
    """G23: one rollout, or one step reward in a group, has the advantage 0 there, and its own value here."""
    call = {"alpha": 0.5, "estimator": "rloo"}
    np.testing.assert_array_equal(two_level_advantage([1], [[0.5]], [[1]], "a", form="released", **call), [[0.0]])
    np.testing.assert_allclose(two_level_advantage([1], [[0.5]], [[1]], "a", **call), [[3.0]])


def test_several_verifications_are_averaged():
    twice = np.stack([STEPS, STEPS], axis=1)
    for estimator in ESTIMATORS_OF_STEPS:
        once = two_level_advantage([1, 0], STEPS, MASK, "aa", 0.25, estimator=estimator, epsilon=0.0)
        mine = two_level_advantage([1, 0], twice, MASK, "aa", 0.25, estimator=estimator, epsilon=0.0)
        assert mine.shape == once.shape
        if estimator == "reinforce_plus_plus":
            np.testing.assert_allclose(mine, once)
    half = np.stack([STEPS, np.zeros_like(STEPS)], axis=1)
    whole = two_level_advantage([1, 0], STEPS, MASK, "aa", 1.0)
    np.testing.assert_allclose(two_level_advantage([1, 0], half, MASK, "aa", 1.0), whole / 2)


def test_whitening_takes_a_missing_verdict_for_none():
    """A prompt without step rewards has its whitened outcome."""
    steps, mask = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]]), np.ones((3, 2))
    call = {"alpha": 1.0, "estimator": "reinforce_plus_plus"}
    outcome = two_level_advantage([1, 1, 0], np.zeros((3, 2)), mask, "aab", **call)
    np.testing.assert_array_equal(two_level_advantage([1, 1, 0], steps, mask, "aab", **call)[2], outcome[2])


@pytest.mark.parametrize("estimator", ["rloo", "reinforce_plus_plus"])
def test_other_estimators_count_no_unscored_rollout_either(estimator):
    nan, steps, mask = float("nan"), np.zeros((3, 2)), np.ones((3, 2))
    mine = two_level_advantage([1, 0, nan], steps, mask, "aaa", 0.1, estimator=estimator)
    theirs = two_level_advantage([1, 0], steps[:2], mask[:2], "aa", 0.1, estimator=estimator)
    np.testing.assert_allclose(mine, [*theirs, [0.0, 0.0]])


def test_a_single_rollout_keeps_its_value_and_equal_outcomes_have_none():
    np.testing.assert_allclose(two_level_advantage([0.7], [[0.0]], [[1]], "a", 0.1), [[0.7]], rtol=1e-5)
    np.testing.assert_array_equal(two_level_advantage([1, 1], np.zeros((2, 1)), np.ones((2, 1)), "aa", 0.1), [[0], [0]])
    np.testing.assert_allclose(tarpo_advantage([0.1], [0.9], "a"), [1.0], rtol=1e-5)


def test_an_unscored_rollout_counts_in_no_mean():
    nan = float("nan")
    np.testing.assert_allclose(
        tarpo_advantage([0.1, 0.1, nan], [0.9, 0.0, 0.5], "aaa"), [*tarpo_advantage([0.1, 0.1], [0.9, 0.0], "aa"), 0.0]
    )
    two = two_level_advantage([1, 0, nan], np.zeros((3, 1)), np.ones((3, 1)), "aaa", 0.1)
    np.testing.assert_allclose(two[:2], two_level_advantage([1, 0], np.zeros((2, 1)), np.ones((2, 1)), "aa", 0.1))
    assert two[2] == 0


def test_alpha_follows_the_published_schedule():
    alpha = StepWeight()
    published = {0: 0.1, 50: 0.046416, 100: 0.021544, 150: 0.01, 200: 0.004642, 300: 0.001, 400: 0.001}
    assert {step: round(alpha(step), 6) for step in published} == published


def test_the_target_fraction_is_used():
    """G1: the released code configures it and never hands it on."""
    assert StepWeight(target_fraction=0.5)(150) == pytest.approx(0.001)
    assert StepWeight(target_fraction=0.5)(75) == pytest.approx(0.01)


@pytest.mark.parametrize(("shape", "half"), [("linear", 0.0505), ("cosine", 0.0505), ("none", 0.1)])
def test_the_other_shapes(shape, half):
    alpha = StepWeight(shape=shape, warmup=40)
    assert [alpha(0), alpha(39), alpha(40)] == [0.0, 0.0, 0.1]
    assert alpha(190) == pytest.approx(half)


@pytest.mark.parametrize("options", [{"shape": "exp"}, {"target_fraction": 0}, {"end": 0.2}, {"steps": 0}])
def test_schedules_that_cannot_work_are_named(options):
    with pytest.raises((ConfigurationError, UnknownName)):
        StepWeight(**options)


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_level_advantage([1, 0], [[0.0]], [[1]], "aa", 0.1),
        lambda: two_level_advantage([1], [[0.0]], [[1]], "aa", 0.1),
        lambda: tarpo_advantage([1, 0], [1], "aa"),
        lambda: tarpo_advantage([1], [1], "a", form="fixed"),
        lambda: two_level_advantage([1], [[0.0]], [[1]], "a", 0.1, estimator="ppo"),
    ],
)
def test_shapes_and_forms_are_checked(call):
    with pytest.raises(ConfigurationError):
        call()


class FakeBatch:
    """What verl's ``compute_advantage`` holds under the name ``data``, as the V1 trainer leaves it: no columns."""

    def __init__(self):
        self.non_tensor_batch, self.batch, self.meta_info = {"uid": ["a", "a"]}, {"responses": None}, {}


def compute_advantage(data, estimator):
    return estimator(np.ones((2, 3)), np.ones((2, 3)), index=data.non_tensor_batch["uid"])


def test_a_trainer_that_drops_the_step_rewards_is_named_with_its_switch():
    """verl's default trainer drops them, and the message stood nowhere near the option that keeps them."""
    with pytest.raises(ConfigurationError, match="no tensor 'step_rewards'") as error:
        compute_advantage(FakeBatch(), advantages_verl.tango("corrected", False))
    assert "trainer.use_v1=False" in str(error.value)
    assert "_tokens" in str(error.value)


def test_a_reward_without_the_parts_of_tarpo_is_named_with_the_one_that_has_them():
    with pytest.raises(ConfigurationError, match="no 'region'") as error:
        compute_advantage(FakeBatch(), advantages_verl.tarpo("corrected", False))
    assert "table_region" in str(error.value)
    assert "the batch has uid" in str(error.value)


def test_every_estimator_is_registered_with_verl_by_its_name(monkeypatch):
    """Opt-in: nothing is registered before ``register``, and each once; alpha starts at 0.5 for REINFORCE++."""
    registered = {}
    algorithms = types.ModuleType("verl.trainer.ppo.core_algos")
    algorithms.register_adv_est = lambda name: lambda function: registered.setdefault(name, function)
    for name in ("verl", "verl.trainer", "verl.trainer.ppo"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "verl.trainer.ppo.core_algos", algorithms)
    monkeypatch.setattr(advantages_verl, "_registered", {})
    names = advantages_verl.register()
    assert set(names) == set(registered) == set(advantages_verl.register())
    kinds = ["tarpo", "tango", "tango_rloo", "tango_reinforce_plus_plus"]
    assert set(names) == {
        f"{kind}{where}{form}" for kind in kinds for where in ("", "_tokens") for form in ("", "_released")
    }
    monkeypatch.delenv("TABLE_REWARDS_STEP_WEIGHT", raising=False)
    assert [advantages_verl.step_weight(kind)(0) for kind in ESTIMATORS] == [0.1, 0.1, 0.5]


def test_the_estimators_reach_their_formulas():
    torch = pytest.importorskip("torch")
    data = FakeBatch()
    data.batch["step_rewards"] = torch.tensor([[0.5, -0.5, 0.0], [0.0, 1.0, 0.0]])
    rewards = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    for kind in ESTIMATORS:
        for form in ("corrected", "released"):
            estimators = [advantages_verl.tango(form, tokens, Constant(0.25), kind) for tokens in (False, True)]
            mine = compute_by(data, estimators[0], rewards)
            placed = compute_by(data, estimators[1], rewards + data.batch["step_rewards"])
            theirs = two_level_advantage(
                [1, 0], data.batch["step_rewards"], np.ones((2, 3)), "aa", 0.25, form=form, estimator=kind
            )
            np.testing.assert_allclose(mine, theirs, atol=1e-5)
            np.testing.assert_allclose(placed, theirs, atol=1e-5)


def compute_by(data, estimator, rewards):
    def compute_advantage(data):
        return estimator(rewards, rewards.new_ones(rewards.shape), index=data.non_tensor_batch["uid"])[0].numpy()

    return compute_advantage(data)


values = st.sampled_from([0.0, 0.0, 0.25, -0.5, 1.0, 0.9])


@st.composite
def batches(draw):
    n, width = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    groups = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    row = st.lists(values, min_size=width, max_size=width)
    steps = draw(st.lists(row, min_size=n, max_size=n))
    outcomes = draw(st.lists(st.sampled_from([0.0, 1.0, 0.5, float("nan")]), min_size=n, max_size=n))
    lengths = draw(st.lists(st.integers(1, width), min_size=n, max_size=n))
    mask = [[float(t < length) for t in range(width)] for length in lengths]
    return outcomes, steps, mask, groups


@given(
    batches(), st.sampled_from(["corrected", "released"]), st.sampled_from(ESTIMATORS), st.sampled_from([0.0, 0.1, 1.0])
)
@settings(max_examples=300, deadline=None)
def test_torch_and_numpy_agree(batch, form, estimator, alpha):
    torch = pytest.importorskip("torch")
    from table_rewards.frameworks import advantages_torch as fast

    outcomes, steps, mask, groups = batch
    tensors = [torch.tensor(x, dtype=torch.float64) for x in (outcomes, steps, mask)]
    mine = fast.two_level_advantage(*tensors, groups, alpha, form=form, estimator=estimator).numpy()
    theirs = two_level_advantage(outcomes, steps, mask, groups, alpha, form=form, estimator=estimator)
    np.testing.assert_allclose(mine, theirs, atol=1e-9)
    region = [row[0] for row in steps]
    theirs = tarpo_advantage(region, outcomes, groups, form=form)
    mine = fast.tarpo_advantage(torch.tensor(region, dtype=torch.float64), tensors[0], groups, form=form).numpy()
    np.testing.assert_allclose(mine, theirs, atol=1e-9)
