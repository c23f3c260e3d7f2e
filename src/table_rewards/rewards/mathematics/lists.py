r"""Lists, sets, tuples and matrices: without order or with it, and values with names of their own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from table_rewards.rewards.mathematics.forms import form, holds
from table_rewards.rewards.mathematics.matrices import in_components, multiplied_out
from table_rewards.rewards.mathematics.naming import assignment
from table_rewards.rewards.mathematics.relations import RelationComparison
from table_rewards.rewards.mathematics.shapes import (
    assigned,
    choices,
    distinct,
    is_empty,
    items,
    solutions,
)
from table_rewards.rewards.mathematics.tree import Node, rational

MAX_ITEMS: Final = 200


class ListComparison(RelationComparison):
    """Lists, sets, tuples and matrices: without order or with it, and values with names of their own."""

    def _collections(self, gold: Node, answer: Node) -> bool | None:
        if {gold.op, answer.op} == {"set", "bracket"}:
            one, other = (items(node) if node.op == "set" else (node,) for node in (gold, answer))
            return self._same(one[0], other[0]) if len(one) == len(other) == 1 else False
        if is_empty(gold) or is_empty(answer):
            return is_empty(gold) and is_empty(answer)
        if (gold.op == "list" and answer.op == "bracket") or (gold.op == "bracket" and answer.op == "list"):
            listed, tupled = (gold, answer) if gold.op == "list" else (answer, gold)
            values = assigned(listed)
            if values is not None and tupled.args[:2] == ("(", ")"):
                ordered = values if listed is gold else tuple(value for _, value in sorted(values))
                wanted = tuple(value for _, value in ordered) if listed is gold else ordered
                pair = (wanted, tupled.args[2:]) if listed is gold else (tupled.args[2:], wanted)
                return self._each(*pair)
            if any(item.op == "rel" for item in items(listed)):
                return self._real_sets(gold, answer)
            if tupled.args[:2] != ("(", ")") or listed.args[0] == "or":
                return False
            return self._each(items(gold), items(answer))
        if all(node.op == "list" for node in (gold, answer)):
            verdict = self._named_lists(gold, answer)
            if verdict is not NotImplemented:
                return verdict  # type: ignore[no-any-return]
        left, right = items(gold), items(answer)
        if "rel" in {item.op for item in (*left, *right)} and not any(assignment(item) for item in (*left, *right)):
            joined = {node.args[0] for node in (gold, answer) if node.op == "list"}
            if {gold.op, answer.op} != {"list"} or len(left) != len(right) or joined == {"and", "or"}:
                return self._real_sets(gold, answer)
            return self._any((self._unordered(left, right), self._quiet_sets(gold, answer)))
        if "list" in (gold.op, answer.op) and {gold.op, answer.op} - {"list", "set"}:
            picked = choices(gold)
            if picked and choices(answer) == picked:
                return True
            return self._one_of_many(gold, answer)
        if answer.op == "set" and len(assigned(gold) or ()) > 1 and not _indexed(assigned(gold) or ()):
            return False  # a set does not say which value is which
        if "set" in (gold.op, answer.op):
            left, right = tuple(distinct(left)), tuple(distinct(right))
        return self._unordered(left, right)

    def _one_of_many(self, gold: Node, answer: Node) -> bool | None:
        listed, other = (gold, answer) if gold.op == "list" else (answer, gold)
        if other.op == "text":
            return False
        if other.op in ("matrix", "pieces"):
            return False
        only = distinct(items(listed))
        if len(only) == 1:
            return self._same(only[0], other) if listed is gold else self._same(other, only[0])
        return False

    def _named_lists(self, gold: Node, answer: Node) -> Any:
        """Lists in which values have names: ``x=1, y=2``; ``x=1 or x=2``."""
        left, right = assigned(gold), assigned(answer)
        if left is not None and right is not None:
            wanted, given = dict(left), dict(right)
            if wanted.keys() != given.keys():
                return False
            return self._each(tuple(wanted.values()), tuple(given[name] for name in wanted))
        if left is not None or right is not None:
            named = left if left is not None else right
            bare = items(answer) if left is not None else items(gold)
            if named is None:
                return NotImplemented
            if _indexed(named):  # the roots x_1 and x_2 have no order
                plain = solutions(answer if left is not None else gold)
                if plain is not None:
                    values = tuple(value for _, value in named)
                    return self._unordered(values, plain[1]) if left is not None else self._unordered(plain[1], values)
            if any(item.op == "rel" for item in bare):
                return False if len(named) > 1 and any(assignment(item) for item in bare) else NotImplemented
            if (answer if left is not None else gold).args[:1] == ("or",):
                return False  # one of the values, where all of them are asked for
            if right is not None:
                named = tuple(sorted(named))
            values = tuple(value for _, value in named)
            return self._each(values, bare) if left is not None else self._each(bare, values)
        one, other = solutions(gold), solutions(answer)
        if one is None or other is None or not (one[0] or other[0]):
            return NotImplemented
        if one[0] and other[0] and one[0] != other[0]:
            return False
        return self._unordered(one[1], other[1])

    def _unordered(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
        dotted = [sum(item.op == "dots" for item in side) for side in (gold, answer)]
        if dotted == [1, 1]:
            return self._any((self._each(gold, answer), self._counted_through(gold, answer)))
        if len(gold) != len(answer) or len(gold) > MAX_ITEMS:
            return False
        if any(item.op == "dots" for item in (*gold, *answer)):
            return self._each(gold, answer)
        left = list(answer)
        waiting: list[Node] = []
        for item in gold:  # what is written alike first
            written = form(item)
            hit = next((at for at, other in enumerate(left) if form(other) == written), None)
            if hit is None:
                waiting.append(item)
            else:
                del left[hit]
        unsure = False
        for item in waiting:
            found = None
            open_here = False
            for at, other in enumerate(left):
                verdict = self._same(item, other)
                if verdict:
                    found = at
                    break
                open_here |= verdict is None
            if found is None:
                if not open_here:
                    return False
                unsure = True
            else:
                del left[found]
        return None if unsure else True

    def _counted_through(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
        r"""``1, 2, \\ldots, 9`` and ``1, 2, 3, \\ldots, 9``: one start, one step, one end."""
        runs = [_steps(side) for side in (gold, answer)]
        if runs[0] is None or runs[0] != runs[1]:
            return False
        return self._same(gold[-1], answer[-1])

    def _tuples(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op == "bracket":
            left, right = gold.args, answer.args
            if len(left) != len(right):
                return False
            if left[:2] != right[:2] and not (len(left) > 4 and {left[:2], right[:2]} == {("(", ")"), ("[", "]")}):
                return False
            return self._each(left[2:], right[2:])
        if gold.op == answer.op == "matrix":
            if [len(row) for row in gold.args] != [len(row) for row in answer.args]:
                return False
            return self._each([c for row in gold.args for c in row], [c for row in answer.args for c in row])
        if {gold.op, answer.op} == {"bracket", "matrix"}:
            matrix, tupled = (gold, answer) if gold.op == "matrix" else (answer, gold)
            rows = matrix.args
            if matrix is gold and all(row.op == "bracket" and row.args[:2] == ("[", "]") for row in tupled.args[2:]):
                return self._tuples(gold, Node("matrix", tuple(row.args[2:] for row in tupled.args[2:])))
            cells = [cell for row in rows for cell in row]
            if 1 not in (len(rows), len(rows[0])):
                return False
            if tupled.args[:2] != ("(", ")") and not (matrix is gold and tupled.args[:2] == ("[", "]")):
                return False
            return self._each(cells, tupled.args[2:]) if matrix is gold else self._each(tupled.args[2:], cells)
        for vector, other in ((gold, answer), (answer, gold)):
            if other.op in ("add", "mul", "neg", "sym", "div", "call"):
                spelled = in_components(other, len(vector.args) if vector.op == "matrix" else len(vector.args) - 2)
                if spelled is not None and (other.op != "call" or other is answer):
                    return self._tuples(*((gold, spelled) if other is answer else (spelled, answer)))
        if "text" in (gold.op, answer.op):
            return self._real_sets(gold, answer) if "bracket" in (gold.op, answer.op) else False
        if {gold.op, answer.op} & {"bracket"} and {gold.op, answer.op} & {"unit"}:
            wrapped, other = (gold, answer) if gold.op == "unit" else (answer, gold)
            return self._same(*((wrapped.args[0], other) if wrapped is gold else (other, wrapped.args[0])))
        if any(holds(node, "matrix") for node in (gold, answer)):
            return self._matrix_expressions(gold, answer)
        return False

    def _matrix_expressions(self, gold: Node, answer: Node) -> bool | None:
        left, right = (multiplied_out(node, anything=self.anything) for node in (gold, answer))
        return self._tuples(left, right) if left is not None and right is not None else False


def _indexed(named: Sequence[tuple[str, Node]]) -> bool:
    """Whether the names are one letter with an index each."""
    letters = {re.sub(r"_\d+(?=')", "", name) for name, _ in named}
    return len(letters) == 1 and all(re.search(r"_\d+'", name) for name, _ in named)


def _steps(side: Sequence[Node]) -> tuple[Fraction, Fraction] | None:
    """Start and step of numbers that go on by one step up to the dots, with one item behind them."""
    values = [rational(item) for item in side[:-2]]
    if len(values) < 2 or side[-2].op != "dots" or None in values:
        return None
    known = [value for value in values if value is not None]
    steps = {after - before for before, after in itertools.pairwise(known)}
    return (known[0], steps.pop()) if len(steps) == 1 else None
