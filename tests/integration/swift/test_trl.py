"""Real TRL steps on a CPU: ms-swift brings TRL along (0.24, 0.29), and our functions go to its own trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from table_rewards import TableBench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Answered(TableBench):
    """Says the right answer itself, so that a random model earns what only the row's column and the step can give."""

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        assert step is not None, "no trainer_state"
        return super().judge_all([f"Final Answer: {reference.answer}" for reference in references], references, step)


def test_two_grpo_steps_with_two_reward_functions(tmp_path: Path, tiny_model: Path) -> None:
    """A random model answers nothing; a function of the test itself sees what TRL passes and tells samples apart."""
    from trl import GRPOConfig, GRPOTrainer

    from datasets import Dataset
    from table_rewards.frameworks import trl as ours

    seen: list[dict[str, Any]] = []

    def length(completions: list[Any], **columns: Any) -> list[float]:
        seen.append({"columns": set(columns), "kind": type(completions[0])})
        return [float(len(completion[0]["content"])) for completion in completions]

    rows = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": str(i)} for i in range(4)]
    config = GRPOConfig(
        output_dir=str(tmp_path),
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
        model=str(tiny_model),
        reward_funcs=[ours.reward("table_bench", metric="em"), ours.reward(Answered(), label="answered"), length],
        args=config,
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    steps = [row for row in trainer.state.log_history if "reward" in row]
    assert len(steps) == 2
    assert all(step["rewards/table_bench/mean"] == 0.0 for step in steps)
    assert all(step["rewards/answered/mean"] == 1.0 for step in steps)
    assert {"answer", "trainer_state"} <= seen[0]["columns"]
    if "log_metric" in seen[0]["columns"]:  # TRL 1.0
        assert all(step["table_rewards/table_bench/unparsed"] == 1.0 for step in steps)
        assert all(step["table_rewards/answered/unscored"] == 0.0 for step in steps)
