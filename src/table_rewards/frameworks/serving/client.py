"""``service=``: a reward whose work is done elsewhere, with the same numbers, keys and signature."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary, ref

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.forking import renew_after_fork
from table_rewards.core.options import positive, positive_whole
from table_rewards.core.reward import Reward
from table_rewards.core.rows import plain
from table_rewards.core.scores import Judgement, Scores
from table_rewards.frameworks.serving.connections import Told, check_address, exchange
from table_rewards.frameworks.serving.forms import BadRequest, scores_of
from table_rewards.frameworks.serving.merging import Merger

DEADLINE_S: Final = 120.0
START_S: Final = 30.0
WAIT_S: Final = 0.25
MAX_WAIT_S: Final = 5.0
AT_ONCE: Final = 512
SHARDS_AT_ONCE: Final = 32
ON_THE_WAY: Final = 8
"""Requests of a process on the way, beyond which small ones wait and are merged."""

BATCH: Final = 256
MAX_BYTES: Final = 16 << 20
NEVER: Final = -1.0
AGAIN: Final = frozenset({408, 425, 429, 460, 499}) | frozenset(range(500, 600)) - {501, 505}
TOO_LARGE: Final = 413
KEPT: Final = 1_000_000
"""Characters at each end of a completion that are sent where the whole of it is refused as too large; if these are
refused too, a quarter, down to ``LEAST_KEPT``."""

LEAST_KEPT: Final = 1_000
ONE_OF_THEM: Final = frozenset({400, 413, 422})
"""Statuses of a request that is refused for what it holds, which may be one sample among others."""

TOO_SLOW: Final = frozenset({408, 504, 524})
"""Statuses of a request that came or was answered too slowly for somebody's patience; there is no time for a second."""

BROKEN: Final = 500
"""Of a service that fails; if it does so again, one of the samples may be why."""

MAYBE_TOO_LARGE: Final = 1 << 16
"""Bytes of a request beyond which a connection that breaks without a reply may be the answer to its size."""

TOKEN_ENV: Final = "TABLE_REWARDS_SERVICE_TOKEN"


class Sent(NamedTuple):
    """A reference that is sent as it is."""

    value: Any


class Late(NamedTuple):
    """A sample that the service had no scores for until the deadline, and why."""

    note: str


class Lost(NamedTuple):
    """Why a request brought no scores.

    Attributes:
        why: in words.
        wait: seconds to wait before the next attempt; None as usual, NEVER for no other attempt.
        halve: so many failures after which smaller requests are tried; 0 for never.
        too_large: the request is, by its size alone.
    """

    why: str
    wait: float | None = None
    halve: int = 0
    too_large: bool = False


@dataclass
class Piece:
    """Samples of a batch that go in one request.

    Attributes:
        numbers: of the samples in the batch.
        pairs: completions and rows.
        kept: characters at each end of a completion that the next shortening keeps.
        attempt: requests so far.
        failures: those that might have succeeded in smaller requests.
        why: the last one brought no scores.
    """

    numbers: Sequence[int]
    pairs: Sequence[tuple[Any, Any]]
    kept: int = KEPT
    attempt: int = 0
    failures: int = 0
    why: str = ""

    def halves(self) -> list[Piece]:
        middle = len(self.numbers) // 2
        cuts = (slice(None, middle), slice(middle, None))
        return [replace(self, numbers=self.numbers[cut], pairs=self.pairs[cut]) for cut in cuts]


class ServiceReward(Reward[Any]):
    """A reward behind a service: looks like ``reward``, computes nothing itself.

    A service that is down, refuses or breaks off is asked again, with growing pauses and as its ``Retry-After`` says,
    until the deadline; then the batch is unscored, never 0. A large batch is sent in several requests at once, so that
    all replicas work on it, and a sample that the service cannot take costs no other sample its score.

    Args:
        reward: the reward with the options that the service must have; it says parts, headline and signature.
        service: ``http://HOST:PORT/NAME`` of ``table-rewards serve``, or ``ray://APPLICATION/NAME`` inside the
            cluster that runs it.
        deadline_s: seconds after which a batch is unscored.
        batch: samples in one request at most. Rewards that judge completions of a prompt together get a batch whole.

    Raises:
        ConfigurationError: the address is neither, the service does not answer within 30 seconds, or its signature is
            another.
    """

    name = "service"
    reference_type = Sent
    waits = True

    def __init__(
        self, reward: Reward[Any], service: str, *, deadline_s: float = DEADLINE_S, batch: int = BATCH
    ) -> None:
        super().__init__(profile=reward.profile)
        self.reward = reward
        self.service = service.rstrip("/")
        self.deadline_s = positive("service_deadline_s", deadline_s)
        self.batch = positive_whole("service_batch", batch)
        self.name = reward.name  # type: ignore[misc]
        self.floor = reward.floor  # type: ignore[misc]
        self.deduplicates = reward.deduplicates  # type: ignore[misc]
        self.accuracy_range = reward.accuracy_range
        self.reference_keys = reward.reference_keys  # type: ignore[misc]
        self.parts, self.headline, self.accuracy = reward.parts, reward.headline, reward.accuracy
        if not self.service.startswith("ray://"):
            check_address(self.service)
        self._compare_signatures()

    def options(self) -> dict[str, object]:
        return self.reward.options()

    @property
    def signature(self) -> str:
        return self.reward.signature

    def reference(self, row: Mapping[str, Any]) -> Any:
        return self.reward.reference(row)

    def natural(self, value: Any) -> Any:
        return self.reward.natural(value)

    def judge(self, completion: str, reference: Any, step: int | None) -> Judgement:
        return self.judge_pairs([completion], [reference], step)[0]

    def read_reference(self, reference: Any) -> Any:
        """The reference as it is: the service reads it."""
        return Sent(reference)

    def may_wait(self, reference: Any) -> bool:
        return True

    def judge_pairs(self, completions: Sequence[str], references: Sequence[Any], step: int | None) -> list[Judgement]:
        deadline = time.monotonic() + self.deadline_s
        samples, judged = _encoded(completions, [reference.value for reference in references], self.unscored)
        if self.service.startswith("ray://"):
            samples = {number: (completions[number], plain(references[number].value)) for number in samples}
        shards = self._shards(samples)
        # What computes and judges samples alone may share requests; what waits would wait for strangers.
        together = self.deduplicates and not self.reward.waits

        def ask(shard: list[int]) -> list[Judgement]:
            pairs = [samples[number] for number in shard]
            if not together or len(pairs) >= self.batch:
                return list(map(self._judgement, self._scored(pairs, step, deadline)))
            found = _merger(self)(pairs, step, deadline)
            while time.monotonic() + MAX_WAIT_S < deadline:  # another call's deadline, which it went along with
                late = [place for place, one in enumerate(found) if isinstance(one, Late)]
                if not late:
                    break
                again = _merger(self)([pairs[place] for place in late], step, deadline)
                for place, one in zip(late, again, strict=True):
                    found[place] = one
            return list(map(self._judgement, found))

        found = map(ask, shards) if len(shards) < 2 else _shard_threads().map(ask, shards)
        for shard, scored in zip(shards, found, strict=True):
            judged.update(zip(shard, scored, strict=True))
        return [judged[number] for number in range(len(completions))]

    async def judge_pairs_async(
        self, completions: Sequence[str], references: Sequence[Any], step: int | None
    ) -> list[Judgement]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads(), lambda: self.judge_pairs(completions, references, step))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _shards(self, samples: Mapping[int, tuple[Any, Any]]) -> list[list[int]]:
        """The samples of each request."""
        if not self.deduplicates:  # judged together: the batch stays whole
            return [list(samples)] if samples else []
        shards: list[list[int]] = []
        size = 0
        for number, pair in samples.items():
            own = sum(len(one) for one in pair if isinstance(one, str))
            if not shards or len(shards[-1]) >= self.batch or size + own > MAX_BYTES:
                shards.append([])
                size = 0
            shards[-1].append(number)
            size += own
        return shards

    def _judgement(self, found: Judgement | Late) -> Judgement:
        return self.unscored(found.note) if isinstance(found, Late) else found

    def _scored(self, pairs: Sequence[tuple[Any, Any]], step: int | None, deadline: float) -> list[Judgement | Late]:
        """The judgements of one request, which is asked again until the deadline, in smaller pieces where these help.

        What waits for its next attempt keeps no other piece waiting.
        """
        found: dict[int, Judgement | Late] = {}
        turns = itertools.count()
        waiting = [(0.0, next(turns), Piece(range(len(pairs)), pairs))]
        while waiting:
            due, _, piece = heapq.heappop(waiting)
            time.sleep(max(0.0, due - time.monotonic()))
            if piece.attempt and time.monotonic() >= deadline:
                found.update(dict.fromkeys(piece.numbers, Late(self._note(piece))))
                continue
            outcome = self._once(piece.pairs, step, deadline)
            if isinstance(outcome, Scores):
                for number, (value, parts, status, note) in zip(piece.numbers, outcome, strict=True):
                    found[number] = Judgement(value, tuple(parts.values()), status, note)
                continue
            piece.attempt, piece.why = piece.attempt + 1, outcome.why
            piece.failures += outcome.halve > 0
            now = time.monotonic()
            if self.deduplicates and 0 < outcome.halve <= piece.failures and len(piece.numbers) > 1 and now < deadline:
                for half in piece.halves():
                    heapq.heappush(waiting, (now, next(turns), half))
                continue
            if outcome.too_large and len(piece.numbers) == 1 and now < deadline:
                shorter, piece.kept = _ends(piece.pairs[0], piece.kept)
                if shorter is not None:
                    piece.pairs = [shorter]
                    heapq.heappush(waiting, (now, next(turns), piece))
                    continue
            pause = outcome.wait
            if pause is None:
                pause = min(MAX_WAIT_S, WAIT_S * 2 ** min(piece.attempt, 6)) * random.uniform(0.5, 1.0)
            if pause == NEVER:
                found.update(dict.fromkeys(piece.numbers, self.unscored(self._note(piece))))
            elif now + pause >= deadline:
                found.update(dict.fromkeys(piece.numbers, Late(self._note(piece))))
            else:
                heapq.heappush(waiting, (now + pause, next(turns), piece))
        return [found[number] for number in range(len(pairs))]

    def _note(self, piece: Piece) -> str:
        return f"service {self.service}: {piece.why}, {piece.attempt} attempts"[:300]

    def _once(self, pairs: Sequence[tuple[Any, Any]], step: int | None, deadline: float) -> Scores | Lost:
        try:
            told = self._ask(pairs, step, max(1.0, deadline - time.monotonic()))
            if isinstance(told, Lost):
                return told
            computed = told.get("signature", self.signature) if isinstance(told, dict) else self.signature
            if computed != self.signature:  # it was started anew with other options, or is another version
                return Lost(f"it computes {computed} now", NEVER)
            found = scores_of(told, self.parts)
        except OSError as error:
            broke = isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)
            size = sum(len(text) for pair in pairs for text in pair if isinstance(text, str))
            why = f"{type(error).__name__} {error}".strip()
            return Lost(why, halve=2 if broke and size > MAYBE_TOO_LARGE else 0)
        except (BadRequest, ValueError, TypeError, RecursionError) as error:
            return Lost(f"a reply that cannot be read: {error}", NEVER)
        if len(found) != len(pairs):
            return Lost(f"{len(found)} scores for {len(pairs)} completions", NEVER)
        return found

    def _ask(self, pairs: Sequence[tuple[Any, Any]], step: int | None, timeout: float) -> Any:
        if self.service.startswith("ray://"):
            return _ask_handle(self.service, [one for one, _ in pairs], [row for _, row in pairs], step, timeout)
        completions, rows = (",".join(column) for column in zip(*pairs, strict=True))
        body = f'{{"completions":[{completions}],"rows":[{rows}],"step":{json.dumps(step)}}}'
        told = exchange(f"{self.service}/score", body.encode("ascii"), _headers(), timeout)
        if told.status == 200:
            try:
                return json.loads(told.body)
            except (ValueError, RecursionError):  # a proxy's page, or half a reply whose length nobody told
                return Lost("HTTP 200 and a body that is not JSON")
        wait = _retry_after(told.headers) if told.status in AGAIN else NEVER
        why = f"HTTP {told.status} {_said(told)}".strip()
        halve = 1 if told.status in ONE_OF_THEM | TOO_SLOW else 2 if told.status == BROKEN else 0
        return Lost(why, wait, halve, told.status == TOO_LARGE)

    def _compare_signatures(self) -> None:
        theirs = self._their_signature()
        if theirs != self.signature:
            raise ConfigurationError(
                f"the service {self.service} computes {theirs}, this run asks for {self.signature}; give both the same "
                "reward, options and version"
            )

    def _their_signature(self) -> str:
        deadline = time.monotonic() + START_S
        while True:
            try:
                if self.service.startswith("ray://"):
                    return _signature_of_handle(self.service)
                told = exchange(f"{self.service}/signature", None, _headers(), 10.0)
                if told.status == 200:
                    return str(json.loads(told.body)["signature"])
                why = f"HTTP {told.status} {_said(told)}".strip()
                if told.status not in AGAIN:
                    raise ConfigurationError(f"the service {self.service} refuses: {why}")
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                if isinstance(error, ConfigurationError):
                    raise
                why = f"{type(error).__name__} {error}"
            if time.monotonic() > deadline:
                raise ConfigurationError(f"the service {self.service} does not answer: {why}")
            time.sleep(1.0)


def _encoded(
    completions: Iterable[str], rows: Iterable[Any], unscored: Any
) -> tuple[dict[int, tuple[Any, Any]], dict[int, Judgement]]:
    """Every pair as JSON texts, by number; and what the pairs get that cannot be sent."""
    samples: dict[int, tuple[Any, Any]] = {}
    lost: dict[int, Judgement] = {}
    encode = json.JSONEncoder(default=_refuse, separators=(",", ":")).encode
    for number, (completion, row) in enumerate(zip(completions, rows, strict=True)):
        try:
            samples[number] = encode(completion), _row_text(encode, plain(row))
        except (TypeError, ValueError, RecursionError) as error:
            lost[number] = unscored(f"the reference cannot be sent to a service: {error}"[:300])
    return samples, lost


def _ends(pair: tuple[Any, Any], kept: int) -> tuple[tuple[Any, Any] | None, int]:
    """The pair with the beginning and the end of its completion, and how much of each to keep the next time.

    How much a policy writes must not leave it unscored. None where the completion is short: the row is too large.
    """
    text = json.loads(pair[0])
    while kept >= LEAST_KEPT:
        if len(text) > 2 * kept:
            return (json.dumps(f"{text[:kept]}\n\n{text[-kept:]}"), pair[1]), kept // 4
        kept //= 4
    return None, 0


def _row_text(encode: Callable[[Any], str], row: Any) -> str:
    """A row as JSON, without its images and other bytes, which no reward reads and JSON does not know."""
    try:
        return encode(row)
    except TypeError:
        if not isinstance(row, dict):
            raise
        return encode({key: value for key, value in row.items() if not _holds_bytes(value)})


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return any(map(_holds_bytes, value)) if isinstance(value, list) else isinstance(value, (bytes, bytearray))


def _refuse(value: Any) -> Any:
    raise TypeError(f"a value of type {type(value).__name__}; give text, numbers, lists or mappings")


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    token = os.environ.get(TOKEN_ENV)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _handle(service: str) -> Any:
    try:
        from ray import serve
    except ImportError as error:
        raise ConfigurationError(f"{service} needs Ray Serve: pip install 'table-rewards[ray]' ({error})") from None
    application, _, deployment = service.removeprefix("ray://").partition("/")
    if not deployment:
        raise ConfigurationError(f"{service} must be ray://APPLICATION/NAME")
    return serve.get_deployment_handle(deployment, application)


def _signature_of_handle(service: str) -> str:
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        return str(_handle(service).signature.remote().result(timeout_s=10.0))
    except (RayError, RayServeException, RuntimeError) as error:
        raise ConnectionError(f"{type(error).__name__} {error}"[:200]) from None


def _ask_handle(service: str, completions: list[Any], rows: list[Any], step: int | None, timeout: float) -> Any:
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        answer = _handle(service).score.remote((completions, rows, step)).result(timeout_s=timeout)
    except (RayError, RayServeException, RuntimeError) as error:
        raise ConnectionError(f"{type(error).__name__}") from None
    return {
        "values": answer.values,
        "parts": answer.parts,
        "status": answer.status,
        "notes": answer.notes,
        "signature": answer.signature,
    }


def _said(told: Told) -> str:
    if 300 <= told.status < 400:
        return f"it redirects to {told.headers.get('location', 'another address')[:200]}; write that address"
    try:
        return str(json.loads(told.body[:4096])["error"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return min(MAX_WAIT_S, float(text)) if text.isascii() and text.isdigit() else None


_mergers: WeakKeyDictionary[ServiceReward, Merger[tuple[Any, Any], Judgement | Late]] = WeakKeyDictionary()
_pools: dict[str, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def _merger(asked: ServiceReward) -> Merger[tuple[Any, Any], Judgement | Late]:
    """Kept outside of the reward, which holds nothing that cannot be pickled, and does not hold it."""
    with _lock:
        if asked not in _mergers:
            held = ref(asked)

            def run(pairs: Sequence[tuple[Any, Any]], step: Any, deadline: float) -> list[Judgement | Late]:
                reward = held()
                assert reward is not None  # its caller is in one of its methods
                return reward._scored(pairs, step, deadline)

            _mergers[asked] = Merger(run, size=asked.batch, at_once=ON_THE_WAY)
        return _mergers[asked]


def _threads() -> ThreadPoolExecutor:
    """Threads for calls of an event loop: the loop's own are few."""
    return _pool("table-rewards-service", AT_ONCE)


def _shard_threads() -> ThreadPoolExecutor:
    """Threads for the requests of large batches; of their own, since a call waits for them."""
    return _pool("table-rewards-shards", SHARDS_AT_ONCE)


def _pool(name: str, threads: int) -> ThreadPoolExecutor:
    with _lock:
        if name not in _pools:
            _pools[name] = ThreadPoolExecutor(threads, thread_name_prefix=name)
        return _pools[name]


def _forget() -> None:
    global _lock, _mergers, _pools
    _lock, _mergers, _pools = threading.Lock(), WeakKeyDictionary(), {}


renew_after_fork(_forget)
