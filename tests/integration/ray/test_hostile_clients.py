"""The service's HTTP server against clients that break rules, stop half way or never read. Ray itself is not needed."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from table_rewards.frameworks.serving import front, listening
from table_rewards.frameworks.serving.front import Front
from table_rewards.frameworks.serving.listening import Listener, bound
from table_rewards.frameworks.serving.scoring import Scoring
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # of a busy machine

BODY = json.dumps({"completions": ["Final Answer: 7"], "rows": ["7"]}).encode()
TWO_MB = b"x" * (2 << 20)


class Server:
    """A front and its server in a thread of this process."""

    def __init__(self, receive_timeout_s: float = 60.0) -> None:
        self.scoring = Scoring("table_bench", {})
        self.settings = ServiceSettings(
            (RewardService("table_bench", "table_bench"),),
            max_request_mb=1.0,
            receive_timeout_s=receive_timeout_s,
            shutdown_s=60.0,
        )
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.loop = asyncio.new_event_loop()
        self.listening = bound("127.0.0.1", 0)
        self.port = self.listening.getsockname()[1]
        self.front = Front(self.settings, {"table_bench": self})
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.listener: Listener = self.within(self._listen())

    async def answer(self, form: str, body: bytes) -> tuple[int, bytes]:
        if b"wait" in body:
            self.begun.release()
            while not self.go_on.is_set():
                await asyncio.sleep(0.01)
        return await self.scoring.answer(form, body)

    async def signature(self) -> str:
        return self.scoring.reward.signature

    async def _listen(self) -> Listener:
        return Listener(self.front, self.listening, self.settings.shutdown_s)

    def within(self, work: Any) -> Any:
        """The result of what runs in the server's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def connections(self) -> int:
        return len(self.listener._server.server_state.connections)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def talk(self, *pieces: bytes) -> bytes:
        """Send all, which must go without an error; then read to the end."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            return everything(connection)

    def works(self) -> bool:
        return b'"values":[1.0]' in self.talk(request(more="Connection: close\r\n"))


def everything(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(1 << 16):
        found += piece
    return found


def request(body: bytes = BODY, *, path: str = "/table_bench/score", method: str = "POST", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def one_reply(connection: socket.socket) -> bytes:
    """A reply on a connection that stays open: a JSON object, whose end is its own."""
    found = b""
    while not found.endswith(b"}"):
        found += connection.recv(1 << 16)
    return found


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(listening, "UNREAD_S", 0.5)
    for module in (listening, front):
        monkeypatch.setattr(module, "SILENCE_S", 60.0)  # clients of a busy machine pause
    made = Server(getattr(request, "param", 60.0))
    yield made
    made.go_on.set()
    made.within(made.listener.close())
    made.loop.call_soon_threadsafe(made.loop.stop)
    made.thread.join(60)


def test_what_is_no_request_is_answered_and_never_reset(server: Server) -> None:
    """Its sender may be sending still: a connection that is closed then is reset, and nobody sees the status."""
    for sent, status in (
        (b"\x16\x03\x01\x02" + TWO_MB, b"400"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + TWO_MB, b"431"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"A: x\r\n" * 300_000, b"431"),
        (b"GET /" + TWO_MB, b"431"),
        (request(more="Transfer-Encoding: chunked\r\n") + TWO_MB, b"400"),
        (request(more="Content-Length: 5\r\n") + TWO_MB, b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + TWO_MB, b"400"),
        (b"POST /table_bench/score HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" + TWO_MB, b"413"),
    ):
        with server.connect() as connection:
            for start in range(0, len(sent), 1 << 18):
                connection.sendall(sent[start : start + (1 << 18)])
            connection.settimeout(120)
            if status == b"413":
                connection.shutdown(socket.SHUT_WR)
            found = everything(connection)
        assert found.startswith(b"HTTP/1.1 " + status), (sent[:40], found[:100])
        assert found.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in found
        assert b'"error"' in found
    assert server.works()
    assert until(lambda: server.connections() == 0)


def test_a_client_that_asks_first_and_then_sends_all_the_same_sees_the_status(server: Server) -> None:
    """curl waits for one second for `100 Continue`; on a busy machine the answer may come later."""
    head = b"POST /table_bench/score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2097152\r\n\r\n"
    found = server.talk(head, *[TWO_MB[: 1 << 17]] * 16)
    assert found.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in found
    asked = request(more="Expect: 100-continue\r\nConnection: close\r\n")
    found = server.talk(asked[: -len(BODY)], asked[-len(BODY) :])
    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize("server", [1.0], indirect=True, ids=["a body in a second"])
def test_a_client_that_is_too_slow_sees_so_while_it_sends(server: Server) -> None:
    head = b"POST /table_bench/score HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head)
        connection.settimeout(0.01)
        found = b""
        for _ in range(300):  # a byte now and then, for longer than the server waits, and on after its reply
            connection.sendall(b" ")
            with suppress(TimeoutError):
                found += connection.recv(1 << 16)
        connection.settimeout(60)
        found += everything(connection)
    assert found.startswith(b"HTTP/1.1 408")
    assert server.works()


def test_requests_one_after_another_and_all_at_once(server: Server) -> None:
    found = server.talk(*[request()] * 3, request(b"{half"), request(more="Connection: close\r\n"))
    assert [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3 + [b"400", b"200"]
    one = BODY.replace(b"Final", b"wait Final")
    with server.connect() as connection:
        connection.sendall(request(one) + request() + request(b"", path="/health", method="HEAD"))
        assert server.begun.acquire(timeout=60)
        connection.sendall(request(more="Connection: close\r\n"))
        server.go_on.set()
        found = everything(connection)
    assert [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 4
    assert found.count(b'"values":[1.0]') == 3
    old = request().replace(b"HTTP/1.1", b"HTTP/1.0")
    assert b'"values":[1.0]' in server.talk(old)  # and closed


def test_a_small_head_of_many_chunks_is_no_large_one(server: Server) -> None:
    """Some clients write every word of their JSON as a chunk of its own."""
    body = BODY + b" " * 50_000
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    head = b"POST /table_bench/score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"values":[1.0]' in server.talk(head, chunks, b"0\r\n\r\n")
    with suppress(OSError):
        server.talk(head, b"0\r\n" + b"A: x\r\n" * 300_000)  # trailers without an end: a status or a closed connection
    assert server.works()


def test_a_reply_that_nobody_reads_is_given_up(server: Server) -> None:
    """It would hold its memory, and a stop of the service, for ever."""
    message = {"type": "message", "content": [{"type": "output_text", "text": "Final Answer: 7"}]}
    body = json.dumps({"response": {"output": [message]}, "answer": "7", "more": "y" * 900_000}).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        with suppress(OSError):  # given up while more is asked for
            connection.settimeout(5)
            connection.sendall(request(body, path="/verify") * 20)
        assert until(lambda: server.connections() == 0)
    assert server.works()
    assert server.front.held == 0


def test_clients_that_go_while_they_are_scored_leave_nothing(server: Server) -> None:
    gone = [server.connect() for _ in range(30)]
    for connection in gone:
        connection.sendall(request(BODY.replace(b"Final", b"wait Final")))
    for _ in gone:
        assert server.begun.acquire(timeout=60)
    for connection in gone:
        connection.close()
    assert server.works()
    server.go_on.set()
    assert until(lambda: server.front.held == 0 and server.connections() == 0)


def test_a_stop_answers_what_is_in_flight_and_closes_the_rest(server: Server) -> None:
    idle, half = server.connect(), server.connect()
    idle.sendall(request())
    one_reply(idle)
    half.sendall(b"POST /table_bench/sc")
    with server.connect() as working:
        working.sendall(request(BODY.replace(b"Final", b"wait Final")))
        assert server.begun.acquire(timeout=60)
        closing = asyncio.run_coroutine_threadsafe(server.listener.close(), server.loop)
        assert idle.recv(1) == half.recv(1) == b""
        assert not closing.done()
        server.go_on.set()
        assert b'"values":[1.0]' in everything(working)
    closing.result(60)
    idle.close()
    half.close()


def test_a_request_that_a_stop_finds_unread_is_answered(server: Server) -> None:
    """It had been sent before the service ended; the connection was closed under it, and the client saw a reset."""
    fresh, used = server.connect(), server.connect()
    used.sendall(request())
    one_reply(used)
    assert until(lambda: server.connections() == 2)

    async def stop_with_requests_on_their_way() -> None:
        for one in (fresh, used):
            one.sendall(request())
        for connection in list(server.listener._server.server_state.connections):
            connection.shutdown()

    server.within(stop_with_requests_on_their_way())
    for one in (fresh, used):
        found = everything(one)
        assert b'"values":[1.0]' in found
        assert b"connection: close" in found
        one.close()


def test_connections_that_are_reset_leave_no_timers(server: Server) -> None:
    """A timer holds its connection with the head of the last request, for more than a minute."""
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(request())
            assert connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert until(lambda: server.connections() == 0)

    async def waiting() -> int:
        timers = [one for one in asyncio.get_running_loop()._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
        return len(timers)

    assert server.within(waiting()) < 10
