r"""Whether two formulas have one value, found by computing both at many digits. Runs in a process that can be killed.

Expressions are evaluated from the tree that :mod:`reading` made, at random points, with 60 digits: two that agree there
are equal, two that differ are proved to be different. sympy is asked for what needs more: solutions of equations,
integrals, infinite sums, limits. Nothing is ever parsed or evaluated from text.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import mpmath
from mpmath import mp

from table_rewards.rewards.mathematics.rule import NoValue
from table_rewards.rewards.mathematics.symbols import asking_sympy, intervals_of, to_sympy
from table_rewards.rewards.mathematics.tree import Node, names, num, walk
from table_rewards.rewards.mathematics.values import DIGITS, DRAW, Point, close, is_real, point, value_of

APPROXIMATE: Final = 1e-6
_TRIALS: Final = 4
_WHOLE: Final = frozenset({"n", "k", "m", "j"})
_FOLDED: Final = frozenset({"abs", "min", "max", "sgn", "floor", "ceil"})
"""Functions that may agree near zero and differ far from it: ``|x+10|-10`` and ``|x+11|-11``."""
_STEPWISE: Final = frozenset({"fact", "fact2", "binom", "cos", "sin", "floor", "ceil"})
"""Functions that may agree at whole numbers and differ in between."""


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
                    if digits > DIGITS or size < mpmath.mpf(10) ** (DIGITS // 2):
                        return True
                    continue  # 100! + 1 is not 100!
                if any(
                    node.op == "num" and node.args[1] == "decimal" for node in (gold, answer, *_negated(gold, answer))
                ):
                    return bool(apart <= APPROXIMATE * min(1, size))
                if apart > size * mpmath.mpf(10) ** (-digits // 3):
                    return False
        return False

    def _functions(self, gold: Node, answer: Node, variables: frozenset[str]) -> bool:
        agreed = 0
        aside: list[
            bool
        ] = []  # whether they agree where neither is real, and so may be on two branches of one function
        imaginary = any(part == Node("const", ("i",)) for part in (*walk(gold), *walk(answer)))
        for trial in range(2 * (_TRIALS + 4)):
            if trial == _TRIALS + 4 and not aside:
                break
            at = point(variables, trial, small=trial >= _TRIALS + 4)
            try:
                left, right = self.value(gold, at), self.value(answer, at)
            except NoValue:
                continue
            if not imaginary and not is_real(left) and not is_real(right):
                aside.append(close(left, right))
                if all(aside) and len(aside) >= _TRIALS:
                    return True
                continue
            if not close(left, right):
                sequences = not variables.isdisjoint(_WHOLE) and any(
                    _of_whole_numbers(part) for part in (*walk(gold), *walk(answer))
                )
                return sequences and self._at_whole_numbers(gold, answer, variables)
            agreed += 1
            if agreed == _TRIALS:
                break
        if not agreed and aside:
            return all(aside)
        if not agreed:
            if any(part.op == "big" and part.args[0] in ("sum", "prod") for part in (*walk(gold), *walk(answer))):
                return self._at_whole_numbers(gold, answer, variables)  # up to n, which must be a whole number
            raise NoValue("at no point")
        folded = any(part.op == "call" and part.args[0] in _FOLDED for part in (*walk(gold), *walk(answer)))
        for trial in range(_TRIALS + 4 * folded):
            far = 10 ** (trial - _TRIALS + 1) if trial >= _TRIALS else 1
            at = {name: far * value for name, value in point(variables, 100 + trial, signs=True).items()}
            try:
                left, right = self.value(gold, at), self.value(answer, at)
            except (NoValue, ArithmeticError, ValueError):
                continue
            if is_real(left) and is_real(right) and not close(left, right):
                return False
        return True

    def _at_whole_numbers(self, gold: Node, answer: Node, variables: frozenset[str]) -> bool:
        """``(-1)^n`` and ``cos(n pi)`` are one sequence, though they differ in between."""
        for trial in range(8):
            at = {**point(variables - _WHOLE, trial), **point(variables & _WHOLE, trial, whole=True)}
            try:
                if not close(self.value(gold, at), self.value(answer, at)):
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
        return ratio is not None and is_real(ratio) and mpmath.re(ratio) > 0

    def _ratio(self, left: Node, right: Node, variables: frozenset[str]) -> Any:
        """The constant that one expression is of the other; None when there is none."""
        ratios = []
        for trial in range(_TRIALS + 2):
            at = {**point(variables, trial, signs=trial % 2 == 1), DRAW: Fraction(trial)}
            try:
                above, below = self.value(left, at), self.value(right, at)
            except NoValue:
                continue
            if abs(above) < 1e-40 or abs(below) < 1e-40:
                return None  # solved at a random point: no equation
            ratios.append(above / below)
        if len(ratios) < 3:
            raise NoValue("at no point")
        return ratios[0] if all(close(ratio, ratios[0]) for ratio in ratios[1:]) else None

    def _solved(self, left: Node, right: Node, variables: frozenset[str]) -> bool:
        import sympy

        symbols = {name: sympy.Symbol(f"v{index}", real=True) for index, name in enumerate(sorted(variables))}
        one, other = sympy.together(to_sympy(left, symbols)), sympy.together(to_sympy(right, symbols))
        above, beyond = sympy.numer(one), sympy.numer(other)
        if 0 in (sympy.expand(above), sympy.expand(beyond)):
            return False  # an identity is no equation of an unknown
        unknowns = list(symbols.values())
        if above.is_polynomial(*unknowns) and beyond.is_polynomial(*unknowns):
            a, b = sympy.Poly(above, *unknowns), sympy.Poly(beyond, *unknowns)
            if max(a.total_degree(), b.total_degree()) > 12:
                return False
            if a.monic() == b.monic() and (one.is_polynomial() or other.is_polynomial() or a.total_degree() < 8):
                return True
            plain = all(part.is_polynomial(*unknowns) for part in (one, other))
            plain = plain and all(poly.domain.is_QQ or poly.domain.is_ZZ for poly in (a, b))
            if len(unknowns) == 1 and plain:  # counted by Sturm, where solving a cubic may take for ever
                shared = sympy.gcd(a, b)
                return bool(0 < a.count_roots() == b.count_roots() == shared.count_roots())
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
        if not is_real(value):
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
        relation = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "!=": sympy.Ne, "=": sympy.Eq}[sign]
        with asking_sympy():
            one, other = (to_sympy(side, dict.fromkeys(variables, unknown)) for side in (left, right))
            return intervals_of(sympy.solveset(relation(one, other), unknown, sympy.S.Reals))

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, node: Node, at: Point, digits: int = DIGITS) -> Any:
        """The value of an expression at a point."""
        with mp.workdps(digits):
            try:
                value = value_of(node, at)
            except (ZeroDivisionError, OverflowError, ValueError, TypeError, mpmath.libmp.NoConvergence) as error:
                raise NoValue(str(error)) from None
            if mpmath.isnan(value):
                raise NoValue("not a number")
            return value


def _negated(*nodes: Node) -> list[Node]:
    return [node.args[0] for node in nodes if node.op in ("neg", "unit")]


def _difference(left: Node, right: Node) -> Node:
    return left if right == num(0) else Node("add", (left, Node("neg", (right,))))


def _of_whole_numbers(node: Node) -> bool:
    if node.op == "pow" and node.args[0].op in ("neg", "num") and names(node.args[1]):
        return bool(node.args[0].op == "neg" or node.args[0].args[0] < 0)
    return node.op == "call" and node.args[0] in _STEPWISE and bool(names(node))
