"""Micro-batching: single calls from many threads become batches, without waiting for company.

verl scores one sample a call, from up to 32 threads of a worker. The first caller scores at once; those who come while
it works form the next batch, which one of them scores for all. So a lone call has no added latency, and under load the
batches grow by themselves. Forked copies start empty.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

from table_rewards.core.forking import renew_after_fork
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Scores

LARGEST: Final = 256


class Coalescer:
    """Scores single samples of one reward in batches.

    >>> from table_rewards import TableBench
    >>> float(Coalescer(TableBench()).score("Final Answer: 7", "7", None).values[0])
    1.0
    """

    def __init__(self, reward: Reward[Any]) -> None:
        self.reward = reward
        self._lock = threading.Lock()
        self._queue: list[_Ticket] = []
        self._busy = False
        _alive.add(self)

    def score(self, completion: Any, reference: Any, step: int | None) -> Scores:
        """Score one sample; blocks until its batch is done. Exceptions are those of the batch."""
        ticket = _Ticket(completion, reference, step)
        with self._lock:
            self._queue.append(ticket)
            leads = not self._busy
            self._busy = True
        if not leads:
            ticket.called.wait()
        if not ticket.done:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.result is not None
        return ticket.result

    def _lead(self, own: _Ticket) -> None:
        with self._lock:
            steps = own.step
            batch = [t for t in self._queue if t.step == steps][:LARGEST]
            if own not in batch:
                batch[-1] = own
            chosen = set(map(id, batch))
            self._queue = [t for t in self._queue if id(t) not in chosen]
        try:
            scores = self.reward([t.completion for t in batch], [t.reference for t in batch], step=steps)
            for i, ticket in enumerate(batch):
                ticket.result = scores.take([i])
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        finally:
            with self._lock:
                successor = self._queue[0] if self._queue else None
                self._busy = successor is not None
            for ticket in batch:
                ticket.done = True
                ticket.called.set()
            if successor is not None:
                successor.called.set()  # not done: it wakes up as the next leader

    def forget_callers(self) -> None:
        """Start empty: in a forked child the other threads, and whoever held the lock, are gone."""
        self._lock = threading.Lock()
        self._queue = []
        self._busy = False


class _Ticket:
    __slots__ = ("called", "completion", "done", "error", "reference", "result", "step")

    def __init__(self, completion: Any, reference: Any, step: int | None) -> None:
        self.completion, self.reference, self.step = completion, reference, step
        self.called = threading.Event()
        self.done = False
        self.result: Scores | None = None
        self.error: BaseException | None = None


_alive: weakref.WeakSet[Coalescer] = weakref.WeakSet()


def _forget_callers() -> None:
    for coalescer in list(_alive):
        coalescer.forget_callers()


renew_after_fork(_forget_callers)
