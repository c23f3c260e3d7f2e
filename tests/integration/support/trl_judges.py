"""Rewards that ask a model, in TRL's own trainer: `trl_judges.py MODEL OUT` prints the log of one step as JSON.

The rows have a prompt and nothing else. Two of the rewards are coroutines that wait for one another, so that both are
unscored where TRL calls them one after the other.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from trl import GRPOTrainer
from trl_tiny import settings, tokenizer_of

from datasets import Dataset
from table_rewards import GroupJudge, StepVerifier, TableBench
from table_rewards.frameworks import trl as ours
from table_rewards.testing.chat_server import ChatServer

PATIENCE_S = 20
here: set[str] = set()


class Meeting(TableBench):
    """Right, once the other one of its kind is called as well."""

    waits = True

    def __init__(self, me: str, other: str) -> None:
        super().__init__()
        self.me, self.other = me, other

    async def judge_all_async(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> Any:
        here.add(self.me)
        for _ in range(PATIENCE_S * 100):
            if self.other in here:
                return super().judge_all(["Final Answer: 7"] * len(completions), references, step)
            await asyncio.sleep(0.01)
        return [self.unscored(f"{self.other} was not called meanwhile")] * len(completions)


SAID = ("one", "two", "three", "four")
RANKED = "Hm.\nB > A > C > D\nA: 5, B: 8, C: 3, D: 1"
VERIFIED = (
    "<step_verification><step>Fine. \\boxed{CORRECT}</step></step_verification>"
    "<final_verification>\\boxed{CORRECT}</final_verification>"
)


def saying(reward: type[Any]) -> type[Any]:
    """The reward as if the model had said these words, since a random one says none."""

    class Saying(reward):  # type: ignore[misc]
        def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
            return super().judge_all([SAID[i % 4] for i in range(len(completions))], references, step)

    return Saying


def reply(request: dict[str, Any]) -> str:
    return VERIFIED if "step_verification" in json.dumps(request) else RANKED


def main(model: str, out: str) -> None:
    prompts = [{"prompt": [{"role": "user", "content": f"What is {i}?"}], "answer": "7"} for i in range(4)]
    with ChatServer(reply=reply) as server:
        trainer = GRPOTrainer(
            model=model,
            processing_class=tokenizer_of(model),
            reward_funcs=[
                ours.reward(saying(GroupJudge)(endpoints=server.url)),
                ours.reward(saying(StepVerifier)(endpoints=server.url)),
                ours.reward(Meeting("one", "other"), label="one", asynchronous=True),
                ours.reward(Meeting("other", "one"), label="other", asynchronous=True),
            ],
            args=settings(out, max_steps=1),
            train_dataset=Dataset.from_list(prompts),
        )
        trainer.train()
    print(json.dumps([row for row in trainer.state.log_history if "reward" in row]))


if __name__ == "__main__":
    main(*sys.argv[1:])
