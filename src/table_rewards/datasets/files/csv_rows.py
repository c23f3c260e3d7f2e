"""Rows of csv and tab-separated files. Every value is text but chats, which are read as what they show.

A row of another length than the header is broken, and so is one with a chat that cannot be read back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO, Any

from table_rewards.datasets.files.cells import list_in, looks_like_chat
from table_rewards.datasets.files.json_rows import BrokenRow
from table_rewards.datasets.files.sniffing import delimiter_of

_LIMIT = 1 << 30


def csv_rows(stream: IO[bytes], start: int) -> Iterator[dict[str, Any]]:
    """Rows behind the header, ``start`` of them skipped. Quoted line breaks and a byte-order mark are understood."""
    csv.field_size_limit(max(csv.field_size_limit(), _LIMIT))  # a completion may be longer than csv's 128 KiB
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    header = text.readline()
    delimiter = delimiter_of(header)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    reader = csv.reader(text, delimiter=delimiter)
    seen = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BrokenRow(f"line {reader.line_num + 1:,} is not csv ({error})")
            continue
        if not cells:
            continue
        seen += 1
        if seen <= start:
            continue
        if len(cells) > len(names):
            yield BrokenRow(f"line {reader.line_num + 1:,} has {len(cells)} fields, the header {len(names)}")
        else:
            yield _row(names, cells, reader.line_num + 1)


def _row(names: list[str], cells: list[str], line: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if not name:
            continue
        row[name] = cell
        if looks_like_chat(cell):
            turns = list_in(cell)
            if turns is None:  # numpy shows its arrays without commas
                return BrokenRow(
                    f"line {line:,}: the chat in {name!r} cannot be read back from how it is shown; "
                    "write the rows as JSON lines or parquet"
                )
            row[name] = turns
    return row
