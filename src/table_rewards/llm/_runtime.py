"""The working part of a pool: one a process and settings, all of it on the background loop."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import queue
import random
from typing import Final, Literal
from urllib.parse import quote, urlencode

from table_rewards.llm._budget import Budget
from table_rewards.llm._cache import AnswerCache
from table_rewards.llm._endpoint_state import EndpointState
from table_rewards.llm._gate import NOBODY, Closed, Gate, Ticket
from table_rewards.llm._transport import Answer, Transport, TransportError
from table_rewards.llm._usage import Usage
from table_rewards.llm._wire import (
    NotAReply,
    is_filtered,
    is_quota,
    read_error,
    read_models,
    read_reply,
    read_retry_delay,
    shortened,
)
from table_rewards.llm.settings import PoolSettings, from_environment, headers_of, secrets_of
from table_rewards.llm.types import ChatReply, ChatRequest

EMPTY_RETRIES: Final = 2
RETRIED: Final = frozenset({408, 409, 421, 423, 424, 425, 429, 460, 498, 499}) | frozenset(range(500, 600))
"""Statuses of a server that could not, or of a proxy before it: 424 is TGI's for a generation that failed, 460 a load
balancer's and 499 nginx's for a connection that was closed, 498 Groq's for no capacity."""
REFUSALS: Final = frozenset({401, 402, 403, 404, 405})
SECOND_OPINION_S: Final = 5.0
"""How long a request that one endpoint calls bad waits for another to say so too."""
BYTES_A_TOKEN: Final = 4

Kind = Literal["fault", "refused", "rejected", "filtered", "final"]


class Fault(Exception):
    """One attempt came to nothing.

    ``fault``: the endpoint did not do its work. ``refused``: it will not serve this request, or none. ``rejected``: it
    calls the request bad. ``filtered``: a content filter stopped the request. ``final``: there is nothing to try again.
    ``cut_short``: the deadline left it less time than an attempt has.
    """

    def __init__(self, message: str, kind: Kind = "fault") -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.cut_short = False


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
        self.budget = Budget(settings)
        named = {endpoint.settings.model for endpoint in self.gate.endpoints}
        # Several names of one model are one name for the cache; None is still to be asked.
        self.named: str | None = None if None in named else ", ".join(sorted(map(str, named)))
        self.model = self.named
        self._transport = Transport(settings)
        self._cache = (
            AnswerCache(settings.cache, settings.cache_ttl_s, settings.cache_max_mb * 1e6) if settings.cache else None
        )
        group = settings.cache_group
        self._kept_for = (
            f"{', '.join(sorted(settings.endpoints)) if group is None else group}\0{settings.cache_revision}"
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
            cost=self.budget.cost,
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
        payload = request.payload(fold_system=self.settings.fold_system)
        reproducible = request.sampling.reproducible
        ask = self._ask_once if reproducible else self._send
        reply = await ask(request, payload, deadline)
        count["failures" if reply.failed else "replies"] += 1
        count["refused"] += reply.refused
        count["truncated"] += reply.truncated
        count["empty"] += reply.empty
        count["cache_hits"] += reply.cached
        count["shared"] += reply.shared
        return reply

    async def _ask_once(self, request: ChatRequest, payload: bytes, deadline: float) -> ChatReply:
        """Ask unless the cache knows the answer or an identical request is on its way."""
        if self._cache is not None and self.model is None:
            await self._discover_any(deadline)
        key = request.key(self.named or "", payload)
        known = self._known(request, payload)
        if known is not None:
            return known
        while True:
            twin = self._twins.get(key)
            shared = twin is not None and twin.deadline >= deadline - 1.0
            if twin is None or not shared:
                twin = self._twins[key] = _Twin(asyncio.create_task(self._send(request, payload, deadline)), deadline)
                twin.task.add_done_callback(lambda task: self._settled(request, payload, key, task))
            twin.waiting += 1
            try:
                reply = await asyncio.shield(twin.task)
            except asyncio.CancelledError:
                if shared and twin.task.cancelled() and not _is_cancelled():
                    continue  # it was another caller who gave up: ask anew
                if twin.waiting == 1:
                    self._forget_twin(key, twin)  # nobody may join what is being cancelled
                    twin.task.cancel()
                raise
            finally:
                twin.waiting -= 1
            return dataclasses.replace(reply, shared=True, attempts=0) if shared else reply

    def _settled(self, request: ChatRequest, payload: bytes, key: str, task: asyncio.Task[ChatReply]) -> None:
        twin = self._twins.get(key)
        if twin is not None and twin.task is task:
            del self._twins[key]
        if self._cache is not None and self.model and not task.cancelled() and task.exception() is None:
            self._cache.put(self._cache_key(request, payload), task.result())

    def _forget_twin(self, key: str, twin: _Twin) -> None:
        if self._twins.get(key) is twin:
            del self._twins[key]

    def _known(self, request: ChatRequest, payload: bytes) -> ChatReply | None:
        if self._cache is None or not self.model:
            return None
        return self._cache.get(self._cache_key(request, payload))

    def _cache_key(self, request: ChatRequest, payload: bytes) -> str:
        """Within a pool one model is meant, in the cache it must be named, and who serves it."""
        return request.key(f"{self.model}\0{self._kept_for}", payload)

    async def _send(self, request: ChatRequest, payload: bytes, deadline: float) -> ChatReply:
        """The one retry loop: each attempt asks the gate again, which prefers another endpoint."""
        loop = asyncio.get_running_loop()
        settings, count = self.settings, self.usage.count
        begun = loop.time()
        last, avoid, empties = "", None, 0
        rejections: dict[EndpointState, str] = {}
        refusals: dict[EndpointState, int] = {}
        attempt = 0
        for attempt in range(1, settings.attempts + 1):
            try:
                until = min(deadline, loop.time() + SECOND_OPINION_S) if rejections else deadline
                ticket = await self.gate.acquire(avoid, until, rejections.keys() if rejections else NOBODY)
            except Closed as closed:
                if not rejections:
                    last = f"no answer in {loop.time() - begun:.1f} s: {str(closed) or last}"
                attempt -= 1
                break
            if self.budget.problem:
                self.gate.release(ticket)
                last, attempt = self.budget.problem, attempt - 1
                break
            if attempt > 1:
                count["retries"] += 1
            endpoint = ticket.endpoint
            pauses = True
            try:
                reply = self._measured(await self._attempt(ticket, payload, deadline), request)
                latency = loop.time() - begun
                self.usage.latencies.append(latency)
                reply = dataclasses.replace(reply, endpoint=endpoint.url, attempts=attempt, latency_s=latency)
                if reply.failed:
                    no_answer = dataclasses.replace(reply, error=f"{endpoint.url}: {reply.error}")
                    if reply.refused or rejections or len(self.gate.endpoints) == 1 or attempt == settings.attempts:
                        return no_answer
                    rejections[endpoint], last, pauses = reply.error, no_answer.error, False
                else:
                    for other, words in rejections.items():
                        other.contradicted(loop.time(), words)
                    empties += 1
                    worded = reply.truncated or not reply.empty
                    if worded or empties > EMPTY_RETRIES or attempt == settings.attempts:
                        return reply
                    last = "an empty reply"
            except Fault as fault:
                if not (fault.cut_short and last):  # what went before says more
                    last = f"{endpoint.url}: {fault}"
                if fault.kind == "final":
                    break
                if fault.kind == "filtered":
                    return ChatReply(error=last, refused=True, attempts=attempt, latency_s=loop.time() - begun)
                if fault.kind == "rejected":
                    rejections[endpoint] = str(fault)
                    if len(rejections) > 1 or len(self.gate.endpoints) == 1:
                        break
                    pauses = False
                elif fault.kind == "refused" and endpoint.answered > refusals.setdefault(endpoint, endpoint.answered):
                    break  # it served others since it first refused this request: the request is what it refuses
            finally:
                self.gate.release(ticket)
            avoid = endpoint
            if pauses and attempt < settings.attempts:
                pause = min(settings.wait_max_s, settings.wait_initial_s * 2.0 ** (attempt - 1))
                pause *= random.uniform(0.5, 1.0)
                if loop.time() + pause >= deadline:
                    break
                await asyncio.sleep(pause)
        return ChatReply(error=last, attempts=attempt, latency_s=loop.time() - begun)

    async def _attempt(self, ticket: Ticket, payload: bytes, deadline: float) -> ChatReply:
        endpoint = ticket.endpoint
        model = endpoint.settings.model
        if model is None and not endpoint.verified:
            await self._discover(ticket, deadline)
        model = model or self.model
        assert model is not None
        body = b'{"model": %s, %s' % (json.dumps(model).encode(), payload[1:])
        estimate = len(payload) / BYTES_A_TOKEN
        if endpoint.tokens is not None:
            endpoint.tokens.take(asyncio.get_running_loop().time(), estimate)
        sent_at = asyncio.get_running_loop().time()
        answer = await self._exchange(ticket, "POST", "/chat/completions", body, deadline)
        try:
            reply = read_reply(answer.body, lambda text: self._redacted(endpoint, text))
        except NotAReply as error:
            if error.status is not None:
                raise self._no_answer(ticket, answer._replace(status=error.status), sent_at, str(error)) from None
            raise self._fault(ticket, str(error)) from None
        now = asyncio.get_running_loop().time()
        self._count_tokens(reply, estimate)
        if endpoint.tokens is not None:
            spent = reply.usage.get("prompt_tokens", 0) + reply.usage.get("completion_tokens", 0)
            endpoint.tokens.take(now, spent - estimate if spent else 0.0)
        if reply.failed and not reply.refused:  # no answer of a server whose parsers or tools are set up otherwise
            endpoint.rejected(now, reply.error, probe=ticket.probe)
        else:
            endpoint.succeeded(now)
        return reply

    @staticmethod
    def _measured(reply: ChatReply, request: ChatRequest) -> ChatReply:
        """The reply as cut off, where it has just as many tokens as were allowed and the server says that it stopped.

        Gateways before Ollama say so of every reply.
        """
        limit = request.sampling.token_limit
        if reply.failed or limit is None or reply.usage.get("completion_tokens") != limit or reply.truncated:
            return reply
        return dataclasses.replace(reply, finish_reason="length")

    def _count_tokens(self, reply: ChatReply, prompt: float) -> None:
        """Count what the server states; a budget goes by estimates where it states nothing."""
        for name in ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"):
            if name in reply.usage:
                self.usage.count[name] += int(reply.usage[name])
        counted = dict(reply.usage)
        if not counted.keys() & {"prompt_tokens", "completion_tokens"}:
            said = len(reply.text) + len(reply.reasoning)
            counted.update(prompt_tokens=prompt, completion_tokens=said / BYTES_A_TOKEN)
        self.budget.spend(counted)

    async def _exchange(self, ticket: Ticket, method: str, path: str, body: bytes | None, deadline: float) -> Answer:
        """One HTTP exchange, its outcome told to the endpoint's state. Returns only what came with success."""
        endpoint = ticket.endpoint
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        self.usage.count["http_requests"] += 1
        timeout_s = max(0.001, min(self.settings.timeout_s, deadline - sent_at))
        url = endpoint.url + path
        if endpoint.settings.default_query:
            query = [(name, from_environment(value)) for name, value in endpoint.settings.default_query]
            url += "?" + urlencode(query)
        try:
            answer = await self._transport.exchange(method, url, headers_of(endpoint.settings), body, timeout_s)
        except TransportError as error:
            words = shortened(self._redacted(endpoint, str(error)))
            if error.hopeless:
                endpoint.refused(loop.time(), words, probe=ticket.probe, certain=True)
                raise Fault(words, "refused") from None
            fault = self._fault(ticket, words)
            fault.cut_short = error.late and timeout_s < self.settings.timeout_s
            raise fault from None
        if 200 <= answer.status < 300:  # some gateways answer a POST with 201
            return answer
        raise self._no_answer(ticket, answer, sent_at)

    def _no_answer(self, ticket: Ticket, answer: Answer, sent_at: float, what: str = "") -> Fault:
        """What a status of no success says of the endpoint and the request; ``what`` in place of the body's words."""
        endpoint, status = ticket.endpoint, answer.status
        now = asyncio.get_running_loop().time()
        what = what or f"HTTP {status}: {read_error(answer.body, lambda text: self._redacted(endpoint, text))}"
        pause, spent = answer.retry_after, False
        if status == 429:  # of no other, whose words may be those of the request
            pause = read_retry_delay(answer.body) if pause is None else pause
            # Gemini words every limit as a quota; whoever says when to come back has one that refills.
            spent = pause is None and is_quota(answer.body)
        if 400 <= status < 500 and is_filtered(answer.body):
            endpoint.succeeded(now)  # it is the text that it refuses
            return Fault(what, "filtered")
        if status == 429 and not spent:
            self.usage.count["rate_limited"] += 1
            endpoint.rate_limited(now, sent_at, pause, what)
            return Fault(what)
        if status in REFUSALS or spent or 300 <= status < 400:
            if 300 <= status < 400:
                where = shortened(self._redacted(endpoint, answer.location or "another address"))
                what = f"HTTP {status}: it redirects to {where}; redirects are not followed, so write that address"
            endpoint.refused(now, what, probe=ticket.probe, certain=spent or status == 402)
            return Fault(what, "refused")
        if status not in RETRIED:
            endpoint.rejected(now, what, probe=ticket.probe)
            return Fault(what, "rejected")
        fault = self._fault(ticket, what)
        endpoint.pause(now, pause)
        return fault

    def _redacted(self, endpoint: EndpointState, text: str) -> str:
        """A text of the server's without any secret of ours: some servers echo the key that they refuse."""
        for secret in secrets_of(endpoint.settings, self.settings.proxy):
            for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
                text = text.replace(form, "[key]")
        return text

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
            raise Fault(str(fault), "fault" if fault.kind == "rejected" else fault.kind) from None

    def _discovered(self, endpoint: EndpointState, task: asyncio.Task[None]) -> None:
        self._discoveries.pop(endpoint.url, None)
        if not task.cancelled():
            task.exception()  # waiters have it

    async def _read_model(self, ticket: Ticket, deadline: float) -> None:
        endpoint = ticket.endpoint
        # Many requests wait for this one: an endpoint that has never answered is shut at its first failure.
        ticket = Ticket(endpoint, probe=True)
        answer = await self._exchange(ticket, "GET", "/models", None, deadline)
        try:
            names = read_models(answer.body, lambda text: self._redacted(endpoint, text))
        except NotAReply as error:
            raise self._fault(ticket, str(error)) from None
        problem = ""
        if len(names) != 1:
            problem = f"serves {len(names)} models ({', '.join(names[:5]) or 'none'}); name one with model="
        elif self.model is not None and names[0] != self.model:
            problem = f"serves {names[0]!r}, another endpoint {self.model!r}; name one with model="
        if problem:
            endpoint.refused(asyncio.get_running_loop().time(), problem, probe=True, certain=True)
            raise Fault(problem, "refused")
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


def _is_cancelled() -> bool:
    """Whether the running task itself was asked to stop (before Python 3.11 that cannot be told)."""
    task = asyncio.current_task()
    cancelling = getattr(task, "cancelling", None)
    return bool(cancelling()) if cancelling is not None else False
