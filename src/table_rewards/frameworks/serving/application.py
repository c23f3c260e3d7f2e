"""The Ray Serve application: a front that speaks HTTP, and a scaling deployment for each reward behind it.

The front reads a request, checks its size and token, and passes the batch to the reward's deployment. A replica that
dies while it works is no wrong score: the front asks another one, and refuses with 503 when none answers. Ray is
imported here and nowhere else in this package.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.registry import create
from table_rewards.core.scores import Scores
from table_rewards.frameworks.serving.forms import FORMS, Answer, BadRequest, Batch, read_request, reply
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings
from table_rewards.frameworks.unscored import UnscoredPolicy

RETRY_AFTER_S: Final = 1
ATTEMPTS: Final = 4

logger = logging.getLogger("table_rewards.serving")

Work = tuple[list[Any], list[Any], int | None, tuple[Any, ...]]


class Scorer:
    """A replica: one reward, fed with the requests of many clients.

    Requests that come together are scored as one batch, so that a reference is parsed once for all of them. A reward
    that gathers groups gets each request alone, since its calls wait for each other.
    """

    def __init__(self, service: RewardService) -> None:
        from ray import serve
        from ray.util import metrics

        self.reward = create(service.reward, **dict(service.options))
        self.policy = UnscoredPolicy(ceiling=1.0)
        self.gathers = service.gathers
        tags = {"reward": service.name}
        self._samples = metrics.Counter("table_rewards_samples", "Samples scored.", tag_keys=("reward", "status"))
        self._batches = metrics.Histogram(
            "table_rewards_batch_samples", "Samples scored together.", boundaries=[1, 8, 64, 512], tag_keys=("reward",)
        )
        self._tags = tags
        self._together = serve.batch(
            max_batch_size=service.batch_requests, batch_wait_timeout_s=service.batch_wait_s, max_concurrent_batches=4
        )(self._score_together)

    async def score(self, work: Work) -> Answer:
        """Score one request."""
        if self.gathers:
            return (await self._score_together([work]))[0]
        answer: Answer = await self._together(work)
        return answer

    def signature(self) -> str:
        """The reward's signature; answers once the replica is ready."""
        return self.reward.signature

    def check_health(self) -> None:
        """Ray Serve asks; a replica that answers is well."""

    async def _score_together(self, works: list[Work]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        by_step: dict[int | None, list[int]] = {}
        for number, (_, _, step, _) in enumerate(works):
            by_step.setdefault(step, []).append(number)
        for step, numbers in by_step.items():
            completions = [text for number in numbers for text in works[number][0]]
            rows = [row for number in numbers for row in works[number][1]]
            try:
                scores = await self.reward.score(completions, rows, step=step)
            except ConfigurationError as error:  # one request's completions have no known shape: find it alone
                if len(numbers) > 1:
                    for number in numbers:
                        answers[number] = (await self._score_together([works[number]]))[0]
                    continue
                scores = self._unreadable(len(completions), str(error))
            start = 0
            for number in numbers:
                count = len(works[number][0])
                answers[number] = self._answer(scores.take(range(start, start + count)), works[number][3])
                start += count
            self._batches.observe(len(completions), tags=self._tags)
        return [answers[number] for number in range(len(works))]

    def _unreadable(self, count: int, note: str) -> Scores:
        return Scores.of([self.reward.unscored(note)] * count, self.reward.parts, self.reward.signature)

    def _answer(self, scores: Scores, prompts: tuple[Any, ...]) -> Answer:
        for status, count in scores.counts.items():
            if count:
                self._samples.inc(count, tags={**self._tags, "status": status})
        filled = self.policy.fill(scores, prompts)[:, 0].tolist() if prompts else ()
        return Answer.of(scores, self.reward.accuracy, filled)


class Front:
    """The HTTP side: ``POST /NAME/FORM``, ``GET /NAME/signature``, ``GET /health``, ``GET /ready``."""

    def __init__(self, settings: ServiceSettings, scorers: Mapping[str, Any]) -> None:
        self.settings = settings
        self.scorers = dict(scorers)
        self.token = os.environ.get(settings.token_env, "") if settings.token_env else ""
        self.limit = int(settings.max_request_mb * (1 << 20))

    async def __call__(self, request: Any) -> Any:
        """Answer one HTTP request (a starlette request)."""
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        words = [word for word in path.split("/") if word]
        if words in (["health"], ["ready"]) and request.method == "GET":
            return await self._health(ready=words == ["ready"])
        if self.token and not _allowed(request.headers.get("authorization", ""), self.token):
            return _json({"error": "no bearer token, or a wrong one"}, 401)
        if len(words) != 2 or words[0] not in self.scorers:
            there = f"rewards: {', '.join(self.scorers)}; forms: {', '.join(FORMS)}"
            return _json({"error": f"no such address; {there}"}, 404)
        name, form = words
        if form == "signature" and request.method == "GET":
            return await self._signature(name)
        if form not in FORMS:
            return _json({"error": f"unknown form {form!r}; known: {', '.join(FORMS)}, signature"}, 404)
        if request.method != "POST":
            return _json({"error": f"/{name}/{form} takes POST"}, 405)
        return await self._score(name, form, request)

    async def _score(self, name: str, form: str, request: Any) -> Any:
        try:
            body = await self._body(request)
            batch = read_request(form, json.loads(body))
        except _TooLarge:
            return _json({"error": f"the body is larger than {self.settings.max_request_mb:g} MiB"}, 413)
        except BadRequest as error:
            return _json({"error": str(error)}, 400)
        except (ValueError, RecursionError):
            return _json({"error": "the body is not JSON"}, 400)
        answer = await self._ask(name, batch)
        if isinstance(answer, str):
            return _json({"error": answer}, 503, {"Retry-After": str(RETRY_AFTER_S)})
        return _json(reply(form, batch, answer))

    async def _ask(self, name: str, batch: Batch) -> Answer | str:
        """The answer of a replica, or why there is none now."""
        from ray.exceptions import RayActorError, RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        work: Work = (batch.completions, batch.rows, batch.step, batch.prompts)
        why = ""
        for attempt in range(ATTEMPTS):
            try:
                answer: Answer = await self.scorers[name].score.remote(work)
                return answer
            except BackPressureError:
                return f"{name} is busy: {_queued(self.settings, name)} requests wait already"
            except (RayActorError, RayServeException) as error:  # a replica went away: another one takes the work
                why = f"{name}: {type(error).__name__}"
                await asyncio.sleep(0.05 * 2**attempt)
            except RayError as error:
                logger.exception("a replica of %s failed", name)
                return f"{name}: {type(error).__name__}"
        return why

    async def _body(self, request: Any) -> bytes:
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.limit:
            raise _TooLarge
        pieces, size = [], 0
        async for piece in request.stream():
            size += len(piece)
            if size > self.limit:
                raise _TooLarge
            pieces.append(piece)
        return b"".join(pieces)

    async def _signature(self, name: str) -> Any:
        from ray.exceptions import RayError

        try:
            return _json({"signature": await self.scorers[name].signature.remote()})
        except RayError as error:
            return _json({"error": f"{name}: {type(error).__name__}"}, 503, {"Retry-After": str(RETRY_AFTER_S)})

    async def _health(self, *, ready: bool) -> Any:
        if not ready:
            return _json({"status": "ok"})
        try:
            found = [self.scorers[name].signature.remote() for name in self.scorers]
            signatures = dict(zip(self.scorers, await asyncio.wait_for(asyncio.gather(*found), 10), strict=True))
        except Exception as error:
            return _json({"status": "not ready", "error": type(error).__name__}, 503)
        return _json({"status": "ready", "rewards": signatures})


class _TooLarge(Exception):
    pass


def application(settings: ServiceSettings) -> Any:
    """Build the Ray Serve application of a service, ready for ``serve.run``."""
    from ray import serve

    scorers = {}
    for one in settings.rewards:
        scaling: dict[str, Any] = {"num_replicas": one.min_replicas}
        if one.max_replicas > one.min_replicas:
            scaling = {
                "autoscaling_config": {
                    "min_replicas": one.min_replicas,
                    "max_replicas": one.max_replicas,
                    "target_ongoing_requests": one.target_ongoing_requests,
                    "upscale_delay_s": 1.0,
                    "downscale_delay_s": 30.0,
                }
            }
        deployment = serve.deployment(
            Scorer,
            name=one.name,
            # Calls that wait for the rest of their group use no CPU: all of them must get in.
            max_ongoing_requests=max(4096, one.max_ongoing_requests) if one.gathers else one.max_ongoing_requests,
            max_queued_requests=one.max_queued_requests,
            graceful_shutdown_timeout_s=settings.shutdown_s,
            ray_actor_options={"num_cpus": one.cpus},
            **scaling,
        )
        scorers[one.name] = deployment.bind(one)
    front = serve.deployment(
        Front,
        name="front",
        num_replicas=1,
        max_ongoing_requests=4096,
        graceful_shutdown_timeout_s=settings.shutdown_s,
        ray_actor_options={"num_cpus": 0},
    )
    return front.bind(settings, scorers)


def start(settings: ServiceSettings, address: str | None = None) -> None:
    """Start or join a Ray cluster and run the service there; returns when every reward is ready.

    Args:
        settings: the service.
        address: of a cluster; None starts one on this machine, or joins the one that this process has joined.

    Raises:
        ConfigurationError: ray is not installed, or no cluster answers at the address.
    """
    serve = _ray_serve(address)
    serve.start(http_options={"host": settings.host, "port": settings.port, "request_timeout_s": None})
    serve.run(application(settings), name=settings.application, route_prefix="/", blocking=False)


def stop(settings: ServiceSettings) -> None:
    """Take the service down; requests in flight finish first."""
    from ray import serve

    serve.delete(settings.application)
    serve.shutdown()


def _ray_serve(address: str | None) -> Any:
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise ConfigurationError(f"a service needs Ray Serve: pip install 'table-rewards[ray]' ({error})") from None
    if not ray.is_initialized():
        try:
            ray.init(address=address or "local", include_dashboard=False, log_to_driver=False, configure_logging=False)
        except (ConnectionError, ValueError) as error:
            raise ConfigurationError(f"no Ray cluster at {address}: {error}") from None
    return serve


def _allowed(header: str, token: str) -> bool:
    return hmac.compare_digest(header.encode("utf-8", "replace"), f"Bearer {token}".encode())


def _queued(settings: ServiceSettings, name: str) -> int:
    return next(one.max_queued_requests for one in settings.rewards if one.name == name)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
    from starlette.responses import Response

    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(content, status, dict(headers or {}), "application/json")
