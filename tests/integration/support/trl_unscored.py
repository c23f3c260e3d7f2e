"""What TRL makes of samples without a value: `trl_unscored.py MODEL OUT` prints rewards and advantages as JSON.

In every group of four the second sample is lost. One step each: a lone function and one of two, with the mean that we
fill in and with TRL's None; and a step of RLOOTrainer with a coroutine.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import trl
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from datasets import Dataset
from table_rewards import TableBench
from table_rewards.frameworks import trl as ours

GROUP = 4


class Lost(TableBench):
    """Right, lost, wrong, wrong in every group."""

    deduplicates = False  # by its place in the group, also where a random model says a thing twice

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        said = [f"Final Answer: {7 if i % GROUP == 0 else 8}" for i in range(len(completions))]
        judged = super().judge_all(said, references, step)
        return [self.unscored("endpoint down") if i % GROUP == 1 else one for i, one in enumerate(judged)]


def other(completions: list[Any], **columns: Any) -> list[float]:
    return [0.5] * len(completions)


def main(model: str, out: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # the model of TRL 0.24's time refuses token types
    rows = Dataset.from_list([{"prompt": [{"role": "user", "content": "How many?"}], "answer": "7"}] * 4)
    common: dict[str, Any] = {
        "output_dir": out,
        "per_device_train_batch_size": GROUP,
        "num_generations": GROUP,
        "max_completion_length": 4,
        "max_steps": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "beta": 0.0,
    }
    told: dict[str, Any] = {
        "version": [int(number) for number in trl.__version__.split(".")[:2]],
        "keeps_columns": GRPOConfig(**common).remove_unused_columns is False,
    }

    def step(kind: Any, functions: list[Any], config: Any) -> Any:
        trainer = kind(model=model, processing_class=tokenizer, reward_funcs=functions, args=config, train_dataset=rows)
        trainer.train()
        return trainer

    for rule in ("neutral", "none"):
        for more in ([], [other]):
            function = ours.reward(Lost(), label="lost", unscored=rule, unscored_ceiling=1.0)
            trainer = step(GRPOTrainer, [function, *more], GRPOConfig(**common))
            told[f"{rule} of {1 + len(more)}"] = {
                "advantages": [float(one) for one in list(trainer._logs["advantages"])[-GROUP:]],
                "log": trainer.state.log_history[0],
            }
    if hasattr(GRPOConfig(**common), "multi_objective_aggregation"):
        function = ours.reward(Lost(), label="lost", unscored="none", unscored_ceiling=1.0)
        config = GRPOConfig(**common, multi_objective_aggregation="normalize_then_sum")
        trainer = step(GRPOTrainer, [function, other], config)
        told["none of 2, normalised first"] = [float(one) for one in list(trainer._logs["advantages"])[-GROUP:]]
    waiting = ours.table_bench_async if told["version"] >= [0, 28] else ours.table_bench  # TRL knows coroutines since
    functions = [waiting, ours.reward("table_bench", metric="em", label="em")]
    told["rloo"] = step(RLOOTrainer, functions, RLOOConfig(**common)).state.log_history[0]
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
