"""A Ray cluster for what runs on one: joined by its address, or started on this machine."""

from __future__ import annotations

from typing import Any

from table_rewards.core.ending import ended_as_interrupted
from table_rewards.core.errors import ConfigurationError


def join_cluster(ray: Any, address: str | None, **options: Any) -> None:
    """Make this process a driver of a cluster.

    Args:
        ray: the module.
        address: of the cluster; None starts one on this machine.
        options: what else ``ray.init`` takes.

    Raises:
        ConfigurationError: there is no cluster at the address, or none starts here.
    """
    try:
        ray.init(
            address=address or "local", include_dashboard=False, log_to_driver=False, configure_logging=False, **options
        )
    except (ConnectionError, ValueError) as error:
        raise ConfigurationError(f"no Ray cluster at {address}: {error}") from None
    except Exception as error:  # a plain one, where its processes are not up within half a minute
        raise ConfigurationError(f"Ray did not start on this machine: {error}") from None
    ended_as_interrupted()
