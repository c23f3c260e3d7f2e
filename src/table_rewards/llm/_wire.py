"""Reading what an OpenAI-compatible server sends."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from table_rewards.llm.types import ChatReply, TokenLogprob, finish_kind

Redact = Callable[[str], str]

QUOTA_WORDS: Final = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "quota_exceeded",
    "insufficient balance",
    "insufficient_balance",
    "insufficient credits",
    "exceeded your current quota",
    "credit balance is too low",
    "budget has been exceeded",
    "crossed budget",
    "specified api usage limits",
)
"""Codes and words of a 429 that say that money is spent, which no waiting mends."""

FILTER_CODES: Final = (
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "flagged_input",
)
"""Codes of an error that say that a content filter stopped the prompt or the reply."""

_EXCERPT: Final = 160
_THOUGHT_PARTS: Final = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_content", "thought"})
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
"""Names under which servers set a message's thoughts apart, each beside the content."""
_THOUGHT_LISTS: Final = ("reasoning_details", "thinking_blocks")
_USAGE: Final = ("prompt_tokens", "completion_tokens")
_SPAN: Final = r"(\d{1,9}(?:\.\d{1,12})?) ?(ms|milli|h|m|s)[a-z]{0,10}"
_RETRY_IN: Final = re.compile(rf"(?:re)?try (?:again )?(?:in|after) ((?:{_SPAN} ?){{1,4}})", re.IGNORECASE)
_SECONDS_OF: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "milli": 0.001}


class NotAReply(Exception):
    """The body is not what the protocol promises.

    ``status`` is that of an error which the server reports within the body of another status.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def read_reply(body: bytes, redact: Redact = str) -> ChatReply:
    """Read a chat completion. What the server marks as reasoning is apart from the text.

    A reply that never finished is no answer: an error that the server reports beside status 200 and a generation that
    was aborted raise ``NotAReply``, so that they are asked again elsewhere; a refusal and a finish reason that is no
    end of an answer come back as a failed reply.
    """
    answer = _json(body, redact)
    try:
        if answer.get("error") or (not answer.get("choices") and _status(answer)):
            raise NotAReply(f"an error with status 200: {_words(answer, redact)}", _status(answer))
        choice = answer["choices"][0]
        if choice.get("error"):
            raise NotAReply(f"an error with status 200: {_words(choice, redact)}", _status(choice))
        message = choice["message"]
        text, thoughts = _texts(message.get("content"))
        reasoning = "".join([_apart(message), *thoughts])
        finish_reason = _reason(choice.get("finish_reason"))
        if (message.get("tool_calls") or message.get("function_call")) and finish_kind(finish_reason) == "finished":
            finish_reason = "tool_calls"  # some servers say "stop" of a reply that asks for a tool
        refusal = message.get("refusal") or _refusal(message.get("content"))
        logprobs = _logprobs(choice.get("logprobs"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotAReply(f"not a chat completion: {excerpt(body, redact)}") from None
    model = answer.get("model")
    reply = ChatReply(
        text=text,
        reasoning=reasoning,
        finish_reason=finish_reason,
        model=model if isinstance(model, str) else "",
        usage=_counts(answer.get("usage")),
        logprobs=logprobs,
    )
    return _finished(reply, refusal, redact)


def _status(answer: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error names: its own number, or that of the body which is one."""
    error = answer.get("error")
    told = error if isinstance(error, Mapping) else answer
    for name in ("code", "status", "status_code"):
        value = told.get(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _reason(found: Any) -> str:
    if isinstance(found, Mapping):  # SGLang's own form
        found = found.get("type")
    return "" if found is None else str(found)


def _apart(message: Mapping[str, Any]) -> str:
    """The thoughts that a message holds beside its content, under the first name that has any."""
    for name in _REASONING:
        if found := _string(message, name):
            return found
    for name in _THOUGHT_LISTS:
        parts = message.get(name)
        if isinstance(parts, list) and parts:
            return "".join(_thought(part) for part in parts if isinstance(part, Mapping))
    return ""


def _refusal(content: Any) -> str | None:
    """What the content's parts of the type refusal say; None without any."""
    parts = content if isinstance(content, list) else ()
    return "".join(_string(part, "refusal") for part in parts if isinstance(part, Mapping)) or None


def _finished(reply: ChatReply, refusal: Any, redact: Redact) -> ChatReply:
    kind = finish_kind(reply.finish_reason)
    if refusal is None and (kind == "cut off" or (kind == "finished" and (reply.text or not reply.reasoning))):
        return reply
    named = f"finish_reason {shortened(redact(reply.finish_reason))!r}"
    if kind == "fault":
        raise NotAReply(f"the generation was broken off ({named})")
    if kind == "refused" or (isinstance(refusal, str) and refusal.strip() and not reply.text.strip()):
        said = f": {shortened(redact(refusal))}" if isinstance(refusal, str) and refusal.strip() else ""
        return _failed(reply, f"the server refused to answer ({named}){said}", refused=True)
    if kind == "unfinished":
        return _failed(reply, f"{named} does not end an answer; nothing of the reply was used")
    if kind == "finished" and not reply.text.strip() and reply.reasoning.strip():
        return _failed(
            reply,
            f"the reply holds {len(reply.reasoning):,} characters of reasoning and no content: the server's reasoning "
            "parser took all of it; send thinking=False (chat_template_kwargs.enable_thinking), or raise max_tokens",
        )
    return reply


def _failed(reply: ChatReply, error: str, *, refused: bool = False) -> ChatReply:
    return ChatReply(
        error=error, refused=refused, finish_reason=reply.finish_reason, model=reply.model, usage=reply.usage
    )


def read_models(body: bytes, redact: Redact = str) -> list[str]:
    """Names from /v1/models, adapters of a base model (they name a parent) left out.

    >>> read_models(b'{"data": [{"id": "m"}, {"id": "lora", "parent": "m"}]}'), read_models(b'[{"id": "m"}]')
    (['m'], ['m'])
    """
    answer = _json(body, redact)
    try:
        listed = answer if isinstance(answer, list) else answer["data"]  # Together sends the bare list
        return [str(entry["id"]) for entry in listed if not entry.get("parent")]
    except (KeyError, TypeError, AttributeError):
        raise NotAReply(f"not a list of models: {excerpt(body, redact)}") from None


def read_error(body: bytes, redact: Redact = str) -> str:
    """The server's own words for what went wrong, on one line, keys taken out."""
    answer = _error_object(body)
    return excerpt(body, redact) if answer is None else _words(answer, redact)


def _error_object(body: bytes) -> Mapping[str, Any] | None:
    """The object that an error's body is; Gemini's comes as a list of one."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    return answer if isinstance(answer, Mapping) else None


def is_quota(body: bytes) -> bool:
    """Whether a 429 says that a quota or a balance is spent."""
    text = body[:4000].decode("utf-8", "replace").lower()
    return any(words in text for words in QUOTA_WORDS)


def read_retry_delay(body: bytes) -> float | None:
    """Seconds after which a 429's body asks to try again; None where it does not say.

    >>> read_retry_delay(b'{"error": {"message": "Rate limit reached. Please try again in 1m2.5s."}}')
    62.5
    >>> read_retry_delay(b'{"error": {"message": "Please retry after 24 seconds."}}')
    24.0
    >>> read_retry_delay(b'{"error": {"details": [{"retryDelay": "36s"}]}}'), read_retry_delay(b'{"error": "no"}')
    (36.0, None)
    """
    error = (_error_object(body) or {}).get("error")
    if not isinstance(error, Mapping):
        return None
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        told = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(told, str):
            return read_retry_after(told.removesuffix("s"))
    found = _RETRY_IN.search(_string(error, "message")[:4000])
    if found is None:
        return None
    spans = re.findall(_SPAN, found[1], re.IGNORECASE)
    return sum(float(number) * _SECONDS_OF[unit.lower()] for number, unit in spans)


def is_filtered(body: bytes) -> bool:
    """Whether an error says that a content filter stopped the request.

    >>> is_filtered(b'{"error": {"code": "content_filter"}}'), is_filtered(b'{"error": {"code": 400}}')
    (True, False)
    """
    error = (_error_object(body) or {}).get("error")
    if not isinstance(error, Mapping):
        return False
    inner = error.get("innererror"), error.get("metadata")
    told = [error.get("code"), error.get("type"), *(part.get("code") for part in inner if isinstance(part, Mapping))]
    flagged = isinstance(error.get("metadata"), Mapping) and "flagged_input" in error["metadata"]
    return flagged or any(isinstance(code, str) and code.lower() in FILTER_CODES for code in told)


def read_retry_after(value: str | None, milliseconds: str | None = None) -> float | None:
    """Seconds from a Retry-After header, a number or an HTTP date; None when it says nothing usable.

    Args:
        value: the header ``Retry-After``.
        milliseconds: the header ``retry-after-ms``, which goes before the other where it is a number.

    >>> read_retry_after("1.5"), read_retry_after("soon"), read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
    (1.5, None, 0.0)
    >>> read_retry_after("3", "250"), read_retry_after("3", "soon"), read_retry_after(None, "nan")
    (0.25, 3.0, None)
    """
    if milliseconds:
        with contextlib.suppress(ValueError):
            return read_retry_after(str(float(milliseconds) / 1_000))
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=datetime.timezone.utc)
        seconds = (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def excerpt(body: bytes, redact: Redact = str) -> str:
    """The beginning of a body on one line, keys taken out before it is cut."""
    return shortened(redact(body[:8192].decode("utf-8", "replace"))) or "an empty body"


def shortened(text: str) -> str:
    text = " ".join(text.split())
    return text[:_EXCERPT] + "…" if len(text) > _EXCERPT else text


def _words(answer: Mapping[str, Any], redact: Redact) -> str:
    found: Any = answer
    for name in ("error", "errors", "message", "detail"):
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, Mapping) and found.get(name):
            found = found[name]
    if isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, Mapping) and isinstance(found.get("msg"), str):  # FastAPI's validation errors
        found = found["msg"]
    if not isinstance(found, str):
        found = json.dumps(found, ensure_ascii=False)
    return shortened(redact(" ".join(filter(None, (found, _upstream(answer)))))) or "no words"


def _upstream(answer: Mapping[str, Any]) -> str:
    """What a router tells of the provider behind it, whose own words it puts beside a general message."""
    error = answer.get("error")
    metadata = error.get("metadata") if isinstance(error, Mapping) else None
    return _string(metadata, "raw") if isinstance(metadata, Mapping) else ""


def _json(body: bytes, redact: Redact) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotAReply(f"not JSON: {excerpt(body, redact)}") from None


def _texts(content: Any) -> tuple[str, list[str]]:
    """The text of a message's content, and the thoughts among its parts."""
    if content is None:
        return "", []
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise TypeError
    text: list[str] = []
    thoughts: list[str] = []
    for part in content:
        if isinstance(part, str):
            text.append(part)
        elif part.get("type") in _THOUGHT_PARTS or part.get("thought") is True:
            thoughts.append(_thought(part))
        else:
            text.append(_string(part, "text"))
    return "".join(text), thoughts


def _thought(part: Mapping[str, Any]) -> str:
    found = part.get("thinking") or part.get("reasoning") or part.get("text") or ""
    return found if isinstance(found, str) else "".join(_string(inner, "text") for inner in found)


def _string(mapping: Mapping[str, Any], name: str) -> str:
    found = mapping.get(name)
    return found if isinstance(found, str) else ""


def _counts(usage: Any) -> dict[str, float]:
    """Tokens and, where the server states it, cost."""
    if not isinstance(usage, dict):
        return {}
    found: dict[str, float] = {name: int(usage[name]) for name in _USAGE if _is_count(usage.get(name))}
    for group, name, ours in (
        ("completion_tokens_details", "reasoning_tokens", "reasoning_tokens"),
        ("prompt_tokens_details", "cached_tokens", "cached_tokens"),
    ):
        details = usage.get(group)
        value = details.get(name) if isinstance(details, dict) else usage.get(name)
        if value is not None and _is_count(value):
            found[ours] = int(value)
    if _is_count(usage.get("cost")):
        found["cost"] = float(usage["cost"])
    return found


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**53


def _logprobs(found: Any) -> tuple[TokenLogprob, ...]:
    """Log-probabilities as the OpenAI API words them; none where a server words them otherwise."""
    try:
        return tuple(
            TokenLogprob(
                str(one["token"]),
                float(one["logprob"]),
                tuple((str(top["token"]), float(top["logprob"])) for top in one.get("top_logprobs") or ()),
            )
            for one in found["content"]
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()
