"""Score files, read for a report: statistics of each, and what pairs of them say row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import UnusableFile, columns_of, missing_column, read_rows
from table_rewards.evaluation.scores.distribution import NAN
from table_rewards.evaluation.scores.scoring import BY_COLUMNS
from table_rewards.evaluation.scores.statistics import ScoreStatistics

SCORE: Final = "score"


@dataclass
class ScoreFile:
    """One score file and its statistics."""

    path: Path
    name: str
    statistics: ScoreStatistics


@dataclass
class Pairing:
    """Two score files of the same rows, compared row by row.

    ``difference`` is the mean of (second - first) over the completions that both scored, ``error`` its standard error;
    completions of one row count as dependent.
    """

    first: str
    second: str
    rows: int = 0
    higher: int = 0
    lower: int = 0
    difference: float = NAN
    error: float = NAN

    @property
    def equal(self) -> int:
        return self.rows - self.higher - self.lower

    @property
    def clear(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.rows > 1 and abs(self.difference) > 2 * self.error


def load(paths: Sequence[Path], by: str | None = None, *, mixed: bool = False) -> list[ScoreFile]:
    """Read score files.

    Args:
        paths: written by ``table-rewards score``, or any rows with a column ``score``.
        by: the column to group by; by default the first of ``qtype``, ``data_source``, ``instruction_type`` that all
            files have.
        mixed: allow scores of different signatures beside one another.

    Raises:
        UnusableFile: a file has no column of scores, or not the one to group by.
        ConfigurationError: the signatures differ.
    """
    there = [columns_of(path) for path in paths]
    for path, names in zip(paths, there, strict=True):
        for wanted in (SCORE, by):
            if wanted is not None and wanted not in names:
                raise UnusableFile(path, missing_column(wanted, names))
    by = by or next((name for name in BY_COLUMNS if all(name in names for names in there)), None)
    files = []
    for path, name, columns in zip(paths, short_names(paths), there, strict=True):
        statistics = ScoreStatistics(parts_of(columns), by)
        for row in read_rows(path):
            statistics.add(completed(row))
        if not statistics.count:
            raise UnusableFile(path, "the file holds no score")
        files.append(ScoreFile(path, name, statistics))
    signatures = {signature: file for file in files for signature in file.statistics.signatures}
    if len(signatures) > 1 and not mixed:
        told = "; ".join(f"{file.name}: {signature or 'none'}" for signature, file in signatures.items())
        raise ConfigurationError(
            f"these scores were made in different ways and do not compare ({told}); "
            "--different-signatures shows them beside one another"
        )
    return files


def parts_of(columns: Sequence[str]) -> list[str]:
    """The parts: what `score` writes between ``score`` and ``status``."""
    if SCORE not in columns or "status" not in columns:
        return []
    return list(columns[columns.index(SCORE) + 1 : columns.index("status")])


def completed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of any file with scores, with a status."""
    if row.get("status") is None:
        value = row.get(SCORE)
        row["status"] = "unscored" if value is None or value != value else "scored"
    return row


def pair(first: ScoreFile, second: ScoreFile) -> Pairing | None:
    """Compare two files row by row, in one pass; None when they do not hold the same rows."""
    found = Pairing(first.name, second.name)
    cluster: list[float] = []  # the differences of the row at hand
    sums = [0.0] * 5  # over rows: rows, s, s*s, n*s, n*n
    row: Any = None
    one, other = _scores(first.path), _scores(second.path)
    for (key, mine), (their_key, theirs) in zip(one, other, strict=False):
        if key != their_key:
            return None
        if key[0] != row:
            _close(cluster, sums)
            row = key[0]
        if mine is None or theirs is None or mine != mine or theirs != theirs:
            continue
        difference = theirs - mine
        found.rows += 1
        found.higher += difference > 1e-9
        found.lower += difference < -1e-9
        cluster.append(difference)
    _close(cluster, sums)
    if next(one, None) is not None or next(other, None) is not None or not found.rows:
        return None
    count, total, squares, cross, sizes = sums
    mean = found.difference = total / found.rows
    spread = max(0.0, squares - 2 * mean * cross + mean * mean * sizes)
    found.error = math.sqrt(spread * count / max(1.0, count - 1)) / found.rows
    return found


def _close(cluster: list[float], sums: list[float]) -> None:
    """Add one row's completions to the sums over rows."""
    if cluster:
        n, s = len(cluster), sum(cluster)
        for i, value in enumerate((1, s, s * s, n * s, n * n)):
            sums[i] += value
        cluster.clear()


def _scores(path: Path) -> Iterator[tuple[Any, float | None]]:
    for position, row in enumerate(read_rows(path)):
        yield (row.get("row", position), row.get("sample", 0), row.get("id")), row.get(SCORE)


def short_names(paths: Sequence[Path]) -> list[str]:
    """Names that tell the files apart: their stems, with as many parent folders as it takes."""
    for depth in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        names = [name.removesuffix(".parquet").removesuffix(".gz").removesuffix(".jsonl") for name in names]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(paths, 1)]
