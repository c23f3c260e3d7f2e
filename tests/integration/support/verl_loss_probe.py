"""The loss of one verl, whichever can be imported, with unscored rollouts in the batch of its own compute_advantage."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

MODES = ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean")
UNSCORED = [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]
LENGTHS = [5, 3, 4, 2, 5, 4]


class Trainer:
    """What an estimator finds up the stack: a trainer with its configuration."""

    def __init__(self, mode: str) -> None:
        actor = SimpleNamespace(loss_agg_mode=mode, ppo_mini_batch_size=2)
        self.config = SimpleNamespace(
            actor_rollout_ref=SimpleNamespace(actor=actor, rollout=SimpleNamespace(n=3)),
        )

    def advantages(self) -> Any:
        import numpy as np
        import torch
        from tensordict import TensorDict
        from verl import DataProto
        from verl.trainer.ppo.ray_trainer import compute_advantage

        n, width = len(LENGTHS), max(LENGTHS)
        mask = (torch.arange(width) < torch.tensor(LENGTHS).unsqueeze(1)).long()
        rewards = torch.zeros(n, width)
        rewards[torch.arange(n), torch.tensor(LENGTHS) - 1] = torch.tensor([1.0, 0.0, 0.5, 1.0, 0.2, 0.0])
        data = DataProto(batch=TensorDict({"token_level_rewards": rewards, "response_mask": mask}, batch_size=n))
        data.non_tensor_batch = {
            "uid": np.array(list("aaabbb"), dtype=object),
            "unscored": np.array(UNSCORED, dtype=object),
        }
        settings = SimpleNamespace(get=lambda name, default: default)
        return compute_advantage(data, adv_estimator="grpo_scored", config=settings)


def told() -> dict[str, Any]:
    """By the way to aggregate: the loss, that of the scored rollouts alone, and the tokens that unscored ones have."""
    import torch
    import transformers

    if not hasattr(transformers, "AutoModelForVision2Seq"):  # the name that 0.6 and 0.7.0 import; it went with 5.0
        transformers.AutoModelForVision2Seq = transformers.AutoModelForImageTextToText
    from verl.trainer.ppo.core_algos import agg_loss

    from table_rewards.frameworks.advantages_verl import register

    register()
    keep = [i for i, out in enumerate(UNSCORED) if not out]
    found = {}
    for mode in MODES:
        data = Trainer(mode).advantages()
        mask, advantages = data.batch["response_mask"].float(), data.batch["advantages"]
        loss = -advantages * (1 + torch.arange(advantages.shape[1]))
        found[mode] = {
            "loss": float(agg_loss(loss, mask, mode)),
            "alone": float(agg_loss(loss[keep], mask[keep], mode)),
            "left": int(mask.sum() - mask[keep].sum()),
        }
    return found
