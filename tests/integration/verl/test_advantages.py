"""Our estimators in verl's own registry, called by verl's own ``compute_advantage``."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REGION, ANSWER = [0.5, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]
UID = np.array(["p", "p", "q", "q"], dtype=object)
MASK = [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]


def batch(rewards, columns=None, tensors=None):
    import torch
    from tensordict import TensorDict
    from verl import DataProto

    held = {"token_level_rewards": torch.tensor(rewards), "response_mask": torch.tensor(MASK, dtype=torch.float32)}
    held.update({name: torch.tensor(value) for name, value in (tensors or {}).items()})
    data = DataProto(batch=TensorDict(held, batch_size=4))
    data.non_tensor_batch = {"uid": UID, **{name: np.array(value) for name, value in (columns or {}).items()}}
    return data


def on_last_token(values):
    rewards = np.zeros((4, 4), dtype=np.float32)
    for row, value in enumerate(values):
        rewards[row, sum(MASK[row]) - 1] = value
    return rewards


def advantages(data, name):
    from verl.trainer.ppo.ray_trainer import compute_advantage

    return compute_advantage(data, adv_estimator=name, config=None).batch["advantages"].numpy()


@pytest.fixture(autouse=True)
def estimators():
    from table_rewards.frameworks.advantages_verl import register

    return register()


@pytest.mark.parametrize("form", ["corrected", "released"])
def test_tarpo_finds_region_and_answer_in_the_columns(form):
    from table_rewards.frameworks.advantages import tarpo_advantage

    a = 0.3
    total = [a * r + (1 - a) * s for r, s in zip(REGION, ANSWER, strict=True)]
    data = batch(on_last_token(total), {"region": REGION, "answer": ANSWER})
    expected = tarpo_advantage(a * np.array(REGION), (1 - a) * np.array(ANSWER), UID, form=form)
    name = "tarpo" if form == "corrected" else "tarpo_released"
    np.testing.assert_allclose(advantages(data, name), expected[:, None] * np.array(MASK), atol=1e-4)


def test_tarpo_without_its_columns_says_what_is_missing():
    from table_rewards import ConfigurationError

    with pytest.raises(ConfigurationError, match="returned no 'region'"):
        advantages(batch(on_last_token([1.0, 0.0, 1.0, 0.0])), "tarpo")


def test_tarpo_by_tokens():
    from table_rewards.frameworks.advantages import tarpo_advantage

    rewards = on_last_token([0.7 * x for x in ANSWER])
    for row in range(4):
        rewards[row, sum(MASK[row]) - 2] = 0.3 * REGION[row]
    expected = tarpo_advantage(0.3 * np.array(REGION), 0.7 * np.array(ANSWER), UID)
    np.testing.assert_allclose(
        advantages(batch(rewards), "tarpo_tokens"), expected[:, None] * np.array(MASK), atol=1e-4
    )


def test_tango_finds_step_rewards_in_the_batch_and_on_tokens(monkeypatch):
    from table_rewards.frameworks.advantages import two_level_advantage

    monkeypatch.setenv("TABLE_REWARDS_STEP_WEIGHT", "0.25")
    steps = np.zeros((4, 4), dtype=np.float32)
    steps[0, 0], steps[0, 1], steps[1, 1] = 0.5, -0.5, 1.0
    outcomes = [1.0, 0.0, 1.0, 0.0]
    expected = two_level_advantage(outcomes, steps, MASK, UID, 0.25)
    data = batch(on_last_token(outcomes), tensors={"step_rewards": steps})
    np.testing.assert_allclose(advantages(data, "tango"), expected, atol=1e-5)
    np.testing.assert_allclose(advantages(batch(on_last_token(outcomes) + steps), "tango_tokens"), expected, atol=1e-5)


def test_tarpo_and_tango_take_unscored_rollouts_out_of_the_loss(monkeypatch):
    """Of tango's also those whose steps the verifier rewarded: their advantage is 0."""
    monkeypatch.setenv("TABLE_REWARDS_STEP_WEIGHT", "0.25")
    unscored = {"unscored": [0.0, 1.0, 1.0, 0.0]}
    steps = np.zeros((4, 4), dtype=np.float32)
    steps[0, 0], steps[2, 1], steps[3, 0] = 0.5, -0.5, 1.0
    data = batch(on_last_token([1.0, 0.3, 0.3, 0.0]), unscored, {"step_rewards": steps})
    found = advantages(data, "tango")
    assert data.batch["response_mask"].sum(1).tolist() == [4.0, 0.0, 0.0, 4.0]
    assert (found[1:3] == 0.0).all()
    assert (found[0] != 0.0).any()
    rewards = on_last_token([0.3 * r + 0.7 * a for r, a in zip(REGION, ANSWER, strict=True)])
    data = batch(rewards, {"region": REGION, "answer": ANSWER, **unscored})
    found = advantages(data, "tarpo")
    assert data.batch["response_mask"].sum(1).tolist() == [4.0, 0.0, 0.0, 4.0]
    assert (found[1:3] == 0.0).all()


@pytest.mark.parametrize("kind", ["rloo", "reinforce_plus_plus"])
@pytest.mark.parametrize("form", ["corrected", "released"])
def test_tango_in_its_other_forms(kind, form, monkeypatch):
    from table_rewards.frameworks.advantages import two_level_advantage

    monkeypatch.setenv("TABLE_REWARDS_STEP_WEIGHT", "0.25")
    steps = np.zeros((4, 4), dtype=np.float32)
    steps[0, 0], steps[0, 1], steps[1, 1], steps[3, 2] = 0.5, -0.5, 1.0, -1.0
    outcomes = [1.0, 0.0, 1.0, 0.5]
    expected = two_level_advantage(outcomes, steps, MASK, UID, 0.25, estimator=kind, form=form)
    released = "_released" if form == "released" else ""
    placed = advantages(batch(on_last_token(outcomes), tensors={"step_rewards": steps}), f"tango_{kind}{released}")
    np.testing.assert_allclose(placed, expected, atol=1e-5)
    if form == "corrected":
        tokens = advantages(batch(on_last_token(outcomes) + steps), f"tango_{kind}_tokens")
        np.testing.assert_allclose(tokens, expected, atol=1e-5)


def test_alpha_follows_verls_step():
    from table_rewards.frameworks.advantages import StepWeight, two_level_advantage

    steps = np.zeros((4, 4), dtype=np.float32)
    steps[0, 0], steps[1, 1] = 1.0, -1.0
    data = batch(on_last_token([1.0, 0.0, 1.0, 0.0]), tensors={"step_rewards": steps})
    data.meta_info["global_steps"] = 101
    expected = two_level_advantage([1.0, 0.0, 1.0, 0.0], steps, MASK, UID, StepWeight()(100))
    np.testing.assert_allclose(advantages(data, "tango"), expected, atol=1e-5)


def test_without_a_penalty_corrected_tarpo_is_verls_grpo():
    """Regions that agree with the answers leave GRPO as it is."""
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

    total = [1.0, 0.0, 1.0, 0.0]
    data = batch(on_last_token(total), {"region": total, "answer": total})
    grpo, _ = compute_grpo_outcome_advantage(
        data.batch["token_level_rewards"].clone(), data.batch["response_mask"], UID
    )
    np.testing.assert_allclose(advantages(data, "tarpo"), grpo.numpy(), atol=1e-5)


def test_the_environment_variable_registers_them_in_any_process():
    script = (
        "import verl; from verl.trainer.ppo.core_algos import get_adv_estimator_fn as f; print(f('tango'), f('tarpo'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "VERL_USE_EXTERNAL_MODULES": "table_rewards.frameworks.advantages_verl"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "estimator" in done.stdout, done.stderr[-2000:]


def test_torch_and_numpy_agree_on_many_random_batches():
    import torch

    from table_rewards.frameworks import advantages as plain
    from table_rewards.frameworks import advantages_torch as fast

    random = np.random.default_rng(0)
    for _ in range(300):
        n, width = random.integers(1, 12), random.integers(1, 9)
        groups = random.integers(0, 4, n).tolist()
        steps = random.normal(size=(n, width)) * (random.random((n, width)) < 0.3)
        mask = (np.arange(width) < random.integers(1, width + 1, (n, 1))).astype(float)
        outcomes = np.where(random.random(n) < 0.1, np.nan, random.integers(0, 2, n))
        for form in ("corrected", "released"):
            mine = fast.two_level_advantage(*map(torch.tensor, (outcomes, steps, mask)), groups, 0.1, form=form)
            np.testing.assert_allclose(
                mine.numpy(), plain.two_level_advantage(outcomes, steps, mask, groups, 0.1, form=form), atol=1e-9
            )
            mine = fast.tarpo_advantage(torch.tensor(steps[:, 0]), torch.tensor(outcomes), groups, form=form)
            np.testing.assert_allclose(
                mine.numpy(), plain.tarpo_advantage(steps[:, 0], outcomes, groups, form=form), atol=1e-9
            )
