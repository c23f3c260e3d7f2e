"""What a run may spend, in tokens or money, and what it spent."""

from __future__ import annotations

from collections.abc import Mapping

from table_rewards.llm.settings import PoolSettings


class Budget:
    """The spending of one process. Its part of the budget is that of the limits: one share a worker process.

    >>> budget = Budget(PoolSettings(("http://a/v1",), max_total_tokens=100, workers=1))
    >>> budget.spend({"prompt_tokens": 90, "completion_tokens": 20}), budget.problem
    (0.0, 'the budget of 100 tokens is spent (110); raise max_total_tokens to go on')
    """

    __slots__ = ("_prices", "cost", "max_cost", "max_tokens", "problem", "tokens")

    def __init__(self, settings: PoolSettings) -> None:
        processes = settings.processes
        self._prices = (
            None
            if settings.prompt_price is None or settings.completion_price is None
            else (settings.prompt_price / 1e6, settings.completion_price / 1e6)
        )
        self.max_tokens = None if settings.max_total_tokens is None else settings.max_total_tokens / processes
        self.max_cost = None if settings.max_cost is None else settings.max_cost / processes
        self.tokens = 0.0
        self.cost = 0.0
        self.problem = ""

    def spend(self, usage: Mapping[str, float]) -> float:
        """Count a reply's usage, return what it cost."""
        prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        self.tokens += prompt + completion
        if self._prices is None:
            cost = usage.get("cost", 0.0)
            if self.max_cost is not None and "cost" not in usage and not self.cost:
                self.problem = "no cost is stated, so max_cost cannot be kept; give prompt_price and completion_price"
        else:
            cost = prompt * self._prices[0] + completion * self._prices[1]
        self.cost += cost
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            self.problem = (
                f"the budget of {self.max_tokens:,.0f} tokens is spent ({self.tokens:,.0f}); "
                "raise max_total_tokens to go on"
            )
        elif self.max_cost is not None and self.cost >= self.max_cost:
            self.problem = f"the budget of {self.max_cost:g} is spent ({self.cost:.4g}); raise max_cost to go on"
        return cost
