"""Rewards by name, found lazily: ours, those of installed packages, those registered by hand.

A package offers its own through the entry-point group ``table_rewards.rewards``::

    [project.entry-points."table_rewards.rewards"]
    my_reward = "my_package.rewards:MyReward"
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import metadata
from types import FunctionType
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.reward import Reward

GROUP: Final = "table_rewards.rewards"

BUILTIN: Final[Mapping[str, str]] = {
    "cell_f1": "table_rewards.rewards.table_similarity:CellF1",
    "generator": "table_rewards.rewards.tango:Generator",
    "grits": "table_rewards.rewards.table_similarity:GriTS",
    "group_judge": "table_rewards.rewards.group_judge:GroupJudge",
    "mathematics": "table_rewards.rewards.mathematics:Mathematics",
    "qa_f1": "table_rewards.rewards.qa_f1:QAF1",
    "ranking": "table_rewards.rewards.ranking:Ranking",
    "scalar_judge": "table_rewards.rewards.group_judge:ScalarJudge",
    "scalar_quality": "table_rewards.rewards.ranking:ScalarQuality",
    "step_verifier": "table_rewards.rewards.tango:StepVerifier",
    "table_bench": "table_rewards.rewards.table_bench:TableBench",
    "table_region": "table_rewards.rewards.table_bench:TableRegion",
    "teds": "table_rewards.rewards.table_similarity:TEDS",
    "unit_tests": "table_rewards.rewards.unit_tests:UnitTests",
    "verifier": "table_rewards.rewards.tango:Verifier",
    "white_box": "table_rewards.rewards.white_box:WhiteBox",
}

_registered: dict[str, type[Reward[Any]]] = {}
_watchers: list[Callable[[str], None]] = []


def register(reward: type[Reward[Any]]) -> type[Reward[Any]]:
    """Register a reward class under its ``name``; usable as a decorator. Built-in names cannot be taken.

    A class of the same name from the same file takes the place of the one before: trainers load a user's file again.

    Raises:
        ConfigurationError: the name is missing, malformed or taken by another class.
    """
    name = getattr(reward, "name", "")
    if not (isinstance(name, str) and name.isidentifier() and name == name.lower()):
        raise ConfigurationError(f"{reward.__name__}.name must be a lower_snake_case identifier, not {name!r}")
    known = _registered.get(name, reward)
    if name in BUILTIN or (known is not reward and _written(known) != _written(reward)):
        raise ConfigurationError(f"the reward name {name!r} is taken; give {reward.__name__} another")
    _registered[name] = reward
    for tell in _watchers:
        tell(name)
    return reward


def watch(tell: Callable[[str], None]) -> None:
    """Call ``tell`` with the name of every reward that is registered from now on."""
    _watchers.append(tell)


def _written(reward: type[Reward[Any]]) -> tuple[object, ...]:
    """Where a class was written: its name, the file of its first function; the class itself where it has none."""
    files = [value.__code__.co_filename for value in vars(reward).values() if isinstance(value, FunctionType)]
    return (reward.__qualname__, files[0]) if files else (reward,)


def names() -> tuple[str, ...]:
    """All names, sorted: built in, installed and registered."""
    return tuple(sorted({*BUILTIN, *_installed(), *_registered}))


def find(name: str) -> type[Reward[Any]]:
    """Return the reward class of a name.

    >>> find("table_bench").__name__
    'TableBench'
    >>> find("table_brench")
    Traceback (most recent call last):
    table_rewards.core.errors.UnknownName: unknown reward 'table_brench' (did you mean 'table_bench'?); known: ...

    Raises:
        UnknownName: no such reward; names the nearest.
    """
    if name in _registered:
        return _registered[name]
    target = BUILTIN.get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        found = getattr(importlib.import_module(module), attribute)
    elif name in _installed():
        found = _installed()[name].load()
    else:
        raise UnknownName("reward", name, names())
    if not (isinstance(found, type) and issubclass(found, Reward)):
        raise ConfigurationError(f"the reward {name!r} resolves to {found!r}, which is not a Reward class")
    return found


def create(name: str, **options: Any) -> Reward[Any]:
    """Build a reward by name.

    Raises:
        UnknownName: no such reward, or no such option; names the nearest and lists the known ones.
        ConfigurationError: an option's value is not possible.
    """
    reward = find(name)
    known = reward.option_names()
    for option in options:
        if option not in known:
            raise UnknownName(f"option of {name}", option, known)
    return reward(**options)


@lru_cache(maxsize=1)
def _installed() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP) if point.name not in BUILTIN}
