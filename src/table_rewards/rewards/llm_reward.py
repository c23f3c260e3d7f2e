"""What the rewards that ask a model have in common: a pool behind endpoints, asked in rounds, blocking or not.

Such a reward says once, as a generator, what it asks in each round and what the replies mean. Here the rounds are
driven for blocking callers and for running event loops, so the two forms cannot come to differ.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from table_rewards.core.completion import REASONING_TAGS, read_completion
from table_rewards.core.explanation.assembling import passages_of
from table_rewards.core.explanation.data import TOLD, WRONG, Section, Step, Working
from table_rewards.core.reward import ReferenceT, Reward
from table_rewards.core.scores import Judgement
from table_rewards.llm import ChatPool, ChatReply, ChatRequest, Sampling, get_pool
from table_rewards.rewards.endpoint_options import EndpointOptions, pool_options, sampling_of, settled

T = TypeVar("T")
Rounds = Generator[list[ChatRequest], list[ChatReply], T]
"""Yields the requests of a round, receives their replies in that order, returns what came of all."""


class LLMReward(Reward[ReferenceT]):
    """A reward whose judgements come from a model behind endpoints.

    Attributes:
        pool: the endpoints; None for a reader of our own, whose rounds then ask nothing.
        model: the model's name as it was given; None means the one that is served.
        sampling: how the model samples.
    """

    waits = True
    pool: ChatPool | None = None
    model: str | None = None
    sampling: Sampling

    def connect(
        self, given: EndpointOptions, defaults: Mapping[str, Any] | None = None, **sampling: Any
    ) -> dict[str, Any]:
        """Name the endpoints and the sampling; nothing is sent yet.

        Args:
            given: the options as the caller wrote them.
            defaults: those defaults of the reward that differ from the common ones.
            sampling: the reward's own fields of the sampling.

        Returns:
            Every option with its value.

        Raises:
            ConfigurationError: an address or an option can't work, or no endpoint is named anywhere.
        """
        options = settled(self.name, given, self.option_names(), **(defaults or {}))
        self.model = options["model"]
        self.sampling = sampling_of(options, **sampling)
        self._changed: dict[str, dict[str, Any]] = {
            "sampling": dict(options["sampling"]),
            "extra": dict(self.sampling.extra),
        }
        where = pool_options(options)
        self.pool = get_pool(where.pop("endpoints"), **where)
        return options

    @property
    def served(self) -> str:
        """The model's name for the signature."""
        return self.model or "served"

    def sampling_signature(self) -> dict[str, object]:
        """What the caller changed about the sampling, for the signature; empty when nothing."""
        return {name: dict(sorted(value.items())) for name, value in self._changed.items()}

    @abstractmethod
    def rounds(self, completions: Sequence[str], references: Sequence[ReferenceT]) -> Rounds[list[Judgement]]:
        """Judge a batch: yield the requests of each round, read the replies, return the judgements."""

    def judge(self, completion: str, reference: ReferenceT, step: int | None) -> Judgement:
        return self.judge_together([completion], [reference])[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        return self.judge_together(completions, references)

    def rounds_telling(
        self, completions: Sequence[str], references: Sequence[ReferenceT]
    ) -> Rounds[tuple[list[Judgement], list[Section]]]:
        """:meth:`rounds`, and what the replies mean for the first completion. Override it to tell more."""
        return (yield from self.rounds(completions, references)), []

    def judge_telling(
        self, completions: Sequence[str], reference: ReferenceT, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        heard: list[tuple[ChatRequest, ChatReply]] = []
        rounds = _heard(self.rounds_telling(completions, [reference] * len(completions)), heard)
        judged, sections = answered(self.pool, rounds)
        told = tuple(_conversation(number, *pair) for number, pair in enumerate(heard[:REPLIES], 1))
        if told:
            sections.append(Section(f"What the model said ({len(heard)} replies)", told))
        return judged[0], Working(tuple(sections), passages_of(completions[0], self.thought_tags))

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


REPLIES: Final = 20
"""Replies of a model that an explanation shows."""

ASKED: Final = 600
"""Characters of what was asked that are shown, the last ones."""


def _heard(rounds: Rounds[T], heard: list[tuple[ChatRequest, ChatReply]]) -> Rounds[T]:
    """The same rounds; every request is taken down with its reply."""
    try:
        requests = next(rounds)
        while True:
            replies = yield requests
            heard += zip(requests, replies, strict=True)
            requests = rounds.send(replies)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _conversation(number: int, request: ChatRequest, reply: ChatReply) -> Step:
    last = request.messages[-1]
    asked = last if isinstance(last, str) else str(last.get("content", ""))
    said = reply.error if reply.failed else reply.text or reply.reasoning
    kind = WRONG if reply.failed else TOLD
    again = ", asked again" if request.sample else ""
    return Step(kind, f"reply {number}{again}", f"asked: …{asked[-ASKED:]}\nreplied: {said}")


REPLY_TAGS: Final = (*REASONING_TAGS, "analysis", "reflection", "scratchpad")
"""Tags round a reader's or judge's thoughts; a draft in any of them is no answer."""


class Said(NamedTuple):
    """What a model said outside of its thoughts, or why there is nothing to read."""

    text: str
    problem: str = ""


def said_in(reply: ChatReply, closing: str | None = None) -> Said:
    """Read a reply: thoughts, drafts in them and end-of-turn tokens are no part of what was said.

    A reply that was cut off at its token limit says nothing, but where ``closing`` is given and what was said ends with
    it: then nothing that counts is missing.

    >>> said_in(ChatReply(text="<think>A > B?</think>\\nB > A<|im_end|>", finish_reason="stop")).text
    'B > A'
    >>> said_in(ChatReply(text="<think>A > B", finish_reason="stop")).problem
    'its thoughts never ended'
    >>> said_in(ChatReply(text="A: 1", finish_reason="length")).problem
    'it was cut off after 4 characters'
    >>> said_in(ChatReply(text="<answer>7</answer>", finish_reason="length"), "</answer>").text
    '<answer>7</answer>'
    """
    if reply.failed:
        return Said("", reply.error)
    reading = read_completion(reply.text, REPLY_TAGS)
    text = reading.answer.strip()
    cut = f"it was cut off after {len(reply.text or reply.reasoning):,} characters" if reply.truncated else ""
    if not reading.closed:
        return Said("", f"its thoughts never ended{', and ' + cut if cut else ''}")
    if cut and not (closing and text.lower().endswith(closing)):
        return Said("", cut + (" of thoughts" if reply.reasoning and not reply.text else ""))
    if not text:
        return Said("", "it says nothing outside of its thoughts" if reading.thoughts or reply.reasoning else "empty")
    return Said(text)


def unwrapped(text: str) -> str:
    """What one pair of answer tags round the whole holds: Hunyuan's template has the model write it.

    >>> unwrapped("<answer>\\nB > A\\n</answer>"), unwrapped("<answer>7</answer> or <answer>8</answer>")
    ('B > A', '<answer>7</answer> or <answer>8</answer>')
    """
    lowered = text.lower()
    if not (lowered.startswith("<answer>") and lowered.endswith("</answer>")):
        return text
    held = text[len("<answer>") : -len("</answer>")]
    opened, closed = held.lower().find("<answer>"), held.lower().find("</answer>")
    return held.strip() if closed < 0 or 0 <= opened < closed else text


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


def _of(pool: ChatPool | None) -> ChatPool:
    if pool is None:
        raise AssertionError("a reward without endpoints asked something")
    return pool
