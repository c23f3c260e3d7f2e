"""Which files a name means: a file, a folder, a pattern, standard input, or several of them."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from table_rewards.datasets.files.compression import without_ending
from table_rewards.datasets.files.remote import is_address, remote_files, shown
from table_rewards.datasets.files.unusable import SPOOLED, UnusableFile, explained

STANDARD_INPUT: Final = "-"
ENDINGS: Final = (".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".csv", ".tsv", ".json")
"""What is taken for data in a folder; a folder with several kinds is read for the first kind of this list."""

_NOT_DATA: Final = frozenset(
    {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "args.json", "config.json"}
)
_SWIFT_LOG: Final = "completions.jsonl"
_PATTERN: Final = re.compile(r"[*?\[]")
_STEP: Final = re.compile(
    r"(?:.*(?:step|steps|completions|rollouts?|generations?|iter|iteration|checkpoint|ckpt)s?[_-]?)?(\d+)", re.I
)


def files_of(places: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files that the names mean, in the order in which they are read.

    A folder gives its data files in natural order (``2.jsonl`` before ``10.jsonl``); of a folder that ms-swift wrote
    its ``completions.jsonl``; of a data set that Hugging Face's ``save_to_disk`` wrote its parts. A pipe, such as the
    shell's ``<(zcat rollouts.gz)``, is read as standard input is. An address such as
    ``s3://bucket/rollouts`` is a file, a folder or a pattern of another file system.

    Raises:
        UnusableFile: there is no such file, the pattern matches none, or the folder holds no data.
    """
    found: list[Path] = []
    for place in places:
        path = Path(place)
        if os.fspath(place) == STANDARD_INPUT:
            found.append(_spooled(sys.stdin))
        elif path.is_fifo():
            with explained(path), path.open("rb") as pipe:
                found.append(_spooled(pipe))
        elif is_address(place):
            found += _remote(os.fspath(place))
        elif path.is_dir():
            found += _folder(path)
        elif not path.exists() and _PATTERN.search(str(path)):
            matches = sorted(map(Path, glob.glob(str(path), recursive=True)), key=natural)
            if not matches:
                raise UnusableFile(path, "no file matches this pattern")
            for match in matches:
                found += _folder(match) if match.is_dir() else [match]
        else:
            found.append(path)
    return found


def natural(path: Path) -> list[tuple[int, int, str]]:
    """A key that sorts ``2.jsonl`` before ``10.jsonl``.

    >>> sorted(map(Path, ["b/10.jsonl", "b/2.jsonl", "a/x"]), key=natural) == [
    ...     Path("a/x"), Path("b/2.jsonl"), Path("b/10.jsonl")]
    True
    """
    pieces = re.split(r"(\d+)", str(path))
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in pieces]


def steps_of(files: Sequence[Path]) -> list[int | None]:
    """The training steps that several files, or their folders, are named after; None where the names say nothing.

    >>> steps_of([Path("1.jsonl"), Path("20.jsonl")]), steps_of([Path("part-00000-of-00002.parquet")])
    ([1, 20], [None])
    >>> steps_of([Path("completions_00010.parquet"), Path("completions_00020.parquet")])
    [10, 20]
    >>> steps_of([Path("checkpoint-100/rollouts.jsonl"), Path("checkpoint-200/rollouts.jsonl")])
    [100, 200]
    """
    told = _numbered([file.name.split(".")[0] for file in files])
    if told is None and len({file.name for file in files}) == 1:
        told = _numbered([file.parent.name for file in files])
    return list(told) if told is not None else [None] * len(files)


def _numbered(names: Sequence[str]) -> list[int] | None:
    """The number in each name, when all have one of their own."""
    matches = [_STEP.fullmatch(name) for name in names]
    steps = [int(match[1]) for match in matches if match is not None]
    return steps if len(names) > 1 and len(set(steps)) == len(names) else None


def _folder(folder: Path) -> list[Path]:
    if (folder / "dataset_dict.json").is_file():
        try:
            splits = json.loads((folder / "dataset_dict.json").read_text("utf-8"))["splits"]
        except (ValueError, KeyError, TypeError):
            raise UnusableFile(folder, "its dataset_dict.json cannot be read") from None
        if len(splits) != 1:
            raise UnusableFile(
                folder, f"it holds the splits {', '.join(splits)}; name one, such as {folder / splits[0]}"
            )
        return _folder(folder / splits[0])
    if (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file():
        try:
            parts = json.loads((folder / "state.json").read_text("utf-8"))["_data_files"]
            return [folder / part["filename"] for part in parts]
        except (ValueError, KeyError, TypeError):
            raise UnusableFile(folder, "its state.json cannot be read: is it a data set on disk?") from None
    if (folder / _SWIFT_LOG).is_file():
        return [folder / _SWIFT_LOG]
    data = _data([file for file in folder.iterdir() if file.is_file()])
    if data:
        return data
    below = sorted({str(file.parent) for file in folder.rglob("*") if without_ending(file.name).endswith(ENDINGS)})
    hint = f"; there is data in {', '.join(below[:4])}" if below else f"; data ends in {', '.join(ENDINGS)}"
    raise UnusableFile(folder, f"this folder holds no file of rows{hint}")


def _data(there: Sequence[Path]) -> list[Path]:
    """Of the files of a folder, those of the first kind that is there, in natural order."""
    for ending in ENDINGS:
        data = [
            file
            for file in there
            if without_ending(file.name).endswith(ending)
            and not file.name.startswith((".", "_"))
            and file.name not in _NOT_DATA
            and file.stat().st_size
        ]
        if data:
            return sorted(data, key=natural)
    return []


def _remote(address: str) -> list[Path]:
    files, folder = remote_files(address)
    there = cast("list[Path]", files)  # what is used of a path, they have
    found = _data(there) if folder else sorted(there, key=natural)
    if not found:
        raise UnusableFile(shown(address), f"this folder holds no file of rows; data ends in {', '.join(ENDINGS)}")
    return found


def _spooled(stream: Any) -> Path:
    """What a pipe gives, kept in a temporary file, so that it can be looked at before it is read."""
    import atexit

    handle, name = tempfile.mkstemp(prefix=SPOOLED)
    atexit.register(lambda: Path(name).unlink(missing_ok=True))
    with os.fdopen(handle, "wb") as copy:
        if stream is not None:
            shutil.copyfileobj(getattr(stream, "buffer", stream), copy)
    return Path(name)
