"""`table-rewards serve`: rewards as a service for trainers on other machines, on Ray Serve."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from table_rewards.commands.exit_codes import DONE, INTERRUPTED
from table_rewards.commands.reward_options import read_options
from table_rewards.core.errors import ConfigurationError
from table_rewards.frameworks.serving.settings import RewardService, ServiceSettings, read_settings

DESCRIPTION = """\
Serve rewards over HTTP, on this machine or on a Ray cluster of CPU nodes, scaled by load.

Name rewards, or a TOML file with [server] and [rewards.NAME] tables (--config). Each reward answers at /NAME/score (the
form that `service=` of the verl, swift and TRL functions speaks), /NAME/openrlhf, /NAME/slime and /NAME/verify (NeMo
Gym). GET /ready says which signatures are served, GET /health that the front is up. Ctrl-C or SIGTERM stops the service
after the requests in flight are answered.
"""

EPILOG = """\
examples:
  table-rewards serve teds table_bench --port 8100
  table-rewards serve --config service.toml --address auto
  table-rewards serve teds --option structure_only=yes --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("rewards", nargs="*", metavar="REWARD", help="rewards to serve, by name")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file that says everything")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the one reward; repeat it"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8100, help="(%(default)s)")
    parser.add_argument("--max-replicas", type=int, default=1, metavar="N", help="of each reward (%(default)s)")
    parser.add_argument("--cpus", type=float, default=1.0, metavar="N", help="CPUs of a replica (%(default)g)")
    parser.add_argument("--token-env", default="", metavar="NAME", help="variable with the token of clients")
    parser.add_argument("--address", metavar="A", help="of a Ray cluster; `auto` for the one here (default: a new one)")
    parser.add_argument("--dry-run", action="store_true", help="check everything, show the plan, start nothing")


def run(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments).checked()
    print(settings.described(), flush=True)
    if arguments.dry_run:
        return DONE
    from table_rewards.frameworks.serving.application import metrics_addresses, start, stop

    ended = threading.Event()
    caught: list[int] = []

    def end(number: int, _: object) -> None:
        caught.append(number)
        ended.set()

    earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        start(settings, arguments.address)
        for number in earlier:  # Ray has set handlers of its own, which end the process at once
            signal.signal(number, end)
        for address in metrics_addresses():
            print(f"metrics at {address}", flush=True)
        print("ready", flush=True)
        ended.wait()
        print("stopping: requests in flight are answered first", file=sys.stderr, flush=True)
        stop(settings)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return INTERRUPTED if caught == [signal.SIGINT] else DONE


def _settings(arguments: argparse.Namespace) -> ServiceSettings:
    if arguments.config is not None:
        if arguments.rewards or arguments.option:
            raise ConfigurationError("--config says which rewards and options; give it alone")
        return read_settings(arguments.config)
    options = read_options(arguments.option)
    if options and len(arguments.rewards) != 1:
        raise ConfigurationError("--option goes with one reward; several with options need --config")
    services = tuple(
        RewardService(name, name, options, max_replicas=arguments.max_replicas, cpus=arguments.cpus)
        for name in arguments.rewards
    )
    return ServiceSettings(services, host=arguments.host, port=arguments.port, token_env=arguments.token_env)
