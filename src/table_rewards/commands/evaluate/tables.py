"""`table-rewards evaluate tables`: TEDS and its structural form for each set of a benchmark, and over all sets."""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.evaluate.numbers import write_numbers
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.terminal import note, table
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files import read_batches, read_rows
from table_rewards.rewards.table_similarity import TEDS

PREDICTIONS: Final = ("prediction", "predictions", "response", "responses", "otsl", "completion")
SETS: Final = ("dataset", "set", "data_source")
METRICS: Final = ("TEDS", "S-TEDS")
RULES: Final[dict[str, dict[str, Any]]] = {
    "standard": {},
    "pubtabnet": {"normalisation": "pubtabnet", "denominator": "pubtabnet", "clip": False},
    "omnidocbench": {"normalisation": "omnidocbench", "denominator": "pubtabnet", "clip": False},
}
WINDOW: Final = 256


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "TEDS and S-TEDS (structure alone) of predicted tables, in any format, for every set and over all: the mean of "
        "the sets weighted by their tables, or by --weights as papers do that weigh sets by their published sizes. A "
        "row has its gold table in solution and its set in dataset, as `prepare trivia-benchmark` and `generate` leave "
        "them; a prediction without a table scores 0."
    )
    parser.add_argument("file", metavar="FILE", nargs="+", type=Path, help="predictions")
    parser.add_argument(
        "--rules", choices=RULES, default="standard", help="how texts are compared and what is divided by (%(default)s)"
    )
    parser.add_argument("--weights", metavar="N,N,...", help="weight of each set, in the order of the table printed")
    parser.add_argument("--prediction-key", metavar="NAME", help=f"({', '.join(PREDICTIONS)})")
    parser.add_argument("--gold-key", default="solution", metavar="NAME", help="(%(default)s)")
    parser.add_argument("--set-key", metavar="NAME", help="(dataset, set, data_source, else the file's name)")
    parser.add_argument("--out", type=Path, metavar="OUT", help="write the numbers as JSON")


def run(options: argparse.Namespace) -> int:
    """Compare tables with gold tables.

    Raises:
        ConfigurationError: no row has a gold table.
    """
    rules = RULES[options.rules]
    measures = {"TEDS": TEDS(**rules), "S-TEDS": TEDS(structure_only=True, **rules)}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: {name: [] for name in METRICS})
    unparsed: dict[str, int] = defaultdict(int)
    left_out = 0
    for path in options.file:
        for batch in read_batches(({"row": row} for row in read_rows(path)), WINDOW):
            rows = [entry["row"] for entry in batch]
            sets = [_set(row, options.set_key, path) for row in rows]
            predictions = [_prediction(row, options.prediction_key, path) for row in rows]
            golds = [{"solution": row.get(options.gold_key)} for row in rows]
            for name, measure in measures.items():
                scores = measure(predictions, golds)
                for where, value, status in zip(sets, scores.values.tolist(), scores.status.tolist(), strict=True):
                    if math.isnan(value):
                        left_out += name == "TEDS"
                        continue
                    values[where][name].append(value)
                    unparsed[where] += status == "unparsed" and name == "TEDS"
    if not values:
        raise ConfigurationError(f"no row has a gold table in {options.gold_key!r}; --gold-key names the column")
    weights = _weights(options.weights, values)
    means = {where: {name: sum(some[name]) / len(some[name]) for name in METRICS} for where, some in values.items()}
    overall = {name: weighted([mean[name] for mean in means.values()], list(weights.values())) for name in METRICS}
    results: list[dict[str, Any]] = [
        {
            "set": where,
            "tables": len(values[where]["TEDS"]),
            "weight": weights[where],
            "without_a_table": unparsed[where],
            **mean,
        }
        for where, mean in means.items()
    ]
    _show(results, overall)
    numbers = {"rules": options.rules, "sets": results, "overall": overall, "left_out": left_out}
    write_numbers(options.out, numbers)
    if left_out:
        note(f"left out: {left_out:,} rows without a gold table that can be read")
    return INCOMPLETE if left_out else DONE


def weighted(values: list[float], weights: list[float]) -> float:
    """The weighted mean.

    >>> round(weighted([91.60, 84.90, 90.76], [512, 300, 700]), 2)
    89.88
    """
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _weights(given: str | None, values: dict[str, dict[str, list[float]]]) -> dict[str, float]:
    if given is None:
        return {where: float(len(some["TEDS"])) for where, some in values.items()}
    try:
        numbers = [float(one) for one in given.split(",")]
    except ValueError:
        raise ConfigurationError(f"--weights are numbers between commas, not {given!r}") from None
    if len(numbers) != len(values) or any(not math.isfinite(one) or one < 0 for one in numbers) or not sum(numbers):
        raise ConfigurationError(
            f"--weights {given}: one weight of 0 or more for each of the {len(values)} sets {', '.join(values)}"
        )
    return dict(zip(values, numbers, strict=True))


def _set(row: dict[str, Any], key: str | None, path: Path) -> str:
    for name in (key,) if key else SETS:
        if row.get(name) is not None:
            return str(plain(row[name]))
    return path.stem


def _prediction(row: dict[str, Any], key: str | None, path: Path) -> str:
    names = (key,) if key else PREDICTIONS
    name = next((name for name in names if row.get(name) is not None), None)
    if name is None and any(name in row for name in names):
        return ""  # a call that failed
    if name is None:
        raise ConfigurationError(f"{path}: no column {' or '.join(map(repr, names))}; there are {', '.join(row)}")
    value = plain(row[name])
    return str(value[0] if isinstance(value, list) and value else value)


def _show(results: list[dict[str, Any]], overall: dict[str, float]) -> None:
    header = ["set", "tables", "weight", "no table", *METRICS]
    lines = [
        [
            r["set"],
            f"{r['tables']:,}",
            f"{r['weight']:g}",
            f"{r['without_a_table']:,}",
            *(f"{100 * r[name]:.2f}" for name in METRICS),
        ]
        for r in results
    ]
    lines.append(["overall", "", "", "", *(f"{100 * overall[name]:.2f}" for name in METRICS)])
    print("\n".join(table(header, lines, right=range(1, len(header)), room=120)))


SUBCOMMANDS: Final[dict[str, Task]] = {
    "tables": Task("TEDS and S-TEDS for each set of tables, and over all", configure, run)
}
