r"""What visibly remains to be worked out in an answer, whatever the question was.

``(2x+5)-(-3x+8)`` is ``5x-3`` before the work, as ``2+3`` is 5 before it. Forms between which only the question could
choose (factored and multiplied out, ``\sqrt{12}`` and ``2\sqrt3``) leave nothing to do here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import gcd
from typing import Final

from table_rewards.rewards.mathematics.tree import Node, children, names, rational, walk

MAX_DEGREE: Final = 40
_LARGEST: Final = 10**6
_I: Final = Node("const", ("i",))

Polynomial = dict[int, Fraction]


@lru_cache(maxsize=16_384)
def left_to_do(node: Node) -> frozenset[str]:
    r"""The kinds of work that an expression leaves.

    >>> from table_rewards.rewards.mathematics.reading import read_answer as read
    >>> [sorted(left_to_do(read(text))) for text in ("(2x+5)-(-3x+8)", "(4a^2)^3", r"\frac{2+i}{1-i}", "(x+1)^2+2")]
    [['like terms'], ['powers of products'], ['complex quotients'], []]
    """
    found = set(_in_a_formula(node) if names(node) else _in_a_constant(node))
    return frozenset(found)


def _in_a_formula(node: Node) -> Iterator[str]:
    if node.op == "add":
        brackets = [arg for arg in node.args if any(part.op == "add" for part in walk(arg))]
        degrees = [_degrees(arg) for arg in brackets]
        if any(one & other for one, other in combinations(degrees, 2)):
            yield "like terms"
    elif not any(part.op == "add" for part in walk(node)) and any(_power_of_product(part) for part in walk(node)):
        yield "powers of products"


def _power_of_product(node: Node) -> bool:
    if node.op != "pow" or node.args[0].op != "mul":
        return False
    times = rational(node.args[1])
    return times is not None and times.denominator == 1 and times > 1 and rational(node.args[0].args[0]) is not None


def _degrees(node: Node) -> frozenset[int]:
    """The powers, from the first on, that a polynomial in one variable holds; none of anything else."""
    found = _polynomial(node) if len(names(node)) == 1 else None
    return frozenset(degree for degree, factor in (found or {}).items() if degree and factor)


def _polynomial(node: Node) -> Polynomial | None:
    op, args = node
    if op == "sym":
        return {1: Fraction(1)}
    value = rational(node)
    if value is not None:
        return {0: value}
    if op == "neg":
        return _times(_polynomial(args[0]), {0: Fraction(-1)})
    if op == "div":
        below = rational(args[1])
        return _times(_polynomial(args[0]), {0: 1 / below}) if below else None
    if op == "mul":
        product: Polynomial | None = {0: Fraction(1)}
        for arg in args:
            product = _times(product, _polynomial(arg))
        return product
    if op == "add":
        total: Polynomial = {}
        for arg in args:
            part = _polynomial(arg)
            if part is None:
                return None
            for degree, factor in part.items():
                total[degree] = total.get(degree, Fraction(0)) + factor
        return total
    times = rational(args[1]) if op == "pow" else None
    if times is None or times.denominator != 1 or not 0 < times <= MAX_DEGREE:
        return None
    base, raised = _polynomial(args[0]), {0: Fraction(1)}
    for _ in range(int(times)):
        further = _times(raised, base)
        if further is None:
            return None
        raised = further
    return raised


def _times(one: Polynomial | None, other: Polynomial | None) -> Polynomial | None:
    if one is None or other is None or max(one, default=0) + max(other, default=0) > MAX_DEGREE:
        return None
    product: Polynomial = {}
    for degree, factor in one.items():
        for further, scale in other.items():
            product[degree + further] = product.get(degree + further, Fraction(0)) + factor * scale
    if any(value.numerator.bit_length() + value.denominator.bit_length() > 2_000 for value in product.values()):
        return None
    return product


def _in_a_constant(node: Node) -> Iterator[str]:
    for part in walk(node):
        op, args = part
        if op == "div" and _imaginary(args[1]):
            yield "complex quotients"
        elif op == "div" and _roots_to_divide(*args):
            yield "roots to divide"
        elif op == "mul" and sum(map(_imaginary, args)) > 1:
            yield "complex products"
        elif op == "root" and args[0].op == "root":
            yield "roots of roots"
        elif op == "add":
            if sum(map(_nested, args)) > 1:
                yield "nested roots to add"
            surds = [surd for arg in args if (surd := _surd(arg)) is not None]
            if len(set(surds)) < len(surds):
                yield "like surds"
            brackets = sum(map(_numbers_in_brackets, args))
            if brackets and brackets + sum(rational(arg) is not None for arg in args) > 1:
                yield "numbers in brackets"
        if (
            op in ("pow", "root")
            and (index := rational(args[1])) is not None
            and (index.denominator > 2 or (op == "root" and index > 2))
        ):
            yield "roots of roots"  # a fourth root may be written as one


def _imaginary(node: Node) -> bool:
    """Whether i is a term or a factor here, and not in an exponent."""
    if node.op in ("pow", "call", "root", "big"):
        return False
    return node == _I or any(_imaginary(child) for child in children(node))


def _roots_to_divide(above: Node, below: Node) -> bool:
    """``\\sqrt{72}/\\sqrt{10}``, which can be reduced, unlike ``\\sqrt3/\\sqrt2``."""
    if above.op != "root" or below.op != "root" or above.args[1] != below.args[1]:
        return False
    one, other = rational(above.args[0]), rational(below.args[0])
    return one is not None and other is not None and gcd(one.numerator, other.numerator) > 1


def _nested(node: Node) -> bool:
    """Whether a root holds a root."""
    return any(part.op == "root" and any(inner.op == "root" for inner in walk(part.args[0])) for part in walk(node))


def _surd(node: Node) -> int | None:
    """The number without square factors under the square root of a term: 3 of ``2\\sqrt{12}``."""
    if node.op == "neg":
        return _surd(node.args[0])
    if node.op == "div":
        return _surd(node.args[0]) if rational(node.args[1]) is not None else None
    if node.op == "mul":
        others = [arg for arg in node.args if rational(arg) is None]
        return _surd(others[0]) if len(others) == 1 else None
    if node.op != "root" or rational(node.args[1]) != 2:
        return None
    value = rational(node.args[0])
    if value is None or not 0 < value.numerator * value.denominator < _LARGEST:
        return None
    left = value.numerator * value.denominator
    for factor in range(2, 1_000):
        while left % (factor * factor) == 0:
            left //= factor * factor
    return left


def _numbers_in_brackets(node: Node) -> bool:
    """``2(1+i)``: a number times a sum that holds a number."""
    if node.op == "neg":
        return node.args[0].op == "add" or _numbers_in_brackets(node.args[0])
    return (
        node.op == "mul"
        and any(rational(arg) is not None for arg in node.args)
        and any(arg.op == "add" and any(rational(part) is not None for part in arg.args) for arg in node.args)
    )
