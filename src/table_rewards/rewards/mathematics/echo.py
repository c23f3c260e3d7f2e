r"""Answers that only repeat what the question says.

``Simplify $\sqrt{180}$`` asks for another form of the number: its own formula has the gold answer's value and is no
answer, unless the gold answer has that form, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH, out_of_bounds
from table_rewards.rewards.mathematics.characters import dressed_down
from table_rewards.rewards.mathematics.forms import form
from table_rewards.rewards.mathematics.reading import read_answer
from table_rewards.rewards.mathematics.tree import Node, Unreadable

MAX_FORMULAS: Final = 60
_FORMULA = re.compile(
    r"(?<!\\)\$\$(.{1,1000}?)(?<!\\)\$\$|(?<!\\)\$([^$]{1,1000}?)(?<!\\)\$|\\\[(.{1,1000}?)\\\]|\\\((.{1,1000}?)\\\)",
    re.DOTALL,
)
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
