"""Rewards for verl: ``custom_reward_function.path=pkg://table_rewards.frameworks.verl name=table_bench``.

For every reward of the registry there are four plain functions, here under its name:

================  =================================================  ===========================================
``teds``          one sample -> dict of floats                       reward loop and naive managers, verl >= 0.4
``teds_float``    one sample -> float                                ``main_eval``, prime, verl 0.3
``teds_batch``    a batch -> list of dicts                           the batch manager of verl 0.4 - 0.7.0
``teds_async``    one sample -> dict, as a coroutine                 for rewards that wait on an LLM or a program
================  =================================================  ===========================================

Each takes ``(data_source, solution_str, ground_truth, extra_info)`` positionally or by name, and the reward's options
as further keywords (``reward_kwargs``). The dict has the same keys on every row: ``score``, ``acc``, at most two parts,
``unscored``. `route` picks the reward by ``data_source``, `mixed` sums several; both have the four forms, too.

Model output never raises. A wrong option raises when verl loads the function, and once too many samples of training
could not be scored, every further call of training raises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from table_rewards.core import registry
from table_rewards.frameworks import mixtures, verl_routes
from table_rewards.frameworks.framework_reward import framework_reward
from table_rewards.frameworks.verl_calls import (
    INJECTED,
    RESERVED,
    given_options,
    score_many,
    score_one,
    score_one_async,
)
from table_rewards.frameworks.verl_routes import ROUTES

ALIASES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "compute_score": ("white_box", {}),
    "compute_score_prime": ("unit_tests", {}),
    "ranking_score_reward_fn": ("ranking", {"mode": "ranking_score"}),
    "ranking_reward_fn": ("ranking", {"mode": "ranking"}),
    "ranking_reward_fn_zero": ("ranking", {"mode": "ranking", "reasoning": 50}),
    "ranking_reward_fn_no_cot": ("ranking", {"mode": "ranking", "reasoning": "absent"}),
}
"""The published function names: reward and options. `compute_score_prime` returns a float, as prime needs."""

FLOAT_ALIASES: Final = frozenset({"compute_score_prime"})

SUFFIXES: Final = ("", "_float", "_batch", "_async")
_OF_SUFFIX: Final = {"": "", "_float": " as a float", "_batch": " of a batch", "_async": " without blocking the loop"}


def functions(
    name: str, reward: str, defaults: Mapping[str, Any]
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Make the four plain functions of a reward; picklable by name from this module."""

    def one(
        data_source: Any = None,
        solution_str: Any = None,
        ground_truth: Any = None,
        extra_info: Any = None,
        **kwargs: Any,
    ) -> dict[str, float]:
        return score_one(reward, data_source, solution_str, ground_truth, extra_info, {**defaults, **kwargs})

    def one_float(
        data_source: Any = None,
        solution_str: Any = None,
        ground_truth: Any = None,
        extra_info: Any = None,
        **kwargs: Any,
    ) -> float:
        return score_one(reward, data_source, solution_str, ground_truth, extra_info, {**defaults, **kwargs})["score"]

    def batch(
        data_sources: Any = None,
        solution_strs: Any = None,
        ground_truths: Any = None,
        extra_infos: Any = None,
        **kwargs: Any,
    ) -> list[dict[str, float]]:
        return score_many(reward, data_sources, solution_strs, ground_truths, extra_infos, {**defaults, **kwargs})

    async def one_async(
        data_source: Any = None,
        solution_str: Any = None,
        ground_truth: Any = None,
        extra_info: Any = None,
        **kwargs: Any,
    ) -> dict[str, float]:
        options = {**defaults, **kwargs}
        return await score_one_async(reward, data_source, solution_str, ground_truth, extra_info, options)

    made = (one, one_float, batch, one_async)
    for function, suffix in zip(made, SUFFIXES, strict=True):
        function.__name__ = function.__qualname__ = f"{name}{suffix}"
        function.__module__ = __name__
        function.__doc__ = f"The `{reward}` reward{_OF_SUFFIX[suffix]}. Options: see its class."
    return made


_functions: dict[str, Callable[..., Any]] = {}


def _install(name: str, reward: str, defaults: Mapping[str, Any]) -> None:
    made = functions(name, reward, defaults)
    for suffix, function in zip(SUFFIXES, made, strict=True):
        _functions[name + suffix] = function
    if name in FLOAT_ALIASES:
        made[1].__name__ = made[1].__qualname__ = name
        _functions[name] = made[1]


for _name in registry.BUILTIN:
    _install(_name, _name, {})
for _name, (_reward, _defaults) in ALIASES.items():
    if _reward in registry.BUILTIN:
        _install(_name, _reward, _defaults)
_functions.update(verl_routes.FUNCTIONS)

__all__ = [
    *verl_routes.FUNCTIONS,
    *(n + s for n in registry.BUILTIN for s in SUFFIXES),
    *(n for n, (r, _) in ALIASES.items() if r in registry.BUILTIN),
]


def __getattr__(name: str) -> Any:
    """The functions, those of rewards that other packages registered as well; none is a plain name of this module.

    So verl's loader asks here for the function, and the options that its configuration has for it are checked then.
    """
    found = _functions.get(name)
    if found is None and not name.startswith("_"):
        for suffix in sorted(SUFFIXES, key=len, reverse=True):
            base = name.removesuffix(suffix)
            if name.endswith(suffix) and base in registry.names():
                _install(base, base, {})
                found = _functions[name]
                break
    if found is None:
        known = "" if name.startswith("_") else f"; rewards: {', '.join(registry.names())}"
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{known}")
    _check_while_loading(name)
    return found


def check(name: str, options: Mapping[str, Any]) -> None:
    """Build what a function needs with these ``reward_kwargs``, so that a wrong option is told now.

    >>> check("table_bench", {"metrik": "em"})
    Traceback (most recent call last):
    table_rewards.core.errors.UnknownName: unknown option of table_bench 'metrik' (did you mean 'metric'?); known: ...

    Raises:
        UnknownName: no such reward, option, route or weight.
        ConfigurationError: an option's value is not possible.
    """
    given, _ = given_options(options)
    base = next((name.removesuffix(s) for s in SUFFIXES if s and name.endswith(s)), name)
    base = name if name in ALIASES else base
    if base == "route":
        verl_routes._routes(given)
    elif base == mixtures.NAME:
        verl_routes.mixed_reward(given)
    else:
        reward, defaults = ALIASES.get(base, (base, {}))
        framework_reward(reward, {**defaults, **given}, alone=True)


def _check_while_loading(name: str) -> None:
    """Where verl's loader is among the callers, it has the options that the function will get."""
    frame = sys._getframe(2)
    for _ in range(24):
        if frame.f_code.co_name == "get_custom_reward_fn":
            config = frame.f_locals.get("reward_fn_config")
            if config is not None and config.get("name") == name:
                check(name, dict(config.get("reward_kwargs") or {}))
            return
        if frame.f_back is None:
            return
        frame = frame.f_back


_NAMES_HANDED_ON = (INJECTED, RESERVED, ROUTES)
