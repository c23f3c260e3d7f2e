"""What goes to an endpoint and what comes back: ``Sampling``, ``ChatRequest``, ``ChatReply``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from table_rewards.core.errors import ConfigurationError, ScorerFailed
from table_rewards.core.options import finite, not_negative, positive, positive_whole, whole

Message = Mapping[str, Any]
"""One chat message, `{"role": ..., "content": ...}`; content may be text or a list of OpenAI content parts."""

Messages = str | Sequence[Message]
"""A prompt: a string (one user message) or a list of messages."""

FINISHED: Final = frozenset(
    {"", "stop", "eos", "eos_token", "endoftext", "end_turn", "stop_sequence", "complete", "normal"}
)
"""Finish reasons of a whole answer; null counts as one, since several servers send it."""

CUT_OFF: Final = frozenset(
    {
        *("length", "max_tokens", "model_length", "max_output_tokens", "max_completion_tokens", "token_limit"),
        *("model_context_window_exceeded", "context_length_exceeded", "error_limit"),
    }
)
"""Finish reasons of a reply that ran into a token limit."""

REFUSED: Final = frozenset(
    {
        *("content_filter", "content_filtered", "refusal", "safety", "recitation", "blocklist", "prohibited_content"),
        *("spii", "sensitive", "guardrail_intervened", "model_armor", "error_toxic", "language"),
        *("image_safety", "image_prohibited_content", "image_recitation"),
    }
)
"""Finish reasons of a prompt or reply that the server's filter stopped."""

FAULTS: Final = frozenset(
    {
        *("abort", "aborted", "cancelled", "canceled", "user_cancel", "error", "timeout", "time_limit", "failed"),
        *("insufficient_system_resource", "network_error", "malformed_model_output"),
    }
)
"""Finish reasons of a generation that the server broke off: asked again, at another endpoint where there is one."""


def finish_kind(reason: str) -> Literal["finished", "cut off", "refused", "fault", "unfinished"]:
    """What a finish reason says of the reply. Only what is known to end an answer is *finished*.

    >>> [finish_kind(reason) for reason in ("stop", "model_length", "abort", "content_filter", "tool_calls")]
    ['finished', 'cut off', 'fault', 'refused', 'unfinished']
    """
    reason = reason.partition(":")[0].strip().lower()  # "content_filter: RECITATION"
    if reason in FINISHED:
        return "finished"
    if reason in CUT_OFF:
        return "cut off"
    if reason in REFUSED:
        return "refused"
    return "fault" if reason in FAULTS else "unfinished"


class LLMUnavailable(ScorerFailed):
    """No endpoint gave a usable reply. Only ``ChatReply.require`` raises it; ``ask`` and ``ask_many`` never do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """How the model samples; every value is sent, so that no server default decides. None leaves a field out.

    Args:
        temperature: 0 or more; None leaves it out (models that allow their own alone).
        top_p: in (0, 1], or None.
        max_tokens: most tokens of the reply, or None for the server's limit.
        max_completion_tokens: the same under the name that reasoning models of OpenAI want; then ``max_tokens`` is
            not sent.
        seed: sent as ``seed + request.sample``. With None and a temperature other than 0 a request is a fresh draw
            each time: it is neither cached nor merged with an identical one.
        presence_penalty, frequency_penalty: or None.
        stop: texts before which the reply ends.
        json_schema: the reply must be JSON of this schema (``response_format`` of the OpenAI API).
        top_logprobs: so many alternatives, with their log-probabilities, come with every token; 0 to 20, or None.
        extra: merged into the request body as it is: ``{"chat_template_kwargs": {"enable_thinking": False}}``,
            ``reasoning_effort``, ``guided_regex``, ...

    Raises:
        ConfigurationError: a value that no server would take.

    >>> Sampling(temperature=0.7, max_tokens=64).reproducible
    True
    >>> Sampling(temperature=0.7, seed=None).reproducible
    False
    >>> sorted(Sampling(temperature=None, top_p=None, max_completion_tokens=9).body())
    ['frequency_penalty', 'max_completion_tokens', 'presence_penalty', 'seed']
    >>> Sampling(temperature=-1)
    Traceback (most recent call last):
    ...
    table_rewards.core.errors.ConfigurationError: temperature must be a number of 0 or more, not -1
    """

    temperature: float | None = 0.0
    top_p: float | None = 1.0
    max_tokens: int | None = 512
    seed: int | None = 0
    presence_penalty: float | None = 0.0
    frequency_penalty: float | None = 0.0
    stop: str | tuple[str, ...] = ()
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    max_completion_tokens: int | None = None
    json_schema: Mapping[str, Any] | None = None
    top_logprobs: int | None = None

    def __post_init__(self) -> None:
        checks: tuple[tuple[Callable[[str, Any], Any], tuple[str, ...]], ...] = (
            (not_negative, ("temperature",)),
            (positive, ("top_p",)),
            (positive_whole, ("max_tokens", "max_completion_tokens")),
            (finite, ("presence_penalty", "frequency_penalty")),
            (whole, ("seed", "top_logprobs")),
        )
        for check, names in checks:
            for name in names:
                value = getattr(self, name)
                if value is not None:
                    check(name, value)
        if self.top_p is not None and self.top_p > 1:
            raise ConfigurationError(f"top_p must lie in (0, 1], not {self.top_p}")
        if self.top_logprobs is not None and not 0 <= self.top_logprobs <= 20:
            raise ConfigurationError(f"top_logprobs must be 0 to 20, or None for none, not {self.top_logprobs!r}")
        object.__setattr__(self, "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop))
        for name in ("extra", "json_schema"):
            value = getattr(self, name)
            if value is None and name == "json_schema":
                continue
            try:
                json.dumps(dict(value))
            except (TypeError, ValueError) as error:
                raise ConfigurationError(f"{name} must be a mapping that JSON can hold: {error}") from None

    @property
    def reproducible(self) -> bool:
        """True when the same request is meant to give the same reply, so that it may be cached and merged."""
        return self.temperature == 0 or self.seed is not None

    @property
    def token_limit(self) -> int | None:
        """The most tokens of a reply, under whichever name they are sent."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    def with_token_limit(self, limit: int | None) -> Sampling:
        """The same with another token limit, under the name in use."""
        if limit == self.token_limit:
            return self
        if self.max_completion_tokens is None:
            return dataclasses.replace(self, max_tokens=limit)
        return dataclasses.replace(self, max_completion_tokens=limit)

    def body(self, sample: int = 0) -> dict[str, Any]:
        """The sampling part of the request body."""
        body: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "max_tokens": self.max_tokens if self.max_completion_tokens is None else None,
            "max_completion_tokens": self.max_completion_tokens,
            "seed": None if self.seed is None else self.seed + sample,
        }
        body = {name: value for name, value in body.items() if value is not None}
        if self.stop:
            body["stop"] = list(self.stop)
        if self.json_schema is not None:
            shape = {"name": "answer", "strict": True, "schema": dict(self.json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        if self.top_logprobs is not None:
            body.update(logprobs=True, top_logprobs=self.top_logprobs)
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

    def payload(self, *, fold_system: bool = False) -> bytes:
        """The JSON request body but for the model's name; lone surrogates, which model output may hold, become '?'.

        ``fold_system`` puts system messages in front of the first user message, for models without a system role.
        """
        messages = folded(self.messages) if fold_system else self.messages
        payload = {"messages": messages, **self.sampling.body(self.sample)}
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")

    def key(self, model: str, payload: bytes | None = None) -> str:
        """SHA-256 over prompt, model, sampling, sample number and tag; ``payload`` spares encoding them again."""
        digest = hashlib.sha256(self.payload() if payload is None else payload)
        digest.update(f"\0{model}\0{self.sample}\0{self.tag}".encode("utf-8", "replace"))
        return digest.hexdigest()


def folded(messages: Messages) -> tuple[Message, ...]:
    """The messages with the system's text in front of the first user turn.

    >>> folded([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    ({'role': 'user', 'content': 'Be brief.\\n\\nWhy?'},)
    """
    system = [m for m in messages if not isinstance(m, str) and m.get("role") == "system"]
    rest = [dict(m) for m in messages if not isinstance(m, str) and m.get("role") != "system"]
    if not system:
        return tuple(rest)
    said = "\n\n".join(str(m.get("content") or "") for m in system)
    for message in rest:
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                message["content"] = [{"type": "text", "text": said}, *content]
            else:
                message["content"] = f"{said}\n\n{content or ''}"
            return tuple(rest)
    return ({"role": "user", "content": said}, *rest)


class TokenLogprob(NamedTuple):
    """A token of a reply, its log-probability, and the alternatives (token, log-probability) at its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ChatReply:
    """What came of a request. Look at ``failed`` first: a failed reply has no text and says why in ``error``.

    ``truncated`` and ``empty`` tell two kinds of non-answer from an answer: the model ran into its token limit, or
    stopped without a word. ``refused`` is a failed reply that a content filter stopped. ``reasoning`` is what the
    server set apart as thought; it is never part of ``text``. ``attempts`` counts HTTP requests made for it (0 from
    the cache), ``shared`` is true when an identical request in flight was waited for instead of sending another.

    >>> ChatReply(text="42", finish_reason="stop").ok
    True
    >>> ChatReply(text="4", finish_reason="abort").ok
    False
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
    usage: Mapping[str, float] = dataclasses.field(default_factory=dict)
    reasoning: str = ""
    refused: bool = False
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def failed(self) -> bool:
        """No endpoint gave an answer in time, or what came was none: ``error`` says why."""
        return bool(self.error)

    @property
    def truncated(self) -> bool:
        """The model ran into its token limit, so that the text may end before the answer."""
        return finish_kind(self.finish_reason) == "cut off"

    @property
    def empty(self) -> bool:
        """The model stopped without a word."""
        return not self.failed and not self.text.strip()

    @property
    def ok(self) -> bool:
        """A complete answer: not failed, not cut off, not empty, and finished for a reason that ends an answer."""
        return not (self.failed or self.empty) and finish_kind(self.finish_reason) == "finished"

    def require(self) -> str:
        """The text, or ``LLMUnavailable`` when the request failed.

        Raises:
            LLMUnavailable: there is no text; it says why, and after how many attempts.
        """
        if self.failed:
            plural = "" if self.attempts == 1 else "s"
            raise LLMUnavailable(f"{self.error} ({self.attempts} attempt{plural})")
        return self.text
