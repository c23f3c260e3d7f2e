"""What is wrong with a file, in one line that names it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from table_rewards.core.errors import ConfigurationError

SPOOLED: Final = "table-rewards-stdin-"
"""How the temporary files begin in which standard input is kept; nobody knows them by that name."""


class UnusableFile(ConfigurationError):
    """A file that cannot be read as rows: missing, damaged, of another format, without a column that is needed.

    >>> raise UnusableFile("rows.parquet", "the file is empty")
    Traceback (most recent call last):
    table_rewards.datasets.files.unusable.UnusableFile: rows.parquet: the file is empty
    """

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        self.path, self.problem = os.fspath(path), problem
        if os.path.basename(self.path).startswith(SPOOLED):
            self.path = "standard input"
        super().__init__(f"{self.path}: {problem}")

    def __reduce__(self) -> tuple[type[UnusableFile], tuple[str, str]]:
        return type(self), (self.path, self.problem)


@contextmanager
def explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the system, gzip and pyarrow raise about ``path`` into one :class:`UnusableFile`."""
    try:
        yield
    except FileNotFoundError:
        raise UnusableFile(path, "no such file") from None
    except (OSError, EOFError) as error:
        raise UnusableFile(path, f"cannot be read: {error.args[-1] if error.args else error}") from None
    except ConfigurationError:
        raise
    except Exception as error:
        if type(error).__module__.startswith(("pyarrow", "zlib", "_lzma")):
            lines = str(error).splitlines()
            raise UnusableFile(path, f"cannot be read: {lines[0] if lines else type(error).__name__}") from None
        raise


def need_pyarrow(what: str) -> None:
    """Raise :class:`ConfigurationError` with the command that would help, when pyarrow is not installed.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ConfigurationError(f"{what} needs pyarrow: pip install 'table-rewards[data]'")
