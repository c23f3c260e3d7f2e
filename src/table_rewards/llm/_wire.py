"""Reading what an OpenAI-compatible server sends."""

from __future__ import annotations

import datetime
import email.utils
import json
from typing import Any

from table_rewards.llm.types import ChatReply


class NotAReply(Exception):
    """The body is not what the protocol promises."""


def read_reply(body: bytes) -> ChatReply:
    """Read a chat completion. Reasoning that the server set apart is not part of the text."""
    answer = _json(body)
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
        finish_reason = choice.get("finish_reason")
        usage = answer.get("usage")
        model = answer.get("model")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotAReply(f"not a chat completion: {_excerpt(body)}") from None
    return ChatReply(
        text=text,
        finish_reason=finish_reason if isinstance(finish_reason, str) else "",
        model=model if isinstance(model, str) else "",
        usage=_counts(usage),
    )


def read_models(body: bytes) -> list[str]:
    """Names from /v1/models, adapters of a base model (they name a parent) left out."""
    answer = _json(body)
    try:
        return [str(entry["id"]) for entry in answer["data"] if not entry.get("parent")]
    except (KeyError, TypeError, AttributeError):
        raise NotAReply(f"not a list of models: {_excerpt(body)}") from None


def read_error(body: bytes) -> str:
    """The server's own words for what went wrong, on one line."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return _excerpt(body)
    found: Any = answer
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return _excerpt(found.encode("utf-8", "replace") if isinstance(found, str) else body)


def read_retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, a number or an HTTP date; None when it says nothing usable.

    >>> read_retry_after("1.5"), read_retry_after("soon"), read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
    (1.5, None, 0.0)
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=datetime.timezone.utc)
        seconds = (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotAReply(f"not JSON: {_excerpt(body)}") from None


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # content parts
        return "".join(part.get("text") or "" for part in content)
    raise TypeError


def _counts(usage: Any) -> dict[str, int]:
    if not isinstance(usage, dict):
        return {}
    return {
        name: int(value)
        for name in ("prompt_tokens", "completion_tokens")
        if isinstance(value := usage.get(name), (int, float)) and 0 <= value < 2**53
    }


def _excerpt(body: bytes) -> str:
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return (text[:160] + "…" if len(text) > 160 else text) or "an empty body"
