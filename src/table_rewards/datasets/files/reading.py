"""Rows in files: parquet, JSON lines and JSON arrays, read in bounded memory and written in one step.

What a file is, its first bytes say, not its ending: parquet, gzip around JSON, a JSON array, or one JSON object a line.

>>> import pathlib, tempfile
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
from typing import Any, Final, Literal

from table_rewards.core.errors import nearest
from table_rewards.datasets.files.json_rows import CHUNK, JSON_TYPES, BrokenRow, array_rows, line_rows, open_bytes
from table_rewards.datasets.files.row_writer import RowWriter as RowWriter
from table_rewards.datasets.files.unusable import UnusableFile as UnusableFile
from table_rewards.datasets.files.unusable import explained, need_pyarrow

Format = Literal["parquet", "jsonl", "json"]
BATCH: Final = 1024


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
        path: parquet, JSON lines (also gzipped) or a JSON array.
        columns: only these; None for all. In JSON a row may lack some, then it comes without them.
        start: how many rows to skip; whole row groups of parquet are not read, lines of JSON not parsed.
        batch_size: rows of parquet that are in memory at once.
        broken: what a line that is not a JSON object does: raise, or come as a :class:`BrokenRow`.

    Raises:
        UnusableFile: no such file, no such column, not a format of ours, damaged.
        ConfigurationError: parquet without pyarrow.
    """
    path = Path(path)
    with explained(path):
        kind = format_of(path)
        if kind == "parquet":
            yield from _parquet_rows(path, columns, start, batch_size)
            return
        rows = array_rows(path, start) if kind == "json" else line_rows(path, start, broken)
        if columns is None:
            yield from rows
            return
        wanted = list(columns)
        for row in rows:
            yield row if isinstance(row, BrokenRow) else {name: row[name] for name in wanted if name in row}


def read_batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in lists of ``size``, the last one shorter.

    >>> [len(batch) for batch in read_batches([{}] * 5, 2)]
    [2, 2, 1]
    """
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def count_rows(path: str | os.PathLike[str]) -> int:
    """Count the rows without parsing them: parquet's footer, the lines that are not blank, or the array's items."""
    path = Path(path)
    with explained(path):
        kind = format_of(path)
        if kind == "parquet":
            return int(_parquet(path).metadata.num_rows)
        if kind == "json":
            return sum(1 for _ in array_rows(path, 0))
        with open_bytes(path) as file:
            return sum(1 for line in file if line.strip())


def columns_of(path: str | os.PathLike[str], rows: int = 64) -> list[str]:
    """The column names: parquet's schema, or every key of the first ``rows`` JSON rows in order of appearance."""
    path = Path(path)
    with explained(path):
        if format_of(path) == "parquet":
            return [str(name) for name in _parquet(path).schema_arrow.names]
    found: dict[str, None] = {}
    for number, row in enumerate(read_rows(path, broken="yield")):
        if number >= rows:
            break
        found.update(dict.fromkeys(row))
    return list(found)


def schema_of(path: str | os.PathLike[str], rows: int = 64) -> dict[str, str]:
    """Column name -> type in words, for messages and listings."""
    path = Path(path)
    with explained(path):
        if format_of(path) == "parquet":
            return {str(field.name): str(field.type) for field in _parquet(path).schema_arrow}
    types: dict[str, dict[str, None]] = {}
    for number, row in enumerate(read_rows(path, broken="yield")):
        if number >= rows:
            break
        for name, value in row.items():
            types.setdefault(name, {})[JSON_TYPES.get(type(value), type(value).__name__)] = None
    return {name: " or ".join(kinds) for name, kinds in types.items()}


def require_columns(path: str | os.PathLike[str], wanted: Iterable[str]) -> None:
    """Raise :class:`UnusableFile` naming the first missing column, the nearest there is, and all there are."""
    there = columns_of(path)
    for name in wanted:
        if name not in there:
            raise UnusableFile(path, missing_column(name, there))


def missing_column(name: str, there: Sequence[str]) -> str:
    """One line: the column that is missing, the nearest name, the columns there are.

    >>> missing_column("respones", ["id", "response"])
    "no column 'respones' (did you mean 'response'?); columns: id, response"
    """
    return f"no column {name!r}{nearest(name, there)}; columns: {', '.join(there) or 'none'}"


def format_of(path: str | os.PathLike[str]) -> Format:
    """``parquet``, ``jsonl`` or ``json`` (one array), by the first bytes.

    Raises:
        UnusableFile: empty, or none of them.
    """
    path = Path(path)
    if path.is_dir():
        raise UnusableFile(path, "this is a folder; name one file in it")
    with path.open("rb") as raw:
        if raw.read(4) == b"PAR1":
            return "parquet"
    with open_bytes(path) as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise UnusableFile(path, "the file is empty")
    if head[:1] == b"[":
        return "json"
    if head[:1] == b"{":
        return "jsonl"
    raise UnusableFile(path, f"neither parquet nor JSON; it begins with {head[:24]!r}")


# -- parquet ----------------------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Any:
    need_pyarrow("reading parquet")
    from pyarrow import parquet

    # without pre_buffer and with a buffer of its own a row group is streamed instead of held
    return parquet.ParquetFile(path, pre_buffer=False, buffer_size=CHUNK)


def _parquet_rows(path: Path, columns: Sequence[str] | None, start: int, batch_size: int) -> Iterator[dict[str, Any]]:
    file = _parquet(path)
    there = [str(name) for name in file.schema_arrow.names]
    for name in columns or ():
        if name not in there:
            raise UnusableFile(path, missing_column(name, there))
    groups = list(range(file.metadata.num_row_groups))
    skip = start
    while groups and skip >= file.metadata.row_group(groups[0]).num_rows:
        skip -= file.metadata.row_group(groups.pop(0)).num_rows
    if not groups:
        return
    for batch in file.iter_batches(batch_size, row_groups=groups, columns=list(columns) if columns else None):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        if skip:
            batch, skip = batch.slice(skip), 0
        yield from batch.to_pylist()


__all__ = [
    "BrokenRow",
    "RowWriter",
    "UnusableFile",
    "columns_of",
    "count_rows",
    "format_of",
    "missing_column",
    "read_batches",
    "read_rows",
    "require_columns",
    "schema_of",
]
