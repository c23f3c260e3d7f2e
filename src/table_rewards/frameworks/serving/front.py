"""The HTTP side of a service, as an ASGI application: addresses, token, limits; the work is passed on as it came."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, Protocol

from table_rewards.frameworks.serving.forms import FORMS
from table_rewards.frameworks.serving.gym_metrics import aggregate_metrics
from table_rewards.frameworks.serving.listening import LINGER_S, SILENCE_S
from table_rewards.frameworks.serving.settings import ServiceSettings

RETRY_AFTER_S: Final = 1
READY_S: Final = 5.0
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Reply = tuple[int, bytes]
Seen = Callable[[str, str, int, float], None]
"""Told of every answered request: reward, form, HTTP status, seconds."""

_JSON: Final = (b"content-type", b"application/json")

logger = logging.getLogger("table_rewards.serving")


class Worker(Protocol):
    """What scores the requests of one reward."""

    async def answer(self, form: str, body: bytes) -> Reply:
        """The HTTP status and the body of the reply; 503 when nobody can take the request now."""

    async def signature(self) -> str:
        """The reward's signature.

        Raises:
            Exception: nobody can tell it now.
        """


class Front:
    """Answers HTTP for the rewards of a service.

    ``POST /NAME/FORM``, ``GET /NAME/signature``, ``GET /health``, ``GET /ready``; and for NeMo Gym, whose clients know
    a host and a port and no path, ``POST /verify``, ``/seed_session`` and ``/aggregate_metrics`` and
    ``GET /reverify_mode`` of the one reward that ``gym`` names.

    Args:
        settings: the service.
        workers: name -> who scores.
        token: what clients must send as a bearer token; empty for nothing.
        seen: told of every answered request.
        expected: name -> signature that its worker should have, told while it is too busy to tell its own. Every reply
            holds the one that scored it.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        workers: Mapping[str, Worker],
        token: str = "",
        seen: Seen | None = None,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        self.settings, self.workers, self.token, self.seen = settings, dict(workers), token, seen
        self.limit = int(settings.max_request_mb * (1 << 20))
        self.room = max(self.limit, int(settings.max_waiting_mb * (1 << 20)))
        self.held = 0
        self._signatures: dict[str, str] = {}
        self._expected = dict(expected or {})

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        words = [word for word in scope["path"].split("/") if word]
        sent_headers = dict(scope["headers"])
        incoming = _Incoming(receive, sent_headers)
        try:
            status, body = await self._answer(scope["method"], words, sent_headers, incoming)
        except Exception:  # a fault of ours is told as every other, and harms no other request
            logger.exception("a request to /%s failed", "/".join(words)[:100])
            status, body = _error(500, "the service failed; its log says why")
        headers = [_JSON, (b"content-length", str(len(body)).encode())]
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
        if not incoming.ended:
            headers.append((b"connection", b"close"))
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": not incoming.ended})
        except OSError:
            return  # the client is gone
        if self.seen is not None and len(words) == 2 and words[0] in self.workers:
            self.seen(words[0], words[1] if words[1] in FORMS else "other", status, time.perf_counter() - begun)
        if not incoming.ended:
            await incoming.drop()
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b""})

    async def _answer(self, method: str, words: list[str], headers: Mapping[bytes, bytes], receive: Receive) -> Reply:
        if words in (["health"], ["ready"]) and method in ("GET", "HEAD"):
            return await self._health(ready=words == ["ready"])
        if self.token and not _allowed(headers.get(b"authorization", b""), self.token):
            return _error(401, "no bearer token, or a wrong one")
        if len(words) == 1 and self.settings.gym_reward:
            if (method, words[0]) == ("GET", "reverify_mode"):
                return 200, b'"stateless"'
            if (method, words[0]) == ("POST", "seed_session"):
                return 200, b"{}"
            if (method, words[0]) == ("POST", "aggregate_metrics"):
                return await self._taken(headers, receive, _aggregated)
            if words[0] == "verify":
                words = [self.settings.gym_reward, "verify"]
        if len(words) != 2 or words[0] not in self.workers:
            there = f"rewards: {', '.join(self.workers)}; forms: {', '.join(FORMS)}"
            return _error(404, f"no such address; {there}")
        name, form = words
        if form == "signature" and method == "GET":
            return await self._signature(name)
        if form not in FORMS:
            return _error(404, f"unknown form {form!r}; known: {', '.join(FORMS)}, signature")
        if method != "POST":
            return _error(405, f"/{name}/{form} takes POST")
        return await self._taken(headers, receive, lambda body: self.workers[name].answer(form, body))

    async def _taken(
        self, headers: Mapping[bytes, bytes], receive: Receive, answer: Callable[[bytes], Awaitable[Reply]]
    ) -> Reply:
        """Take the body of a request, within the limits, and answer it."""
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return _error(415, "a compressed body is not taken")
        told = headers.get(b"content-length", b"")
        expected = int(told) if told.isdigit() and len(told) < 20 else self.limit + 1 if told else 0
        if expected > self.limit:
            return _error(413, f"the body is larger than {self.settings.max_request_mb:g} MiB")
        if self.held + expected > self.room:
            return _error(503, f"the service holds {self.settings.max_waiting_mb:g} MiB of requests already")
        hold = _Hold(self)  # of what has come; a length that is only told would keep others out for nothing
        try:
            try:
                body = await asyncio.wait_for(self._body(receive, hold), self.settings.receive_timeout_s)
            except asyncio.TimeoutError:
                return _error(408, f"the body did not come within {self.settings.receive_timeout_s:g} s")
            return await answer(body)
        except _TooLarge:
            return _error(413, f"the body is larger than {self.settings.max_request_mb:g} MiB")
        except _NoRoom:
            return _error(503, f"the service holds {self.settings.max_waiting_mb:g} MiB of requests already")
        except _Gone:
            return _error(400, "the body broke off")
        finally:
            hold.release()

    async def _body(self, receive: Receive, hold: _Hold) -> bytes:
        pieces, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            piece = message.get("body", b"")
            size += len(piece)
            if size > self.limit:
                raise _TooLarge
            hold.at_least(size)
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)

    async def _signature(self, name: str) -> Reply:
        try:
            found = await asyncio.wait_for(self._signature_of(name), READY_S)
        except Exception as error:
            if name not in self._expected:
                return _error(503, f"{name} does not answer: {type(error).__name__}")
            found = self._expected[name]  # a trainer that starts need not wait until the others' requests are done
        return 200, _json({"signature": found})

    async def _signature_of(self, name: str) -> str:
        """A reward's signature, asked once: the replicas of a service are all alike."""
        if name not in self._signatures:
            self._signatures[name] = await self.workers[name].signature()
        return self._signatures[name]

    async def _health(self, *, ready: bool) -> Reply:
        if not ready:
            return 200, _json({"status": "ok"})
        found = [asyncio.wait_for(self.workers[name].signature(), READY_S) for name in self.workers]
        told = dict(zip(self.workers, await asyncio.gather(*found, return_exceptions=True), strict=True))
        missing = {name: type(error).__name__ for name, error in told.items() if isinstance(error, BaseException)}
        if missing:
            return 503, _json({"status": "not ready", "errors": missing})
        return 200, _json({"status": "ready", "rewards": told})


class _Incoming:
    """The messages of a request, and whether its body has come to its end.

    Args:
        receive: the server's.
        headers: of the request.
    """

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        self.ended = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """The next message (ASGI)."""
        message = await self._receive()
        self.ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def drop(self) -> None:
        """Read what is left of the body and forget it, for a time.

        Also where the client asked first whether to send it (``Expect: 100-continue``): such clients wait for a second
        and then send.
        """
        until = time.monotonic() + LINGER_S
        while not self.ended and time.monotonic() < until:
            try:
                await asyncio.wait_for(self(), SILENCE_S)
            except asyncio.TimeoutError:
                return


class _Hold:
    """Bytes of one request that count as held until it is answered."""

    def __init__(self, front: Front) -> None:
        self.front, self.size = front, 0

    def at_least(self, size: int) -> None:
        more = size - self.size
        if more <= 0:
            return
        if self.front.held + more > self.front.room:
            raise _NoRoom
        self.size = size
        self.front.held += more

    def release(self) -> None:
        self.front.held -= self.size


class _TooLarge(Exception):
    pass


class _NoRoom(Exception):
    pass


class _Gone(Exception):
    pass


def _allowed(header: bytes, token: str) -> bool:
    return hmac.compare_digest(header, f"Bearer {token}".encode())


async def _aggregated(body: bytes) -> Reply:
    try:
        return 200, await asyncio.to_thread(lambda: _json(aggregate_metrics(json.loads(body))))
    except (ValueError, RecursionError) as error:
        return _error(400, str(error)[:200])


def _error(status: int, why: str) -> Reply:
    return status, _json({"error": why})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
