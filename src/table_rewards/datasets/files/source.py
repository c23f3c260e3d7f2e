"""Rows of one file or many, looked at once.

A source opens a file, learns its kind from the first bytes and its columns from the first rows, keeps those rows, and
goes on from there when all are asked for. So that looking and reading open a file once.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

from table_rewards.core.errors import nearest
from table_rewards.datasets.files.compression import MAGIC, Compression, compression_of, unpacked
from table_rewards.datasets.files.csv_rows import csv_rows
from table_rewards.datasets.files.json_rows import (
    CHUNK,
    JSON_TYPES,
    BrokenRow,
    array_rows,
    later_rows,
    line_rows,
    object_rows,
)
from table_rewards.datasets.files.locations import STANDARD_INPUT, files_of, steps_of
from table_rewards.datasets.files.sniffing import HEAD, Format, kind_of
from table_rewards.datasets.files.unusable import UnusableFile, explained, need_pyarrow

BATCH: Final = 1024
LOOK_AHEAD: Final = 64
STEP: Final = "step"

Place = str | os.PathLike[str]


class Mark(NamedTuple):
    """Where a row of a file begins: its number, its first byte, and the lines before it."""

    row: int
    offset: int
    lines: int


class Index(NamedTuple):
    """The rows of each file, and for plain JSON lines where some of them begin.

    Attributes:
        every: rows from one mark to the next.
        rows: of each file.
        marks: of each file.
    """

    every: int
    rows: tuple[int, ...]
    marks: tuple[tuple[Mark, ...], ...]

    def before(self, file: int, row: int) -> Mark | None:
        """The last mark of a file that is not behind a row; None where there is none."""
        marks = self.marks[file]
        return marks[min(row // self.every, len(marks) - 1)] if marks else None


class RowSource:
    """The rows of a file, of several files, of a folder, of a pattern or of standard input (``-``).

    Args:
        places: what to read, one after another.

    Attributes:
        name: what to call it in messages.
        files: the files that are read, in order.
        named_steps: the training steps that the names of the files tell, once a row was read that has none itself.

    >>> import json, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for step in (10, 9):
    ...     _ = (folder / f"{step}.jsonl").write_text(json.dumps({"answer": str(step)}) + chr(10))
    >>> list(RowSource(folder).rows())
    [{'answer': '9', 'step': 9}, {'answer': '10', 'step': 10}]

    Raises:
        UnusableFile: there is no such file, pattern or data in the folder; or it cannot be read.
    """

    def __init__(self, *places: Place) -> None:
        self.name = ", ".join(
            "standard input" if os.fspath(place) == STANDARD_INPUT else str(place) for place in places
        )
        self.files = files_of(places)
        self._steps = steps_of(self.files)
        self.named_steps: list[int] = []
        self._opened: dict[int, _File] = {}
        self._head: list[dict[str, Any]] | None = None
        self._rest: Iterator[dict[str, Any]] | None = None
        self._read = 0  # bytes of the files that are read to their end
        self.index: Index | None = None

    def first(self, count: int = LOOK_AHEAD) -> list[dict[str, Any]]:
        """The first rows, kept; at most 64 of them."""
        if self._head is None:
            self._rest = self._all(None, 0, LOOK_AHEAD)
            self._head = []
            for row in self._rest:
                self._head.append(row)
                if len(self._head) >= LOOK_AHEAD:
                    break
        return self._head[:count]

    def rows(
        self,
        columns: Sequence[str] | None = None,
        *,
        start: int = 0,
        batch_size: int = BATCH,
        broken: Literal["raise", "yield"] = "raise",
    ) -> Iterator[dict[str, Any]]:
        """All rows from ``start`` on; see :func:`~table_rewards.datasets.files.read_rows`.

        Raises:
            UnusableFile: a row cannot be read.
        """
        if columns is None and start == 0 and self._head is not None and self._rest is not None:
            rest, self._rest = self._rest, None
            found: Iterator[dict[str, Any]] = chain(list(self._head), rest)
        else:
            found = self._all(columns, start, batch_size)
        for row in found:
            if isinstance(row, BrokenRow):
                if broken == "raise":
                    raise UnusableFile(row.path or self.name, row.problem)
                yield row
            elif columns is None:
                yield row
            else:
                yield {name: row[name] for name in columns if name in row}

    def columns(self, rows: int = LOOK_AHEAD) -> list[str]:
        """The column names: parquet's schema, or every key of the first JSON rows in order of appearance."""
        named = self._schema_of_first()
        if named is not None:
            return list(named)
        return list(dict.fromkeys(name for row in self.first(rows) for name in row))

    def schema(self, rows: int = LOOK_AHEAD) -> dict[str, str]:
        """Column name -> type in words."""
        named = self._schema_of_first()
        if named is not None:
            return named
        types: dict[str, dict[str, None]] = {}
        for row in self.first(rows):
            for name, value in row.items():
                types.setdefault(name, {})[JSON_TYPES.get(type(value), type(value).__name__)] = None
        return {name: " or ".join(kinds) for name, kinds in types.items()}

    def count(self) -> int:
        """The number of rows, without parsing them where the format allows."""
        return sum(self._file(number).count() for number in range(len(self.files)))

    def indexed(self, every: int) -> Index:
        """Count the rows of every file, and note where each ``every``-th row of plain JSON lines begins.

        A source that has got an index as its ``index`` begins anywhere without reading what lies before.
        """
        found = [self._file(number).marks(every) for number in range(len(self.files))]
        return Index(every, tuple(count for count, _ in found), tuple(marks for _, marks in found))

    @property
    def progress(self) -> float:
        """The share of the bytes that has been read, from 0 to 1."""
        whole = sum(file.stat().st_size for file in self.files) or 1
        return min(1.0, (self._read + max((file.position for file in self._opened.values()), default=0)) / whole)

    def fingerprint(self) -> str:
        """Size, beginning and end of every file: enough to notice another one, cheap on large ones."""
        seen = hashlib.blake2b(digest_size=8)
        size = 0
        for path in self.files:
            size += path.stat().st_size
            with path.open("rb") as file:
                seen.update(file.read(HEAD))
                file.seek(max(0, path.stat().st_size - HEAD))
                seen.update(file.read())
        return f"{size} bytes, {seen.hexdigest()}"

    def _all(self, columns: Sequence[str] | None, start: int, batch_size: int) -> Iterator[dict[str, Any]]:
        self._read, skip = 0, start
        for number, path in enumerate(self.files):
            if skip and self.index is not None and skip >= self.index.rows[number]:
                skip -= self.index.rows[number]
                continue
            with explained(path):
                file = self._file(number)
                if skip and number + 1 < len(self.files) and self.index is None:
                    there = file.count()
                    if skip >= there:
                        skip -= there
                        self._close(number)
                        continue
                step = self._steps[number]
                mark = None if self.index is None or not skip else self.index.before(number, skip)
                found = file.rows(columns, skip, batch_size) if mark is None else file.rows_from(mark, skip)
                for row in found:
                    if isinstance(row, BrokenRow):
                        row.path = str(path)
                    elif step is not None and row.get(STEP) is None and (columns is None or STEP in columns):
                        row[STEP] = step
                        if not self.named_steps:
                            self.named_steps = [one for one in self._steps if one is not None]
                    yield row
                skip = 0
                self._close(number)

    def _file(self, number: int) -> _File:
        if number not in self._opened:
            with explained(self.files[number]):
                self._opened[number] = _File(self.files[number])
        return self._opened[number]

    def _close(self, number: int) -> None:
        file = self._opened.pop(number, None)
        self._read += self.files[number].stat().st_size
        if file is not None and number == 0 and file.table is not None:
            self._opened[number] = file  # its schema may be asked for again
            file.position = 0

    def _schema_of_first(self) -> dict[str, str] | None:
        if not self.files:
            return None
        file = self._file(0)
        if file.table is None:
            return None
        named = {str(field.name): str(field.type) for field in file.table.schema}
        if self._steps[0] is not None:
            named.setdefault(STEP, "int64")
        return named


class _File:
    """One opened file: its kind, and its rows from anywhere, the first reading without opening it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table: _Table | None = None
        self.position = 0
        raw = path.open("rb")
        self._compression = compression_of(raw.read(MAGIC))
        raw.seek(0)
        self.kind: Format = kind_of(unpacked(raw, self._compression).read(HEAD), path)
        raw.seek(0)
        self._fresh: _Told | None = _Told(raw, self, self._compression)  # opened, and nothing read of it
        if self.kind in ("parquet", "arrow"):
            self._fresh = None
            self.table = _Table(path, raw, self.kind)

    def rows(self, columns: Sequence[str] | None, start: int, batch_size: int) -> Iterator[dict[str, Any]]:
        if self.table is not None:
            yield from self.table.rows(columns, start, batch_size)
            return
        told = self._unread()
        if self.kind == "json":
            yield from array_rows(told, self.path, start)
        elif self.kind == "objects":
            yield from object_rows(told, self.path, start)
        elif self.kind == "csv":
            yield from csv_rows(io.BufferedReader(_Raw(told), CHUNK), start)
        else:
            yield from line_rows(told, start)

    def rows_from(self, mark: Mark, start: int) -> Iterator[dict[str, Any]]:
        """The rows of plain JSON lines from ``start`` on, read from a mark before it."""
        with self.path.open("rb") as raw:
            raw.seek(mark.offset)
            for row in islice(later_rows(raw, mark.lines), start - mark.row, None):
                self.position = raw.tell()
                yield row

    def marks(self, every: int) -> tuple[int, tuple[Mark, ...]]:
        """The number of rows, and for plain JSON lines where each ``every``-th begins."""
        if self.kind != "jsonl" or self._compression is not None:
            return self.count(), ()
        marks, rows, offset = [], 0, 0
        with self.path.open("rb") as raw:
            for lines, line in enumerate(raw):
                if line.strip():
                    if rows % every == 0:
                        marks.append(Mark(rows, offset, lines))
                    rows += 1
                offset += len(line)
        return (rows, tuple(marks)) if rows > 1 else (self.count(), ())  # one line may hold many rows

    def count(self) -> int:
        if self.table is not None:
            return self.table.count()
        if self.kind == "jsonl":
            lines = (line for line in self._unread() if line.strip())
            first = next(lines, b"")
            rest = sum(1 for _ in lines)
            return rest + 1 if rest else sum(1 for _ in line_rows([first], 0))
        return sum(1 for _ in self.rows(None, 0, BATCH))

    def _unread(self) -> _Told:
        fresh, self._fresh = self._fresh, None
        return fresh or _Told(self.path.open("rb"), self, self._compression)


class _Told:
    """A stream of bytes, unzipped, that tells its file how far it has been read."""

    def __init__(self, raw: IO[bytes], file: _File, compression: Compression | None) -> None:
        self._raw, self._file, self._compressed = raw, file, compression is not None
        self.stream = unpacked(raw, compression)

    def read(self, size: int = -1) -> bytes:
        found = self.stream.read(size)
        self._file.position = self._raw.tell()
        return found

    def __iter__(self) -> Iterator[bytes]:
        passed = 0
        for line in self.stream:
            passed += len(line)
            if passed > HEAD:  # telling costs more than a line does
                passed = 0
                self._file.position = self._raw.tell() if self._compressed else self._file.position + HEAD
            yield line
        self._raw.close()


class _Raw(io.RawIOBase):
    def __init__(self, told: _Told) -> None:
        self._told = told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._told.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


class _Table:
    """A parquet or arrow file, read batch by batch."""

    def __init__(self, path: Path, raw: IO[bytes], kind: str) -> None:
        self.path, self._kind = path, kind
        if kind == "parquet":
            need_pyarrow("reading parquet")
            from pyarrow import parquet

            # without pre_buffer and with a buffer of its own a row group is streamed instead of held
            self._file: Any = parquet.ParquetFile(raw, pre_buffer=False, buffer_size=CHUNK)
            self.schema: Any = self._file.schema_arrow
        else:
            need_pyarrow("reading arrow files")
            self._file = raw
            self.schema = self._arrow().schema

    def count(self) -> int:
        if self._kind == "parquet":
            return int(self._file.metadata.num_rows)
        return sum(int(batch.num_rows) for batch in self._batches(None, BATCH, [])[0])

    def rows(self, columns: Sequence[str] | None, start: int, batch_size: int) -> Iterator[dict[str, Any]]:
        there = [str(name) for name in self.schema.names]
        for name in columns or ():
            if name not in there:
                raise UnusableFile(self.path, missing_column(name, there))
        batches, skip = self._batches(columns, batch_size, [start])
        for batch in batches:
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            if skip:
                batch, skip = batch.slice(skip), 0
            for begin in range(0, batch.num_rows, batch_size):
                yield from batch.slice(begin, batch_size).to_pylist()

    def _batches(self, columns: Sequence[str] | None, size: int, start: list[int]) -> tuple[Iterator[Any], int]:
        skip = start[0] if start else 0
        if self._kind != "parquet":
            names = list(columns) if columns else None
            return (batch.select(names) if names else batch for batch in self._arrow_batches()), skip
        groups = list(range(self._file.metadata.num_row_groups))
        while groups and skip >= self._file.metadata.row_group(groups[0]).num_rows:
            skip -= self._file.metadata.row_group(groups.pop(0)).num_rows
        if not groups:
            return iter(()), skip
        return self._file.iter_batches(size, row_groups=groups, columns=list(columns) if columns else None), skip

    def _arrow(self) -> Any:
        import pyarrow

        self._file.seek(0)
        begins = self._file.read(6)
        self._file.seek(0)
        return pyarrow.ipc.open_file(self._file) if begins == b"ARROW1" else pyarrow.ipc.open_stream(self._file)

    def _arrow_batches(self) -> Iterator[Any]:
        reader = self._arrow()
        if hasattr(reader, "num_record_batches"):
            return (reader.get_batch(number) for number in range(reader.num_record_batches))
        return iter(reader)


def missing_column(name: str, there: Sequence[str]) -> str:
    """One line: the column that is missing, the nearest name, the columns there are.

    >>> missing_column("respones", ["id", "response"])
    "no column 'respones' (did you mean 'response'?); columns: id, response"
    """
    return f"no column {name!r}{nearest(name, there)}; columns: {', '.join(there) or 'none'}"
