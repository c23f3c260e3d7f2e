"""The two processes of ``Job.tests``: the tests in one, the model's code in the other, a socket between them.

The tester never runs a line of the model's code, and what it receives is plain data or a stand-in that refuses to be
compared or to be true. The candidate never sees a test. Only the tester can write a verdict.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

from . import programs, wire
from .remote_calls import Handles, RemoteError, error_named, unpack

Spec = dict[str, Any]
MAX_NESTED = 50


def _send(sock: socket.socket, told: dict[str, Any]) -> None:
    sock.sendall(wire.message(told))


# -- the model's side


def run_candidate(spec: Spec, parts: list[bytes]) -> int:
    """Load the code, then serve calls until the tester hangs up."""
    sock = socket.socket(fileno=wire.PEER_FD)
    space = programs.new_module("solution")
    status = programs.execute(programs.prepare(spec, parts), space)
    if status:
        return status
    served = _Candidate(sock, space)
    try:
        while True:
            _send(sock, served.answer(wire.receive_header(sock)))
    except (EOFError, OSError):
        return 0


class _Candidate:
    def __init__(self, sock: socket.socket, space: dict[str, Any]) -> None:
        self.sock, self.space, self.handles = sock, space, Handles()

    def answer(self, told: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.work(told)
        except RecursionError as error:
            return {"error": ["RecursionError", str(error)[:200]]}
        except BaseException as error:
            name, _, text = programs.describe(error).partition(": ")
            return {"error": [name, text]}

    def work(self, told: dict[str, Any]) -> dict[str, Any]:
        if "look" in told:
            found = programs.find(self.space, told["look"])
            if isinstance(found, type):
                return {"kind": "error" if issubclass(found, BaseException) else "class"}
            return {"kind": "function"} if callable(found) else {"kind": "value", "ok": self.handles.pack(found)}
        holder = self.handles.objects[told["on"]] if "on" in told else None
        if "attribute" in told:
            found = getattr(holder, told["attribute"])
            return {"kind": "method"} if callable(found) else {"kind": "value", "ok": self.handles.pack(found)}
        name = told["call"]
        function = getattr(holder, name) if "on" in told else programs.find(self.space, name)
        args = [unpack(item, self.borrowed) for item in told["args"]]
        named = {key: unpack(item, self.borrowed) for key, item in told["named"].items()}
        before = [json.dumps(self.handles.pack(arg)) if type(arg) in MUTABLE else "" for arg in args]
        result = self.handles.pack(function(*args, **named))
        changed = {}
        for index, arg in enumerate(args):
            if type(arg) in MUTABLE:
                after = self.handles.pack(arg)
                if json.dumps(after) != before[index]:
                    changed[str(index)] = after
        return {"ok": result, "changed": changed}

    def borrowed(self, number: int, name: str) -> Any:
        """A test's function as an argument: calling it asks the tester. An instance of ours comes back as itself."""
        if name == "ours":
            return self.handles.objects[number]

        def call(*args: Any, **named: Any) -> Any:
            packed = {key: self.handles.pack(value) for key, value in named.items()}
            _send(self.sock, {"back": number, "args": [self.handles.pack(arg) for arg in args], "named": packed})
            while True:
                told = wire.receive_header(self.sock)
                if "returned" in told:
                    return unpack(told["returned"], self.borrowed)
                if "raised" in told:
                    raise error_named(*told["raised"])
                _send(self.sock, self.answer(told))

        return call


MUTABLE = (list, dict, set, bytearray)


# -- the tests' side


def run_tester(spec: Spec, parts: list[bytes]) -> int:
    """Run each test in one namespace; a test that ends without an exception has passed."""
    del parts
    tester = _Tester(socket.socket(fileno=wire.PEER_FD))
    programs.fresh_state()
    space = programs.new_module("tests")
    sys.modules["__main__"] = sys.modules["tests"]
    problem = ""
    try:
        for name in spec["entry"]:
            space[name] = tester.stub(name)
        if len(spec["entry"]) == 1:
            space["candidate"] = space[spec["entry"][0]]
    except BaseException as error:
        problem = programs.describe(error)
    for index, test in enumerate(spec["items"]):
        error_text = problem or one_test(test, space)
        status = b"E" if error_text else b"K"
        reason = error_text.encode("utf-8", "replace")
        wire.say(wire.TEST, wire.LENGTH.pack(index) + status + wire.LENGTH.pack(len(reason)) + reason)
    return 0


def one_test(test: str, space: dict[str, Any]) -> str:
    try:
        exec(programs.compiled(test, "test"), space)
    except BaseException as error:
        programs.print_error(error)
        return programs.describe(error)
    return ""


class _Tester:
    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.handles, self.depth = sock, Handles(), 0

    def ask(self, told: dict[str, Any]) -> dict[str, Any]:
        """Send a request; serve the candidate's calls of our functions until it answers."""
        try:
            _send(self.sock, told)
            while True:
                answer = wire.receive_header(self.sock)
                if "back" not in answer:
                    break
                _send(self.sock, self.serve(answer))
        except (EOFError, OSError):
            raise RemoteError("the code ended: it has exited, crashed or not loaded") from None
        except (ValueError, AssertionError):
            raise RemoteError("the code sent something that is not an answer") from None
        if "error" in answer:
            name, text = answer["error"]
            raise error_named(str(name), str(text))
        return answer

    def serve(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.depth += 1
        try:
            if self.depth > MAX_NESTED:
                raise RecursionError("calls back and forth nested too deep")
            function = self.handles.objects[asked["back"]]
            args = [self.unpack(item) for item in asked["args"]]
            named = {key: self.unpack(item) for key, item in asked["named"].items()}
            return {"returned": self.pack(function(*args, **named))}
        except Exception as error:
            return {"raised": [type(error).__name__, str(error)[:200]]}
        finally:
            self.depth -= 1

    def pack(self, value: Any) -> Any:
        if type(value) is Remote:
            return ["h", value._number, "ours"]
        return self.handles.pack(value)

    def unpack(self, data: Any) -> Any:
        return unpack(data, lambda number, name: Remote(self, number, name))

    def call(self, name: str, args: tuple[Any, ...], named: dict[str, Any], on: int | None = None) -> Any:
        told: dict[str, Any] = {
            "call": name,
            "args": [self.pack(arg) for arg in args],
            "named": {key: self.pack(value) for key, value in named.items()},
        }
        if on is not None:
            told["on"] = on
        answer = self.ask(told)
        for index, after in dict(answer.get("changed") or {}).items():
            _update(args[int(index)], self.unpack(after))
        return self.unpack(answer["ok"])

    def stub(self, name: str) -> Any:
        """What stands for a name of the model's code in the tests."""
        found = self.ask({"look": name})
        if found["kind"] == "value":
            return self.unpack(found["ok"])
        if found["kind"] == "error":
            return type(name, (RemoteError,), {})

        def stub(*args: Any, **named: Any) -> Any:
            return self.call(name, args, named)

        stub.__name__ = stub.__qualname__ = name
        return stub


def _update(target: Any, after: Any) -> None:
    """Do to a test's own list, dict or set what the code did to its copy."""
    if type(target) is not type(after):
        return
    if type(target) is list or type(target) is bytearray:
        target[:] = after
    elif type(target) in (dict, set):
        target.clear()
        target.update(after)


class Remote:
    """Stands for an object that the code returned. Its attributes and methods can be used; itself it proves nothing.

    Comparing it, or taking it for true, would ask the model's code whether it passed: both raise.
    """

    __slots__ = ("_name", "_number", "_tester")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tester: _Tester, number: int, name: str) -> None:
        self._tester, self._number, self._name = tester, number, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._tester.ask({"attribute": name, "on": self._number})
        if found["kind"] == "value":
            return self._tester.unpack(found["ok"])

        def method(*args: Any, **named: Any) -> Any:
            return self._tester.call(name, args, named, on=self._number)

        return method

    def _forward(self, name: str, *args: Any) -> Any:
        return self._tester.call(name, args, {}, on=self._number)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._tester.call("__call__", args, named, on=self._number)

    def __getitem__(self, key: Any) -> Any:
        return self._forward("__getitem__", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._forward("__setitem__", key, value)

    def __len__(self) -> int:
        return int(self._forward("__len__"))

    def __iter__(self) -> Any:
        return iter(self._forward("__iter__"))

    def __str__(self) -> str:
        return str(self._forward("__str__"))

    def __repr__(self) -> str:
        return f"<{self._name} of the code under test>"

    def _refuse(self, *_: object) -> Any:
        raise TypeError(f"a {self._name} that the code returned cannot be compared or taken for true: test its parts")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = _refuse
