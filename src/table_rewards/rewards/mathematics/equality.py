r"""Whether two answers say the same, structure by structure; ``None`` where only algebra could tell."""

from __future__ import annotations

from table_rewards.rewards.mathematics.forms import finished, form, same_form
from table_rewards.rewards.mathematics.lists import ListComparison
from table_rewards.rewards.mathematics.naming import EXPRESSIONS, claim, is_name, letters
from table_rewards.rewards.mathematics.rule import NoValue, Undecided
from table_rewards.rewards.mathematics.shapes import (
    has_decimal,
    is_bare_log,
    is_empty,
    near,
    on_the_clock,
    piece,
    replaced,
    settled,
    to_base_ten,
    with_constants_of,
    without_unit,
)
from table_rewards.rewards.mathematics.tree import Node, names, num, rational, walk
from table_rewards.rewards.mathematics.wording import TRUTH, same_words


class Comparison(ListComparison):
    """One rule of comparison: ``form`` says which values count; ``solver`` is the algebra.

    Lists and sets are compared without order, tuples with it; intervals, unions and inequalities as sets of real
    numbers; equations up to a factor; names, units and words as what they are. An answer counts as a whole.
    """

    def same(self, gold: Node, answer: Node) -> bool | None:
        """Whether the answer says what the gold answer says."""
        try:
            return self._same(settled(gold), settled(with_constants_of(gold, answer)))
        except (Undecided, RecursionError):
            return None

    def _same(self, gold: Node, answer: Node) -> bool | None:
        if form(gold) == form(answer):
            return True
        kinds = {gold.op, answer.op}
        if "choice" in kinds:
            return self._choices(gold, answer)
        if "family" in kinds:
            return self._families(gold, answer)
        if "residue" in kinds:
            return self._residues(gold, answer)
        if kinds == {"space", "sym"} and letters(gold if gold.op == "sym" else answer) in set("RZNQC"):
            return gold.args == answer.args  # R as it is typed
        if kinds == {"rel"} and (gold.args[0] == ("equiv",)) != (answer.args[0] == ("equiv",)):
            runs = tuple(_progression(node) or _run(node) for node in (gold, answer))
            return self._families(*(Node("family", run) for run in runs if run)) if all(runs) else False
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
        letter = letters(other)
        if len(letter) == 1 and letter.isupper():
            return bool(letter == choice.args[0])
        return self._same(choice.args[1], other) if choice is gold else self._same(other, choice.args[1])

    def _residues(self, gold: Node, answer: Node) -> bool | None:
        r"""``3 \pmod 7`` beside another, a congruence of an unknown, or the number alone."""
        sides = []
        for node in (gold, answer):
            if node.op == "rel" and node.args[0] == ("equiv",) and len(node.args) == 3 and is_name(node.args[1][0]):
                sides.append((node.args[1][1], node.args[2]))
            else:
                sides.append(node.args if node.op == "residue" else (node, None))
        (one, modulus), (other, further) = sides
        if modulus is None or further is None:
            return self._same(one, other) if modulus is not None else False
        return self._each((_least(one, modulus), modulus), (_least(other, further), further))

    def _families(self, gold: Node, answer: Node) -> bool | None:
        """Values for all whole numbers: in the same words, or as the same progression from another start."""
        one, other = (node.args if node.op == "family" else _progression(node) or ("", node) for node in (gold, answer))
        left, right = one[1], other[1]
        if one[0] and other[0] and one[0] not in names(right):
            right = replaced(right, other[0], Node("sym", (one[0],)))
        same = self._same(settled(left), settled(right))
        if same or not (one[0] and other[0]):
            return same
        return self._any((same, self._progressions(left, right, one[0])))

    def _progressions(self, gold: Node, answer: Node, index: str) -> bool | None:
        if self.solver is None:
            return None
        starts, steps = [], []
        for node in (gold, answer):
            claimed = claim(node)
            if claimed is not None and claimed[0] is not None:
                node = claimed[1][-1]
            try:
                values = [self.solver.number(replaced(node, index, num(at))) for at in range(3)]
            except NoValue:
                return False
            starts.append(values[0])
            steps.append(values[1] - values[0])
            if abs(values[2] - 2 * values[1] + values[0]) > abs(steps[-1]) * 1e-12 or not steps[-1]:
                return False
        if abs(abs(steps[0]) - abs(steps[1])) > abs(steps[0]) * 1e-12:
            return False
        shift = (starts[0] - starts[1]) / steps[0]
        return bool(abs(shift - round(shift)) < 1e-12)

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
        bare = tuple(node.args[0] if node.op == "unit" else node for node in (gold, answer))
        times = [node for node in bare if node.op == "ratio"]
        if len(times) == 1 and times[0].args[-1] != num(0):
            return False  # half past ten is no third
        if "ratio" in (gold.op, answer.op):  # 20:34 and 8:34 p.m.
            clock = (on_the_clock(gold), on_the_clock(answer))
            return self._any(self._same(*pair) for pair in {clock, bare} if "unit" not in (pair[0].op, pair[1].op))
        if gold.op == "unit":
            bare = without_unit(answer, str(gold.args[1]))
            return self._same(gold.args[0], bare)
        return self._same(without_unit(gold, str(answer.args[1])), answer.args[0])

    def _based(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op:
            return False  # the same digits and base have the same form
        based, other = (gold, answer) if gold.op == "based" else (answer, gold)
        value = rational(other)
        return other.op == "num" and value is not None and str(value) == based.args[0] and gold.op == "based"

    def _ratios(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op:
            longer, shorter = sorted((gold.args, answer.args), key=len, reverse=True)
            if (len(longer), len(shorter)) == (3, 2) and longer[2] == num(0):  # 20:34:00
                return self._each(longer[:2], shorter) if longer is gold.args else self._each(shorter, longer[:2])
            return self._each(gold.args, answer.args)
        ratio, other = (gold, answer) if gold.op == "ratio" else (answer, gold)
        if ratio.args[-1] == num(0):  # 9:00
            return self._same(ratio.args[0], other) if ratio is gold else self._same(other, ratio.args[0])
        if len(ratio.args) != 2 or other.op not in ("div", "num"):
            return False
        return self._value(Node("div", ratio.args), other)

    def _value(self, gold: Node, answer: Node) -> bool | None:
        """Two expressions."""
        if not self.anything and not finished(gold, answer):
            return False
        if self.form == "same" and not same_form(gold, answer):
            return False
        left, right = rational(gold), rational(answer)
        if left is not None and right is not None:
            return left == right or (any(has_decimal(node) for node in (gold, answer)) and near(left, right))
        return self._ask(gold, answer)

    def _ask(self, gold: Node, answer: Node) -> bool | None:
        if not all(
            part.op in EXPRESSIONS or part.op in ("unit", "pct", "matrix", "rel", "text") for part in walk(gold)
        ):
            return False
        if not all(
            part.op in EXPRESSIONS or part.op in ("unit", "pct", "matrix", "rel", "text") for part in walk(answer)
        ):
            return False
        if "segment:" in repr((gold, answer)) and letters(gold) == letters(answer) != "":
            return True
        if self.solver is None:
            return None
        same = self.solver.equal(gold, answer)
        if not same and any(is_bare_log(part) for node in (gold, answer) for part in walk(node)):
            tens = self.solver.equal(to_base_ten(gold), to_base_ten(answer))
            return tens if tens else same
        return same

    # -- words --------------------------------------------------------------------------------------------------------

    def _worded(self, gold: Node, answer: Node) -> bool | None:
        if gold.op == answer.op == "text":
            return same_words(gold.args[0], answer.args[0]) or (is_empty(gold) and is_empty(answer))
        if "text" in (gold.op, answer.op):
            text, other = (gold, answer) if gold.op == "text" else (answer, gold)
            said = str(text.args[0])
            if is_empty(other) or other.op in ("space", "bracket"):
                return self._real_sets(gold, answer)
            spelled = letters(other)
            if spelled:
                return (
                    spelled == said.strip("()").replace(" ", "")
                    or (spelled == "DNE" and same_words(said, spelled))
                    or (said.lower() in TRUTH and TRUTH.get(spelled.lower()) == TRUTH[said.lower()])
                )
            return False
        if gold.op == answer.op == "mixed":
            return self._mixtures(gold, answer)
        if gold.op == answer.op == "pieces":
            return self._unordered([piece(row) for row in gold.args], [piece(row) for row in answer.args])
        return False

    def _mixtures(self, gold: Node, answer: Node) -> bool | None:
        return self._each(gold.args, answer.args)


def _least(value: Node, modulus: Node) -> Node:
    """A negative residue as the positive one that it stands for."""
    left, whole = rational(value), rational(modulus)
    return num(left + whole) if left is not None and whole is not None and -whole < left < 0 else value


def _progression(node: Node) -> tuple[str, Node] | None:
    """A congruence of an unknown as the values that it allows; None for anything else."""
    if node.op != "rel" or node.args[0] != ("equiv",) or len(node.args) != 3 or node.args[1][0].op != "sym":
        return None
    unknown, residue = node.args[1]
    value = Node("add", (Node("mul", (node.args[2], Node("sym", ("whole",)))), residue))
    return "whole", Node("rel", (("=",), (unknown, value)))


def _run(node: Node) -> tuple[str, Node] | None:
    """``n=4k+3`` as the values for all whole k; None for anything else."""
    if node.op != "rel" or node.args[0] != ("=",) or node.args[1][0].op != "sym" or node.args[1][1].op != "add":
        return None
    index = names(node.args[1][1])
    return (next(iter(index)), node) if len(index) == 1 and index <= set("jklmnqrst") else None
