"""The questions of WikiTableQuestions and WikiSQL beside their tables, which both publish in files of their own.

==================  ======================================  =====================================================
set                 questions                               tables
==================  ======================================  =====================================================
WikiTableQuestions  ``data/*.tsv``: id, utterance, context  the folder that holds ``csv/200-csv/...``
WikiSQL             ``*.jsonl``: question, table_id, sql    ``*.tables.jsonl``: id, header, rows
==================  ======================================  =====================================================
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import read_rows

SUFFIXES: Final = (".tsv", ".tagged")

Find = Callable[[str], Mapping[str, Any] | None]
"""The table of a name, as columns and data; None where there is none."""


def unescaped(text: str) -> list[str]:
    r"""The items of a field of WikiTableQuestions' files.

    >>> unescaped(r"a\pb|c\nd|e\\f")
    ['a|b', 'c\nd', 'e\\f']
    """
    return [cell(item) for item in text.split("|")]


def cell(text: str) -> str:
    r"""A cell of these files as it was before it was escaped.

    >>> cell(r"5\p6\n7")
    '5|6\n7'
    """
    return text.replace(r"\n", "\n").replace(r"\p", "|").replace("\\\\", "\\")


def split_lines(path: Path) -> Iterator[list[str]]:
    """The fields of each line: these files are separated by tabs, and a quotation mark in them is no more than that.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return (line.rstrip("\r").split("\t") for line in text.split("\n") if line.strip("\r"))


def questions(source: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a file; WikiTableQuestions' with their ``utterance`` under ``question``, too.

    Raises:
        ConfigurationError: a file of tab-separated rows is none of WikiTableQuestions'.
    """
    if not source.endswith(SUFFIXES):
        yield from read_rows(source, broken="yield")
        return
    lines = split_lines(Path(source))
    header = next(lines, [])
    if not {"id", "utterance", "context"} <= set(header):
        raise ConfigurationError(f"{source} has no columns id, utterance and context, separated by tabs")
    for fields in lines:
        row = dict(zip(header, fields, strict=False))
        yield {name: row.get(name, "") for name in ("id", "context", "targetValue")} | {
            "question": cell(row.get("utterance", ""))
        }


def with_tables(rows: Iterable[Mapping[str, Any]], tables: Path) -> Iterator[Mapping[str, Any]]:
    """Rows with their table under ``table``; a row whose table is not there stays as it is.

    Args:
        rows: rows that name a table: ``context`` (a file) or ``table_id``.
        tables: WikiTableQuestions' folder, or WikiSQL's file.

    Raises:
        ConfigurationError: neither is there.
    """
    if not tables.exists():
        raise ConfigurationError(f"{tables}: there is no such folder or file of tables")
    column, find = ("context", _in_folder(tables)) if tables.is_dir() else ("table_id", _in_file(tables))
    for row in rows:
        table = find(str(row.get(column) or ""))
        yield {**row, "table": table} if table is not None else row


def _in_file(path: Path) -> Find:
    known = {str(table.get("id")): table for table in read_rows(path)}

    def find(name: str) -> Mapping[str, Any] | None:
        table = known.get(name)
        return None if table is None else {"columns": table.get("header"), "data": table.get("rows")}

    return find


def _in_folder(folder: Path) -> Find:
    root = folder.resolve()

    def find(name: str) -> Mapping[str, Any] | None:
        path = (root / name).resolve()
        if not name or not path.is_relative_to(root):
            return None
        lines = _table_lines(path)
        return {"columns": lines[0], "data": lines[1:]} if lines else None

    return find


def _table_lines(path: Path) -> list[list[str]]:
    """A table's cells, of the tab-separated twin of its file where there is one: both hold the same."""
    twin = path.with_suffix(".tsv")
    if twin.is_file():
        return [[cell(field) for field in fields] for fields in split_lines(twin)]
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        return [line for line in csv.reader(stream, escapechar="\\", doublequote=False) if line]
