"""A reward whose scorer is lost on completions that say so, and a function that gives back what its manager told it, as
verl loads them by the path of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import table_rewards
from table_rewards.frameworks.verl import __getattr__  # noqa: F401


class Failing(table_rewards.TableBench):
    name = "failing"

    def judge_all(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> Any:
        judged = super().judge_all(completions, references, step)
        return [
            self.unscored("endpoint down") if "lost" in text else one
            for text, one in zip(completions, judged, strict=True)
        ]


table_rewards.register(Failing)


def telling(data_source: Any, solution_str: str, ground_truth: Any, extra_info: Any, **kwargs: Any) -> dict[str, float]:
    """The step, whether the prompt's text is there, and the number in its uid."""
    prompt = extra_info.get("prompt") or []
    said = "".join(one["content"] for one in prompt)
    return {
        "score": 0.0,
        "acc": 0.0,
        "step": float(extra_info.get("global_steps", -1)),
        "prompt": float(said == f"[{extra_info.get('uid')}]"),
        "own": float(extra_info.get("own", -1)),
    }
