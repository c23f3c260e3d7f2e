"""What a reward did, for those who watch a run: counters for Prometheus and a sampled trace, off unless asked for.

``observe=FOLDER``, the same in every framework, makes each process write two files there: ``REWARD-HOST-PID-N.prom``,
which the textfile collector of Prometheus' node exporter reads, and ``REWARD-HOST-PID-N.jsonl``, a line for every
hundredth sample (``observe_share``) and for each of the first thousand unscored ones. Nothing listens on a port, and
nothing is needed beside the standard library, so the workers of one machine never meet.
"""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.forking import renew_after_fork
from table_rewards.core.options import fraction
from table_rewards.core.scores import UNSCORED

SHARE: Final = 0.01
EVERY_S: Final = 5.0
"""Seconds between two writings of the counters."""
UNSCORED_TRACED: Final = 1_000
CHARACTERS: Final = 20_000
"""A completion's length in the trace."""

_NUMBERS: Final = itertools.count()
"""Two uses of one reward in a process, with other options, have files and labels of their own."""

_ALL: Final[WeakSet[Observer]] = WeakSet()

logger = logging.getLogger("table_rewards")


class Observer:
    """Counts and traces the samples of one reward in one process; safe from any thread.

    A folder that can no longer be written ends the observation with a line in the log, never the training.

    Args:
        reward: the reward's name.
        parts: the names of its parts.
        folder: where the files go; it is made if it is not there.
        share: of the samples that the trace holds, in [0, 1].

    Raises:
        ConfigurationError: the folder cannot be made or written, or ``share`` is not in [0, 1].
    """

    def __init__(self, reward: str, parts: Sequence[str], folder: Any, share: float = SHARE) -> None:
        if not isinstance(folder, (str, os.PathLike)) or not str(folder):
            raise ConfigurationError(f"observe must be a folder, not {folder!r}")
        self.reward, self.parts, self.folder = reward, tuple(parts), Path(folder)
        self.share = fraction("observe_share", share)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"observe={str(folder)!r}: {error.strerror or error}") from None
        if not os.access(self.folder, os.W_OK):
            raise ConfigurationError(f"observe={str(folder)!r}: the folder cannot be written")
        self._number = next(_NUMBERS)
        self._begin()
        _ALL.add(self)
        atexit.register(self.write)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._seen, self._due, self._stopped = 0, 0.0, False
        self._status: Counter[str] = Counter()
        self._sums: dict[str, list[float]] = {name: [0.0, 0] for name in ("", *self.parts)}
        self._step: int | None = None

    def path(self, ending: str) -> Path:
        """The file of this process with this ending, ``prom`` or ``jsonl``."""
        return self.folder / f"{self.reward}-{socket.gethostname()}-{os.getpid()}-{self._number}.{ending}"

    def record(
        self,
        completions: Sequence[Any],
        rows: Sequence[Sequence[float]],
        statuses: Sequence[str],
        notes: Sequence[str],
        step: int | None,
    ) -> None:
        """Count samples, given as rows of numbers with the value first, and trace some of them."""
        with self._lock:
            if self._stopped:
                return
            self._step = self._step if step is None else step
            lines = []
            for completion, row, status, note in zip(completions, rows, statuses, notes, strict=True):
                self._seen += 1
                self._status[status] += 1
                for total, number in zip(self._sums.values(), row, strict=False):
                    if isfinite(number):
                        total[0] += number
                        total[1] += 1
                chosen = int(self._seen * self.share) > int((self._seen - 1) * self.share)
                if chosen or (status == UNSCORED and self._status[UNSCORED] <= UNSCORED_TRACED):
                    lines.append(self._line(completion, row, status, note, step))
            try:
                if lines:
                    with self.path("jsonl").open("a", encoding="utf-8", errors="replace") as file:
                        file.writelines(lines)
                if time.monotonic() >= self._due:
                    self._write()
            except OSError as error:
                self._stopped = True
                logger.warning("%s: observed no longer, %s: %s", self.reward, self.folder, error.strerror or error)

    def write(self) -> None:
        """Write the counters now; at the end of the process this happens by itself."""
        with self._lock:
            if self._seen and not self._stopped:
                try:
                    self._write()
                except OSError:
                    self._stopped = True

    def _write(self) -> None:
        self._due = time.monotonic() + EVERY_S
        part = self.path("part")
        part.write_text(self._page(), "utf-8")
        part.replace(self.path("prom"))  # whoever reads meets a whole file

    def _page(self) -> str:
        who = f'reward="{self.reward}",pid="{os.getpid()}",use="{self._number}"'
        page = _metric("table_rewards_samples_total", "counter", "Samples by status.")
        page += [f'table_rewards_samples_total{{{who},status="{s}"}} {n}' for s, n in sorted(self._status.items())]
        for kind, place in (("sum", 0), ("count", 1)):
            name = f"table_rewards_part_{kind}"
            page += _metric(name, "counter", f"The {kind} of a part over the samples that have it; value: the score.")
            page += [f'{name}{{{who},part="{n or "value"}"}} {v[place]:.12g}' for n, v in self._sums.items()]
        if self._step is not None:
            page += _metric("table_rewards_step", "gauge", "The training step of the last sample.")
            page.append(f"table_rewards_step{{{who}}} {self._step}")
        return "\n".join(page) + "\n"

    def _line(self, completion: Any, row: Sequence[float], status: str, note: str, step: int | None) -> str:
        numbers: Mapping[str, float | None] = {
            name or "value": number if isfinite(number) else None
            for name, number in zip(("", *self.parts), row, strict=False)
        }
        text = completion if isinstance(completion, str) else json.dumps(completion, ensure_ascii=False, default=str)
        told = {"time": time.time(), "step": step, "status": status, "note": note, **numbers}
        return json.dumps({**told, "completion": text[:CHARACTERS]}, ensure_ascii=False) + "\n"


def _metric(name: str, kind: str, told: str) -> list[str]:
    return [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]


def _renew() -> None:
    """A forked process counts from nothing: what was counted before is its parent's."""
    for observer in list(_ALL):
        observer._begin()


renew_after_fork(_renew)
