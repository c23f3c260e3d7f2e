"""A server for a :class:`~table_rewards.frameworks.serving.front.Front`: uvicorn within a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

BACKLOG: Final = 2048
BIND_S: Final = 10.0
HEADER_S: Final = 30.0
"""Seconds in which the head of a request must come, so that clients that send a byte now and then hold nothing."""


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
        """Closes a connection whose request has not begun within a time."""

        timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, error: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(error)

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

    return Patient
