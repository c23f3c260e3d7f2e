"""One data set of two tasks in TRL's own trainer: `trl_tasks.py MODEL OUT [wrong]` prints the log as JSON.

Every row has the columns of both tasks, None where they are of the other, as TRL's trainer documents. With ``wrong``
the answers stand in a column that no reward reads.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from trl import GRPOTrainer
from trl_tiny import settings, tokenizer_of

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
    functions = [
        ours.reward(right(TableBench, "Final Answer: 7"), label="answered"),
        ours.reward(right(TEDS, TABLE), label="drawn"),
    ]
    questions = [{"prompt": row["prompt"], "table": TABLE} for row in rows[:4]]  # validation rows without the column
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer_of(model),
        reward_funcs=functions,
        args=settings(
            out,
            max_steps=30,
            max_completion_length=4,
            per_device_eval_batch_size=4,
            eval_strategy="steps",
            eval_steps=15,
            shuffle_dataset=False,
        ),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(questions),
    )
    trainer.train()
    print(json.dumps([row for row in trainer.state.log_history if "reward" in row or "eval_reward" in row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
