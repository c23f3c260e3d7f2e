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

from collections.abc import Callable
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


def plain(data: Any, max_hashed: int | None = None, refuse: Callable[[list[Any]], ValueError] | None = None) -> Any:
    """The Python value of tagged JSON data.

    ``max_hashed`` bounds the entries of a set, and half those of a dict, in processes where a flood of colliding keys
    would cost others; ``refuse`` makes the error for data that stands for no value.

    Raises:
        ValueError: some of it stands for no value, or a set or dict has too many entries.
        TypeError: a set holds, or a dict has as a key, what cannot be hashed.
    """
    if type(data) is not list:
        return data
    tag, rest = data[0], data[1:]
    leaf = _LEAVES.get(tag)
    if leaf is not None:
        return leaf(*rest)
    kind = _KINDS.get(tag)
    if kind is None:
        raise refuse(data) if refuse is not None else ValueError(f"no plain value behind tag {tag!r}")
    items = [plain(item, max_hashed, refuse) for item in rest]
    if tag in ("l", "t"):
        return kind(items)
    if max_hashed is not None and len(items) > 2 * max_hashed:
        raise ValueError(f"a {kind.__name__} of over {max_hashed} entries stays a Value")
    return kind(zip(items[::2], items[1::2], strict=True)) if tag == "d" else kind(items)


_LEAVES: dict[Any, Callable[..., Any]] = {
    "i": lambda digits: int(digits, 16),
    "f": float,
    "c": lambda real, imaginary: complex(float(real), float(imaginary)),
    "b": bytes.fromhex,
}
_KINDS: dict[Any, type[Any]] = {**{tag: kind for kind, tag in _SEQUENCES.items()}, "d": dict}
