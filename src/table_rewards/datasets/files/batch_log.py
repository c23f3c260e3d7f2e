"""What was made of each batch of a long run, noted as it goes, so that the same command goes on where it was stopped.

The log lies beside the output as ``OUT.progress.jsonl`` and is gone when the output is finished.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.resume import lock
from table_rewards.datasets.files.unusable import UnusableFile

ENDING: Final = ".progress.jsonl"


class BatchLog:
    """Batches in their order: a line of JSON for each that is done.

    Args:
        out: the file that is made; the log stands beside it.
        identity: what the batches depend on besides their rows, plain data.
        overwrite: begin anew.

    Attributes:
        reused: how many batches were taken from an earlier run.

    Raises:
        ConfigurationError: the log is of another identity, or another process writes it.

    >>> import tempfile
    >>> out = Path(tempfile.mkdtemp(), "rows.json")
    >>> with BatchLog(out, {"seed": 1}) as log:
    ...     log.done([1, 2], lambda: {"sum": 3})
    {'sum': 3}
    >>> with BatchLog(out, {"seed": 1}) as log:  # the first run did not finish: nothing is made again
    ...     log.done([1, 2], lambda: 1 / 0), log.done([3], lambda: {"sum": 3}), log.reused
    ...     log.finish()
    ({'sum': 3}, {'sum': 3}, 1)
    """

    def __init__(self, out: str | os.PathLike[str], identity: Mapping[str, Any], *, overwrite: bool = False) -> None:
        self.out = Path(out)
        self.path = self.out.with_name(self.out.name + ENDING)
        self.reused = 0
        self._identity = _digest(identity)
        self._overwrite = overwrite
        self._file: BinaryIO | None = None
        self._read = True

    def __enter__(self) -> BatchLog:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab+")
        except OSError as error:
            raise UnusableFile(self.path, f"cannot be written: {error.strerror or error}") from None
        lock(self._file, self.path)
        if self._overwrite:
            self._file.truncate(0)
        self._file.seek(0)
        begun = self._line()
        if begun is None:
            self._note({"identity": self._identity})
        elif begun.get("identity") != self._identity:
            self.__exit__(None, None, None)
            raise ConfigurationError(
                f"{self.path} is of a run with other settings that did not finish: take those, or begin anew with "
                "--overwrite"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def done(self, batch: Any, work: Callable[[], Any]) -> Any:
        """What ``work`` gives for the next batch, as JSON has it; from the log where an earlier run has it.

        Args:
            batch: its rows, plain data.
            work: makes it; called only for a batch that is not in the log.

        Raises:
            ConfigurationError: the log has another batch here.
        """
        digest = _digest(batch)
        line = self._line() if self._read else None
        if line is not None:
            if line.get("batch") != digest:
                raise ConfigurationError(f"{self.path} is of a run over other rows: begin anew with --overwrite")
            self.reused += 1
            return line["made"]
        self._read = False
        made = work()
        self._note({"batch": digest, "made": made})
        return json.loads(json.dumps(made))

    def finish(self) -> None:
        """Take the log away: the output is whole."""
        self.__exit__(None, None, None)
        self.path.unlink(missing_ok=True)

    def _line(self) -> dict[str, Any] | None:
        """The next line; one that a kill cut off is taken away."""
        assert self._file is not None
        at = self._file.tell()
        text = self._file.readline()
        try:
            found = json.loads(text) if text.endswith(b"\n") else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self._file.truncate(at)
            return None
        return found

    def _note(self, line: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
