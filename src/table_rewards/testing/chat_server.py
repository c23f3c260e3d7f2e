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
import json
import random
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from table_rewards.core.errors import UnknownName

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
    "length",  # a reply cut off at the token limit
    "401",
    "404",
    "400",
)

Reply = str | Callable[[dict[str, Any]], str]


class ChatServer:
    """A server on a thread of its own; use it as a context manager, or ``start`` and ``stop`` it.

    Args:
        reply: the text of every reply, or a function of the request body.
        model: what /v1/models offers; a list offers several.
        latency_s: pause before each answer.
        faults: kinds (see ``FAULTS``) that a share ``fault_rate`` of the requests meets, in turn, chosen with ``seed``.
        fault_limit: after so many faults all is well.
        script: instead of a rate, a function from the request's number to a kind or None.
        capacity: more requests than this at once get 429.
        key: the API key it wants; without it 401.

    Attributes:
        url: its base address.
        received: the request bodies, in order of arrival.
        outcomes: how many requests met which end ("ok" or the fault's name).
        peak_in_flight: most requests being answered at once.
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
    ) -> None:
        for kind in faults:
            if kind not in FAULTS:
                raise UnknownName("fault", kind, FAULTS)
        self.reply, self.latency_s, self.retry_after_s = reply, latency_s, retry_after_s
        self.models = [model] if isinstance(model, str) else list(model)
        self.faults, self.fault_rate, self.fault_limit, self.script = tuple(faults), fault_rate, fault_limit, script
        self.capacity, self.key, self.port = capacity, key, port
        self.received: list[dict[str, Any]] = []
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.in_flight = self.peak_in_flight = self.connections = 0
        self.model_requests = 0
        self._random = random.Random(seed)
        self._faulted = 0
        self._open: set[_Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> ChatServer:
        """Listen; on the same port again after ``stop``."""
        loop = self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]

        def serve() -> None:
            asyncio.set_event_loop(loop)
            server = loop.run_until_complete(loop.create_server(lambda: _Connection(self), sock=listener, backlog=4096))
            loop.call_soon(listening.set)
            loop.run_forever()
            server.close()
            for connection in list(self._open):
                connection.abort()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

        self._thread = threading.Thread(target=serve, name="chat-server", daemon=True)
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
        """Decide what the next request meets."""
        number = len(self.received)
        if self.script is not None:
            return self.script(number)
        if self.fault_limit is not None and self._faulted >= self.fault_limit:
            return None
        if self.faults and self._random.random() < self.fault_rate:
            self._faulted += 1
            return self.faults[(self._faulted - 1) % len(self.faults)]
        return None


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request at a time."""

    def __init__(self, server: ChatServer) -> None:
        self.server = server
        self.buffer = b""
        self.busy = False
        self.gone = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server._open.add(self)
        self.server.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.server._open.discard(self)
        self._done()

    def abort(self) -> None:
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._next()

    def _next(self) -> None:
        if self.busy or b"\r\n\r\n" not in self.buffer:
            return
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers.get("content-length") or 0)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, *_ = lines[0].split(" ")
        self._request(method, path, headers, rest[:length])

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        server = self.server
        if server.key is not None and headers.get("authorization") != f"Bearer {server.key}":
            return self._send(401, {"error": {"message": "wrong key"}})
        if method == "GET" and path == "/v1/models":
            server.model_requests += 1
            return self._send(200, {"object": "list", "data": [{"id": name} for name in server.models]})
        if method != "POST" or path != "/v1/chat/completions":
            return self._send(404, {"error": {"message": f"no such path: {path}"}})
        try:
            request = json.loads(body)
        except ValueError:
            return self._send(400, {"error": {"message": "the body is not JSON"}})
        kind = server.fault()
        server.received.append(request)
        if kind is None and server.capacity is not None and server.in_flight >= server.capacity:
            kind = "429"
        server.outcomes[kind or "ok"] += 1
        self.busy = True
        server.in_flight += 1
        server.peak_in_flight = max(server.peak_in_flight, server.in_flight)
        if server.latency_s:
            asyncio.get_running_loop().call_later(server.latency_s, self._answer, request, kind)
        else:
            self._answer(request, kind)
        return None

    def _answer(self, request: dict[str, Any], kind: str | None) -> None:
        if self.gone:
            return
        server = self.server
        if kind in ("hang", "slow"):
            if kind == "slow":
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"
                )
                self._drip()
            return
        if kind == "reset":
            self.transport.abort()
        elif kind == "garbage":
            self._send(200, b"\x00\xff<html>not json")
        elif kind == "wrong-json":
            self._send(200, {"choices": []})
        elif kind is not None and kind[:3].isdecimal():
            extra = f"retry-after: {server.retry_after_s:g}\r\n" if kind == "429-retry-after" else ""
            self._send(int(kind[:3]), {"error": {"message": f"scripted {kind}"}}, extra)
        else:
            self._complete(request, kind)

    def _complete(self, request: dict[str, Any], kind: str | None) -> None:
        server = self.server
        text = server.reply if isinstance(server.reply, str) else server.reply(request)
        if kind == "empty":
            text = ""
        elif kind == "length":
            text = text[: len(text) // 2]
        completion = {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "model": request.get("model"),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "length" if kind == "length" else "stop",
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
        self._send(200, completion, cut=kind == "cut")

    def _send(self, status: int, body: dict[str, Any] | bytes, extra: str = "", *, cut: bool = False) -> None:
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}content-length: {len(body)}\r\n\r\n"
        if cut:
            self.transport.write(head.encode("latin-1") + body[: len(body) // 2])
            self.transport.close()
            return
        self.transport.write(head.encode("latin-1") + body)
        self._done()
        self._next()

    def _done(self) -> None:
        if self.busy:
            self.busy = False
            self.server.in_flight -= 1

    def _drip(self) -> None:
        if not self.gone:
            self.transport.write(b" ")
            asyncio.get_running_loop().call_later(0.05, self._drip)


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
