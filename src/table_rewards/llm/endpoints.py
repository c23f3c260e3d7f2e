"""Endpoint addresses in every form people write them."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from table_rewards.core.errors import ConfigurationError

ENVIRONMENT_NAMES = ("llm_serve_urls", "LLM_SERVE_URLS", "TABLE_REWARDS_ENDPOINTS")

_SUFFIXES = ("/chat/completions", "/completions", "/models")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*\](?::\d+)?(?:[/,;\s]|$)")


class Endpoints(tuple[str, ...]):
    """Base addresses of OpenAI-compatible servers, normalised, without repeats.

    Accepts a URL, several in one string (comma, semicolon or white space between them), a Python or JSON list in a
    string, or any sequence; with or without ``http://``, ``/v1``, ``/v1/chat/completions`` or a closing slash. ``/v1``
    is added only to an address without a path: ``https://host/v1/openai`` and what stands before a written-out
    ``/chat/completions`` stay as they are.

    Raises:
        ConfigurationError: there is no address, or one can't be an address, or holds a password or query.

    >>> Endpoints("http://10.0.0.1:10000, 10.0.0.2:10000/v1/")
    Endpoints('http://10.0.0.1:10000/v1', 'http://10.0.0.2:10000/v1')
    >>> Endpoints("['http://a:1/v1', 'http://a:1']")
    Endpoints('http://a:1/v1')
    >>> Endpoints("https://host/v1/openai/chat/completions, [::1]:8000")
    Endpoints('https://host/v1/openai', 'http://[::1]:8000/v1')
    >>> Endpoints("https://me:secret@host")
    Traceback (most recent call last):
    ...
    table_rewards.core.errors.ConfigurationError: endpoint host: a user name, password or query has no place in the \
address; put the key in an environment variable and name it with api_key_env=, a query in default_query=
    """

    def __new__(cls, value: str | Iterable[str]) -> Endpoints:
        found = dict.fromkeys(_normalised(text) for text in _split(value))
        if not found:
            raise ConfigurationError(
                "no endpoint given: name at least one OpenAI-compatible server such as http://10.0.0.1:8000/v1"
            )
        return super().__new__(cls, tuple(found))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Endpoints:
        """Read ``llm_serve_urls`` (or ``LLM_SERVE_URLS``, ``TABLE_REWARDS_ENDPOINTS``), the first that is set.

        Raises:
            ConfigurationError: none of the variables is set.

        >>> Endpoints.from_environment({"llm_serve_urls": "http://reader:10000"})
        Endpoints('http://reader:10000/v1')
        """
        environ = os.environ if environ is None else environ
        for name in ENVIRONMENT_NAMES:
            if environ.get(name, "").strip():
                return cls(environ[name])
        raise ConfigurationError(
            f"no endpoint given and none of {', '.join(ENVIRONMENT_NAMES)} is set; "
            'for example: export llm_serve_urls="http://10.0.0.1:10000"'
        )

    def __repr__(self) -> str:
        return f"Endpoints({', '.join(map(repr, self))})"


def _split(value: str | Iterable[str]) -> Iterator[str]:
    if not isinstance(value, str):
        for item in value:
            if not isinstance(item, str):
                raise ConfigurationError(f"an endpoint is a URL, not {item!r}")
            yield from _split(item)
        return
    text = value.strip()
    if text[:1] in ("[", "(") and not _IPV6.match(text):
        for read in (json.loads, ast.literal_eval):
            try:
                listed = read(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            yield from _split(list(listed))
            return
        text = text.strip("[]()")
    for part in re.split(r"[,;\s]+", text):
        part = part.strip("'\"")
        if part:
            yield part


def _normalised(text: str) -> str:
    address = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"endpoint {text!r} is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"endpoint {text!r} is not a URL such as http://10.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"endpoint {parts.hostname}: a user name, password or query has no place in the address; "
            "put the key in an environment variable and name it with api_key_env=, a query in default_query="
        )
    path = parts.path.rstrip("/")
    written_out = next((suffix for suffix in _SUFFIXES if path.endswith(suffix)), "")
    path = path.removesuffix(written_out).rstrip("/")
    if not path and not written_out:
        path = "/v1"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"
