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
from typing import Any

from table_rewards.sandbox.values import literals, tagged_text
from table_rewards.sandbox.values.comparison import NOTHING, Rules
from table_rewards.sandbox.worker.encoding import encode


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
            self._data = tagged_text.read(self.raw)
        return self._data

    @property
    def kind(self) -> str:
        data = self.data
        if type(data) is list:
            return tagged_text.KINDS.get(data[0], "opaque")
        return "none" if data is None else type(data).__name__

    @property
    def ok(self) -> bool:
        """True for a value, false for ``raised``, ``opaque`` and ``missing``."""
        data = self.data
        return not (type(data) is list and data[0] in NOTHING)

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
        tagged_text.write(self.data, parts, [limit])
        text = "".join(parts)
        return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."

    def python(self) -> Any:
        """The plain Python value; ``ValueError`` when there is none, or for a dict or set of over 1,000 entries."""
        return tagged_text.to_python(self.data)

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
    rules = Rules(rel_tol, abs_tol, tuple_is_list, bool_is_int, int_is_float, nan_is_nan)
    return rules.same(expected.data, claimed.data, 0)
