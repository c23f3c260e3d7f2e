r"""Answers that only repeat what the question says.

``Simplify $\sqrt{180}$`` asks for another form of the number: its own formula has the gold answer's value and is no
answer, unless the gold answer has that form, too. Where the question is not known, the forms that such questions show
are told from the forms that they ask for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isqrt
from typing import Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH, out_of_bounds
from table_rewards.rewards.mathematics.characters import dressed_down
from table_rewards.rewards.mathematics.forms import form, numeral, reducible
from table_rewards.rewards.mathematics.naming import EXPRESSIONS, claim
from table_rewards.rewards.mathematics.reading import read_answer
from table_rewards.rewards.mathematics.tree import Node, Unreadable, names, num, rational, walk

MAX_FORMULAS: Final = 60
_FORMULA = re.compile(
    r"(?<!\\)\$\$(.{1,1000}?)(?<!\\)\$\$|(?<!\\)\$([^$]{1,1000}?)(?<!\\)\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)",
    re.DOTALL,
)
_FIGURES = re.compile(r"[-+$%\d.,\s]*")
_ANGLES: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_LARGEST_SQUARE: Final = 10_000
"""Square factors below a radical sign are looked for up to the square of this number."""
_SQUEEZED = re.compile(r"[\s{}]|\\(?:left|right)(?![a-zA-Z])|\\[!,;: ]")


def repeats_question(gold: str, answer: str, question: str) -> bool:
    r"""Whether an answer is a formula of the question, and not the gold answer's own form.

    >>> repeats_question("6", r"\gcd(84, 126)", r"Find $\gcd(84,126)$."), repeats_question("5", "5", "Is it $5$?")
    (True, False)
    """
    asked = _formulas(question)
    if not asked:
        return False
    said = _form(answer)
    return said in asked and said != _form(gold)


@lru_cache(maxsize=2_048)
def _formulas(question: str) -> frozenset[Node | str]:
    """The forms of the formulas in a question, and of the sides of its equations."""
    found: set[Node | str] = set()
    for match in list(_FORMULA.finditer(question))[:MAX_FORMULAS]:
        text = next(group for group in match.groups() if group is not None)
        text = re.sub(r"\s+", " ", text).strip().rstrip(".,;:?").strip()
        text = re.sub(r"\s*=\s*(?:\?|\\(?:boxed|square|underline|text)\{[^}]*\}|\\square|_+)?\s*$", "", text)
        found.add(_form(text))
    return frozenset(found)


@lru_cache(maxsize=16_384)
def _form(text: str) -> Node | str:
    """The form of a formula; of one that cannot be read, its spelling without spaces."""
    if len(text) > MAX_LENGTH:
        return text
    if not out_of_bounds(text):
        try:
            return _unnamed(form(read_answer(text)))
        except Unreadable:
            pass
    return _SQUEEZED.sub("", dressed_down(text))


def _unnamed(node: Node) -> Node:
    if node.op == "rel" and node.args[0] == ("=",) and node.args[1][0].op in ("sym", "apply"):
        right = node.args[1][1]
        return right if right.op in ("num", "neg") else node
    return node


def may_repeat_a_question(gold: str, answer: str) -> bool:
    r"""Whether an answer of the gold answer's value has the form of questions that ask to rewrite it.

    For rows that do not hold their question. Such forms are a fraction that is not in lowest terms or a repeating
    decimal for one that is (``Simplify``, ``Express as a fraction``), a root of a number with a square in it or of a
    sum (``Simplify``), a product of sums for their sum (``Expand``) and a sum for its factors (``Factor``), more
    trigonometric functions than the gold answer has (``Simplify``). A number before a sum may stand in it or before it.

    >>> [may_repeat_a_question("9/10", "27/30"), may_repeat_a_question("9/10", "0.9")]
    [True, False]
    >>> [may_repeat_a_question("x^2-1", "(x-1)(x+1)"), may_repeat_a_question("6+9c", "3(2+3c)")]
    [True, False]
    """
    return not _FIGURES.fullmatch(answer) and _rewritten(gold, answer)


@lru_cache(maxsize=16_384)
def _rewritten(gold: str, answer: str) -> bool:
    if out_of_bounds(gold) or out_of_bounds(answer):
        return False
    try:
        wanted, given = _expression(read_answer(gold)), _expression(read_answer(answer))
    except Unreadable:
        return False
    if wanted is None or given is None:
        return False
    ours, theirs = list(walk(wanted)), list(walk(given))
    if numeral(wanted):
        if any(_repeats(part) for part in theirs):
            return not any(_repeats(part) for part in ours)
        fractions = [part for part in ours if part.op == "div"]
        return bool(fractions) and not any(reducible(*f.args) for f in fractions) and _unreduced(theirs)
    if any(_holds_a_square(part) for part in theirs) and not any(_holds_a_square(part) for part in ours):
        return True
    angles, gold_angles = (
        sum(part.op == "call" and part.args[0] in _ANGLES for part in parts) for parts in (theirs, ours)
    )
    if angles > gold_angles > 0:
        return True
    wanted, given = form(wanted), form(given)
    factored, gold_factored = (any(_multiplies_a_sum(part) for part in walk(node)) for node in (given, wanted))
    if factored and not gold_factored:
        return "div" not in (_unsigned(given).op, _unsigned(wanted).op)
    return gold_factored and not factored and _unsigned(given).op == "add"


def _expression(node: Node) -> Node | None:
    """The expression that an answer is, or that it ends a chain of equations with; None of anything else."""
    claimed = claim(node)
    node = claimed[1][-1] if claimed else node
    return node if node.op in EXPRESSIONS else None


def _repeats(node: Node) -> bool:
    return node.op == "num" and node.args[1] == "repeating"


def _unreduced(parts: list[Node]) -> bool:
    return any(part.op == "div" and reducible(*part.args) for part in parts)


def _unsigned(node: Node) -> Node:
    return _unsigned(node.args[0]) if node.op == "neg" else node


def _multiplies_a_sum(node: Node) -> bool:
    """Whether a node is a sum times something with letters in it, or a whole power of a sum."""
    if node.op == "pow":
        exponent = rational(node.args[1])
        whole = exponent is not None and exponent.denominator == 1 and exponent > 1
        return whole and bool(node.args[0].op == "add")
    if node.op != "mul":
        return False
    factors = [arg for arg in node.args if names(arg)]
    return len(factors) > 1 and any(arg.op == "add" or _multiplies_a_sum(arg) for arg in factors)


def _holds_a_square(node: Node) -> bool:
    """Whether a node is the square root of a number that a square divides, or of a sum of numbers."""
    if node.op != "root" or node.args[1] != num(2) or names(node):
        return False
    under: Node = node.args[0]
    value = rational(under)
    if value is None:
        return under.op == "add"
    return any(
        number % (factor * factor) == 0
        for number in (abs(value.numerator), value.denominator)
        for factor in range(2, min(isqrt(number), _LARGEST_SQUARE) + 1)
    )
