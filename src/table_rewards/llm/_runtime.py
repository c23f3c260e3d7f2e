"""The working part of a pool: one a process and settings, all of it on the background loop."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import queue
import random

from table_rewards.llm._cache import AnswerCache
from table_rewards.llm._gate import Closed, Endpoint, Gate, Ticket
from table_rewards.llm._transport import Answer, Transport, TransportError
from table_rewards.llm._usage import Usage
from table_rewards.llm._wire import NotAReply, read_error, read_models, read_reply, read_retry_after
from table_rewards.llm.settings import PoolSettings
from table_rewards.llm.types import ChatReply, ChatRequest

EMPTY_RETRIES = 2
RETRIED = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600))
REFUSALS = frozenset({401, 403, 404, 405})


class Fault(Exception):
    """One attempt came to nothing. ``final`` when the request itself is to blame and no endpoint would take it."""

    def __init__(self, message: str, *, final: bool = False, empty: ChatReply | None = None) -> None:
        super().__init__(message)
        self.final, self.empty = final, empty


@dataclasses.dataclass(slots=True, eq=False)
class _Twin:
    """An identical request in flight, and how many wait for it."""

    task: asyncio.Task[ChatReply]
    deadline: float
    waiting: int = 0


class Runtime:
    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self.gate = Gate(settings)
        self.usage = Usage()
        self.model = settings.model
        self._transport = Transport()
        self._cache = (
            AnswerCache(settings.cache, settings.cache_ttl_s, settings.cache_max_mb * 1e6) if settings.cache else None
        )
        self._twins: dict[str, _Twin] = {}
        self._discoveries: dict[str, asyncio.Task[None]] = {}

    async def aclose(self) -> None:
        await self._transport.aclose()
        if self._cache is not None:
            await asyncio.to_thread(self._cache.close)

    def snapshot(self) -> dict[str, float]:
        """Counters, latency quantiles, and the endpoints' state; safe from any thread."""
        numbers = self.usage.snapshot()
        if self._cache is not None:
            numbers["cache_errors"] = self._cache.errors
        endpoints = self.gate.endpoints
        numbers.update(
            in_flight=self.gate.in_flight,
            peak_in_flight=self.gate.peak,
            endpoints=len(endpoints),
            endpoints_out=sum(e.wait_s > 0 for e in endpoints),
        )
        return numbers

    async def ask_many(self, requests: list[ChatRequest], deadline_s: float | None) -> list[ChatReply]:
        return list(await asyncio.gather(*(self.ask(request, deadline_s) for request in requests)))

    async def ask(self, request: ChatRequest, deadline_s: float | None = None) -> ChatReply:
        """Answer one request within its deadline. Never raises for anything that a server does."""
        loop = asyncio.get_running_loop()
        count = self.usage.count
        count["requests"] += 1
        deadline = loop.time() + (self.settings.deadline_s if deadline_s is None else deadline_s)
        payload = request.payload()
        reproducible = request.sampling.reproducible
        reply = await (self._ask_once(request, payload, deadline) if reproducible else self._send(payload, deadline))
        count["failures" if reply.failed else "replies"] += 1
        count["truncated"] += reply.truncated
        count["empty"] += reply.empty
        count["cache_hits"] += reply.cached
        count["shared"] += reply.shared
        return reply

    async def _ask_once(self, request: ChatRequest, payload: bytes, deadline: float) -> ChatReply:
        """Ask unless the cache knows the answer or an identical request is on its way."""
        if self._cache is not None and self.model is None:
            await self._discover_any(deadline)
        key = request.key(self.settings.model or "", payload)
        known = self._known(request, key)
        if known is not None:
            return known
        twin = self._twins.get(key)
        shared = twin is not None and twin.deadline >= deadline - 1.0
        if twin is None or not shared:
            twin = self._twins[key] = _Twin(asyncio.create_task(self._send(payload, deadline)), deadline)
            twin.task.add_done_callback(lambda task: self._settled(request, key, task))
        twin.waiting += 1
        try:
            reply = await asyncio.shield(twin.task)
        except asyncio.CancelledError:
            if twin.waiting == 1:
                twin.task.cancel()
            raise
        finally:
            twin.waiting -= 1
        return dataclasses.replace(reply, shared=True, attempts=0) if shared else reply

    def _settled(self, request: ChatRequest, key: str, task: asyncio.Task[ChatReply]) -> None:
        twin = self._twins.get(key)
        if twin is not None and twin.task is task:
            del self._twins[key]
        if self._cache is not None and self.model and not task.cancelled() and task.exception() is None:
            self._cache.put(self._cache_key(request, key), task.result())

    def _known(self, request: ChatRequest, key: str) -> ChatReply | None:
        return self._cache.get(self._cache_key(request, key)) if self._cache is not None and self.model else None

    def _cache_key(self, request: ChatRequest, key: str) -> str:
        """Within a pool one model is meant, in the cache it must be named."""
        return key if self.settings.model else request.key(self.model or "")

    async def _send(self, payload: bytes, deadline: float) -> ChatReply:
        """The one retry loop: each attempt asks the gate again, which prefers another endpoint."""
        loop = asyncio.get_running_loop()
        settings, count = self.settings, self.usage.count
        begun = loop.time()
        last, avoid, empties = "", None, 0
        attempt = 0
        for attempt in range(1, settings.attempts + 1):
            try:
                ticket = await self.gate.acquire(avoid, deadline)
            except Closed as closed:
                last = f"no answer in {loop.time() - begun:.1f} s: {str(closed) or last}"
                attempt -= 1
                break
            if attempt > 1:
                count["retries"] += 1
            try:
                reply = await self._attempt(ticket, payload, deadline)
                latency = loop.time() - begun
                self.usage.latencies.append(latency)
                count["prompt_tokens"] += reply.usage.get("prompt_tokens", 0)
                count["completion_tokens"] += reply.usage.get("completion_tokens", 0)
                reply = dataclasses.replace(reply, endpoint=ticket.endpoint.url, attempts=attempt, latency_s=latency)
                empties += 1
                worded = reply.truncated or not reply.empty
                if worded or empties > EMPTY_RETRIES or attempt == settings.attempts:
                    return reply
                last = "an empty reply"
            except Fault as fault:
                last = f"{ticket.endpoint.url}: {fault}"
                if fault.final:
                    break
            finally:
                self.gate.release(ticket)
            avoid = ticket.endpoint
            if attempt < settings.attempts:
                pause = min(settings.wait_max_s, settings.wait_initial_s * 2.0 ** (attempt - 1))
                pause *= random.uniform(0.5, 1.0)
                if loop.time() + pause >= deadline:
                    break
                await asyncio.sleep(pause)
        return ChatReply(error=last, attempts=attempt, latency_s=loop.time() - begun)

    async def _attempt(self, ticket: Ticket, payload: bytes, deadline: float) -> ChatReply:
        endpoint = ticket.endpoint
        if self.settings.model is None and not endpoint.verified:
            await self._discover(ticket, deadline)
        assert self.model is not None
        body = b'{"model": %s, %s' % (json.dumps(self.model).encode(), payload[1:])
        answer = await self._exchange(ticket, "POST", "/chat/completions", body, deadline)
        try:
            reply = read_reply(answer.body)
        except NotAReply as error:
            raise self._fault(ticket, str(error)) from None
        endpoint.succeeded(asyncio.get_running_loop().time())
        return reply

    async def _exchange(self, ticket: Ticket, method: str, path: str, body: bytes | None, deadline: float) -> Answer:
        """One HTTP exchange, its outcome told to the endpoint's state. Returns only what came with status 200."""
        endpoint = ticket.endpoint
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        self.usage.count["http_requests"] += 1
        timeout_s = max(0.001, min(self.settings.timeout_s, deadline - sent_at))
        try:
            answer = await self._transport.exchange(
                method, endpoint.url + path, self.settings.headers(), body, timeout_s
            )
        except TransportError as error:
            raise self._fault(ticket, str(error)) from None
        status = answer.status
        if status == 200:
            return answer
        now = loop.time()
        what = f"HTTP {status}"
        if status == 429:
            self.usage.count["rate_limited"] += 1
            endpoint.rate_limited(now, sent_at, read_retry_after(answer.retry_after))
            raise Fault(what)
        what = f"{what}: {read_error(answer.body)}"
        if status in REFUSALS or 300 <= status < 400:
            endpoint.refused(now, what)
            raise Fault(what)
        if status not in RETRIED:  # the request is at fault, and the endpoint is well
            endpoint.succeeded(now)
            raise Fault(what, final=True)
        fault = self._fault(ticket, what)
        pause = read_retry_after(answer.retry_after)
        if pause:
            endpoint.paused_until = max(endpoint.paused_until, now + pause)
        raise fault

    def _fault(self, ticket: Ticket, message: str) -> Fault:
        ticket.endpoint.failed(asyncio.get_running_loop().time(), message, ticket.probe)
        return Fault(message)

    async def _discover(self, ticket: Ticket, deadline: float) -> None:
        """Learn the model's name from the endpoint, once; the others must serve the same."""
        endpoint = ticket.endpoint
        task = self._discoveries.get(endpoint.url)
        if task is None:
            task = asyncio.create_task(self._read_model(ticket, deadline))
            self._discoveries[endpoint.url] = task
            task.add_done_callback(lambda done: self._discovered(endpoint, done))
        try:
            await asyncio.shield(task)
        except Fault as fault:
            raise Fault(str(fault)) from None

    def _discovered(self, endpoint: Endpoint, task: asyncio.Task[None]) -> None:
        self._discoveries.pop(endpoint.url, None)
        if not task.cancelled():
            task.exception()  # waiters have it

    async def _read_model(self, ticket: Ticket, deadline: float) -> None:
        endpoint = ticket.endpoint
        # Many requests wait for this one: an endpoint that has never answered is shut at its first failure.
        ticket = Ticket(endpoint, probe=True)
        answer = await self._exchange(ticket, "GET", "/models", None, deadline)
        try:
            names = read_models(answer.body)
        except NotAReply as error:
            raise self._fault(ticket, str(error)) from None
        problem = ""
        if len(names) != 1:
            problem = f"serves {len(names)} models ({', '.join(names[:5]) or 'none'}); name one with model="
        elif self.model is not None and names[0] != self.model:
            problem = f"serves {names[0]!r}, another endpoint {self.model!r}; name one with model="
        if problem:
            endpoint.refused(asyncio.get_running_loop().time(), problem)
            raise Fault(problem)
        self.model, endpoint.verified = names[0], True

    async def _discover_any(self, deadline: float) -> None:
        """Learn the model's name before looking into the cache. When that fails, the request itself will say why."""
        with contextlib.suppress(Closed, Fault):
            ticket = await self.gate.acquire(None, deadline)
            try:
                if self.model is None:
                    await self._discover(ticket, deadline)
            finally:
                self.gate.release(ticket)

    async def stream(
        self,
        requests: list[ChatRequest],
        deadline_s: float | None,
        results: queue.SimpleQueue[tuple[int, ChatReply] | None],
    ) -> None:
        """Ask a long list, so many at a time that none spends its deadline in the queue; None closes ``results``."""
        left = collections.deque(enumerate(requests))

        async def worker() -> None:
            while left:
                index, request = left.popleft()
                results.put((index, await self.ask(request, deadline_s)))

        try:
            await asyncio.gather(*(worker() for _ in range(min(self.gate.cap, len(requests)))))
        finally:
            results.put(None)
