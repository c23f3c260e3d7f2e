"""Reading the tagged text that a snippet claims; writing it as a literal or a plain value, without trusting it."""

from __future__ import annotations

import json
import math
from typing import Any

from table_rewards.sandbox.worker.encoding import MAX_DEPTH, MAX_NODES, plain

KINDS = {
    "l": "list", "t": "tuple", "s": "set", "z": "frozenset", "d": "dict", "i": "int", "f": "float", "c": "complex",
    "b": "bytes", "o": "opaque", "r": "raised", "m": "missing",
}  # fmt: skip
MAX_HASHED = 1000


def _bounded_int(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("an integer of that size is written in hex")
    return int(digits)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def read(raw: str | bytes) -> Any:
    try:
        data = json.loads(raw, parse_int=_bounded_int, parse_constant=_refuse)
        left = _check(data, 0, MAX_NODES)
    except (ValueError, RecursionError, MemoryError):
        return ["?", "malformed claim"]
    return data if left >= 0 else ["?", "claim too large"]


def _check(data: Any, depth: int, left: int) -> int:
    """Raise ``ValueError`` unless ``data`` is well-formed tagged data; return how many nodes are left to spend."""
    left -= 1
    kind = type(data)
    if kind is float and not math.isfinite(data):
        raise ValueError("a number that is not finite is written with its tag")
    if kind is dict or (kind is list and (not data or type(data[0]) is not str)):
        raise ValueError("untagged")
    if kind is not list or left < 0:
        return left
    tag, rest = data[0], data[1:]
    if tag in ("l", "t", "s", "z", "d"):
        if depth > MAX_DEPTH + 1 or (tag == "d" and len(rest) % 2):
            raise ValueError("too deep or uneven")
        for item in rest:
            left = _check(item, depth + 1, left)
            if left < 0:
                return left
    elif not all(type(part) is str for part in rest):
        raise ValueError("a tag's parts are text")
    elif tag == "i":
        int(rest[0] if len(rest) == 1 else "", 16)
    elif tag == "f":
        float(rest[0] if len(rest) == 1 else "")
    elif tag == "c":
        if len(rest) != 2:
            raise ValueError("complex")
        float(rest[0]), float(rest[1])
    elif tag == "b":
        bytes.fromhex(rest[0] if len(rest) == 1 else "x")
    elif tag not in ("o", "r", "m") or not rest:
        raise ValueError("unknown tag")
    return left


def write(data: Any, parts: list[str], left: list[int]) -> None:
    """Append the literal text of ``data`` until the budget is used up."""
    if left[0] < 0:
        return
    if type(data) is not list:
        _append(parts, left, repr(data[: left[0] + 1] if type(data) is str else data))
        return
    tag, rest = data[0], data[1:]
    if tag in ("i", "f", "c", "b"):
        if tag == "i" and len(rest[0]) > left[0] + 10:
            text = rest[0]
        else:
            text = repr(to_python(data)) if tag != "i" or len(rest[0]) < 3000 else rest[0]
        if tag == "f":
            text = f"float({rest[0]!r})"
        _append(parts, left, text)
    elif tag == "d":
        _append(parts, left, "{")
        for index in range(0, len(rest), 2):
            _append(parts, left, ", " if index else "")
            write(rest[index], parts, left)
            _append(parts, left, ": ")
            write(rest[index + 1], parts, left)
        _append(parts, left, "}")
    elif tag in ("l", "t", "s", "z"):
        before, after = {"l": ("[", "]"), "t": ("(", ")"), "s": ("{", "}"), "z": ("frozenset({", "})")}[tag]
        if not rest and tag in "sz":
            before, after = ("set(", ")") if tag == "s" else ("frozenset(", ")")
        _append(parts, left, before)
        for index, item in enumerate(rest):
            if left[0] < 0:
                return
            _append(parts, left, ", " if index else "")
            write(item, parts, left)
        _append(parts, left, "," + after if tag == "t" and len(rest) == 1 else after)
    else:
        _append(parts, left, f"<{KINDS.get(tag, 'malformed')} {': '.join(rest)}>")


def _append(parts: list[str], left: list[int], text: str) -> None:
    parts.append(text)
    left[0] -= len(text)


def to_python(data: Any) -> Any:
    try:
        return plain(data, MAX_HASHED, _no_value)
    except TypeError as error:
        raise ValueError(f"no such value: {error}") from None


def _no_value(data: list[Any]) -> ValueError:
    return ValueError(f"no value: {KINDS.get(data[0], 'malformed')} {': '.join(data[1:])}")
