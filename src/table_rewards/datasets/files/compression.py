"""Compressed files, told by their first bytes: gzip, bzip2, xz and Zstandard."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
from typing import IO, Any, Final, Literal

from table_rewards.core.errors import ConfigurationError

Compression = Literal["gzip", "bzip2", "xz", "zstd"]

MAGIC: Final = 6
"""The number of bytes that tell."""

ENDINGS: Final = (".gz", ".bz2", ".xz", ".zst")

_MAGICS: Final[tuple[tuple[bytes, Compression], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


def compression_of(head: bytes) -> Compression | None:
    """How a file that begins with these bytes is compressed; None for one that is not.

    >>> compression_of(gzip.compress(b"{}")), compression_of(lzma.compress(b"{}")), compression_of(b"{}")
    ('gzip', 'xz', None)
    """
    return next((name for magic, name in _MAGICS if head.startswith(magic)), None)


def without_ending(name: str) -> str:
    """A file's name without the ending of its compression.

    >>> without_ending("rollouts.jsonl.zst"), without_ending("rollouts.jsonl")
    ('rollouts.jsonl', 'rollouts.jsonl')
    """
    return next((name[: -len(ending)] for ending in ENDINGS if name.lower().endswith(ending)), name)


def unpacked(raw: IO[bytes], compression: Compression | None) -> IO[bytes]:
    """The bytes inside, as they are read.

    Raises:
        ConfigurationError: the file is Zstandard's, and nothing that reads it is installed.
    """
    if compression is None:
        return raw
    if compression == "gzip":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if compression == "bzip2":
        return bz2.BZ2File(raw)
    if compression == "xz":
        return lzma.LZMAFile(raw)
    return _zstandard(raw)


def _zstandard(raw: IO[bytes]) -> IO[bytes]:
    found: Any
    try:  # Python 3.14 brings it
        found = importlib.import_module("compression.zstd").ZstdFile(raw)
    except ImportError:
        try:
            pyarrow = importlib.import_module("pyarrow")
        except ImportError:
            raise ConfigurationError(
                "reading Zstandard (.zst) needs pyarrow: pip install 'table-rewards[data]'"
            ) from None
        found = io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.PythonFile(_LeftOpen(raw), mode="r"), "zstd"))
    return found  # type: ignore[no-any-return]


class _LeftOpen:
    """A file that stays open when Arrow's reader is gone, so that it can be read again from the beginning."""

    closed = False

    def __init__(self, raw: IO[bytes]) -> None:
        self.read = raw.read

    def close(self) -> None: ...
