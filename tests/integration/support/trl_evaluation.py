"""Evaluations whose scorer is lost, in TRL's own trainer: `trl_evaluation.py MODEL OUT [training]` prints JSON.

One unscored training sample stops the run, since the ceiling is 0: with ``training`` there is one. With the log come
the lines that the start wrote, and the columns of TRL's table of completions.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from trl import GRPOTrainer
from trl_tiny import settings, tokenizer_of

from datasets import Dataset
from table_rewards import TableBench
from table_rewards.frameworks import trl as ours


class LostInEvaluation(TableBench):
    """Right in training; the rows of the evaluation want another answer, and their scorer is lost."""

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        judged = super().judge_all(["Final Answer: 7"] * len(completions), references, step)
        return [
            self.unscored("endpoint down") if reference.answer == "lost" else one
            for one, reference in zip(judged, references, strict=True)
        ]


def main(model: str, out: str, lost: str = "evaluation") -> None:
    written = io.StringIO()
    errors, sys.stderr = sys.stderr, written
    functions = [
        ours.reward(LostInEvaluation(), label="answered", unscored_ceiling=0.0),
        ours.reward("table_bench", label="exact", metric="em"),
    ]
    sys.stderr = errors
    answer = "lost" if lost == "training" else "7"
    rows = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": answer} for i in range(8)]
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer_of(model),
        reward_funcs=functions,
        args=settings(out, max_steps=4, per_device_eval_batch_size=4, eval_strategy="steps", eval_steps=1),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list([{**row, "answer": "lost"} for row in rows[:2]]),
    )
    trainer.train()
    log = [row for row in trainer.state.log_history if "reward" in row or "eval_reward" in row]
    notes = {name: list(column) for name, column in trainer._logs.get("extra", {}).items()}
    print(json.dumps({"log": log, "lines": written.getvalue().splitlines(), "notes": notes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
