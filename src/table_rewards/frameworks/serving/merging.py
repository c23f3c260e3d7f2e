"""Requests of one sample each become requests of many: verl's reward workers score one completion a call.

A call that finds fewer than so many requests on the way sends its own at once; those that come meanwhile wait, and the
first of them sends what has gathered when one of the others is back. So a lone call waits for nothing, and under load
the requests grow by themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Merger(Generic[Item, Result]):
    """Merges calls from many threads.

    Args:
        run: takes items, their common key and the moment by which they must be done, and gives one result each.
        size: items of one merged call at most.
        at_once: calls on the way before others wait.

    >>> Merger(lambda items, key, until: [item * 2 for item in items], size=8, at_once=1)([1, 2], None, 0.0)
    [2, 4]
    """

    def __init__(
        self, run: Callable[[Sequence[Item], Hashable, float], Sequence[Result]], *, size: int, at_once: int
    ) -> None:
        self._run, self.size, self.at_once = run, size, at_once
        self._lock = threading.Lock()
        self._running = 0
        self._queue: list[_Ticket[Item, Result]] = []

    def __call__(self, items: Sequence[Item], key: Hashable, until: float) -> list[Result]:
        """Run the items, alone or with others of the same key. Exceptions are those of the call that ran them."""
        ticket: _Ticket[Item, Result] = _Ticket(list(items), key)
        with self._lock:
            leads = self._running < self.at_once
            if leads:
                self._running += 1
            else:
                self._queue.append(ticket)
        if not leads:
            ticket.called.wait()
            if ticket.done:
                return ticket.outcome()
        company = [ticket, *(() if leads else self._company(ticket))]
        try:
            found = list(self._run([item for one in company for item in one.items], key, until))
            start = 0
            for one in company:
                one.results = found[start : start + len(one.items)]
                start += len(one.items)
        except BaseException as error:
            for one in company:
                one.error = error
        self._hand_over()
        for one in company:
            one.done = True
            one.called.set()
        return ticket.outcome()

    def _company(self, leader: _Ticket[Item, Result]) -> list[_Ticket[Item, Result]]:
        """Take out of the queue what goes along."""
        room = self.size - len(leader.items)
        chosen: list[_Ticket[Item, Result]] = []
        with self._lock:
            left = []
            for one in self._queue:
                if one.key == leader.key and len(one.items) <= room:
                    chosen.append(one)
                    room -= len(one.items)
                else:
                    left.append(one)
            self._queue = left
        return chosen

    def _hand_over(self) -> None:
        """Let the first that waits go, or be one less."""
        with self._lock:
            if self._queue:
                self._queue.pop(0).called.set()
            else:
                self._running -= 1


class _Ticket(Generic[Item, Result]):
    __slots__ = ("called", "done", "error", "items", "key", "results")

    def __init__(self, items: list[Item], key: Hashable) -> None:
        self.items, self.key = items, key
        self.called = threading.Event()  # done, or to lead
        self.done = False
        self.results: list[Result] = []
        self.error: BaseException | None = None

    def outcome(self) -> list[Result]:
        if self.error is not None:
            raise self.error
        return self.results
