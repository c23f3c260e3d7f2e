"""The options that every reward has that asks a model: where it is asked, how it samples, what is kept.

They are named once, here. ``takes_endpoint_options`` puts them into a constructor's signature, so that help, adapters
and messages list them as if they had been written there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypedDict, TypeVar

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.llm import Endpoint, Sampling

Endpoints = str | Mapping[str, Any] | Iterable[str | Mapping[str, Any] | Endpoint] | None


class EndpointOptions(TypedDict, total=False):
    """Options of every reward that asks; :class:`table_rewards.llm.PoolSettings` says what those of the pool do.

    ``thinking`` False or True is sent as ``chat_template_kwargs.enable_thinking`` (Qwen3 on vLLM or SGLang).
    ``sampling`` changes fields of :class:`table_rewards.llm.Sampling` by name; None leaves a field out of the request,
    for servers that refuse it. ``extra`` is merged into the request body as it is (guided decoding,
    ``reasoning_effort``, ...).
    """

    endpoints: Endpoints
    model: str | None
    api_key_env: str | None
    default_headers: Mapping[str, str]
    default_query: Mapping[str, str]
    ca_file: str | None
    client_cert_file: str | None
    client_key_file: str | None
    proxy: str | None
    deadline_s: float
    timeout_s: float
    attempts: int
    max_in_flight: int
    requests_per_minute: float | None
    tokens_per_minute: float | None
    max_total_tokens: int | None
    max_cost: float | None
    prompt_price: float | None
    completion_price: float | None
    fold_system: bool
    cache: str | None
    cache_group: str | None
    cache_revision: str
    cache_ttl_s: float | None
    cache_max_mb: float
    thinking: bool | None
    sampling: Mapping[str, Any]
    extra: Mapping[str, Any]


DEFAULTS: Final[Mapping[str, Any]] = {
    "endpoints": None,
    "model": None,
    "api_key_env": None,
    "default_headers": {},
    "default_query": {},
    "ca_file": None,
    "client_cert_file": None,
    "client_key_file": None,
    "proxy": None,
    "deadline_s": 120.0,
    "timeout_s": 30.0,
    "attempts": 8,
    "max_in_flight": 256,
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "max_total_tokens": None,
    "max_cost": None,
    "prompt_price": None,
    "completion_price": None,
    "fold_system": False,
    "cache": None,
    "cache_group": None,
    "cache_revision": "",
    "cache_ttl_s": None,
    "cache_max_mb": 1024.0,
    "thinking": None,
    "sampling": {},
    "extra": {},
}
_OF_SAMPLING: Final = ("thinking", "sampling", "extra")

Init = TypeVar("Init", bound=Callable[..., None])


def takes_endpoint_options(**defaults: Any) -> Callable[[Init], Init]:
    """Decorate a constructor that passes ``**asking`` on: its signature lists the options, with these defaults.

    >>> class Asks:
    ...     @takes_endpoint_options(timeout_s=60.0)
    ...     def __init__(self, *, weight: float = 1.0, **asking: Any) -> None: ...
    >>> found = inspect.signature(Asks.__init__).parameters
    >>> found["timeout_s"].default, found["attempts"].default, list(found)[:2]
    (60.0, 8, ['self', 'weight'])
    """

    def decorate(init: Init) -> Init:
        written = inspect.signature(init)
        kept = [p for p in written.parameters.values() if p.kind is not p.VAR_KEYWORD]
        names = {p.name for p in kept}
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name, default))
            for name, default in DEFAULTS.items()
            if name not in names
        ]
        init.__signature__ = written.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
        return init

    return decorate


def settled(reward: str, given: EndpointOptions, known: Iterable[str], **defaults: Any) -> dict[str, Any]:
    """All options with their values: what was given, else the reward's default, else the common one.

    Raises:
        UnknownName: an option that there is not.
    """
    for name in given:
        if name not in DEFAULTS:
            raise UnknownName(f"option of {reward}", name, known)
    return {**DEFAULTS, **defaults, **given}


def sampling_of(options: Mapping[str, Any], **fields: Any) -> Sampling:
    """The sampling of a reward: its own ``fields``, changed by the options ``sampling``, ``thinking`` and ``extra``.

    >>> sampling_of({**DEFAULTS, "sampling": {"temperature": None}, "thinking": False}, max_tokens=64).body()
    {'top_p': 1.0, 'presence_penalty': 0.0, 'frequency_penalty': 0.0, 'max_tokens': 64, 'seed': 0,
     'chat_template_kwargs': {'enable_thinking': False}}

    Raises:
        UnknownName: ``sampling`` names a field that there is not.
        ConfigurationError: a value that no server would take.
    """
    changes = _mapping("sampling", options["sampling"])
    known = set(Sampling.__dataclass_fields__) - {"extra"}
    for name in changes:
        if name not in known:
            raise UnknownName("field of sampling", str(name), sorted(known))
    extra = dict(_mapping("extra", options["extra"]))
    thinking = options["thinking"]
    if thinking is not None:
        if not isinstance(thinking, bool):
            raise ConfigurationError(f"thinking must be True, False or None, not {thinking!r}")
        extra["chat_template_kwargs"] = {**extra.get("chat_template_kwargs", {}), "enable_thinking": thinking}
    return Sampling(**{**fields, **changes}, extra=extra)


def pool_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that the pool takes."""
    return {name: value for name, value in options.items() if name not in _OF_SAMPLING}


def _mapping(option: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{option} must be a mapping of names to values, not {value!r}")
    return value
