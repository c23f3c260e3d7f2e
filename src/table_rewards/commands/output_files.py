"""What is written must not be what is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from table_rewards.core.errors import ConfigurationError


def refuse_inputs(out: Path | None, inputs: Iterable[Any], option: str = "--out", what: str = "FILE") -> None:
    """Raise :class:`ConfigurationError` where an output would take the place of an input.

    Raises:
        ConfigurationError: it would.
    """
    if out is None or not out.exists():
        return
    there = out.resolve()
    if any(there == path.resolve() for path in inputs if hasattr(path, "resolve")):
        raise ConfigurationError(f"{option} {out} is {what} itself; name another file")
