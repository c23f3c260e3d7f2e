"""Whether what a program printed, or a function returned, is what a test expects."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, Final

from table_rewards.sandbox import Value, values

TOLERANCE: Final = 1e-6
CALL_TOLERANCE: Final = 1e-10
_DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,400}\.\d{0,400}|\.\d{1,400}|\d{1,400}(?=[eE]))(?:[eE][+-]?\d{1,4})?")
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][+-]?\d{1,4})?")


def same_output(expected: str, printed: str) -> bool:
    """Whether two outputs are equal: line by line, word by word; spacing within a line and blank lines are free.

    Where the expected word is written with a decimal point or an exponent, a number within a relative or absolute
    1e-6 of it is equal. Nothing else is: not the order of lines, not the case, not ``inf`` for a large number.

    >>> same_output("1 2\\n0.5\\n", "1  2 \\n0.4999999999\\n\\n")
    True
    >>> same_output("10", "10.0"), same_output("a\\nb", "a b")
    (False, False)
    """
    if expected == printed:
        return True
    if len(printed) > 4 * len(expected) + 4096:
        return False
    wanted = _lines(expected) if len(expected) < 100_000 else _lines.__wrapped__(expected)  # a cache of little
    got = tuple(filter(None, map(_words, printed.splitlines())))
    if len(wanted) != len(got):
        return False
    return all(
        len(a) == len(b) and all(x == y or _close(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(wanted, got, strict=True)
    )


@lru_cache(maxsize=256)
def _lines(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(filter(None, map(_words, text.splitlines())))


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


def _close(expected: str, printed: str) -> bool:
    if not _DECIMAL.fullmatch(expected) or not _NUMBER.fullmatch(printed):
        return False
    return math.isclose(float(expected), float(printed), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def same_result(expected: Value, returned: Value) -> bool:
    """Whether a function returned what a test expects; a tuple counts as a list, since JSON has no tuples.

    >>> from table_rewards.sandbox.values import from_python
    >>> same_result(from_python([1, 0.3]), from_python((1, 0.1 + 0.2))), same_result(from_python(3), from_python("3"))
    (True, False)
    """
    tolerance = CALL_TOLERANCE if _holds_float(expected.data, 0) else 0.0
    return values.same(
        expected, returned, tuple_is_list=True, rel_tol=tolerance, abs_tol=tolerance and 1e-12, nan_is_nan=True
    )


def _holds_float(data: Any, depth: int) -> bool:
    if type(data) is float:
        return True
    return type(data) is list and depth < 60 and any(_holds_float(item, depth + 1) for item in data)
