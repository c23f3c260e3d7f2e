"""The HTTP transport, and the only module that knows which library it is: httpx on aiohttp's connections.

Plain httpx spends 5 ms of CPU a request at 256 in flight, with aiohttp below it a tenth of that. Proxies named in the
environment are not used: readers live in the cluster. Redirects are not followed: a key would follow them.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

MAX_BODY = 32 * 1024 * 1024


class TransportError(Exception):
    """The exchange did not complete: nothing listening, reset, cut short, too slow, too long."""


class Answer(NamedTuple):
    status: int
    retry_after: str | None
    body: bytes


class Transport:
    """HTTP exchanges, each bounded in time and size. Lives on one event loop; made on first use there."""

    def __init__(self) -> None:
        self._client: Any = None
        self._errors: tuple[type[BaseException], ...] = ()

    async def exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> Answer:
        """Send one request and read the whole answer within `timeout_s`, or raise `TransportError`."""
        if self._client is None:
            self._open()
        try:
            return await asyncio.wait_for(self._exchange(method, url, headers, body), timeout_s)
        except asyncio.TimeoutError:
            raise TransportError(f"no complete answer in {timeout_s:.3g} s") from None
        except self._errors as error:
            raise TransportError(_describe(error)) from None

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        async with self._client.stream(method, url, headers=headers, content=body) as response:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_BODY:
                    raise TransportError(f"the answer is longer than {MAX_BODY // 2**20} MB")
                chunks.append(chunk)
            return Answer(response.status_code, response.headers.get("retry-after"), b"".join(chunks))

    def _open(self) -> None:
        import aiohttp
        import httpx
        from httpx_aiohttp import AiohttpTransport

        def session() -> aiohttp.ClientSession:
            # The pool limits requests itself; a second limit here would queue where no deadline is watched.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=30)
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        self._client = httpx.AsyncClient(transport=AiohttpTransport(client=session), timeout=None, trust_env=False)
        self._errors = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError, EOFError)


def _describe(error: BaseException) -> str:
    """A few words without addresses, which the pool adds, and without headers, which may hold a key."""
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.split(" [")[0]
    text = str(cause).splitlines()
    return f"{type(cause).__name__}: {text[0][:160]}" if text else type(cause).__name__
