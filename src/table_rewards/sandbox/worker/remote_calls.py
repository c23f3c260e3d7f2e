"""What crosses the socket between test code and the model's code: plain data, and numbered handles for the rest.

A handle stands for an object that stays where it is: an instance of one of the model's classes (held on its side), or
a function that a test passes as an argument (held on the tests' side). ``["h", number, type name]``.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from .encoding import MAX_DEPTH, encode

MAX_ITEMS_OF_ITERATOR = 10_000


class Handles:
    """The objects that one side keeps for the other."""

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}
        self.numbers = itertools.count(1)

    def keep(self, value: Any) -> list[Any]:
        number = next(self.numbers)
        self.objects[number] = value
        return ["h", number, type(value).__name__]

    def pack(self, value: Any, depth: int = 0) -> Any:
        """Tagged data for ``value``; whatever is not plain data becomes a handle, also inside containers."""
        data = encode(value)
        if not holds_opaque(data) or depth > MAX_DEPTH:
            return data
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            tags: dict[Any, str] = {list: "l", tuple: "t", set: "s", frozenset: "z"}
            tag = tags[kind]
            return [tag, *[self.pack(item, depth + 1) for item in value]]
        if kind is dict:
            pairs = [self.pack(part, depth + 1) for pair in value.items() for part in pair]
            return ["d", *pairs]
        if isinstance(value, Iterator):
            return ["y", *[self.pack(x, depth + 1) for x in itertools.islice(value, MAX_ITEMS_OF_ITERATOR)]]
        return self.keep(value)


def holds_opaque(data: Any) -> bool:
    if type(data) is not list:
        return False
    return data[0] == "o" or (data[0] in ("l", "t", "s", "z", "d") and any(map(holds_opaque, data[1:])))


def unpack(data: Any, handle: Callable[[int, str], Any]) -> Any:
    """The value of packed data; ``handle(number, type name)`` makes what stands for the other side's object."""
    if type(data) is not list:
        return data
    tag, *rest = data
    if tag == "h":
        return handle(int(rest[0]), str(rest[1]))
    if tag == "i":
        return int(rest[0], 16)
    if tag == "f":
        return float(rest[0])
    if tag == "c":
        return complex(float(rest[0]), float(rest[1]))
    if tag == "b":
        return bytes.fromhex(rest[0])
    items = [unpack(item, handle) for item in rest]
    if tag == "l":
        return items
    if tag == "t":
        return tuple(items)
    if tag == "s":
        return set(items)
    if tag == "z":
        return frozenset(items)
    if tag == "y":
        return iter(items)
    if tag == "d":
        return dict(zip(items[::2], items[1::2], strict=True))
    raise ValueError(f"unknown tag {tag!r}")


class RemoteError(Exception):
    """An exception of a class that only the model's code knows."""


def error_named(name: str, text: str) -> Exception:
    """The builtin exception of that name, so that a test can expect it; never one that ends a process or a loop."""
    found = getattr(builtins, name, None)
    ends = (StopIteration, StopAsyncIteration, GeneratorExit, KeyboardInterrupt, SystemExit)
    if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, ends):
        try:
            return found(text)
        except TypeError:  # UnicodeDecodeError and its like want more than a text
            return RemoteError(f"{name}: {text}")
    return RemoteError(f"{name}: {text}")
