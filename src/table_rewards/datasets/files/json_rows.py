"""JSON into rows: one object a line or one array, gzipped or not, without holding the file.

A line that is no JSON object may be a row of its own kind, so that one damaged line does not cost the file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Protocol

from table_rewards.datasets.files.sniffing import ROW_NAMES, WRAPPERS
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


class _Text:
    """A stream of bytes as text; what is no UTF-8 becomes question marks, a byte-order mark goes."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")

    def read(self, size: int) -> str:
        while True:
            found = self._stream.read(size)
            text = self._decoder.decode(found, final=not found)
            if text or not found:
                return text


class Readable(Protocol):
    """Bytes, read from front to back."""

    def read(self, size: int = -1, /) -> bytes: ...


class BrokenRow(dict[str, Any]):
    """An empty row that stands for a line that could not be read; ``problem`` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem
        self.path = ""


def line_rows(file: Iterable[bytes], start: int) -> Iterator[dict[str, Any]]:
    """One object a line; a line that is none comes as a :class:`BrokenRow`. Blank lines are no rows.

    The only line of a file may wrap its rows, such as ``{"data": [...]}``.
    """
    lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
    first = list(islice(lines, 2))
    if len(first) == 1:
        row = _row(first[0][1], first[0][0])
        inside = wrapped(row)
        yield from ([row] if inside is None else inside)[start:]
        return
    for seen, (number, line) in enumerate(chain(first, lines)):
        if seen >= start:
            yield _row(line, number)


def later_rows(file: Iterable[bytes], lines_before: int) -> Iterator[dict[str, Any]]:
    """The same for a file that is read from a place within it, at the beginning of a line."""
    for number, line in enumerate(file, lines_before + 1):
        if line.strip():
            yield _row(line, number)


def wrapped(row: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of a file that is one object around them; None for an object that is a row.

    Known are a list under a usual name, beside what describes the file; a table as Weights & Biases and pandas write
    it, ``columns`` and ``data``; pandas' columns, each a mapping of row numbers; rows under their ids; and HELM's
    ``scenario_state.json``.

    >>> wrapped({"version": 1, "data": [{"answer": "7"}]}), wrapped({"data": [{"role": "user"}], "answer": "7"})
    ([{'answer': '7'}], None)
    >>> wrapped({"prompt": "2+3?", "samples": [{"text": "5"}, {"text": "6"}]}) is None
    True
    >>> wrapped({"q1": {"prompt": "2+3?"}, "q2": {"prompt": "3+4?"}})
    [{'id': 'q1', 'prompt': '2+3?'}, {'id': 'q2', 'prompt': '3+4?'}]
    >>> wrapped({"columns": ["prompt", "answer"], "data": [["2+3?", "5"]]})
    [{'prompt': '2+3?', 'answer': '5'}]
    """
    columns = list(row.values())
    if len(columns) > 1 and all(isinstance(value, dict) and "0" in value for value in columns):
        keys = columns[0].keys()
        if all(value.keys() == keys for value in columns) and all(key.isdigit() for key in keys):
            return [{name: value[key] for name, value in row.items()} for key in keys]
    names, data = row.get("columns"), row.get("data")
    if isinstance(names, list) and isinstance(data, list) and names and all(isinstance(name, str) for name in names):
        if all(isinstance(one, list) and len(one) == len(names) for one in data):
            return [dict(zip(names, one, strict=True)) for one in data]
        return None
    states = row.get("request_states")
    if isinstance(states, list) and states and all(isinstance(state, dict) for state in states):
        return [_of_helm(state) for state in states]
    if not ROW_NAMES.isdisjoint(row):
        return None
    if len(columns) > 1 and all(isinstance(value, dict) and not ROW_NAMES.isdisjoint(value) for value in columns):
        return [{"id": name, **value} for name, value in row.items()]
    lists = [value for name, value in row.items() if name in WRAPPERS and isinstance(value, list) and value]
    if len(lists) != 1:
        return None
    if not all(isinstance(item, dict) and not {"role", "from"} & item.keys() for item in lists[0]):
        return None
    return lists[0]


def _of_helm(state: Mapping[str, Any]) -> dict[str, Any]:
    """A request of HELM with its completions and its right answer, the only one that is tagged so; else all of them."""
    instance, request, result = (_mapping(state.get(name)) for name in ("instance", "request", "result"))
    right = [
        _mapping(one.get("output")).get("text")
        for one in instance.get("references") or ()
        if isinstance(one, dict) and "correct" in (one.get("tags") or ())
    ]
    completions = [one.get("text") for one in result.get("completions") or () if isinstance(one, dict)]
    asked = request.get("prompt") or _mapping(instance.get("input")).get("text")
    answer = right[0] if len(right) == 1 else right or None
    return {"id": instance.get("id"), "prompt": asked, "completions": completions, "answer": answer}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


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


def array_rows(stream: Readable, path: Path, start: int) -> Iterator[dict[str, Any]]:
    """Items of a JSON array, one after another, without holding the array.

    Raises:
        UnusableFile: an item is no JSON object.
    """
    for number, row in enumerate(_values(stream, path, array=True)):
        if not isinstance(row, dict):
            raise UnusableFile(path, f"item {number:,} of the array is not a JSON object")
        if number >= start:
            yield row


def object_rows(stream: Readable, path: Path, start: int) -> Iterator[dict[str, Any]]:
    """Objects that are spread over lines, one after another, or the rows that the only one of them wraps.

    Raises:
        UnusableFile: something is no JSON object.
    """
    values = enumerate(_values(stream, path, array=False))
    first = list(islice(values, 2))
    if len(first) == 1 and isinstance(first[0][1], dict):
        inside = wrapped(first[0][1])
        yield from ([first[0][1]] if inside is None else inside)[start:]
        return
    for number, row in chain(first, values):
        if not isinstance(row, dict):
            raise UnusableFile(path, f"value {number:,} of the file is not a JSON object")
        if number >= start:
            yield row


def _values(stream: Readable, path: Path, *, array: bool) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    text = _Text(stream)
    buffer = text.read(CHUNK).lstrip()[1 if array else 0 :]
    number = 0
    while True:
        buffer = buffer.lstrip(" \t\r\n,")
        if array and buffer[:1] == "]":
            return
        try:
            value, end = decoder.raw_decode(buffer)
        except (ValueError, RecursionError) as error:
            more = text.read(max(CHUNK, len(buffer)))  # doubling: an item of any size costs linear time
            if not more:
                if not array and not buffer:
                    return
                where = f"item {number:,} of the array" if array else f"object {number + 1:,} of the file"
                raise UnusableFile(path, f"{where} is not JSON ({error})") from None
            buffer += more
            continue
        buffer = buffer[end:]
        number += 1
        yield value
