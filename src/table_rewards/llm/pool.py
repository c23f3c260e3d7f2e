"""``ChatPool``: what a reward holds to ask a model. Blocking and async, from any thread, process or event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from table_rewards.core.forking import renew_after_fork
from table_rewards.llm import _loop, _usage
from table_rewards.llm._runtime import Runtime
from table_rewards.llm._transport import tls_context
from table_rewards.llm.settings import Endpoint, PoolSettings, settings_from
from table_rewards.llm.types import ChatReply, ChatRequest, Messages, Sampling

_lock = threading.Lock()
_runtimes: dict[PoolSettings, Runtime] = {}
_inherited: list[object] = []


class ChatPool:
    """A pool of OpenAI-compatible chat endpoints.

    It holds settings and nothing else, so it pickles, and pools with equal settings share one runtime in each process:
    one background event loop, one set of connections, one view of which endpoint is well. After fork the child begins
    anew. Outages never raise: look at ``ChatReply.failed``.

    >>> pool = get_pool("http://10.0.0.1:8000", model="reader", deadline_s=60)
    >>> pool
    ChatPool(http://10.0.0.1:8000/v1, model='reader')
    """

    __slots__ = ("settings",)

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings

    def ask(
        self, messages: Messages | ChatRequest, sampling: Sampling | None = None, *, deadline_s: float | None = None
    ) -> ChatReply:
        """Ask and wait, at most ``deadline_s`` (the pool's own by default)."""
        return _loop.run(self._runtime().ask(_request(messages, sampling), deadline_s))

    def ask_many(
        self,
        requests: Iterable[Messages | ChatRequest],
        sampling: Sampling | None = None,
        *,
        deadline_s: float | None = None,
    ) -> list[ChatReply]:
        """Ask all at once; the replies in the order of the requests, within one deadline for the whole call."""
        listed = [_request(item, sampling) for item in requests]
        return _loop.run(self._runtime().ask_many(listed, deadline_s)) if listed else []

    async def aask(
        self, messages: Messages | ChatRequest, sampling: Sampling | None = None, *, deadline_s: float | None = None
    ) -> ChatReply:
        """``ask`` for any running event loop; nothing of the pool is bound to it."""
        request = _request(messages, sampling)
        return await asyncio.wrap_future(_loop.submit(self._runtime().ask(request, deadline_s)))

    async def aask_many(
        self,
        requests: Iterable[Messages | ChatRequest],
        sampling: Sampling | None = None,
        *,
        deadline_s: float | None = None,
    ) -> list[ChatReply]:
        """``ask_many`` for any running event loop."""
        listed = [_request(item, sampling) for item in requests]
        if not listed:
            return []
        return await asyncio.wrap_future(_loop.submit(self._runtime().ask_many(listed, deadline_s)))

    def stream(
        self,
        requests: Sequence[Messages | ChatRequest],
        sampling: Sampling | None = None,
        *,
        deadline_s: float | None = None,
    ) -> Iterator[tuple[int, ChatReply]]:
        """Yield ``(index, reply)`` as replies come, for lists of any length; each reply has the whole deadline."""
        listed = [_request(item, sampling) for item in requests]
        if not listed:
            return
        results: queue.SimpleQueue[tuple[int, ChatReply] | None] = queue.SimpleQueue()
        future = _loop.submit(self._runtime().stream(listed, deadline_s, results))
        try:
            while (item := results.get()) is not None:
                yield item
            future.result()
        finally:
            future.cancel()

    def usage(self) -> dict[str, float]:
        """What this process's runtime did so far: counters, latency quantiles in seconds, the endpoints' state."""
        return self._runtime().snapshot()

    def _runtime(self) -> Runtime:
        with _lock:
            runtime = _runtimes.get(self.settings)
            if runtime is None:
                runtime = _runtimes[self.settings] = Runtime(self.settings)
                _loop.at_exit(runtime.aclose)
            return runtime

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChatPool) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)

    def __repr__(self) -> str:
        model = f", model={self.settings.model!r}" if self.settings.model else ""
        return f"ChatPool({', '.join(self.settings.endpoints)}{model})"

    def __getstate__(self) -> PoolSettings:
        return self.settings

    def __setstate__(self, settings: PoolSettings) -> None:
        self.settings = settings


def get_pool(
    endpoints: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any] | Endpoint] | None = None, **options: Any
) -> ChatPool:
    """Return the pool for these endpoints and options (``PoolSettings`` lists them); nothing is sent yet.

    Args:
        endpoints: anything that ``Endpoints`` reads; mappings (or ``Endpoint``) where an endpoint has a model, key,
            weight or limits of its own; None reads the environment variable ``llm_serve_urls``.
        options: fields of ``PoolSettings``: model, api_key_env, deadline_s, attempts, max_in_flight, cache, ...

    Raises:
        ConfigurationError: an address, an option or the cache file can't work.
    """
    settings = settings_from(endpoints, options)
    tls_context(settings)
    if settings.cache is not None:
        from table_rewards.llm._cache import open_checked

        open_checked(settings.cache).close()
    return ChatPool(settings)


def process_usage() -> dict[str, float]:
    """``ChatPool.usage`` over all pools of this process: counters added up, of latencies and peaks the worst."""
    with _lock:
        runtimes = list(_runtimes.values())
    return _usage.total(runtime.snapshot() for runtime in runtimes)


def _request(item: Messages | ChatRequest, sampling: Sampling | None) -> ChatRequest:
    if isinstance(item, ChatRequest):
        return item
    return ChatRequest(item, sampling or Sampling())


def _forget() -> None:
    global _lock
    _inherited.append(dict(_runtimes))
    _lock = threading.Lock()
    _runtimes.clear()


renew_after_fork(_forget)
