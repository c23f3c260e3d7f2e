"""The HTTP transport, and the only module that knows which library it is: aiohttp.

A request costs about 0.2 ms of CPU at 256 in flight; the same connections below httpx cost twice that, and httpx on its
own transport twenty times. Proxies named in the environment are not used: readers live in the cluster. Redirects are
not followed: a key would follow them.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import TYPE_CHECKING, NamedTuple

from table_rewards.core.errors import ConfigurationError
from table_rewards.llm._wire import read_retry_after
from table_rewards.llm.settings import PoolSettings, from_environment

if TYPE_CHECKING:
    from aiohttp import ClientSession, StreamReader

MAX_BODY = 32 * 1024 * 1024
MAX_HEADER = 64 * 1024


class TransportError(Exception):
    """The exchange did not complete: nothing listening, reset, cut short, too slow, too long.

    ``hopeless`` when no repetition helps: the two sides do not agree on TLS. ``late`` when its time was over.
    """

    def __init__(self, message: str, *, hopeless: bool = False, late: bool = False) -> None:
        super().__init__(message)
        self.hopeless, self.late = hopeless, late


class Answer(NamedTuple):
    status: int
    retry_after: float | None
    location: str | None
    body: bytes


class Transport:
    """HTTP exchanges, each bounded in time and size. Lives on one event loop; its session is opened on first use."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._session: ClientSession | None = None

    async def exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> Answer:
        """Send one request and read the whole answer within ``timeout_s``, or raise ``TransportError``."""
        import aiohttp

        session = self._session
        if session is None:
            # The pool limits requests itself; a second limit here would queue where no deadline is watched.
            connector = aiohttp.TCPConnector(
                limit=0, ttl_dns_cache=60, keepalive_timeout=30, ssl=tls_context(self._settings) or True
            )
            session = self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
            )
        # The limit covers everything up to the last byte; aiohttp would round longer ones up to whole seconds.
        timeout = aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=float("inf"))
        proxy = self._settings.proxy and from_environment(self._settings.proxy)
        try:
            async with session.request(
                method, url, headers=headers, data=body, timeout=timeout, allow_redirects=False, proxy=proxy
            ) as response:
                heads = response.headers
                body = await _read(response.content)
                pause = read_retry_after(heads.get("Retry-After"), heads.get("retry-after-ms"))
                return Answer(response.status, pause, heads.get("Location"), body)
        except asyncio.TimeoutError:
            raise TransportError(f"no complete answer in {timeout_s:.3g} s", late=True) from None
        except (aiohttp.ClientError, OSError, EOFError, ValueError) as error:
            tls = _tls_problem(error)
            if tls:
                raise TransportError(tls, hopeless=True) from None
            raise TransportError(_describe(error)) from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def tls_context(settings: PoolSettings) -> ssl.SSLContext | None:
    """The TLS context that the certificate options ask for; None for the system's own.

    Raises:
        ConfigurationError: a certificate file that holds none.
    """
    if settings.ca_file is None and settings.client_cert_file is None:
        return None
    name = "ca_file"
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        name = "client_cert_file"
        if settings.client_cert_file is not None:
            context.load_cert_chain(settings.client_cert_file, settings.client_key_file)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"{name} {getattr(settings, name)!r} cannot be used: {error}") from None
    return context


async def _read(content: StreamReader) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise TransportError(f"the answer is longer than {MAX_BODY // 2**20} MB")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _tls_problem(error: BaseException) -> str:
    """The verifier's words, where TLS is the trouble; empty where it is not."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        said = inner.verify_message or str(inner)
        return f"TLS: the server's certificate is not trusted: {said}; name its authority's file with ca_file="
    if isinstance(inner, ssl.CertificateError):
        return f"TLS: the server's certificate is not trusted: {inner}"
    if isinstance(inner, ssl.SSLError) and type(inner) is ssl.SSLError:
        reason = (inner.reason or str(inner)).replace("_", " ").lower()
        return f"TLS: {reason}; does the server speak https there, and which certificates does it want?"
    return ""


def _describe(error: BaseException) -> str:
    """What happened, without addresses, which the pool adds. It may quote what the server sent, a key included."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno) if inner.errno > 0 else str(inner.strerror)
    text = getattr(error, "message", "") or str(error)
    text = text.removeprefix("400, message:")  # which stands before the parser's words
    return f"{type(error).__name__}: {text[:MAX_HEADER]}" if text.strip() else type(error).__name__
