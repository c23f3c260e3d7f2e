"""Two GRPO steps of TRL's own trainer with a served reward: `trl_service.py MODEL OUT ADDRESS` prints its log."""

from __future__ import annotations

import json
import sys

from trl import GRPOTrainer
from trl_tiny import settings, tokenizer_of

from datasets import Dataset
from table_rewards.frameworks import trl as ours


def main(model: str, out: str, address: str) -> None:
    rows = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": str(i)} for i in range(4)]
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer_of(model),
        reward_funcs=[ours.reward("table_bench", service=address)],
        args=settings(out),
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    print(json.dumps([row for row in trainer.state.log_history if "reward" in row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
