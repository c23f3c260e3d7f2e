"""HTTP to a service: connections that stay open, and a time after which an exchange ends, whatever the other side does.

The timeout of a socket is one of every single read, so a service that sends a byte now and then would hold a trainer
for ever; here the whole exchange has an end.
"""

from __future__ import annotations

import functools
import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.forking import renew_after_fork

IDLE: Final = 64
IDLE_S: Final = 30.0
MAX_REPLY: Final = 1 << 28
CONNECT_S: Final = 10.0
"""Seconds for one attempt to connect: where a node is gone nothing answers, and another attempt meets another node."""

AT_ONCE: Final = 1 << 16
"""Bytes that are sent without a look at what the other side says meanwhile."""

PROBES: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A machine that went without a word is noticed within half a minute, however long a reply may take."""


class Told(NamedTuple):
    """A reply: HTTP status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(address: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Told:
    """Send one request, POST where there is a body, and return the whole reply.

    Raises:
        TimeoutError: it is not there within ``timeout`` seconds.
        OSError: the service cannot be reached, breaks off, or does not speak HTTP.
    """
    until = time.monotonic() + timeout
    place = urlsplit(address)
    key = (place.scheme, place.hostname or "", place.port)
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    while True:
        connection, used = _taken(key)
        connection.until = until
        whole = True
        try:
            try:
                connection.request("GET" if body is None else "POST", path, body, dict(headers))
            except (_AnsweredEarly, BrokenPipeError, ConnectionResetError):
                if connection.sock is None:
                    raise  # there was no connection
                whole = False  # refused before the rest was read: the reply says why
            response = connection.getresponse()
        except (ConnectionError, ssl.SSLError, http.client.BadStatusLine) as error:
            connection.close()
            if used:  # it had been closed meanwhile; scoring twice does no harm
                continue
            raise _os_error(error) from None
        except (http.client.HTTPException, ValueError) as error:
            connection.close()
            raise _os_error(error) from None
        except BaseException:
            connection.close()
            raise
        return _whole(connection, key, response, keep=whole)


def _whole(
    connection: _Connection, key: tuple[str, str, int | None], response: http.client.HTTPResponse, *, keep: bool
) -> Told:
    wanted, keep = keep, False
    try:
        body = response.read(MAX_REPLY + 1)
        if len(body) > MAX_REPLY:
            raise ConnectionError(f"a reply of more than {MAX_REPLY >> 20} MiB")
        if response.length:
            raise ConnectionError(f"the reply broke off, {response.length:,} bytes before its end")
        keep = wanted and not response.will_close
        return Told(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
    except http.client.HTTPException as error:
        raise _os_error(error) from None
    finally:
        response.close()
        if keep:
            _give_back(key, connection)
        else:
            connection.close()


def _os_error(error: Exception) -> OSError:
    if isinstance(error, OSError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return error
    return ConnectionError(f"{type(error).__name__} {error}"[:200])


class _Timed(io.RawIOBase):
    """The bytes of a socket until a moment."""

    def __init__(self, raw: Any, sock: socket.socket, until: float) -> None:
        self._bytes, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the reply is not whole in time")
        self._sock.settimeout(left)
        return int(self._bytes.readinto(buffer))

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, until: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, until))


class _AnsweredEarly(Exception):
    """The other side has said something before it got the whole request."""


class _Connection(http.client.HTTPConnection):
    until: float = 0.0
    idle_since: float = 0.0
    looks = True

    def connect(self) -> None:
        self.timeout = max(0.001, min(CONNECT_S, self.until - time.monotonic()))
        super().connect()
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in PROBES.items():
                if hasattr(socket, name):
                    self.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.sock.settimeout(max(0.001, self.until - time.monotonic()))

    def send(self, data: Any) -> None:
        """Send, and stop where a reply comes: who does not read the rest of a request would not take it either.

        Raises:
            _AnsweredEarly: there is something to read, or the other side has closed.
        """
        if self.sock is None:
            self.connect()
        if not self.looks or not isinstance(data, bytes) or len(data) <= AT_ONCE:
            super().send(data)
            return
        left = memoryview(data)
        while left:
            readable, writable = _ready(self.sock, max(0.0, self.until - time.monotonic()), write=True)
            if readable:
                if not _interim(self.sock):
                    raise _AnsweredEarly
                self.sock.sendall(left)
                return
            if not writable:
                raise TimeoutError("the service does not take the request in time")
            left = left[self.sock.send(left[:AT_ONCE]) :]

    def request(self, *args: Any, **options: Any) -> None:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        if self.sock is not None:
            self.sock.settimeout(left)
        super().request(*args, **options)

    def getresponse(self) -> http.client.HTTPResponse:
        self.response_class = functools.partial(_Response, until=self.until)  # type: ignore[assignment]
        return super().getresponse()


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    looks = False  # what TLS itself sends is to be read at any time


def _ready(sock: socket.socket, timeout: float, *, write: bool = False) -> tuple[bool, bool]:
    """Whether a socket can be read, or has been closed; and whether it can be written, where that is asked for."""
    if not hasattr(select, "poll"):
        readable, writable, _ = select.select([sock], [sock] if write else [], [], timeout)
        return bool(readable), bool(writable)
    poll = select.poll()
    poll.register(sock, select.POLLIN | (select.POLLOUT if write else 0))
    ((_, event),) = poll.poll(timeout * 1000) or ((0, 0),)
    return bool(event & ~select.POLLOUT), bool(event & select.POLLOUT)


def _interim(sock: socket.socket) -> bool:
    """Whether what can be read is ``100 Continue`` or its like: some say so unasked."""
    start = sock.recv(10, socket.MSG_PEEK)
    return start.startswith(b"HTTP/1.") and start[9:] == b"1"


def _taken(key: tuple[str, str, int | None]) -> tuple[_Connection, bool]:
    """A connection, and whether it has been used before."""
    scheme, host, port = key
    with _lock:
        waiting = _idle.get(key, [])
        while waiting:
            found = waiting.pop()
            if time.monotonic() - found.idle_since < IDLE_S and not _ready(found.sock, 0)[0]:
                return found, True  # neither closed meanwhile, nor told that it will be
            found.close()
    if scheme == "https":
        return _SecureConnection(host, port, context=ssl.create_default_context()), False
    return _Connection(host, port), False


def _give_back(key: tuple[str, str, int | None], connection: _Connection) -> None:
    connection.idle_since = time.monotonic()
    with _lock:
        waiting = _idle.setdefault(key, [])
        if len(waiting) < IDLE:
            waiting.append(connection)
            return
    connection.close()


def check_address(address: str) -> None:
    """Raise where an address is none of HTTP.

    Raises:
        ConfigurationError: the scheme is another, there is no host, or the port is no number.
    """
    try:
        place = urlsplit(address)
        fits = place.scheme in ("http", "https") and place.hostname and place.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ConfigurationError(f"service must be http://HOST:PORT/NAME or ray://APPLICATION/NAME, not {address!r}")


_idle: dict[tuple[str, str, int | None], list[_Connection]] = {}
_lock = threading.Lock()


def _forget() -> None:
    global _idle, _lock
    _idle, _lock = {}, threading.Lock()


renew_after_fork(_forget)
