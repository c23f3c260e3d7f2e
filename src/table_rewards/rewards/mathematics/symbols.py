"""Trees as expressions of sympy, built node by node: for integrals, endless sums, limits and solutions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import mpmath
from mpmath import mp

from table_rewards.rewards.mathematics.rule import NoValue
from table_rewards.rewards.mathematics.tree import Node


@contextlib.contextmanager
def asking_sympy() -> Iterator[None]:
    """What sympy cannot do is no value, whatever it raises; running out of memory or of stack is something else."""
    try:
        yield
    except (NoValue, MemoryError, RecursionError):
        raise
    except Exception as error:
        raise NoValue(f"sympy: {type(error).__name__}: {error}") from None


def renamed(body: Node, index: str) -> Node:
    """``i`` as the index of a sum is no constant in it."""
    if index not in ("i", "e"):
        return body
    if body == Node("const", (index,)):
        return Node("sym", (index,))
    return Node(body.op, tuple(renamed(arg, index) if isinstance(arg, Node) else arg for arg in body.args))


def sympy_big(args: tuple[Any, ...], symbols: Mapping[str, Any]) -> Any:
    import sympy

    kind = args[0]
    if kind == "int":
        if len(args) != 5:
            raise NoValue("an integral without bounds")
        variable, body, lower, upper = args[1:]
        unknown = sympy.Dummy(real=True)
        inside = to_sympy(body, {**symbols, str(variable.args[0]): unknown})
        return sympy.Integral(inside, (unknown, to_sympy(lower, symbols), to_sympy(upper, symbols))).evalf(mp.dps)
    if kind == "lim":
        body, variable, target, side = args[1:]
        unknown = sympy.Dummy(real=True)
        inside = to_sympy(body, {**symbols, str(variable.args[0]): unknown})
        return sympy.limit(inside, unknown, to_sympy(target, symbols), side.args[0] or "+")
    if len(args) != 4:
        raise NoValue(kind)
    body, lower, upper = args[1:]
    if lower.op != "rel":
        raise NoValue(kind)
    index = str(lower.args[1][0].args[0])
    unknown = sympy.Dummy(integer=True)
    inside = to_sympy(renamed(body, index), {**symbols, index: unknown})
    bounds = (unknown, to_sympy(lower.args[1][1], symbols), to_sympy(upper, symbols))
    return (sympy.Sum if kind == "sum" else sympy.Product)(inside, bounds).doit()


def to_sympy(node: Node, symbols: Mapping[str, Any]) -> Any:
    """The expression as sympy's, built node by node.

    Raises:
        NoValue: it holds something that sympy has no name for here.
    """
    import sympy

    op, args = node
    if op == "num":
        return sympy.Rational(args[0].numerator, args[0].denominator)
    if op == "sym":
        if args[0] not in symbols:
            raise NoValue(str(args[0]))
        return symbols[args[0]]
    if op == "const":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}[args[0]]
    if op == "call" and args[0] == "det":
        return sympy.Matrix([[to_sympy(cell, symbols) for cell in row] for row in args[1].args]).det()
    if op == "big":
        return sympy_big(args, symbols)
    if op not in ("add", "mul", "neg", "div", "pow", "root", "pct", "call", "unit"):
        raise NoValue(op)
    if op == "unit" and args[1] != "°":
        raise NoValue(op)
    inside = [to_sympy(arg, symbols) for arg in args if isinstance(arg, Node)]
    if op == "call":
        names_of_sympy = {
            "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "abs": "Abs", "ceil": "ceiling",
            "fact": "factorial", "fact2": "factorial2", "binom": "binomial", "Re": "re", "Im": "im", "sgn": "sign",
            "min": "Min", "max": "Max",
            "arccot": "acot", "arcsec": "asec", "arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh",
            "arctanh": "atanh", "arccoth": "acoth", "arcsech": "asech", "arccsch": "acsch",
            "gcd": "igcd", "lcm": "ilcm", "mod": "Mod",
        }  # fmt: skip
        known = {
            "ln", "log", "exp", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot",
            "sinh", "cosh", "tanh", "coth", "abs", "floor", "ceil", "fact", "fact2", "binom", "Re", "Im", "sgn",
            "min", "max", "sqrt", "gcd", "lcm", "mod", "arg", "gamma", "zeta", "sech", "csch", "arcsec", "arccsc",
            "arcsinh", "arccosh", "arctanh", "arccoth", "arcsech", "arccsch",
        }  # fmt: skip
        if args[0] not in known:
            raise NoValue(str(args[0]))
        return getattr(sympy, names_of_sympy.get(args[0], args[0]))(*inside)
    makers: dict[str, Callable[..., Any]] = {
        "add": sympy.Add, "mul": sympy.Mul, "neg": lambda x: -x, "div": lambda x, y: x / y, "pow": sympy.Pow,
        "root": lambda x, n: sympy.real_root(x, n) if x.is_real and n.is_odd else sympy.root(x, n),
        "pct": lambda x: x / 100, "unit": lambda x: x * sympy.pi / 180,
    }  # fmt: skip
    return makers[op](*inside)


def intervals_of(found: Any) -> list[tuple[Any, bool, Any, bool]]:
    import sympy

    if found is sympy.S.EmptySet:
        return []
    if found is sympy.S.Reals:
        return [(-mpmath.inf, False, mpmath.inf, False)]
    if isinstance(found, sympy.Union):
        return [piece for part in found.args for piece in intervals_of(part)]
    if isinstance(found, sympy.Interval):
        return [(_mp(found.start), not found.left_open, _mp(found.end), not found.right_open)]
    if isinstance(found, sympy.FiniteSet):
        return [(_mp(item), True, _mp(item), True) for item in found]
    raise NoValue("a set of another kind")


def _mp(value: Any) -> Any:
    import sympy

    if value in (sympy.oo, -sympy.oo):
        return mpmath.inf if value == sympy.oo else -mpmath.inf
    return mpmath.mpf(str(sympy.N(value, mp.dps)))
