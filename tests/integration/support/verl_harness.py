"""What the verl suite shares: the real trainer config, batches as the trainer builds them, how each function scores."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MODULE = "pkg://table_rewards.frameworks.verl"


@dataclass
class Row:
    """One scored sample: what the dataset holds and what the model answered."""

    completion: str
    ground_truth: Any
    extra_info: Mapping[str, Any] = field(default_factory=dict)
    data_source: str = "tablebench"
    uid: str = "prompt-0"
    prompt: str = "Answer from the table."


def trainer_config(overrides: Iterable[str] = (), *, model: Path | str | None = None) -> Any:
    """verl's own `ppo_trainer` config with `overrides`, exactly as `main_ppo` composes it: an unknown key raises."""
    import verl.trainer.config
    from hydra import compose, initialize_config_dir

    folder = os.path.dirname(verl.trainer.config.__file__)
    settings = ["reward.num_workers=1", *overrides]
    if model is not None:
        settings.append(f"actor_rollout_ref.model.path={model}")
    with initialize_config_dir(config_dir=folder, version_base=None):
        return compose("ppo_trainer", overrides=settings)


def reward_overrides(name: str, *, path: Path | str = MODULE, manager: str = "naive", **options: Any) -> list[str]:
    """The override list of a custom reward function in verl >= 0.7.1."""
    return [
        f"reward.custom_reward_function.path={path}",
        f"reward.custom_reward_function.name={name}",
        f"reward.reward_manager.name={manager}",
        *(f"+reward.custom_reward_function.reward_kwargs.{key}={value}" for key, value in options.items()),
    ]


def objects(values: Sequence[Any]) -> np.ndarray:
    """A 1-d object array, whatever the elements are (numpy would make a matrix of equal-length lists)."""
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def make_batch(tokenizer: Any, rows: Sequence[Row], *, prompt_length: int = 64) -> Any:
    """A `DataProto` after rollout: prompts left-padded, responses right-padded and closed by the end token."""
    import torch
    from tensordict import TensorDict
    from verl import DataProto

    pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    prompts = [tokenizer(row.prompt)["input_ids"][-prompt_length:] for row in rows]
    answers = [[*tokenizer(row.completion)["input_ids"], end] for row in rows]
    width = max(len(answer) for answer in answers)
    left = [[pad] * (prompt_length - len(p)) + p for p in prompts]
    right = [a + [pad] * (width - len(a)) for a in answers]
    mask = [
        [0] * (prompt_length - len(p)) + [1] * (len(p) + len(a)) + [0] * (width - len(a))
        for p, a in zip(prompts, answers, strict=True)
    ]
    tensors = {
        "prompts": torch.tensor(left),
        "responses": torch.tensor(right),
        "input_ids": torch.cat([torch.tensor(left), torch.tensor(right)], dim=1),
        "attention_mask": torch.tensor(mask),
    }
    columns = {
        "data_source": objects([row.data_source for row in rows]),
        "reward_model": objects([{"style": "rule", "ground_truth": row.ground_truth} for row in rows]),
        "extra_info": objects([dict(row.extra_info) for row in rows]),
        "uid": objects([row.uid for row in rows]),
    }
    return DataProto(batch=TensorDict(tensors, batch_size=len(rows)), non_tensor_batch=columns)


def score_in_process(config: Any, tokenizer: Any, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every row through the reward-loop manager that `config` names, without Ray."""
    from verl.trainer.ppo.reward import load_reward_manager

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        manager = load_reward_manager(config, tokenizer)
        batch = make_batch(tokenizer, rows)
        return [loop.run_until_complete(manager.run_single(batch[i : i + 1])) for i in range(len(batch))]
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def score_with_actors(config: Any, tokenizer: Any, rows: Sequence[Row]) -> tuple[list[float], dict[str, list[Any]]]:
    """What the trainer does: Ray reward workers score the batch, then scores and extra keys are read back from it."""
    import ray
    from verl.experimental.reward_loop import RewardLoopManager
    from verl.trainer.ppo.reward import extract_reward

    batch = make_batch(tokenizer, rows)
    manager = RewardLoopManager(config)
    try:
        batch = batch.union(manager.compute_rm_score(batch))
    finally:
        for worker in manager.reward_loop_workers:
            ray.kill(worker)
    rewards, extra = extract_reward(batch)
    for i, row in enumerate(rows):  # the score sits on the last token of the answer, nowhere else
        at = rewards[i].nonzero().flatten().tolist()
        assert at in ([], [len(tokenizer(row.completion)["input_ids"])]), at
    return rewards.sum(-1).tolist(), {key: list(values) for key, values in extra.items()}


def validation_metrics(
    rows: Sequence[Row], scores: Sequence[float], extra: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """verl's own validation statistics over the returned keys: {data_source: {key: {"mean@N": ...}}}."""
    from verl.trainer.ppo.metric_utils import process_validation_metrics

    infos = {"reward": list(scores), **{key: list(values) for key, values in extra.items()}}
    assert all(len(values) == len(rows) for values in infos.values())
    return process_validation_metrics([row.data_source for row in rows], [row.uid for row in rows], infos)


@contextmanager
def local_ray(cpus: int = 4, runtime_env: Mapping[str, Any] | None = None) -> Iterator[None]:
    """A Ray of this process only. `cpus` are slots, not cores: every reward worker takes one."""
    import ray

    options = {"num_cpus": cpus, "include_dashboard": False, "log_to_driver": True, "configure_logging": False}
    for attempt in range(3):  # Ray gives its node 30 s, which a busy machine may need more of
        try:
            ray.init("local", **options, runtime_env=runtime_env and dict(runtime_env))
            break
        except Exception as error:
            if attempt == 2 or "timed out during startup" not in str(error):
                raise
            ray.shutdown()
    try:
        yield
    finally:
        ray.shutdown()
