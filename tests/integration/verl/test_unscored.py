"""Outages behind verl's own trainers: unscored rollouts have advantage 0 and change nobody else's; training stops at
the ceiling and validation does not; a wrong option stops before the first rollout."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import queue_in_memory
from verl_harness import local_ray, reward_overrides, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PROMPTS, GROUP = 40, 8
REWARD = Path(__file__).parents[1] / "support/failing_reward.py"
VERL = {"grpo": "grpo", "rloo": "rloo", "reinforce_plus_plus": "reinforce_plus_plus"}


class Said:
    """Stands for the inference server: gives each prompt its scripted completions, one after the other."""

    def __init__(self, tokenizer: Any, script: dict[str, list[str]]) -> None:
        self.tokenizer, self.script = tokenizer, {key: list(texts) for key, texts in script.items()}

    async def generate(self, request_id: str, *, prompt_ids: Any, sampling_params: Any, **kwargs: Any) -> Any:
        from verl.workers.rollout.replica import TokenOutput

        asked = self.tokenizer.decode(prompt_ids)
        key = asked[asked.index("[") + 1 : asked.index("]")]
        ids = [*self.tokenizer(self.script[key].pop(0))["input_ids"], self.tokenizer.eos_token_id]
        return TokenOutput(token_ids=ids, log_probs=[0.0] * len(ids))


class Run:
    """verl's V1 agent loop with real reward workers, and an in-memory queue."""

    def __init__(
        self, tokenizer: Any, folder: Path, *, workers: int = 2, manager: str = "naive", **options: Any
    ) -> None:
        self.queue = queue_in_memory.install()
        from verl.experimental.reward_loop import RewardLoopManager

        self.tokenizer = tokenizer
        overrides = reward_overrides("failing", path=REWARD, manager=manager, **options)
        self.config = trainer_config(
            [
                *overrides,
                f"reward.num_workers={workers}",
                f"actor_rollout_ref.rollout.n={GROUP}",
                f"actor_rollout_ref.rollout.val_kwargs.n={GROUP}",
                "actor_rollout_ref.rollout.name=vllm",
                "data.max_prompt_length=64",
                "data.max_response_length=64",
                "data.train_files=x",
            ],
            model=folder,
        )
        self.rewards = RewardLoopManager(self.config)

    def roll_out(self, script: dict[str, list[str]], *, validate: bool = False, split: str = "train") -> Counter[str]:
        """Generate and score; returns how many prompts ended in which status."""
        from verl.trainer.ppo.v1 import agent_loop_tq

        partition = "val" if validate else "train"
        kind = agent_loop_tq.AgentLoopWorkerTQ.__ray_metadata__.modified_class
        handles = self.rewards.reward_loop_worker_handles

        async def all_prompts() -> None:
            worker = kind(self.config, Said(self.tokenizer, script), reward_loop_worker_handles=handles)
            sampling = {"temperature": 1.0, "top_p": 1.0, "top_k": -1, "repetition_penalty": 1.0, "logprobs": False}
            tasks = []
            for i, uid in enumerate(script):
                self.queue.put([uid], partition, None, [{"is_prompt": True, "status": "pending", "global_steps": 1}])
                prompt = {
                    "uid": uid,
                    "raw_prompt": [{"role": "user", "content": f"[{uid}]"}],
                    "data_source": "tablebench",
                    "reward_model": {"ground_truth": "7"},
                    "extra_info": {"index": i, "split": split},
                    "agent_name": "single_turn_agent",
                    "index": i,
                    "global_steps": 1,
                    "tools_kwargs": {},
                }
                trajectory = {"step": 1, "sample_index": i, "rollout_n": 0, "validate": validate}
                tasks.append(worker._run_prompt(prompt, sampling, trajectory=trajectory))
            await asyncio.gather(*tasks)

        asyncio.run(all_prompts())
        return Counter(self.queue.tags[partition][uid]["status"] for uid in script)

    def rollouts(self, script: dict[str, list[str]], partition: str = "train") -> list[str]:
        return [key for key in self.queue.fields[partition] if key.split("_")[0] in script]

    def said(self, key: str, partition: str = "train") -> str:
        ids = self.queue.fields[partition][key]["responses"]
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def close(self) -> None:
        close(self.rewards)


def close(rewards: Any) -> None:
    """Kill the workers, and wait until their names are free again."""
    import ray

    for worker in rewards.reward_loop_workers:
        ray.kill(worker)
    for _ in range(100):
        names = {one["name"] for one in ray.util.list_named_actors(all_namespaces=True)}
        if not any(name.startswith("reward_loop_worker") for name in names):
            return
        time.sleep(0.1)


@pytest.fixture(scope="module", autouse=True)
def ray_slots() -> Iterator[None]:
    with local_ray(8):
        yield


@pytest.fixture(scope="module")
def outage(tokenizer: Any, model_folder: Path) -> tuple[Run, dict[str, list[str]]]:
    """40 prompts of 8, every tenth rollout lost, scored one by one by random workers."""
    chance = random.Random(1)
    script = {}
    for p in range(PROMPTS):
        easy = chance.random()
        texts = [f"Final Answer: {7 if chance.random() < easy else 8}" for _ in range(GROUP)]
        script[f"p{p}"] = [f"{text} lost" if chance.random() < 0.1 else text for text in texts]
    run = Run(tokenizer, model_folder)
    try:
        assert run.roll_out(script) == {"finished": PROMPTS}
    finally:
        run.close()
    assert all("unscored" in row["extra_fields"]["reward_extra_info"] for row in run.queue.fields["train"].values())
    for row in run.queue.fields["train"].values():
        row["old_log_probs"] = row["rollout_log_probs"]
    return run, script


def advantages_v1(run: Run, keys: list[str], estimator: str) -> np.ndarray:
    """The V1 trainer's own step, which fetches from its queue and puts back."""
    from omegaconf import open_dict
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    with open_dict(run.config):
        run.config.algorithm.adv_estimator = estimator
    PPOTrainer._compute_advantage(
        SimpleNamespace(config=run.config), queue_in_memory.KVBatchMeta("train", keys), metrics={}
    )
    return np.array([float(run.queue.fields["train"][key]["advantages"][0]) for key in keys])


def advantages_v0(run: Run, keys: list[str], estimator: str) -> np.ndarray:
    """The classic trainer's compute_advantage, on the batch that its agent loop hands over."""
    import torch
    from tensordict import TensorDict
    from verl import DataProto
    from verl.trainer.ppo.ray_trainer import compute_advantage

    rows = [run.queue.fields["train"][key] for key in keys]
    rewards = torch.nn.utils.rnn.pad_sequence([row["rm_scores"] for row in rows], batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([row["response_mask"] for row in rows], batch_first=True).float()
    data = DataProto(batch=TensorDict({"token_level_rewards": rewards, "response_mask": mask}, batch_size=len(rows)))
    infos = [row["extra_fields"]["reward_extra_info"] for row in rows]
    data.non_tensor_batch = {name: np.array([info[name] for info in infos]) for name in infos[0]}
    data.non_tensor_batch["uid"] = np.array([key.split("_")[0] for key in keys], dtype=object)
    found = compute_advantage(data, adv_estimator=estimator, config=run.config.algorithm)
    return found.batch["advantages"][:, 0].numpy()


@pytest.mark.parametrize("name", ["grpo", "rloo", "reinforce_plus_plus"])
@pytest.mark.parametrize("trainer", [advantages_v1, advantages_v0], ids=["v1", "v0"])
def test_unscored_rollouts_have_advantage_0_and_change_nobody_elses(outage: Any, name: str, trainer: Any) -> None:
    from table_rewards.frameworks.advantages_verl import register

    register()
    run, script = outage
    keys = run.rollouts(script)
    lost = np.array(["lost" in run.said(key) for key in keys])
    assert 20 < lost.sum() < 45
    assert len(keys) == PROMPTS * GROUP
    found = trainer(run, keys, f"{name}_scored")
    assert (found[lost] == 0.0).all()
    scored = [key for key, out in zip(keys, lost, strict=True) if not out]
    alone = trainer(run, scored, name)  # verl's own estimator on a run without them
    np.testing.assert_allclose(found[~lost], alone, atol=1e-6)
    assert np.abs(alone).mean() > 0.1
    assert np.abs(trainer(run, keys, name)[lost]).mean() > 0.0, "verl's own estimator takes the filler for a reward"


def test_past_the_ceiling_every_call_raises_and_v1_has_nothing_left_to_train_on(
    tokenizer: Any, model_folder: Path
) -> None:
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    run = Run(tokenizer, model_folder, workers=1)
    try:
        broken = {f"a{p}": ["Final Answer: 7", *["lost"] * (GROUP - 1)] for p in range(10)}
        assert run.roll_out(broken)["failure"] >= 1
        healthy = {f"b{p}": ["Final Answer: 7"] * GROUP for p in range(4)}
        assert run.roll_out(healthy) == {"failure": 4}, "every call raises, whatever its own sample is"
        run.queue.tags["train"] = {k: t for k, t in run.queue.tags["train"].items() if k.split("_")[0] in healthy}
        with pytest.raises(RuntimeError, match="no materializable trajectories"):
            ReplayBuffer("sync", run.config.trainer, None, "drop", None).sample(1, "train", len(healthy))
        validation = {f"v{p}": ["lost", *["Final Answer: 7"] * (GROUP - 1)] for p in range(4)}
        assert run.roll_out(validation, validate=True, split="test") == {"finished": 4}, "validation never raises"
        infos = [
            run.queue.fields["val"][k]["extra_fields"]["reward_extra_info"] for k in run.rollouts(validation, "val")
        ]
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
