"""The background event loop: one a process, on a daemon thread, begun on first use, never inherited through fork."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from table_rewards.core.forking import renew_after_fork

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_closers: list[Callable[[], Awaitable[None]]] = []

# What a forked child inherits is kept referenced and untouched: a collected event loop would unregister its
# descriptors from the epoll instance that it shares with its parent.
_inherited: list[object] = []


def background_loop() -> asyncio.AbstractEventLoop:
    """Return this process's loop, starting it when there is none."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_run, args=(_loop,), name="table-rewards-llm", daemon=True)
            _thread.start()
        return _loop


def submit(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Run a coroutine on the background loop, from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for it; an interrupt cancels it."""
    if threading.current_thread() is _thread:
        coroutine.close()
        raise RuntimeError("a blocking call on the pool's own event loop would wait for itself; use the async form")
    future = submit(coroutine)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def at_exit(closer: Callable[[], Awaitable[None]]) -> None:
    """Call ``closer`` on the loop when the process ends normally."""
    _closers.append(closer)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _shutdown() -> None:
    loop, thread = _loop, _thread
    if loop is None or thread is None or not thread.is_alive():
        return

    async def close_all() -> None:
        await asyncio.gather(*(closer() for closer in _closers), return_exceptions=True)

    try:
        asyncio.run_coroutine_threadsafe(close_all(), loop).result(timeout=5)
    except (concurrent.futures.TimeoutError, RuntimeError):
        return
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=1)


def _forget() -> None:
    global _lock, _loop, _thread
    _inherited.append((_loop, _thread, list(_closers)))
    _lock = threading.Lock()
    _loop = _thread = None
    _closers.clear()


atexit.register(_shutdown)
renew_after_fork(_forget)
