"""Rows into a file that appears complete or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files.unusable import UnusableFile, need_pyarrow

BLOCK: Final = 2048
ENDINGS: Final[Mapping[str, Literal["parquet", "jsonl", "json"]]] = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}


class RowWriter:
    """Write rows to parquet, JSON lines (``.jsonl``, ``.jsonl.gz``) or one JSON array (``.json``), by the ending.

    A context manager. Rows go to a hidden file beside the target; leaving the block without an exception puts it in
    the target's place in one step, leaving it with one removes it and leaves an earlier target untouched.

    Parquet types are taken from the rows. A column may be missing or None in some and be an integer here and a float
    there; a struct may have keys that come and go. Numpy values are written as plain ones.

    Raises:
        ConfigurationError: the ending is not one of these, parquet without pyarrow, or a parquet column that holds
            values of types that have nothing in common; names the column.

    >>> import tempfile
    >>> from table_rewards.datasets.files.reading import read_rows
    >>> path = Path(tempfile.mkdtemp()) / "rows.parquet"
    >>> with RowWriter(path) as writer:
    ...     writer.write([{"id": 1}])
    ...     writer.write([{"id": 2.5, "note": {"a": "x"}}])
    >>> list(read_rows(path)), writer.count
    ([{'id': 1.0, 'note': None}, {'id': 2.5, 'note': {'a': 'x'}}], 2)
    """

    def __init__(self, path: str | os.PathLike[str], *, compression: str = "zstd") -> None:
        self.path = Path(path)
        self.count = 0
        name = self.path.name.removesuffix(".gz")
        self.format = ENDINGS.get(Path(name).suffix.lower())
        zipped = name != self.path.name
        if self.format is None or (zipped and self.format == "parquet"):
            raise ConfigurationError(
                f"{self.path}: the ending must say what to write: .parquet, .jsonl, .jsonl.gz or .json"
            )
        if self.format == "parquet":
            need_pyarrow("writing parquet")
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self._zipped, self._compression = zipped, compression
        self._sink: _JsonSink | _ParquetSink | None = None

    def __enter__(self) -> RowWriter:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.format == "parquet":
                self._sink = _ParquetSink(self._partial, self.path, self._compression)
            else:
                self._sink = _JsonSink(self._partial, self._zipped, array=self.format == "json")
        except OSError as error:
            raise UnusableFile(self.path, f"cannot be written: {error.strerror or error}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        sink, self._sink = self._sink, None
        if sink is None:
            return
        try:
            if kind is None:
                sink.close()
                os.replace(self._partial, self.path)
        finally:
            sink.abandon()
            self._partial.unlink(missing_ok=True)

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows; call it as often as you like, with one row or a million.

        Raises:
            ConfigurationError: the writer is not open: use it in a ``with`` block.
        """
        if self._sink is None:
            raise ConfigurationError("a RowWriter writes inside its with-block")
        for row in rows:
            self._sink.put({str(name): plain(value) for name, value in row.items()})
            self.count += 1


class _JsonSink:
    def __init__(self, path: Path, zipped: bool, *, array: bool) -> None:
        raw = gzip.open(path, "wb") if zipped else path.open("wb")  # noqa: SIM115
        self._file = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="\n")
        self._array, self._first = array, True

    def put(self, row: dict[str, Any]) -> None:
        text = json.dumps(row, ensure_ascii=False, default=str)
        if self._array:
            text = ("[\n" if self._first else ",\n") + text
            self._first = False
        else:
            text += "\n"
        self._file.write(text)

    def close(self) -> None:
        if self._array:
            self._file.write("[]\n" if self._first else "\n]\n")
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


class _ParquetSink:
    """Row groups as they come; when the types must widen, a new part, and at the end one file of all parts."""

    def __init__(self, path: Path, shown: Path, compression: str) -> None:
        self._path, self._shown, self._compression = path, shown, compression
        self._block: list[dict[str, Any]] = []
        self._schema: Any = None
        self._writer: Any = None
        self._parts: list[Path] = []

    def put(self, row: dict[str, Any]) -> None:
        self._block.append(row)
        if len(self._block) >= BLOCK:
            self._flush()

    def close(self) -> None:
        import pyarrow
        from pyarrow import parquet

        if self._block:
            self._flush()
        if self._schema is None:
            self._schema = pyarrow.schema([])
            self._open()
        self._writer.close()
        if len(self._parts) == 1:
            os.replace(self._parts[0], self._path)
            return
        with parquet.ParquetWriter(self._path, self._schema, compression=self._compression) as joined:
            for part in self._parts:
                for batch in parquet.ParquetFile(part).iter_batches(BLOCK):
                    joined.write_table(_table(batch.to_pylist(), self._schema))

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for part in self._parts:
            part.unlink(missing_ok=True)

    def _flush(self) -> None:
        import pyarrow

        rows, self._block = self._block, []
        names = list(dict.fromkeys(name for row in rows for name in row))
        try:
            fields = [pyarrow.field(name, _inferred([row.get(name) for row in rows], name)) for name in names]
            schema = pyarrow.schema(fields)
            if self._schema is not None:
                schema = pyarrow.unify_schemas([self._schema, schema], promote_options="permissive")
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError) as error:
            first = str(error).splitlines()[0]
            raise ConfigurationError(
                f"{self._shown}: a parquet column needs one type, these rows do not have it ({first}); "
                "write the column as text, such as json.dumps(value)"
            ) from None
        if self._schema is None or not schema.equals(self._schema):
            if self._writer is not None:
                self._writer.close()
            self._schema = schema
            self._open()
        self._writer.write_table(_table(rows, self._schema))

    def _open(self) -> None:
        from pyarrow import parquet

        part = self._path.with_name(f"{self._path.name}.{len(self._parts)}")
        self._parts.append(part)
        self._writer = parquet.ParquetWriter(part, self._schema, compression=self._compression)


def _inferred(values: list[Any], name: str) -> Any:
    import pyarrow

    try:
        return _writable(pyarrow.array([_clean(value) for value in values]).type)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError) as error:
        raise pyarrow.ArrowInvalid(f"column {name!r}: {str(error).splitlines()[0]}") from None


def _writable(kind: Any) -> Any:
    """A struct without a field, which parquet has no way to write, becomes a column of nulls."""
    import pyarrow

    if pyarrow.types.is_struct(kind):
        fields = [pyarrow.field(kind.field(i).name, _writable(kind.field(i).type)) for i in range(kind.num_fields)]
        return pyarrow.struct(fields) if fields else pyarrow.null()
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(_writable(kind.value_type))
    return kind


def _table(rows: list[dict[str, Any]], schema: Any) -> Any:
    import pyarrow

    columns = [pyarrow.array([_fit(row.get(f.name), f.type) for row in rows], type=f.type) for f in schema]
    return pyarrow.table(columns, schema=schema)


def _fit(value: Any, kind: Any) -> Any:
    import pyarrow

    if pyarrow.types.is_null(kind):
        return None
    return _clean(value)


def _clean(value: Any) -> Any:
    """Lone surrogates, which UTF-8 has no bytes for, become question marks."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return value.encode("utf-8", errors="replace").decode("utf-8")
    elif isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    elif isinstance(value, list):
        return [_clean(item) for item in value]
    return value
