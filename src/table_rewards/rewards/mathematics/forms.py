r"""The form of an answer: how it is written, apart from order and spelling, and whether it is finished.

``2+1`` and ``1+2`` have one form, ``3`` has another. A form is what "the question's own formula" and "the gold answer's
own form" are compared by; an answer is finished when nothing is left to be computed.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Final

from table_rewards.rewards.mathematics.tree import LEAVES, Node, names, num, rational, walk
from table_rewards.rewards.mathematics.unworked import left_to_do

_ORDERLESS: Final = frozenset({"add", "mul", "set", "cup", "cap"})
_TO_COMPUTE: Final = frozenset(
    {
        "fact",
        "fact2",
        "binom",
        "gcd",
        "lcm",
        "min",
        "max",
        "det",
        "floor",
        "ceil",
        "mod",
        "tr",
        "rank",
        "dim",
        "deg",
        "perm",
        "abs",
        "gamma",
        "zeta",
    }
)
_OF_UNKNOWNS: Final = frozenset({"abs", "floor", "ceil", "min", "max", "fact", "fact2", "binom", "gamma", "zeta"})
"""Of these, functions that remain in a finished formula, where they are of an unknown."""
_OF_CONSTANTS: Final = {
    **dict.fromkeys(("sin", "cos", "tan", "cot", "sec", "csc"), "trigonometry"),
    **dict.fromkeys(("arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc"), "an angle"),
    **dict.fromkeys(("ln", "log"), "a logarithm"),
}
"""Functions whose value at a constant remains to be computed, unless the gold answer leaves one, too."""


@lru_cache(maxsize=16_384)
def form(node: Node) -> Node:
    """The tree without what spelling leaves open: the order of terms, factors and elements, signs of zero cost."""
    op, args = node
    if op == "num":
        return Node("num", (args[0],))
    if op in LEAVES:
        return Node("text", (str(args[0]).lower(),)) if op == "text" else node
    if op == "neg":
        inner = form(args[0])
        if inner.op == "num":
            return Node("num", (-inner.args[0],))
        if inner.op == "neg":
            return inner.args[0]  # type: ignore[no-any-return]
        return Node("neg", (inner,))
    if op == "list":
        return Node("list", (args[0] if args[0] == "or" else ",", *sorted((form(arg) for arg in args[1:]), key=repr)))
    made = tuple(_formed(arg) for arg in args)
    if op == "call" and args[0] in ("gcd", "lcm", "min", "max"):
        return Node(op, (args[0], *sorted(made[1:], key=repr)))
    if op == "div" and isinstance(made[0], Node) and made[0].op == "neg":
        return Node("neg", (form(Node("div", (made[0].args[0], made[1]))),))
    if op == "div" and isinstance(made[0], Node) and made[0].op == "num" and made[0].args[0] < 0:
        return Node("neg", (Node("div", (Node("num", (-made[0].args[0],)), made[1])),))
    if op in _ORDERLESS:
        flat: list[object] = []
        for arg in made:
            flat.extend(arg.args if isinstance(arg, Node) and arg.op == op and op != "set" else (arg,))
        return Node(op, tuple(sorted(flat, key=repr)))
    return Node(op, made)


def _formed(arg: object) -> object:
    if isinstance(arg, Node):
        return form(arg)
    return tuple(_formed(item) for item in arg) if isinstance(arg, tuple) else arg


def numeral(node: Node) -> bool:
    r"""Whether the node is a number that is written out: a numeral, a fraction, a percentage, scientific notation.

    >>> from table_rewards.rewards.mathematics.reading import read_answer
    >>> [numeral(read_answer(text)) for text in (r"-\frac{3}{4}", r"2\times 10^{5}", "1+2", "2^3", r"3\text{ million}")]
    [True, True, False, False, True]
    """
    op, args = node
    if op in ("num", "based"):
        return True
    if op in ("neg", "pct", "unit"):
        return numeral(args[0])
    if op == "div":
        return all(_literal(arg) for arg in args)
    if op == "mul":
        if args[-1].op == "num" and args[-1].args[1] == "word":
            return all(_literal(arg) for arg in args[:-1])
        return len(args) == 2 and _literal(args[0]) and _ten(args[1])
    if op == "ratio":
        return all(numeral(arg) for arg in args)
    return _ten(node)


def _literal(node: Node) -> bool:
    return node.op == "num" or (node.op == "neg" and _literal(node.args[0]))


def _ten(node: Node) -> bool:
    return node.op == "pow" and node.args[0] == num(10) and _literal(node.args[1])


def finished(gold: Node, answer: Node) -> bool:
    r"""Whether nothing is left to compute in an answer that has the gold answer's value.

    Where the gold answer is a numeral, the answer must be one. Where it is another constant, sums and products of
    numbers must have been carried out. Everywhere an integral, sum, limit, determinant, factorial and the like is
    finished only if the gold answer holds one too.

    >>> from table_rewards.rewards.mathematics.reading import read_answer as read
    >>> finished(read("6"), read("3!")), finished(read("3!"), read("6")), finished(read("6"), read(r"\frac{12}{2}"))
    (False, True, True)
    """
    if numeral(gold):
        return numeral(answer) or form(answer) == form(gold)
    open_in_gold = {_process(part) for part in walk(gold)}
    if any(_process(part) not in open_in_gold for part in walk(answer)):
        return False
    if rational(gold) is not None or form(answer) == form(gold):
        return True
    if left_to_do(answer) - left_to_do(gold):
        return False
    if names(gold):
        return all(_added_up(part) for part in walk(form(answer))) or not all(_added_up(p) for p in walk(form(gold)))
    return all(_carried_out(part) for part in walk(form(answer))) or not all(_carried_out(p) for p in walk(form(gold)))


def same_form(gold: Node, answer: Node) -> bool:
    r"""Whether an answer that has the gold answer's value is written as it is, apart from order and spelling.

    Numbers may be fractions in lowest terms or decimals that end; in formulas a number may stand before, under or
    beside what it multiplies.

    >>> from table_rewards.rewards.mathematics.reading import read_answer as read
    >>> same_form(read("9/10"), read(r"\frac{27}{30}")), same_form(read("9/10"), read("0.9"))
    (False, True)
    >>> same_form(read("x^2-1"), read("(x-1)(x+1)")), same_form(read(r"\frac{1}{2}bh"), read(r"\frac{hb}{2}"))
    (False, True)
    """
    if numeral(gold):
        parts = list(walk(answer))
        if any(part.op == "num" and part.args[1] == "repeating" for part in parts):
            return any(part.op == "num" and part.args[1] == "repeating" for part in walk(gold))
        return form(answer) == form(gold) or not any(part.op == "div" and reducible(*part.args) for part in parts)
    return _gathered(answer) == _gathered(gold)


def reducible(above: Node, below: Node) -> bool:
    """Whether a fraction of whole numbers is not in lowest terms."""
    one, other = rational(above), rational(below)
    if one is None or other is None or one.denominator != 1 or other.denominator != 1:
        return False
    return other == 1 or gcd(one.numerator, other.numerator) > 1


def _gathered(node: Node) -> Node:
    """The form with the numbers of each product gathered in front of it."""
    if rational(node) is not None:
        return num(rational(node) or 0)
    op, args = node
    factor, rest = Fraction(1), []
    waiting = [node] if op in ("neg", "mul", "div") else []
    if not waiting:
        made = tuple(_gathered_within(arg) for arg in args)
        return form(Node(op, tuple(sorted(made, key=repr)) if op in _ORDERLESS else made))
    while waiting:
        part = waiting.pop()
        value = rational(part)
        if value is not None:
            factor *= value
        elif part.op == "neg":
            factor = -factor
            waiting.append(part.args[0])
        elif part.op == "mul":
            waiting.extend(part.args)
        elif part.op == "div":
            below = rational(part.args[1])
            waiting.append(part.args[0])
            if below:
                factor /= below
            else:
                rest.append(Node("under", (_gathered(part.args[1]),)))
        else:
            rest.append(_gathered(part))
    return Node("mul", (num(factor), *sorted(rest, key=repr)))


def _gathered_within(arg: object) -> object:
    if isinstance(arg, Node):
        return _gathered(arg)
    return tuple(_gathered_within(item) for item in arg) if isinstance(arg, tuple) else arg


def _process(node: Node) -> str:
    """What remains to be computed in a node, or nothing."""
    if node.op == "big":
        return str(node.args[0])
    if node.op == "call" and node.args[0] in _TO_COMPUTE:
        if node.args[0] in _OF_UNKNOWNS and names(node):
            return ""
        return str(node.args[0])
    if node.op == "call" and node.args[0] in _OF_CONSTANTS and not names(node):
        return _OF_CONSTANTS[node.args[0]]
    return "dots" if node.op == "dots" else ""


def _carried_out(node: Node) -> bool:
    """Whether the numbers in a sum or product have been put together."""
    if not _added_up(node):
        return False
    if node.op == "pow":
        return node.args[0].op != "add" or not _whole(node.args[1])
    if node.op == "mul":
        if sum(arg.op == "add" for arg in node.args) > 1:
            return False
        roots = [arg.args[1] for arg in node.args if arg.op == "root" and rational(arg.args[0]) is not None]
        if len(set(roots)) < len(roots):
            return False
        values = [value for arg in node.args if (value := rational(arg)) is not None]
        whole = [value for value in values if abs(value) != 1 and value.denominator == 1]
        return len(whole) < 2 or any(_ten(arg) for arg in node.args) or any(arg.op == "pow" for arg in node.args)
    return True


def _added_up(node: Node) -> bool:
    """Whether a sum holds no two numbers."""
    return node.op != "add" or sum(rational(arg) is not None for arg in node.args) < 2


def _whole(node: Node) -> bool:
    value = rational(node)
    return value is not None and value.denominator == 1 and value > 1


def holds(node: Node, *ops: str) -> bool:
    """Whether any of the operations occurs in the node."""
    return any(part.op in ops for part in walk(node))
