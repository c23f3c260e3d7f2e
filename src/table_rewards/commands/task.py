"""What a module of a two-level command offers: its tasks, each with help, arguments and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from table_rewards.core.errors import TableRewardsError


class NothingKept(TableRewardsError, ValueError):
    """No row of the input could be used: nothing was written, and the exit status is 1."""


class Task(NamedTuple):
    """One task of ``table-rewards prepare`` or ``table-rewards evaluate``.

    Attributes:
        help: one line for the list of tasks.
        configure: adds the task's arguments to its parser.
        run: does the work and returns the exit status.
    """

    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
