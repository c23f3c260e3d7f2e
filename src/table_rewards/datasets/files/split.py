"""Split a file into two, by seed, in one pass and bounded memory; the order of the rows stays."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.reading import count_rows, read_rows
from table_rewards.datasets.files.row_writer import RowWriter

SEED: Final = 42
TRAIN_RATIO: Final = 0.9


class Split(NamedTuple):
    """The two files of a split and their sizes."""

    train: Path
    test: Path
    train_rows: int
    test_rows: int


def held_out(rows: int, train_ratio: float = TRAIN_RATIO, seed: int = SEED) -> frozenset[int]:
    """The row numbers that go to the test file: a random sample of ``rows - round(rows * train_ratio)``.

    Raises:
        ConfigurationError: ``train_ratio`` is not in (0, 1).

    >>> sorted(held_out(10, 0.8)), held_out(10, 0.8) == held_out(10, 0.8), held_out(0)
    ([0, 1], True, frozenset())
    """
    if not 0 < train_ratio < 1:
        raise ConfigurationError(f"train_ratio is a share in (0, 1), not {train_ratio!r}")
    train = round(rows * train_ratio)
    if rows > 1:
        train = min(max(train, 1), rows - 1)  # neither file is empty
    return frozenset(random.Random(seed).sample(range(rows), rows - train))


def split_file(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    train_ratio: float = TRAIN_RATIO,
    seed: int = SEED,
    names: tuple[str, str] = ("train.parquet", "test.parquet"),
    columns: list[str] | None = None,
) -> Split:
    """Write ``train.parquet`` and ``test.parquet`` (or other ``names``) into ``folder``.

    The same source, ratio and seed give the same files. Equal rows may land on both sides: a split is by row.
    """
    chosen = held_out(count_rows(source), train_ratio, seed)
    train, test = (Path(folder) / name for name in names)
    with RowWriter(train) as one, RowWriter(test) as other:
        kept: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        for number, row in enumerate(read_rows(source, columns)):
            kept[number in chosen].append(row)
            if len(kept[0]) + len(kept[1]) >= 1024:
                one.write(kept[0])
                other.write(kept[1])
                kept = ([], [])
        one.write(kept[0])
        other.write(kept[1])
    return Split(train, test, one.count, other.count)
