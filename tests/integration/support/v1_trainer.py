"""verl's V1 trainer on a CPU: its agent loop with scripted completions, real reward workers, the real TransferQueue,
its replay buffer, its steps, and its FSDP engine with a tiny model. The inference server alone is played."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from verl_harness import local_ray, trainer_config

PROMPT = {"data_source": "tablebench", "reward_model": {"ground_truth": "7"}, "agent_name": "single_turn_agent"}


@contextmanager
def ray_with_queue(cpus: int = 12) -> Iterator[None]:
    """A local Ray with a TransferQueue of one storage unit, as ``TaskRunnerV1`` starts it. `cpus` are slots."""
    import transfer_queue
    from omegaconf import OmegaConf

    with local_ray(cpus):
        transfer_queue.init(OmegaConf.create({"backend": {"SimpleStorage": {"num_data_storage_units": 1}}}))
        try:
            yield
        finally:
            transfer_queue.close()


class Said:
    """Stands for the inference server: gives each prompt its scripted completions, one after the other."""

    def __init__(self, tokenizer: Any, script: Mapping[str, Sequence[str]]) -> None:
        self.tokenizer, self.script = tokenizer, {key: list(texts) for key, texts in script.items()}

    async def generate(self, request_id: str, *, prompt_ids: Any, sampling_params: Any, **kwargs: Any) -> Any:
        from verl.workers.rollout.replica import TokenOutput

        asked = self.tokenizer.decode(prompt_ids)
        key = asked[asked.index("[") + 1 : asked.index("]")]
        ids = [*self.tokenizer(self.script[key].pop(0))["input_ids"], self.tokenizer.eos_token_id]
        return TokenOutput(token_ids=ids, log_probs=[0.0] * len(ids))


class Run:
    """Rollouts of the V1 trainer: generated, scored by reward workers, and put into the queue."""

    def __init__(
        self, tokenizer: Any, model: Path, overrides: Iterable[str], *, group: int = 8, workers: int = 2
    ) -> None:
        from verl.experimental.reward_loop import RewardLoopManager

        self.tokenizer, self.group = tokenizer, group
        self.config = trainer_config(
            [
                f"reward.num_workers={workers}",
                f"actor_rollout_ref.rollout.n={group}",
                f"actor_rollout_ref.rollout.val_kwargs.n={group}",
                "actor_rollout_ref.rollout.name=vllm",
                "data.max_prompt_length=64",
                "data.max_response_length=64",
                "data.train_files=x",
                *overrides,
            ],
            model=model,
        )
        self.rewards = RewardLoopManager(self.config)

    def roll_out(
        self,
        script: Mapping[str, Sequence[str]],
        *,
        validate: bool = False,
        split: str | None = "train",
        step: int = 1,
        row: Mapping[str, Any] = PROMPT,
        index: bool = True,
    ) -> Counter[str]:
        """Generate and score; returns how many prompts ended in which status."""
        import transfer_queue
        from verl.trainer.ppo.v1 import agent_loop_tq

        partition = "val" if validate else "train"
        kind = agent_loop_tq.AgentLoopWorkerTQ.__ray_metadata__.modified_class
        tags = [{"is_prompt": True, "status": "pending", "global_steps": step} for _ in script]
        transfer_queue.kv_batch_put(keys=list(script), partition_id=partition, tags=tags)

        async def all_prompts() -> None:
            handles = self.rewards.reward_loop_worker_handles
            worker = kind(self.config, Said(self.tokenizer, script), reward_loop_worker_handles=handles)
            sampling = {"temperature": 1.0, "top_p": 1.0, "top_k": -1, "repetition_penalty": 1.0, "logprobs": False}
            tasks = []
            for i, uid in enumerate(script):
                info: dict[str, Any] = {"index": i} if index else {}
                info |= {} if split is None else {"split": split}
                prompt = {
                    "uid": uid,
                    "raw_prompt": [{"role": "user", "content": f"[{uid}]"}],
                    "index": i,
                    "global_steps": step,
                    "tools_kwargs": {},
                    **row,
                    "extra_info": {**info, **row.get("extra_info", {})},
                }
                trajectory = {"step": step, "sample_index": i, "rollout_n": 0, "validate": validate}
                tasks.append(worker._run_prompt(prompt, sampling, trajectory=trajectory))
            await asyncio.gather(*tasks)

        asyncio.run(all_prompts())
        found = tags_of(partition)
        return Counter(found[uid]["status"] for uid in script)

    def rollouts(self, script: Iterable[str], partition: str = "train") -> list[str]:
        """The keys of the rollouts of these prompts."""
        wanted = set(script)
        return [key for key in tags_of(partition) if "_" in key and key.split("_")[0] in wanted]

    def said(self, keys: list[str], partition: str = "train") -> list[str]:
        """What each rollout said."""
        ids = field("responses", keys, partition)
        return [str(self.tokenizer.decode(one, skip_special_tokens=True)) for one in ids]

    def told(self, keys: list[str], partition: str = "train") -> list[dict[str, Any]]:
        """What the reward said of each rollout."""
        return [dict(one["reward_extra_info"]) for one in field("extra_fields", keys, partition)]

    def close(self) -> None:
        """Kill the workers, and wait until their names are free again."""
        import ray

        for worker in self.rewards.reward_loop_workers:
            ray.kill(worker)
        for _ in range(100):
            names = {one["name"] for one in ray.util.list_named_actors(all_namespaces=True)}
            if not any(name.startswith("reward_loop_worker") for name in names):
                return
            time.sleep(0.1)


def tags_of(partition: str) -> dict[str, dict[str, Any]]:
    """The queue's tags of a partition by key."""
    import transfer_queue

    return dict((transfer_queue.kv_list(partition) or {}).get(partition, {}))


def field(name: str, keys: list[str], partition: str = "train") -> list[Any]:
    """A field of these rollouts, one tensor or value each."""
    import transfer_queue

    column = transfer_queue.kv_batch_get(keys=keys, partition_id=partition, select_fields=[name])[name]
    rows = column.unbind() if hasattr(column, "offsets") or hasattr(column, "dim") else list(column)
    return [getattr(row, "data", row) if not hasattr(row, "shape") else row for row in rows]


def put(name: str, keys: list[str], rows: Sequence[Any], partition: str = "train") -> None:
    """Write a field of these rollouts."""
    import torch
    import transfer_queue
    from tensordict import TensorDict

    column = torch.nested.as_nested_tensor(list(rows), layout=torch.jagged)
    transfer_queue.kv_batch_put(
        keys=keys, partition_id=partition, fields=TensorDict({name: column}, batch_size=len(keys))
    )


def clear(partition: str = "train") -> None:
    """Empty a partition, as the trainer does after a step."""
    import transfer_queue

    keys = list(tags_of(partition))
    if keys:
        transfer_queue.kv_clear(partition_id=partition, keys=keys)


ACTOR_ON_A_CPU = [
    "actor_rollout_ref.actor.strategy=fsdp2",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4",
    "actor_rollout_ref.actor.use_torch_compile=False",
    "actor_rollout_ref.actor.fsdp_config.use_torch_compile=False",
    "actor_rollout_ref.actor.fsdp_config.model_dtype=fp32",
    "+actor_rollout_ref.actor.fsdp_config.mixed_precision.param_dtype=fp32",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=4",
    "actor_rollout_ref.model.use_remove_padding=False",
    "+actor_rollout_ref.model.override_config.attn_implementation=eager",
]


@contextmanager
def actor(config: Any) -> Iterator[Any]:
    """verl's actor with its FSDP engine, in this process and on the CPU; its process group ends with the block.

    So do its variables: a program that a later test starts would else wait for this group.
    """
    import cpu_platform
    import torch.distributed

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in alone.items():
            patch.setenv(name, value)
        cpu_platform.install()
        torch.distributed.init_process_group("gloo", rank=0, world_size=1)
        from verl.workers.engine_workers import ActorRolloutRefWorker

        worker = ActorRolloutRefWorker(config=config.actor_rollout_ref, role="actor")
        worker.init_model()
        yield worker
        torch.distributed.destroy_process_group()


class _Group:
    """What the trainer sees of a worker group of one process."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._dispatch_info = {"actor": [0]}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worker, name)


def trainer(run: Run, worker: Any) -> Any:
    """verl's synchronous V1 trainer over a run's rollouts; `_step_once` is its own, from replay buffer to metrics."""
    from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync

    class Trainer(PPOTrainerSync):
        def on_sample_end(self) -> None: ...  # no inference server to put to sleep

    made = Trainer(run.config)
    made.tokenizer, made.reward_loop_manager, made.global_steps = run.tokenizer, run.rewards, 1
    made.actor_rollout_wg = _Group(worker)
    made.curr_step_profile = False
    return made
