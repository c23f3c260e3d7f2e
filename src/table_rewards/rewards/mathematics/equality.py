r"""Whether two answers say the same, structure by structure; ``None`` where only algebra could tell and none is there.

Lists and sets are compared without order, tuples with it; intervals, unions and inequalities as sets of real numbers;
equations up to a factor; names of variables, units and words as what they are. An answer counts as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, Protocol

from table_rewards.rewards.mathematics.forms import finished, form, holds
from table_rewards.rewards.mathematics.tree import Node, names, num, rational, walk
from table_rewards.rewards.mathematics.units import unit_of
from table_rewards.rewards.mathematics.wording import TRUTH, same_words

TOLERANCE: Final = Fraction(1, 10**6)
MAX_ITEMS: Final = 200
_EXPRESSIONS: Final = frozenset(
    {"num", "sym", "const", "add", "mul", "neg", "div", "pow", "root", "call", "apply", "big"}
)
_INEQUALITIES: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}
_NOTHING: Final = frozenset(
    {"no solution", "no solutions", "no real solution", "no real solutions", "none", "empty set", "无解", "no such"}
)
_EVERYTHING: Final = frozenset({"all real numbers", "all reals", "real numbers", "all real", "every real number"})
_CONDITIONAL: Final = frozenset({"if", "when", "for", "where", "whenever", "若", "当"})

Interval = tuple[Any, bool, Any, bool]


class Solver(Protocol):
    """What algebra answers; see :class:`~table_rewards.rewards.mathematics.algebra.Algebra`."""

    def equal(self, gold: Node, answer: Node) -> bool | None: ...
    def same_equation(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None: ...
    def same_inequality(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None: ...
    def number(self, node: Node) -> Any: ...
    def inequality_set(self, left: Node, sign: str, right: Node) -> list[Interval]: ...


class Undecided(Exception):
    """Only algebra could tell, and none is at hand."""


class NotASet(Exception):
    """The structure is no set of real numbers."""


class Comparison:
    """One rule of comparison: ``anything`` accepts values that remain to be computed; ``solver`` is the algebra."""

    def __init__(self, solver: Solver | None = None, *, anything: bool = False) -> None:
        self.solver, self.anything = solver, anything

    def same(self, gold: Node, answer: Node) -> bool | None:
        """Whether the answer says what the gold answer says."""
        try:
            return self._same(settled(gold), settled(answer))
        except Undecided:
            return None

    def _same(self, gold: Node, answer: Node) -> bool | None:
        if form(gold) == form(answer):
            return True
        kinds = {gold.op, answer.op}
        if "choice" in kinds:
            return self._choices(gold, answer)
        if "rel" in kinds:
            return self._relations(gold, answer)
        if kinds & {"cup", "cap", "setminus", "space", "such"}:
            return self._real_sets(gold, answer)
        if kinds & {"list", "set"}:
            return self._collections(gold, answer)
        if kinds & {"bracket", "matrix"}:
            return self._tuples(gold, answer)
        if kinds & {"text", "mixed", "pieces"}:
            return self._worded(gold, answer)
        return self._quantities(gold, answer)

    def _choices(self, gold: Node, answer: Node) -> bool | None:
        """``A) Paris``: the letter where the other side is a letter, the text or value behind it otherwise."""
        if gold.op == answer.op:
            return bool(gold.args[0] == answer.args[0])
        choice, other = (gold, answer) if gold.op == "choice" else (answer, gold)
        letter = _letters(other)
        if len(letter) == 1 and letter.isupper():
            return bool(letter == choice.args[0])
        return self._same(choice.args[1], other) if choice is gold else self._same(other, choice.args[1])

    # -- values with units, percent signs and bases -------------------------------------------------------------------

    def _quantities(self, gold: Node, answer: Node) -> bool | None:
        if {gold.op, answer.op} == {"unit", "pct"}:
            return False
        if "unit" in (gold.op, answer.op):
            return self._units(gold, answer)
        if "pct" in (gold.op, answer.op) and gold.op != answer.op:
            marked, other = (gold, answer) if gold.op == "pct" else (answer, gold)
            inner = marked.args[0]
            ways = ((gold, inner), (gold, answer)) if marked is answer else ((inner, answer), (gold, answer))
            if other.op == "based":
                return False
            return self._any(self._value(*way) for way in ways)
        if gold.op == answer.op == "pct":
            return self._same(gold.args[0], answer.args[0])
        if "based" in (gold.op, answer.op):
            return self._based(gold, answer)
        if "ratio" in (gold.op, answer.op):
            return self._ratios(gold, answer)
        return self._value(gold, answer)

    def _units(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op:
            one, other = str(gold.args[1]), str(answer.args[1])
            if one != other and not (one[0] == other[0] == "°" and min(len(one), len(other)) == 1):
                return False
            return self._same(gold.args[0], answer.args[0])
        if "ratio" in (gold.op, answer.op):  # 20:34 and 8:34 p.m.
            clock = (_on_the_clock(gold), _on_the_clock(answer))
            bare = tuple(node.args[0] if node.op == "unit" else node for node in (gold, answer))
            return self._any(self._same(*pair) for pair in {clock, bare} if "unit" not in (pair[0].op, pair[1].op))
        if gold.op == "unit":
            bare = _without_unit(answer, str(gold.args[1]))
            return self._same(gold.args[0], bare)
        return self._same(_without_unit(gold, str(answer.args[1])), answer.args[0])

    def _based(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op:
            return False  # the same digits and base have the same form
        based, other = (gold, answer) if gold.op == "based" else (answer, gold)
        value = rational(other)
        return other.op == "num" and value is not None and str(value) == based.args[0] and gold.op == "based"

    def _ratios(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op:
            if len(gold.args) == 3 > len(answer.args) == 2 or len(answer.args) == 3 > len(gold.args) == 2:
                longer, shorter = sorted((gold.args, answer.args), key=len, reverse=True)
                if longer[2] == num(0):  # 20:34:00
                    return self._each(longer[:2], shorter) if longer is gold.args else self._each(shorter, longer[:2])
            return self._each(gold.args, answer.args)
        ratio, other = (gold, answer) if gold.op == "ratio" else (answer, gold)
        if len(ratio.args) != 2 or other.op not in ("div", "num"):
            return False
        return self._value(Node("div", ratio.args), other)

    def _value(self, gold: Node, answer: Node) -> bool | None:
        """Two expressions."""
        if not self.anything and not finished(gold, answer):
            return False
        left, right = rational(gold), rational(answer)
        if left is not None and right is not None:
            return left == right or (any(_decimal(node) for node in (gold, answer)) and _near(left, right))
        return self._ask(gold, answer)

    def _ask(self, gold: Node, answer: Node) -> bool | None:
        if not all(
            part.op in _EXPRESSIONS or part.op in ("unit", "pct", "matrix", "rel", "text") for part in walk(gold)
        ):
            return False
        if not all(
            part.op in _EXPRESSIONS or part.op in ("unit", "pct", "matrix", "rel", "text") for part in walk(answer)
        ):
            return False
        if "segment:" in repr((gold, answer)) and _letters(gold) == _letters(answer) != "":
            return True
        if self.solver is None:
            return None
        same = self.solver.equal(gold, answer)
        if not same and any(_bare_log(part) for node in (gold, answer) for part in walk(node)):
            tens = self.solver.equal(_to_base_ten(gold), _to_base_ten(answer))
            return tens if tens else same
        return same

    # -- collections --------------------------------------------------------------------------------------------------

    def _collections(self, gold: Node, answer: Node) -> bool | None:
        if {gold.op, answer.op} == {"set", "bracket"}:
            return False
        if _empty(gold) or _empty(answer):
            return _empty(gold) and _empty(answer)
        if (gold.op == "list" and answer.op == "bracket") or (gold.op == "bracket" and answer.op == "list"):
            listed, tupled = (gold, answer) if gold.op == "list" else (answer, gold)
            values = _assigned(listed)
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
        if "rel" in {item.op for item in (*left, *right)} and not any(_assignment(item) for item in (*left, *right)):
            if {gold.op, answer.op} != {"list"} or len(left) != len(right):
                return self._real_sets(gold, answer)
            return self._any((self._unordered(left, right), self._quiet_sets(gold, answer)))
        if "list" in (gold.op, answer.op) and {gold.op, answer.op} - {"list", "set"}:
            return self._one_of_many(gold, answer)
        if "set" in (gold.op, answer.op):
            left, right = tuple(_distinct(left)), tuple(_distinct(right))
        return self._unordered(left, right)

    def _one_of_many(self, gold: Node, answer: Node) -> bool | None:
        listed, other = (gold, answer) if gold.op == "list" else (answer, gold)
        if other.op == "text":
            return False
        if other.op in ("matrix", "pieces"):
            return False
        distinct = _distinct(items(listed))
        if len(distinct) == 1:
            return self._same(distinct[0], other) if listed is gold else self._same(other, distinct[0])
        return False

    def _named_lists(self, gold: Node, answer: Node) -> Any:
        """Lists in which values have names: ``x=1, y=2``; ``x=1 or x=2``."""
        left, right = _assigned(gold), _assigned(answer)
        if left is not None and right is not None:
            wanted, given = dict(left), dict(right)
            if wanted.keys() != given.keys():
                return False
            return self._each(tuple(wanted.values()), tuple(given[name] for name in wanted))
        if left is not None or right is not None:
            named = left if left is not None else right
            bare = items(answer) if left is not None else items(gold)
            if any(item.op == "rel" for item in bare) or named is None:
                return NotImplemented
            if right is not None:
                named = tuple(sorted(named))
            values = tuple(value for _, value in named)
            return self._each(values, bare) if left is not None else self._each(bare, values)
        one, other = _solutions(gold), _solutions(answer)
        if one is None or other is None or not (one[0] or other[0]):
            return NotImplemented
        if one[0] and other[0] and one[0] != other[0]:
            return False
        return self._unordered(one[1], other[1])

    def _unordered(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
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

    def _each(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
        if len(gold) != len(answer):
            return False
        verdicts = []
        for one, other in zip(gold, answer, strict=True):
            verdict = self._same(one, other)
            if verdict is False:
                return False
            verdicts.append(verdict)
        return None if None in verdicts else True

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
            cells = [cell for row in rows for cell in row]
            if 1 not in (len(rows), len(rows[0])) or tupled.args[:2] != ("(", ")"):
                return False
            return self._each(cells, tupled.args[2:]) if matrix is gold else self._each(tupled.args[2:], cells)
        if "text" in (gold.op, answer.op):
            return self._real_sets(gold, answer) if "bracket" in (gold.op, answer.op) else False
        if {gold.op, answer.op} & {"bracket"} and {gold.op, answer.op} & {"unit"}:
            wrapped, other = (gold, answer) if gold.op == "unit" else (answer, gold)
            return self._same(*((wrapped.args[0], other) if wrapped is gold else (other, wrapped.args[0])))
        if any(holds(node, "matrix") for node in (gold, answer)):
            return self._matrix_expressions(gold, answer)
        return False

    def _matrix_expressions(self, gold: Node, answer: Node) -> bool | None:
        left, right = _multiplied_out(gold), _multiplied_out(answer)
        return self._tuples(left, right) if left is not None and right is not None else False

    # -- words --------------------------------------------------------------------------------------------------------

    def _worded(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op == "text":
            return same_words(gold.args[0], answer.args[0])
        if "text" in (gold.op, answer.op):
            text, other = (gold, answer) if gold.op == "text" else (answer, gold)
            said = str(text.args[0])
            if _empty(other) or other.op in ("space", "bracket"):
                return self._real_sets(gold, answer)
            letters = _letters(other)
            if letters:
                return letters == said.strip("()").replace(" ", "") or (
                    said.lower() in TRUTH and TRUTH.get(letters.lower()) == TRUTH[said.lower()]
                )
            return False
        if gold.op == answer.op == "mixed":
            return self._mixtures(gold, answer)
        if gold.op == answer.op == "pieces":
            return self._unordered([_piece(row) for row in gold.args], [_piece(row) for row in answer.args])
        return False

    def _mixtures(self, gold: Node, answer: Node) -> bool | None:
        return self._each(gold.args, answer.args)

    # -- relations ----------------------------------------------------------------------------------------------------

    def _relations(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op == "rel":
            return self._two_relations(gold, answer)
        if gold.op == "rel":
            return self._gold_relation(gold, answer)
        if answer.op == "rel" and answer.args[0][-1:] == ("~",) and not set(answer.args[0][:-1]) - {"="}:
            return self._any(self._same(gold, side) for side in self._approximate(answer))
        claimed = _claim(answer)
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
            plainly = Comparison(self.solver, anything=True)
            verdicts = [plainly._same(gold, settled(value)) for value in values[:-1]]
        else:
            verdicts = []
        verdicts.append(self._same(gold, settled(values[-1])))
        return False if False in verdicts else None if None in verdicts else True

    def _approximate(self, node: Node) -> tuple[Node, ...]:
        r"""The exact side of ``a \approx b`` and its approximation, where they are within a hundredth of each other."""
        exact, rough = node.args[1][:-1], node.args[1][-1]
        if len(exact) == 1 and _a_name(exact[0]):
            return (rough,)
        if self.solver is None:
            raise Undecided
        try:
            left, right = (self.solver.number(part) for part in (_valued(exact[-1]), _valued(rough)))
        except Exception:
            return ()
        if abs(left - right) > abs(left) / 100:
            return ()
        return (exact[0] if len(exact) == 1 else Node("rel", (node.args[0][:-1], exact)), rough)

    def _gold_relation(self, gold: Node, answer: Node) -> bool | None:
        claimed = _claim(gold)
        if claimed is None or claimed[0] is None:
            if answer.op in ("list", "set", "bracket", "cup", "cap", "setminus", "space", "such", "text"):
                return self._real_sets(gold, answer)
            return False
        return self._same(settled(claimed[1][-1]), answer)

    def _two_relations(self, gold: Node, answer: Node) -> bool | None:
        left, right = _claim(gold), _claim(answer)
        if left is not None and right is not None and left[0] is not None and right[0] is not None:
            if (form(left[0]) == form(right[0]) or _of_x(left[0], right[0])) and len(left[1]) == 1:
                return self._relations_of_values(left[1][0], right[1])
            if len(gold.args[1]) > 2 or len(answer.args[1]) > 2:
                return False
        if len(gold.args) != len(answer.args):
            return False
        signs, given = gold.args[0], answer.args[0]
        named = left is not None and right is not None and None not in (left[0], right[0])
        if named and not any(names(value) for value in (*left[1], *right[1])):  # type: ignore[index]
            return False  # two values with two names
        if signs == given == ("=",):
            return self._equations(gold.args[1], answer.args[1])
        if all(sign in _INEQUALITIES for sign in (*signs, *given)):
            return self._inequalities(gold, answer)
        if signs == given:
            return self._each(gold.args[1:2][0] + gold.args[2:], answer.args[1:2][0] + answer.args[2:])
        if {signs, given} & {("in",)}:
            return self._real_sets(gold, answer)
        return False

    def _relations_of_values(self, gold: Node, values: Sequence[Node]) -> bool | None:
        plainly = Comparison(self.solver, anything=True)
        verdicts = [plainly._same(settled(gold), settled(value)) for value in values[:-1]]
        verdicts.append(self._same(settled(gold), settled(values[-1])))
        return False if False in verdicts else None if None in verdicts else True

    def _equations(self, gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool | None:
        if not any(names(part) for part in gold):
            return self._each(gold, answer)
        if any(part.op not in _EXPRESSIONS and part.op != "unit" for part in (*gold, *answer)):
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
        return self.solver.same_equation((left[0], left[1]), (right[0], right[1]))

    def _inequalities(self, gold: Node, answer: Node) -> bool | None:
        if names(gold) != names(answer):
            return False
        left, right = _directed(gold), _directed(answer)
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
        if len(names(gold)) == 1:
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

    # -- sets of real numbers -----------------------------------------------------------------------------------------

    def _quiet_sets(self, gold: Node, answer: Node) -> bool | None:
        try:
            return self._real_sets(gold, answer)
        except NotASet:
            return False

    def _real_sets(self, gold: Node, answer: Node) -> bool | None:
        one, other = _unknown(gold), _unknown(answer)
        if one and other and one != other:
            return False
        if gold.op == "rel" and answer.op == "rel" and gold.args[0] == answer.args[0] == ("in",):
            return self._same(settled(gold.args[1][1]), settled(answer.args[1][1]))
        gold, answer = _member(gold), _member(answer)
        if form(gold) == form(answer):
            return True
        if {gold.op, answer.op} <= {"set", "list"}:
            return self._same(gold, answer)
        if gold.op == "cup" and answer.op == "cup" and not _single_kind(gold, answer):
            return self._unordered(_flat(gold, "cup"), _flat(answer, "cup"))
        if self.solver is None:
            return None
        try:
            return _merged(self._set(gold)) == _merged(self._set(answer))
        except NotASet:
            if gold.op == answer.op and gold.op in ("cup", "cap"):
                return self._unordered(_flat(gold, gold.op), _flat(answer, answer.op))
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
            return [(self._number(args[2]), args[0] == "[", self._number(args[3]), args[1] == "]")]
        if op == "set" or (op == "list" and not any(item.op == "rel" for item in args[1:])):
            points = [self._number(item) for item in items(node)]
            return [(value, True, value, True) for value in points]
        if op == "list":
            parts = [self._set(item) for item in args[1:]]
            total = parts[0]
            for part in parts[1:]:
                total = [*total, *part] if args[0] == "or" else _crossed(total, part)
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
        if op == "text" and str(args[0]).lower() in _EVERYTHING:
            return self._set(Node("space", ("R",)))
        if op == "text" and str(args[0]).lower() in _NOTHING:
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
            left, sign, right = right, _INEQUALITIES.get(sign, sign), left
        assert self.solver is not None
        if left.op != "sym" or names(right):
            try:
                return self.solver.inequality_set(left, sign, right)
            except Exception:
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
        except Exception:
            raise NotASet from None

    @staticmethod
    def _any(verdicts: Any) -> bool | None:
        open_still = False
        for verdict in verdicts:
            if verdict:
                return True
            open_still |= verdict is None
        return None if open_still else False


# -- structures in one shape ------------------------------------------------------------------------------------------


def settled(node: Node) -> Node:
    r"""The node in one shape: ``\pm`` as two values, nested lists flat, conditions of sets taken out."""
    op, args = node
    if op == "such":
        return _condition(node)
    if op == "list":
        flat: list[Node] = []
        for arg in args[1:]:
            made = settled(arg)
            inner = made.args[1:] if made.op == "list" and (arg.op != "list" or made.args[0] == args[0]) else (made,)
            flat.extend(inner)
        return Node("list", (args[0], *flat))
    if op == "set":
        elements: list[Node] = []
        for arg in args:
            made = settled(arg)
            elements.extend(made.args[1:] if made.op == "list" else (made,))
        return Node("set", tuple(elements))
    if op == "unit" and args[0].op in ("rel", "list"):
        return node
    if op == "unit" and holds(args[0], "pm", "mp"):
        return Node("list", ("or", *(Node("unit", (_signed(args[0], sign), args[1])) for sign in (1, -1))))
    if op not in ("bracket", "matrix", "mixed", "text", "pieces") and holds(node, "pm", "mp"):
        return Node("list", ("or", _signed(node, 1), _signed(node, -1)))
    if op == "matrix" and len(args) == 1 == len(args[0]):
        return node
    return node


def _condition(node: Node) -> Node:
    element, condition = node.args
    if element.op == "sym":
        return settled(condition)
    if element.op == "rel" and element.args[0] == ("in",) and element.args[1][1] == Node("space", ("R",)):
        return settled(condition)
    return node


def _signed(node: Node, sign: int) -> Node:
    r"""The node with the upper signs of ``\pm`` and ``\mp``, or the lower ones."""
    if node.op in ("pm", "mp"):
        inner = _signed(node.args[0], sign)
        return inner if (sign > 0) == (node.op == "pm") else Node("neg", (inner,))
    return Node(
        node.op,
        tuple(
            _signed(arg, sign)
            if isinstance(arg, Node)
            else tuple(_signed(part, sign) if isinstance(part, Node) else part for part in arg)
            if isinstance(arg, tuple)
            else arg
            for arg in node.args
        ),
    )


def items(node: Node) -> tuple[Node, ...]:
    """The items of a list, set or tuple; anything else is one item."""
    if node.op == "list":
        return node.args[1:]
    if node.op == "set":
        return node.args
    return node.args[2:] if node.op == "bracket" else (node,)


def _distinct(found: Sequence[Node]) -> list[Node]:
    return list({form(item): item for item in found}.values())


def _empty(node: Node) -> bool:
    return (node.op == "set" and not node.args) or (node.op == "text" and str(node.args[0]).lower() in _NOTHING)


def _claim(node: Node) -> tuple[Node | None, tuple[Node, ...]] | None:
    """What a chain of equations says: a name (None without one) and its values; None when it is no chain."""
    if node.op != "rel" or set(node.args[0]) != {"="} or len(node.args) > 2:
        return None
    parts = node.args[1]
    if _a_name(parts[0]) and not any(names(parts[0]) & names(part) for part in parts[1:] if parts[0].op == "sym"):
        return parts[0], parts[1:]
    if len(parts) == 2 and parts[1].op == "sym" and not names(parts[0]):
        return parts[1], parts[:1]
    if any(names(part) for part in parts) and len(parts) == 2 and not _both_sides(parts):
        return None
    return None, parts


def _both_sides(parts: tuple[Node, ...]) -> bool:
    """Whether a relation could be an identity, all of whose sides are one expression."""
    return names(parts[0]) == names(parts[1]) and all(part.op in _EXPRESSIONS and part != num(0) for part in parts)


def _valued(node: Node) -> Node:
    return node.args[0] if node.op in ("unit", "pct") else node


def _a_name(node: Node) -> bool:
    """Whether this names a value: ``x``, ``f(2)``, ``P(A)``, ``AB``, ``|AB|``, ``(x, y)``."""
    if node.op in ("sym", "apply") or node in (Node("const", ("e",)), Node("const", ("i",))):
        return True
    if node.op == "call" and node.args[0] not in ("fact", "binom"):
        return (
            len(node.args) == 2 and _a_name(node.args[1]) and (node.args[0] != "abs" or len(_letters(node.args[1])) > 0)
        )
    if node.op == "bracket":
        return all(part.op == "sym" for part in node.args[2:])
    if node.op == "unit":
        return False
    if node.op in ("ratio", "div"):  # a ratio of lengths, areas, volumes
        return all(_a_name(part) and _letters(part)[:1].isupper() for part in node.args)
    if node.op == "mul":
        head = node.args[0]
        if (
            head == Node("sym", ("P",))
            or head == Node("sym", ("E",))
            or (head.op == "sym" and head.args[0][0] in "PEVp")
        ):
            return len(node.args) == 2
        return all(part.op == "sym" and str(part.args[0])[:1].isupper() for part in node.args) or (
            node.args[0] == Node("sym", ("m",)) and str(node.args[1].args[0]).startswith("angle")
            if len(node.args) == 2 and node.args[1].op == "sym"
            else False
        )
    return False


def _of_x(gold: Node, answer: Node) -> bool:
    """``f(x)`` and ``y`` name the same values."""
    pair = {gold, answer}
    return Node("sym", ("y",)) in pair and any(
        node.op == "apply" and len(node.args[1]) == 1 and node.args[1][0].op == "sym" for node in pair
    )


def _assignment(node: Node) -> tuple[str, Node] | None:
    claimed = _claim(node)
    if claimed is None or claimed[0] is None or len(claimed[1]) != 1:
        return None
    return repr(form(claimed[0])), claimed[1][0]


def _assigned(node: Node) -> tuple[tuple[str, Node], ...] | None:
    """A list of values with a name of its own each, as pairs; None when it is something else."""
    if node.op != "list" or node.args[0] == "or":
        return None
    pairs = [_assignment(item) for item in node.args[1:]]
    found = tuple(pair for pair in pairs if pair is not None)
    if len(found) != len(pairs) or len({name for name, _ in found}) != len(found):
        return None
    return found


def _solutions(node: Node) -> tuple[str, tuple[Node, ...]] | None:
    """The values of one unknown that a list gives, with its name ("" without one)."""
    name = ""
    values: list[Node] = []
    for item in items(node):
        pair = _assignment(item)
        if pair is None:
            if item.op == "rel":
                return None
            values.append(item)
            continue
        if name and pair[0] != name:
            return None
        name = pair[0]
        values.extend(items(settled(pair[1])) if settled(pair[1]).op == "list" else (pair[1],))
    return name, tuple(values)


def _unknown(node: Node) -> str:
    """The unknown that a condition is about."""
    if node.op == "rel" or (node.op == "list" and any(item.op == "rel" for item in node.args[1:])):
        found = names(node)
        return next(iter(found)) if len(found) == 1 else ""
    return ""


def _member(node: Node) -> Node:
    if node.op == "rel" and node.args[0] in (("in",), ("=",)) and node.args[1][0].op in ("sym", "apply"):
        return settled(node.args[1][1])
    return node


def _flat(node: Node, op: str) -> list[Node]:
    return [*_flat(node.args[0], op), *_flat(node.args[1], op)] if node.op == op else [node]


def _single_kind(gold: Node, answer: Node) -> bool:
    """Whether both are made of real numbers alone."""
    return not names(gold) and not names(answer)


def _directed(node: Node) -> list[tuple[Node, str, Node]]:
    """The inequalities of a chain, all of them with the smaller side first."""
    found = []
    for left, sign, right in zip(node.args[1], node.args[0], node.args[1][1:], strict=False):
        found.append((right, _INEQUALITIES[sign], left) if sign[0] == ">" else (left, sign, right))
    return found


def _piece(row: tuple[Node, ...]) -> Node:
    condition = row[-1]
    if (
        condition.op == "mixed"
        and condition.args[0].op == "text"
        and str(condition.args[0].args[0]).lower() in _CONDITIONAL
    ):
        condition = condition.args[1] if len(condition.args) == 2 else Node("mixed", condition.args[1:])
    if condition.op == "text" and str(condition.args[0]).lower() in ("otherwise", "else", "其他"):
        condition = Node("text", ("otherwise",))
    return Node("bracket", ("(", ")", *row[:-1], condition))


def _letters(node: Node) -> str:
    """The letters of a name or a product of plain letters, as written."""
    if node.op == "sym":
        name = str(node.args[0])
        return name.partition(":")[2] if name.startswith("segment:") else name
    if node.op == "const":
        return str(node.args[0]) if len(node.args[0]) == 1 else ""
    if node.op == "mul" and all(part.op in ("sym", "const") for part in node.args):
        return "".join(_letters(part) for part in node.args)
    return ""


def _without_unit(node: Node, unit: str) -> Node:
    """A product without the letters at its end that are the unit: ``5m`` beside ``5\\text{ m}``."""
    measured = node.op == "mul" and node.args[-1].op == "sym" and len(node.args) > 1
    if measured and not names(Node("mul", node.args[:-1])) and unit_of(str(node.args[-1].args[0])) == unit:
        return node.args[0] if len(node.args) == 2 else Node("mul", node.args[:-1])
    return node


def _on_the_clock(node: Node) -> Node:
    """A time of day without a.m. or p.m., as a clock of 24 hours shows it; anything else as it is."""
    if node.op != "unit" or node.args[1] not in ("a.m.", "p.m.") or node.args[0].op != "ratio":
        return node
    hours, *rest = node.args[0].args
    if hours.op != "num" or not 1 <= hours.args[0] <= 12:
        return node
    hour = hours.args[0] % 12 + (12 if node.args[1] == "p.m." else 0)
    return Node("ratio", (num(hour), *rest))


def _decimal(node: Node) -> bool:
    return any(part.op == "num" and part.args[1] == "decimal" for part in (node, *node.args) if isinstance(part, Node))


def _near(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= TOLERANCE * min(Fraction(1), max(abs(left), abs(right)))


def _bare_log(node: Node) -> bool:
    return node.op == "call" and node.args[0] == "log" and len(node.args) == 2


def _to_base_ten(node: Node) -> Node:
    if _bare_log(node):
        return Node("call", ("log10", _to_base_ten(node.args[1])))
    return Node(node.op, tuple(_to_base_ten(arg) if isinstance(arg, Node) else arg for arg in node.args))


def _multiplied_out(node: Node) -> Node | None:
    """A number times a matrix, as a matrix."""
    if node.op == "matrix":
        return node
    if node.op == "neg":
        inner = _multiplied_out(node.args[0])
        return None if inner is None else _scaled(num(-1), inner)
    if node.op == "mul" and node.args[-1].op == "matrix" and not any(holds(arg, "matrix") for arg in node.args[:-1]):
        scale = node.args[0] if len(node.args) == 2 else Node("mul", node.args[:-1])
        return _scaled(scale, node.args[-1])
    if node.op == "div" and not holds(node.args[1], "matrix"):
        inner = _multiplied_out(node.args[0])
        return None if inner is None else _scaled(Node("div", (num(1), node.args[1])), inner)
    return None


def _scaled(scale: Node, matrix: Node) -> Node:
    def times(cell: Node) -> Node:
        product = Node("mul", (scale, cell))
        value = rational(product)
        return product if value is None else num(value)

    return Node("matrix", tuple(tuple(times(cell) for cell in row) for row in matrix.args))


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
