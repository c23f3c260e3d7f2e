"""Outages behind verl's own trainers: unscored rollouts have advantage 0 and change nobody else's; training stops at
the ceiling and validation does not; a wrong option stops before the first rollout."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import v1_trainer
from verl_harness import reward_overrides, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PROMPTS, GROUP = 40, 8
REWARD = Path(__file__).parents[1] / "support/failing_reward.py"


def run_of(tokenizer: Any, folder: Path, *, workers: int = 2, manager: str = "naive", **options: Any) -> v1_trainer.Run:
    """Rollouts of the reward that is lost on what says so."""
    overrides = reward_overrides("failing", path=REWARD, manager=manager, **options)
    return v1_trainer.Run(tokenizer, folder, overrides, group=GROUP, workers=workers)


@pytest.fixture(scope="module", autouse=True)
def ray_and_queue() -> Iterator[None]:
    with v1_trainer.ray_with_queue():
        yield


@pytest.fixture(scope="module")
def outage(tokenizer: Any, model_folder: Path) -> tuple[v1_trainer.Run, dict[str, list[str]]]:
    """40 prompts of 8, every tenth rollout lost, scored one by one by random workers."""
    chance = random.Random(1)
    script = {}
    for p in range(PROMPTS):
        easy = chance.random()
        texts = [f"Final Answer: {7 if chance.random() < easy else 8}" for _ in range(GROUP)]
        script[f"p{p}"] = [f"{text} lost" if chance.random() < 0.1 else text for text in texts]
    run = run_of(tokenizer, model_folder)
    try:
        assert run.roll_out(script) == {"finished": PROMPTS}
    finally:
        run.close()
    keys = run.rollouts(script)
    assert all("unscored" in told for told in run.told(keys))
    v1_trainer.put("old_log_probs", keys, v1_trainer.field("rollout_log_probs", keys))
    return run, script


def advantages_v1(run: v1_trainer.Run, keys: list[str], estimator: str) -> tuple[np.ndarray, list[int]]:
    """The V1 trainer's own step, which fetches from its queue and puts back; and the tokens left in the loss."""
    from omegaconf import open_dict
    from transfer_queue import KVBatchMeta
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    masks = v1_trainer.field("response_mask", keys)
    with open_dict(run.config):
        run.config.algorithm.adv_estimator = estimator
    batch = KVBatchMeta(partition_id="train", keys=keys, tags=[{} for _ in keys])
    PPOTrainer._compute_advantage(SimpleNamespace(config=run.config), batch, metrics={})
    found = np.array([float(one[0]) for one in v1_trainer.field("advantages", keys)])
    left = [int(one.sum()) for one in v1_trainer.field("response_mask", keys)]
    assert left == [int(one.sum()) for one in v1_trainer.field("loss_mask", keys)], "what the loss is divided by"
    for name in ("response_mask", "loss_mask"):  # as they were, for the next test
        v1_trainer.put(name, keys, masks)
    return found, left


def advantages_v0(run: v1_trainer.Run, keys: list[str], estimator: str) -> tuple[np.ndarray, list[int]]:
    """The classic trainer's compute_advantage, on the batch that its agent loop hands over."""
    import torch
    from tensordict import TensorDict
    from verl import DataProto
    from verl.trainer.ppo.ray_trainer import compute_advantage

    padded = {
        name: torch.nn.utils.rnn.pad_sequence(list(v1_trainer.field(field, keys)), batch_first=True)
        for name, field in (("token_level_rewards", "rm_scores"), ("attention_mask", "response_mask"))
    }
    width = padded["attention_mask"].shape[1]
    data = DataProto(batch=TensorDict({**padded, "responses": torch.zeros(len(keys), width)}, batch_size=len(keys)))
    infos = run.told(keys)
    data.non_tensor_batch = {name: np.array([info[name] for info in infos]) for name in infos[0]}
    data.non_tensor_batch["uid"] = np.array([key.split("_")[0] for key in keys], dtype=object)
    found = compute_advantage(data, adv_estimator=estimator, config=run.config.algorithm)
    assert int(found.batch["attention_mask"].sum(1).min()) > 0, "lengths are counted from it"
    return found.batch["advantages"][:, 0].numpy(), found.batch["response_mask"].sum(1).tolist()


@pytest.mark.parametrize("name", ["grpo", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline", "opo"])
@pytest.mark.parametrize("trainer", [advantages_v1, advantages_v0], ids=["v1", "v0"])
def test_unscored_rollouts_have_advantage_0_and_change_nobody_elses(outage: Any, name: str, trainer: Any) -> None:
    from table_rewards.frameworks.advantages_verl import register

    register()
    run, script = outage
    keys = run.rollouts(script)
    lost = np.array(["lost" in said for said in run.said(keys)])
    assert 20 < lost.sum() < 45
    assert len(keys) == PROMPTS * GROUP
    found, tokens = trainer(run, keys, f"{name}_scored")
    assert (found[lost] == 0.0).all()
    assert [count == 0 for count in tokens] == lost.tolist(), "no token in the loss"
    scored = [key for key, out in zip(keys, lost, strict=True) if not out]
    alone, _ = trainer(run, scored, name)  # verl's own estimator on a run without them
    np.testing.assert_allclose(found[~lost], alone, atol=1e-6)
    assert np.abs(alone).mean() > 0.1
    filled, tokens = trainer(run, keys, name)
    assert np.abs(filled[lost]).mean() > 0.0, "verl's own estimator takes the filler for a reward"
    assert min(tokens) > 0


def test_past_the_ceiling_every_call_raises_and_v1_has_nothing_left_to_train_on(
    tokenizer: Any, model_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    v1_trainer.clear()
    run = run_of(tokenizer, model_folder, workers=1)
    try:
        broken = {f"a{p}": ["Final Answer: 7", *["lost"] * (GROUP - 1)] for p in range(10)}
        assert run.roll_out(broken)["failure"] >= 1
        healthy = {f"b{p}": ["Final Answer: 7"] * GROUP for p in range(4)}
        assert run.roll_out(healthy) == {"failure": 4}, "every call raises, whatever its own sample is"
        assert "(unscored_ceiling); last reasons: endpoint down" in caplog.text, "the cause, in the agent loop's log"
        v1_trainer.clear()
        assert run.roll_out({f"c{p}": texts for p, texts in enumerate(healthy.values())}) == {"failure": 4}
        with pytest.raises(RuntimeError, match="no materializable trajectories"):
            ReplayBuffer("sync", run.config.trainer, None, "drop", None).sample(1, "train", len(healthy))
        validation = {f"v{p}": ["lost", *["Final Answer: 7"] * (GROUP - 1)] for p in range(4)}
        assert run.roll_out(validation, validate=True, split="test") == {"finished": 4}, "validation never raises"
        infos = run.told(run.rollouts(validation, "val"), "val")
        assert sum(info["unscored"] for info in infos) == 4
        assert all(np.isfinite(list(info.values())).all() for info in infos)
    finally:
        run.close()


@pytest.mark.parametrize("manager", ["naive", "rate_limited"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrik": "em"}, "did you mean 'metric'"),
        ({"unscored": "skip"}, "unscored must be"),
        ({"metric": "emm"}, "emm"),
    ],
)
def test_a_wrong_option_stops_when_verl_loads_the_function(
    manager: str, options: dict[str, Any], said: str, tokenizer: Any, model_folder: Path
) -> None:
    from verl.trainer.ppo.reward import load_reward_manager

    config = trainer_config(reward_overrides("table_bench", manager=manager, **options), model=model_folder)
    with pytest.raises(ValueError, match=said):
        load_reward_manager(config, tokenizer)


def test_the_file_of_the_adapter_checks_as_well(adapter_file: Path, tokenizer: Any, model_folder: Path) -> None:
    from verl.trainer.ppo.reward import load_reward_manager

    config = trainer_config(reward_overrides("teds", path=adapter_file, structure="yes"), model=model_folder)
    with pytest.raises(ValueError, match="did you mean 'structure_only'"):
        load_reward_manager(config, tokenizer)


def test_an_actor_that_cannot_start_says_why(model_folder: Path) -> None:
    import ray
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

    config = trainer_config(reward_overrides("table_bench", metrik="em"), model=model_folder)
    worker = ray.remote(RewardLoopWorker).remote(config)
    with pytest.raises(ray.exceptions.RayActorError, match="did you mean 'metric'"):
        ray.get(worker.compute_score.remote(None), timeout=120)
