"""Values of expressions at a point, computed with mpmath to the digits that are asked for."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import mpmath
from mpmath import mp

from table_rewards.rewards.mathematics.rule import NoValue
from table_rewards.rewards.mathematics.symbols import asking_sympy, renamed, sympy_big
from table_rewards.rewards.mathematics.tree import Node

DIGITS: Final = 60
MAX_TERMS: Final = 20_000

DRAW: Final = "draw"
"""Under this name a point says which values unknown functions take, where they shall not take the same ones again."""

Point = Mapping[str, Fraction]


def point(
    variables: frozenset[str], trial: int, *, signs: bool = False, whole: bool = False, small: bool = False
) -> dict[str, Fraction]:
    """A random value for each variable, the same in every process."""
    values = {}
    for name in variables:
        draw = random.Random(f"{name} {trial}")
        if whole:
            values[name] = Fraction(draw.randint(1, 9) + 3 * trial)
            continue
        value = Fraction(draw.randint(600_000, 2_900_000), 1_000_003)
        value = value / 4 if small else value
        values[name] = -value if signs and draw.random() < 0.7 else value
    return values


def close(left: Any, right: Any) -> bool:
    """Whether two values agree to all digits but the last twenty."""
    size = max(abs(left), abs(right))
    if mpmath.isinf(size):
        return bool(left == right)
    return bool(abs(left - right) <= size * mpmath.mpf(10) ** (20 - DIGITS))


def is_real(value: Any) -> bool:
    return bool(abs(mpmath.im(value)) <= abs(value) * 1e-30)


def value_of(node: Node, at: Point) -> Any:
    op, args = node
    if op == "num":
        return mpmath.mpf(args[0].numerator) / args[0].denominator
    if op == "sym":
        value = at.get(args[0])
        if value is None:
            raise NoValue(f"no value of {args[0]}")
        return mpmath.mpf(value.numerator) / value.denominator
    if op == "const":
        return {"pi": mpmath.pi, "e": mpmath.e, "i": mpmath.mpc(0, 1), "inf": mpmath.inf}[args[0]] * 1
    if op == "add":
        return mpmath.fsum([value_of(arg, at) for arg in args])
    if op == "mul":
        return mpmath.fprod([value_of(arg, at) for arg in args])
    if op == "neg":
        return -value_of(args[0], at)
    if op == "div":
        return value_of(args[0], at) / value_of(args[1], at)
    if op == "pow":
        return _power(args[0], args[1], at)
    if op == "root":
        return _root(value_of(args[0], at), value_of(args[1], at))
    if op == "pct":
        return value_of(args[0], at) / 100
    if op == "unit" and args[1] == "°":
        return value_of(args[0], at) * mpmath.pi / 180
    if op == "apply":
        said = " ".join(mpmath.nstr(value_of(arg, at), 30) for arg in args[1])
        drawn = int.from_bytes(hashlib.sha256(f"{args[0]} {said} {at.get(DRAW, 0)}".encode()).digest()[:12], "big")
        return mpmath.mpf(drawn) / mpmath.mpf(2) ** 95 + mpmath.mpf(1) / 2
    if op == "call":
        return _call(args, at)
    if op == "big":
        return _big(args, at)
    raise NoValue(op)


def _power(base: Node, exponent: Node, at: Point) -> Any:
    below, above = value_of(base, at), value_of(exponent, at)
    if not below and mpmath.re(above) <= 0:
        raise NoValue("0 to the power 0")
    if exponent.op == "div" and is_real(below) and mpmath.re(below) < 0:  # the real root, where there is one
        top, bottom = exponent.args
        whole = top.op == "num" == bottom.op and top.args[0].denominator == 1 == bottom.args[0].denominator
        if whole and bottom.args[0] % 2 and bottom.args[0] > 0:
            return _root(below, value_of(bottom, at)) ** int(top.args[0])
    return mpmath.power(below, above)


def _root(value: Any, index: Any) -> Any:
    if index == 2:
        return mpmath.sqrt(value)
    if not index:
        raise NoValue("the root 0")
    if is_real(value) and is_real(index) and mpmath.re(value) < 0:
        whole = int(mpmath.re(index))
        if whole == mpmath.re(index) and whole % 2:
            return -mpmath.power(-mpmath.re(value), 1 / mpmath.re(index))
    return mpmath.power(value, 1 / index)


_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec, "csc": mpmath.csc,
    "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan, "arccot": mpmath.acot, "sinh": mpmath.sinh,
    "cosh": mpmath.cosh, "tanh": mpmath.tanh, "coth": mpmath.coth, "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh, "sech": mpmath.sech, "csch": mpmath.csch, "arcsec": mpmath.asec, "arccsc": mpmath.acsc,
    "arccoth": mpmath.acoth, "arcsech": mpmath.asech, "arccsch": mpmath.acsch, "ln": mpmath.log, "exp": mpmath.exp,
    "abs": abs, "arg": mpmath.arg, "Re": mpmath.re, "Im": mpmath.im, "sqrt": mpmath.sqrt, "sgn": mpmath.sign,
}  # fmt: skip


def _call(args: tuple[Any, ...], at: Point) -> Any:
    name, inside = args[0], args[1:]
    if name == "det":
        return _determinant(inside[0], at)
    values = [value_of(arg, at) for arg in inside]
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](values[0])
    if name == "log":
        if len(values) == 2:
            return mpmath.log(values[0]) / mpmath.log(values[1])
        return mpmath.log(values[0])  # of a base that is not named: see Comparison, which tries 10 as well
    if name == "log10":
        return mpmath.log10(values[0])
    if name in ("floor", "ceil"):
        if not is_real(values[0]):
            raise NoValue("not real")
        return (mpmath.floor if name == "floor" else mpmath.ceil)(mpmath.re(values[0]))
    if name in ("fact", "fact2"):
        if abs(values[0]) > 10_000:
            raise NoValue("a factorial of a large number")
        return mpmath.gamma(values[0] + 1) if name == "fact" else mpmath.fac2(values[0])
    if name in ("gamma", "zeta"):
        if abs(values[0]) > 10_000:
            raise NoValue(f"{name} of a large number")
        return (mpmath.gamma if name == "gamma" else mpmath.zeta)(values[0])
    if name in ("binom", "perm"):
        if max(abs(value) for value in values) > 10**6:
            raise NoValue("a large binomial")
        return mpmath.binomial(values[0], values[1])
    if name in ("min", "max"):
        if not all(is_real(value) for value in values):
            raise NoValue("not real")
        return (min if name == "min" else max)(mpmath.re(value) for value in values)
    if name in ("gcd", "lcm", "mod"):
        whole = [_integer(value) for value in values]
        if name == "mod":
            return mpmath.mpf(whole[0] % whole[1])
        from math import gcd, lcm

        return mpmath.mpf((gcd if name == "gcd" else lcm)(*whole))
    raise NoValue(name)


def _integer(value: Any) -> int:
    if not is_real(value) or mpmath.re(value) != mpmath.floor(mpmath.re(value)) or abs(value) > mpmath.mpf(10) ** 50:
        raise NoValue("not a whole number")
    return int(mpmath.re(value))


def _determinant(matrix: Node, at: Point) -> Any:
    if matrix.op != "matrix" or len(matrix.args) != len(matrix.args[0]):
        raise NoValue("no square matrix")
    return mpmath.det(mpmath.matrix([[value_of(cell, at) for cell in row] for row in matrix.args]))


def _big(args: tuple[Any, ...], at: Point) -> Any:
    kind = args[0]
    if kind in ("sum", "prod") and len(args) == 4:
        body, lower, upper = args[1:]
        if lower.op != "rel" or lower.args[0] != ("=",) or lower.args[1][0].op not in ("sym", "const"):
            raise NoValue("a sum over something else")
        index = str(lower.args[1][0].args[0])
        first, last = value_of(lower.args[1][1], at), value_of(upper, at)
        if not mpmath.isinf(last):
            begin, end = _integer(first), _integer(last)
            if end - begin > MAX_TERMS:
                raise NoValue("too many terms")
            body = renamed(body, index)
            terms = [value_of(body, {**at, index: Fraction(k)}) for k in range(begin, end + 1)]
            return mpmath.fsum(terms) if kind == "sum" else mpmath.fprod(terms)
    import sympy

    symbols = {name: sympy.Rational(value.numerator, value.denominator) for name, value in at.items()}
    with asking_sympy():
        found = sympy.N(sympy_big(args, symbols), mp.dps)
    if not found.is_number or found.has(sympy.nan):
        raise NoValue(kind)
    real, imaginary = found.as_real_imag()
    return mpmath.mpc(mpmath.mpf(str(real)), mpmath.mpf(str(imaginary)))
