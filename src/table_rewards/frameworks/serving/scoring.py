"""What a replica does with a request, without Ray: read it, score it, write the reply.

Requests that wait at the same time are scored as one batch, so that a reference is parsed once for all of them, where
the reward judges samples alone and computes itself. A reward that waits for models or programs, or judges completions
of a prompt together, gets each request alone.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.registry import create
from table_rewards.core.scores import Scores
from table_rewards.frameworks.accuracy import accuracy_of
from table_rewards.frameworks.serving.forms import Answer, BadRequest, Batch, read_request, reply
from table_rewards.frameworks.unscored import UnscoredPolicy

logger = logging.getLogger("table_rewards.serving")

ScoreOne = Callable[[Batch], Awaitable[Answer]]
"""Scores one batch, maybe with others that wait."""


class Scoring:
    """One reward, fed with the requests of many clients.

    Args:
        reward: the registry name.
        options: of the reward.
        gathers: its calls wait for each other, so they are never merged.

    >>> import asyncio
    >>> scoring = Scoring("table_bench", {})
    >>> asyncio.run(scoring.answer("slime", b'{"prompt": "7?", "response": "Final Answer: 7", "label": "7"}'))[0]
    200
    """

    def __init__(self, reward: str, options: Mapping[str, Any], *, gathers: bool = False) -> None:
        self.reward = create(reward, **dict(options))
        self.policy = UnscoredPolicy(ceiling=1.0)
        self._accuracy = accuracy_of(self.reward)
        self.alone = gathers or self.reward.waits or not self.reward.deduplicates
        self.score_one: ScoreOne = self._score_one

    async def answer(self, form: str, body: bytes) -> tuple[int, bytes]:
        """Answer the body of one request in a form; returns the HTTP status and the body of the reply."""
        try:
            batch = read_request(form, json.loads(body))
        except BadRequest as error:
            return 400, told({"error": str(error)})
        except (ValueError, RecursionError) as error:
            return 400, told({"error": f"the body is not JSON that can be read: {error}"[:200]})
        answer = await self.score_one(batch)
        try:
            return 200, told(reply(form, batch, answer))
        except RecursionError:  # forms whose reply repeats the request
            return 400, told({"error": "the body is nested too deeply"})

    async def score_together(self, batches: Sequence[Batch]) -> list[Answer]:
        """Score batches that wait together, those of one training step as one."""
        answers: dict[int, Answer] = {}
        by_step: dict[int | None, list[int]] = {}
        for number, batch in enumerate(batches):
            by_step.setdefault(batch.step, []).append(number)
        for step, numbers in by_step.items():
            completions = [text for number in numbers for text in batches[number].completions]
            rows = [row for number in numbers for row in batches[number].rows]
            try:
                scores = await self.reward.score(completions, rows, step=step)
            except (
                Exception
            ) as error:  # completions of no known shape, or a fault of ours: find the request, spare others
                if len(numbers) > 1:
                    for number in numbers:
                        answers[number] = (await self.score_together([batches[number]]))[0]
                    continue
                why = str(error)
                if not isinstance(error, ConfigurationError):
                    logger.exception("%s failed on a request; it will be unscored", self.reward.signature)
                    why = f"{type(error).__name__}: {error}"[:300]
                scores = self._unreadable(len(completions), why)
            start = 0
            for number in numbers:
                count = len(batches[number].completions)
                answers[number] = self._answer(scores.take(range(start, start + count)), batches[number])
                start += count
            self.counted(scores)
        return [answers[number] for number in range(len(batches))]

    def counted(self, scores: Scores) -> None:
        """Told of every scored batch; a replica counts it for those who watch."""

    async def _score_one(self, batch: Batch) -> Answer:
        return (await self.score_together([batch]))[0]

    def _unreadable(self, count: int, note: str) -> Scores:
        return Scores.of([self.reward.unscored(note)] * count, self.reward.parts, self.reward.signature)

    def _answer(self, scores: Scores, batch: Batch) -> Answer:
        if not batch.prompts:
            return Answer.of(scores)
        parts = [column.tolist() for column in scores.parts.values()]
        rows = [[row[0], self._accuracy(row)] for row in zip(scores.values.tolist(), *parts, strict=True)]
        status, notes = scores.status.tolist(), scores.notes
        filled = self.policy.fill_rows(rows, status, notes, scores.signature, batch.prompts)
        return Answer.of(scores, [value for value, _ in filled], [share for _, share in filled])


def told(value: Any) -> bytes:
    """A reply as JSON: numbers that JSON does not know, which a request may hold and NeMo Gym gets back, are null."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
