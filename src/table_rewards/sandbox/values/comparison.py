"""Equality of two values as trees of tagged data: Python's ``==`` on plain data, with the field's parity switches."""

from __future__ import annotations

import math
from typing import Any

from table_rewards.sandbox.worker.encoding import MAX_DEPTH, MAX_NODES

NOTHING = frozenset(("o", "r", "m", "?"))


class Rules:
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
        if tag_a != tag_b:
            return {tag_a, tag_b} == {"number", "c"} and self.same_complex(a, b)
        if tag_a in NOTHING:
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
            return self.same_complex(a, b)
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

    def same_complex(self, a: Any, b: Any) -> bool:
        """Whether two numbers are equal, of which one at least is complex: ``0j`` is ``False`` and 0."""
        return all(self.same_number(x, y) for x, y in zip(_complex(a), _complex(b), strict=True))

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
        if tag == "c" and self.int_is_float and _complex(data)[1] == 0:
            number = _complex(data)[0]
            return ("number", number if number == number else math.inf, "")
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


def _complex(data: Any) -> tuple[int | float, float]:
    """Real and imaginary part of a number."""
    if type(data) is list and data[0] == "c":
        return float(data[1]), float(data[2])
    return _number(data), 0.0
