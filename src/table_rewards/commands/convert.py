"""`table-rewards convert`: tables between HTML, OTSL, Markdown and LaTeX."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.unusable import UnusableFile, explained
from table_rewards.tables.formats.convert import parse_table, render_table
from table_rewards.tables.formats.find import FORMATS, find_tables
from table_rewards.tables.formats.otsl import render_otsl
from table_rewards.tables.table import GridTooLarge, Table

DESCRIPTION = """\
Convert tables between HTML, OTSL, Markdown and LaTeX.

The input may be a table or any text with tables in it, such as a completion: thoughts, code fences and prose are
passed over. With --column, FILE is JSON lines, and the table in that column of every row is converted in place.

Kept: texts, spans, headers where the format knows them. Lost: markup inside cells; spans, in Markdown; headers, in
OTSL without --headers. A row whose column holds no table is passed through as it is, counted, and makes the exit
status 1.
"""

EXAMPLES = """\
examples:
  table-rewards convert table.html --to otsl
  echo '<fcel>a<lcel><nl>' | table-rewards convert --to html
  table-rewards convert rows.jsonl --column solution --to otsl --out rows_otsl.jsonl
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="input (default: standard input)")
    parser.add_argument("--to", required=True, choices=FORMATS, help="format to write")
    parser.add_argument("--from", dest="source", choices=FORMATS, help="format to read (default: told from the text)")
    parser.add_argument("--column", metavar="NAME", help="FILE is JSON lines; convert this column of every row")
    parser.add_argument("--all", action="store_true", help="every table of the text, not the first alone")
    parser.add_argument("--headers", action="store_true", help="OTSL: write header cells as docling's <ched>")
    parser.add_argument("--out", metavar="FILE", type=pathlib.Path, help="write here instead of standard output")


def run(options: argparse.Namespace) -> int:
    """Write tables in another format.

    Raises:
        ConfigurationError: two options do not go together.
    """
    if options.headers and options.to != "otsl":
        raise ConfigurationError("--headers goes with --to otsl alone; the other formats write headers anyway")
    if options.column and options.all:
        raise ConfigurationError("--all does not go with --column: a column holds one table")
    text = _read(options.file)
    write = _writer(options)
    converted, lost = _rows(text, options, write) if options.column else _tables(text, options, write)
    if options.out:
        options.out.write_text(converted, "utf-8")
    else:
        sys.stdout.write(converted)
    if lost:
        print(f"table-rewards convert: {lost}", file=sys.stderr)
    return INCOMPLETE if lost else DONE


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    with explained(file):
        return pathlib.Path(file).read_text("utf-8", errors="surrogateescape")


def _writer(options: argparse.Namespace) -> Callable[[Table], str]:
    if options.to == "otsl":
        return lambda table: render_otsl(table, headers=options.headers)
    return lambda table: render_table(table, options.to)


def _tables(text: str, options: argparse.Namespace, write: Callable[[Table], str]) -> tuple[str, str]:
    if options.source:
        tables = [parse_table(text, options.source)]
    else:
        found = find_tables(text)
        tables = [parse_table(one.source, one.format) for one in (found if options.all else found[:1])]
    written, too_large = [], 0
    for table in tables:
        if table is not None and table.size:
            try:
                written.append(write(table).rstrip("\n") + "\n")
            except GridTooLarge:
                too_large += 1
    if too_large:
        return "\n".join(written), f"{too_large} of {len(tables)} tables left out: their spans ask for too many slots"
    return "\n".join(written), "" if written else "no table found; HTML, OTSL, Markdown and LaTeX are read"


def _rows(text: str, options: argparse.Namespace, write: Callable[[Table], str]) -> tuple[str, str]:
    lines: list[str] = []
    kept = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row = _row(line, number, options)
        try:
            table = parse_table(str(row[options.column] or ""), options.source)
            row[options.column] = write(table) if table is not None and table.size else row[options.column]
            kept += table is None or not table.size
        except GridTooLarge:
            kept += 1
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(
        lines
    ), f"{kept} of {len(lines)} rows kept as they are: no table in {options.column!r}" if kept else ""


def _row(line: str, number: int, options: argparse.Namespace) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise UnusableFile(options.file, f"line {number} is not JSON; --column wants JSON lines") from None
    if not isinstance(row, dict) or options.column not in row:
        has = ", ".join(sorted(row)) if isinstance(row, dict) else "no columns"
        raise UnusableFile(options.file, f"line {number} has no column {options.column!r}; it has {has}")
    return row
