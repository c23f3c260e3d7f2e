"""The Ray Serve application: a front that speaks HTTP, and a scaling deployment for each reward behind it.

The front listens itself, so that a request crosses one process less than through Serve's proxies; it checks size and
token and passes the body on as it came, since reading JSON is work that scales with the replicas. A replica that dies
while it works is no wrong score: the front asks another one, and refuses with 503 when none answers. Ray is imported
here and in the client, and nowhere else in this package.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from table_rewards.core.cpus import CPUS
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.scores import Scores
from table_rewards.frameworks.ray_cluster import join_cluster
from table_rewards.frameworks.serving.forms import Answer, Batch
from table_rewards.frameworks.serving.front import Front, Reply
from table_rewards.frameworks.serving.listening import Listener, bound, bound_soon
from table_rewards.frameworks.serving.scoring import Scoring, told
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings
from table_rewards.llm.settings import WORKERS

ATTEMPTS: Final = 4
SCALING: Final = {"upscale_delay_s": 1.0, "downscale_delay_s": 30.0}
"""How long more or less load must last before replicas come or go."""

PIECE: Final = 90_000
"""Ray carries arguments below 100 kB in the call itself; larger ones take a detour through its object store."""

logger = logging.getLogger("table_rewards.serving")


class Scorer(Scoring):
    """A replica: one reward, fed with the requests of many clients.

    A request that finds the replica idle is scored at once; those that come while it works are the next batch.
    """

    def __init__(self, service: RewardService) -> None:
        from ray import serve
        from ray.util import metrics

        os.environ.setdefault(CPUS, str(max(1, int(service.cpus))))
        os.environ.setdefault(WORKERS, str(service.max_replicas))
        super().__init__(service.reward, service.options, gathers=service.gathers)
        self._samples = metrics.Counter("table_rewards_samples", "Samples scored.", tag_keys=("reward", "status"))
        self._batches = metrics.Histogram(
            "table_rewards_batch_samples", "Samples scored together.", boundaries=[1, 8, 64, 512], tag_keys=("reward",)
        )
        self._tags = {"reward": service.name}
        self._running = 0
        # Serve forms a batch while the one before it still runs, so without some wait every request would be its own.
        self._merged = serve.batch(max_batch_size=service.batch_requests, batch_wait_timeout_s=service.batch_wait_s)(
            self._run
        )
        if not self.alone and service.batch_requests > 1:
            self.score_one = self._score_batched

    async def answer(self, form: str, *pieces: bytes) -> tuple[int, bytes]:
        """Answer one request, whose body comes in pieces."""
        return await super().answer(form, b"".join(pieces))

    async def score(self, work: tuple[list[Any], list[Any], int | None]) -> Answer:
        """Score completions, rows and step, for handles within the cluster."""
        return await self.score_one(Batch(*work))

    def signature(self) -> str:
        """The reward's signature; answers once the replica is ready."""
        return self.reward.signature

    def check_health(self) -> None:
        """Ray Serve asks; a replica that answers is well."""

    def counted(self, scores: Scores) -> None:
        """Count for Ray's metrics."""
        for status, count in scores.counts.items():
            if count:
                self._samples.inc(count, tags={**self._tags, "status": status})
        self._batches.observe(len(scores), tags=self._tags)

    async def _score_batched(self, batch: Batch) -> Answer:
        if not self._running:
            return (await self._run([batch]))[0]
        answer: Answer = await self._merged(batch)
        return answer

    async def _run(self, batches: list[Batch]) -> list[Answer]:
        self._running += 1
        try:
            return await self.score_together(batches)
        finally:
            self._running -= 1


class Replicas:
    """The replicas of one reward, as the front asks them.

    Args:
        service: the reward.
        handle: of its deployment.
        timeout_s: seconds after which a request is given up.
    """

    def __init__(self, service: RewardService, handle: Any, timeout_s: float) -> None:
        self.service, self.handle, self.timeout_s = service, handle, timeout_s

    async def answer(self, form: str, body: bytes) -> Reply:
        """The answer of a replica, or why there is none now; a replica that went away hands its work to another."""
        from ray.exceptions import RayActorError, RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
        name, why = self.service.name, ""
        try:
            for attempt in range(ATTEMPTS):
                try:
                    found: Reply = await asyncio.wait_for(self.handle.answer.remote(form, *pieces), self.timeout_s)
                    return found
                except BackPressureError:
                    return 503, told(
                        {"error": f"{name} is busy: {self.service.max_queued_requests} requests wait already"}
                    )
                except (RayActorError, RayServeException) as error:
                    why = f"{name}: {type(error).__name__}"
                    await asyncio.sleep(0.05 * 2**attempt)
        except asyncio.TimeoutError:
            return 504, told({"error": f"{name} did not answer within {self.timeout_s:g} s"})
        except RayError as error:
            logger.exception("a replica of %s failed", name)
            why = f"{name}: {type(error).__name__}"
        return 503, told({"error": why})

    async def signature(self) -> str:
        """The reward's signature, told by a replica."""
        return str(await self.handle.signature.remote())


class FrontDesk:
    """The deployment that listens: a :class:`~table_rewards.frameworks.serving.front.Front` and its server."""

    async def __init__(  # type: ignore[misc]  # Ray Serve awaits it
        self, settings: ServiceSettings, scorers: Mapping[str, Any], token: str, expected: Mapping[str, str]
    ) -> None:
        from ray.util import metrics

        self._requests = metrics.Counter(
            "table_rewards_requests", "HTTP requests answered.", tag_keys=("reward", "form", "status")
        )
        self._seconds = metrics.Histogram(
            "table_rewards_request_seconds",
            "Seconds from a request's head to its answer.",
            boundaries=[0.005, 0.02, 0.1, 0.5, 2, 10, 60],
            tag_keys=("reward", "form"),
        )
        workers = {one.name: Replicas(one, scorers[one.name], settings.request_timeout_s) for one in settings.rewards}
        listening = await bound_soon(settings.host, settings.port)
        front = Front(settings, workers, token, self._seen, expected)
        self._listener = Listener(front, listening, settings.shutdown_s)

    async def drain(self) -> None:
        """Take no more requests; return when those in flight are answered."""
        await self._listener.close()

    def check_health(self) -> None:
        """Ray Serve asks, and puts another front in the place of one that does not listen."""
        if not self._listener.alive:
            raise RuntimeError("the HTTP server has ended")

    def _seen(self, reward: str, form: str, status: int, seconds: float) -> None:
        self._requests.inc(tags={"reward": reward, "form": form, "status": str(status)})
        self._seconds.observe(seconds, tags={"reward": reward, "form": form})


def application(settings: ServiceSettings) -> Any:
    """Build the Ray Serve application of a service, ready for ``serve.run``.

    The token is read here, in the process that starts the service: the nodes of a cluster have other environments.
    """
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
                    **SCALING,
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
        FrontDesk,
        name=FRONT,
        num_replicas=1,
        max_ongoing_requests=16,
        health_check_period_s=2.0,  # while it is away nobody is answered
        graceful_shutdown_timeout_s=settings.shutdown_s,
        ray_actor_options={"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}},
    )
    token = os.environ.get(settings.token_env, "") if settings.token_env else ""
    return front.bind(settings, scorers, token, {one.name: one.signature() for one in settings.rewards})


FRONT: Final = "front"


def start(settings: ServiceSettings, address: str | None = None) -> None:
    """Start or join a Ray cluster and run the service there; returns when every reward is ready.

    The service listens on the head node of the cluster. Other applications of Ray Serve there are left alone.

    Args:
        settings: the service.
        address: of a cluster; None starts one on this machine, or joins the one that this process has joined.

    Raises:
        ConfigurationError: ray is not installed, no cluster answers at the address, the port is taken, or the service
            does not start, with Ray's reason.
    """
    serve = _ray_serve(address)
    serve.start(proxy_location="Disabled")
    there = serve.status().applications
    if settings.application not in there:
        _check_port(settings)
    try:
        serve.run(application(settings), name=settings.application, route_prefix=None, blocking=False)
    except RuntimeError as error:
        if settings.application not in there:
            serve.delete(settings.application)
        raise ConfigurationError(f"the service did not start: {error}") from None


def stop(settings: ServiceSettings) -> None:
    """Take the service down; requests in flight finish first."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        front = serve.get_deployment_handle(FRONT, settings.application)
        front.drain.remote().result(timeout_s=settings.shutdown_s + 5.0)
    except (RayError, RayServeException, TimeoutError) as error:
        logger.warning("the front did not close by itself: %s", type(error).__name__)
    serve.delete(settings.application)
    if not serve.status().applications:
        serve.shutdown()


def metrics_addresses() -> list[str]:
    """Where each node of the cluster tells its metrics, in Prometheus' form; the service's begin with ``ray_``."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"] and node.get("MetricsExportPort")]
    return [f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics" for node in nodes]


def _check_port(settings: ServiceSettings) -> None:
    try:
        bound(settings.host, settings.port).close()
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise ConfigurationError(
                f"port {settings.port} of {settings.host} cannot be used: {error.strerror}; name another --port"
            ) from None


def _ray_serve(address: str | None) -> Any:
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise ConfigurationError(f"a service needs Ray Serve: pip install 'table-rewards[ray]' ({error})") from None
    if not ray.is_initialized():
        join_cluster(ray, address)
    return serve
