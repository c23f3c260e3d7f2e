"""Rewards for verl: ``custom_reward_function.path=pkg://table_rewards.frameworks.verl name=table_bench``.

For every reward of the registry there are four plain functions, here under its name:

================  =================================================  ===========================================
``teds``          one sample -> dict of floats                       reward loop and naive managers, verl >= 0.4
``teds_float``    one sample -> float                                ``main_eval``, prime, verl 0.3
``teds_batch``    a batch -> list of dicts                           the batch manager of verl 0.4 - 0.7.0
``teds_async``    one sample -> dict, as a coroutine                 for rewards that wait on an LLM or the sandbox
================  =================================================  ===========================================

Each takes ``(data_source, solution_str, ground_truth, extra_info)`` positionally or by name, and the reward's options
as further keywords (``reward_kwargs``). The dict has the same keys on every row: ``score``, ``acc``, at most two parts,
``unscored``. An unknown option raises; model output never does. `route` picks the reward by ``data_source``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from table_rewards.core import registry
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.rows import plain
from table_rewards.frameworks.framework_reward import Door, door, step_of

INJECTED: Final = frozenset(
    {
        "reward_router_address",
        "reward_model_tokenizer",
        "sandbox_fusion_url",
        "concurrent_semaphore",
        "memory_limit_mb",
        "prompt_str",
    }
)
"""Keywords that verl (or a seed's fork of it) adds on its own; they are not ours."""

RESERVED: Final = frozenset(
    {"reward", "uid", "data_source", "raw_prompt", "extra_info", "index", "turn_scores", "tool_rewards", "extras"}
    | {"multi_modal_inputs", "reward_model", "reward_extra_info", "min_global_steps", "max_global_steps", "num_turns"}
    | {"rollout_reward_scores", "prompts", "responses"}
)
"""Keys that a reward's dict must not have: verl's batch has them, and the union fails."""

ALIASES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "compute_score": ("white_box", {}),
    "compute_score_prime": ("unit_tests", {}),
    "ranking_score_reward_fn": ("ranking", {"mode": "ranking_score"}),
    "ranking_reward_fn": ("ranking", {"mode": "ranking"}),
    "ranking_reward_fn_zero": ("ranking", {"mode": "ranking", "reasoning": 50}),
    "ranking_reward_fn_no_cot": ("ranking", {"mode": "ranking", "reasoning": "absent"}),
}
"""The seeds' function names: reward and options. `compute_score_prime` returns a float, as the prime manager needs."""

FLOAT_ALIASES: Final = frozenset({"compute_score_prime"})

ROUTES: Final[Mapping[str, Any]] = {
    "table_area": "table_region",
    "tablebench": "table_bench",
    "table_bench": "table_bench",
    "TowerBlocks-MT-Ranking": "ranking",
    "TowerBlocks-MT-Ranking.ranking": {"reward": "ranking", "mode": "ranking"},
    "TowerBlocks-MT-Ranking.ranking_score": "ranking",
    "TowerBlocks-MT-Ranking.score": {"reward": "ranking", "mode": "score"},
    "execverify": "white_box",
    "exec_verify": "white_box",
    "exec_verify_code": "unit_tests",
    "trivia": "qa_f1",
}
"""What `route` does without ``routes=``: data source (or its beginning) -> reward."""


def route(
    data_source: Any = None, solution_str: Any = None, ground_truth: Any = None, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    """Score with the reward that ``data_source`` names; for training on several data sets at once.

    ``routes`` (a mapping in ``reward_kwargs``) says which: data source or the beginning of one -> reward name, or a
    mapping with ``reward`` and its options. The longest match wins; ``"*"`` matches everything. All rows have the keys
    ``score``, ``acc``, ``unscored``, since verl wants the same keys from every data set.

    >>> route("table_area/test", "Final Answer: 7",
    ...       {"answer": "7", "gold_area": '{"columns": [], "rows": []}', "instruction_type": "DP"})
    {'score': 0.9, 'acc': 1.0, 'unscored': 0.0}

    Raises:
        UnknownName: no route for this data source, or a route to a reward that does not exist.
    """
    table = plain(kwargs.pop("routes", None)) or ROUTES
    target = _target(table, str(data_source))
    settings = dict(target) if isinstance(target, Mapping) else {"reward": target}
    name = str(settings.pop("reward", ""))
    found = _one(name, data_source, solution_str, ground_truth, extra_info, {**settings, **kwargs})
    return {key: found[key] for key in ("score", "acc", "unscored")}


def route_float(*args: Any, **kwargs: Any) -> float:
    """`route` for ``main_eval`` and prime."""
    return route(*args, **kwargs)["score"]


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
        return _one(reward, data_source, solution_str, ground_truth, extra_info, {**defaults, **kwargs})

    def one_float(
        data_source: Any = None,
        solution_str: Any = None,
        ground_truth: Any = None,
        extra_info: Any = None,
        **kwargs: Any,
    ) -> float:
        return _one(reward, data_source, solution_str, ground_truth, extra_info, {**defaults, **kwargs})["score"]

    def batch(
        data_sources: Any = None,
        solution_strs: Any = None,
        ground_truths: Any = None,
        extra_infos: Any = None,
        **kwargs: Any,
    ) -> list[dict[str, float]]:
        return _many(reward, data_sources, solution_strs, ground_truths, extra_infos, {**defaults, **kwargs})

    async def one_async(
        data_source: Any = None,
        solution_str: Any = None,
        ground_truth: Any = None,
        extra_info: Any = None,
        **kwargs: Any,
    ) -> dict[str, float]:
        chosen, step = _door(reward, {**defaults, **kwargs}, extra_info)
        row = _row(data_source, ground_truth, extra_info)
        return await chosen.one_async(solution_str, row, step, _prompt(row))

    made = (one, one_float, batch, one_async)
    for function, suffix in zip(made, SUFFIXES, strict=True):
        function.__name__ = function.__qualname__ = f"{name}{suffix}"
        function.__module__ = __name__
        function.__doc__ = f"The `{reward}` reward{_OF_SUFFIX[suffix]}. Options: see its class."
    return made


SUFFIXES: Final = ("", "_float", "_batch", "_async")
_OF_SUFFIX: Final = {"": "", "_float": " as a float", "_batch": " of a batch", "_async": " without blocking the loop"}


def _one(
    reward: str, data_source: Any, text: Any, ground_truth: Any, extra_info: Any, options: dict[str, Any]
) -> dict[str, float]:
    chosen, step = _door(reward, options, extra_info)
    row = _row(data_source, ground_truth, extra_info)
    return chosen.one(text, row, step, _prompt(row))


def _many(
    reward: str, data_sources: Any, texts: Any, ground_truths: Any, extra_infos: Any, options: dict[str, Any]
) -> list[dict[str, float]]:
    texts = list(texts) if texts is not None else []
    n = len(texts)
    columns = [[None] * n if column is None else list(column) for column in (data_sources, ground_truths, extra_infos)]
    if any(len(column) != n for column in columns):
        raise ConfigurationError(f"{n} solution_strs but {[len(c) for c in columns]} of the other columns")
    first = next((info for info in columns[2] if info is not None), None)
    chosen, step = _door(reward, options, first)
    rows = [_row(*cells) for cells in zip(*columns, strict=True)]
    return chosen.many(texts, rows, step, [_prompt(row) for row in rows])


def _door(reward: str, options: dict[str, Any], extra_info: Any) -> tuple[Door, int | None]:
    given = {key: value for key, value in options.items() if key not in INJECTED}
    step = given.pop("step", None)
    found = step_of({"step": step}, extra_info)
    return door(reward, given), found


def _row(data_source: Any, ground_truth: Any, extra_info: Any) -> dict[str, Any]:
    return {
        "data_source": data_source,
        "ground_truth": ground_truth,
        "extra_info": extra_info if isinstance(extra_info, Mapping) else None,
    }


def _prompt(row: Mapping[str, Any]) -> Hashable:
    """What the completions of one prompt have in common, as far as verl lets a reward see it."""
    info = row["extra_info"] or {}
    for key in ("uid", "index"):
        value = plain(info.get(key))
        if isinstance(value, (str, int)):
            return (str(row["data_source"]), key, value)
    return hashlib.blake2b(repr(row["ground_truth"]).encode("utf-8", "replace"), digest_size=16).digest()


def _target(table: Mapping[str, Any], data_source: str) -> Any:
    matches = [key for key in table if key == "*" or data_source == key or data_source.startswith(key)]
    if not matches:
        raise UnknownName("data source", data_source, table)
    return table[max(matches, key=lambda key: -1 if key == "*" else len(key))]


def _install(name: str, reward: str, defaults: Mapping[str, Any]) -> None:
    made = functions(name, reward, defaults)
    for suffix, function in zip(SUFFIXES, made, strict=True):
        globals()[name + suffix] = function
    if name in FLOAT_ALIASES:
        made[1].__name__ = made[1].__qualname__ = name
        globals()[name] = made[1]


for _name in registry.BUILTIN:
    _install(_name, _name, {})
for _name, (_reward, _defaults) in ALIASES.items():
    if _reward in registry.BUILTIN:
        _install(_name, _reward, _defaults)

__all__ = [
    "route",
    "route_float",
    *(n + s for n in registry.BUILTIN for s in SUFFIXES),
    *(n for n, (r, _) in ALIASES.items() if r in registry.BUILTIN),
]


def __getattr__(name: str) -> Any:
    """The functions of rewards that other packages or the user registered, made on first use."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        base = name.removesuffix(suffix)
        if name.endswith(suffix) and base in registry.names():
            _install(base, base, {})
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; rewards: {', '.join(registry.names())}")


def available() -> Sequence[str]:
    """All function names, for messages.

    >>> "table_bench_batch" in available()
    True
    """
    return sorted(set(__all__) | {n + s for n in registry.names() for s in SUFFIXES})
