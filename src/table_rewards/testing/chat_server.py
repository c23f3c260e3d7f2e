"""A real OpenAI-compatible HTTP server on loopback that fails on command.

For tests of anything that asks a model: real sockets, real HTTP/1.1, scripted faults, and a count of what it saw.

>>> from table_rewards.llm import get_pool
>>> with ChatServer(reply="<answer>42</answer>", faults=["500"], fault_rate=1.0, fault_limit=2) as server:
...     reply = get_pool(server.url, wait_initial_s=0.001).ask("How many?")
...     reply.text, reply.attempts, server.outcomes["500"]
('<answer>42</answer>', 3, 2)
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import random
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from table_rewards.core.errors import UnknownName

if TYPE_CHECKING:
    from aiohttp import web

FAULTS = (
    "429",  # too many requests, no word on when to come back
    "429-retry-after",  # ... with Retry-After (`retry_after_s`)
    "500",
    "503",
    "reset",  # the connection is cut before an answer
    "cut",  # ... in the middle of the answer
    "slow",  # the body comes a byte at a time and never ends
    "hang",  # no byte ever comes
    "garbage",  # bytes that are no JSON, status 200
    "wrong-json",  # JSON that is no chat completion
    "empty",  # a reply without text
    "abort",  # half a reply, with a finish reason that says so
    "error-200",  # an error in the body of status 200
    "length",  # a reply cut off at the token limit
    "401",
    "404",
    "400",
)
"""What a request may meet; any other status (``"403"``, ``"422"``) and ``"finish:REASON"`` are known too."""


class Answer(NamedTuple):
    """Any HTTP answer, for replies that a chat completion of one text is too narrow for."""

    status: int = 200
    body: bytes | str | Mapping[str, Any] = b""
    headers: Mapping[str, str] = {}


class Wire(NamedTuple):
    """Bytes that go onto the connection as they are, status line and all, and then its end."""

    data: bytes


Reply = str | Callable[[dict[str, Any]], "str | Mapping[str, Any] | Answer | Wire"]
"""A text, or a function from the request to a text, a chat message, any answer, or the bytes of one."""


class ChatServer:
    """A server on a thread of its own; use it as a context manager, or ``start`` and ``stop`` it.

    Args:
        reply: the text of every reply, or a function of the request body that returns a text, a whole message (a
            mapping with ``content``, and with ``finish_reason`` where that is not "stop"), an ``Answer``, or a
            ``Wire``, for what no well-behaved server sends.
        model: what /v1/models offers; a list offers several.
        latency_s: pause before each answer.
        faults: kinds (see ``FAULTS``) that a share ``fault_rate`` of the requests meets, in turn, chosen with ``seed``.
        fault_limit: after so many faults all is well.
        script: instead of a rate, a function from the request's number to a kind or None; ``received[number]`` is its
            body.
        capacity: more requests than this at once get 429.
        key: the API key it wants; without it 401.
        path: in front of ``/chat/completions`` and ``/models``.
        tls: a server's TLS context: it then speaks https.

    Attributes:
        url: its base address.
        received: the request bodies, in order of arrival; ``received_heads`` their headers, names in lower case, with
            the path and query as ``:path``.
        outcomes: how many requests met which end ("ok" or the fault's name).
        peak_in_flight: most requests being answered at once.

    Raises:
        UnknownName: a kind of fault that there is not.
    """

    def __init__(
        self,
        reply: Reply = "<answer>42</answer>",
        *,
        model: str | Sequence[str] = "test-model",
        latency_s: float = 0.0,
        faults: Sequence[str] = (),
        fault_rate: float = 0.0,
        fault_limit: int | None = None,
        script: Callable[[int], str | None] | None = None,
        retry_after_s: float = 0.1,
        capacity: int | None = None,
        key: str | None = None,
        seed: int = 0,
        port: int = 0,
        path: str = "/v1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        for kind in faults:
            if not _is_fault(kind):
                raise UnknownName("fault", kind, FAULTS)
        self.reply, self.latency_s, self.retry_after_s = reply, latency_s, retry_after_s
        self.models = [model] if isinstance(model, str) else list(model)
        self.faults, self.fault_rate, self.fault_limit, self.script = tuple(faults), fault_rate, fault_limit, script
        self.capacity, self.key, self.port, self.path, self.tls = capacity, key, port, path.rstrip("/"), tls
        self.received: list[dict[str, Any]] = []
        self.received_heads: list[dict[str, str]] = []
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.in_flight = self.peak_in_flight = 0
        self.model_requests = 0
        self._random = random.Random(seed)
        self._faulted = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address that an endpoint is named by, ``/v1`` included."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}{self.path}"

    def start(self) -> ChatServer:
        """Listen; on the same port again after ``stop``."""
        loop = self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._serve, args=(loop, listener, listening), name="chat-server", daemon=True
        )
        self._thread.start()
        listening.wait()
        return self

    def stop(self) -> None:
        """Stop at once: every connection is reset and the port refuses."""
        loop, thread = self._loop, self._thread
        if loop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        self._loop = self._thread = None
        self.in_flight = 0

    def __enter__(self) -> ChatServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fault(self) -> str | None:
        """Decide what the latest request meets."""
        number = len(self.received) - 1
        if self.script is not None:
            return self.script(number)
        if self.fault_limit is not None and self._faulted >= self.fault_limit:
            return None
        if self.faults and self._random.random() < self.fault_rate:
            self._faulted += 1
            return self.faults[(self._faulted - 1) % len(self.faults)]
        return None

    # -- inside, all on the server's own loop -------------------------------------------------------------------------

    def _serve(self, loop: asyncio.AbstractEventLoop, listener: socket.socket, listening: threading.Event) -> None:
        from aiohttp import web

        asyncio.set_event_loop(loop)

        async def listen() -> web.Server:
            server = web.Server(self._handle, handler_cancellation=True, access_log=None)
            await loop.create_server(server, sock=listener, backlog=4096, ssl=self.tls)
            return server

        server = loop.run_until_complete(listen())
        loop.call_soon(listening.set)
        loop.run_forever()
        listener.close()
        for connection in server.connections:
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(server.shutdown(0))
        loop.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        heads = {name.lower(): value for name, value in request.headers.items()} | {":path": request.path_qs}
        if self.key is not None and heads.get("authorization") != f"Bearer {self.key}":
            return _response(Answer(401, _error("wrong key")))
        if request.method == "GET" and request.path == f"{self.path}/models":
            self.model_requests += 1
            listed = [{"id": name} for name in self.models]
            return _response(Answer(200, {"object": "list", "data": listed}))
        if request.method != "POST" or request.path != f"{self.path}/chat/completions":
            return _response(Answer(404, _error(f"no such path: {request.path}")))
        try:
            asked = json.loads(await request.read())
        except ValueError:
            return _response(Answer(400, _error("the body is not JSON")))
        self.received.append(asked)
        self.received_heads.append(heads)
        kind = self.fault()
        if kind is None and self.capacity is not None and self.in_flight >= self.capacity:
            kind = "429"
        self.outcomes[kind or "ok"] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            return await self._answer(request, asked, kind)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.BaseRequest, asked: dict[str, Any], kind: str | None) -> web.StreamResponse:
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind == "slow":
            return await _dripping(request)
        if kind == "reset":
            assert isinstance(request.transport, asyncio.Transport)
            request.transport.abort()
            return _response(Answer())
        if kind == "garbage":
            return _response(Answer(200, b"\x00\xff<html>not json"))
        if kind == "wrong-json":
            return _response(Answer(200, {"choices": []}))
        if kind == "error-200":
            return _response(Answer(200, {"error": {"message": "scripted error", "code": 502}}))
        if kind is not None and kind[:3].isdecimal():
            extra = {"Retry-After": f"{self.retry_after_s:g}"} if kind.endswith("-retry-after") else {}
            if kind[0] == "3":
                extra["Location"] = "http://127.0.0.1:9/elsewhere"
            return _response(Answer(int(kind[:3]), _error(f"scripted {kind}"), extra))
        said = self.reply if isinstance(self.reply, str) else self.reply(asked)
        if isinstance(said, Wire):
            assert request.transport is not None
            request.transport.write(said.data)
            request.transport.close()
            return _response(Answer())  # which goes nowhere
        answer = said if isinstance(said, Answer) else Answer(200, _completion(asked, said, kind))
        return await _cut(request, answer) if kind == "cut" else _response(answer)


def _is_fault(kind: str) -> bool:
    return kind in FAULTS or kind.startswith("finish:") or (len(kind) == 3 and kind.isdecimal())


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message}}


def _completion(asked: Mapping[str, Any], said: str | Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"content": said} if isinstance(said, str) else dict(said)
    text, finish_reason = message.get("content"), message.pop("finish_reason", "stop")
    logprobs = message.pop("logprobs", None)
    if kind == "empty":
        message["content"] = ""
    elif kind in ("length", "abort"):
        finish_reason = kind
        message["content"] = text[: len(text) // 2] if isinstance(text, str) else text
    elif kind is not None and kind.startswith("finish:"):
        finish_reason = kind.removeprefix("finish:")
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    if logprobs is not None:
        choice["logprobs"] = logprobs
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "model": asked.get("model"),
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def _response(answer: Answer) -> web.Response:
    from aiohttp import web

    headers = {"Content-Type": "application/json", **answer.headers}
    return web.Response(status=answer.status, body=_bytes(answer), headers=headers)


def _bytes(answer: Answer) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    return (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()


async def _cut(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Half the body, then the end of the connection."""
    from aiohttp import web

    body = _bytes(answer)
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def _dripping(request: web.BaseRequest) -> web.StreamResponse:
    """A byte at a time, for ever."""
    from aiohttp import web

    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "9999"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)
    return response


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve in the foreground until standard input closes; prints the address."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server for tests; every reply is the same text.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--reply", default="<answer>42</answer>")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--fault", action="append", default=[], choices=FAULTS, metavar="KIND", help=", ".join(FAULTS))
    options = parser.parse_args(arguments)
    with ChatServer(
        options.reply,
        latency_s=options.latency_ms / 1000,
        faults=options.fault,
        fault_rate=options.fault_rate,
        port=options.port,
    ) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
