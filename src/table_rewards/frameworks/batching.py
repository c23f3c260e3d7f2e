"""Micro-batching: single calls become batches, without waiting for company and never for a batch that is stuck.

verl scores one sample a call, from up to 32 threads of a worker or as coroutines of its loop. The first caller scores
at once; those who come while it works form the next batch, which one of them scores for all. So a lone call has no
added latency, and under load the batches grow by themselves: while the next leader wakes, whoever comes joins its batch
instead of judging alone before it. Who waits longer than the window for a running batch starts another beside it; who
is in a batch that does not end scores its own sample alone. Forked copies start empty.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from table_rewards.core.forking import renew_after_fork
from table_rewards.core.scores import Judgement

LARGEST: Final = 64
WINDOW_S: Final = 0.05
_STUCK_S: Final = 1.0
_STUCK_SAMPLE_S: Final = 0.05
_STUCK_TIMES: Final = 4.0
_PACES: Final = 8
_MOST_AT_ONCE: Final = 8

JudgeAll = Callable[[Sequence[str], Sequence[Any], "int | None"], Sequence[Judgement]]


class Coalescer:
    """Judges single samples in batches, from threads (`judge`) or from an event loop (`judge_async`).

    Args:
        judge_all: judges a batch of texts against references; one judgement each.
        size: most samples in a batch.
        window_s: seconds that a caller waits for a running batch before it starts one of its own.

    >>> from table_rewards import Judgement
    >>> Coalescer(lambda texts, references, step: [Judgement(float(t == r)) for t, r in zip(texts, references)]
    ...           ).judge("7", "7", None).value
    1.0
    """

    def __init__(self, judge_all: JudgeAll, *, size: int = LARGEST, window_s: float = WINDOW_S) -> None:
        self._judge_all, self.size, self.window_s = judge_all, size, window_s
        self._lock = threading.Lock()
        self._queue: list[_Ticket] = []
        self._running = 0
        self._crowded = False  # whether the last batch had more than one sample
        self._paces: deque[float] = deque(maxlen=_PACES)  # seconds a sample of the last batches that ended
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopQueue] = weakref.WeakKeyDictionary()
        _alive.add(self)

    def stuck_s(self, samples: int) -> float:
        """Seconds after which a batch counts as one that does not end: much longer than the last ones would have taken.

        Of those the quickest: one that was stuck and ended after all does not make the next callers patient.
        """
        pace = min(self._paces, default=0.0)
        return max(_STUCK_S, samples * max(_STUCK_SAMPLE_S, _STUCK_TIMES * pace))

    def judged(self, texts: Sequence[str], references: Sequence[Any], step: int | None) -> Sequence[Judgement]:
        """Judge a batch, and keep its pace."""
        begun = time.monotonic()
        judged = self._judge_all(texts, references, step)
        self._paces.append((time.monotonic() - begun) / len(texts))
        return judged

    def judge(self, text: str, reference: Any, step: int | None) -> Judgement:
        """Judge one sample; blocks until its batch is done. Exceptions are those of the batch."""
        ticket: _Ticket | None = None
        with self._lock:
            leads = not self._running
            if leads:
                self._running += 1
            if not leads or self._crowded or self._queue:
                ticket = _Ticket(text, reference, step)
                self._queue.append(ticket)
        if ticket is None:
            try:
                return self._judge_all([text], [reference], step)[0]
            finally:
                self._hand_over()
        if leads:
            self._lead_company(ticket)
        else:
            self._wait(ticket)
        return ticket.outcome()

    def _wait(self, ticket: _Ticket) -> None:
        """Wait for a batch that has the sample, for the call to lead one, or for the window's end."""
        try:
            ticket.signal.acquire(timeout=self.window_s)
        except BaseException:  # an interrupt: the others must not wait for a leader that has gone
            with self._lock:
                appointed, ticket.appointed = ticket.appointed, False
                self._queue = [one for one in self._queue if one is not ticket]
            if appointed:
                self._hand_over()
            raise
        if not ticket.done:
            self._go_on(ticket)

    def _lead_company(self, ticket: _Ticket) -> None:
        """The last batch had company: let the threads that came back from it queue up, and judge them, too."""
        time.sleep(0)
        with self._lock:
            batch = self._next(ticket) if ticket in self._queue else []
            self._crowded = len(batch) > 1
        if batch:
            self._lead(batch)
        else:  # another caller, tired of waiting, has taken it
            self._hand_over()
            self._wait_for_its_batch(ticket)

    def _go_on(self, ticket: _Ticket) -> None:
        """Called as the next leader, or tired of waiting: take the queue's batch, or leave one that is stuck."""
        with self._lock:
            waiting = ticket in self._queue
            batch = self._next(ticket) if waiting else []
            self._running += waiting
            self._crowded |= len(batch) > 1
        if waiting:
            self._lead(batch)
        else:
            self._wait_for_its_batch(ticket)

    def _wait_for_its_batch(self, ticket: _Ticket) -> None:
        """Another caller judges this one's sample; when that does not end, it judges its own alone."""
        until = time.monotonic() + self.stuck_s(ticket.company)
        while not ticket.done:
            left = until - time.monotonic()
            if left <= 0:
                self._run([ticket.alone()])
                ticket.take_own()
                return
            ticket.signal.acquire(timeout=left)

    def _next(self, ticket: _Ticket) -> list[_Ticket]:
        """Take the ticket and those that go with it out of the queue."""
        same = [t for t in self._queue if t.step == ticket.step and t is not ticket]
        batch = [ticket, *same[: self.size - 1]]
        chosen = set(map(id, batch))
        self._queue = [t for t in self._queue if id(t) not in chosen]
        for one in batch:
            one.company = len(batch)
            self._running -= one.appointed  # its batch is this one now, whoever leads it
            one.appointed = False
        return batch

    def _lead(self, batch: list[_Ticket]) -> None:
        try:
            self._run(batch)
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        """Appoint the next leader; until it wakes, its batch counts as running, so that nobody overtakes it."""
        with self._lock:
            successor = self._queue[0] if self._queue and self._running == 1 else None
            if successor is None:
                self._running -= 1
            else:
                successor.appointed = True
        if successor is not None:
            successor.wake()  # not done: it goes on as the next leader

    def _run(self, batch: Sequence[_Ticket]) -> None:
        try:
            judged = self.judged([t.text for t in batch], [t.reference for t in batch], batch[0].step)
            for ticket, judgement in zip(batch, judged, strict=True):
                ticket.result = judgement
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        for ticket in batch:
            ticket.done = True
            ticket.wake()

    async def judge_async(self, text: str, reference: Any, step: int | None) -> Judgement:
        """The same without blocking the loop: the batches are judged in its threads."""
        loop = asyncio.get_running_loop()
        queue = self._loops.get(loop)
        if queue is None:
            queue = self._loops[loop] = _LoopQueue(self, loop)
        return await queue.add(text, reference, step)

    def forget_callers(self) -> None:
        """Start empty: in a forked child the other threads, and whoever held the lock, are gone."""
        self._lock = threading.Lock()
        self._queue = []
        self._running = 0
        self._crowded = False
        self._loops = weakref.WeakKeyDictionary()


class _Ticket:
    __slots__ = ("_own", "appointed", "company", "done", "error", "reference", "result", "signal", "step", "text")

    def __init__(self, text: str, reference: Any, step: int | None) -> None:
        self.text, self.reference, self.step = text, reference, step
        self.signal = threading.Lock()  # held until the sample is judged or its caller is to lead; cheaper than events
        self.signal.acquire()
        self.company = 1
        self.done = False
        self.appointed = False  # whether it has been called as the next leader, and has not looked yet
        self.result: Judgement | None = None
        self.error: BaseException | None = None
        self._own: _Ticket | None = None

    def wake(self) -> None:
        """Let the caller look again; what wakes it twice before it has looked wakes it once."""
        with suppress(RuntimeError):
            self.signal.release()

    def alone(self) -> _Ticket:
        self._own = _Ticket(self.text, self.reference, self.step)
        return self._own

    def take_own(self) -> None:
        assert self._own is not None
        self.result, self.error, self.done = self._own.result, self._own.error, True

    def outcome(self) -> Judgement:
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


class _LoopQueue:
    """The samples that coroutines of one loop wait for."""

    def __init__(self, owner: Coalescer, loop: asyncio.AbstractEventLoop) -> None:
        self._owner, self._size, self._window_s = owner, owner.size, owner.window_s
        self._loop = loop
        self._waiting: list[_Awaited] = []
        self._running = 0
        self._started = 0.0  # of the latest batch: while batches end, the next one waits for its turn
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, text: str, reference: Any, step: int | None) -> Judgement:
        future: asyncio.Future[Judgement] = self._loop.create_future()
        self._waiting.append(_Awaited(text, reference, step, future))
        self._start()
        return await future

    def _start(self) -> None:
        late = time.monotonic() - self._started > self._window_s
        if self._waiting and (not self._running or (late and self._running < _MOST_AT_ONCE)):
            self._running += 1
            self._started = time.monotonic()
            self._spawn(self._work())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whoever is ready in this round of the loop comes along
                if not self._waiting:  # another batch took them
                    break
                step = self._waiting[0].step
                batch = [one for one in self._waiting if one.step == step][: self._size]
                chosen = set(map(id, batch))
                self._waiting = [one for one in self._waiting if id(one) not in chosen]
                await self._watched(batch)
        finally:
            self._running -= 1

    async def _watched(self, batch: list[_Awaited]) -> None:
        """Judge a batch; when it takes long, start another beside it, and judge what is in it one by one."""
        self._started = time.monotonic()
        timers = [
            self._loop.call_later(self._window_s * 1.1, self._start),
            self._loop.call_later(self._owner.stuck_s(len(batch)), self._judge_alone, batch),
        ]
        try:
            await self._judge(batch)
        finally:
            for timer in timers:
                timer.cancel()

    def _judge_alone(self, batch: list[_Awaited]) -> None:
        if len(batch) > 1:
            for one in batch:
                self._spawn(self._judge([one]))

    async def _judge(self, batch: list[_Awaited]) -> None:
        texts, references = [one.text for one in batch], [one.reference for one in batch]
        try:
            judged = await self._loop.run_in_executor(None, self._owner.judged, texts, references, batch[0].step)
            outcomes: list[Judgement | BaseException] = list(judged)
        except Exception as error:
            outcomes = [error] * len(batch)
        for one, outcome in zip(batch, outcomes, strict=True):
            if one.future.done():  # its caller has gone, or it was judged alone
                continue
            if isinstance(outcome, BaseException):
                one.future.set_exception(outcome)
            else:
                one.future.set_result(outcome)


class _Awaited(NamedTuple):
    """A sample and the future that its coroutine waits for."""

    text: str
    reference: Any
    step: int | None
    future: asyncio.Future[Judgement]


_alive: weakref.WeakSet[Coalescer] = weakref.WeakSet()


def _forget_callers() -> None:
    for coalescer in list(_alive):
        coalescer.forget_callers()


renew_after_fork(_forget_callers)
