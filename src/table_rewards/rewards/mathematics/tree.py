"""What an answer is once it has been read: a tree of named nodes, of numbers, names and words.

Nothing here computes more than exact arithmetic on numbers of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple


class Unreadable(Exception):
    """The text is not an answer that the reader understands as a whole; the message says where it stopped."""


class Node(NamedTuple):
    """An operation and what it applies to: other nodes, text or numbers."""

    op: str
    args: tuple[Any, ...] = ()


def vocabulary(words: str) -> frozenset[str]:
    """The words of a text, which is how the word lists of this package are written."""
    return frozenset(words.split())


MAX_BITS: Final = 4_096
LEAVES: Final = frozenset({"num", "sym", "const", "text", "based", "space", "dots"})


def num(value: int | Fraction, how: str = "") -> Node:
    """A number; ``how`` is ``decimal``, ``mixed``, ``repeating`` or ``word`` where it was written so."""
    return Node("num", (Fraction(value), how))


def children(node: Node) -> Iterator[Node]:
    """The nodes right below."""
    for arg in node.args:
        if isinstance(arg, Node):
            yield arg
        elif isinstance(arg, tuple):
            for item in arg:
                if isinstance(item, Node):
                    yield item
                elif isinstance(item, tuple):
                    yield from (part for part in item if isinstance(part, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Node) -> frozenset[str]:
    """The variables in it, but for those that a sum, product, integral or limit runs over."""
    if node.op in ("sym", "apply"):
        own = frozenset({str(node.args[0])})
        return own if node.op == "sym" else own.union(*map(names, children(node)))
    found: frozenset[str] = frozenset().union(*map(names, children(node)))
    return found - _bound(node) if node.op == "big" else found


def _bound(node: Node) -> frozenset[str]:
    kind, *parts = node.args
    runs = parts[0] if kind == "int" else parts[1] if kind == "lim" else None
    if kind in ("sum", "prod") and len(parts) > 1 and parts[1].op == "rel":
        runs = parts[1].args[1][0]
    return frozenset({str(runs.args[0])}) if runs is not None and runs.op == "sym" else frozenset()


def rational(node: Node) -> Fraction | None:
    """The exact value when the node is rational arithmetic of bounded size, else None."""
    op, args = node
    if op == "num":
        return args[0]  # type: ignore[no-any-return]
    if op == "pct":
        inner = rational(args[0])
        return None if inner is None else inner / 100
    if op == "based":
        return None
    if op in ("add", "mul"):
        total = Fraction(0 if op == "add" else 1)
        for arg in args:
            value = rational(arg)
            if value is None:
                return None
            total = total + value if op == "add" else total * value
            if total.numerator.bit_length() + total.denominator.bit_length() > MAX_BITS:
                return None
        return total
    if op == "neg":
        inner = rational(args[0])
        return None if inner is None else -inner
    if op == "div":
        above, below = rational(args[0]), rational(args[1])
        return None if above is None or not below else above / below
    if op == "pow":
        return _power(rational(args[0]), rational(args[1]))
    return None


def _power(base: Fraction | None, exponent: Fraction | None) -> Fraction | None:
    if base is None or exponent is None or exponent.denominator != 1 or abs(exponent) > MAX_BITS:
        return None
    if not base and exponent <= 0:
        return None
    size = base.numerator.bit_length() + base.denominator.bit_length()
    return base ** int(exponent) if size * abs(exponent) <= MAX_BITS else None
