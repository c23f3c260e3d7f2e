"""Who may send to which endpoint, and when: least in flight, circuit breakers, adaptive limits, one cap."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import random

from table_rewards.llm.settings import PoolSettings

GROWTH = 0.05  # of the limit, for each limit-full of successes
SHRINK = 0.8
HOLD_S = 15.0  # no growth for so long after a shrink
REFUSED_S = 30.0
PATIENCE = 4  # such round trips before an endpoint that refuses even one request at a time is paused


class Closed(Exception):
    """No endpoint will admit the request before its deadline."""


@dataclasses.dataclass(slots=True, eq=False)
class Endpoint:
    """The state of one endpoint, as seen from this process."""

    url: str
    share: int
    breaker_failures: int
    breaker_wait_s: float
    breaker_wait_max_s: float
    limit: float = 0.0
    in_flight: int = 0
    failures: int = 0  # consecutive
    open_until: float = 0.0
    wait_s: float = 0.0  # of the breaker; 0 while it is closed
    probing: bool = False
    paused_until: float = 0.0
    limited: int = 0  # round trips in a row that ended in 429
    shrunk_at: float = -1e9
    refusal: str = ""
    last_error: str = ""
    verified: bool = False  # its model was discovered

    def __post_init__(self) -> None:
        self.limit = float(self.share)

    def opens_at(self) -> float:
        """When it may be asked again; in the past when it may be asked now."""
        return max(self.open_until, self.paused_until)

    def admits(self, now: float) -> bool:
        if self.wait_s and self.probing:
            return False
        return self.opens_at() <= now and self.in_flight < self.limit

    def succeeded(self, now: float) -> None:
        self.failures = self.limited = 0
        self.wait_s = self.open_until = 0.0
        self.refusal = self.last_error = ""
        if now - self.shrunk_at > HOLD_S:
            self.limit = min(float(self.share), self.limit + GROWTH)

    def failed(self, now: float, error: str, probe: bool = False) -> None:
        """The endpoint did not do its work: hold the limit, count towards the breaker."""
        self.last_error = error
        self.failures += 1
        if probe or (self.wait_s == 0 and self.failures >= self.breaker_failures):
            self.wait_s = min(self.wait_s * 2 or self.breaker_wait_s, self.breaker_wait_max_s)
            self.open_until = now + self.wait_s * random.uniform(0.8, 1.2)

    def rate_limited(self, now: float, sent_at: float, retry_after: float | None) -> None:
        """It is alive but full: shrink once for each round trip, and honour what it asks for."""
        self.last_error = "HTTP 429"
        self.failures = 0
        self.wait_s = self.open_until = 0.0
        if sent_at > self.shrunk_at:
            self.limit = max(1.0, self.limit * SHRINK)
            self.shrunk_at = now
            self.limited += 1
            if retry_after is None and self.limited >= PATIENCE and self.limit == 1.0:
                retry_after = min(8.0, 0.1 * 2.0 ** (self.limited - PATIENCE))
        if retry_after:
            self.paused_until = max(self.paused_until, now + retry_after)

    def refused(self, now: float, error: str) -> None:
        """It answers but won't serve us (key, model, path): no retry helps until someone mends it."""
        self.refusal = self.last_error = error
        self.wait_s = self.breaker_wait_max_s
        self.open_until = now + REFUSED_S


@dataclasses.dataclass(slots=True, eq=False)
class Ticket:
    """A place in flight at an endpoint; ``probe`` when it is the one that finds out whether the endpoint is back."""

    endpoint: Endpoint
    probe: bool


class Gate:
    """Grants endpoints to waiting requests in their order. All methods belong to one event loop."""

    def __init__(self, settings: PoolSettings) -> None:
        self.cap = settings.share
        self.endpoints = [
            Endpoint(url, self.cap, settings.breaker_failures, settings.breaker_wait_s, settings.breaker_wait_max_s)
            for url in settings.endpoints
        ]
        self.in_flight = 0
        self.peak = 0
        self._waiting: collections.deque[tuple[asyncio.Future[Ticket], Endpoint | None, float]] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, avoid: Endpoint | None, deadline: float) -> Ticket:
        """Wait for an endpoint, ``avoid`` only when there is no other. Raises ``Closed`` at the deadline, or before
        it when no endpoint will open in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._check(now, deadline)
        if not self._waiting and self.in_flight < self.cap:
            endpoint = self._choose(avoid, now)
            if endpoint is not None:
                return self._grant(endpoint)
        future: asyncio.Future[Ticket] = loop.create_future()
        self._waiting.append((future, avoid, deadline))
        self._pump()
        expiry = loop.call_at(deadline, self._expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.release(future.result())
            raise
        finally:
            expiry.cancel()

    def release(self, ticket: Ticket) -> None:
        ticket.endpoint.in_flight -= 1
        if ticket.probe:
            ticket.endpoint.probing = False
        self.in_flight -= 1
        self._pump()

    def why(self) -> str:
        """What is wrong with the endpoints, in a few words."""
        errors = [f"{e.url}: {e.refusal or e.last_error}" for e in self.endpoints if e.refusal or e.last_error]
        return "; ".join(errors[:3]) + (f"; and {len(errors) - 3} more" if len(errors) > 3 else "")

    def _check(self, now: float, deadline: float) -> None:
        if all(e.refusal and e.open_until > now for e in self.endpoints):
            raise Closed(self.why())
        if min(e.opens_at() for e in self.endpoints) > deadline:
            raise Closed(f"no endpoint opens before the deadline; {self.why()}")

    def _choose(self, avoid: Endpoint | None, now: float) -> Endpoint | None:
        best = None
        for endpoint in self.endpoints:
            if endpoint.admits(now) and (
                best is None or (endpoint is avoid, endpoint.in_flight) < (best is avoid, best.in_flight)
            ):
                best = endpoint
        return best

    def _grant(self, endpoint: Endpoint) -> Ticket:
        probe = endpoint.wait_s > 0
        endpoint.in_flight += 1
        endpoint.probing = endpoint.probing or probe
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        return Ticket(endpoint, probe)

    def _pump(self) -> None:
        """Hand free places to the requests that wait longest."""
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and self.in_flight < self.cap:
            future, avoid, deadline = self._waiting[0]
            if future.done():
                self._waiting.popleft()
                continue
            try:
                self._check(now, deadline)
            except Closed as closed:
                self._waiting.popleft()
                future.set_exception(closed)
                continue
            endpoint = self._choose(avoid, now)
            if endpoint is None:
                self._wake_at(min((t for e in self.endpoints if (t := e.opens_at()) > now), default=None))
                return
            self._waiting.popleft()
            future.set_result(self._grant(endpoint))

    def _wake_at(self, when: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when is not None:
            self._timer = asyncio.get_running_loop().call_at(when + 0.001, self._pump)

    def _expire(self, future: asyncio.Future[Ticket]) -> None:
        if not future.done():
            future.set_exception(Closed(self.why() or f"{self.in_flight} requests in flight before it"))
