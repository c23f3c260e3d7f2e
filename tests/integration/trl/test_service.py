"""`service=` in TRL: real GRPO steps whose rewards a service computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_service import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_two_steps_with_a_served_reward(program: Callable[..., Any], tmp_path: Path, tiny_model: Path) -> None:
    from table_rewards import TableBench

    class Answered(TableBench):
        """Says the right answer itself: a random model earns what only the row and the step can give."""

        def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
            assert step is not None, "the step did not reach the service"
            return super().judge_all(
                [f"Final Answer: {reference.answer}" for reference in references], references, step
            )

    with serving(Answered()) as service:
        steps = program("trl_service.py", tiny_model, tmp_path, service.address)
        assert service.scored >= 2
    assert [step["rewards/table_bench/mean"] for step in steps] == [1.0, 1.0]
