r"""Atoms of an answer: numbers, names, brackets, sets, matrices, and what follows a command."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from table_rewards.rewards.mathematics.commands import CommandReader
from table_rewards.rewards.mathematics.tokens import Token
from table_rewards.rewards.mathematics.tree import Node, Unreadable, num
from table_rewards.rewards.mathematics.units import MULTIPLIERS, unit_of

_OPENERS: Final = {"(": ")", "[": "]"}
_CURRENCIES: Final = frozenset({"€", "£", "¥", "₹", "¢", "rs", "usd", "us$"})
_ALIGNED: Final = frozenset({"aligned", "align", "gathered", "split"})
_AMPERSAND: Final = Token("ch", "&")
_RELATING: Final = frozenset({"=", "<", ">", "le", "ge", "ne", "in", "approx"})
_MATRICES: Final = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "psmallmatrix"})


class AtomReader(CommandReader):
    """Reads what no sign splits."""

    def atom(self) -> Node:
        token = self.peek()
        kind, value = token
        if kind == "num":
            self.at += 1
            return num(Fraction(value), "decimal" if "." in value or "e" in value.lower() else "")
        if kind == "repeat":
            self.at += 1
            return num(_repeating(value), "repeating")
        if kind == "based":
            self.at += 1
            digits, _, base = value.partition("_")
            return Node("based", (digits.lstrip("0") or "0", int(base)))
        if kind == "letter":
            self.at += 1
            return self.named(value)
        if kind == "text":
            self.at += 1
            if len(value) == 1 and value.isalpha() and value.isascii():
                alone = self.at == 1 + self.starts_item() and self.peek().kind in ("sep", "eof")
                return self.named(value, constant=not alone)
            if value.rstrip(" .").lower() in _CURRENCIES and self.peek().kind == "num":
                return self.money(unit_of(value) or value)
            letter = _choice(value)
            if letter:
                return Node("sym", (letter,))
            if self.peek() == Token("ch", ":") and self.words and not self.colons and len(value) > 3:
                self.tokens[self.at] = Token("ch", "=")  # radius: 5
            if self.peek().value == "=" and self.peek().kind == "ch":
                return Node("sym", (value.lower(),))
            if self.peek().kind in ("sep", "eof") and self.at == 1 + self.starts_item():
                return Node("text", (value,))
            raise Unreadable(f"{value!r} at {self.at - 1}")
        if kind == "begin":
            return self.environment()
        if kind == "ch":
            return self.sign(value)
        if kind == "cmd":
            return self.command(value)
        raise self.stopped()

    def starts_item(self) -> int:
        """Where the item that the last token belongs to begins."""
        at = self.at - 1
        while (
            at > 0
            and self.tokens[at - 1].kind != "sep"
            and self.tokens[at - 1].value not in ("(", "[", "{", "\\{", "=")
        ):
            at -= 1
        return at

    def sign(self, value: str) -> Node:
        if value in _OPENERS:
            return self.bracket(value)
        if value == "{":
            return self.indexed(self.braced())
        if value == "]":  # the French open interval
            return self.bracket("]")
        if value == "\\{":
            return self.set()
        if value == "\\$":
            self.at += 1
            return self.money("$")
        if value in ("|", "\\|"):
            self.at += 1
            self.bars += 1
            self.deeper()
            inner = self.sum()
            self.bars -= 1
            self.depth -= 1
            self.expect(value)
            return Node("call", ("abs", inner))
        raise self.stopped()

    def money(self, unit: str) -> Node:
        """The amount behind the sign or the name of a currency."""
        negative = self.accept("-")
        amount = self.power()
        if self.peek().kind == "text" and self.peek().value.lower().split()[0] in MULTIPLIERS:
            amount = self.text_behind(amount) or amount
        return Node("unit", (Node("neg", (amount,)) if negative else amount, unit))

    def bracket(self, opener: str) -> Node:
        self.at += 1
        self.deeper()
        bars, self.bars = self.bars, 0
        colons, self.colons = self.colons, 0
        node = self.listing()
        self.bars, self.colons = bars, colons
        self.depth -= 1
        closer = self.peek().value
        if self.peek().kind != "ch" or closer not in (")", "]", "["):
            raise self.stopped()
        self.at += 1
        if node.op == "list" and node.args[0] == ",":
            left = "(" if opener in ("(", "]") else "["
            right = ")" if closer in (")", "[") else "]"
            return Node("bracket", (left, right, *node.args[1:]))
        if (opener, closer) not in (("(", ")"), ("[", "]")):
            raise Unreadable("brackets that do not match")
        if node.op == "list":
            return node
        return self.indexed(node) if opener == "(" else node

    def indexed(self, node: Node) -> Node:
        """A bracket with an index: ``(1011)_2``."""
        if self.peek().value == "_" and self.peek().kind == "ch" and node.op == "num" and node.args[1] == "":
            self.at += 1
            base = self.argument(whole=True)
            if base.op != "num" or base.args[0].denominator != 1:
                raise self.stopped()
            return Node("based", (str(node.args[0]), int(base.args[0])))
        return node

    def set(self) -> Node:
        self.at += 1
        if self.accept("\\}"):
            return Node("set", ())
        self.deeper()
        self.colons += 1
        self.bars += 1
        node = self.listing()
        self.colons -= 1
        self.bars -= 1
        if self.accept(":", "|", "mid"):
            condition = self.listing()
            self.expect("\\}")
            self.depth -= 1
            return Node("such", (node, condition))
        self.expect("\\}")
        self.depth -= 1
        return Node("set", node.args[1:] if node.op == "list" else (node,))

    def environment(self) -> Node:
        name = self.take().value
        if name not in _MATRICES and name not in _ALIGNED and name not in ("cases", "vmatrix", "Vmatrix"):
            raise Unreadable(f"the environment {name}")
        self.deeper()
        if name in _ALIGNED:
            self.without_alignment(name)
        rows: list[tuple[Node, ...]] = []
        cells: list[Node] = []
        while True:
            if self.peek().kind == "end":
                break
            cells.append(self.cell())
            if self.accept("&"):
                continue
            rows.append(tuple(cells))
            cells = []
            if self.peek().kind == "sep" and self.peek().value == "\\\\":
                self.at += 1
                while self.peek().value in ("hline",):
                    self.at += 1
                continue
            break
        if self.take() != Token("end", name) or cells:
            raise self.stopped()
        self.depth -= 1
        if not rows or len(rows) * len(rows[0]) > 200:
            raise Unreadable("an empty matrix")
        if name == "array" and len(rows) == len(rows[0]) == 1:
            return rows[0][0]
        if name == "cases" or name in _ALIGNED:
            if all(len(row) == 1 for row in rows):
                return Node("list", ("and", *(row[0] for row in rows))) if len(rows) > 1 else rows[0][0]
            return Node("pieces", tuple(rows))
        if len({len(row) for row in rows}) != 1:
            raise Unreadable("a matrix with rows of different lengths")
        return Node("call", ("det", Node("matrix", tuple(rows)))) if name == "vmatrix" else Node("matrix", tuple(rows))

    def without_alignment(self, name: str) -> None:
        """Take out the marks that only say where lines are aligned: those beside a sign of a relation."""
        end = (
            self.tokens.index(Token("end", name), self.at) if Token("end", name) in self.tokens[self.at :] else self.at
        )
        kept = [
            token
            for at, token in enumerate(self.tokens[self.at : end], self.at)
            if token != _AMPERSAND or not {self.tokens[at - 1].value, self.tokens[at + 1].value} & _RELATING
        ]
        self.tokens[self.at : end] = kept

    def cell(self) -> Node:
        start = self.at
        try:
            node = self.relation()
            if self.peek().kind == "sep" and self.peek().value == ",":
                self.at += 1
            if self.peek().value == "&" or self.peek().kind in ("sep", "end"):
                return node
            raise self.stopped()
        except Unreadable:
            self.at = start
            end = start
            while end < len(self.tokens) and not (
                self.tokens[end].value in ("&", "\\\\") or self.tokens[end].kind == "end"
            ):
                end += 1
            part = [token for token in self.tokens[start:end] if token != Token("sep", ",")]
            if not any(token.kind == "text" for token in part):
                raise
            self.at = end
            return type(self)(part).with_words(0)


def _repeating(text: str) -> Fraction:
    whole, _, rest = text.partition(".")
    fixed, _, block = rest.rstrip(")").partition("(")
    tens = 10 ** len(fixed)
    tail = Fraction(int(block), 10 ** len(block) - 1)
    value: Fraction = int(whole) + (int(fixed or 0) + tail) / tens
    return value


def _choice(text: str) -> str:
    """The letter that a text like ``Option B``, ``A) Paris`` or ``Choice (C)`` picks."""
    words = text.split()
    if len(words) == 2 and words[0].lower() in ("option", "choice", "answer", "选项", "statement"):
        letter = words[1].strip("().")
        return letter if len(letter) == 1 and letter.isupper() else ""
    return ""
