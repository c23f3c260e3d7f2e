"""Files on other file systems, by an address that pyarrow knows: ``s3://``, ``gs://``, ``hdfs://``, ``file://``.

They are read where they lie, a piece at a time: a file of many gigabytes needs no room on the disk of who reads it.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NamedTuple

from table_rewards.datasets.files.unusable import UnusableFile, need_pyarrow

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PATTERN: Final = re.compile(r"[*\[]")
_SECRETS: Final = re.compile(r"(?<=://)[^/@]*@|\?.*")
PIECE: Final = 1 << 20


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether a place is the address of a file system and not a path.

    >>> is_address("s3://bucket/rollouts"), is_address("rollouts/10.jsonl"), is_address("C:/rollouts")
    (True, False, False)
    """
    return _ADDRESS.match(os.fspath(place)) is not None


def shown(address: str) -> str:
    """An address without what may be secret in it: a key before the host, and options behind the path.

    >>> shown("s3://key:secret@bucket/rollouts?region=eu-1")
    's3://bucket/rollouts'
    """
    return _SECRETS.sub("", address)


class Size(NamedTuple):
    """What the system tells of a file, as :func:`os.stat` names it."""

    st_size: int


@dataclass(frozen=True)
class RemoteFile:
    """One file of another file system; what readers use of :class:`~pathlib.Path`, and no more.

    Attributes:
        address: where it lies, for messages.
        system: pyarrow's file system.
        path: within it.
        size: in bytes.
    """

    address: str
    system: Any
    path: str
    size: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name

    @property
    def parent(self) -> PurePosixPath:
        """The folder that it lies in."""
        return PurePosixPath(self.path).parent

    def stat(self) -> Size:
        """Its size."""
        return Size(self.size)

    def resolve(self) -> RemoteFile:
        """Itself: an address is whole."""
        return self

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it for reading from anywhere."""
        return io.BufferedReader(_Raw(self.system.open_input_file(self.path)), PIECE)

    def __str__(self) -> str:
        return self.address

    def __fspath__(self) -> str:
        return self.address


class _Raw(io.RawIOBase):
    """A file of Arrow's as one of Python's."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return int(self._file.tell())

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def remote_files(address: str) -> tuple[list[RemoteFile], bool]:
    """The files that an address means, and whether it is a folder of them.

    The address is a file, a folder, or a pattern for the last part of the path.

    Raises:
        UnusableFile: nothing is there, or the file system cannot be reached.
    """
    where, mark, options = address.partition("?")
    folder, _, last = where.rpartition("/")
    pattern = bool(_PATTERN.search(last))
    system, path = _system(f"{folder}{mark}{options}" if pattern else address)
    from pyarrow import fs

    name = shown(address)
    with _told(address):
        told = system.get_file_info(path)
        if told.type == fs.FileType.Directory:
            found = [one for one in system.get_file_info(fs.FileSelector(path)) if one.is_file]
        else:
            found = [told] if told.is_file else []
    if pattern:
        found = [one for one in found if fnmatchcase(one.base_name, last)]
    if not found:
        what = "no file matches this pattern" if pattern else "there is no such file, or nothing in the folder"
        raise UnusableFile(name, what)
    listed = told.type == fs.FileType.Directory
    base = (name.rpartition("/")[0] if pattern else name).rstrip("/")
    files = [
        RemoteFile(f"{base}/{one.base_name}" if listed else name, system, one.path, int(one.size or 0)) for one in found
    ]
    return sorted(files, key=lambda file: file.path), listed and not pattern


def remote_exists(address: str) -> bool:
    """Whether a file is there.

    Raises:
        UnusableFile: the file system cannot be reached.
    """
    system, path = _system(address)
    with _told(address):
        return bool(system.get_file_info(path).is_file)


def remote_bytes(address: str) -> bytes:
    """What a file holds.

    Raises:
        UnusableFile: there is no such file, or it cannot be read.
    """
    system, path = _system(address)
    with _told(address), system.open_input_file(path) as file:
        return bytes(file.read())


def remote_names(address: str) -> list[str]:
    """The names of the files in a folder; none where there is no such folder.

    Raises:
        UnusableFile: the file system cannot be reached.
    """
    system, path = _system(address)
    from pyarrow import fs

    with _told(address):
        return [one.base_name for one in system.get_file_info(fs.FileSelector(path, allow_not_found=True))]


def remove(address: str) -> None:
    """Delete a file.

    Raises:
        UnusableFile: it cannot be deleted.
    """
    system, path = _system(address)
    with _told(address):
        system.delete_file(path)


@contextmanager
def uploaded(address: str) -> Iterator[Path]:
    """A path of this machine whose file is put at the address when the block ends without an exception.

    It appears there whole or not at all: object stores show an object when it is complete, and elsewhere it is moved
    into place.

    Raises:
        UnusableFile: the file system cannot be written.
    """
    system, path = _system(address)
    from pyarrow import fs

    with tempfile.TemporaryDirectory(prefix="table-rewards-") as folder:
        local = Path(folder) / PurePosixPath(path).name
        yield local
        with _told(address, "written"):
            here = fs.LocalFileSystem()
            if system.type_name in ("s3", "gcs", "abfs"):
                fs.copy_files(str(local), path, source_filesystem=here, destination_filesystem=system)
                return
            system.create_dir(str(PurePosixPath(path).parent), recursive=True)
            part = f"{path}.{os.getpid()}.part"
            fs.copy_files(str(local), part, source_filesystem=here, destination_filesystem=system)
            system.move(part, path)


def _system(address: str) -> tuple[Any, str]:
    need_pyarrow(f"{shown(address)}")
    from pyarrow import fs

    with _told(address):
        system, path = fs.FileSystem.from_uri(address)
    return system, path.rstrip("/")


@contextmanager
def _told(address: str, what: str = "read") -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, UnusableFile):
            raise
        why = (str(error).splitlines() or [type(error).__name__])[0].replace(address, shown(address))
        raise UnusableFile(shown(address), f"cannot be {what}: {why}") from None
