"""A progress bar on standard error, by rich; nothing where there is no terminal to show it on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

Item = TypeVar("Item")


class Progress:
    """A bar that grows with :meth:`update`.

    Args:
        total: how much there is to do; None where it is not known.
        unit: what is counted, in the plural.
        start: how much is done already.
        quiet: show nothing; by default when standard error is no terminal.

    >>> with Progress(3, "rows") as bar:
    ...     bar.update(2, mean=0.5)
    >>> bar.done
    2.0
    """

    def __init__(self, total: float | None, unit: str, *, start: float = 0, quiet: bool | None = None) -> None:
        self.total, self.unit = total, unit
        self.done = float(start)
        self.shown = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self.shown:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            columns = (
                BarColumn(bar_width=None),
                TaskProgressColumn(show_speed=True),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[told]}", markup=False),
            )
            self._bar = Bars(*columns, console=Console(file=sys.stderr), transient=True, expand=True)
            self._bar.start()
            self._task = self._bar.add_task(self.unit, total=self.total, completed=self.done, told=self.unit)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, more: float = 1, **told: object) -> None:
        """Count ``more`` as done, and show a few words such as ``mean=0.5`` behind the bar."""
        self.to(self.done + more, **told)

    def to(self, done: float, **told: object) -> None:
        """Set what is done."""
        self.done = done
        if self._bar is not None:
            fields = {"told": "  ".join(f"{name} {value}" for name, value in told.items())} if told else {}
            self._bar.update(self._task, completed=done, **fields)

    def write(self, line: str) -> None:
        """A line above the bar."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        elif sys.stderr is not None:
            print(line, file=sys.stderr)


def followed(items: Iterable[Item], total: float | None, unit: str) -> Iterator[Item]:
    """The items, behind a bar."""
    with Progress(total, unit) as bar:
        for item in items:
            yield item
            bar.update()
