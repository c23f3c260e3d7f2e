"""Expressions: sums, products, powers, and the units and multipliers behind them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from table_rewards.rewards.mathematics.atoms import AtomReader
from table_rewards.rewards.mathematics.commands import STARTING, product_of
from table_rewards.rewards.mathematics.tokens import Token
from table_rewards.rewards.mathematics.tree import Node, Unreadable, num, rational
from table_rewards.rewards.mathematics.units import MULTIPLIERS, PERCENT, unit_of

_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})


class ExpressionReader(AtomReader):
    """Reads by precedence, each method one level."""

    def sum(self) -> Node:
        terms = [self.term(first=True)]
        while True:
            token = self.peek()
            if token.kind not in ("ch", "cmd") or token.value not in ("+", "-", "pm", "mp"):
                break
            following = self.peek(1).value
            if token.value == "-" and terms[-1].op == "space" and following == "\\{":
                self.at += 1
                return Node("setminus", (terms[-1], self.product()))
            if token.value in ("+", "-") and following in ("", ")", "}") and self.peek(1).kind in ("ch", "eof"):
                break
            terms.append(self.term(first=False))
        if len(terms) == 1:
            return terms[0]
        units = {term.args[1] for term in terms if term.op == "unit"}
        if terms[-1].op == "unit" and len(units) == 1:  # the unit behind a sum is the sum's
            bare = [term.args[0] if term.op == "unit" else term for term in terms]
            return Node("unit", (Node("add", tuple(bare)), units.pop()))
        return Node("add", tuple(terms))

    def term(self, *, first: bool) -> Node:
        negative = False
        shift = ""
        while self.peek().kind in ("ch", "cmd") and self.peek().value in ("+", "-", "pm", "mp"):
            sign = self.take().value
            if sign in ("pm", "mp"):
                if shift:
                    raise self.stopped()
                shift = sign
            elif sign == "-":
                negative = not negative
        node = self.product()
        if node.op == "unit" and (negative or shift):
            inner = Node("neg", (node.args[0],)) if negative else node.args[0]
            return Node("unit", (Node(shift, (inner,)) if shift else inner, node.args[1]))
        if negative:
            node = Node("pct", (Node("neg", node.args),)) if node.op == "pct" else Node("neg", (node,))
        return Node(shift, (node,)) if shift else node

    def product(self) -> Node:
        node = self.power()
        while True:
            token = self.peek()
            if token.kind == "text" and token.value in ("i", "e"):
                node = product_of(node, self.power())
                continue
            if token.kind == "text":
                behind = self.text_behind(node)
                if behind is None:
                    return node
                node = behind
                if node.op == "unit" and self.peek().value not in ("/", "cdot", "times") and self.peek().kind != "text":
                    return node
                continue
            if token.kind in ("ch", "cmd") and token.value in ("*", "cdot", "times", "/", "div"):
                node = self.operated(node)
                continue
            if token.value == "\\$" and node.op != "unit" and self.peek(1).kind in ("eof", "sep"):
                self.at += 1
                return Node("unit", (node, "$"))
            if token.kind in ("ch", "cmd") and token.value == "bmod":
                self.at += 1
                node = Node("call", ("mod", node, self.power()))
                continue
            if node.op == "unit" or not self.starts(token):
                return node
            bracketed = self.tokens[self.at - 1].value == ")"
            right = self.power()
            node = product_of(node, right) if bracketed else self.beside(node, right)

    def operated(self, node: Node) -> Node:
        sign = self.take().value
        if node.op == "unit" and sign == "/" and self.peek() == Token("ch", "("):
            return Node("unit", (node.args[0], self.divided_unit(str(node.args[1]))))
        if node.op == "unit" and self.peek().kind == "text":  # m/s in two texts
            word = self.take().value
            unit = unit_of(f"{node.args[1]} {'per' if sign in ('/', 'div') else ''} {self.exponent_of_unit(word)}")
            if unit is None:
                raise self.stopped()
            return Node("unit", (node.args[0], unit))
        negative = False
        while self.peek().kind == "ch" and self.peek().value in ("-", "+"):
            negative ^= self.take().value == "-"
        right = self.power()
        if right == Node("sym", ("d",)) and self.peek().kind == "letter" and right in (node, *node.args):  # dy/dx
            right = Node("mul", (right, self.power()))
        right = Node("neg", (right,)) if negative else right
        if node.op == "unit" and node.args[1] != "°":
            if sign == "times" and right.op == "num" and self.peek().kind == "text":  # 4 cm x 5 cm
                right = self.text_behind(right) or right
                return Node("mixed", (node, Node("text", ("by",)), right))
            raise self.stopped()
        if sign == "div":  # a division to be carried out, no fraction
            return Node("mul", (node, Node("pow", (right, Node("neg", (num(1),))))))
        if sign == "/":
            if right.op == "pct":  # 1/2 %
                return Node("pct", (Node("div", (node, right.args[0])),))
            return Node("div", (node, right))
        return product_of(node, right, explicit=True)

    def beside(self, node: Node, right: Node) -> Node:
        """Two things side by side: a product, or a mixed number."""
        if right.op == "pct" and node.op == "num" and right.args[0].op == "div":
            return Node("pct", (self.beside(node, right.args[0]),))
        if node.op == "num" and node.args[1] == "" and right.op == "div" and self.tokens[self.at - 1].value != ")":
            above, below = right.args
            plain = above.op == "num" == below.op and above.args[1] == "" == below.args[1]
            if plain and node.args[0].denominator == 1 and below.args[0] > 0:
                return _mixed(node.args[0], above.args[0], below.args[0])
        if node.op == "num" and right.op == "num":
            if (
                self.peek().kind == "ch"
                and self.peek().value == "/"
                and self.peek(1).kind == "num"
                and not node.args[1]
            ):
                self.at += 1
                below = Fraction(self.take().value)
                if below and right.args[0].denominator == 1 and node.args[0].denominator == 1:
                    number = _mixed(node.args[0], right.args[0], below)
                    return Node("pct", (number,)) if self.accept("%", "\\%") else number
            if self.tokens[self.at - 1].value == ")":  # 2(3)
                return product_of(node, right)
            raise Unreadable("two numbers side by side")
        return product_of(node, right)

    def starts(self, token: Token) -> bool:
        """Whether a factor can begin here."""
        if token.kind in ("num", "repeat", "based", "begin"):
            return True
        if token.kind == "letter":
            return not (self.differentials and token.value == "d" and self.peek(1).kind in ("letter", "cmd"))
        if token.kind == "ch":
            if self.declares():
                return False
            if token.value == "[" and (
                self.peek(1).kind in ("sep", "eof") or self.peek(1).value in ("cup", "cap", "}")
            ):
                return False  # the French open interval ends here
            return token.value in ("(", "{", "[", "\\$") or (token.value == "|" and not self.bars)
        if token.kind != "cmd":
            return False
        return token.value in STARTING

    def declares(self) -> bool:
        """Whether ``(k \\in ...)`` follows: what runs over the whole numbers."""
        ahead = [self.peek(at) for at in range(3)]
        return ahead[0] == Token("ch", "(") and ahead[1].kind == "letter" and ahead[2] == Token("cmd", "in")

    def text_behind(self, node: Node) -> Node | None:
        """A text behind a value: a multiplier, percent, a unit; None when it is none of them."""
        text = self.peek().value
        words = text.lower().split()
        if words and " ".join(words[:1]) in MULTIPLIERS and node.op != "unit":
            if rational(node) == 0:
                return None  # "0 million" is written by nobody who means 0
            self.at += 1
            rest = text.split(maxsplit=1)[1:]
            if rest:
                self.at -= 1
                self.tokens[self.at] = Token("text", rest[0])
            return Node("mul", (node, num(MULTIPLIERS[words[0]], "word")))
        if text.lower() in PERCENT and node.op != "unit":
            self.at += 1
            return Node("pct", (node,))
        if text in _ORDINALS and node.op == "num":
            self.at += 1
            return Node("unit", (node, "th"))
        before = self.at
        self.at += 1
        unit = unit_of(self.exponent_of_unit(text))
        if node.op == "unit" and unit is not None:
            unit = unit_of(f"{node.args[1]} {unit}") if node.args[1] != "°" else ("°" + unit if unit in "cf" else None)
        if unit is None or node.op in ("text", "rel"):
            self.at = before
            return None
        return Node("unit", (node.args[0] if node.op == "unit" else node, unit))

    def divided_unit(self, unit: str) -> str:
        """The unit behind ``J/(mol K)``, whose bracket comes next."""
        self.at += 1
        parts = []
        while not self.accept(")"):
            if self.accept("cdot", "times", "*"):
                continue
            token = self.take()
            if token.kind not in ("text", "letter"):
                raise self.stopped()
            parts.append(self.exponent_of_unit(token.value))
        found = unit_of(" per ".join([unit, *parts]))
        if found is None or not parts:
            raise self.stopped()
        return found

    def exponent_of_unit(self, text: str) -> str:
        if self.peek().value == "^" and self.peek().kind == "ch":
            start = self.at
            self.at += 1
            power = self.argument()
            value = power.args[0] if power.op == "num" else None
            if power.op == "neg" and power.args[0].op == "num":
                value = -power.args[0].args[0]
            if value is not None and value.denominator == 1 and 0 < abs(value) < 10:
                return f"{text}^{value}"
            self.at = start
        return text

    def power(self) -> Node:
        node = self.atom()
        while True:
            token = self.peek()
            if token.kind == "ch" and token.value == "!":
                self.at += 1
                double = self.accept("!")
                node = Node("call", ("fact2" if double else "fact", node))
            elif token.kind == "ch" and token.value in ("%", "\\%"):
                self.at += 1
                node = Node("pct", (node,))
            elif token.kind == "ch" and token.value == "^":
                node = self.raised(node)
                if node.op == "unit":
                    return node
            else:
                return node

    def raised(self, node: Node) -> Node:
        self.at += 1
        braced = self.peek().value == "{" and self.peek().kind == "ch"
        inside = self.peek(1 if braced else 0)
        if inside.kind == "cmd" and inside.value == "circ":
            self.at += 3 if braced else 1
            if braced and self.tokens[self.at - 1].value != "}":
                raise self.stopped()
            node = self.minutes_of_arc(node)
            scale = self.peek()
            if scale.kind in ("letter", "text") and scale.value in ("C", "F"):
                self.at += 1
                return Node("unit", (node, "°" + scale.value.lower()))
            return Node("unit", (node, "°"))
        if inside.kind == "text" and inside.value in _ORDINALS:
            self.at += 3 if braced else 1
            return Node("unit", (node, "th"))
        power = self.argument(whole=True)
        if node.op == "sym" and "_" not in str(node.args[0]) and self.peek() == Token("ch", "_"):  # v^2_0
            self.at += 1
            node = Node("sym", (f"{node.args[0]}_{self.flat()}",))
        return Node("pow", (node, power))

    def minutes_of_arc(self, node: Node) -> Node:
        """Degrees with the minutes and seconds that follow: ``63^\\circ 45' 30''``."""
        value = rational(node)
        for marks, part in ((1, 60), (2, 3600)):
            digits = self.peek()
            start = self.at
            self.at += 1
            if digits.kind != "num" or value is None or self.marks() != marks or Fraction(digits.value) >= 60:
                self.at = start
                continue
            value += Fraction(digits.value) / part
            node = num(value, "mixed")
        return node

    def marks(self) -> int:
        """How many primes follow; they are read."""
        count = 0
        while True:
            if self.peek().kind == "ch" and self.peek().value in ("'", '"'):
                count += 1 if self.take().value == "'" else 2
            elif self.peek().value == "^" and self.primes_raised():
                count += self.primes_raised()
                self.flat_exponent()
            else:
                return count

    def argument(self, *, whole: bool = False) -> Node:
        """What a command applies to: a group, or the next sign; of a number its first digit unless ``whole``."""
        token = self.peek()
        if token.kind == "ch" and token.value == "{":
            return self.braced()
        if token.kind == "num" and not whole and len(token.value) > 1 and token.value[:1].isdecimal():
            rest = token.value[1:]
            if rest[:1].isdecimal():
                self.tokens[self.at] = Token("num", rest)
                return num(int(token.value[0]))
        if token.kind == "ch" and token.value in ("-", "+"):
            self.at += 1
            inner = self.argument(whole=whole)
            return Node("neg", (inner,)) if token.value == "-" else inner
        return self.atom()

    def braced(self) -> Node:
        self.expect("{")
        self.deeper()
        bars, self.bars = self.bars, 0
        node = self.listing()
        if self.accept("choose"):
            node = Node("call", ("binom", node, self.listing()))
        self.expect("}")
        self.bars = bars
        self.depth -= 1
        return node


def _mixed(whole: Fraction, above: Fraction, below: Fraction) -> Node:
    if above >= below:
        raise Unreadable("a mixed number whose fraction is no proper one")
    return num(whole + above / below, "mixed")
