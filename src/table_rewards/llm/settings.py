"""The settings of a pool, validated once; no secret is ever among them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

from table_rewards.core.errors import ConfigurationError
from table_rewards.llm.endpoints import Endpoints

DEFAULT_KEY_NAME = "TABLE_REWARDS_API_KEY"
WORKER_COUNTS = ("TABLE_REWARDS_WORKERS", "WORLD_SIZE", "NPROC_PER_NODE")


@dataclasses.dataclass(frozen=True, slots=True)
class PoolSettings:
    """How a pool behaves. Two pools with equal settings share one runtime in a process.

    Attributes:
        endpoints: base addresses.
        model: model name; None asks ``/v1/models``, which must then offer exactly one.
        api_key_env: environment variable that holds the key. None means ``TABLE_REWARDS_API_KEY``, where unset is fine;
            a variable that is named here must be set.
        deadline_s: longest wait for one reply, all attempts and queueing included.
        timeout_s: longest wait for one attempt, from connecting to the last byte.
        attempts: most HTTP requests for one reply.
        wait_initial_s, wait_max_s: pause before the first retry; it doubles up to the second, with jitter.
        max_in_flight: most requests in flight, over all worker processes together.
        workers: processes that share ``max_in_flight``; None reads TABLE_REWARDS_WORKERS, WORLD_SIZE, NPROC_PER_NODE.
        breaker_failures: consecutive failures after which an endpoint is left alone for a while.
        breaker_wait_s, breaker_wait_max_s: that while; it doubles with each failed probe.
        cache: path of an SQLite file for answers, or None.
        cache_ttl_s: age after which an answer is asked again; None keeps answers for ever.
        cache_max_mb: the oldest answers are dropped above this size.
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

    def __post_init__(self) -> None:
        for name in ("deadline_s", "timeout_s", "breaker_wait_s", "breaker_wait_max_s", "cache_max_mb", "wait_max_s"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be above 0, not {getattr(self, name)!r}")
        for name in ("attempts", "max_in_flight", "breaker_failures"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} must be a whole number of at least 1, not {value!r}")
        if self.wait_initial_s < 0:
            raise ConfigurationError(f"wait_initial_s must be 0 or more, not {self.wait_initial_s!r}")
        if self.workers is not None and self.workers < 1:
            raise ConfigurationError(f"workers must be at least 1, or None to read the environment, not {self.workers}")
        if self.model is not None and not str(self.model).strip():
            raise ConfigurationError("model is empty; name it, or leave it None to ask the server")
        if self.api_key_env is not None and not os.environ.get(self.api_key_env):
            raise ConfigurationError(
                f"api_key_env names {self.api_key_env!r}, but that environment variable is not set"
            )

    @property
    def share(self) -> int:
        """This process's part of ``max_in_flight``, at least 1.

        >>> PoolSettings(("http://a/v1",), max_in_flight=256, workers=8).share
        32
        """
        return max(1, self.max_in_flight // (self.workers or workers_from_environment()))

    def headers(self) -> dict[str, str]:
        """Request headers. The key is read here, when it is sent, and kept nowhere."""
        key = os.environ.get(self.api_key_env or DEFAULT_KEY_NAME, "").strip()
        headers = {"content-type": "application/json", "accept": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        return headers


def settings_from(endpoints: str | Iterable[str] | None, options: dict[str, Any]) -> PoolSettings:
    """Build ``PoolSettings`` from what a caller wrote; an unknown option is an error that names the known ones."""
    known = {field.name for field in dataclasses.fields(PoolSettings)} - {"endpoints"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ConfigurationError(
            f"unknown option {', '.join(unknown)} for a chat pool; known: {', '.join(sorted(known))}"
        )
    if options.get("cache") is not None:
        options["cache"] = os.path.abspath(os.path.expanduser(os.fspath(options["cache"])))
    where = Endpoints.from_environment() if endpoints is None else Endpoints(endpoints)
    return PoolSettings(tuple(where), **options)


def workers_from_environment() -> int:
    """Worker processes that share the endpoints, as the launchers of distributed training state them; 1 without one."""
    for name in WORKER_COUNTS:
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return 1
