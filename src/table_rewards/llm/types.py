"""What goes to an endpoint and what comes back: ``Sampling``, ``ChatRequest``, ``ChatReply``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from table_rewards.core.errors import ConfigurationError, ScorerFailed

Message = Mapping[str, Any]
"""One chat message, `{"role": ..., "content": ...}`; content may be text or a list of OpenAI content parts."""

Messages = str | Sequence[Message]
"""A prompt: a string (one user message) or a list of messages."""


class LLMUnavailable(ScorerFailed):
    """No endpoint gave a usable reply. Only ``ChatReply.require`` raises it; ``ask`` and ``ask_many`` never do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """How the model samples; every value is sent, so that no server default decides.

    ``seed`` is sent as ``seed + request.sample``. With ``seed=None`` and a temperature above 0 a request is a fresh
    draw each time: it is neither cached nor merged with an identical one. ``extra`` is merged into the request body as
    it is, for server options such as ``{"chat_template_kwargs": {"enable_thinking": False}}``.

    >>> Sampling(temperature=0.7, max_tokens=64).reproducible
    True
    >>> Sampling(temperature=0.7, seed=None).reproducible
    False
    >>> Sampling(temperature=-1)
    Traceback (most recent call last):
    ...
    table_rewards.core.errors.ConfigurationError: temperature must be 0 or more, not -1
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int | None = 512
    seed: int | None = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: str | tuple[str, ...] = ()
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ConfigurationError(f"temperature must be 0 or more, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ConfigurationError(f"top_p must lie in (0, 1], not {self.top_p}")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigurationError(
                f"max_tokens must be 1 or more, or None for the server's limit, not {self.max_tokens}"
            )
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", (self.stop,))
        try:
            json.dumps(dict(self.extra))
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"extra must be a mapping that JSON can hold: {error}") from None

    @property
    def reproducible(self) -> bool:
        """True when the same request is meant to give the same reply, so that it may be cached and merged."""
        return self.temperature == 0 or self.seed is not None

    def body(self, sample: int = 0) -> dict[str, Any]:
        """The sampling part of the request body."""
        body: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
        }
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        if self.seed is not None:
            body["seed"] = self.seed + sample
        if self.stop:
            body["stop"] = list(self.stop)
        body.update(self.extra)
        return body


@dataclasses.dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion to ask for.

    ``sample`` numbers the draws of one prompt (0, 1, 2, ...), each a reply of its own. ``tag`` is part of the cache key
    and nothing else: put a reward's signature there, so that a new version of its prompts never meets old answers.

    >>> ChatRequest("Is 7 prime?").messages
    ({'role': 'user', 'content': 'Is 7 prime?'},)
    >>> ChatRequest("Is 7 prime?").key("m") == ChatRequest("Is 7 prime?", sample=1).key("m")
    False
    """

    messages: Messages
    sampling: Sampling = dataclasses.field(default_factory=Sampling)
    sample: int = 0
    tag: str = ""

    def __post_init__(self) -> None:
        messages = self.messages
        if isinstance(messages, str):
            messages = ({"role": "user", "content": messages},)
        object.__setattr__(self, "messages", tuple(messages))

    def payload(self) -> bytes:
        """The JSON request body but for the model's name; lone surrogates, which model output may hold, become '?'."""
        payload = {"messages": self.messages, **self.sampling.body(self.sample)}
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")

    def key(self, model: str, payload: bytes | None = None) -> str:
        """SHA-256 over prompt, model, sampling, sample number and tag; ``payload`` spares encoding them again."""
        digest = hashlib.sha256(self.payload() if payload is None else payload)
        digest.update(f"\0{model}\0{self.sample}\0{self.tag}".encode("utf-8", "replace"))
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class ChatReply:
    """What came of a request. Look at ``failed`` first: a failed reply has no text and says why in ``error``.

    ``truncated`` and ``empty`` tell two kinds of non-answer from an answer: the model ran into its token limit
    (``finish_reason`` "length"), or stopped without a word. ``attempts`` counts HTTP requests made for it (0 from the
    cache), ``shared`` is true when an identical request in flight was waited for instead of sending another.

    >>> ChatReply(text="42", finish_reason="stop").ok
    True
    >>> ChatReply(error="http://a: HTTP 503", attempts=4).require()
    Traceback (most recent call last):
    ...
    table_rewards.llm.types.LLMUnavailable: http://a: HTTP 503 (4 attempts)
    """

    text: str = ""
    finish_reason: str = ""
    model: str = ""
    endpoint: str = ""
    attempts: int = 0
    error: str = ""
    cached: bool = False
    shared: bool = False
    latency_s: float = 0.0
    usage: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.error)

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"

    @property
    def empty(self) -> bool:
        return not self.failed and not self.text.strip()

    @property
    def ok(self) -> bool:
        """A complete answer: not failed, not cut off, not empty."""
        return not (self.failed or self.truncated or self.empty)

    def require(self) -> str:
        """The text, or ``LLMUnavailable`` when the request failed."""
        if self.failed:
            plural = "" if self.attempts == 1 else "s"
            raise LLMUnavailable(f"{self.error} ({self.attempts} attempt{plural})")
        return self.text
