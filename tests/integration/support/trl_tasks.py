"""One data set of two tasks in TRL's own trainer: `trl_tasks.py MODEL OUT [wrong]` prints the log as JSON.

Every row has the columns of both tasks, None where they are of the other, as TRL's trainer documents. With ``wrong``
the answers stand in a column that no reward reads.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from datasets import Dataset
from table_rewards import TEDS, TableBench
from table_rewards.frameworks import trl as ours

TABLE = "<table><tr><td>1</td></tr></table>"


def right(reward: type[Any], said: str) -> Any:
    """The reward as if the model had said the right thing, since a random one never does."""

    class Right(reward):  # type: ignore[misc]
        def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
            return super().judge_all([said] * len(completions), references, step)

    return Right()


def main(model: str, out: str, wrong: str = "") -> None:
    column = "anwser" if wrong else "answer"
    rows: list[dict[str, Any]] = []
    for i in range(40):
        task = {column: "7", "table": None} if i % 2 else {column: None, "table": TABLE}
        rows.append({"prompt": [{"role": "user", "content": f"What is {i}?"}], **task})
    config = GRPOConfig(
        output_dir=out,
        per_device_train_batch_size=4,
        per_device_eval_batch_size=4,
        num_generations=4,
        max_completion_length=4,
        max_steps=30,
        eval_strategy="steps",
        eval_steps=15,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        beta=0.0,
        shuffle_dataset=False,
    )
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    functions = [
        ours.reward(right(TableBench, "Final Answer: 7"), label="answered"),
        ours.reward(right(TEDS, TABLE), label="drawn"),
    ]
    questions = [{"prompt": row["prompt"], "table": TABLE} for row in rows[:4]]  # validation rows without the column
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=functions,
        args=config,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(questions),
    )
    trainer.train()
    print(json.dumps([row for row in trainer.state.log_history if "reward" in row or "eval_reward" in row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
