"""`--reward NAME --profile P --option k=v`: from words to a reward."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from table_rewards.commands.own_reward import is_place, own_reward
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.reward import PROFILES, Reward
from table_rewards.frameworks.options import read_value


def add_reward_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--reward`, `--profile` and `--option`."""
    group = parser.add_argument_group("reward")
    group.add_argument(
        "--reward",
        required=True,
        metavar="NAME",
        help="its name (see `table-rewards list`), module:Class, or file.py:Class",
    )
    group.add_argument("--profile", choices=PROFILES, help="corrected (default) or released, as the authors' code does")
    group.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="K=V",
        help="an option of the reward, such as metric=em or 'weight=linear(0.3, 0.1, 1200)'; repeat it",
    )


def reward_from(arguments: argparse.Namespace) -> Reward[Any]:
    """Build the reward that the arguments name.

    Raises:
        UnknownName: no such reward or option; names the nearest.
        ConfigurationError: there is no such file, module or class; an option is not ``K=V`` or its value cannot be.
    """
    return reward_of(arguments.reward, options_of(arguments))


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that the arguments give, the profile among them."""
    options = read_options(arguments.option)
    if arguments.profile is not None:
        options["profile"] = arguments.profile
    return options


def reward_of(name: str, options: dict[str, Any]) -> Reward[Any]:
    """Build a reward by its name or by where it stands.

    Raises:
        UnknownName: no such reward or option; names the nearest.
        ConfigurationError: there is no such file, module or class, or an option's value cannot be.
    """
    from table_rewards.core.registry import create

    try:
        return _own(name, options) if is_place(name) else create(name, **options)
    except TypeError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _own(place: str, options: dict[str, Any]) -> Reward[Any]:
    found = own_reward(place)
    if isinstance(found, Reward):
        if options:
            raise ConfigurationError(f"{place} is made already: its options {', '.join(options)} cannot be set here")
        return found
    known = found.option_names()
    for option in options:
        if option not in known:
            raise UnknownName(f"option of {place}", option, known)
    try:
        return found(**options)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"{place} cannot be made: {type(error).__name__}: {error}") from error


def read_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``k=v`` words. A value is JSON where it is JSON, a truth value or None in Python's spelling, else text.

    >>> read_options(["metric=em", "clip=no", "alpha=0.5", 'endpoints=["http://a", "http://b"]', 'model="7"'])
    {'metric': 'em', 'clip': False, 'alpha': 0.5, 'endpoints': ['http://a', 'http://b'], 'model': '7'}

    Raises:
        ConfigurationError: a word has no ``=`` or no name before it, or a name comes twice.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise ConfigurationError(f"--option takes K=V, such as metric=em, not {pair!r}")
        if name in options:
            raise ConfigurationError(f"--option {name} is given twice")
        options[name] = read_value(value)
    return options
