"""An output that grows line by line and survives ``kill -9``: no row lost, none written twice.

While it grows, ``OUT.partial`` holds the finished lines and ``OUT.run.json`` says what makes them. A line that a kill
cut in two, and every line of the last row that was begun, is taken away before work goes on. Where lines come in any
order, each is finished by itself: what stands in ``OUT`` and in ``OUT.partial`` stays, and ``finish`` sorts it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.reading import read_rows
from table_rewards.datasets.files.row_writer import ENDINGS, RowWriter
from table_rewards.datasets.files.unusable import UnusableFile, need_pyarrow

ROW: Final = "row"


class ResumableOutput:
    """Lines of JSON, appended; at the end one file, ``.jsonl`` or ``.parquet``.

    Every line is an object with a whole number ``row``, which never falls from line to line; or, with ``key``, any
    object, in any order, of which there is one for each key.

    Args:
        path: the file to be.
        identity: what the lines depend on. Going on with another identity is refused, naming what differs.
        floats: columns that are numbers or null; parquet gets NaN for null.
        overwrite: begin anew.
        key: of a line; lines may then come in any order, and a finished file may be added to.
        about: what else the record says, for reports; going on does not depend on it.

    Attributes:
        complete: the file is there already, made with the same identity (never with ``key``).
        next_row: the first row that is still to be written.
        seconds: the time that earlier runs took.

    Raises:
        ConfigurationError: the ending; the file exists and was made otherwise; another process writes it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        identity: Mapping[str, Any],
        *,
        floats: Iterable[str] = (),
        overwrite: bool = False,
        key: Callable[[Mapping[str, Any]], Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.key = key
        self.identity = {key: value for key, value in identity.items() if value is not None}
        self.floats = frozenset(floats)
        self.about = dict(about or {})
        self.format = ENDINGS.get(self.path.suffix.lower())
        if self.format not in (("parquet", "jsonl") if key is None else ("jsonl",)):
            endings = ".parquet or .jsonl" if key is None else ".jsonl"
            raise ConfigurationError(f"{self.path}: the ending must say what to write: {endings}")
        if self.format == "parquet":
            need_pyarrow("writing parquet")
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.record = self.path.with_name(self.path.name + ".run.json")
        self.next_row, self.seconds = 0, 0.0
        self._overwrite = overwrite
        self.complete = not overwrite and self._is_complete()
        self._file: BinaryIO | None = None

    def __enter__(self) -> ResumableOutput:
        if not self.complete:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.partial.open("ab+")
                lock(self._file, self.path)
                if self._overwrite:  # only now: another process may have been writing it
                    self._file.truncate(0)
                    for file in (self.path, self.record):
                        file.unlink(missing_ok=True)
                elif self._is_complete(partial=False):  # by a process that held the lock when this one looked
                    self.complete = True
                    self.partial.unlink()
                    self.__exit__(None, None, None)
                    return self
                self._note(complete=False)
            except OSError as error:
                raise UnusableFile(self.path, f"cannot be written: {error.strerror or error}") from None
        return self

    def _is_complete(self, *, partial: bool = True) -> bool:
        earlier = self._earlier()
        if earlier is None or self.key is not None or not self.path.exists():
            return False
        return not self.partial.exists() if partial else bool(earlier.get("complete")) and not _size(self.partial)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def replay(self, seen: Callable[[dict[str, Any]], None]) -> None:
        """Show every line that is there to ``seen``, the row that a kill interrupted taken away."""
        if self.complete:
            for row in read_rows(self.path):
                seen(row)
            return
        file = self._opened()
        if self.key is not None:
            for _, _, row in self._keyed_lines():
                seen(row)
            return
        held: list[dict[str, Any]] = []
        held_from = good = 0
        file.seek(0)
        for line in file:
            try:
                row = json.loads(line)
                number = int(row[ROW])
            except (ValueError, KeyError, TypeError):
                break  # the line that was cut; nothing stands behind it
            if not line.endswith(b"\n"):
                break
            if held and number != held[0][ROW]:
                for earlier in held:
                    seen(earlier)
                held, held_from = [], good
                self.next_row = number
            held.append(row)
            good += len(line)
        if held:
            self.next_row = int(held[0][ROW])
        file.truncate(held_from)
        file.seek(0, os.SEEK_END)

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write lines; they are the system's, safe from a kill of this process, when this returns."""
        lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        file = self._opened()
        file.write(lines.encode("utf-8", errors="replace"))
        file.flush()

    def finish(self, seconds: float = 0.0) -> None:
        """Put the finished file in its place, in one step."""
        if self.complete:
            return
        self._opened().flush()
        os.fsync(self._opened().fileno())
        if self.key is not None:
            self._sort()
            self._note(complete=True, seconds=seconds)
            self.partial.unlink()
        elif self.format == "parquet":
            try:
                self._convert(())
            except ConfigurationError:  # an id that is a number here and text there: such columns become text
                self._convert(self._mixed())
            self._note(complete=True, seconds=seconds)
            self.partial.unlink()
        else:
            self._note(complete=True, seconds=seconds)
            os.replace(self.partial, self.path)
        self.complete = True

    def pause(self, seconds: float) -> None:
        """Remember how long the work has taken so far."""
        self._note(complete=False, seconds=seconds)

    def _convert(self, as_text: Collection[str]) -> None:
        with RowWriter(self.path) as writer:
            for row in _lines(self.partial):
                for name in as_text:
                    value = row.get(name)
                    row[name] = value if value is None or isinstance(value, str) else json.dumps(value)
                writer.write((self._with_nan(row),))

    def _mixed(self) -> set[str]:
        """Columns that parquet has no one type for."""
        kinds: dict[str, set[str]] = {}
        for row in _lines(self.partial):
            for name, value in row.items():
                if value is not None and name not in self.floats:
                    kinds.setdefault(name, set()).add(_kind(value))
        return {name for name, found in kinds.items() if len(found) > 1 or "huge" in found}

    def _with_nan(self, row: dict[str, Any]) -> dict[str, Any]:
        for name in self.floats:
            value = row.get(name)
            row[name] = float("nan") if value is None else float(value)
        return row

    def _keyed_lines(self) -> Iterator[tuple[Any, bytes, dict[str, Any]]]:
        """Every whole line once, with its key; a line that a kill cut in two is taken off the growing file."""
        assert self.key is not None
        seen = set()
        if self.path.exists():
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    try:
                        row = json.loads(line)
                        key = self.key(row)
                    except (ValueError, KeyError, TypeError):
                        if not line.endswith(b"\n"):
                            break  # cut by hand or by a copy that stopped; nothing stands behind it
                        raise ConfigurationError(
                            f"{self.path}, line {number} was not written by this command; name another --out"
                        ) from None
                    if key not in seen:
                        seen.add(key)
                        yield key, line, row
        growing, good = self._opened(), 0
        growing.seek(0)
        for line in growing:
            try:
                row = json.loads(line)
                key = self.key(row)
            except (ValueError, KeyError, TypeError):
                break
            if not line.endswith(b"\n"):
                break
            good += len(line)
            if key not in seen:
                seen.add(key)
                yield key, line, row
        growing.truncate(good)
        growing.seek(0, os.SEEK_END)

    def _sort(self) -> None:
        """Put all lines into the order of their keys, in one step that a kill cannot halve."""
        lines = sorted((key, line) for key, line, _ in self._keyed_lines())
        fresh = self.path.with_name(self.path.name + ".new")
        with fresh.open("wb") as file:
            file.writelines(line for _, line in lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise ConfigurationError("a ResumableOutput writes inside its with-block")
        return self._file

    def _note(self, *, complete: bool, seconds: float | None = None) -> None:
        record: dict[str, Any] = {
            **self.identity,
            "about": self.about,
            "complete": complete,
            "seconds": self.seconds if seconds is None else seconds,
        }
        fresh = self.record.with_name(self.record.name + ".new")
        fresh.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(fresh, self.record)

    def _earlier(self) -> dict[str, Any] | None:
        """The record of the run that made what is there; None when nothing is there."""
        if not (self.path.exists() or _size(self.partial)):
            return None
        try:
            record = json.loads(self.record.read_text("utf-8"))
        except (OSError, ValueError):
            raise ConfigurationError(
                f"{self.path} exists and nothing says how it was made; name another --out or add --overwrite"
            ) from None
        for key in dict.fromkeys([*self.identity, *record]):
            if key in ("complete", "seconds", "about"):
                continue
            mine, theirs = self.identity.get(key), record.get(key)
            if json.loads(json.dumps(mine)) != theirs:
                raise ConfigurationError(
                    f"{self.path} was made with another {key} ({theirs}, now {mine}); "
                    "name another --out or add --overwrite"
                )
        self.seconds = float(record.get("seconds") or 0.0)
        return dict(record)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, (int, float)):
        return "huge" if isinstance(value, int) and not -(2**63) <= value < 2**63 else "number"
    return type(value).__name__


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def lock(file: BinaryIO, path: Path) -> None:
    """Hold a file for this process until it is closed.

    Raises:
        ConfigurationError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigurationError(f"{path}: another process is writing it") from None
