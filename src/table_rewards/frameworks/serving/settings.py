"""Which rewards a service offers, with which options, on how many replicas: one TOML file, or the command line.

::

    [server]
    host = "127.0.0.1"
    port = 8100
    token_env = "REWARD_TOKEN"        # clients send it as a bearer token

    [rewards.teds]                    # the name in the address; `reward` names another one behind it
    options = { structure_only = true }
    min_replicas = 1
    max_replicas = 8

    [rewards.judge]
    reward = "group_judge"
    options = { endpoints = "http://127.0.0.1:8000/v1", group_size = 8 }
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.options import not_negative, positive, positive_whole
from table_rewards.core.registry import create, find

RESERVED: Final = frozenset({"health", "ready", "front"})
"""Names that a reward cannot have: addresses and the deployment of the service."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class RewardService:
    """One reward of the service.

    Attributes:
        name: the name in the address.
        reward: the registry name.
        options: of the reward.
        min_replicas, max_replicas: between which Ray Serve scales by load. A reward that gathers groups
            (``group_size``) has one replica, which sees all of a group.
        cpus: CPUs that a replica reserves.
        target_ongoing_requests: requests a replica at which another replica is added.
        max_ongoing_requests: requests that a replica works on at once.
        max_queued_requests: requests that wait beyond those; more are refused with 503.
        batch_requests: requests that are scored together at most.
        batch_wait_s: seconds that requests wait for company while another batch is scored; one that finds the replica
            idle never waits.
    """

    name: str
    reward: str
    options: Mapping[str, Any] = field(default_factory=dict)
    min_replicas: int = 1
    max_replicas: int = 1
    cpus: float = 1.0
    target_ongoing_requests: float = 8.0
    max_ongoing_requests: int = 64
    max_queued_requests: int = 256
    batch_requests: int = 32
    batch_wait_s: float = 0.005

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"a reward's name in the address is letters, digits, _ and -, not {self.name!r}")
        if not isinstance(self.options, Mapping):
            raise ConfigurationError(f"options of {self.name} must be a table, not {self.options!r}")
        for option in ("min_replicas", "max_replicas", "max_ongoing_requests", "max_queued_requests", "batch_requests"):
            positive_whole(f"{option} of {self.name}", getattr(self, option))
        positive(f"target_ongoing_requests of {self.name}", self.target_ongoing_requests)
        not_negative(f"cpus of {self.name}", self.cpus)
        not_negative(f"batch_wait_s of {self.name}", self.batch_wait_s)
        if self.min_replicas > self.max_replicas:
            raise ConfigurationError(f"min_replicas of {self.name} is above max_replicas")
        if self.gathers and self.max_replicas > 1:
            raise ConfigurationError(f"{self.name} gathers groups (group_size), which takes one replica")

    @property
    def gathers(self) -> bool:
        """Whether requests wait for each other to bring a group together."""
        return bool(self.options.get("group_size"))

    def signature(self) -> str:
        """The signature of the reward with these options; building it checks them."""
        return create(self.reward, **dict(self.options)).signature


@dataclass(frozen=True)
class ServiceSettings:
    """The whole service.

    Attributes:
        rewards: what is offered.
        host: the address to listen on; the loopback address unless told otherwise.
        port: the port.
        token_env: name of the environment variable whose value clients must send as a bearer token; empty for none.
        max_request_mb: the largest body of a request in MiB; a larger one is refused with 413.
        max_waiting_mb: MiB of all requests that are not answered yet; beyond it they are refused with 503.
        receive_timeout_s: seconds in which the body of a request must come, else 408.
        request_timeout_s: seconds after which a request is given up with 504.
        gym: the reward that NeMo Gym's clients find at the root (``/verify``); the only one when it is empty and there
            is one.
        shutdown_s: seconds that requests in flight get to finish when the service stops.
        application: the name of the Ray Serve application.
    """

    rewards: tuple[RewardService, ...]
    host: str = "127.0.0.1"
    port: int = 8100
    token_env: str = ""
    max_request_mb: float = 64.0
    max_waiting_mb: float = 1024.0
    receive_timeout_s: float = 60.0
    request_timeout_s: float = 600.0
    gym: str = ""
    shutdown_s: float = 30.0
    application: str = "table-rewards"

    def __post_init__(self) -> None:
        if not self.rewards:
            raise ConfigurationError("a service needs a reward: name one, or give a file with [rewards.NAME] tables")
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 0 < self.port < 65_536:
            raise ConfigurationError(f"port must be a number from 1 to 65535, not {self.port!r}")
        for option in ("max_request_mb", "max_waiting_mb", "receive_timeout_s", "request_timeout_s"):
            positive(option, getattr(self, option))
        not_negative("shutdown_s", self.shutdown_s)
        if self.token_env and not os.environ.get(self.token_env):
            raise ConfigurationError(f"token_env names {self.token_env}, which is not set")
        names = [reward.name for reward in self.rewards]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"two rewards of one name: {', '.join(names)}")
        if self.gym and self.gym not in names:
            raise UnknownName("reward of the service", self.gym, names)
        for name in names:
            if name in RESERVED:
                raise ConfigurationError(f"{name} is an address of the service itself; name the reward otherwise")

    @property
    def gym_reward(self) -> str:
        """The reward at the root for NeMo Gym's clients, or nothing."""
        return self.gym or (self.rewards[0].name if len(self.rewards) == 1 else "")

    def checked(self) -> ServiceSettings:
        """Build every reward once, so that a wrong option stops here and not in a replica.

        Raises:
            ConfigurationError: a reward or option does not exist or cannot work.
        """
        for reward in self.rewards:
            reward.signature()
        return self

    def described(self) -> str:
        """The plan, a line a reward: address, signature, replicas, limits."""
        lines = [f"http://{self.host}:{self.port}  ({'bearer token' if self.token_env else 'no token'})"]
        for one in self.rewards:
            count = (
                str(one.min_replicas)
                if one.min_replicas == one.max_replicas
                else (f"{one.min_replicas} to {one.max_replicas}")
            )
            lines.append(
                f"  /{one.name}/score  {one.signature()}\n"
                f"      {count} replica{'s' if count != '1' else ''} of {one.cpus:g} CPU, {one.max_ongoing_requests} "
                f"requests each at once, {one.max_queued_requests} more wait, then 503"
            )
        return "\n".join(lines)


def read_settings(path: str | os.PathLike[str]) -> ServiceSettings:
    """Read a service from a TOML file.

    Raises:
        ConfigurationError: the file cannot be read, or a table, key or value is wrong; names it and what is known.
    """
    tables = _toml(Path(path))
    known = {"server", "rewards"}
    for name in tables:
        if name not in known:
            raise UnknownName(f"table of {path}", name, known)
    server, rewards = tables.get("server", {}), tables.get("rewards", {})
    if not isinstance(server, Mapping) or not isinstance(rewards, Mapping):
        raise ConfigurationError(f"{path}: [server] and [rewards.NAME] must be tables")
    allowed = [one.name for one in fields(ServiceSettings) if one.name != "rewards"]
    for key in server:
        if key not in allowed:
            raise UnknownName(f"key of [server] in {path}", key, allowed)
    return ServiceSettings(tuple(_service(str(path), name, table) for name, table in rewards.items()), **server)


def _service(path: str, name: str, table: Any) -> RewardService:
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: [rewards.{name}] must be a table, not {table!r}")
    allowed = [one.name for one in fields(RewardService) if one.name != "name"]
    for key in table:
        if key not in allowed:
            raise UnknownName(f"key of [rewards.{name}] in {path}", key, allowed)
    reward = str(table.get("reward", name))
    find(reward)
    return RewardService(name=name, reward=reward, **{key: value for key, value in table.items() if key != "reward"})


def _toml(path: Path) -> dict[str, Any]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
