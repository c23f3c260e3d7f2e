"""Runs in the sandbox, beside the code that it traces: one call, its lines, its states. Imports nothing of ours.

``run(payload)`` takes ``code`` and either ``call`` (an expression) or ``script`` (statements), and returns JSON text:
``visits``, a flat list of [frame, line, next line or -1] and what changed during the visit; ``frames``, the function of
each frame; ``recursive``, functions that were entered again before they returned; ``result`` as [type, repr];
``error``; ``complete``, false when the limit on visits was hit; ``watched``, the values asked for.
"""

from __future__ import annotations

import ast
import builtins
import dis
import json
import random
import sys
import types
from typing import Any

NAME = "traced.py"
CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200
LEFT_OUT = None
_PLAIN = (type(None), bool, int, float, str, bytes, complex)
_MANY = (list, tuple, set, frozenset, dict)


def shown(value: Any, limit: int, top: bool = True) -> list[str] | None:
    """[type name, repr], or None for what is too big or not plain data; nothing is ever cut short."""
    if _nodes(value, limit, 0) < 0:
        return LEFT_OUT
    text = repr(value)
    return [type(value).__name__, text] if len(text) <= limit else LEFT_OUT


def _nodes(value: Any, left: int, depth: int) -> int:
    kind = type(value)
    if kind in (str, bytes):
        return left - len(value) - 2
    if kind is int:
        return left - 1 - int(value.bit_length()) // 4
    if kind in _PLAIN:
        return left - 1
    if kind not in _MANY or depth > 20 or len(value) > left:
        return -1
    left -= 2
    for item in value.items() if kind is dict else value:
        for part in item if kind is dict else (item,):
            left = _nodes(part, left, depth + 1)
            if left < 0:
                return -1
    return left


def statement_starts(tree: ast.Module) -> dict[int, int]:
    """Line -> first line of the statement, or head of a compound one, that it continues."""
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        inner = getattr(body[0], "lineno", None) or body[0].pattern.lineno if body else 0
        decorators = getattr(body[0], "decorator_list", None) if body else None
        if decorators:
            inner = decorators[0].lineno
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        end = inner - 1 if body else node.end_lineno or node.lineno
        for line in range(start + 1, end + 1):
            found[line] = start
    return found


def gives_out(frame: types.FrameType) -> bool:
    """Whether a frame that returns has stopped at a ``yield`` or an ``await``, so that it may go on."""
    code, at = frame.f_code.co_code, frame.f_lasti
    before, here, behind = (dis.opname[code[i]] if 0 <= i < len(code) else "" for i in (at - 2, at, at + 2))
    # CPython 3.13 stands behind a yield already, 3.10 in front of the ``yield from`` that it will do again
    return (
        here.endswith("YIELD_VALUE") or (here == "RESUME" and before.endswith("YIELD_VALUE")) or behind == "YIELD_FROM"
    )


class TooLong(BaseException):
    """Ends a run of too many steps; code that catches everything goes on to its CPU limit, untraced."""


class Tracer:
    def __init__(self, starts: dict[int, int], payload: dict[str, Any], watch: dict[int, list[str]]) -> None:
        self.starts, self.watch = starts, watch
        self.limit, self.most, self.states = payload["repr"], payload["visits"], payload["states"]
        self.visits: list[list[Any]] = []
        self.frames: list[str] = []
        self.alive: dict[Any, set[int]] = {}  # frames that were entered and have not ended, by code
        self.waiting: dict[Any, Any] = {}  # generators and coroutines that wait: frame -> what steps through it
        self.recursive: set[str] = set()
        self.watched: dict[str, list[list[Any]]] = {}  # each value in a list of its own, empty once it is replaced
        self.complete = True
        self.expressions = {text: _compiled(text) for texts in watch.values() for text in texts}

    def enter(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if code.co_filename != NAME or code.co_name[0] == "<" or not code.co_flags & 1:
            return None  # another file, a comprehension or lambda, a class body
        if not self.complete:
            return None
        if frame in self.waiting:
            return self.waiting[frame]  # it goes on where it gave something out or waited
        number = len(self.frames)
        self.frames.append(code.co_name)
        alive = self.alive.setdefault(code, set())
        if alive:
            self.recursive.add(code.co_name)
        alive.add(number)
        known: dict[str, Any] = {}
        if self.states:
            self.changes(frame, known)
        last: list[list[Any]] = []  # the visit under way in this frame
        told: list[list[Any]] = []  # the watched values that it was left with, for as long as it may go on
        can_wait = code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)

        def step(frame: types.FrameType, event: str, arg: Any) -> Any:
            if event == "line" and self.complete:
                start = self.starts.get(frame.f_lineno, frame.f_lineno)
                if last and last[0][1] == start:
                    return step  # the same statement goes on, over its lines or as a loop on one line
                self.close(frame, last, start, known, told)
                if len(self.visits) >= self.most:
                    self.complete = False
                    raise TooLong
                visit = [number, start, -1]
                self.visits.append(visit)
                last[:] = [visit]
                told.clear()
            elif event == "return":
                waits = can_wait and gives_out(frame)
                self.close(
                    frame, last, -1, dict(known) if waits else known, told
                )  # what follows is told when it goes on
                if waits:
                    self.waiting[frame] = step
                else:
                    self.waiting.pop(frame, None)
                    last.clear()
                    alive.discard(number)
            return step

        return step

    def close(
        self, frame: types.FrameType, last: list[list[Any]], following: int, known: dict[str, Any], told: list[Any]
    ) -> None:
        """End the visit under way: note the next line, and what changed while it ran; what was told is replaced."""
        if not last:
            return
        visit = last[0]
        visit[2] = following
        if self.states:
            visit[3:] = [self.changes(frame, known)]
        for cell in told:
            cell.clear()
        told.clear()
        for text in self.watch.get(visit[1], ()):
            try:
                value = eval(self.expressions[text], frame.f_globals, dict(frame.f_locals))
                cell = [shown(value, self.limit)]
            except BaseException:
                continue
            self.watched.setdefault(f"{visit[1]}:{text}", []).append(cell)
            told.append(cell)

    def changes(self, frame: types.FrameType, known: dict[str, Any]) -> dict[str, Any]:
        changed = {}
        for name, value in dict(frame.f_locals).items():
            if name[0] == "." or isinstance(value, (types.FunctionType, types.ModuleType, type)):
                continue
            now = shown(value, self.limit)
            if name not in known or known[name] != now or now is LEFT_OUT:
                known[name] = now
                changed[name] = now
        return changed


def _compiled(text: str) -> Any:
    try:
        return compile(text, "watched", "eval")
    except SyntaxError:
        return compile("None.missing", "watched", "eval")


def run(payload: dict[str, Any]) -> str:
    told: dict[str, Any] = {"visits": [], "frames": [], "recursive": [], "watched": {}, "complete": True}
    told.update(result=None, error="", steps=0)
    module = types.ModuleType("traced")
    space = module.__dict__
    space["__builtins__"] = builtins
    sys.modules["traced"] = module
    tracer = None
    if payload.get("seed") is not None:
        random.seed(payload["seed"])
    try:
        tree = ast.parse(payload["code"])
        exec(compile(payload["code"], NAME, "exec", dont_inherit=True), space)
        for name in payload.get("ignored", ()):
            space.setdefault(name, lambda *args, **named: None)
        watch = {int(line): list(texts) for line, texts in payload.get("watch", {}).items()}
        starts = statement_starts(tree)
        tracer = Tracer(starts, payload, watch)
        if "call" in payload:
            work = compile(payload["call"], "call", "eval", dont_inherit=True)
        else:
            work = compile(payload["script"], "call", "exec", dont_inherit=True)
        sys.settrace(tracer.enter)
        try:
            value = eval(work, space)
        finally:
            sys.settrace(None)
        told["result"] = shown(value, payload["result"])
        told["type"] = type(value).__name__
    except BaseException as error:
        sys.settrace(None)
        told["error"] = f"{type(error).__name__}: {str(error)[:200]}"
    if tracer is not None:
        told.update(visits=tracer.visits, frames=tracer.frames, recursive=sorted(tracer.recursive))
        watched = {key: [cell[0] for cell in cells if cell] for key, cells in tracer.watched.items()}
        told.update(watched=watched, complete=tracer.complete)
    return json.dumps(told)
