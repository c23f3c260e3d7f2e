"""Values that a snippet claims, held and compared without ever running or hashing them.

A claim arrives as tagged JSON text (:mod:`table_rewards.sandbox.worker.encoding`). It is parsed only when somebody
looks, it is never unpickled or evaluated, and no set or dict is built of what a snippet chose (60,000 colliding
integers would cost the trainer half a minute). Both sides of a comparison are trees; the compare walks them.

>>> expected = from_literal("{'a': [1, 2.0], 'b': (True, None)}")
>>> same(expected, from_python({"b": (1, None), "a": [1, 2]}))
True
>>> pair = from_literal("(1, 2)")
>>> same(pair, from_python([1, 2])), same(pair, from_python([1, 2]), tuple_is_list=True)
(False, True)
>>> same(from_literal("0.3"), from_python(0.1 + 0.2)), same(from_literal("0.3"), from_python(0.1 + 0.2), rel_tol=1e-9)
(False, True)
"""

from __future__ import annotations

import json
import math
from typing import Any

from table_rewards.sandbox import literals
from table_rewards.sandbox.worker.encoding import MAX_DEPTH, MAX_NODES, encode

KINDS = {
    "l": "list", "t": "tuple", "s": "set", "z": "frozenset", "d": "dict", "i": "int", "f": "float", "c": "complex",
    "b": "bytes", "o": "opaque", "r": "raised", "m": "missing",
}  # fmt: skip
_NOTHING = frozenset(("o", "r", "m", "?"))
MAX_HASHED = 1000


class Value:
    """A value as a snippet claims it: compare it by :func:`same`, print it by ``text()``, read it by ``python()``.

    ``kind`` is ``none``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``bytes``, ``list``, ``tuple``, ``set``,
    ``frozenset``, ``dict``; or ``raised`` (the call raised: ``error`` says what), ``opaque`` (something that is not
    plain data: ``error`` names its type), ``missing`` (the item did not run: ``error`` says why). The last three equal
    nothing.
    """

    __slots__ = ("_data", "raw")

    def __init__(self, raw: str | bytes) -> None:
        self.raw = raw
        self._data: Any = _UNREAD

    @property
    def data(self) -> Any:
        """The tagged JSON data; ``["?", why]`` when the claim is malformed."""
        if self._data is _UNREAD:
            self._data = _read(self.raw)
        return self._data

    @property
    def kind(self) -> str:
        data = self.data
        if type(data) is list:
            return KINDS.get(data[0], "opaque")
        return "none" if data is None else type(data).__name__

    @property
    def ok(self) -> bool:
        """True for a value, false for ``raised``, ``opaque`` and ``missing``."""
        data = self.data
        return not (type(data) is list and data[0] in _NOTHING)

    @property
    def error(self) -> str:
        """``"ZeroDivisionError: division by zero"`` for ``raised``; the type's name or the reason for the other two."""
        if self.ok:
            return ""
        return ": ".join(str(part) for part in self.data[1:3] if part != "")

    @property
    def raised(self) -> str:
        """The name of the exception's class, or nothing when the call did not raise."""
        return str(self.data[1]) if self.kind == "raised" else ""

    def text(self, limit: int = 200) -> str:
        """The value as a Python literal, cut to ``limit`` characters."""
        parts: list[str] = []
        _write(self.data, parts, [limit])
        text = "".join(parts)
        return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."

    def python(self) -> Any:
        """The plain Python value; ``ValueError`` when there is none, or for a dict or set of over 1,000 entries."""
        return _python(self.data, 0)

    def __eq__(self, other: object) -> bool:
        return same(self, other) if isinstance(other, Value) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Value {self.text(60)}>" if self.ok else f"<Value {self.kind} {self.error}>"


_UNREAD = object()


def decode(raw: str | bytes) -> Value:
    """A claim from its tagged JSON text. Never raises: a malformed claim equals nothing."""
    return Value(raw)


def from_python(value: Any) -> Value:
    """The value of a Python object that the caller owns; ``ValueError`` unless it is plain data."""
    return Value(json.dumps(encode(value, strict=True)))


def from_literal(text: str) -> Value:
    """The value of a Python literal such as ``"[1, (2, 3)]"``, read by a bounded parser, never evaluated.

    Takes numbers, strings, bytes, ``None``, ``True``, ``False``, lists, tuples, dicts, sets, ``set()``,
    ``frozenset(...)`` and ``float("nan")``/``inf``; raises ``ValueError`` for anything else, over 65,536 characters or
    60 levels.
    """
    return Value(json.dumps(literals.parse(text)))


def missing(why: str) -> Value:
    """The stand-in for an item that did not run."""
    return Value(json.dumps(["m", why]))


def same(
    expected: Value,
    claimed: Value,
    *,
    rel_tol: float = 0.0,
    abs_tol: float = 0.0,
    tuple_is_list: bool = False,
    bool_is_int: bool = True,
    int_is_float: bool = True,
    nan_is_nan: bool = False,
) -> bool:
    """Whether two values are equal as Python's ``==`` on plain data would say, with the parity switches of the field.

    ``rel_tol`` and ``abs_tol`` as in :func:`math.isclose`, on every number; ``tuple_is_list`` takes a tuple for a list
    of the same items; ``bool_is_int=False`` and ``int_is_float=False`` tell ``True`` from ``1`` and ``1`` from
    ``1.0``; ``nan_is_nan`` lets two NaNs be equal. Values of kind ``raised``, ``opaque`` and ``missing`` equal
    nothing, not even themselves.
    """
    if len(claimed.raw) > 40 * len(expected.raw) + 4096:
        return False  # no claim of an equal value is that much longer: do not even read it
    rules = _Rules(rel_tol, abs_tol, tuple_is_list, bool_is_int, int_is_float, nan_is_nan)
    return rules.same(expected.data, claimed.data, 0)


class _Rules:
    __slots__ = ("abs_tol", "bool_is_int", "int_is_float", "left", "nan_is_nan", "rel_tol", "tuple_is_list")

    def __init__(
        self,
        rel_tol: float,
        abs_tol: float,
        tuple_is_list: bool,
        bool_is_int: bool,
        int_is_float: bool,
        nan_is_nan: bool,
    ) -> None:
        self.rel_tol, self.abs_tol, self.tuple_is_list = rel_tol, abs_tol, tuple_is_list
        self.bool_is_int, self.int_is_float, self.nan_is_nan = bool_is_int, int_is_float, nan_is_nan
        self.left = 4 * MAX_NODES

    def same(self, a: Any, b: Any, depth: int) -> bool:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH + 2:
            return False
        tag_a, tag_b = self.tag(a), self.tag(b)
        if tag_a != tag_b or tag_a in _NOTHING:
            return False
        if tag_a == "number":
            return self.same_number(_number(a), _number(b))
        if type(a) is not list:
            return bool(a == b)
        if len(a) != len(b):
            return False
        if tag_a == "s":
            a, b = self.sorted_items(a[1:]), self.sorted_items(b[1:])
            return len(a) == len(b) and all(self.same(x, y, depth + 1) for x, y in zip(a, b, strict=True))
        if tag_a == "d":
            a, b = self.sorted_pairs(a[1:]), self.sorted_pairs(b[1:])
            return all(
                self.same(k, m, depth + 1) and self.same(v, w, depth + 1) for (k, v), (m, w) in zip(a, b, strict=True)
            )
        if tag_a == "c":
            return all(self.same_number(float(x), float(y)) for x, y in zip(a[1:], b[1:], strict=True))
        if tag_a == "b":
            return bool(a[1] == b[1])
        return all(self.same(x, y, depth + 1) for x, y in zip(a[1:], b[1:], strict=True))

    def tag(self, data: Any) -> str:
        kind = type(data)
        if kind is list:
            tag = str(data[0])
            if tag == "i":
                return "number" if self.int_is_float else "int"
            if tag == "f":
                return "number" if self.int_is_float else "float"
            if tag == "t":
                return "l" if self.tuple_is_list else "t"
            return "s" if tag == "z" else tag
        if kind is bool:
            return "bool" if not self.bool_is_int else "number" if self.int_is_float else "int"
        if kind is int or kind is float:
            return "number" if self.int_is_float else kind.__name__
        return kind.__name__

    def same_number(self, a: int | float, b: int | float) -> bool:
        if a == b:
            return True
        if a != a and b != b:
            return self.nan_is_nan
        if not self.rel_tol and not self.abs_tol:
            return False
        try:
            return math.isclose(a, b, rel_tol=self.rel_tol, abs_tol=self.abs_tol)
        except OverflowError:
            return False

    def key(self, data: Any) -> tuple[str, Any, str]:
        """An order in which equal items, and nearly equal numbers, meet."""
        tag = self.tag(data)
        if tag in ("number", "int", "float"):
            number = _number(data)
            return ("number", number if number == number else math.inf, "")
        if type(data) is not list:
            return (tag, 0, str(data))
        if tag in ("s", "d"):
            inner = self.sorted_items(data[1:]) if tag == "s" else self.sorted_pairs(data[1:])
            return (
                tag,
                len(data),
                str([self.key(item) if tag == "s" else tuple(map(self.key, item)) for item in inner]),
            )
        if tag in ("l", "t"):
            return (tag, len(data), str([self.key(item) for item in data[1:]]))
        return (tag, len(data), str(data[1:]))

    def sorted_items(self, items: list[Any]) -> list[Any]:
        keyed = sorted(((self.key(item), index) for index, item in enumerate(items)))
        unique: list[Any] = []
        last = None
        for key, index in keyed:
            if key != last or key[1] == math.inf:
                unique.append(items[index])
            last = key
        return unique

    def sorted_pairs(self, flat: list[Any]) -> list[tuple[Any, Any]]:
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        return [pairs[index] for _, index in sorted((self.key(pair[0]), index) for index, pair in enumerate(pairs))]


def _number(data: Any) -> int | float:
    if type(data) is list:
        return int(data[1], 16) if data[0] == "i" else float(data[1])
    return data  # type: ignore[no-any-return]


def _bounded_int(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("an integer of that size is written in hex")
    return int(digits)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _read(raw: str | bytes) -> Any:
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


def _write(data: Any, parts: list[str], left: list[int]) -> None:
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
            text = repr(_python(data, 0)) if tag != "i" or len(rest[0]) < 3000 else rest[0]
        if tag == "f":
            text = f"float({rest[0]!r})"
        _append(parts, left, text)
    elif tag == "d":
        _append(parts, left, "{")
        for index in range(0, len(rest), 2):
            _append(parts, left, ", " if index else "")
            _write(rest[index], parts, left)
            _append(parts, left, ": ")
            _write(rest[index + 1], parts, left)
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
            _write(item, parts, left)
        _append(parts, left, "," + after if tag == "t" and len(rest) == 1 else after)
    else:
        _append(parts, left, f"<{KINDS.get(tag, 'malformed')} {': '.join(rest)}>")


def _append(parts: list[str], left: list[int], text: str) -> None:
    parts.append(text)
    left[0] -= len(text)


def _python(data: Any, depth: int) -> Any:
    if type(data) is not list:
        return data
    tag, rest = data[0], data[1:]
    if tag in _NOTHING:
        raise ValueError(f"no value: {KINDS.get(tag, 'malformed')} {': '.join(rest)}")
    if tag == "i":
        return int(rest[0], 16)
    if tag == "f":
        return float(rest[0])
    if tag == "c":
        return complex(float(rest[0]), float(rest[1]))
    if tag == "b":
        return bytes.fromhex(rest[0])
    items = [_python(item, depth + 1) for item in rest]
    if tag == "l":
        return items
    if tag == "t":
        return tuple(items)
    if len(items) > 2 * MAX_HASHED:
        raise ValueError(f"a {KINDS[tag]} of over {MAX_HASHED} entries stays a Value")
    try:
        if tag == "d":
            return dict(zip(items[::2], items[1::2], strict=True))
        return set(items) if tag == "s" else frozenset(items)
    except TypeError as error:
        raise ValueError(f"no such {KINDS[tag]}: {error}") from None
