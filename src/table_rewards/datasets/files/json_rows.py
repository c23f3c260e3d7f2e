"""JSON into rows: one object a line or one array, gzipped or not, without holding the file.

A line that is no JSON object may be a row of its own kind, so that one damaged line does not cost the file.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from table_rewards.datasets.files.unusable import UnusableFile

CHUNK: Final = 1 << 20

JSON_TYPES: Final[dict[type, str]] = {
    str: "text",
    bool: "truth value",
    int: "number",
    float: "number",
    list: "list",
    dict: "object",
    type(None): "null",
}


class BrokenRow(dict[str, Any]):
    """An empty row that stands for a line that could not be read; ``problem`` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


def open_bytes(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def line_rows(path: Path, start: int, broken: str) -> Iterator[dict[str, Any]]:
    seen = 0
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            seen += 1
            if seen <= start:
                continue
            row = _row(line, number)
            if isinstance(row, BrokenRow) and broken == "raise":
                raise UnusableFile(path, row.problem)
            yield row


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else " and ends without a newline: was its writer stopped?"
        return BrokenRow(f"line {number:,} is not JSON ({error}){cut}")
    if not isinstance(row, dict):
        kind = JSON_TYPES.get(type(row), type(row).__name__)
        return BrokenRow(f"line {number:,} is a JSON {kind}, where an object is wanted")
    return row


def array_rows(path: Path, start: int) -> Iterator[dict[str, Any]]:
    """Items of a JSON array, one after another, without holding the array."""
    decoder = json.JSONDecoder()
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace")
        buffer = text.read(CHUNK).lstrip()[1:]
        number = 0
        while True:
            buffer = buffer.lstrip(" \t\r\n,")
            if buffer[:1] == "]":
                return
            try:
                row, end = decoder.raw_decode(buffer)
            except (ValueError, RecursionError) as error:
                more = text.read(max(CHUNK, len(buffer)))  # doubling: an item of any size costs linear time
                if not more:
                    raise UnusableFile(path, f"item {number:,} of the array is not JSON ({error})") from None
                buffer += more
                continue
            if not isinstance(row, dict):
                raise UnusableFile(path, f"item {number:,} of the array is not a JSON object")
            buffer = buffer[end:]
            number += 1
            if number > start:
                yield row
