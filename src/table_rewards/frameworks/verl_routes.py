"""verl's one function for several data sets or several rewards: `route` and `mixed`, in their four forms each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from table_rewards.core import registry
from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.core.rows import plain
from table_rewards.frameworks import mixtures
from table_rewards.frameworks.framework_reward import FrameworkReward, Remembered, announce, framework_reward
from table_rewards.frameworks.options import ADAPTER_OPTIONS, composed
from table_rewards.frameworks.verl_calls import batch_of, batch_through, call_of, given_options

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
"""What `route` does without ``routes``: data source (or its beginning) -> reward."""

OTHERWISE: Final = ("otherwise", "*")
"""The route of every data source that no other matches; the first form is one that Hydra reads, too."""

ALWAYS: Final = ("score", "acc", "unscored")


def route(
    data_source: Any = None, solution_str: Any = None, ground_truth: Any = None, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    """Score with the reward that ``data_source`` names; for training on several data sets at once.

    ``routes`` (a mapping, in ``reward_kwargs``, ``[routes]`` of the configuration or ``TABLE_REWARDS_ROUTES``) says
    which: a data source or the beginning of one -> a reward's name, or a mapping with ``reward`` and its options. The
    longest match wins; ``otherwise`` matches everything else. The reward may be ``mixed``, with ``rewards`` and
    ``weights``. Other keywords go to every route whose reward knows them.

    All rows have the same keys, since verl wants that of every data set: ``score``, ``acc``, the headline parts of all
    routes (0 where a row's reward has no such part; none without ``routes``), ``unscored``.

    >>> route("table_area/test", "Final Answer: 7",
    ...       {"answer": "7", "gold_area": '{"columns": [], "rows": []}', "instruction_type": "DP"})
    {'score': 0.9, 'acc': 1.0, 'unscored': 0.0}

    Raises:
        UnknownName: no route for this data source, or a route to a reward that does not exist.
    """
    routes, step = _routes(kwargs)
    chosen = routes.find(data_source)
    return routes.keyed(chosen.one(solution_str, *call_of(data_source, ground_truth, extra_info, step)))


def route_float(*args: Any, **kwargs: Any) -> float:
    """`route` for ``main_eval`` and prime."""
    return route(*args, **kwargs)["score"]


def route_batch(
    data_sources: Any = None,
    solution_strs: Any = None,
    ground_truths: Any = None,
    extra_infos: Any = None,
    **kwargs: Any,
) -> list[dict[str, float]]:
    """`route` for the batch manager: each reward sees all of its samples at once."""
    routes, step = _routes(kwargs)
    texts, rows = batch_of(data_sources, solution_strs, ground_truths, extra_infos)
    places: dict[int, tuple[FrameworkReward, list[int]]] = {}
    for i, row in enumerate(rows):
        chosen = routes.find(row["data_source"])
        places.setdefault(id(chosen), (chosen, []))[1].append(i)
    found: list[dict[str, float]] = [{}] * len(rows)
    for chosen, where in places.values():
        scored = batch_through(chosen, [texts[i] for i in where], [rows[i] for i in where], step)
        for i, numbers in zip(where, scored, strict=True):
            found[i] = routes.keyed(numbers)
    return found


async def route_async(
    data_source: Any = None, solution_str: Any = None, ground_truth: Any = None, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    """`route` as a coroutine: rewards that wait on a model or a program overlap, the others share batches."""
    routes, step = _routes(kwargs)
    chosen = routes.find(data_source)
    return routes.keyed(await chosen.one_async(solution_str, *call_of(data_source, ground_truth, extra_info, step)))


def mixed(
    data_source: Any = None, solution_str: Any = None, ground_truth: Any = None, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    """Score with a weighted sum of rewards: ``rewards`` (a list of names, or name -> options) and ``weights``.

    Both come from ``reward_kwargs``, from ``[mixed]`` of the configuration or from ``TABLE_REWARDS_MIXED``. A reward
    for which the row holds no reference contributes nothing. The parts are the values of the first two rewards; ``acc``
    is the mean of the rewards' accuracies by their weights.

    >>> mixed("t", "Final Answer: 104", {"answer": "100", "qtype": "DataAnalysis", "qsubtype": "CorrelationAnalysis"},
    ...       rewards={"table_bench": {}, "mathematics": {"symbolic": False}}, weights={"mathematics": 0.5})
    {'score': 1.0, 'acc': 0.6666666666666666, 'table_bench': 1.0, 'mathematics': 0.0, 'unscored': 0.0}

    Raises:
        UnknownName: no such reward, option or weight.
    """
    given, step = given_options(kwargs)
    return mixed_reward(given).one(solution_str, *call_of(data_source, ground_truth, extra_info, step))


def mixed_float(*args: Any, **kwargs: Any) -> float:
    """`mixed` for ``main_eval`` and prime."""
    return mixed(*args, **kwargs)["score"]


def mixed_batch(
    data_sources: Any = None,
    solution_strs: Any = None,
    ground_truths: Any = None,
    extra_infos: Any = None,
    **kwargs: Any,
) -> list[dict[str, float]]:
    """`mixed` for the batch manager."""
    given, step = given_options(kwargs)
    texts, rows = batch_of(data_sources, solution_strs, ground_truths, extra_infos)
    return batch_through(mixed_reward(given), texts, rows, step)


async def mixed_async(
    data_source: Any = None, solution_str: Any = None, ground_truth: Any = None, extra_info: Any = None, **kwargs: Any
) -> dict[str, float]:
    """`mixed` as a coroutine."""
    given, step = given_options(kwargs)
    chosen = mixed_reward(given)
    return await chosen.one_async(solution_str, *call_of(data_source, ground_truth, extra_info, step))


FUNCTIONS: Final = {
    function.__name__: function
    for function in (route, route_float, route_batch, route_async, mixed, mixed_float, mixed_batch, mixed_async)
}


class Routes:
    """Data sources and their rewards, built at once, so that a wrong one is told before the first sample.

    Raises:
        UnknownName: an option belongs neither to a route nor to the adapter.
    """

    def __init__(self, table: Mapping[str, Any], shared: Mapping[str, Any], *, shipped: bool = False) -> None:
        self.targets = dict(_flat(table))
        self._shared = dict(shared)
        self._found: dict[str, FrameworkReward] = {}
        for option in shared:
            if option not in ADAPTER_OPTIONS and not any(_knows(name, option) for name, _ in self.targets.values()):
                known = [o for name, _ in self.targets.values() if name in registry.names() for o in _options(name)]
                raise UnknownName("option of route", option, dict.fromkeys((*known, *ADAPTER_OPTIONS, "routes")))
        self.keys: tuple[str, ...] = ("score", "acc", "unscored")
        if not shipped:  # the shipped table names rewards that this run has no endpoints for
            parts = [key for pattern in self.targets for key in self._reward(pattern).keys if key not in ALWAYS]
            self.keys = ("score", "acc", *dict.fromkeys(parts), "unscored")

    def find(self, data_source: Any) -> FrameworkReward:
        """Return the reward of a data source.

        Raises:
            UnknownName: none matches.
        """
        source = str(data_source)
        found = self._found.get(source)
        if found is None:
            matches = [key for key in self.targets if key not in OTHERWISE and source.startswith(key)]
            matches = matches or [key for key in self.targets if key in OTHERWISE]
            if not matches:
                raise UnknownName("data source", source, (*self.targets, OTHERWISE[0]))
            found = self._found[source] = self._reward(max(matches, key=len))
        return found

    def keyed(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The numbers of a sample under the keys of all routes."""
        return {key: numbers.get(key, 0.0) for key in self.keys}

    def _reward(self, pattern: str) -> FrameworkReward:
        name, options = self.targets[pattern]
        shared = {key: value for key, value in self._shared.items() if key in ADAPTER_OPTIONS or _knows(name, key)}
        both = {**shared, **options}
        return mixed_reward(both) if name == mixtures.NAME else framework_reward(name, both, alone=True, shared=True)


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Data source -> (reward, options). A mapping without a reward is a data source with dots, as Hydra reads it."""
    for key, target in table.items():
        source = f"{before}{key}"
        if not isinstance(target, Mapping):
            yield source, (str(target), {})
        elif "reward" in target:
            yield source, (str(target["reward"]), {k: v for k, v in target.items() if k != "reward"})
        elif "rewards" in target:
            yield source, (mixtures.NAME, dict(target))
        else:
            yield from _flat(target, f"{source}.")


def _options(name: str) -> tuple[str, ...]:
    return mixtures.KEYS if name == mixtures.NAME else registry.find(name).option_names()


def _knows(name: str, option: str) -> bool:
    return option in _options(name)


def _routes(kwargs: Mapping[str, Any]) -> tuple[Routes, Any]:
    given, step = given_options(kwargs)
    return ROUTED.get("route", given), step


def _make_routes(_: str, given: Mapping[str, Any]) -> Routes:
    shared = {key: plain(value) for key, value in given.items() if key != "routes"}
    table = plain(given.get("routes")) or plain(composed("routes"))
    if table and not isinstance(table, Mapping):
        raise ConfigurationError(f"routes must be a mapping of data source to reward, not {table!r}")
    return Routes(table or ROUTES, shared, shipped=not table)


def mixed_reward(given: Mapping[str, Any]) -> FrameworkReward:
    """Return the mixture that the options describe, built once a process."""
    return MIXTURES.get(mixtures.NAME, given)


def _make_mixture(name: str, given: Mapping[str, Any]) -> FrameworkReward:
    reward, options = mixtures.mixture(given)
    key = repr((reward.signature, sorted(options.adapter.items())))
    found = _mixtures.get(key)
    if found is None:
        found = _mixtures.setdefault(key, FrameworkReward(reward, options.adapter, alone=True))
        announce(name, found.signature, options)
    return found


_mixtures: dict[str, FrameworkReward] = {}
ROUTED: Final = Remembered(_make_routes)
MIXTURES: Final = Remembered(_make_mixture)
