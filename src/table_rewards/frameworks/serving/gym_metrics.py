"""What NeMo Gym asks of a resources server at the end of a run: the numbers over all of its replies to ``verify``."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from table_rewards.frameworks.serving.forms import BadRequest

TASK: Final = "_ng_task_index"
FAILED: Final = "_ng_failure_class"
MOST: Final = 1e100
"""Larger numbers are no rewards; their squares would be none that JSON knows."""


def aggregate_metrics(body: Any) -> dict[str, Any]:
    """The reply to ``/aggregate_metrics``: mean, spread and bounds of the reward and its parts, in all and by task.

    Samples that could not be scored are left out, as Gym leaves them out of its files.

    Raises:
        BadRequest: the body has no list of ``verify_responses``.

    >>> replies = [{"_ng_task_index": 0, "reward": 1.0}, {"_ng_task_index": 0, "reward": 0.0}]
    >>> aggregate_metrics({"verify_responses": replies})["key_metrics"]
    {'mean/reward': 0.5}
    """
    replies = body.get("verify_responses") if isinstance(body, Mapping) else None
    if not isinstance(replies, list):
        raise BadRequest("no list 'verify_responses' in the request")
    scored = [one for one in replies if isinstance(one, Mapping) and not one.get(FAILED)]
    by_task: dict[str, tuple[Any, list[Mapping[str, Any]]]] = {}
    for one in scored:
        task = one.get(TASK, 0)
        by_task.setdefault(str(task), (task, []))[1].append(one)
    told = _numbers(scored)
    return {
        "agent_metrics": {**told, "unscored": len(replies) - len(scored)},
        "key_metrics": {name: value for name, value in told.items() if name.startswith("mean/")},
        "group_level_metrics": [{TASK: task, **_numbers(ones)} for _, (task, ones) in sorted(by_task.items())],
    }


def _numbers(replies: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    columns: dict[str, list[float]] = {}
    for one in replies:
        parts = one.get("reward_components")
        named = {**(parts if isinstance(parts, Mapping) else {}), "reward": one.get("reward")}
        for name, value in named.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST:
                columns.setdefault(str(name), []).append(float(value))
    told: dict[str, float] = {}
    for name, column in columns.items():
        told.update(_spread(name, column))
    return told


def _spread(name: str, column: Iterable[float]) -> dict[str, float]:
    values = list(column)
    return {
        f"mean/{name}": statistics.fmean(values),
        f"max/{name}": max(values),
        f"min/{name}": min(values),
        f"median/{name}": statistics.median(values),
        f"std/{name}": statistics.stdev(values) if len(values) > 1 else 0.0,
    }
