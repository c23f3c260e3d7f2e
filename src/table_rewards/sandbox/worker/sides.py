"""The two ends of the socket between the tests and the model's code: questions, answers, questions back.

Both ends are alike, but the tests' end answers less: of the objects that it has handed over, only public attributes and
special methods may be used, and none that lead to the tests.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import socket
import sys
import threading
import types
from collections.abc import Sequence
from typing import Any

from . import awaiting, mirrors, programs, wire, world
from .crossing import FORBIDDEN, RETURNED, Crossing, Refused, library_name
from .mirrors import ALLOWED, IMMUTABLE, SPECIAL, Bound, Mirror

MAX_NESTED = 100
MODULE = 0  # the number of the module that the code has become
_LEADS_AWAY = ("gi_", "cr_", "ag_", "f_", "tb_", "func_", "co_")
CO_VARARGS, CO_VARKEYWORDS, CO_COROUTINE = 4, 8, 128  # as ``inspect`` has them
VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = 2, 3, 4
_OPAQUE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, functools.partial)


class CodeEnded(BaseException):
    """The process of the code is gone: it has exited, crashed or not loaded. No test passes by expecting an error."""


class Side(Crossing):
    """One end: :meth:`ask` a question, :meth:`serve` the other's."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self.sock = sock
        self.mirrors: dict[int, Any] = {}
        self.seen: dict[int, Any] = {}
        self.functions: dict[int, int] = {}  # of stand-ins by their identity: ``functools.wraps`` copies any mark
        self.depth = 0
        self.calls = 0
        self.asked = 0
        self.dead = False
        self.lock = threading.RLock()  # threads ask one after the other: the socket holds one conversation
        self.refused = ""
        self.unsigned: list[tuple[Any, Any]] = []
        self.taking_turns: Any = None

    # -- stand-ins

    def number_of(self, value: Any) -> int | None:
        kind = type(value)
        if kind is types.FunctionType:
            return self.functions.get(id(value))
        if isinstance(value, Mirror):
            mark = (value.__dict__.get("_tr_side"), value.__dict__.get("_tr_number"))
        elif kind is Bound:
            return None
        elif isinstance(kind, Mirror):
            if isinstance(value, BaseException):
                return value.__dict__.get("_tr_number")
            mark = mirrors.mark_of(value)
        else:
            return None
        return mark[1] if mark is not None and mark[0] is self else None

    def is_own(self, value: Any) -> bool:
        """Whether a value is an object of this side: neither plain data nor a stand-in."""
        data = self.pack(value)
        return type(data) is list and data[0] in ("h", "C")

    def mirror(self, number: int) -> Any:
        found = self.mirrors.get(number)
        if found is None:
            told = self.ask({"op": "describe", "on": number})["ok"]
            found = mirrors.make_class(self, number, told)
            self.mirrors[number] = found
        return found

    def stand_in(self, number: int, kind: Any) -> Any:
        found = self.seen.get(number)
        if found is not None:
            return found
        if kind == "function":
            made = self.function(number)
        else:
            cls = self.unpack(kind)
            if not isinstance(cls, Mirror):
                raise Refused("a stand-in without a mirrored class")
            derives = issubclass(cls, IMMUTABLE)
            base = self.call({"op": "base", "on": number}, (), {}) if derives else None
            if derives and not isinstance(base, IMMUTABLE):
                raise Refused("not the plain value of an object")
            made = mirrors.make_instance(self, number, cls, base)
        self.remember(number, made)
        return made

    def function(self, number: int) -> Any:
        told = self.ask({"op": "describe", "on": number})["ok"]

        def plain(*args: Any, **named: Any) -> Any:
            return self.call({"op": "call", "on": number}, args, named)

        stub: Any = plain
        if told.get("coroutine") is True:

            async def coroutine(*args: Any, **named: Any) -> Any:
                return await self.call({"op": "call", "on": number}, args, named)

            stub = coroutine

        self.sign(stub, told)
        stub.__name__ = str(told["name"])
        stub.__qualname__ = str(told.get("qualname") or told["name"])
        stub.__doc__ = told.get("doc")
        stub.__module__ = "solution"
        if not told.get("attributes"):
            self.functions[id(stub)] = number
            return stub
        made = mirrors.make_instance(self, number, _Callable)
        for name in ("__name__", "__qualname__", "__doc__"):
            object.__setattr__(made, name, getattr(stub, name))
        return made

    def sign(self, stub: Any, told: dict[str, Any]) -> None:
        """Give a stand-in the annotations of its function, and the signature as soon as anybody can ask for it."""
        try:
            stub.__annotations__ = {str(key): self.unpack(value) for key, value in (told.get("notes") or {}).items()}
        except Exception:
            return
        if told.get("parameters") is not None:
            self.unsigned.append((stub, told["parameters"]))
            self.sign_waiting()

    def sign_waiting(self) -> None:
        """Sign what waits for it, once ``inspect`` is imported: its import costs more than all the calls of a test."""
        inspect = sys.modules.get("inspect")
        if inspect is None or not hasattr(inspect, "Signature"):
            return
        waiting, self.unsigned = self.unsigned, []
        empty = inspect.Parameter.empty
        for stub, parameters in waiting:
            with contextlib.suppress(Exception):
                notes = stub.__annotations__
                told = [
                    inspect.Parameter(
                        str(name),
                        inspect._ParameterKind(kind),
                        default=value if has else empty,
                        annotation=notes.get(str(name), empty),
                    )
                    for name, kind, has, value in parameters
                ]
                stub.__signature__ = inspect.Signature(told, return_annotation=notes.get("return", empty))

    def remember(self, number: int, value: Any) -> None:
        self.seen[number] = value

    def generator(self, number: int) -> Any:
        found = self.seen.get(number)
        if found is None:
            found = self._generator(number)
            self.remember(number, found)
        return found

    def _generator(self, number: int) -> Any:
        """A generator here that goes on there."""
        sent: Any = None
        while True:
            answer = self.ask({"op": "send", "on": number, "args": [self.pack_shared(sent)]})["ok"]
            if answer[0] == "end":
                return self.unpack(answer[1])
            try:
                sent = yield self.unpack(answer[1])
            except GeneratorExit:
                self.ask({"op": "close", "on": number})
                raise

    def awaitable(self, number: int) -> Any:
        async def wait() -> Any:
            if _running_loop() is None:  # driven by hand
                return self.call({"op": "await", "on": number}, (), {})
            return await self.turns().wait(number)

        return wait()

    def turns(self) -> Any:
        if self.taking_turns is None:
            self.taking_turns = awaiting.Turns(self)
        return self.taking_turns

    # -- asking

    def refusal(self, why: str) -> Exception:
        """What is raised where the word of the code is not taken; the test under way does not pass any more."""
        self.refused = why
        return TypeError(why)

    def ask(self, told: dict[str, Any]) -> dict[str, Any]:
        """Send a question; serve the other side's until it answers."""
        with self.lock:
            return self.ask_alone(told)

    def ask_alone(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.unsigned:
            self.sign_waiting()
        self.asked += 1
        if self.dead:
            raise CodeEnded("the code ended: it has exited, crashed or not loaded")
        looping = _running_loop() is not None
        if looping:
            told["loop"] = True
        try:
            self.send(told)
            while True:
                answer = wire.receive_header(self.sock)
                self.take(answer)
                if "op" not in answer:
                    break
                self.send(self.serve(answer))
        except (EOFError, OSError, ValueError, AssertionError):
            self.dead = True
            raise CodeEnded("the code ended: it has exited, crashed or not loaded") from None
        self.settle()
        if looping and answer.get("busy") is True:
            self.turns().busy = True
            self.turns().keep_turning()
        if "error" in answer:
            raise self.unpack_error(answer["error"])
        return answer

    def settle(self) -> None:
        """What is done between an answer and its use."""

    def call(self, told: dict[str, Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        with self.lock:
            self.calls += 1
            told["args"] = [self.pack_shared(arg) for arg in args]
            if named:
                told["named"] = {key: self.pack_shared(value) for key, value in named.items()}
            del args, named
            answer = self.ask_alone(told)
            return self.unpack(answer["ok"])

    def attribute(self, number: int, name: str, owner: Any) -> Any:
        answer = self.ask({"op": "get", "on": number, "name": name})
        if answer.get("method"):
            return Bound(self, number, name, owner)
        return self.unpack(answer["ok"])

    def send(self, told: dict[str, Any]) -> None:
        changes = self.changes() if self.shared else None
        if changes:
            told["changed"] = changes
        self.sock.sendall(wire.message(told))

    def take(self, told: dict[str, Any]) -> None:
        """What comes along with any message."""
        changes = told.pop("changed", None)
        if changes:
            self.take_changes(changes)

    def derive(self, name: str, bases: tuple[Any, ...], body: dict[str, Any]) -> int:
        """Have the other side make the like of a class that derives from a mirrored one; its number there."""
        members = {}
        for key, value in body.items():
            if key in ("__module__", "__qualname__", "__dict__", "__weakref__", "__classcell__", "__annotations__"):
                continue
            how, inner = "p", value
            if isinstance(value, types.FunctionType):
                how = "f"
            elif isinstance(value, (staticmethod, classmethod)):
                how, inner = ("s" if isinstance(value, staticmethod) else "c"), value.__func__
            elif isinstance(value, property):
                how, inner = "r", [part for part in (value.fget, value.fset) if part is not None]
            members[key] = [how, self.pack(inner)]
        packed = [self.pack(base) for base in bases if self.number_of(base) is not None]
        answer = self.ask({"op": "derive", "on": MODULE, "name": name, "bases": packed, "members": members})
        return int(answer["ok"])

    # -- serving

    def serve(self, told: dict[str, Any]) -> dict[str, Any]:
        """Do what the other side asks; what goes wrong is an answer too."""
        self.depth += 1
        try:
            if self.depth > MAX_NESTED:
                raise RecursionError("calls back and forth nested too deep")
            if told["op"] == "turn":
                return {"ok": self.turns().turn()}
            if told["op"] == "cancel":
                self.turns().cancel(told["task"])
                return {"ok": None}
            if told["op"] == "start":
                return {"ok": self.turns().start(self.objects[told["on"]])}
            return self.work_in_loop(told) if told.get("loop") is True else self.work(told)
        except BaseException as error:
            if isinstance(error, CodeEnded):
                raise
            try:
                return {"error": self.pack_error(self.cleaned(error))}
            except Exception:
                return {
                    "error": ["x", ["g", "builtins", "RuntimeError"], ["t", type(error).__name__], "", None, None, None]
                }
        finally:
            self.depth -= 1

    def work_in_loop(self, told: dict[str, Any]) -> dict[str, Any]:
        """Work for who asks from within a loop: what is made here is made in one too, that goes on in turns."""
        import asyncio

        if asyncio._get_running_loop() is not None:
            return self.work(told)
        asyncio._set_running_loop(self.turns().loop())
        try:
            answer = self.work(told)
        finally:
            asyncio._set_running_loop(None)
        if self.turns().at_work():
            answer["busy"] = True
        return answer

    def cleaned(self, error: BaseException) -> BaseException:
        return error

    def may(self, holder: Any, op: str, name: str) -> None:
        """Raise unless the other side may do that to an object of this one."""

    def work(self, told: dict[str, Any]) -> dict[str, Any]:
        op, number = told["op"], told["on"]
        holder = self.objects[number]
        name = told.get("name", "")
        self.may(holder, op, name)
        if op == "describe":
            return {"ok": self.describe(holder)}
        if op == "get":
            found = getattr(holder, name)
            if isinstance(found, (types.MethodType, types.BuiltinMethodType)) or (
                isinstance(found, types.FunctionType) and isinstance(holder, type)
            ):
                return {"ok": None, "method": True}
            return {"ok": self.pack_shared(found)}
        if op == "set":
            value = self.unpack(told["value"])
            if told.get("plain") is True and self.is_decorated(type(holder)):
                object.__setattr__(holder, name, value)
            else:
                self.assign(holder, name, value)
            return {"ok": None}
        if op == "del":
            delattr(holder, name)
            return {"ok": None}
        if op == "send":
            return self.advance(holder, told)
        if op == "close":
            holder.close()
            return {"ok": None}
        args = [self.unpack(item) for item in told.get("args", ())]
        named = {key: self.unpack(value) for key, value in told.get("named", {}).items()}
        return {"ok": self.pack_shared(self.perform(op, holder, name, args, named, told))}

    def perform(
        self, op: str, holder: Any, name: str, args: list[Any], named: dict[str, Any], told: dict[str, Any]
    ) -> Any:
        if op == "call":
            return holder(*args, **named)
        if op == "method":
            return getattr(holder, name)(*args, **named)
        if op == "op":
            return holder(*args, **named) if name == "__call__" else special(holder, name, args)
        if op == "base":
            return base_value(holder)
        if op == "vars":
            return dict(vars(holder))
        if op == "dir":
            return dir(holder)
        if op in ("copy", "deepcopy"):
            import copy

            return copy.copy(holder) if op == "copy" else copy.deepcopy(holder)
        if op == "path":
            return getattr(getattr(holder, name), told["then"])
        if op == "await":
            return run_to_end(holder)
        raise Refused(f"no such question: {op}")

    def is_decorated(self, holder: Any) -> bool:
        """Whether it is a class of the tests that a decorator of the code stands at."""
        return False

    def assign(self, holder: Any, name: str, value: Any) -> None:
        setattr(holder, name, value)

    def advance(self, holder: Any, told: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": ["item", self.pack_shared(holder.send(self.unpack(told["args"][0])))]}
        except StopIteration as stop:
            return {"ok": ["end", self.pack_shared(stop.value)]}

    def describe(self, holder: Any) -> dict[str, Any]:
        if not isinstance(holder, type):
            attributes = getattr(holder, "__dict__", None)
            name = getattr(holder, "__name__", type(holder).__name__)
            doc = getattr(holder, "__doc__", None)
            own = {key for key in attributes or () if key not in ("__wrapped__", "__signature__")}
            return {
                "name": str(name), "qualname": str(getattr(holder, "__qualname__", name)),
                "doc": doc if type(doc) is str else None, "attributes": bool(own), **self.signature(holder),
            }  # fmt: skip
        functions = {}
        for key, value in list(holder.__dict__.items()):
            if key.startswith("__") and key.endswith("__") and key not in ("__init__", "__post_init__"):
                continue
            if isinstance(value, staticmethod):
                functions[key] = "s"
            elif isinstance(value, classmethod):
                functions[key] = "c"
            elif isinstance(value, types.FunctionType):
                functions[key] = "f"
        special_names = [key for key in SPECIAL if getattr(holder, key, None) is not None and defined(holder, key)]
        doc = holder.__doc__
        fields = holder.__dict__.get("__dataclass_fields__")
        base = next((kind.__name__ for kind in (*IMMUTABLE, list, dict, set) if issubclass(holder, kind)), None)
        return {
            "name": holder.__name__, "qualname": holder.__qualname__, "doc": doc if type(doc) is str else None,
            "bases": [self.pack_base(item) for item in holder.__bases__ if item is not object],
            "special": special_names, "functions": functions, "base": base,
            "unhashable": getattr(holder, "__hash__", None) is None, "fields": list(fields) if fields else None,
            "own_eq": getattr(holder.__eq__, "__objclass__", None) is None,
            "abstract": sorted(map(str, getattr(holder, "__abstractmethods__", ()))),
            "kinds": [list(named) for named in map(library_name, holder.__mro__) if named is not None],
        }  # fmt: skip

    def signature(self, function: Any) -> dict[str, Any]:
        """What ``inspect`` is told of a function on the other side."""
        if type(function) is not types.FunctionType:
            return {}
        try:
            parameters = [
                [name, kind, has, default if has and type(default) in (int, float, str, bool, type(None)) else None]
                for name, kind, has, default in parameters_of(function)
            ]
            notes = {
                str(key): value if type(value) is str else self.pack(value)
                for key, value in function.__annotations__.items()
                if type(value) in (str, type, type(None))
            }
        except Exception:
            return {}
        coroutine = bool(function.__code__.co_flags & CO_COROUTINE)
        return {"parameters": parameters, "notes": notes, "coroutine": coroutine}

    def pack_base(self, cls: Any) -> Any:
        try:
            return self.pack(cls)
        except Refused:
            return None


def parameters_of(function: types.FunctionType) -> list[tuple[str, int, bool, Any]]:
    """Name, kind, whether there is a default, and the default of every parameter.

    ``inspect`` says it of functions that wrap another; for others its import, which a small process does not have
    behind it, would cost more than all the calls of a test.
    """
    if function.__dict__.keys() & {"__wrapped__", "__signature__"}:
        import inspect

        empty = inspect.Parameter.empty
        found = inspect.signature(function).parameters.values()
        return [(item.name, int(item.kind), item.default is not empty, item.default) for item in found]
    code = function.__code__
    first, named = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    defaults, by_name = function.__defaults__ or (), function.__kwdefaults__ or {}
    told: list[tuple[str, int, bool, Any]] = []
    for index, name in enumerate(names[:first]):
        at = index - (first - len(defaults))
        told.append((name, int(index >= code.co_posonlyargcount), at >= 0, defaults[at] if at >= 0 else None))
    more = first + named
    if code.co_flags & CO_VARARGS:
        told.append((names[more], VAR_POSITIONAL, False, None))
    told += [(name, KEYWORD_ONLY, name in by_name, by_name.get(name)) for name in names[first:more]]
    if code.co_flags & CO_VARKEYWORDS:
        told.append((names[more + bool(code.co_flags & CO_VARARGS)], VAR_KEYWORD, False, None))
    return told


def _call_function(self: Any, *args: Any, **named: Any) -> Any:
    side, number = mirrors.whose(self)
    return side.call({"op": "call", "on": number}, args, named)


def _bind_function(self: Any, instance: Any, owner: Any = None) -> Any:
    return self if instance is None else types.MethodType(self, instance)


# stands for a function with attributes of its own
_Callable: Any = type.__new__(
    Mirror,
    "function",
    (mirrors.Instance,),
    {"_tr_base": None, "__call__": _call_function, "__get__": _bind_function},
)


def defined(cls: Any, name: str) -> bool:
    """Whether a class has a special method that is not just ``object``'s."""
    for part in cls.__mro__:
        if name in part.__dict__:
            return part is not object
    return False


def special(holder: Any, name: str, args: list[Any]) -> Any:
    if name not in ALLOWED:
        raise Refused(f"{name} is not asked across")
    if name == "__iter__":
        return iter(holder)
    if name == "__str__":
        return str(holder)
    if name == "__repr__":
        return repr(holder)
    if name == "__hash__":
        return hash(holder)
    return getattr(type(holder), name)(holder, *args)


def base_value(value: Any) -> Any:
    """The plain value of an object whose class derives from a builtin one."""
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, complex):
        return complex(value.real, value.imag)
    if isinstance(value, str):
        return str.__getitem__(value, slice(None))
    if isinstance(value, bytes):
        return bytes.__getitem__(value, slice(None))
    if isinstance(value, tuple):
        return tuple.__getitem__(value, slice(None))
    if isinstance(value, frozenset):
        return frozenset(set.union(set(), value))
    if isinstance(value, list):
        return list.__getitem__(value, slice(None))
    if isinstance(value, dict):
        return dict(dict.items(value))
    if isinstance(value, set):
        return set(set.__iter__(value))
    raise TypeError(f"{type(value).__name__} has no plain value")


def _running_loop() -> Any:
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


_loops: list[Any] = []


def run_to_end(awaitable: Any) -> Any:
    """The result of something to await: in one loop for all, or in one of its own where that loop is at work."""

    import asyncio  # as all that few tests need: a small process forks faster

    async def wait() -> Any:
        return await awaitable

    running = asyncio._get_running_loop()
    if not _loops:
        _loops.append(asyncio.new_event_loop())
    loop = _loops[0] if not _loops[0].is_running() else asyncio.new_event_loop()
    asyncio._set_running_loop(None)
    try:
        return loop.run_until_complete(wait())
    finally:
        asyncio._set_running_loop(running)
        if loop is not _loops[0]:
            loop.close()


# -- the model's side


class _Kept(io.BytesIO):
    """What the code has printed: there also when it has closed its stream, or put another one in its place."""

    def close(self) -> None:
        pass


class CodeSide(Side):
    """The end of the model's code."""

    def __init__(self, sock: socket.socket, space: dict[str, Any]) -> None:
        super().__init__(sock)
        self.space = space
        self.objects[MODULE] = space
        self.printed = _Kept()
        self.undo: dict[tuple[str, str], Any] = {}
        self.originals: dict[tuple[type, str], Any] = {}
        self.complained = _Kept()
        self.notes: dict[int, dict[str, Any]] = {}
        self.records: list[Any] = []
        self.keeps_records = False
        world.kept_warnings()  # those of the import belong to no test
        self.levels: dict[str, int] = {}
        sys.stdout = io.TextIOWrapper(self.printed, encoding="utf-8", errors="surrogateescape", write_through=True)
        sys.stderr = io.TextIOWrapper(self.complained, encoding="utf-8", errors="surrogateescape", write_through=True)

    def work(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["on"] != MODULE:
            if told["op"] == "restore":
                holder, name = self.objects[told["on"]], told["name"]
                if (holder, name) in self.originals:
                    setattr(holder, name, self.originals[holder, name])
                elif name in holder.__dict__:
                    delattr(holder, name)  # it stood in a base
                return {"ok": None}
            if told["op"] == "del":
                self.note_original(self.objects[told["on"]], told["name"])
            return super().work(told)
        op, name = told["op"], told.get("name", "")
        if op == "get":
            if name not in self.space and (name.startswith("__") or "Solution" not in self.space):
                raise AttributeError(f"module 'solution' has no attribute {name!r}")
            return {"ok": self.pack_shared(programs.find(self.space, name))}
        if op == "set":
            self.space[name] = self.unpack(told["value"])
        elif op == "del":
            if name not in self.space:
                raise AttributeError(name)
            del self.space[name]
        elif op == "dir":
            names = [
                key
                for key, value in self.space.items()
                if not key.startswith("__") and not isinstance(value, types.ModuleType)
            ]
            return {"ok": self.pack(names)}
        elif op == "derive":
            return {"ok": self.make_derived(told)}
        elif op == "unpickle":
            return {"ok": self.pack(importlib.import_module("pickle").loads(self.unpack(told["args"][0])))}
        return {"ok": None}

    def number_of(self, value: Any) -> int | None:
        number = super().number_of(value)
        if number is not None and type(value) is types.FunctionType and value.__dict__:
            self.tell_notes(value, number)
        return number

    def tell_notes(self, function: Any, number: int) -> None:
        """What the code, a decorator say, has noted at a function of the tests that it now gives back."""
        known = self.notes.setdefault(number, {})
        for name, note in list(function.__dict__.items()):
            if name not in ("__wrapped__", "__signature__") and (name not in known or known[name] is not note):
                known[name] = note
                with contextlib.suppress(Exception):
                    self.ask({"op": "set", "on": number, "name": name, "value": self.pack_shared(note)})

    def make_derived(self, told: dict[str, Any]) -> int:
        body: dict[str, Any] = {}
        for key, (how, packed) in told["members"].items():
            value = self.unpack(packed)
            if how == "f":
                body[key] = _calling(value, key)
            elif how in ("s", "c"):
                body[key] = (staticmethod if how == "s" else classmethod)(_calling(value, key))
            elif how == "r":
                body[key] = property(*[_calling(part, key) for part in value])
            else:
                body[key] = value
        bases = tuple(self.unpack(base) for base in told["bases"])
        made = types.new_class(told["name"], bases, {}, lambda space: space.update(body))
        made.__module__ = "test_solution"
        return self.keep(made)

    def perform(
        self, op: str, holder: Any, name: str, args: list[Any], named: dict[str, Any], told: dict[str, Any]
    ) -> Any:
        if op == "altered":
            return mirrors.changed_copies(holder)
        if op == "pickle":
            return importlib.import_module("pickle").dumps(holder)
        return super().perform(op, holder, name, args, named, told)

    def nameable(self, value: Any, module: str) -> bool:
        return isinstance(value, type) and (module in RETURNED or issubclass(value, BaseException))

    def assign(self, holder: Any, name: str, value: Any) -> None:
        self.note_original(holder, name)
        setattr(holder, name, value)

    def note_original(self, holder: Any, name: str) -> None:
        if isinstance(holder, type) and name in holder.__dict__:
            self.originals.setdefault((holder, name), holder.__dict__[name])

    def send(self, told: dict[str, Any]) -> None:
        for name, buffer in (("out", self.printed), ("err", self.complained)):
            if buffer.tell():
                told[name] = buffer.getvalue().decode("utf-8", "replace")
                buffer.seek(0)
                buffer.truncate()
        warned = world.kept_warnings()
        if warned:
            told["warned"] = [self.pack_error(one) for one in warned]
        if self.records:
            told["logs"] = self.records[:]
            self.records.clear()
        super().send(told)

    def take(self, told: dict[str, Any]) -> None:
        super().take(told)
        if not self.keeps_records and "logging" in sys.modules:
            self.keeps_records = world.keep_records(self.records, self.pack_error)
        around = told.pop("world", None)
        if around:
            for module, dotted, value in around.get("patches", ()):
                importlib.import_module(module)
                holder, name = world.holder_of(sys.modules[module], dotted)
                before = self.undo.setdefault((module, dotted), world.found(module, dotted, self.undo))
                if value is not None:
                    setattr(holder, name, self.unpack(value[0]))
                elif before is not self.undo:
                    setattr(holder, name, before)
                else:  # a class that has it from its base
                    with contextlib.suppress(AttributeError):
                        delattr(holder, name)
            if "env" in around:
                os.environ.clear()
                os.environ.update(around["env"])
            if "cwd" in around:
                with contextlib.suppress(OSError):
                    os.chdir(around["cwd"])
            for name, level in around.get("levels", {}).items():
                before = world.set_level(name, self.levels.get(name, 0) if level is None else level)
                self.levels.setdefault(name, before)


def _calling(function: Any, name: str) -> Any:
    def stub(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    stub.__name__ = name
    return stub


# -- the tests' side

TEST_MODULES = ("test_solution", "tests", "__main__")
WATCHED = (
    ("sys", "stdin"), ("builtins", "input"), ("builtins", "print"), ("builtins", "open"), ("time", "sleep"),
    ("time", "time"), ("time", "perf_counter"), ("time", "monotonic"), ("random", "random"), ("random", "randint"),
    ("random", "choice"), ("random", "shuffle"), ("random", "uniform"), ("random", "sample"), ("random", "choices"),
    ("random", "randrange"), ("os", "listdir"), ("os", "getenv"), ("os", "remove"), ("os", "getcwd"),
    ("os.path", "exists"), ("os.path", "isfile"), ("os.path", "isdir"), ("subprocess", "run"), ("datetime", "datetime"),
    ("datetime", "date"), ("uuid", "uuid4"), ("urllib.request", "urlopen"), ("socket", "socket"), ("os", "system"),
    ("json", "loads"), ("json", "load"), ("json", "dumps"), ("json", "dump"), ("getpass", "getpass"),
)  # fmt: skip


class TestSide(Side):
    """The end of the tests: it asks the code, and answers little."""

    trusted = True

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.missed = 0
        self.named_classes: set[int | None] = set()
        self.decorated: frozenset[str] = frozenset()  # classes of the tests that a decorator of the code stands at
        self.watched: list[list[Any]] = []  # module, name, the real value, the one that the code was told last
        for module, name in WATCHED:
            loaded = sys.modules.get(module)
            if loaded is not None:
                real = getattr(loaded, name, None)
                self.watched.append([module, name, real, real])
        self.warned: list[Any] = []
        self.attributes: dict[int, Any] = {}
        self.first_levels = self.levels = world.levels()
        self.env = dict(_environment())
        self.cwd = os.getcwd()

    def look(self, name: str) -> Any:
        """What the code has under a name."""
        try:
            found = self.attribute(MODULE, name, None)
            if isinstance(found, Mirror):
                self.named_classes.add(self.number_of(found))
            return found
        except AttributeError:
            self.missed += 1
            raise
        except CodeEnded:
            self.missed += 1
            raise

    def send(self, told: dict[str, Any]) -> None:
        around: dict[str, Any] = {}
        patches = []
        loaded = sys.modules.get
        for entry in self.watched:
            module, name, real, told_last = entry
            now = world.found(module, name) if "." in name else getattr(loaded(module), name, None)
            if now is not told_last:
                entry[3] = now
                patches.append([module, name, None if now is real else [self.pack(now)]])
        if patches:
            around["patches"] = patches
        if _environment() != self.env:
            self.env, around["env"] = dict(_environment()), dict(os.environ)
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = self.cwd
        if cwd != self.cwd:
            self.cwd = around["cwd"] = cwd
        levels = world.levels()
        if levels != self.levels:
            first, before, self.levels = self.first_levels, self.levels, levels
            changed = [name for name in {**before, **levels} if before.get(name, 0) != levels.get(name, 0)]
            own = {name: levels.get(name, 0) for name in changed}
            around["levels"] = {name: None if level == first.get(name, 0) else level for name, level in own.items()}
        if around:
            told["world"] = around
        super().send(told)

    def take(self, told: dict[str, Any]) -> None:
        super().take(told)
        for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
            text = told.pop(name, None)
            if type(text) is str and stream is not None:
                stream.write(text)
        records = told.pop("logs", None)
        if records:
            world.hand_over(records, self.unpack_error)
        self.warned += told.pop("warned", ())

    def settle(self) -> None:
        if self.warned:
            told, self.warned = self.warned, []
            world.warn_here([self.unpack_error(one) for one in told])

    def follow(self, target: Any, name: str) -> None:
        """Change a name of the standard library in the code's process too, if a test is about to patch it."""
        where = world.patched_name(target, name)
        if where is not None and all(where != (entry[0], entry[1]) for entry in self.watched):
            real = world.found(*where)
            self.watched.append([*where, real, real])

    def nameable(self, value: Any, module: str) -> bool:
        return True

    def may(self, holder: Any, op: str, name: str) -> None:
        kind = type(holder)
        mock = any(cls.__module__ == "unittest.mock" for cls in kind.__mro__)
        if op in ("describe", "send", "close", "await"):
            return
        if op == "base" and not isinstance(holder, type):
            return
        if op == "call" and callable(holder):
            if isinstance(holder, type) and holder.__module__ not in TEST_MODULES:
                raise TypeError(f"the code may not make a {holder.__name__} of the tests'")
            return
        if op == "op" and name in ALLOWED:
            return
        if self.is_decorated(holder) and op in ("get", "set", "del", "method", "dir") and may_redo(op, name):
            return
        mine = kind.__module__ in TEST_MODULES and not isinstance(holder, type)
        if mine and op in ("vars", "dir"):
            return
        if isinstance(holder, type) and holder.__module__ in TEST_MODULES and may_add(holder, op, name):
            return
        if op == "get" and name == "__isabstractmethod__":
            return
        public = type(name) is str and name[: 1 + mine] != "_" * (1 + mine) and not name.startswith(_LEADS_AWAY)
        if public and op in ("get", "set", "del") and may_note(holder, name):
            return
        if not public or kind in _OPAQUE or (mock and name in FORBIDDEN):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r} for the code")
        if op in ("get", "method"):
            return
        mine = mock or isinstance(holder, type) or callable(getattr(kind, name, None))
        if op in ("set", "del") and not mine:
            return
        raise AttributeError(f"the code may not do that to {name!r} of a {kind.__name__}")

    def perform(
        self, op: str, holder: Any, name: str, args: list[Any], named: dict[str, Any], told: dict[str, Any]
    ) -> Any:
        if op == "vars":  # itself, so that what the code changes there is changed here
            self.attributes[id(vars(holder))] = holder
            return vars(holder)
        return super().perform(op, holder, name, args, named, told)

    def is_decorated(self, holder: Any) -> bool:
        return isinstance(holder, type) and holder.__module__ in TEST_MODULES and holder.__qualname__ in self.decorated

    def assign(self, holder: Any, name: str, value: Any) -> None:
        if name in ("__eq__", "__ne__") and isinstance(holder, type):
            value = mirrors.cautious_equality(self, name, value)
        super().assign(holder, name, value)

    def changed(self, container: Any, after: Any) -> Any:
        """What the code leaves in the attributes of an object of the tests: its methods stay what they are."""
        holder = self.attributes.get(id(container))
        if holder is None or type(after) is not dict:
            return after
        own = [name for name in {**container, **after} if type(name) is not str or self.has_method(holder, name)]
        kept = {name: value for name, value in after.items() if name not in own}
        return {**kept, **{name: container[name] for name in own if name in container}}

    def has_method(self, holder: Any, name: str) -> bool:
        """Whether the tests have defined a method or property of that name, or Python has."""
        if name.startswith("__"):
            return True
        found = next((cls.__dict__[name] for cls in type(holder).__mro__ if name in cls.__dict__), None)
        kinds = (types.FunctionType, property, staticmethod, classmethod)
        return isinstance(found, kinds) and self.number_of(found) is None

    def describe(self, holder: Any) -> dict[str, Any]:
        told = super().describe(holder)
        handed = isinstance(holder, (type, types.FunctionType)) and holder.__module__ in TEST_MODULES
        if self.is_decorated(holder):  # the functions themselves, which stay what they are when others take their place
            own = {key: value for key, value in holder.__dict__.items() if type(value) is types.FunctionType}
            told["own"] = {key: self.pack(value) for key, value in own.items() if may_redo("get", key)}
            notes = getattr(holder, "__annotations__", {}).items()
            told["notes"] = {key: self.pack(value) for key, value in notes if type(value) in (str, type)}
        return told if handed else {**told, "doc": None}


NOT_ADDED = ("__eq__", "__ne__", "__hash__")  # what tests compare by stays theirs


def may_add(cls: type, op: str, name: str) -> bool:
    """Whether the code, a class decorator say, may do that to a class of the tests: add a name, and replace none."""
    if type(name) is not str or name in NOT_ADDED or not (name[:1] != "_" or name in ALLOWED):
        return False
    return op == "get" or (op == "set" and not (name in cls.__dict__ or (name[:1] != "_" and hasattr(cls, name))))


_REDONE = ("__init__", "__post_init__", "__name__", "__qualname__", "__doc__")


def may_redo(op: str, name: str) -> bool:
    """Whether the code may do that to a class of the tests that its decorator stands at: the result is its work."""
    if type(name) is not str:
        return op == "dir"
    plain = name[:2] != "__" or name in ALLOWED or name in _REDONE
    return (plain and not name.startswith(_LEADS_AWAY)) or (op == "set" and name in ("__setattr__", "__getattr__"))


def may_note(function: Any, name: str) -> bool:
    """Whether the code, a decorator say, may note something at a function of the tests."""
    mine = type(function) is types.FunctionType and function.__module__ in TEST_MODULES
    return mine and name != "pytestmark" and not function.__name__.startswith("test")


def _environment() -> Any:
    """What ``os.environ`` holds, as it holds it: the mapping itself decodes all of it at each look."""
    return getattr(os.environ, "_data", os.environ)


class Solution(types.ModuleType):
    """The module that the code has become, as the tests import it."""

    def __init__(self, name: str, side: TestSide, known_as: Sequence[str] = ()) -> None:
        super().__init__(name)
        self.__dict__["_tr_code"] = side
        self.__dict__["_tr_parts"] = {part for dotted in known_as for part in dotted.split(".")[1:]}

    def __getattr__(self, name: str) -> Any:
        side = self.__dict__["_tr_code"]
        if name == "__all__":
            return [key for key in side.call({"op": "dir", "on": MODULE}, (), {}) if not key.startswith("_")]
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return side.look(name)
        except AttributeError:
            if name not in self.__dict__["_tr_parts"]:
                raise
            side.missed -= 1
            return self  # the program stands for the package and its modules alike

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            types.ModuleType.__setattr__(self, name, value)
            return
        side = self.__dict__["_tr_code"]
        side.ask({"op": "set", "on": MODULE, "name": name, "value": side.pack_shared(value)})
        if side.is_own(value):
            self.__dict__[name] = value
        else:
            self.__dict__.pop(name, None)

    def __delattr__(self, name: str) -> None:
        self.__dict__.pop(name, None)
        side = self.__dict__["_tr_code"]
        side.ask({"op": "del", "on": MODULE, "name": name})
