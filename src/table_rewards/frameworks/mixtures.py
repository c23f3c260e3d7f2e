"""A weighted sum of several rewards by name, each with its options: verl's `mixed`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from table_rewards.core.compose import WeightedSum
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.registry import create
from table_rewards.core.reward import Reward
from table_rewards.core.rows import plain
from table_rewards.frameworks.options import ADAPTER_OPTIONS, Options, composed, resolve

NAME: Final = "mixed"
KEYS: Final = ("rewards", "weights")


def mixture(given: Mapping[str, Any]) -> tuple[WeightedSum, Options]:
    """Build the sum that ``rewards`` and ``weights`` describe, from the arguments, else from the configuration.

    ``rewards`` is a list of names, or a mapping of name to options; under a name of its own with ``reward`` among the
    options, so that one reward may come twice. ``weights`` is a mapping of these names to numbers or schedules (1 where
    it has none), or a list in their order.

    >>> mixture({"rewards": {"table_bench": {"metric": "em"}, "teds": {}}, "weights": {"teds": 0.5}})[0].weights
    {'table_bench': Constant(value=1.0), 'teds': Constant(value=0.5)}

    Raises:
        UnknownName: no such reward, option or weight.
        ConfigurationError: there are no rewards, or their description is none.
    """
    found = Options()
    values = {key: plain(value) for key, value in composed(NAME).items()}
    found.sources.update(dict.fromkeys(values, f"configuration [{NAME}]"))
    values.update({key: plain(value) for key, value in given.items()})
    found.sources.update(dict.fromkeys(given, "argument"))
    for key in values:
        if key not in (*KEYS, *ADAPTER_OPTIONS):
            raise UnknownName(f"option of {NAME}", key, (*KEYS, *ADAPTER_OPTIONS))
    members: dict[str, Reward[Any]] = {}
    for label, options in _described(values.get("rewards")).items():
        name = str(options.pop("reward", label))
        settled = resolve(name, options)
        misplaced = [option for option in ADAPTER_OPTIONS if settled.sources.get(option) == "argument"]
        if misplaced:
            raise ConfigurationError(
                f"{misplaced[0]} goes for the whole mixture: give it beside rewards, not in {label}"
            )
        members[label] = create(name, **settled.own)
        for option, value in settled.own.items():
            found.own[f"{label}.{option}"] = value
            found.sources[f"{label}.{option}"] = settled.sources[option]
        for option, value in settled.adapter.items():  # what the environment says for all of them
            found.adapter.setdefault(option, value)
            found.sources.setdefault(option, settled.sources[option])
    found.adapter.update({key: value for key, value in values.items() if key in ADAPTER_OPTIONS})
    made = WeightedSum(members, weights=_weights(values.get("weights"), list(members)))
    found.own["weights"] = ", ".join(f"{name} {weight}" for name, weight in made.weights.items())
    found.sources.setdefault("weights", "default")
    return made, found


def _described(rewards: Any) -> dict[str, dict[str, Any]]:
    if isinstance(rewards, str):
        rewards = [rewards]
    if isinstance(rewards, Mapping) and rewards:
        return {str(label): _options_of(label, options) for label, options in rewards.items()}
    if isinstance(rewards, Iterable) and not isinstance(rewards, Mapping):
        names = [str(name) for name in rewards]
        if names and len(set(names)) == len(names):
            return {name: {} for name in names}
    raise ConfigurationError(
        f"{NAME} needs rewards: a list of different names, or a mapping of name to options, not {rewards!r}"
    )


def _options_of(label: Any, options: Any) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise ConfigurationError(f"{NAME}: the options of {label} must be a mapping, not {options!r}")
    return {str(key): value for key, value in options.items()}


def _weights(weights: Any, names: list[str]) -> dict[str, Any]:
    if weights is None:
        return {}
    if isinstance(weights, Mapping):
        return {str(name): weight for name, weight in weights.items()}
    if isinstance(weights, (list, tuple)) and len(weights) == len(names):
        return dict(zip(names, weights, strict=True))
    raise ConfigurationError(f"{NAME}: weights is a mapping, or one number for each of {', '.join(names)}")
