"""What this process knows of one endpoint: its breaker, its limit, its pace."""

from __future__ import annotations

import dataclasses
import logging
import random

from table_rewards.llm.settings import Endpoint, PoolSettings

GROWTH = 0.05  # of the limit, for each limit-full of successes
SHRINK = 0.8
HOLD_S = 15.0  # no growth for so long after a shrink
PATIENCE = 4  # such round trips before an endpoint that refuses even one request at a time is paused
LONGEST_PAUSE_S = 120.0
PROBE_AFTER_PAUSE_S = 1.0
"""After a longer pause one request finds out first whether the endpoint takes any."""
REFUSALS = 3
"""So many refusals (401, 403, 404, 405, 3xx) in a row open the breaker; two, for an endpoint that never answered."""
CONTRADICTIONS = 3
"""So often in a row another endpoint answered what this one called a bad request: then it is at fault itself."""

logger = logging.getLogger("table_rewards.llm")


@dataclasses.dataclass(slots=True, eq=False)
class Pace:
    """A token bucket: ``rate`` a second, at most ten seconds' worth (and at least one) at once.

    >>> pace = Pace(60)
    >>> pace.ready_at(0.0), [pace.take(0.0) for _ in range(10)][0], round(pace.ready_at(0.0), 3)
    (0.0, None, 1.0)
    """

    per_minute: float
    level: float = dataclasses.field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.most

    @property
    def most(self) -> float:
        return max(1.0, self.per_minute / 6)

    def _refill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.most, self.level + (now - self.at) * self.per_minute / 60) if self.at else self.level
            self.at = now

    def ready_at(self, now: float) -> float:
        """When the next request may go; not after ``now`` when it may go at once."""
        self._refill(now)
        lacking = min(1.0, self.most) - self.level
        return now if lacking <= 1e-9 else now + lacking * 60 / self.per_minute

    def take(self, now: float, amount: float = 1.0) -> None:
        """Draw from the bucket; it may be overdrawn, and then fills up first."""
        self._refill(now)
        self.level -= amount


@dataclasses.dataclass(slots=True, eq=False)
class EndpointState:
    """The state of one endpoint, as seen from this process."""

    settings: Endpoint
    share: int
    breaker_failures: int
    breaker_wait_s: float
    breaker_wait_max_s: float
    requests: Pace | None = None
    tokens: Pace | None = None
    limit: float = 0.0
    in_flight: int = 0
    answered: int = 0
    failures: int = 0  # consecutive
    refusals: int = 0  # consecutive
    rejections: int = 0  # bad requests, consecutive
    contradictions: int = 0  # ... of them, answered by another endpoint
    open_until: float = 0.0
    wait_s: float = 0.0  # of the breaker; 0 while it is closed
    probing: bool = False
    probed_at: float = -1e9
    paused_until: float = 0.0
    limited: int = 0  # round trips in a row that ended in 429
    shrunk_at: float = -1e9
    refusal: str = ""
    last_error: str = ""
    verified: bool = False  # its model was discovered

    @classmethod
    def of(cls, endpoint: Endpoint, settings: PoolSettings) -> EndpointState:
        processes = settings.processes
        share = settings.share
        if endpoint.max_in_flight is not None:
            share = min(share, max(1, endpoint.max_in_flight // processes))
        requests, tokens = (
            None if rate is None else Pace(rate / processes)
            for rate in (endpoint.requests_per_minute, endpoint.tokens_per_minute)
        )
        waits = (settings.breaker_failures, settings.breaker_wait_s, settings.breaker_wait_max_s)
        return cls(endpoint, share, *waits, requests, tokens, limit=float(share))

    @property
    def url(self) -> str:
        return self.settings.base_url

    @property
    def load(self) -> tuple[bool, float]:
        """What a choice between endpoints compares: those that only refuse come last."""
        return self.refusals + self.rejections >= 2, self.in_flight / self.settings.weight

    def opens_at(self) -> float:
        """When it may be asked again; in the past when it may be asked now."""
        return max(self.open_until, self.paused_until)

    def ready_at(self, now: float) -> float:
        """When its breaker, its pauses and its rates admit a request; its limit is another matter."""
        when = self.opens_at()
        for pace in (self.requests, self.tokens):
            if pace is not None:
                when = max(when, pace.ready_at(now))
        return when

    def admits(self, now: float) -> bool:
        if (self.wait_s and self.probing) or self.in_flight >= self.limit:
            return False
        if self.requests is None and self.tokens is None:
            return self.open_until <= now and self.paused_until <= now
        return self.ready_at(now) <= now

    def shut(self, now: float) -> bool:
        """It has refused everything from the first: the key, the model or the address is wrong."""
        return bool(self.refusal) and not self.answered and self.open_until > now

    def succeeded(self, now: float) -> None:
        self.answered += 1
        self.refusals = self.rejections = self.contradictions = 0
        self.alive()
        if now - self.shrunk_at > HOLD_S:
            self.limit = min(float(self.share), self.limit + GROWTH)

    def alive(self) -> None:
        """It answers, whatever it says: the breaker closes."""
        self.failures = self.limited = 0
        self.wait_s = self.open_until = 0.0
        self.refusal = self.last_error = ""

    def failed(self, now: float, error: str, probe: bool = False) -> None:
        """The endpoint did not do its work: hold the limit, count towards the breaker."""
        self.last_error = error
        self.failures += 1
        if probe or (self.wait_s == 0 and self.failures >= self.breaker_failures):
            if not self.wait_s:
                logger.warning("endpoint %s does not answer and is asked again from time to time: %s", self.url, error)
            self._open(now)

    def rate_limited(self, now: float, sent_at: float, retry_after: float | None, words: str) -> None:
        """It is alive but full: shrink once for each round trip, and honour what it asks for."""
        self.last_error = words
        self.failures = self.refusals = 0
        self.wait_s = self.open_until = 0.0
        self.refusal = ""
        if sent_at > self.shrunk_at:
            self.limit = max(1.0, self.limit * SHRINK)
            self.shrunk_at = now
            self.limited += 1
            if retry_after is None and self.limited >= PATIENCE and self.limit == 1.0:
                retry_after = min(8.0, 0.1 * 2.0 ** (self.limited - PATIENCE))
        self.pause(now, retry_after)

    def pause(self, now: float, retry_after: float | None) -> None:
        """Wait as long as the server asks, two minutes at most; then one request finds out."""
        if not retry_after:
            return
        pause_s = min(retry_after, LONGEST_PAUSE_S)
        self.paused_until = max(self.paused_until, now + pause_s)
        if pause_s >= PROBE_AFTER_PAUSE_S:
            self.wait_s = self.wait_s or self.breaker_wait_s

    def refused(self, now: float, error: str, *, probe: bool, certain: bool = False) -> None:
        """It answers but will not serve this request, or none (key, model, path): only a row of them says which."""
        self.last_error = error
        self.refusals += 1
        if probe or certain or self.refusals >= (REFUSALS if self.answered else REFUSALS - 1):
            if not self.refusal:
                logger.warning("endpoint %s is left out for a while: %s", self.url, error)
            self.refusal = error
            self._open(now)

    def rejected(self, now: float, error: str, *, probe: bool) -> None:
        """It calls the request bad: it is alive, unless it was taken out for just that."""
        self.rejections += 1
        if self.refusal and probe:
            self.last_error = error
            self._open(now)
        elif not self.refusal:
            self.alive()

    def contradicted(self, now: float, error: str) -> None:
        """Another endpoint answered what this one called a bad request."""
        self.contradictions += 1
        if self.contradictions >= CONTRADICTIONS and not self.refusal:
            self.refusal = self.last_error = f"it refuses what other endpoints answer: {error}"
            logger.warning("endpoint %s is left out: %s", self.url, self.refusal)
            self._open(now)

    def _open(self, now: float) -> None:
        self.wait_s = min(self.wait_s * 2 or self.breaker_wait_s, self.breaker_wait_max_s)
        self.open_until = now + self.wait_s * random.uniform(0.8, 1.2)
