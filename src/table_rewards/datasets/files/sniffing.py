"""What kind of file it is, by its first bytes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Final, Literal

from table_rewards.datasets.files.compression import without_ending
from table_rewards.datasets.files.unusable import UnusableFile

Format = Literal["parquet", "arrow", "jsonl", "json", "objects", "csv"]
HEAD: Final = 1 << 16
WRAPPERS: Final = ("data", "rows", "results", "samples", "examples", "items", "records", "instances", "train", "test")
"""Keys under which a file of one object keeps its rows."""
ROW_NAMES: Final = frozenset(
    {
        *("prompt", "question", "query", "problem", "instruction", "input", "messages", "conversations"),
        *("completion", "completions", "response", "responses", "prediction", "output", "outputs"),
        *("answer", "solution", "ground_truth", "reference", "target", "label"),
    }
)
"""Keys of an object that is a row itself, whatever lists it has."""
_FOREIGN: Final = (
    (b"PK\x03\x04", "a zip archive (or a .pt, .npz or Inspect .eval file): unpack it, or export it as JSON, first"),
    (b"\x80", "a pickle, which is never read: write the rows as JSON lines or parquet"),
    (b"\x93NUMPY", "a numpy array: write the rows as JSON lines or parquet"),
    (b"\x89HDF", "an HDF5 file: write the rows as JSON lines or parquet"),
    (b"SQLite format 3", "an SQLite database: export its table as csv or JSON lines"),
    (b"\xff\xfe", "text in UTF-16: convert it to UTF-8"),
    (b"\xfe\xff", "text in UTF-16: convert it to UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: save it as csv"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: run git lfs pull"),
    (b"<", "a page or XML, such as a download that failed leaves"),
    (b"FEA1", "Feather's first version: write it with version 2, which is Arrow's format"),
    (b"ORC", "an ORC file: write the rows as parquet"),
    (b"Obj\x01", "an Avro file: write the rows as parquet"),
)
"""First bytes of what people try, and what helps."""

_NAME: Final = re.compile(r"[\w][\w .:/()-]{0,79}")
_NAME_OF_CSV: Final = re.compile(r"[^\x00-\x1f={}\[\]<>]{1,200}")
"""What a column may be called where the file's name says that it is csv."""


def kind_of(head: bytes, path: Path) -> Format:
    """``parquet``, ``arrow``, ``jsonl``, ``json`` (one array), ``objects`` (indented, or in a wrapper) or ``csv``.

    Args:
        head: the first 64 KiB, unzipped.
        path: for messages, and its ending settles what could be csv.

    Raises:
        UnusableFile: the file is empty or none of these.
    """
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"ARROW1" or (head[:4] == b"\xff\xff\xff\xff" and len(head) > 8):
        return "arrow"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise UnusableFile(path, "the file is empty")
    if text[:1] == b"[":
        return "json"
    if text[:1] == b"{":
        return "objects" if _spread(text.decode("utf-8", errors="replace")) else "jsonl"
    if _is_csv(text, path):
        return "csv"
    known = next((what for magic, what in _FOREIGN if head.startswith(magic)), None)
    if head[257:262] == b"ustar":
        known = "a tar archive: unpack it first"
    if known is not None:
        raise UnusableFile(path, f"this is {known}")
    if without_ending(path.name.lower()).endswith((".csv", ".tsv")):
        raise UnusableFile(path, _csv_problem(text))
    raise UnusableFile(path, f"neither parquet nor JSON nor csv; it begins with {head[:24]!r}")


def delimiter_of(header: str) -> str:
    """The character between the columns of a csv file: the one of ``,``, tab, ``;``, ``|`` that its header has most.

    >>> delimiter_of("prompt;completion;answer")
    ';'
    """
    return max(",\t;|", key=header.count)


def _spread(text: str) -> bool:
    """Whether JSON that begins with an object spreads it over lines, as indented files do."""
    first, newline, rest = text.partition("\n")
    if not newline:
        return False
    try:
        json.loads(first)
        return False
    except (ValueError, RecursionError):
        pass
    if rest.lstrip("\r\n")[:1] == "{" and first.strip() != "{":  # a damaged line, and a whole one after it
        return False
    return first.strip() == "{" or (first.rstrip()[-1:] in '{[,:"}]' and rest[:1] in ' \t]}"')


def _is_csv(text: bytes, path: Path) -> bool:
    if b"\x00" in text[:4096]:
        return False
    if _not_utf8(text):
        return False
    header = text.decode("utf-8", errors="replace").splitlines()[0]
    named = without_ending(path.name.lower()).endswith((".csv", ".tsv", ".txt"))
    try:
        names = next(csv.reader([header], delimiter=delimiter_of(header)))
    except (csv.Error, StopIteration):
        return False
    if names and not names[0]:
        names[0] = "index"  # pandas writes its index under no name
    if len(set(names)) != len(names):
        return False
    if not all((_NAME_OF_CSV if named and len(names) > 1 else _NAME).fullmatch(name.strip()) for name in names):
        return False
    return named or (len(names) > 1 and not without_ending(path.name.lower()).endswith((".json", ".jsonl", ".parquet")))


def _not_utf8(text: bytes) -> bool:
    """Whether this is no UTF-8, but for a character that is cut at the end."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(text) - 4
    return False


def _csv_problem(text: bytes) -> str:
    """Why what is named a csv file cannot be read as one."""
    if b"\x00" in text[:4096]:
        return f"this is no csv file: it begins with {text[:24]!r}"
    header = text.decode("utf-8", errors="replace").splitlines()[0]
    if _not_utf8(text):
        return "this csv file is not in UTF-8: convert it (Excel saves it as 'CSV UTF-8')"
    if header.lower().startswith("sep="):
        return f"its first line is Excel's {header!r}, no header: leave it out"
    names = next(csv.reader([header], delimiter=delimiter_of(header)), [])
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        return f"column {twice!r} stands twice in its header"
    return f"its first line is no header with names of columns: {header[:60]!r}"
