"""The shipped rows that a reward is attacked on where no file is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from table_rewards.commands.installed import shipped
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.exec_verify.code import shown_tests
from table_rewards.datasets.exec_verify.questions import TRIVIAL_SHARE
from table_rewards.datasets.exec_verify.rows import Report, Settings, prepare
from table_rewards.rewards.unit_tests.reference import UnitTestsReference
from table_rewards.tables import parse_table
from table_rewards.testing.attacks import close_rankings

Rows = list[dict[str, Any]]
_DOCSTRING: Final = re.compile("\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.DOTALL)


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


def white_box_rows(*, thinned: bool) -> Rows:
    """CRUXEval's rows as `prepare exec-verify` makes them; not thinned: with the questions and rows that it leaves out.

    Raises:
        ScorerFailed: the sandbox cannot run here.
    """
    settings = Settings(keep_trivial=not thinned, trivial_share=TRIVIAL_SHARE if thinned else 1.0)
    made = prepare(_file("exec_verify/cruxeval.jsonl"), settings, Report())
    return [{**row, "solution": solution} for row, solution in made]


def _programs() -> Rows:
    """Problems with tests; the prompt is the docstring of the published program."""
    rows = _file("exec_verify/programs.jsonl")
    for row in rows:
        said = _DOCSTRING.search(row["completion"])
        row["prompt"] = said[1] or said[2] if said else ""
        row["tests_in_prompt"] = shown_tests(UnitTestsReference.from_row(row), row["prompt"])
    return rows


def _questions() -> Rows:
    """Simulated questions about the cells of real tables, for a reader without a model."""
    rows = []
    for row in _file("tables/pubtabnet.jsonl"):
        table = parse_table(row["html"])
        if table is None:
            continue
        header, *body = [[cell.text for cell in line] for line in table.rows]
        asked = [
            {"question": f"What is the {name} of {line[0]}?", "answer": line[at]}
            for line in body[:3]
            for at, name in enumerate(header)
            if at and len(line) == len(header) and line[0] and line[at] and name
        ]
        if asked:
            rows.append({"table": row["html"], "qa_pairs": asked[:4]})
    return rows


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
    "white_box": lambda: white_box_rows(thinned=False),
    "unit_tests": _programs,
    "qa_f1": _questions,
}
