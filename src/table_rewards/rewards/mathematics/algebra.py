r"""Whether two formulas have one value, found by computing both at many digits. Runs in a process that can be killed.

Expressions are evaluated from the tree that :mod:`reading` made, at random points, with 60 digits: two that agree there
are equal, two that differ are proved to be different. sympy is asked for what needs more: solutions of equations,
integrals, infinite sums, limits. Nothing is ever parsed or evaluated from text.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import mpmath
from mpmath import mp

from table_rewards.rewards.mathematics.tree import Node, Unreadable, names, num, walk

DIGITS: Final = 60
APPROXIMATE: Final = 1e-6
_TRIALS: Final = 4
MAX_TERMS: Final = 20_000

Point = Mapping[str, Fraction]


class NoValue(Exception):
    """An expression has no value at a point, or none that can be computed here."""


def point(variables: frozenset[str], trial: int, *, signs: bool = False, whole: bool = False) -> dict[str, Fraction]:
    """A random value for each variable, the same in every process."""
    values = {}
    for name in variables:
        draw = random.Random(f"{name} {trial}")
        if whole:
            values[name] = Fraction(draw.randint(1, 9) + 3 * trial)
            continue
        value = Fraction(draw.randint(600_000, 2_900_000), 1_000_003)
        values[name] = -value if signs and draw.random() < 0.7 else value
    return values


def _at_many_digits(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def computed(*args: Any, **kwargs: Any) -> Any:
        with mp.workdps(DIGITS):
            return method(*args, **kwargs)

    return computed


class Algebra:
    """The comparisons that need more than exact arithmetic."""

    @_at_many_digits
    def equal(self, gold: Node, answer: Node) -> bool | None:
        """Whether two expressions have one value wherever both are defined; None when that cannot be found out."""
        variables = names(gold) | names(answer)
        try:
            if not variables:
                return self._constants(gold, answer)
            return self._functions(gold, answer, variables)
        except (NoValue, ArithmeticError, ValueError, TypeError):
            return None

    def _constants(self, gold: Node, answer: Node) -> bool:
        for digits in (DIGITS, 4 * DIGITS):
            left, right = self.value(gold, {}, digits), self.value(answer, {}, digits)
            with mp.workdps(digits):
                size = max(abs(left), abs(right))
                apart = abs(left - right)
                if mpmath.isinf(size) or mpmath.isnan(size):
                    return bool(left == right)
                if apart <= size * mpmath.mpf(10) ** (10 - digits):
                    return True
                if any(
                    node.op == "num" and node.args[1] == "decimal" for node in (gold, answer, *_negated(gold, answer))
                ):
                    return bool(apart <= APPROXIMATE * min(1, size))
                if apart > size * mpmath.mpf(10) ** (-digits // 3):
                    return False
        return False

    def _functions(self, gold: Node, answer: Node, variables: frozenset[str]) -> bool:
        agreed = 0
        for trial in range(_TRIALS + 4):
            at = point(variables, trial)
            try:
                left, right = self.value(gold, at), self.value(answer, at)
            except NoValue:
                continue
            if not _close(left, right):
                return self._at_whole_numbers(gold, answer, variables)
            agreed += 1
            if agreed == _TRIALS:
                break
        if not agreed:
            raise NoValue("at no point")
        for trial in range(_TRIALS):
            at = point(variables, 100 + trial, signs=True)
            try:
                left, right = self.value(gold, at), self.value(answer, at)
            except (NoValue, ArithmeticError, ValueError):
                continue
            if _real(left) and _real(right) and not _close(left, right):
                return False
        return True

    def _at_whole_numbers(self, gold: Node, answer: Node, variables: frozenset[str]) -> bool:
        """``(-1)^n`` and ``cos(n pi)`` are one sequence, though they differ in between."""
        if not variables <= {"n", "k", "m", "j"} or not any(
            _of_whole_numbers(part) for part in (*walk(gold), *walk(answer))
        ):
            return False
        for trial in range(8):
            at = point(variables, trial, whole=True)
            try:
                if not _close(self.value(gold, at), self.value(answer, at)):
                    return False
            except (NoValue, ArithmeticError, ValueError):
                return False
        return True

    # -- equations ----------------------------------------------------------------------------------------------------

    @_at_many_digits
    def same_equation(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None:
        """Whether one equation can be turned into the other: by a factor, or as they have the same solutions."""
        left, right = _difference(*gold), _difference(*answer)
        variables = names(left)
        if variables != names(right) or not variables:
            return False
        try:
            ratio = self._ratio(left, right, variables)
            if ratio is not None:
                return True
            return self._solved(left, right, variables)
        except (NoValue, ArithmeticError, ValueError, TypeError, NotImplementedError):
            return None

    @_at_many_digits
    def same_inequality(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None:
        """Whether ``a < b`` and ``c < d`` are the same up to a positive factor."""
        left, right = _difference(*gold), _difference(*answer)
        variables = names(left)
        if variables != names(right) or not variables:
            return False
        try:
            ratio = self._ratio(left, right, variables)
        except (NoValue, ArithmeticError, ValueError, TypeError):
            return None
        return ratio is not None and _real(ratio) and mpmath.re(ratio) > 0

    def _ratio(self, left: Node, right: Node, variables: frozenset[str]) -> Any:
        """The constant that one expression is of the other; None when there is none."""
        ratios = []
        for trial in range(_TRIALS + 2):
            at = point(variables, trial, signs=trial % 2 == 1)
            try:
                above, below = self.value(left, at), self.value(right, at)
            except NoValue:
                continue
            if abs(above) < 1e-40 or abs(below) < 1e-40:
                return None  # solved at a random point: no equation
            ratios.append(above / below)
        if len(ratios) < 3:
            raise NoValue("at no point")
        return ratios[0] if all(_close(ratio, ratios[0]) for ratio in ratios[1:]) else None

    def _solved(self, left: Node, right: Node, variables: frozenset[str]) -> bool:
        import sympy

        symbols = {name: sympy.Symbol(f"v{index}", real=True) for index, name in enumerate(sorted(variables))}
        one, other = sympy.together(to_sympy(left, symbols)), sympy.together(to_sympy(right, symbols))
        above, beyond = sympy.numer(one), sympy.numer(other)
        unknowns = list(symbols.values())
        if above.is_polynomial(*unknowns) and beyond.is_polynomial(*unknowns):
            a, b = sympy.Poly(above, *unknowns), sympy.Poly(beyond, *unknowns)
            if max(a.total_degree(), b.total_degree()) > 12:
                return False
            if a.monic() == b.monic() and (one.is_polynomial() or other.is_polynomial() or a.total_degree() < 8):
                return True
        if len(unknowns) != 1:
            return False
        found = [sympy.solveset(side, unknowns[0], sympy.S.Reals) for side in (one, other)]
        if not all(isinstance(part, sympy.FiniteSet) and part for part in found):
            return False
        return len(found[0]) == len(found[1]) and all(
            any(abs(sympy.N(a - b, 30)) < 1e-20 for b in found[1]) for a in found[0]
        )

    # -- sets of real numbers -----------------------------------------------------------------------------------------

    @_at_many_digits
    def number(self, node: Node) -> Any:
        """The real value of a constant."""
        value = self.value(node, {})
        if not _real(value):
            raise NoValue("not real")
        return mpmath.re(value)

    @_at_many_digits
    def inequality_set(self, left: Node, sign: str, right: Node) -> list[tuple[Any, bool, Any, bool]]:
        """Where an inequality of one unknown holds."""
        import sympy

        variables = names(left) | names(right)
        if len(variables) != 1:
            raise NoValue("not one unknown")
        unknown = sympy.Symbol("v", real=True)
        one, other = (to_sympy(side, dict.fromkeys(variables, unknown)) for side in (left, right))
        relation = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "!=": sympy.Ne, "=": sympy.Eq}[sign]
        try:
            found = sympy.solveset(relation(one, other), unknown, sympy.S.Reals)
        except Exception as error:
            raise NoValue(str(error)) from None
        return _intervals(found)

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, node: Node, at: Point, digits: int = DIGITS) -> Any:
        """The value of an expression at a point."""
        with mp.workdps(digits):
            try:
                value = _value(node, at)
            except (ZeroDivisionError, OverflowError, ValueError, TypeError, mpmath.libmp.NoConvergence) as error:
                raise NoValue(str(error)) from None
            if mpmath.isnan(value):
                raise NoValue("not a number")
            return value


def _negated(*nodes: Node) -> list[Node]:
    return [node.args[0] for node in nodes if node.op in ("neg", "unit")]


def _difference(left: Node, right: Node) -> Node:
    return left if right == num(0) else Node("add", (left, Node("neg", (right,))))


def _close(left: Any, right: Any) -> bool:
    size = max(abs(left), abs(right))
    if mpmath.isinf(size):
        return bool(left == right)
    return bool(abs(left - right) <= size * mpmath.mpf(10) ** (20 - DIGITS) or size < mpmath.mpf(10) ** (-2 * DIGITS))


def _real(value: Any) -> bool:
    return bool(abs(mpmath.im(value)) <= abs(value) * 1e-30)


def _of_whole_numbers(node: Node) -> bool:
    if node.op == "pow" and node.args[0].op in ("neg", "num") and names(node.args[1]):
        return bool(node.args[0].op == "neg" or node.args[0].args[0] < 0)
    return node.op == "call" and node.args[0] in ("fact", "binom", "cos", "sin", "floor", "ceil") and bool(names(node))


def _value(node: Node, at: Point) -> Any:
    op, args = node
    if op == "num":
        return mpmath.mpf(args[0].numerator) / args[0].denominator
    if op == "sym":
        value = at[args[0]]
        return mpmath.mpf(value.numerator) / value.denominator
    if op == "const":
        return {"pi": mpmath.pi, "e": mpmath.e, "i": mpmath.mpc(0, 1), "inf": mpmath.inf}[args[0]] * 1
    if op == "add":
        return mpmath.fsum([_value(arg, at) for arg in args])
    if op == "mul":
        return mpmath.fprod([_value(arg, at) for arg in args])
    if op == "neg":
        return -_value(args[0], at)
    if op == "div":
        return _value(args[0], at) / _value(args[1], at)
    if op == "pow":
        return _power(args[0], args[1], at)
    if op == "root":
        return _root(_value(args[0], at), _value(args[1], at))
    if op == "pct":
        return _value(args[0], at) / 100
    if op == "unit" and args[1] == "°":
        return _value(args[0], at) * mpmath.pi / 180
    if op == "apply":
        said = " ".join(mpmath.nstr(_value(arg, at), 30) for arg in args[1])
        drawn = int.from_bytes(hashlib.sha256(f"{args[0]} {said}".encode()).digest()[:12], "big")
        return mpmath.mpf(drawn) / mpmath.mpf(2) ** 95 + mpmath.mpf(1) / 2
    if op == "call":
        return _call(args, at)
    if op == "big":
        return _big(args, at)
    raise NoValue(op)


def _power(base: Node, exponent: Node, at: Point) -> Any:
    below, above = _value(base, at), _value(exponent, at)
    if not below and mpmath.re(above) <= 0:
        raise NoValue("0 to the power 0")
    if exponent.op == "div" and _real(below) and mpmath.re(below) < 0:  # the real root, where there is one
        top, bottom = exponent.args
        whole = top.op == "num" == bottom.op and top.args[0].denominator == 1 == bottom.args[0].denominator
        if whole and bottom.args[0] % 2 and bottom.args[0] > 0:
            return _root(below, _value(bottom, at)) ** int(top.args[0])
    return mpmath.power(below, above)


def _root(value: Any, index: Any) -> Any:
    if index == 2:
        return mpmath.sqrt(value)
    if not index:
        raise NoValue("the root 0")
    if _real(value) and _real(index) and mpmath.re(value) < 0:
        whole = int(mpmath.re(index))
        if whole == mpmath.re(index) and whole % 2:
            return -mpmath.power(-mpmath.re(value), 1 / mpmath.re(index))
    return mpmath.power(value, 1 / index)


_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec, "csc": mpmath.csc,
    "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan, "arccot": mpmath.acot, "sinh": mpmath.sinh,
    "cosh": mpmath.cosh, "tanh": mpmath.tanh, "coth": mpmath.coth, "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh, "ln": mpmath.log, "exp": mpmath.exp, "abs": abs, "arg": mpmath.arg, "Re": mpmath.re,
    "Im": mpmath.im, "sqrt": mpmath.sqrt, "sgn": mpmath.sign,
}  # fmt: skip


def _call(args: tuple[Any, ...], at: Point) -> Any:
    name, inside = args[0], args[1:]
    if name == "det":
        return _determinant(inside[0], at)
    values = [_value(arg, at) for arg in inside]
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](values[0])
    if name == "log":
        if len(values) == 2:
            return mpmath.log(values[0]) / mpmath.log(values[1])
        return mpmath.log(values[0])  # of a base that is not named: see Comparison, which tries 10 as well
    if name == "log10":
        return mpmath.log10(values[0])
    if name in ("floor", "ceil"):
        if not _real(values[0]):
            raise NoValue("not real")
        return (mpmath.floor if name == "floor" else mpmath.ceil)(mpmath.re(values[0]))
    if name == "fact":
        if abs(values[0]) > 10_000:
            raise NoValue("a factorial of a large number")
        return mpmath.gamma(values[0] + 1)
    if name in ("binom", "perm"):
        if max(abs(value) for value in values) > 10**6:
            raise NoValue("a large binomial")
        return mpmath.binomial(values[0], values[1])
    if name in ("min", "max"):
        if not all(_real(value) for value in values):
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
    if not _real(value) or mpmath.re(value) != mpmath.floor(mpmath.re(value)) or abs(value) > mpmath.mpf(10) ** 50:
        raise NoValue("not a whole number")
    return int(mpmath.re(value))


def _determinant(matrix: Node, at: Point) -> Any:
    if matrix.op != "matrix" or len(matrix.args) != len(matrix.args[0]):
        raise NoValue("no square matrix")
    return mpmath.det(mpmath.matrix([[_value(cell, at) for cell in row] for row in matrix.args]))


def _big(args: tuple[Any, ...], at: Point) -> Any:
    kind = args[0]
    if kind in ("sum", "prod") and len(args) == 4:
        body, lower, upper = args[1:]
        if lower.op != "rel" or lower.args[0] != ("=",) or lower.args[1][0].op not in ("sym", "const"):
            raise NoValue("a sum over something else")
        index = str(lower.args[1][0].args[0])
        first, last = _value(lower.args[1][1], at), _value(upper, at)
        if not mpmath.isinf(last):
            begin, end = _integer(first), _integer(last)
            if end - begin > MAX_TERMS:
                raise NoValue("too many terms")
            body = _renamed(body, index)
            terms = [_value(body, {**at, index: Fraction(k)}) for k in range(begin, end + 1)]
            return mpmath.fsum(terms) if kind == "sum" else mpmath.fprod(terms)
    import sympy

    symbols = {name: sympy.Rational(value.numerator, value.denominator) for name, value in at.items()}
    found = sympy.N(_sympy_big(args, symbols), mp.dps)
    if not found.is_number or found.has(sympy.nan):
        raise NoValue(kind)
    real, imaginary = found.as_real_imag()
    return mpmath.mpc(mpmath.mpf(str(real)), mpmath.mpf(str(imaginary)))


def _renamed(body: Node, index: str) -> Node:
    """``i`` as the index of a sum is no constant in it."""
    if index not in ("i", "e"):
        return body
    if body == Node("const", (index,)):
        return Node("sym", (index,))
    return Node(body.op, tuple(_renamed(arg, index) if isinstance(arg, Node) else arg for arg in body.args))


def _sympy_big(args: tuple[Any, ...], symbols: Mapping[str, Any]) -> Any:
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
    inside = to_sympy(_renamed(body, index), {**symbols, index: unknown})
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
        return _sympy_big(args, symbols)
    if op not in ("add", "mul", "neg", "div", "pow", "root", "pct", "call", "unit"):
        raise NoValue(op)
    if op == "unit" and args[1] != "°":
        raise NoValue(op)
    inside = [to_sympy(arg, symbols) for arg in args if isinstance(arg, Node)]
    if op == "call":
        names_of_sympy = {
            "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "abs": "Abs", "ceil": "ceiling",
            "fact": "factorial", "binom": "binomial", "Re": "re", "Im": "im", "sgn": "sign", "min": "Min", "max": "Max",
            "arccot": "acot", "gcd": "igcd", "lcm": "ilcm", "mod": "Mod",
        }  # fmt: skip
        known = {
            "ln", "log", "exp", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot",
            "sinh", "cosh", "tanh", "coth", "abs", "floor", "ceil", "fact", "binom", "Re", "Im", "sgn", "min", "max",
            "sqrt", "gcd", "lcm", "mod", "arg",
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


def _intervals(found: Any) -> list[tuple[Any, bool, Any, bool]]:
    import sympy

    if found is sympy.S.EmptySet:
        return []
    if found is sympy.S.Reals:
        return [(-mpmath.inf, False, mpmath.inf, False)]
    if isinstance(found, sympy.Union):
        return [piece for part in found.args for piece in _intervals(part)]
    if isinstance(found, sympy.Interval):
        return [(_mp(found.start), not found.left_open, _mp(found.end), not found.right_open)]
    if isinstance(found, sympy.FiniteSet):
        return [(_mp(item), True, _mp(item), True) for item in found]
    raise NoValue("a set of another kind")


def _mp(value: Any) -> Any:
    import sympy

    if value in (sympy.oo, -sympy.oo):
        return mpmath.inf if value == sympy.oo else -mpmath.inf
    return mpmath.mpf(str(sympy.N(value, DIGITS)))


__all__ = ["Algebra", "NoValue", "Unreadable"]
