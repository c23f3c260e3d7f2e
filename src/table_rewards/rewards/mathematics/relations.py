r"""Equations and inequalities: equal up to a factor, or a value with its name."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from table_rewards.rewards.mathematics.forms import form
from table_rewards.rewards.mathematics.intervals import IntervalComparison
from table_rewards.rewards.mathematics.naming import EXPRESSIONS, bare_value, claim, is_name, one_function
from table_rewards.rewards.mathematics.rule import NoValue, Undecided
from table_rewards.rewards.mathematics.shapes import (
    INEQUALITIES,
    directed,
    is_solved,
    settled,
)
from table_rewards.rewards.mathematics.tree import Node, names, walk


class RelationComparison(IntervalComparison):
    """Equations and inequalities: equal up to a factor, or a value with its name."""

    def _relations(self, gold: Node, answer: Node) -> bool | None:
        if _rounded_off(gold):  # what is exact and what it is about: either will do
            sides = self._approximate(gold)
            return (
                self._any(self._same(side, answer) for side in sides) if sides else self._whole_relations(gold, answer)
            )
        return self._whole_relations(gold, answer)

    def _whole_relations(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op == "rel" and not _rounded_off(answer):
            return self._two_relations(gold, answer)
        if gold.op == "rel":
            return self._gold_relation(gold, answer)
        if _rounded_off(answer):
            return self._any(self._same(gold, side) for side in self._approximate(answer))
        claimed = claim(answer)
        if claimed is None:
            if gold.op in ("list", "set", "bracket", "cup", "cap", "setminus", "space", "such", "text"):
                return self._real_sets(gold, answer)
            return False
        name, values = claimed
        if gold.op == "list" and name is None:
            return False
        if name is None and any(names(value) for value in values) and not names(gold):
            return False
        if len(values) > 1:
            plainly = type(self)(self.solver, form="any")
            verdicts = [plainly._same(gold, settled(value)) for value in values[:-1]]
        else:
            verdicts = []
        verdicts.append(self._same(gold, settled(values[-1])))
        return False if False in verdicts else None if None in verdicts else True

    def _approximate(self, node: Node) -> tuple[Node, ...]:
        r"""The exact side of ``a \approx b``, with b where it is a rounded or cut off; none where they are apart."""
        exact, rough = node.args[1][:-1], node.args[1][-1]
        if len(exact) == 1 and is_name(exact[0]):
            return (rough,)
        if self.solver is None:
            raise Undecided
        try:
            left, right = (self.solver.number(part) for part in (bare_value(exact[-1]), bare_value(rough)))
        except NoValue:
            return ()
        if rough.op == "pct" and exact[-1].op != "pct" and abs(right) > 1:
            right /= 100  # a share, and about how many percent that is
        apart, place = abs(left - right), _last_place(rough) if rough.op == "num" else None
        near = apart <= abs(left) / 100
        rounded = near if place is None else apart <= abs(left) / 20 and apart * place.denominator < place.numerator
        if not near and not rounded:
            return ()
        whole = exact[0] if len(exact) == 1 else Node("rel", (node.args[0][:-1], exact))
        return (whole, rough) if rounded else (whole,)  # "100 is about 101" is no way to say 101, too

    def _gold_relation(self, gold: Node, answer: Node) -> bool | None:
        claimed = claim(gold)
        if claimed is not None and claimed[0] is None and not any(names(part) for part in claimed[1]):
            plainly = type(self)(self.solver, form="any")  # 2 x 3 = 6 says 6
            held = plainly._same(settled(claimed[1][0]), settled(claimed[1][-1]))
            return self._same(settled(claimed[1][-1]), answer) if held else held
        if claimed is None or claimed[0] is None:
            if answer.op in ("list", "set", "bracket", "cup", "cap", "setminus", "space", "such", "text"):
                return self._real_sets(gold, answer)
            return False
        return self._same(settled(claimed[1][-1]), answer)

    def _two_relations(self, gold: Node, answer: Node) -> bool | None:
        left, right = claim(gold), claim(answer)
        if left is not None and right is not None and left[0] is not None and right[0] is not None:
            if (form(left[0]) == form(right[0]) or one_function(left[0], right[0])) and len(left[1]) == 1:
                return self._relations_of_values(left[1][0], right[1])
            if len(gold.args[1]) > 2 or len(answer.args[1]) > 2:
                return False
        if len(gold.args) != len(answer.args) or self._left_to_solve(gold, answer):
            return False
        signs, given = gold.args[0], answer.args[0]
        named = left is not None and right is not None and None not in (left[0], right[0])
        if named and not any(names(value) for value in (*left[1], *right[1])):  # type: ignore[index]
            return False  # two values with two names
        if signs == given == ("=",):
            return self._equations(gold.args[1], answer.args[1])
        if all(sign in INEQUALITIES for sign in (*signs, *given)):
            return self._inequalities(gold, answer)
        if signs == given:
            return self._each(gold.args[1:2][0] + gold.args[2:], answer.args[1:2][0] + answer.args[2:])
        if {signs, given} & {("in",)}:
            return self._real_sets(gold, answer)
        return False

    def _relations_of_values(self, gold: Node, values: Sequence[Node]) -> bool | None:
        plainly = type(self)(self.solver, form="any")
        verdicts = [plainly._same(settled(gold), settled(value)) for value in values[:-1]]
        verdicts.append(self._same(settled(gold), settled(values[-1])))
        return False if False in verdicts else None if None in verdicts else True

    def _left_to_solve(self, gold: Node, answer: Node) -> bool:
        """Whether the answer is a relation that remains to be solved, where the gold answer is solved."""
        return not self.anything and is_solved(gold) and not is_solved(answer)

    def _equations(self, gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool | None:
        if not any(names(part) for part in gold):
            return self._each(gold, answer)
        if any(part.op not in EXPRESSIONS and part.op != "unit" for part in (*gold, *answer)):
            return self._any((self._each(gold, answer), self._each(gold, answer[::-1])))
        left = tuple(part.args[0] if part.op == "unit" else part for part in gold)
        right = tuple(part.args[0] if part.op == "unit" else part for part in answer)
        units = [{part.args[1] for part in side if part.op == "unit"} for side in (gold, answer)]
        if all(units) and units[0] != units[1]:
            return False
        if names(left[0]) | names(left[1]) != names(right[0]) | names(right[1]):
            return False
        if self.solver is None:
            return None
        same = self.solver.same_equation((left[0], left[1]), (right[0], right[1]))
        if same is not False:
            return same
        sides = type(self)(self.solver, form="same")  # of an identity, say, whose sides are written alike
        return self._any((sides._each(left, right), sides._each(left, right[::-1])))

    def _inequalities(self, gold: Node, answer: Node) -> bool | None:
        if len({_values_named(node) for node in (gold, answer)} - {frozenset()}) > 1:
            return False  # f(20) > 1000 and f(30) > 1000
        if names(gold) != names(answer):
            return False
        left, right = directed(gold), directed(answer)
        if len(left) == len(right):
            pairs = [self._directed_pair(one, other) for one, other in zip(left, right, strict=True)]
            if all(pairs):
                return True
            if len(left) == 2:
                crossed = [self._directed_pair(left[0], right[1]), self._directed_pair(left[1], right[0])]
                if all(crossed):
                    return True
        if self.solver is None:
            return None
        single = len(left) == len(right) == 1 and left[0][1] == right[0][1] != "!="
        if len(names(gold)) == 1:
            one, other = (left[0][0], left[0][2]), (right[0][0], right[0][2])
            if single and self.solver.same_inequality(one, other):
                return True  # one is a multiple of the other: nothing needs to be solved
            return self._real_sets(gold, answer)
        if len(left) == len(right) == 1 and left[0][1] == right[0][1]:
            if left[0][1] == "!=":
                return self.solver.same_equation((left[0][0], left[0][2]), (right[0][0], right[0][2]))
            return self.solver.same_inequality((left[0][0], left[0][2]), (right[0][0], right[0][2]))
        return False

    def _directed_pair(self, gold: tuple[Node, str, Node], answer: tuple[Node, str, Node]) -> bool | None:
        if gold[1] != answer[1]:
            return False
        return self._each((gold[0], gold[2]), (answer[0], answer[2]))


def _rounded_off(node: Node) -> bool:
    r"""Whether this is ``a = b \approx c``."""
    return node.op == "rel" and node.args[0][-1:] == ("~",) and not set(node.args[0][:-1]) - {"="}


def _last_place(node: Node) -> Fraction:
    """What the last digit of a number counts that is not a zero: 1/100 in 3.14, 100 in 1500."""
    value = abs(node.args[0])
    place = Fraction(1)
    while value and (value / place).denominator > 1 and place > Fraction(1, 10**40):
        place /= 10
    while value and place < 10**40 and (value / (10 * place)).denominator == 1:
        place *= 10
    return place


def _values_named(node: Node) -> frozenset[Node]:
    """The values of functions at constants that a relation is about."""
    return frozenset(form(part) for part in walk(node) if part.op == "apply" and not any(map(names, part.args[1])))
