"""Two GRPO steps of TRL's own trainer with a served reward: `trl_service.py MODEL OUT ADDRESS` prints its log."""

from __future__ import annotations

import json
import sys

from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from datasets import Dataset
from table_rewards.frameworks import trl as ours


def main(model: str, out: str, address: str) -> None:
    rows = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": str(i)} for i in range(4)]
    config = GRPOConfig(
        output_dir=out,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=8,
        max_steps=2,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        beta=0.0,
    )
    trainer = GRPOTrainer(
        model=model,
        processing_class=AutoTokenizer.from_pretrained(model, padding_side="left"),
        reward_funcs=[ours.reward("table_bench", service=address)],
        args=config,
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    print(json.dumps([row for row in trainer.state.log_history if "reward" in row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
