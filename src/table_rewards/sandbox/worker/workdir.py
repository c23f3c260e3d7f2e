"""The private working directory of a slot: its quota, and emptying it whatever a snippet left there."""

from __future__ import annotations

import contextlib
import os

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
MAX_ENTRIES, MAX_DEPTH = 4096, 64


def over_quota(path: str, budget: int) -> bool:
    """Whether the tree holds more bytes on disk than ``budget``, or is larger or deeper than anybody needs."""
    total = entries = 0
    stack = [(path, 0)]
    while stack:
        place, depth = stack.pop()
        try:
            with os.scandir(place) as found:
                for entry in found:
                    entries += 1
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if total > budget or entries > MAX_ENTRIES or depth > MAX_DEPTH:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        stack.append((entry.path, depth + 1))
        except OSError:
            pass
    return False


def empty(path: str) -> bool:
    """Remove everything inside ``path``; False when something cannot be removed.

    No recursion, no path of a snippet's choosing, no shell: nested directories are moved to the top by file descriptors
    and emptied there, so that depth, odd names, links and modes do not matter.
    """
    try:
        top = os.open(path, _OPEN)
    except OSError:
        return False
    counter = 0
    try:
        while True:
            names = os.listdir(top)
            if not names:
                return True
            progress = False
            for name in names:
                if _unlink(name, top):
                    progress = True
                    continue
                try:
                    inner = _open_directory(name, top)
                    try:
                        os.fchmod(inner, 0o700)
                        for child in os.listdir(inner):
                            if not _unlink(child, inner):
                                _make_movable(child, inner)
                                counter += 1
                                os.rename(child, f"\x01{counter}", src_dir_fd=inner, dst_dir_fd=top)
                                progress = True
                    finally:
                        os.close(inner)
                    os.rmdir(name, dir_fd=top)
                    progress = True
                except OSError:
                    pass
            if not progress:
                return False
    except OSError:
        return False
    finally:
        os.close(top)


def remove(path: str) -> bool:
    """Empty ``path`` and remove it."""
    done = empty(path)
    try:
        os.rmdir(path)
    except OSError:
        return False
    return done


def slots(root: str) -> list[str]:
    """The directories of supervisors that still have something to clean up."""
    try:
        return [name for name in os.listdir(root) if name.startswith("slot")]
    except OSError:
        return []


def _unlink(name: str, directory: int) -> bool:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return True
    except (IsADirectoryError, PermissionError):
        return False
    return True


def _open_directory(name: str, directory: int) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=directory)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=directory)
        return os.open(name, _OPEN, dir_fd=directory)


def _make_movable(name: str, directory: int) -> None:
    """Moving a directory rewrites its '..': that needs write permission on it."""
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=directory)
