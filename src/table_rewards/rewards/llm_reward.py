"""What the rewards that ask a model have in common: a pool behind endpoints, asked in rounds, blocking or not.

Such a reward says once, as a generator, what it asks in each round and what the replies mean. Here the rounds are
driven for blocking callers and for running event loops, so the two forms cannot come to differ.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from table_rewards.core.reward import ReferenceT, Reward
from table_rewards.core.scores import Judgement
from table_rewards.llm import ChatPool, ChatReply, ChatRequest, Sampling, get_pool

T = TypeVar("T")
Rounds = Generator[list[ChatRequest], list[ChatReply], T]
"""Yields the requests of a round, receives their replies in that order, returns what came of all."""


class AskingReward(Reward[ReferenceT]):
    """A reward whose judgements come from a model behind endpoints.

    Attributes:
        pool: the endpoints; None for a reader of our own, whose rounds then ask nothing.
        model: the model's name as it was given; None means the one that is served.
    """

    waits = True
    pool: ChatPool | None = None
    model: str | None = None

    def connect(self, endpoints: str | Sequence[str] | None, *, model: str | None, **options: Any) -> None:
        """Name the endpoints; nothing is sent yet. ``options``: see :class:`table_rewards.llm.PoolSettings`.

        Raises:
            ConfigurationError: an address or an option can't work, or no endpoint is named anywhere.
        """
        self.model = model
        self.pool = get_pool(endpoints, model=model, **options)

    @property
    def served(self) -> str:
        """The model's name for the signature."""
        return self.model or "served"

    @abstractmethod
    def rounds(self, completions: Sequence[str], references: Sequence[ReferenceT]) -> Rounds[list[Judgement]]:
        """Judge a batch: yield the requests of each round, read the replies, return the judgements."""

    def judge(self, completion: str, reference: ReferenceT, step: int | None) -> Judgement:
        return self.judge_together([completion], [reference])[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        return self.judge_together(completions, references)

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        return await self.judge_together_async(completions, references)

    def judge_together(self, completions: Sequence[str], references: Sequence[ReferenceT]) -> list[Judgement]:
        """Judge what is here, in as many rounds as it takes."""
        return answered(self.pool, self.rounds(completions, references))

    async def judge_together_async(
        self, completions: Sequence[str], references: Sequence[ReferenceT]
    ) -> list[Judgement]:
        """The same without blocking the running loop."""
        return await answered_async(self.pool, self.rounds(completions, references))


def answered(pool: ChatPool | None, rounds: Rounds[T]) -> T:
    """Ask every round of the pool, wait for its replies, return what the rounds return.

    >>> def nothing_to_ask():
    ...     replies = yield []
    ...     return len(replies)
    >>> answered(None, nothing_to_ask())
    0
    """
    try:
        requests = next(rounds)
        while True:
            requests = rounds.send(_of(pool).ask_many(requests) if requests else [])
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def answered_async(pool: ChatPool | None, rounds: Rounds[T]) -> T:
    """The same without blocking the running loop."""
    try:
        requests = next(rounds)
        while True:
            requests = rounds.send(await _of(pool).aask_many(requests) if requests else [])
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def sampled(max_tokens: int, thinking: bool | None, **more: Any) -> Sampling:
    """The sampling of a reward: greedy unless ``more`` says otherwise; ``thinking`` as Qwen3 servers take it.

    >>> sampled(64, False).extra
    {'chat_template_kwargs': {'enable_thinking': False}}
    """
    extra = {} if thinking is None else {"chat_template_kwargs": {"enable_thinking": bool(thinking)}}
    return Sampling(max_tokens=max_tokens, extra=extra, **more)


def _of(pool: ChatPool | None) -> ChatPool:
    if pool is None:
        raise AssertionError("a reward without endpoints asked something")
    return pool
