r"""Intervals, unions and inequalities, compared as sets of real numbers."""

from __future__ import annotations

from typing import Any, Final

from table_rewards.rewards.mathematics.forms import form
from table_rewards.rewards.mathematics.rule import Interval, NotASet, NoValue, Rule
from table_rewards.rewards.mathematics.shapes import (
    INEQUALITIES,
    flattened,
    is_solved,
    items,
    member,
    numeric,
    says_everything,
    says_nothing,
    settled,
    solutions,
    unknown_of,
)
from table_rewards.rewards.mathematics.tree import Node, names, num

_POSITIVE: Final = [{Node("space", (name,)), Node("space", ("Z+",))} for name in ("N", "N*")]
_EVERYWHERE: Final = [("-inf", False, "+inf", False)]


class IntervalComparison(Rule):
    """Intervals, unions and inequalities, compared as sets of real numbers."""

    def _quiet_sets(self, gold: Node, answer: Node) -> bool | None:
        try:
            return self._real_sets(gold, answer)
        except NotASet:
            return False

    def _real_sets(self, gold: Node, answer: Node) -> bool | None:
        one, other = unknown_of(gold), unknown_of(answer)
        if one and other and one != other:
            return False
        if gold.op == "rel" and answer.op == "rel" and gold.args[0] == answer.args[0] == ("in",):
            return self._same(settled(gold.args[1][1]), settled(answer.args[1][1]))
        gold, answer = (_listed_solutions(member(node)) for node in (gold, answer))
        if form(gold) == form(answer) or {gold, answer} in _POSITIVE:
            return True
        if {gold.op, answer.op} <= {"set", "list"} and not _of_relations(gold) and not _of_relations(answer):
            return self._same(gold, answer)
        if gold.op == "cup" and answer.op == "cup" and not numeric(gold, answer):
            return self._unordered(flattened(gold, "cup"), flattened(answer, "cup"))
        if not self.anything and is_solved(gold) and not is_solved(answer):
            return False
        if self.solver is None:
            return None
        try:
            wanted, given = _merged(self._set(gold)), _merged(self._set(answer))
            if not given and (_of_relations(answer) or _of_relations(gold)):
                return False  # a condition that nothing meets is no way to say that there is no solution
            if given == _EVERYWHERE and not (is_solved(gold) and is_solved(answer)):
                return False  # nor is one that everything meets a way to say "all numbers"
            return wanted == given
        except NotASet:
            if gold.op == answer.op and gold.op in ("cup", "cap"):
                return self._unordered(flattened(gold, gold.op), flattened(answer, answer.op))
            if gold.op == answer.op and gold.op in ("setminus", "such"):
                return self._each(gold.args, answer.args)
            if gold.op == answer.op == "bracket":
                return self._tuples(gold, answer)
            if gold.op == answer.op == "list":
                return self._unordered(items(gold), items(answer))
            return False

    def _set(self, node: Node) -> list[Interval]:
        op, args = node
        if op == "bracket":
            if len(args) != 4:
                raise NotASet
            low, high = self._number(args[2]), self._number(args[3])
            if not low < high:
                raise NotASet  # a point of the plane
            return [(low, args[0] == "[", high, args[1] == "]")]
        if op == "set" or (op == "list" and not any(item.op in ("rel", "bracket", "cup") for item in args[1:])):
            points = [self._number(item) for item in items(node)]
            return [(value, True, value, True) for value in points]
        if op == "list":
            if len(frozenset[str]().union(*(names(item) for item in args[1:] if item.op == "rel"))) > 1:
                raise NotASet  # a <= 1, b <= 3: each of them has a range of its own
            parts = [self._set(item) for item in args[1:]]
            total = parts[0]
            for part in parts[1:]:
                total = [*total, *part] if args[0] == "or" else _crossed(total, part)
            if args[0] == "," and not _merged(total):  # x<-2, x>5: no number is both
                return [piece for part in parts for piece in part]
            return total
        if op == "cup":
            return [*self._set(args[0]), *self._set(args[1])]
        if op == "cap":
            return _crossed(self._set(args[0]), self._set(args[1]))
        if op == "setminus":
            return _crossed(self._set(args[0]), _complement(self._set(args[1])))
        if op == "space" and args[0] == "R":
            return [
                (
                    self._number(Node("neg", (Node("const", ("inf",)),))),
                    False,
                    self._number(Node("const", ("inf",))),
                    False,
                )
            ]
        if op == "space" and args[0] in ("R+", "R^+"):
            return [(self._number(num(0)), False, self._number(Node("const", ("inf",))), False)]
        if op == "text" and says_everything(str(args[0])):
            return self._set(Node("space", ("R",)))
        if op == "text" and says_nothing(str(args[0])):
            return []
        if op == "rel":
            return self._relation_set(node)
        raise NotASet

    def _relation_set(self, node: Node) -> list[Interval]:
        called = {part for part in node.args[1] if part.op == "apply"}
        if len(called) == 1:
            node = Node("rel", (node.args[0], tuple(Node("sym", ("f",)) if p in called else p for p in node.args[1])))
        parts = node.args[1]
        total: list[Interval] | None = None
        if len(node.args) > 2 or len(names(node)) != 1:
            raise NotASet
        for left, sign, right in zip(parts, node.args[0], parts[1:], strict=False):
            if sign == "in":
                found = self._set(right)
            elif sign in ("<", "<=", ">", ">=", "!=", "="):
                found = self._one_inequality(left, sign, right)
            else:
                raise NotASet
            total = found if total is None else _crossed(total, found)
        return total or []

    def _one_inequality(self, left: Node, sign: str, right: Node) -> list[Interval]:
        if left.op != "sym" and right.op == "sym":
            left, sign, right = right, INEQUALITIES.get(sign, sign), left
        assert self.solver is not None
        if left.op != "sym" or names(right):
            try:
                return self.solver.inequality_set(left, sign, right)
            except NoValue:
                raise NotASet from None
        low, high = self._number(Node("neg", (Node("const", ("inf",)),))), self._number(Node("const", ("inf",)))
        at = self._number(right)
        if sign == "=":
            return [(at, True, at, True)]
        below, above = (low, False, at, sign == "<="), (at, sign == ">=", high, False)
        return [below, above] if sign == "!=" else [below] if sign[0] == "<" else [above]

    def _number(self, node: Node) -> Any:
        assert self.solver is not None
        node = node.args[0] if node.op == "unit" else node
        try:
            return self.solver.number(node)
        except NoValue:
            raise NotASet from None


def _listed_solutions(node: Node) -> Node:
    """``x=2, 3`` as the list of its values; anything else as it is."""
    found = solutions(node) if _of_relations(node) and node.op == "list" else None
    return node if found is None else Node("list", ("or", *found[1]))


def _of_relations(node: Node) -> bool:
    return node.op == "rel" or (node.op == "list" and any(item.op == "rel" for item in node.args[1:]))


def _merged(pieces: list[Interval]) -> list[Interval]:
    """Intervals in order, those that touch put together, empty ones left out."""
    kept = [piece for piece in pieces if piece[0] < piece[2] or (_at(piece[0], piece[2]) and piece[1] and piece[3])]
    kept.sort(key=lambda piece: (piece[0], not piece[1]))
    merged: list[Interval] = []
    for piece in kept:
        if merged:
            last = merged[-1]
            touches = _at(piece[0], last[2]) and (piece[1] or last[3])
            if (piece[0] < last[2] and not _at(piece[0], last[2])) or touches:
                if _at(piece[2], last[2]):
                    merged[-1] = (last[0], last[1], last[2], last[3] or piece[3])
                elif piece[2] > last[2]:
                    merged[-1] = (last[0], last[1], piece[2], piece[3])
                continue
        merged.append(piece)
    return [(_rounded(a), b, _rounded(c), d) for a, b, c, d in merged]


def _at(one: Any, other: Any) -> bool:
    import mpmath

    if mpmath.isinf(one) or mpmath.isinf(other):
        return bool(one == other)
    return bool(one == other) or bool(abs(one - other) <= abs(one) * 1e-40)


def _rounded(value: Any) -> str:
    import mpmath

    return str(mpmath.nstr(value, 40))


def _crossed(left: list[Interval], right: list[Interval]) -> list[Interval]:
    found = []
    for a in left:
        for b in right:
            low = max((a[0], not a[1]), (b[0], not b[1]))
            high = min((a[2], a[3]), (b[2], b[3]))
            if low[0] < high[0] or (_at(low[0], high[0]) and not low[1] and high[1]):
                found.append((low[0], not low[1], high[0], high[1]))
    return found


def _complement(pieces: list[Interval]) -> list[Interval]:
    import mpmath

    found: list[Interval] = [(-mpmath.inf, False, mpmath.inf, False)]
    for low, low_in, high, high_in in pieces:
        outside = [(-mpmath.inf, False, low, not low_in), (high, not high_in, mpmath.inf, False)]
        found = _crossed(
            found, [piece for piece in outside if not mpmath.isinf(piece[0]) or not mpmath.isinf(piece[2])]
        )
    return found
