"""Unscored rollouts have no part in the loss: verl's own trainers and its own engine update a model as without them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import v1_trainer
from verl_harness import reward_overrides

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

REWARD = Path(__file__).parents[1] / "support/failing_reward.py"
GROUP, MINI_BATCH = 4, 3  # rollouts of a prompt, prompts of a mini-batch
SCRIPT = {
    "a": ["Final Answer: 7", "Final Answer: 8", "Final Answer: 7 lost", "I say it is Final Answer: 9"],
    "b": ["Final Answer: 8", "Final Answer: 7", "Final Answer: 7 again", "Final Answer: 8 and 8 is lost for good"],
    "c": ["Final Answer: 7", "Final Answer: 7, which is lost", "Final Answer: 12345", "Final Answer: 8"],
}


@pytest.fixture(scope="module", autouse=True)
def ray_and_queue() -> Iterator[None]:
    with v1_trainer.ray_with_queue():
        yield


@pytest.fixture(scope="module")
def run(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[v1_trainer.Run]:
    from tiny_model import build_model

    from table_rewards.frameworks.advantages_verl import register

    register()
    overrides = [
        *reward_overrides("failing", path=REWARD),
        *v1_trainer.ACTOR_ON_A_CPU,
        f"actor_rollout_ref.actor.ppo_mini_batch_size={MINI_BATCH}",
        f"data.train_batch_size={MINI_BATCH}",
        "actor_rollout_ref.actor.optim.lr=0.01",
        "actor_rollout_ref.actor.entropy_coeff=0.01",
    ]
    made = v1_trainer.Run(tokenizer, build_model(tmp_path_factory.mktemp("weights")), overrides, group=GROUP)
    yield made
    made.close()


@pytest.fixture(scope="module")
def actor(run: v1_trainer.Run) -> Iterator[Any]:
    with v1_trainer.actor(run.config) as worker:
        yield worker


class Update:
    """A step from fresh weights: what became of them, and what the trainer logged."""

    def __init__(self, run: v1_trainer.Run, actor: Any, estimator: str, mode: str, *, kl: bool = False) -> None:
        from omegaconf import open_dict

        self.run, self.actor, self.estimator, self.kl = run, actor, estimator, kl
        with open_dict(run.config):
            run.config.algorithm.adv_estimator = estimator
            run.config.actor_rollout_ref.actor.loss_agg_mode = mode
        settings = {"loss_agg_mode": mode, "use_kl_loss": kl, "kl_loss_coef": 1.0}
        vars(actor.loss_fn.keywords["config"]).update(settings)  # a frozen dataclass
        self.engine = actor.actor.engine

    def v1(self, without: str = "") -> tuple[np.ndarray, dict[str, Any]]:
        """`_step_once` of the V1 trainer, without the rollouts that say this."""
        import transfer_queue

        v1_trainer.clear()
        assert self.run.roll_out(SCRIPT) == {"finished": len(SCRIPT)}
        keys = self.run.rollouts(SCRIPT)
        gone = [key for key, said in zip(keys, self.run.said(keys), strict=True) if without and without in said]
        if gone:  # verl fills up with rows of its own that have no tokens
            transfer_queue.kv_clear(partition_id="train", keys=gone)
        metrics: dict[str, Any] = {}
        trainer = v1_trainer.trainer(self.run, self.actor)
        if self.kl:
            trainer.use_reference_policy, trainer.ref_in_actor = True, False
            trainer.ref_policy_wg = Reference(self.actor)
        return self._weights(lambda: trainer._step_once(metrics, {}, MINI_BATCH)), metrics

    def v0(self, without: str = "") -> np.ndarray:
        """`compute_advantage` and `_update_actor` of the classic trainer; those without have no token at all."""
        from types import SimpleNamespace

        from verl.trainer.ppo.ray_trainer import RayPPOTrainer, compute_advantage

        data = classic_batch(self.run.tokenizer)
        if without:  # as verl's own rejection makes them; verl's estimator sees the others alone
            keep = [i for i, text in enumerate(texts()) if without not in text]
            found = compute_advantage(data[keep], adv_estimator=self.estimator, config=self.run.config.algorithm)
            mask = data.batch["response_mask"].clone()
            data.batch["advantages"] = data.batch["token_level_rewards"] * 0.0
            data.batch["advantages"][keep] = found.batch["advantages"]
            mask[[i for i in range(len(data)) if i not in keep]] = 0
            data.batch["response_mask"] = mask
        else:
            data = compute_advantage(data, adv_estimator=self.estimator, config=self.run.config.algorithm)
        me = SimpleNamespace(
            config=self.run.config, actor_rollout_wg=self.actor, use_prefix_grouper=False, distillation_config=None
        )
        data.meta_info["temperature"] = 1.0
        return self._weights(lambda: RayPPOTrainer._update_actor(me, data))

    def _weights(self, step: Any) -> np.ndarray:
        model = self.engine.module
        before, optimizer = copy.deepcopy(model.state_dict()), copy.deepcopy(self.engine.optimizer.state_dict())
        try:
            step()
            return np.concatenate([_plain(value) for value in model.state_dict().values()])
        finally:
            model.load_state_dict(before)
            self.engine.optimizer.load_state_dict(optimizer)


class Reference:
    """A reference policy of other weights than the actor's, in the actor's own engine."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor

    def compute_ref_log_prob(self, batch: Any) -> Any:
        import torch

        model = self.actor.actor.engine.module
        before = copy.deepcopy(model.state_dict())
        try:
            with torch.no_grad():
                for weight in model.parameters():
                    weight.mul_(0.5)
            return self.actor.compute_log_prob(batch)
        finally:
            model.load_state_dict(before)


def texts() -> list[str]:
    return [text for group in SCRIPT.values() for text in group]


def classic_batch(tokenizer: Any) -> Any:
    """What the classic trainer has in hands before the advantages: padded tensors, and the reward's columns."""
    import torch
    from verl_harness import Row, make_batch, objects

    rows = [Row(text, "7", uid=uid) for uid, group in SCRIPT.items() for text in group]
    data = make_batch(tokenizer, rows, prompt_length=32)
    attention = data.batch["attention_mask"]
    width = data.batch["responses"].shape[1]
    mask = attention[:, -width:]  # a view, as verl's own compute_response_mask gives
    rewards = torch.zeros(len(rows), width)
    for i, text in enumerate(texts()):
        rewards[i, int(mask[i].sum()) - 1] = float("Answer: 7" in text)
    data.batch.update(
        {"response_mask": mask, "token_level_rewards": rewards, "old_log_probs": torch.zeros_like(rewards)}
    )
    data.batch["position_ids"] = (attention.cumsum(1) - 1).clamp(min=0)
    data.non_tensor_batch = {"uid": data.non_tensor_batch["uid"]}
    data.non_tensor_batch["unscored"] = objects([float("lost" in text) for text in texts()])
    return data


def _plain(value: Any) -> np.ndarray:
    value = value.full_tensor() if hasattr(value, "full_tensor") else value
    return value.detach().flatten().double().numpy().copy()


@pytest.mark.parametrize(("mode", "kl"), [("token-mean", False), ("seq-mean-token-sum", False), ("token-mean", True)])
def test_the_v1_trainer_updates_the_model_as_without_the_unscored_rollouts(
    run: v1_trainer.Run, actor: Any, mode: str, kl: bool
) -> None:
    """The policy's gradient, the entropy's (entropy_coeff is not 0) and that of a KL term to other weights."""
    found, told = Update(run, actor, "grpo_scored", mode, kl=kl).v1()
    alone, expected = Update(run, actor, "grpo", mode, kl=kl).v1(without="lost")
    filled, other = Update(run, actor, "grpo", mode, kl=kl).v1()
    if kl:
        assert told["actor/kl_loss"] == pytest.approx(expected["actor/kl_loss"], rel=1e-4)
        assert told["actor/kl_loss"] != pytest.approx(other["actor/kl_loss"], rel=1e-4)
    assert told["actor/grad_norm"] == pytest.approx(expected["actor/grad_norm"], rel=1e-4)
    assert_same_step(found, alone, filled)


@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-mean"])
def test_the_classic_trainer_does_as_well(run: v1_trainer.Run, actor: Any, mode: str) -> None:
    found = Update(run, actor, "grpo_scored", mode).v0()
    alone = Update(run, actor, "grpo", mode).v0(without="lost")
    filled = Update(run, actor, "grpo", mode).v0()
    assert_same_step(found, alone, filled)


def assert_same_step(found: np.ndarray, alone: np.ndarray, filled: np.ndarray) -> None:
    """By the mean: Adam makes a step of full size from a gradient that is nearly 0, whose sign is chance."""
    assert np.abs(found - alone).mean() < 1e-6
    assert np.abs(filled - alone).mean() > 1e-4, "verl's own estimator learns from the filler"


def test_a_mini_batch_of_unscored_rollouts_alone_has_a_loss_that_is_a_number(run: v1_trainer.Run, actor: Any) -> None:
    """A reward that answers for nobody: each rollout keeps its first token, whose advantage is 0."""
    v1_trainer.clear()
    script = {uid: [f"{text} lost" for text in group] for uid, group in SCRIPT.items()}
    assert run.roll_out(script) == {"finished": len(SCRIPT)}
    metrics: dict[str, Any] = {}
    update = Update(run, actor, "grpo_scored", "token-mean")
    step = v1_trainer.trainer(run, actor)._step_once
    assert np.isfinite(update._weights(lambda: step(metrics, {}, MINI_BATCH))).all()
    assert np.isfinite([metrics["actor/loss"], metrics["actor/grad_norm"]]).all()
    masks = v1_trainer.field("loss_mask", run.rollouts(script))
    assert [int(mask.sum()) for mask in masks] == [1] * len(masks)
