"""What one side awaits of the other: both event loops go on in turns, so that tasks of tests and code run side by side.

A coroutine stays where it is. Who awaits it starts it as a task there and gives that side's loop a turn whenever its
own loop comes round; timeouts, cancelling and ``gather`` then mean what they say. A side that has a loop under way,
further down the stack, adds the task to that one, which goes on by itself.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

asyncio: Any = None  # imported when it is needed: a small process forks faster
SHORT = 0.005  # seconds between two turns where the other side cannot tell when it goes on


class Turns:
    """One side's tasks that the other waits for, and its own waiting for the other's."""

    def __init__(self, side: Any) -> None:
        global asyncio
        asyncio = importlib.import_module("asyncio")
        self.side = side
        self.own: Any = None  # the loop that runs only in turns
        self.tasks: dict[int, Any] = {}
        self.next = 1
        self.waiting: dict[int, Any] = {}
        self.pump: Any = None
        self.busy = False

    def loop(self) -> Any:
        if self.own is None:
            self.own = asyncio.new_event_loop()
        return self.own

    # -- what the other side asks

    def start(self, awaitable: Any) -> int:
        async def go() -> Any:
            return await awaitable

        number, self.next = self.next, self.next + 1
        self.tasks[number] = (asyncio._get_running_loop() or self.loop()).create_task(go())
        return number

    def cancel(self, number: int | None) -> None:
        """Cancel a task; with None all of the own loop's, as at the end of a loop."""
        if number is not None:
            asked = [self.tasks[number]] if number in self.tasks else []
        else:
            asked = list(asyncio.all_tasks(self.own)) if self.own is not None else []
        for task in asked:
            task.cancel()

    def turn(self) -> dict[str, Any]:
        """Let the own loop go on; what is done by now, when to ask again, and whether anything is under way."""
        if self.own is not None and asyncio._get_running_loop() is None:
            with contextlib.suppress(BaseException):  # a task keeps what it raised
                self.own.run_until_complete(asyncio.sleep(0))
        done = []
        for number, task in list(self.tasks.items()):
            if task.done():
                del self.tasks[number]
                done.append([number, *self.outcome(task)])
        return {"done": done, "delay": self.delay(), "busy": self.at_work()}

    def outcome(self, task: Any) -> tuple[str, Any]:
        try:
            return "ok", self.side.pack_shared(task.result())
        except BaseException as error:
            return "error", self.side.pack_error(self.side.cleaned(error))

    def delay(self) -> float:
        loop = self.own
        if loop is None or asyncio._get_running_loop() is not None:
            return SHORT / 5
        if loop._ready:
            return 0.0
        return max(0.0, min(SHORT, loop._scheduled[0]._when - loop.time())) if loop._scheduled else SHORT

    def at_work(self) -> bool:
        if self.own is None:
            return False
        return bool(asyncio.all_tasks(self.own)) or any(not one.cancelled() for one in self.own._scheduled)

    # -- what is asked of the other side

    async def wait(self, number: int) -> Any:
        """The result of the other side's object of that number."""
        loop = asyncio.get_running_loop()
        task = self.side.ask({"op": "start", "on": number})["ok"]
        while True:
            future = self.waiting[task] = loop.create_future()
            self.keep_turning()
            try:
                return await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    raise  # the task itself was
                self.side.ask({"op": "cancel", "on": 0, "task": task})

    def keep_turning(self) -> None:
        loop = asyncio._get_running_loop()
        if self.pump is None or self.pump.done() or self.pump.get_loop() is not loop:
            self.pump = loop.create_task(self.turning())

    async def turning(self) -> None:
        ends = False
        try:
            while self.waiting or (self.busy and not ends):
                told = self.side.ask({"op": "turn", "on": 0})["ok"]
                self.busy = told["busy"] is True
                for number, how, packed in told["done"]:
                    self.settle(self.waiting.pop(number, None), how, packed)
                try:
                    await asyncio.sleep(0 if told["done"] else min(SHORT, float(told["delay"])))
                except asyncio.CancelledError:
                    ends = True  # with its loop, but for who still waits for an answer
                    self.side.ask({"op": "cancel", "on": 0, "task": None})
        except BaseException as error:
            waiting, self.waiting = self.waiting, {}
            for future in waiting.values():
                if not future.done() and not future.get_loop().is_closed():
                    future.set_exception(error)

    def settle(self, future: Any, how: str, packed: Any) -> None:
        if future is None or future.done() or future.get_loop().is_closed():
            return
        try:
            if how == "ok":
                future.set_result(self.side.unpack(packed))
                return
            error = self.side.unpack_error(packed)
        except Exception as failed:
            error = failed
        future.set_exception(RuntimeError(str(error)) if isinstance(error, StopIteration) else error)
