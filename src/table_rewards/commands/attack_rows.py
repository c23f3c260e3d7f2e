"""The shipped rows that a reward is attacked on where no file is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from table_rewards.commands.installed import shipped
from table_rewards.core.errors import ConfigurationError
from table_rewards.testing.attacks import close_rankings

Rows = list[dict[str, Any]]


def shipped_rows(reward: str, limit: int = 200) -> Rows:
    """Rows with references for a reward, from the fixtures or simulated.

    >>> len(shipped_rows("teds", 5)), sorted(shipped_rows("ranking", 1)[0]["scores"])
    (5, ['A', 'B', 'C', 'D'])

    Raises:
        ConfigurationError: there are none; a file must be named.
    """
    if reward not in _SOURCES:
        raise ConfigurationError(f"no rows ship for {reward!r}: name a file; rows ship for {', '.join(_SOURCES)}")
    return _SOURCES[reward]()[:limit]


def _file(name: str, **renamed: str) -> Rows:
    with shipped(f"fixtures/{name}").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, 400)]
    return [row | {new: row[old] for new, old in renamed.items() if old in row} for row in rows]


def _table_bench() -> Rows:
    return _file("tablebench/tablebench_o3mini_dp_items.jsonl", answer="reference")


def _mathematics() -> Rows:
    return _file("mathematics/golds.jsonl", ground_truth="gold")


def _verifier() -> Rows:
    return [{"label": number % 5 != 0, "generator_step_count": 1 + number % 4} for number in range(100)]


def _white_box() -> Rows:
    rows = _file("exec_verify/cruxeval.jsonl")
    return [row | {"type": "oi" if number % 4 < 2 else "io_mixed"} for number, row in enumerate(rows)]


def _qualities() -> Rows:
    return [{"score": score} for row in close_rankings(50) for score in row["scores"].values()]


_SOURCES: Final[Mapping[str, Callable[[], Rows]]] = {
    "table_bench": _table_bench,
    "table_region": lambda: _file("table_r1/rl_rows.jsonl"),
    "teds": lambda: _file("tables/pubtabnet.jsonl"),
    "cell_f1": lambda: _file("tables/pubtabnet.jsonl"),
    "grits": lambda: _file("tables/pubtabnet.jsonl"),
    "mathematics": _mathematics,
    "generator": _mathematics,
    "verifier": _verifier,
    "ranking": lambda: close_rankings(200),
    "scalar_quality": _qualities,
    "white_box": _white_box,
    "unit_tests": lambda: [row for row in _file("exec_verify/programs.jsonl") if row.get("what") == "as published"],
}
