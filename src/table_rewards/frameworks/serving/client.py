"""``service=``: a reward whose work is done elsewhere, with the same numbers, keys and signature."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.forking import renew_after_fork
from table_rewards.core.options import positive
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement, Scores
from table_rewards.frameworks.serving.forms import BadRequest, request_body, scores_of

DEADLINE_S: Final = 120.0
START_S: Final = 30.0
WAIT_S: Final = 0.25
MAX_WAIT_S: Final = 5.0
AT_ONCE: Final = 512
NEVER: Final = -1.0
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
TOKEN_ENV: Final = "TABLE_REWARDS_SERVICE_TOKEN"


class Sent(NamedTuple):
    """A reference that is sent as it is."""

    value: Any


class ServiceReward(Reward[Any]):
    """A reward behind a service: looks like ``reward``, computes nothing itself.

    A service that is down, refuses or breaks off is asked again, with growing pauses and as its ``Retry-After`` says,
    until the deadline; then the batch is unscored, never 0.

    Args:
        reward: the reward with the options that the service must have; it says parts, headline and signature.
        service: ``http://HOST:PORT/NAME`` of ``table-rewards serve``, or ``ray://APPLICATION/NAME`` inside the
            cluster that runs it.
        deadline_s: seconds after which a batch is unscored.

    Raises:
        ConfigurationError: the address is neither, the service does not answer within 30 seconds, or its signature is
            another.
    """

    name = "service"
    reference_type = Sent
    waits = True

    def __init__(self, reward: Reward[Any], service: str, *, deadline_s: float = DEADLINE_S) -> None:
        super().__init__(profile=reward.profile)
        self.reward = reward
        self.service = service.rstrip("/")
        self.deadline_s = positive("service_deadline_s", deadline_s)
        self.name = reward.name  # type: ignore[misc]
        self.floor = reward.floor  # type: ignore[misc]
        self.deduplicates = reward.deduplicates  # type: ignore[misc]
        self.accuracy_range = reward.accuracy_range
        self.reference_keys = reward.reference_keys  # type: ignore[misc]
        self.parts, self.headline, self.accuracy = reward.parts, reward.headline, reward.accuracy
        if not self.service.startswith(("http://", "https://", "ray://")):
            raise ConfigurationError(
                f"service must be http://HOST:PORT/NAME or ray://APPLICATION/NAME, not {service!r}"
            )
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
        body = request_body(completions, [reference.value for reference in references], step)
        attempt = 0
        while True:
            outcome = self._once(body, deadline)
            if isinstance(outcome, Scores):
                return [Judgement(value, tuple(parts.values()), status, note) for value, parts, status, note in outcome]
            why, wait = outcome
            attempt += 1
            pause = min(MAX_WAIT_S, WAIT_S * 2 ** min(attempt, 6)) * random.uniform(0.5, 1.0) if wait is None else wait
            if wait == NEVER or time.monotonic() + pause >= deadline:
                note = f"service {self.service}: {why}, {attempt} attempts"
                return [self.unscored(note[:300])] * len(completions)
            time.sleep(pause)

    async def judge_pairs_async(
        self, completions: Sequence[str], references: Sequence[Any], step: int | None
    ) -> list[Judgement]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads(), lambda: self.judge_pairs(completions, references, step))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _once(self, body: Mapping[str, Any], deadline: float) -> Scores | tuple[str, float | None]:
        """The scores, or what went wrong and how long to wait: None as usual, NEVER for never again."""
        try:
            told = self._ask(body, max(1.0, deadline - time.monotonic()))
            found = scores_of(told, self.parts)
        except urllib.error.HTTPError as error:
            with error:
                what = f"HTTP {error.code} {_said(error)}".strip()
                return what, _retry_after(error.headers) if error.code in AGAIN else NEVER
        except (OSError, TimeoutError) as error:
            return f"{type(error).__name__} {getattr(error, 'reason', '') or error}".strip(), None
        except (BadRequest, ValueError) as error:
            return str(error), NEVER
        if len(found) != len(body["completions"]):
            return f"{len(found)} scores for {len(body['completions'])} completions", NEVER
        return found

    def _ask(self, body: Mapping[str, Any], timeout: float) -> Any:
        if self.service.startswith("ray://"):
            return _ask_handle(self.service, body, timeout)
        return _http(f"{self.service}/score", json.dumps(body, default=_refuse).encode("utf-8", "replace"), timeout)

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
                    return str(_handle(self.service).signature.remote().result(timeout_s=START_S))
                return str(_http(f"{self.service}/signature", None, 10.0)["signature"])
            except urllib.error.HTTPError as error:
                with error:
                    why = f"HTTP {error.code} {_said(error)}".strip()
                if error.code not in AGAIN:
                    raise ConfigurationError(f"the service {self.service} refuses: {why}") from None
            except (OSError, TimeoutError, ValueError, KeyError) as error:
                why = f"{type(error).__name__} {error}"
            if time.monotonic() > deadline:
                raise ConfigurationError(f"the service {self.service} does not answer: {why}")
            time.sleep(1.0)


def _refuse(value: Any) -> Any:
    raise BadReference(f"a reference of type {type(value).__name__} cannot be sent to a service; give rows or values")


def _http(address: str, body: bytes | None, timeout: float) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    token = os.environ.get(TOKEN_ENV)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(address, body, headers, method="GET" if body is None else "POST")
    with _opener.open(request, timeout=timeout) as response:
        return json.loads(response.read())


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a service is not asked through a web proxy


def _handle(service: str) -> Any:
    try:
        from ray import serve
    except ImportError as error:
        raise ConfigurationError(f"{service} needs Ray Serve: pip install 'table-rewards[ray]' ({error})") from None
    application, _, deployment = service.removeprefix("ray://").partition("/")
    if not deployment:
        raise ConfigurationError(f"{service} must be ray://APPLICATION/NAME")
    return serve.get_deployment_handle(deployment, application)


def _ask_handle(service: str, body: Mapping[str, Any], timeout: float) -> Any:
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    work = (body["completions"], body["rows"], body["step"], ())
    try:
        answer = _handle(service).score.remote(work).result(timeout_s=timeout)
    except (RayError, RayServeException) as error:
        raise ConnectionError(f"{type(error).__name__}") from None
    return {
        "values": answer.values,
        "parts": answer.parts,
        "status": answer.status,
        "notes": answer.notes,
        "signature": answer.signature,
    }


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4096))["error"])[:200]
    except (ValueError, KeyError, TypeError, OSError):
        return ""


def _retry_after(headers: Any) -> float | None:
    text = headers.get("Retry-After", "") if headers else ""
    return min(MAX_WAIT_S, float(text)) if text.isdigit() else None


_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    """Threads for requests that wait: the event loop's own are few."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="table-rewards-service")
        return _pool


def _forget() -> None:
    global _lock, _pool
    _lock, _pool = threading.Lock(), None


renew_after_fork(_forget)
