r"""Reading an answer as a whole: what is not understood is refused, and nothing is left out.

``read_answer`` returns a tree: a value, a list, tuple, set, interval, union, matrix, relation, words, or several of
them with words between. The grammar goes by precedence, each method reads one level.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH
from table_rewards.rewards.mathematics.characters import LONGEST, dressed_down
from table_rewards.rewards.mathematics.expressions import ExpressionReader
from table_rewards.rewards.mathematics.phrases import in_symbols
from table_rewards.rewards.mathematics.tokens import Token, tokens_of
from table_rewards.rewards.mathematics.tree import Node, Unreadable, num
from table_rewards.rewards.mathematics.units import unit_of
from table_rewards.text.chinese_numerals import chinese_number, counted
from table_rewards.text.english_numerals import english_number

RELATIONS: Final = {
    "=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "in": "in", "notin": "notin", "equiv": "equiv",
    "approx": "~", "sim": "sim", "cong": "sim", "parallel": "parallel", "perp": "perp", "subset": "subset",
    "subseteq": "subset", "mid": "divides",
}  # fmt: skip
_LABELLED = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mbox|mathbf)\s*\{\s*)?\(?([A-J])(?:\)\s*[.:]?|[.:](?=\s))(?:[\s}]+|(?=[A-Za-z]{3}))(?=[^\s(){}^_=+*/,;!'-])(.+?)\}?"
)
_WORD_ALONE = re.compile(r"\\(?:text|textbf|mathrm|mbox)\s*\{\s*([^{}\\]+?)\s*\}|([^{}\\]+)")
_PICKED = re.compile(r"(?:故|应|因此|所以)?(?:选择?|选项|答案)(?:是|为|选)?\s*[:]?\s*\(?([A-J](?:[,\s]*[A-J])*)\)?")
_LABEL = re.compile(r"(?<![\w\\])\(?[A-J](?:[).:]|$)|^[A-J](?![a-z])|(?<!\w)(?:or|and)(?!\w)|,")


@lru_cache(maxsize=16_384)
def read_answer(text: str) -> Node:
    r"""Return what ``text`` says, all of it.

    Raises:
        Unreadable: it is not understood as a whole.

    >>> read_answer("(1,2)").op, read_answer(r"x=1\text{ or }x=2").op, read_answer(r"5\text{ million}").args[0].op
    ('bracket', 'list', 'num')
    >>> read_answer("8 # 7")
    Traceback (most recent call last):
    table_rewards.rewards.mathematics.tree.Unreadable: '#' at 1
    """
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"{len(text):,} characters")
    plain = in_symbols(dressed_down(text))
    if len(plain) > LONGEST:
        raise Unreadable(f"more than {LONGEST:,} characters once its signs are commands")
    number = _in_words(plain)
    if number is not None:
        return number
    picked = None if plain.isascii() else _PICKED.fullmatch(plain)
    if picked:
        plain = picked[1]
    try:
        choice = _LABELLED.fullmatch(plain)
        if choice and not _LABEL.search(choice[2]):
            return Node("choice", (choice[1], _labelled(choice[2])))
        return _Reader(tokens_of(plain)).whole()
    except RecursionError:
        raise Unreadable("nested too deep") from None


def _in_words(text: str) -> Node | None:
    """A number in words of one language: ``twelve``, ``十二``, ``十二个``."""
    bare = _WORD_ALONE.fullmatch(text)
    text = bare[1] or bare[2] if bare else text
    number = english_number(text) if text.isascii() else chinese_number(text)
    if number is not None:
        return num(number, "word")
    if text.isascii():
        return None
    number, thing = counted(text)
    unit = unit_of(thing) if thing else None
    return None if number is None or unit is None else Node("unit", (num(number, "word"), unit))


def _labelled(text: str) -> Node:
    """What stands behind the letter of a choice."""
    try:
        return _Reader(tokens_of(text)).whole()
    except Unreadable:
        return Node("text", (text,))


class _Reader(ExpressionReader):
    """Reads structures: lists, relations, ratios, unions, and words between formulas."""

    def whole(self) -> Node:
        if not self.tokens:
            raise Unreadable("nothing but dress")
        node = self.listing(top=True)
        if self.peek().kind != "eof":
            raise self.stopped()
        return node

    def listing(self, *, top: bool = False) -> Node:
        groups: list[Node] = []
        items: list[Node] = []
        joined = ","
        while True:
            items.append(self.item() if top else self.relation())
            if self.declares():  # 2k\\pi (k \\in Z)
                self.at += 1
                items.append(self.relation())
                self.expect(")")
            if self.peek().kind != "sep":
                break
            said = {self.take().value}
            while self.peek().kind == "sep":
                said.add(self.take().value)
            joined = next(iter(said & {"and", "or"}), joined)
            if self.peek().kind == "eof" and top and not said & {"and", "or"}:
                break
            if ";" in said:
                groups.append(_listed(items, joined))
                items, joined = [], ","
        last = _listed(items, joined)
        if not groups:
            return last
        if all(group.op != "list" for group in (*groups, last)):
            return Node("list", (",", *groups, last))
        return Node("list", (";", *groups, last))

    def item(self) -> Node:
        start = self.at
        try:
            node = self.relation()
            if self.peek().kind in ("sep", "eof") or self.declares():
                return node
            raise self.stopped()
        except Unreadable:
            if not self.words:
                raise
            self.at = start
            self.bars = self.colons = self.differentials = self.depth = 0
            return self.with_words(start)

    def with_words(self, start: int) -> Node:
        """Words and formulas in turn, up to the next separator outside brackets."""
        depth = 0
        end = start
        while end < len(self.tokens):
            kind, value = self.tokens[end]
            if kind == "sep" and depth <= 0:
                break
            depth += value in ("(", "[", "{", "\\{") or kind == "begin"
            depth -= value in (")", "]", "}", "\\}") or kind == "end"
            end += 1
        parts: list[Node] = []
        at = start
        while at < end:
            stop = at
            while stop < end and self.tokens[stop].kind != "text":
                stop += 1
            if stop > at:
                parts.append(type(self)(self.tokens[at:stop], words=False).whole())
            if stop < end:
                parts.append(Node("text", (self.tokens[stop].value,)))
            at = stop + 1
        if not any(part.op == "text" for part in parts):
            self.at = start
            self.relation()
            raise self.stopped()
        self.at = end
        units = [unit_of(str(part.args[0])) if part.op == "text" else None for part in parts[1::2]]
        if len(parts) > 3 and len(parts) % 2 == 0 and all(units) and "text" not in {part.op for part in parts[::2]}:
            return Node("list", ("and", *(Node("unit", pair) for pair in zip(parts[::2], units, strict=True))))
        return parts[0] if len(parts) == 1 else Node("mixed", tuple(parts))

    def relation(self) -> Node:
        if self.peek() == Token("cmd", "approx"):  # a value that is said to be rounded
            self.at += 1
        parts, signs = [self.ratio()], []
        while (sign := RELATIONS.get(self.peek().value)) and self.peek().kind in ("ch", "cmd"):
            if sign == "divides" and self.bars:
                break
            self.at += 1
            signs.append(sign)
            parts.append(self.ratio())
        if not signs:
            if self.peek() == Token("cmd", "pmod"):
                self.at += 1
                return Node("residue", (parts[0], self.argument()))
            return parts[0]
        if self.accept("pmod", "bmod", "mod"):
            return Node("rel", (tuple(signs), tuple(parts), self.argument()))
        if self.peek().value == "(" and self.peek(1).value == "mod":
            self.at += 2
            modulus = self.sum()
            self.expect(")")
            return Node("rel", (tuple(signs), tuple(parts), modulus))
        if signs == ["equiv"] and parts[0].op == "apply":  # f(x) is zero everywhere
            signs = ["="]
        return Node("rel", (tuple(signs), tuple(parts)))

    def ratio(self) -> Node:
        parts = [self.sets()]
        while not self.colons and self.accept(":"):
            parts.append(self.sets())
        if len(parts) == 1:
            return parts[0]
        if parts[-1].op == "unit":  # 8:30 a.m.
            return Node("unit", (Node("ratio", (*parts[:-1], parts[-1].args[0])), parts[-1].args[1]))
        return Node("ratio", tuple(parts))

    def sets(self) -> Node:
        node = self.sum()
        if self.accept("over"):
            node = Node("div", (node, self.sum()))
        elif self.accept("choose"):
            node = Node("call", ("binom", node, self.sum()))
        while self.peek().kind == "cmd" and self.peek().value in ("cup", "cap", "setminus"):
            sign = self.take().value
            node = Node(sign, (node, self.sum()))
        return node


def _listed(items: list[Node], joined: str) -> Node:
    return items[0] if len(items) == 1 else Node("list", (joined, *items))
