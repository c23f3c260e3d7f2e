"""A server for a :class:`~table_rewards.frameworks.serving.front.Front`: uvicorn within a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any, Final

BACKLOG: Final = 2048
BIND_S: Final = 10.0
HEADER_S: Final = 30.0
"""Seconds in which the head of a request must come, so that clients that send a byte now and then hold nothing."""

MAX_HEAD: Final = 1 << 16
"""Bytes of a request that are no body: its line, its headers, what frames its chunks. The parser knows no limit."""

UNREAD_S: Final = 60.0
LEAST_READ: Final = 1 << 16
"""A client that takes fewer bytes of its reply in ``UNREAD_S`` seconds is given up, and the reply's memory with it."""

LINGER_S: Final = 30.0
"""Seconds for which what a client still sends is read and dropped when it has been refused. Closing a connection while
the client sends resets it, and the client sees the reset instead of the status."""

SILENCE_S: Final = 5.0
"""Seconds without a byte of it after which the connection is closed."""

LAST_S: Final = 0.3
"""Seconds for which a connection without a request stays open when the service ends: one may be on its way."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 for any.

    Raises:
        OSError: another process has it, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


class Listener:
    """Serves an ASGI application in the running event loop until it is closed.

    Args:
        application: the ASGI application.
        listening: a bound socket.
        shutdown_s: seconds that requests in flight get when the listener closes.
    """

    def __init__(self, application: Any, listening: socket.socket, shutdown_s: float) -> None:
        import uvicorn

        class Server(uvicorn.Server):  # type: ignore[misc]
            """Leaves the signals of the process alone."""

            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        config = uvicorn.Config(
            application,
            http=_protocol(),
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, round(shutdown_s)),
        )
        self._server = Server(config)
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listening]))

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return not self._task.done()

    async def close(self) -> None:
        """Take no more connections, finish what is in flight, return."""
        self._server.should_exit = True
        await asyncio.wait({self._task})


async def bound_soon(host: str, port: int) -> socket.socket:
    """The same as :func:`bound`, tried again for some seconds: who had the port before may still be ending.

    Raises:
        OSError: it is still taken.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + BIND_S
    while True:
        try:
            return bound(host, port)
        except OSError:
            if loop.time() > until:
                raise
            await asyncio.sleep(0.2)


def _protocol() -> Any:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Patient(AutoHTTPProtocol):  # type: ignore[misc]
        """Bounds what a client can hold: a request that does not begin, a head without an end, a reply left unread."""

        timer: asyncio.TimerHandle | None = None
        unread: asyncio.TimerHandle | None = None
        left = 0
        head = 0
        refused_at: float | None = None
        ending = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.set_write_buffer_limits(0)  # told of every reply that the client does not take at once
            self._watch()

        def data_received(self, data: bytes) -> None:
            if self.refused_at is not None:
                self._linger()
                return
            self.head += len(data)
            super().data_received(data)
            if self.head > MAX_HEAD and self.refused_at is None and hasattr(super(), "on_message_begin"):
                self._refuse("431 Request Header Fields Too Large", "the head of the request is too large")
            if self.refused_at is None:
                self._watch()
            if self.ending and self.cycle is not None:
                self.cycle.keep_alive = False

        # Parts of a request, as one of uvicorn's two parsers tells them; the other has a limit of its own.

        def on_message_begin(self) -> None:
            self.head = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self.head = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self.head = max(0, self.head - 16 * len(body))  # some write every word as a chunk of its own
            super().on_body(body)

        def shutdown(self) -> None:
            """The service ends: a request that has been sent already is answered, whether it has been read or not."""
            self.ending = True
            if self.refused_at is None and (self.cycle is None or self.cycle.response_complete):
                self.loop.call_later(LAST_S, super().shutdown)
            else:
                super().shutdown()

        def send_400_response(self, msg: str) -> None:
            self._refuse("400 Bad Request", msg)

        def connection_lost(self, error: Exception | None) -> None:
            self._unwatch()
            self._taken()
            self._unset_keepalive_if_required()  # which uvicorn leaves, and all that hangs on it, after a reset
            super().connection_lost(error)

        def pause_writing(self) -> None:
            super().pause_writing()
            if self.unread is None:
                self.left = self.transport.get_write_buffer_size()
                self.unread = self.loop.call_later(UNREAD_S, self._still_unread)

        def resume_writing(self) -> None:
            self._taken()
            super().resume_writing()

        def _taken(self) -> None:
            if self.unread is not None:
                self.unread.cancel()
                self.unread = None

        def _still_unread(self) -> None:
            before, self.left = self.left, self.transport.get_write_buffer_size()
            if self.left > before - LEAST_READ:
                self.transport.abort()
            else:
                self.unread = self.loop.call_later(UNREAD_S, self._still_unread)

        def _watch(self) -> None:
            if self.cycle is None or self.cycle.response_complete:
                if self.timer is None:
                    self.timer = self.loop.call_later(HEADER_S, self._tired)
            else:
                self._unwatch()

        def _unwatch(self) -> None:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None

        def _tired(self) -> None:
            self.timer = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

        def _refuse(self, status: str, why: str) -> None:
            """Answer what is no request; then read on for a time, so that the answer arrives."""
            self._unwatch()
            if self.transport.is_closing():
                return
            if self.cycle is not None and not self.cycle.response_complete:
                if self.cycle.response_started:
                    self.transport.close()
                    return
                self.cycle.disconnected = True  # nobody can be answered after this
                self.cycle.message_event.set()
            body = json.dumps({"error": why}).encode()
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
            self.transport.write_eof()
            self.flow.resume_reading()
            self.refused_at = self.loop.time()
            self._linger()

        def _linger(self) -> None:
            self._unwatch()
            assert self.refused_at is not None
            left = min(SILENCE_S, self.refused_at + LINGER_S - self.loop.time())
            self.timer = self.loop.call_later(max(0.0, left), self.transport.close)

    return Patient
