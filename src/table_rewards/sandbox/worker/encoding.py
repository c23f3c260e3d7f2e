"""Python values as tagged JSON, and back.

Only exact builtin types are encoded, so a subclass with a method of its own never crosses a process border as what it
pretends to be. Plain JSON stands for ``None``, bools, strings, ints below 2**53 and finite floats; everything else is a
list that starts with its tag::

    ["i", hex]  int            ["f", text]  nan, inf       ["c", re, im]  complex     ["b", hex]  bytes
    ["l", ...]  list           ["t", ...]   tuple          ["s", ...]     set         ["z", ...]  frozenset
    ["d", k, v, k, v, ...]     dict                        ["o", type]    anything else: equal to nothing
    ["r", type, message]       the call raised             ["m", why]     no value: the item did not run
"""

from __future__ import annotations

from typing import Any

MAX_NODES = 100_000
MAX_DEPTH = 60
EXACT = 1 << 53
_SEQUENCES: dict[Any, str] = {list: "l", tuple: "t", set: "s", frozenset: "z"}
_inf = float("inf")


def encode(value: Any, *, strict: bool = False, max_nodes: int = MAX_NODES) -> Any:
    """Return JSON data for ``value``. What cannot be encoded becomes ``["o", type]``, or a ``ValueError`` if strict."""
    left = [max_nodes]
    try:
        return _encode(value, 0, left, strict)
    except _TooLarge:
        if strict:
            raise ValueError("too deep, cyclic or too large") from None
        return ["o", "too large"]
    except UnicodeError:
        if strict:
            raise
        return ["o", "str"]


class _TooLarge(Exception):
    pass


def _encode(v: Any, depth: int, left: list[int], strict: bool) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise _TooLarge
    t = type(v)
    if v is None or t is bool or t is str:
        return v
    if t is int:
        return v if -EXACT < v < EXACT else ["i", hex(v)]
    if t is float:
        return v if -_inf < v < _inf else ["f", repr(v)]
    tag = _SEQUENCES.get(t)
    if tag is not None:
        return [tag, *[_encode(x, depth + 1, left, strict) for x in v]]
    if t is dict:
        flat: list[Any] = ["d"]
        for key, item in v.items():
            flat.append(_encode(key, depth + 1, left, strict))
            flat.append(_encode(item, depth + 1, left, strict))
        return flat
    if t is complex:
        return ["c", repr(v.real), repr(v.imag)]
    if t is bytes or t is bytearray:
        return ["b", v.hex()]
    if t.__module__ == "collections" and isinstance(v, dict):
        return _encode(dict(v.items()), depth, left, strict)
    if t.__module__ == "numpy" and hasattr(v, "tolist"):
        plain = v.tolist()
        if type(plain).__module__ != "numpy":
            return _encode(plain, depth + 1, left, strict)
    if strict:
        raise ValueError(f"{t.__name__} is not plain data")
    return ["o", t.__name__]


def plain(data: Any, opaque: Any = None) -> Any:
    """The Python value of tagged JSON data, for processes in which a flood of colliding keys costs only themselves.

    ``opaque(type_name)`` makes the stand-in of a value that could not be encoded.
    """
    if type(data) is not list:
        return data
    tag, *rest = data
    if tag == "l":
        return [plain(x, opaque) for x in rest]
    if tag == "t":
        return tuple(plain(x, opaque) for x in rest)
    if tag == "s":
        return {plain(x, opaque) for x in rest}
    if tag == "z":
        return frozenset(plain(x, opaque) for x in rest)
    if tag == "d":
        return {plain(k, opaque): plain(v, opaque) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    if tag == "i":
        return int(rest[0], 16)
    if tag == "f":
        return float(rest[0])
    if tag == "c":
        return complex(float(rest[0]), float(rest[1]))
    if tag == "b":
        return bytes.fromhex(rest[0])
    if opaque is None:
        raise ValueError(f"no plain value behind tag {tag!r}")
    return opaque(str(rest[0]))
