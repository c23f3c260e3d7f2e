"""The folder of parts that a run on a cluster writes: on a disk that all nodes see, or on another file system."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.files.remote import is_address, remote_bytes, remote_names, remove, shown, uploaded

RECORD: Final = "_run.json"
_PART: Final = re.compile(r"part-(\d{6,})\.parquet")


class Parts:
    """Parts by number, and the record of the run that they belong to. A part appears whole or not at all.

    Args:
        out: the folder: a path, or an address such as ``s3://bucket/scores``.

    >>> import tempfile
    >>> parts = Parts(tempfile.mkdtemp())
    >>> with parts.writing(3) as writer:
    ...     writer.write([{"score": 1.0}])
    >>> parts.there(), list(parts.rows(3))
    ({3}, [{'score': 1.0}])
    """

    def __init__(self, out: str) -> None:
        self.out = out.rstrip("/") or out
        self.remote = is_address(out)
        self.name = shown(out) if self.remote else out

    def place(self, name: str) -> str:
        """Where a file of the folder is."""
        folder, mark, options = self.out.partition("?") if self.remote else (self.out, "", "")
        return f"{folder.rstrip('/')}/{name}{mark}{options}"

    def there(self) -> set[int]:
        """The numbers of the parts that are there."""
        return {int(match[1]) for name in self._names() if (match := _PART.fullmatch(name))}

    @contextmanager
    def writing(self, number: int) -> Iterator[RowWriter]:
        """Write a part."""
        place = self.place(_name(number))
        if not self.remote:
            with RowWriter(place) as writer:
                yield writer
            return
        with uploaded(place) as local, RowWriter(local) as writer:
            yield writer

    def rows(self, number: int) -> Iterator[dict[str, Any]]:
        """The rows of a part."""
        return read_rows(self.place(_name(number)))

    def record(self) -> dict[str, Any] | None:
        """How the parts were made; None where nothing says so.

        Raises:
            ConfigurationError: the record is damaged, or the folder is a file.
        """
        if not self.remote and Path(self.out).exists() and not Path(self.out).is_dir():
            raise ConfigurationError(f"{self.name} is a file; --engine ray writes a folder of parts")
        if RECORD not in self._names():
            return None
        place = self.place(RECORD)
        try:
            told = json.loads(remote_bytes(place) if self.remote else Path(place).read_bytes())
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ConfigurationError(f"{self.name}/{RECORD} is damaged; add --overwrite to begin anew")
        return told

    def begin(self, record: Mapping[str, Any]) -> None:
        """Write down how the parts are made."""
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        place = self.place(RECORD)
        if self.remote:
            with uploaded(place) as local:
                local.write_text(text, "utf-8")
            return
        Path(self.out).mkdir(parents=True, exist_ok=True)
        fresh = Path(f"{place}.new")
        fresh.write_text(text, "utf-8")
        os.replace(fresh, place)

    def clear(self) -> None:
        """Delete the parts and the record."""
        for name in self._names():
            if name == RECORD or _PART.fullmatch(name):
                place = self.place(name)
                if self.remote:
                    remove(place)
                else:
                    Path(place).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what writers that were killed have left."""
        if not self.remote:
            for path in Path(self.out).glob(".part-*.partial"):
                path.unlink(missing_ok=True)

    def _names(self) -> list[str]:
        if self.remote:
            return remote_names(self.out)
        return os.listdir(self.out) if os.path.isdir(self.out) else []


def _name(number: int) -> str:
    return f"part-{number:06d}.parquet"
