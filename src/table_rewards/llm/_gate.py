"""Who may send to which endpoint, and when: least in flight, circuit breakers, adaptive limits, rates, one cap."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
from collections.abc import Collection
from typing import Final

from table_rewards.llm._endpoint_state import EndpointState
from table_rewards.llm.settings import PoolSettings

NOBODY: Final[frozenset[EndpointState]] = frozenset()


class Closed(Exception):
    """No endpoint will admit the request before its deadline."""


@dataclasses.dataclass(slots=True, eq=False)
class Ticket:
    """A place in flight at an endpoint; ``probe`` when it is the one that finds out whether the endpoint is back."""

    endpoint: EndpointState
    probe: bool


@dataclasses.dataclass(slots=True, eq=False)
class _Waiter:
    """A request in the queue: which endpoint it would rather not have, and which it must not have."""

    ticket: asyncio.Future[Ticket]
    avoid: EndpointState | None
    excluded: Collection[EndpointState]
    deadline: float


class Gate:
    """Grants endpoints to waiting requests in their order. All methods belong to one event loop."""

    def __init__(self, settings: PoolSettings) -> None:
        self.cap = settings.share
        self.endpoints = [EndpointState.of(endpoint, settings) for endpoint in settings.each()]
        self.in_flight = 0
        self.peak = 0
        self._waiting: collections.deque[_Waiter] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(
        self, avoid: EndpointState | None, deadline: float, excluded: Collection[EndpointState] = NOBODY
    ) -> Ticket:
        """Wait for an endpoint, ``avoid`` only when there is no other, none of ``excluded``.

        Raises:
            Closed: at the deadline, or before it when no endpoint will open in time.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._waiting and self.in_flight < self.cap:
            endpoint = self._choose(avoid, now, excluded)
            if endpoint is not None:
                return self._grant(endpoint, now)
        early = self._check(now, deadline, excluded)
        if early is not None:
            return self._grant(early, now)
        waiter = _Waiter(loop.create_future(), avoid, excluded, deadline)
        self._waiting.append(waiter)
        self._pump()
        expiry = loop.call_at(deadline, self._expire, waiter)
        try:
            return await waiter.ticket
        except asyncio.CancelledError:
            future = waiter.ticket
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

    def _check(self, now: float, deadline: float, excluded: Collection[EndpointState]) -> EndpointState | None:
        """Raise ``Closed`` when waiting is in vain. An endpoint that opens too late is probed early, one at a time."""
        left = [e for e in self.endpoints if e not in excluded] if excluded else self.endpoints
        if all(e.shut(now) for e in left):
            raise Closed(self.why())
        if any(e.probing for e in left) or min(e.opens_at() for e in left) <= deadline:
            return None
        if self.in_flight < self.cap:
            for endpoint in left:
                due = endpoint.paused_until <= now and now - endpoint.probed_at >= endpoint.breaker_wait_s
                if due and not endpoint.shut(now):
                    return endpoint
        raise Closed(f"no endpoint opens before the deadline; {self.why()}")

    def _choose(
        self, avoid: EndpointState | None, now: float, excluded: Collection[EndpointState] = NOBODY
    ) -> EndpointState | None:
        if len(self.endpoints) == 1:  # nothing to compare
            (only,) = self.endpoints
            return only if only not in excluded and only.admits(now) else None
        best = None
        best_key: tuple[bool, bool, float] = (True, True, float("inf"))
        for endpoint in self.endpoints:
            if (excluded and endpoint in excluded) or not endpoint.admits(now):
                continue
            key = (endpoint is avoid, *endpoint.load)
            if best is None or key < best_key:
                best, best_key = endpoint, key
        return best

    def _grant(self, endpoint: EndpointState, now: float) -> Ticket:
        probe = endpoint.wait_s > 0
        if probe:
            endpoint.probing, endpoint.probed_at = True, now
        endpoint.in_flight += 1
        if endpoint.requests is not None:
            endpoint.requests.take(now)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        return Ticket(endpoint, probe)

    def _pump(self) -> None:
        """Hand free places to the requests that wait longest; who may not have what is free is passed by."""
        if not self._waiting:
            return
        now = asyncio.get_running_loop().time()
        passed: list[_Waiter] = []
        while self._waiting and self.in_flight < self.cap:
            waiter = self._waiting[0]
            if waiter.ticket.done():
                self._waiting.popleft()
                continue
            endpoint = self._choose(waiter.avoid, now, waiter.excluded)
            if endpoint is None:
                try:
                    endpoint = self._check(now, waiter.deadline, waiter.excluded)
                except Closed as closed:
                    self._waiting.popleft()
                    waiter.ticket.set_exception(closed)
                    continue
            if endpoint is None:
                if waiter.excluded and self._choose(None, now) is not None:
                    passed.append(self._waiting.popleft())
                    continue
                break
            self._waiting.popleft()
            waiter.ticket.set_result(self._grant(endpoint, now))
        self._waiting.extendleft(reversed(passed))
        if self._waiting and self.in_flight < self.cap:
            self._wake_at(min((t for e in self.endpoints if (t := e.ready_at(now)) > now), default=None))

    def _wake_at(self, when: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when is not None:
            self._timer = asyncio.get_running_loop().call_at(when + 0.001, self._pump)

    def _expire(self, waiter: _Waiter) -> None:
        if not waiter.ticket.done():
            waiter.ticket.set_exception(Closed(self.why() or f"{self.in_flight} requests in flight before it"))
