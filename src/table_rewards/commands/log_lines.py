"""What the library logs while a command runs: one line each on standard error, every line once."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

DEBUG: Final = "TABLE_REWARDS_DEBUG"
"""Set this environment variable to see everything, tracebacks too."""


class _OnceEach(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()
        self.repeated = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if text in self._said:
            self.repeated += 1
            return
        self._said.add(text)
        if record.exc_info and record.exc_info[0] is not None:
            text += f" ({DEBUG}=1 shows where)"
        clear = (
            "\r\x1b[K" if sys.stderr is not None and sys.stderr.isatty() else ""
        )  # a progress bar may stand on the line
        print(f"{clear}{record.levelname.lower()}: {text}", file=sys.stderr, flush=True)


@contextmanager
def show_remarks() -> Iterator[None]:
    """Print warnings and errors of the library while the block runs, then leave logging as it was."""
    logger = logging.getLogger("table_rewards")
    handler: logging.Handler = logging.StreamHandler() if os.environ.get(DEBUG) else _OnceEach()
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
        if isinstance(handler, _OnceEach) and handler.repeated:
            print(f"({handler.repeated:,} more of the same)", file=sys.stderr)
