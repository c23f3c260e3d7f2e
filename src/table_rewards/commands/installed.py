"""Files that ship with the package: adapters and fixtures, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import table_rewards
from table_rewards.core.errors import ConfigurationError


def shipped(relative: str) -> Path:
    """Return the path of a shipped file or folder, such as ``adapters/verl/table_rewards_verl.py``.

    A wheel carries it inside the package, a checkout beside ``src``.

    Raises:
        ConfigurationError: it is in neither place.
    """
    package = Path(table_rewards.__file__).resolve().parent
    for root in (package, package.parents[1]):
        if (root / relative).exists():
            return root / relative
    raise ConfigurationError(
        f"{relative} is neither in {package} nor in {package.parents[1]}; install the package again"
    )
