"""The HTTP transport, and the only module that knows which library it is: aiohttp.

A request costs about 0.2 ms of CPU at 256 in flight; the same connections below httpx cost twice that, and httpx on its
own transport twenty times. Proxies named in the environment are not used: readers live in the cluster. Redirects are
not followed: a key would follow them.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aiohttp import ClientSession, StreamReader

MAX_BODY = 32 * 1024 * 1024


class TransportError(Exception):
    """The exchange did not complete: nothing listening, reset, cut short, too slow, too long."""


class Answer(NamedTuple):
    status: int
    retry_after: str | None
    body: bytes


class Transport:
    """HTTP exchanges, each bounded in time and size. Lives on one event loop; its session is opened on first use."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> Answer:
        """Send one request and read the whole answer within ``timeout_s``, or raise ``TransportError``."""
        import aiohttp

        session = self._session
        if session is None:
            # The pool limits requests itself; a second limit here would queue where no deadline is watched.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=30)
            session = self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # The limit covers everything up to the last byte; aiohttp would round longer ones up to whole seconds.
        timeout = aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=float("inf"))
        try:
            async with session.request(
                method, url, headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                return Answer(response.status, response.headers.get("Retry-After"), await _read(response.content))
        except asyncio.TimeoutError:
            raise TransportError(f"no complete answer in {timeout_s:.3g} s") from None
        except (aiohttp.ClientError, OSError, EOFError, ValueError) as error:
            raise TransportError(_describe(error)) from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _read(content: StreamReader) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise TransportError(f"the answer is longer than {MAX_BODY // 2**20} MB")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _describe(error: BaseException) -> str:
    """A few words without addresses, which the pool adds, and without headers, which may hold a key."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno) if inner.errno > 0 else str(inner.strerror)
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__
