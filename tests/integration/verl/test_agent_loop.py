"""The nearest to a training step that a CPU allows: parquet, verl's dataset, its agent loop with a scripted model, its
reward workers, its GRPO advantages and its validation metrics."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from real_rows import region_samples
from verl_harness import Row, objects, reward_overrides, trainer_config, validation_metrics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class ScriptedModel:
    """Stands for the inference server: answers each prompt with the next of its scripted completions."""

    def __init__(self, tokenizer: Any, answers: dict[str, list[str]]) -> None:
        self.tokenizer, self.answers = tokenizer, {key: list(value) for key, value in answers.items()}

    async def generate(self, request_id: str, *, prompt_ids: list[int], sampling_params: Any, **kwargs: Any) -> Any:
        from verl.workers.rollout.replica import TokenOutput

        prompt = self.tokenizer.decode(prompt_ids)
        key = next(key for key in self.answers if f"[{key}]" in prompt)
        ids = [*self.tokenizer(self.answers[key].pop(0))["input_ids"], self.tokenizer.eos_token_id]
        return TokenOutput(token_ids=ids, log_probs=[0.0] * len(ids))


def test_from_parquet_to_advantages(
    ray_cluster: None, adapter_file: Path, tokenizer: Any, model_folder: Path, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import ray
    from torch.utils.data import DataLoader
    from verl import DataProto
    from verl.experimental.agent_loop.agent_loop import AgentLoopWorker
    from verl.experimental.reward_loop import RewardLoopManager
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
    from verl.trainer.ppo.reward import extract_reward
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    samples = region_samples(2)
    prompts = [samples[0:2], samples[2:4]]
    rows = [
        {
            "data_source": "table_area",
            "prompt": [{"role": "user", "content": f"[{i}] {right.question}"}],
            "ability": "table",
            "reward_model": {"style": "rule", "ground_truth": right.ground_truth},
            "extra_info": {"index": i, "split": "train"},
        }
        for i, (right, _) in enumerate(prompts)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    config = trainer_config(
        [
            f"data.train_files={tmp_path}/train.parquet",
            f"data.val_files={tmp_path}/train.parquet",
            "data.max_prompt_length=512",
            "data.max_response_length=2048",
            "data.return_raw_chat=True",
            "actor_rollout_ref.rollout.name=vllm",
            "actor_rollout_ref.rollout.n=2",
            *reward_overrides("table_region", path=adapter_file),
        ],
        model=model_folder,
    )
    dataset = RLHFDataset(data_files=config.data.train_files, tokenizer=tokenizer, config=config.data, processor=None)
    loader = DataLoader(dataset, batch_size=2, collate_fn=collate_fn)
    batch = DataProto.from_single_dict(next(iter(loader)))
    batch.non_tensor_batch["uid"] = objects([str(uuid.uuid4()) for _ in range(len(batch))])
    batch = batch.repeat(repeat_times=2, interleave=True)
    batch.meta_info["global_steps"] = 0

    script = {str(i): [right.completion, wrong.completion] for i, (right, wrong) in enumerate(prompts)}
    rewards = RewardLoopManager(config)
    worker = AgentLoopWorker(
        config, ScriptedModel(tokenizer, script), reward_loop_worker_handles=rewards.reward_loop_worker_handles
    )
    try:
        out = asyncio.run(worker.generate_sequences(batch))
    finally:
        for actor in rewards.reward_loop_workers:
            ray.kill(actor)

    answers = [
        tokenizer.decode(ids[mask.bool()], skip_special_tokens=True)
        for ids, mask in zip(out.batch["responses"], out.batch["response_mask"], strict=True)
    ]
    right_answers = {right.completion for right, _ in prompts}
    assert right_answers < set(answers)
    is_right = [answer in right_answers for answer in answers]
    scores, extra = extract_reward(out)
    values = scores.sum(-1).tolist()
    assert all((value > 0.9) == right for value, right in zip(values, is_right, strict=True)), values

    uids = batch.non_tensor_batch["uid"]
    advantages, _ = compute_grpo_outcome_advantage(
        token_level_rewards=scores, response_mask=out.batch["response_mask"], index=uids
    )
    signs = [advantage[0].item() > 0 for advantage in advantages]
    assert signs == is_right
    asked = [Row("", None, data_source="table_area", uid=uid) for uid in uids]
    metrics = validation_metrics(asked, values, {key: column.tolist() for key, column in extra.items()})
    assert metrics["table_area"]["acc"]["mean@2"] == pytest.approx(0.5)


def test_an_exception_of_the_reward_ends_the_step_of_the_classic_trainer(
    ray_cluster: None, tokenizer: Any, model_folder: Path
) -> None:
    """The trainer waits for this call within its step."""
    import ray
    import torch
    from tensordict import TensorDict
    from verl import DataProto
    from verl.experimental.agent_loop.agent_loop import AgentLoopWorker
    from verl.experimental.reward_loop import RewardLoopManager

    failing = Path(__file__).parents[1] / "support/failing_reward.py"
    settings = ["data.max_prompt_length=64", "data.max_response_length=64", "data.train_files=x"]
    settings += ["actor_rollout_ref.rollout.name=vllm", "actor_rollout_ref.rollout.n=2"]
    settings += reward_overrides("failing", path=failing, unscored="raise")
    config = trainer_config(settings, model=model_folder)
    columns = {
        "raw_prompt": objects([[{"role": "user", "content": "[a]"}]] * 2),
        "data_source": objects(["t"] * 2),
        "reward_model": objects([{"ground_truth": "7"}] * 2),
        "extra_info": objects([{"index": 0}] * 2),
        "index": objects([0, 0]),
        "uid": objects(["a", "a"]),
    }
    batch = DataProto(TensorDict({"place": torch.zeros(2, 1)}, batch_size=2), columns, {"global_steps": 0})
    rewards = RewardLoopManager(config)
    script = {"a": ["Final Answer: 7", "Final Answer: 7 lost"]}
    worker = AgentLoopWorker(
        config, ScriptedModel(tokenizer, script), reward_loop_worker_handles=rewards.reward_loop_worker_handles
    )
    try:
        with pytest.raises(Exception, match="unscored sample: endpoint down"):
            asyncio.run(worker.generate_sequences(batch))
    finally:
        for actor in rewards.reward_loop_workers:
            ray.kill(actor)
