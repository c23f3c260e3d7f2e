"""The settings of a pool, validated once; no secret is ever among them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.options import not_negative, positive, positive_whole, truth
from table_rewards.llm.endpoints import Endpoints

DEFAULT_KEY_NAME: Final = "TABLE_REWARDS_API_KEY"
WORKERS: Final = "TABLE_REWARDS_WORKERS"
WORKER_COUNTS: Final = (WORKERS, "WORLD_SIZE", "NPROC_PER_NODE")

Pairs = tuple[tuple[str, str], ...]

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SECRET_NAME: Final = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a pool with settings of its own; None takes the pool's.

    Attributes:
        base_url: its address.
        model: what its model is called there.
        api_key_env: environment variable that holds its key; an empty text sends none.
        weight: share of the requests that it gets, against the weights of the others.
        max_in_flight: most requests in flight there, over all worker processes together.
        requests_per_minute, tokens_per_minute: its rates, over all worker processes together.
        default_headers, default_query: added to every request; ``$NAME`` in a value is read from the environment.
    """

    base_url: str
    model: str | None = None
    api_key_env: str | None = None
    weight: float = 1.0
    max_in_flight: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    default_headers: Pairs | None = None
    default_query: Pairs | None = None

    def __post_init__(self) -> None:
        _checked(self, positive, "weight", "requests_per_minute", "tokens_per_minute")
        _checked(self, positive_whole, "max_in_flight")
        _names_a_model(self.model)
        _names_a_key(self.api_key_env or None)
        for name in ("default_headers", "default_query"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _pairs(name, getattr(self, name)))

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Endpoint:
        """Read a mapping with ``base_url`` (or ``url``) and any of the other fields.

        Raises:
            ConfigurationError: the settings lack an address, or hold what is unknown.

        >>> Endpoint.of({"url": "10.0.0.1:8000", "model": "reader", "weight": 2}).base_url
        'http://10.0.0.1:8000/v1'
        """
        given = dict(written)
        address = given.pop("url", None) or given.pop("base_url", None)
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(given) - set(known))
        if unknown or not isinstance(address, str):
            what = f"unknown field {', '.join(map(str, unknown))}" if unknown else "no base_url"
            raise ConfigurationError(f"{what} in an endpoint's settings; known: {', '.join(known)}")
        (base_url,) = Endpoints(address)
        return cls(base_url, **given)


@dataclasses.dataclass(frozen=True, slots=True)
class PoolSettings:
    """How a pool behaves. Two pools with equal settings share one runtime in a process.

    Attributes:
        endpoints: base addresses.
        own: endpoints with settings of their own.
        model: model name; None asks ``/v1/models``, which must then offer exactly one.
        api_key_env: environment variable that holds the key. None means ``TABLE_REWARDS_API_KEY``, where unset is fine;
            a variable that is named here must be set.
        default_headers, default_query: added to every request; ``$NAME`` in a value is read from the environment when
            it is sent, and headers that carry keys must be written so.
        ca_file: certificates of the authority that signed the servers' own; None trusts the system's.
        client_cert_file, client_key_file: certificate that this client shows, and its key if it stands apart.
        proxy: HTTP proxy that every request goes through; proxies of the environment are never used.
        deadline_s: longest wait for one reply, all attempts and queueing included.
        timeout_s: longest wait for one attempt, from connecting to the last byte.
        attempts: most HTTP requests for one reply.
        wait_initial_s, wait_max_s: pause before the first retry; it doubles up to the second, with jitter.
        max_in_flight: most requests in flight, over all worker processes together.
        workers: processes that share ``max_in_flight``, the rates and the budget; None reads TABLE_REWARDS_WORKERS,
            WORLD_SIZE, NPROC_PER_NODE.
        requests_per_minute, tokens_per_minute: most that are sent to an endpoint; None does not limit.
        max_total_tokens, max_cost: budget of a run, after which every request fails; requests in flight may overdraw
            it. None does not limit.
        prompt_price, completion_price: money for a million tokens, for ``usage()["cost"]`` and ``max_cost``; None
            takes the cost that the server states, if it does.
        fold_system: put system messages into the user turn, for models without a system role.
        breaker_failures: consecutive failures after which an endpoint is left alone for a while.
        breaker_wait_s, breaker_wait_max_s: that while; it doubles with each failed probe.
        cache: path of an SQLite file for answers, or None.
        cache_group: pools of the same group share answers; None: pools with the same addresses do.
        cache_revision: raise it when the model behind a name changes: older answers are asked again.
        cache_ttl_s: age after which an answer is asked again; None keeps answers for ever.
        cache_max_mb: the oldest answers are dropped above this size.

    Raises:
        ConfigurationError: a value that cannot work; it names the option and what would be right.
    """

    endpoints: tuple[str, ...]
    model: str | None = None
    api_key_env: str | None = None
    deadline_s: float = 120.0
    timeout_s: float = 30.0
    attempts: int = 8
    wait_initial_s: float = 0.1
    wait_max_s: float = 8.0
    max_in_flight: int = 256
    workers: int | None = None
    breaker_failures: int = 8
    breaker_wait_s: float = 1.0
    breaker_wait_max_s: float = 30.0
    cache: str | None = None
    cache_ttl_s: float | None = None
    cache_max_mb: float = 1024.0
    cache_group: str | None = None
    cache_revision: str = ""
    own: tuple[Endpoint, ...] = ()
    default_headers: Pairs = ()
    default_query: Pairs = ()
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    proxy: str | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_total_tokens: int | None = None
    max_cost: float | None = None
    prompt_price: float | None = None
    completion_price: float | None = None
    fold_system: bool = False

    def __post_init__(self) -> None:
        _checked(
            self,
            positive,
            "deadline_s",
            "timeout_s",
            "breaker_wait_s",
            "breaker_wait_max_s",
            "cache_max_mb",
            "wait_max_s",
        )
        _checked(self, positive, "requests_per_minute", "tokens_per_minute", "max_cost", "cache_ttl_s")
        _checked(self, positive_whole, "attempts", "max_in_flight", "breaker_failures", "max_total_tokens", "workers")
        _checked(self, not_negative, "wait_initial_s", "prompt_price", "completion_price")
        if (self.prompt_price is None) != (self.completion_price is None):
            raise ConfigurationError("prompt_price and completion_price belong together; give both, or neither")
        truth("fold_system", self.fold_system)
        _names_a_model(self.model)
        _names_a_key(self.api_key_env)
        object.__setattr__(self, "default_headers", _pairs("default_headers", self.default_headers))
        object.__setattr__(self, "default_query", _pairs("default_query", self.default_query))
        object.__setattr__(self, "cache_revision", str(self.cache_revision))
        for name in ("ca_file", "client_cert_file", "client_key_file"):
            path = getattr(self, name)
            if path is not None and not os.path.isfile(path):
                raise ConfigurationError(f"{name} names {path!r}, which is no file")
        if self.client_key_file is not None and self.client_cert_file is None:
            raise ConfigurationError("client_key_file belongs to a client_cert_file; name that too")
        if self.proxy is not None:
            _check_proxy(self.proxy)

    @property
    def share(self) -> int:
        """This process's part of ``max_in_flight``, at least 1.

        >>> PoolSettings(("http://a/v1",), max_in_flight=256, workers=8).share
        32
        """
        return max(1, self.max_in_flight // self.processes)

    @property
    def processes(self) -> int:
        """How many processes share the limits."""
        return self.workers or workers_from_environment()

    def each(self) -> tuple[Endpoint, ...]:
        """The endpoints with what holds for each."""
        own = {endpoint.base_url: endpoint for endpoint in self.own}
        return tuple(self._filled(own.get(url) or Endpoint(url)) for url in self.endpoints)

    def _filled(self, endpoint: Endpoint) -> Endpoint:
        inherited = {
            name: getattr(self, name)
            for name in ("model", "api_key_env", "requests_per_minute", "tokens_per_minute")
            if getattr(endpoint, name) is None
        }
        for name in ("default_headers", "default_query"):
            merged = {**dict(getattr(self, name)), **dict(getattr(endpoint, name) or ())}
            inherited[name] = tuple(merged.items())
        return dataclasses.replace(endpoint, **inherited)


def key_of(endpoint: Endpoint) -> str:
    """The endpoint's key. It is read here, when it is sent, and kept nowhere."""
    if endpoint.api_key_env == "":
        return ""
    return os.environ.get(endpoint.api_key_env or DEFAULT_KEY_NAME, "").strip()


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    """The request headers of an endpoint, its key among them."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    key = key_of(endpoint)
    if key:
        headers["authorization"] = f"Bearer {key}"
    for name, value in endpoint.default_headers or ():
        headers[name.lower()] = from_environment(value)
    return headers


def secrets_of(endpoint: Endpoint, proxy: str | None = None) -> list[str]:
    """Every secret that a request to the endpoint may carry, the longest first."""
    found = {key_of(endpoint)}
    written = [value for pairs in (endpoint.default_headers, endpoint.default_query) for _, value in pairs or ()]
    for text in (*written, proxy or ""):
        found.update(os.environ.get(one or other, "") for one, other in _VARIABLE.findall(text))
        if _VARIABLE.search(text):
            found.add(from_environment(text))
    return sorted((secret for secret in found if len(secret) >= 4), key=len, reverse=True)


def from_environment(text: str) -> str:
    """A text with every ``$NAME`` and ``${NAME}`` replaced by that environment variable."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1] or match[2], ""), text).strip()


def settings_from(endpoints: Any, options: Mapping[str, Any]) -> PoolSettings:
    """Build ``PoolSettings`` from what a caller wrote; an unknown option is an error that names the known ones.

    Raises:
        ConfigurationError: an option is unknown, or its value cannot be.
    """
    options = dict(options)
    known = {field.name for field in dataclasses.fields(PoolSettings)} - {"endpoints", "own"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ConfigurationError(
            f"unknown option {', '.join(unknown)} for a chat pool; known: {', '.join(sorted(known))}"
        )
    for name in ("cache", "ca_file", "client_cert_file", "client_key_file"):
        if options.get(name) is not None:
            options[name] = os.path.abspath(os.path.expanduser(os.fspath(options[name])))
    urls, own = _endpoints(endpoints)
    return PoolSettings(tuple(urls), own=own, **options)


def workers_from_environment() -> int:
    """Worker processes that share the endpoints, as the launchers of distributed training state them; 1 without one."""
    for name in WORKER_COUNTS:
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return 1


def _endpoints(written: Any) -> tuple[Endpoints, tuple[Endpoint, ...]]:
    """Addresses, and those endpoints that were written as mappings (or as JSON objects in a text)."""
    if written is None:
        return Endpoints.from_environment(), ()
    if isinstance(written, str) and written.strip()[:1] in ("{", "[") and "{" in written:
        try:
            written = json.loads(written)
        except ValueError as error:
            raise ConfigurationError(f"endpoints look like JSON and are none: {error}") from None
    if isinstance(written, (Mapping, Endpoint)):
        written = [written]
    if isinstance(written, str) or not isinstance(written, Iterable):
        return Endpoints(written), ()
    urls: list[str] = []
    own: list[Endpoint] = []
    for item in written:
        if isinstance(item, (Mapping, Endpoint)):
            own.append(item if isinstance(item, Endpoint) else Endpoint.of(item))
            urls.append(own[-1].base_url)
        else:
            urls.append(item)
    return Endpoints(urls), tuple(own)


def _pairs(option: str, value: Any) -> Pairs:
    try:
        pairs = tuple((str(name), str(text)) for name, text in dict(value).items())
    except (TypeError, ValueError):
        raise ConfigurationError(f"{option} must be a mapping of names to texts, not {value!r}") from None
    for name, text in pairs:
        missing = [one or other for one, other in _VARIABLE.findall(text) if not os.environ.get(one or other)]
        if missing:
            raise ConfigurationError(f"{option}: {name} reads ${missing[0]}, but that environment variable is not set")
        if _SECRET_NAME.search(name) and not _VARIABLE.search(text):
            raise ConfigurationError(
                f"{option}: {name} looks like a key; put it into an environment variable and write '$NAME' here"
            )
        if "\n" in text or "\r" in text:
            raise ConfigurationError(f"{option}: {name} holds a line break")
    return pairs


def _check_proxy(proxy: str) -> None:
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("proxy must be an address such as http://proxy:3128")
    if parts.password is not None and not _VARIABLE.search(parts.password):
        raise ConfigurationError(
            "proxy: put the password into an environment variable and write it as http://user:$NAME@proxy:3128"
        )


def _names_a_model(model: Any) -> None:
    if model is not None and not str(model).strip():
        raise ConfigurationError("model is empty; name it, or leave it None to ask the server")


def _names_a_key(name: str | None) -> None:
    if name is not None and not os.environ.get(name):
        raise ConfigurationError(f"api_key_env names {name!r}, but that environment variable is not set")


def _checked(settings: Any, check: Callable[[str, Any], Any], *names: str) -> None:
    """Check those of the fields that are not None."""
    for name in names:
        value = getattr(settings, name)
        if value is not None:
            check(name, value)
