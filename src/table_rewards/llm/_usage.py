"""What a pool did, as plain numbers."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping

COUNTERS = (
    "requests",  # asked by callers
    "replies",  # answered, from an endpoint, the cache or a twin
    "failures",  # ended without an answer
    "refused",  # ... of them, by a content filter
    "truncated",
    "empty",
    "cache_hits",
    "shared",  # waited for an identical request in flight
    "http_requests",
    "retries",
    "rate_limited",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cache_errors",
)
QUANTILES = (0.5, 0.9, 0.99)
WINDOW = 4096


class Usage:
    """Counters, and the latencies of the last 4,096 replies that an endpoint gave (queueing included).

    >>> usage = Usage()
    >>> usage.count["requests"] += 1
    >>> usage.latencies.extend([0.1, 0.2, 0.3])
    >>> snapshot = usage.snapshot()
    >>> snapshot["requests"], snapshot["latency_p50_s"]
    (1, 0.2)
    """

    __slots__ = ("count", "latencies")

    def __init__(self) -> None:
        self.count: collections.Counter[str] = collections.Counter(dict.fromkeys(COUNTERS, 0))
        self.latencies: collections.deque[float] = collections.deque(maxlen=WINDOW)

    def snapshot(self) -> dict[str, float]:
        numbers: dict[str, float] = {name: self.count[name] for name in COUNTERS}
        numbers.update(quantiles(list(self.latencies)))
        return numbers


def quantiles(latencies: Iterable[float]) -> dict[str, float]:
    """``latency_p50_s``, ``latency_p90_s``, ``latency_p99_s``; 0 when there are none."""
    ordered = sorted(latencies)
    last = len(ordered) - 1
    return {f"latency_p{round(q * 100)}_s": round(ordered[round(q * last)], 6) if ordered else 0.0 for q in QUANTILES}


def total(snapshots: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add counters up over pools; of the quantiles and peaks keep the worst."""
    result: dict[str, float] = {}
    for snapshot in snapshots:
        for name, value in snapshot.items():
            worst = name.startswith(("latency_", "peak_"))
            result[name] = max(result.get(name, 0.0), value) if worst else result.get(name, 0) + value
    return result
