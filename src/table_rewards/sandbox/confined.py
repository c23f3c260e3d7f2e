"""Programs of other languages: their compilers and runtimes, bounded, off the network, seeing few folders.

This is weaker than the sandbox for Python: nothing here is warm, and what runs may start processes. It is meant for
programs that are known, with data of a model in them, and not for programs that a model wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.sandbox.local.policy import BOOT, probe

SYSTEM: Final = ("/bin", "/dev/shm", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sys", "/usr", "/var/lib")
MAX_OUTPUT: Final = 1_000_000
_CPU_SIGNALS: Final = (-signal.SIGXCPU, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status (negative for a signal), and the ends of what it wrote.

    ``waited_out`` says that it neither ended nor used up its CPU time: the machine was too slow, or it slept.
    """

    code: int
    stdout: bytes = b""
    stderr: bytes = b""
    waited_out: bool = False


def run_confined(
    command: Sequence[str],
    folder: Path,
    *,
    cpu_s: int,
    readable: Sequence[str] = (),
    writable: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    memory_mb: int = 4096,
) -> Ended:
    """Run a program in ``folder``, the only place where it can write but for ``writable``.

    Args:
        command: the program by its whole path, and its arguments.
        cpu_s: CPU seconds of each process. On the clock it has four times as long and a minute.
        readable: folders and files that it may read besides the system's.
        env: its whole environment; ``PATH`` is the system's unless it is given.
        memory_mb: MiB of data of each process.

    >>> import tempfile, shutil
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ended = run_confined([shutil.which("sh"), "-c", "echo here; exit 3"], Path(folder), cpu_s=5)
    >>> ended.code, ended.stdout
    (3, b'here\\n')

    Raises:
        ConfigurationError: the program cannot be started.
    """
    found = probe()
    config = {
        "folder": str(folder),
        "cpu_s": cpu_s,
        "memory": memory_mb << 20,
        "file_bytes": 256 << 20,
        "landlock": bool(found.landlock),
        "seccomp": found.seccomp,
        "read": [*SYSTEM, *found.readable, *readable],
        "write": [str(folder), *writable],
    }
    whole = [sys.executable, "-I", "-S", BOOT, "confined", json.dumps(config), *command]
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8", **(env or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                whole, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
            )
        except OSError as error:
            raise ConfigurationError(f"{command[0]} cannot be started: {error}") from None
        try:
            code, waited_out = process.wait(4 * cpu_s + 60), False
        except subprocess.TimeoutExpired:
            code, waited_out = -signal.SIGKILL, True
        finally:
            _end(process)
        return Ended(code, _tail(out), _tail(err), waited_out)


def used_up(ended: Ended) -> bool:
    """Whether a program was ended for its CPU time, itself or by the word of what started it."""
    return ended.code in _CPU_SIGNALS and not ended.waited_out


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, whatever is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(file: object) -> bytes:
    end = file.seek(0, os.SEEK_END)  # type: ignore[attr-defined]
    file.seek(max(0, end - MAX_OUTPUT))  # type: ignore[attr-defined]
    return bytes(file.read())  # type: ignore[attr-defined]
