"""Two GRPO steps with TRL's own trainer: `trl_steps.py MODEL OUT` prints what was logged and what TRL passed, as JSON.

A program of its own, since swift changes TRL's classes where it is imported.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from trl import GRPOTrainer
from trl_tiny import settings, tokenizer_of

from datasets import Dataset
from table_rewards import TableBench
from table_rewards.frameworks import trl as ours

seen: list[list[str]] = []


class Answered(TableBench):
    """Says the right answer itself, so that a random model earns what only the row's column and the step can give."""

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        assert step is not None, "no trainer_state"
        return super().judge_all([f"Final Answer: {reference.answer}" for reference in references], references, step)


def length(completions: list[Any], **columns: Any) -> list[float]:
    """Sees what TRL passes and tells samples apart; a random model answers nothing."""
    seen.append(sorted(columns))
    return [float(len(completion[0]["content"])) for completion in completions]


def main(model: str, out: str) -> None:
    rows = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": str(i)} for i in range(4)]
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer_of(model),
        reward_funcs=[ours.reward("table_bench", metric="em"), ours.reward(Answered(), label="answered"), length],
        args=settings(out),
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    print(json.dumps({"log": [row for row in trainer.state.log_history if "reward" in row], "columns": seen[0]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
