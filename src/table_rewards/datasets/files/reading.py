"""Rows in files, read in bounded memory: parquet, arrow, JSON lines, JSON arrays and objects, csv.

What a file is, its first bytes say, not its ending. A name may also be a folder, a pattern or ``-`` for standard input.

>>> import pathlib, tempfile
>>> from table_rewards.datasets.files import RowWriter
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> with RowWriter(folder / "rows.jsonl") as writer:
...     writer.write([{"id": 1, "answer": "7"}, {"id": 2, "answer": "8"}])
>>> count_rows(folder / "rows.jsonl"), columns_of(folder / "rows.jsonl")
(2, ['id', 'answer'])
>>> list(read_rows(folder / "rows.jsonl", columns=["answer"]))
[{'answer': '7'}, {'answer': '8'}]
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from table_rewards.datasets.files.sniffing import Format
from table_rewards.datasets.files.source import BATCH, RowSource, _File, missing_column
from table_rewards.datasets.files.unusable import UnusableFile, explained

RowT = TypeVar("RowT")


def read_rows(
    path: str | os.PathLike[str],
    columns: Sequence[str] | None = None,
    *,
    start: int = 0,
    batch_size: int = BATCH,
    broken: Literal["raise", "yield"] = "raise",
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, one dict each, in order and in bounded memory.

    Args:
        path: parquet, arrow, JSON lines (also gzipped), a JSON array, indented JSON, csv; a folder or a pattern of
            these; a data set that Hugging Face's ``save_to_disk`` wrote; ``-`` for standard input.
        columns: only these; None for all. In JSON a row may lack some, then it comes without them.
        start: how many rows to skip; whole row groups of parquet are not read, lines of JSON not parsed.
        batch_size: rows of parquet that are in memory at once.
        broken: what a line that is not a JSON object does: raise, or come as a
            :class:`~table_rewards.datasets.files.BrokenRow`.

    Raises:
        UnusableFile: no such file, no such column, not a format of ours, damaged.
        ConfigurationError: parquet without pyarrow.
    """
    yield from RowSource(path).rows(columns, start=start, batch_size=batch_size, broken=broken)


def read_batches(rows: Iterable[RowT], size: int) -> Iterator[list[RowT]]:
    """Yield rows in lists of ``size``, the last one shorter.

    >>> [len(batch) for batch in read_batches([{}] * 5, 2)]
    [2, 2, 1]
    """
    batch: list[RowT] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def count_rows(path: str | os.PathLike[str]) -> int:
    """Count the rows without parsing them: parquet's footer, the lines that are not blank, or the array's items."""
    return RowSource(path).count()


def columns_of(path: str | os.PathLike[str], rows: int = 64) -> list[str]:
    """The column names: parquet's schema, or every key of the first ``rows`` JSON rows in order of appearance."""
    return RowSource(path).columns(rows)


def schema_of(path: str | os.PathLike[str], rows: int = 64) -> dict[str, str]:
    """Column name -> type in words, for messages and listings."""
    return RowSource(path).schema(rows)


def require_columns(path: str | os.PathLike[str], wanted: Iterable[str]) -> None:
    """Raise :class:`UnusableFile` naming the first missing column, the nearest there is, and all there are.

    Raises:
        UnusableFile: a column is missing; the message names the nearest one.
    """
    there = columns_of(path)
    for name in wanted:
        if name not in there:
            raise UnusableFile(path, missing_column(name, there))


def format_of(path: str | os.PathLike[str]) -> Format:
    """``parquet``, ``arrow``, ``jsonl``, ``json`` (one array), ``objects`` or ``csv``, by the first bytes.

    Raises:
        UnusableFile: empty, a folder, or none of them.
    """
    path = Path(path)
    if path.is_dir():
        raise UnusableFile(path, "this is a folder; name one file in it")
    with explained(path):
        return _File(path).kind
