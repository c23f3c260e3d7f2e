"""Files on other file systems, by an address that pyarrow knows: ``s3://``, ``gs://``, ``hdfs://``, ``file://``."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from table_rewards.datasets.files.locations import natural
from table_rewards.datasets.files.unusable import UnusableFile, need_pyarrow

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether a place is the address of a file system and not a path.

    >>> is_address("s3://bucket/rollouts"), is_address("rollouts/10.jsonl"), is_address("C:/rollouts")
    (True, False, False)
    """
    return _ADDRESS.match(os.fspath(place)) is not None


def local_copies(address: str, folder: Path | None = None) -> list[Path]:
    """Copy a file, or the files of a folder, to this machine once, and return the copies in natural order.

    Args:
        address: such as ``s3://bucket/rollouts``.
        folder: where the copies go; a folder of this user below the machine's temporary directory when None. A copy
            that is there with the same size is kept, so that the workers of a machine share it.

    Raises:
        UnusableFile: nothing is there, or the file system cannot be reached.
    """
    need_pyarrow(f"reading {address}")
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        told = system.get_file_info(path)
        if told.type == fs.FileType.Directory:
            found = [one for one in system.get_file_info(fs.FileSelector(path)) if one.is_file]
            found = [one for one in found if not one.base_name.startswith((".", "_"))]
        else:
            found = [told] if told.is_file else []
    except (OSError, ValueError) as error:
        raise UnusableFile(address, f"cannot be read: {error}") from None
    if not found:
        raise UnusableFile(address, "there is no such file")
    key = hashlib.blake2b(address.encode(), digest_size=8).hexdigest()
    home = folder or Path(tempfile.gettempdir()) / f"table-rewards-{os.getuid()}"
    target = home / key
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    copies = []
    for one in sorted(found, key=lambda info: natural(Path(info.base_name))):
        copy = target / one.base_name
        if not copy.exists() or copy.stat().st_size != one.size:
            part = copy.with_name(f".{copy.name}.{os.getpid()}.part")
            fs.copy_files(one.path, str(part), source_filesystem=system, destination_filesystem=fs.LocalFileSystem())
            part.replace(copy)
        copies.append(copy)
    return copies


def put(local: Path, address: str) -> None:
    """Copy a finished file to an address or path, where it appears whole or not at all.

    Raises:
        UnusableFile: the file system cannot be written.
    """
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address) if is_address(address) else (fs.LocalFileSystem(), address)
        part = f"{path}.{os.getpid()}.part"
        fs.copy_files(str(local), part, source_filesystem=fs.LocalFileSystem(), destination_filesystem=system)
        system.move(part, path)
    except OSError as error:
        raise UnusableFile(address, f"cannot be written: {error}") from None
