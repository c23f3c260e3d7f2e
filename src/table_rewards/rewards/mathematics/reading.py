r"""Reading an answer as a whole: what is not understood is refused, and nothing is left out.

``read_answer`` returns a tree: a value, a list, tuple, set, interval, union, matrix, relation, words, or several of
them with words between. The grammar goes by precedence, each method reads one level.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH, MAX_NESTING
from table_rewards.rewards.mathematics.characters import dressed_down
from table_rewards.rewards.mathematics.chinese import chinese_number
from table_rewards.rewards.mathematics.tokens import FUNCTIONS, Token, tokens_of
from table_rewards.rewards.mathematics.tree import Node, Unreadable, num, vocabulary
from table_rewards.rewards.mathematics.units import MULTIPLIERS, PERCENT, unit_of

RELATIONS: Final = {
    "=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "in": "in", "notin": "notin", "equiv": "equiv",
    "approx": "~", "sim": "sim", "cong": "sim", "parallel": "parallel", "perp": "perp", "subset": "subset",
    "subseteq": "subset", "mid": "divides",
}  # fmt: skip
_STYLES: Final = {
    "mathbf": "vec", "vec": "vec", "overrightarrow": "vec", "hat": "hat", "widehat": "hat", "bar": "bar",
    "overline": "bar", "tilde": "tilde", "widetilde": "tilde", "dot": "dot", "ddot": "ddot", "mathcal": "cal",
    "mathscr": "cal", "mathfrak": "frak", "angle": "angle", "triangle": "triangle", "measuredangle": "angle",
    "overset": "over", "odot": "odot", "Box": "box",
}  # fmt: skip
GREEK: Final = vocabulary(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar partial nabla vartheta varrho"
)
_SPACES: Final = {"R": "R", "Z": "Z", "N": "N", "Q": "Q", "C": "C"}
_CALLED: Final = frozenset("fgFG")
_OPENERS: Final = {"(": ")", "[": "]"}
_MATRICES: Final = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "psmallmatrix"})
_LABELLED = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mbox|mathbf)\s*\{\s*)?\(?([A-J])(?:\)\s*[.:]?|[.:](?=\s))(?:[\s}]+|(?=[A-Za-z]{3}))(?=[^\s(){}^_=+*/,;!'-])(.+?)\}?"
)
_LABEL = re.compile(r"(?<![\w\\])\(?[A-J](?:[).:]|$)|^[A-J](?![a-z])|(?<!\w)(?:or|and)(?!\w)|,")
_TRIGONOMETRIC: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})


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
    plain = dressed_down(text)
    number = chinese_number(plain)
    if number is not None:
        return num(number, "word")
    try:
        choice = _LABELLED.fullmatch(plain)
        if choice and not _LABEL.search(choice[2]):
            return Node("choice", (choice[1], _labelled(choice[2])))
        return _Reader(tokens_of(plain)).whole()
    except RecursionError:
        raise Unreadable("nested too deep") from None


def _labelled(text: str) -> Node:
    """What stands behind the letter of a choice."""
    try:
        return _Reader(tokens_of(text)).whole()
    except Unreadable:
        return Node("text", (text,))


class _Reader:
    def __init__(self, tokens: list[Token], *, words: bool = True) -> None:
        self.tokens, self.at, self.depth, self.words = tokens, 0, 0, words
        self.bars = self.colons = self.differentials = 0

    # -- tokens -------------------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else Token("eof", "")

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *values: str) -> bool:
        token = self.peek()
        if token.value in values and token.kind in ("ch", "cmd"):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.accept(value):
            raise self.stopped()

    def stopped(self) -> Unreadable:
        token = self.peek()
        return Unreadable(f"{token.value!r} at {self.at}" if token.kind != "eof" else "it ends too early")

    # -- structures ---------------------------------------------------------------------------------------------------

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
            if self.peek().kind != "sep":
                break
            said = {self.take().value}
            while self.peek().kind == "sep":
                said.add(self.take().value)
            joined = next(iter(said & {"and", "or"}), joined)
            if self.peek().kind == "eof" and top:
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
            if self.peek().kind in ("sep", "eof"):
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
                parts.append(_Reader(self.tokens[at:stop], words=False).whole())
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
        parts, signs = [self.ratio()], []
        while (sign := RELATIONS.get(self.peek().value)) and self.peek().kind in ("ch", "cmd"):
            if sign == "divides" and self.bars:
                break
            self.at += 1
            signs.append(sign)
            parts.append(self.ratio())
        if not signs:
            return parts[0]
        if self.accept("pmod", "bmod", "mod"):
            return Node("rel", (tuple(signs), tuple(parts), self.argument()))
        if self.peek().value == "(" and self.peek(1).value == "mod":
            self.at += 2
            modulus = self.sum()
            self.expect(")")
            return Node("rel", (tuple(signs), tuple(parts), modulus))
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
        while self.peek().kind == "cmd" and self.peek().value in ("cup", "cap", "setminus"):
            sign = self.take().value
            node = Node(sign, (node, self.sum()))
        return node

    # -- expressions --------------------------------------------------------------------------------------------------

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
            if token.kind == "text":
                behind = self.text_behind(node)
                if behind is None:
                    return node
                node = behind
                if node.op == "unit" and self.peek().value not in ("/", "cdot", "times"):
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
            right = self.power()
            node = self.beside(node, right)

    def operated(self, node: Node) -> Node:
        sign = self.take().value
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
            raise self.stopped()
        if sign in ("/", "div"):
            if right.op == "pct":  # 1/2 %
                return Node("pct", (Node("div", (node, right.args[0])),))
            return Node("div", (node, right))
        return _product(node, right, explicit=True)

    def beside(self, node: Node, right: Node) -> Node:
        """Two things side by side: a product, or a mixed number."""
        if node.op == "num" and node.args[1] == "" and right.op == "div" and self.tokens[self.at - 1].value != ")":
            above, below = right.args
            plain = above.op == "num" == below.op and above.args[1] == "" == below.args[1]
            if plain and node.args[0].denominator == 1 and below.args[0] > 0:
                return num(node.args[0] + above.args[0] / below.args[0], "mixed")
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
                    return num(node.args[0] + right.args[0] / below, "mixed")
            raise Unreadable("two numbers side by side")
        return _product(node, right)

    def starts(self, token: Token) -> bool:
        """Whether a factor can begin here."""
        if token.kind in ("num", "repeat", "based", "begin"):
            return True
        if token.kind == "letter":
            return not (self.differentials and token.value == "d" and self.peek(1).kind in ("letter", "cmd"))
        if token.kind == "ch":
            if token.value == "[" and (
                self.peek(1).kind in ("sep", "eof") or self.peek(1).value in ("cup", "cap", "}")
            ):
                return False  # the French open interval ends here
            return token.value in ("(", "{", "[", "\\$") or (token.value == "|" and not self.bars)
        if token.kind != "cmd":
            return False
        return token.value in _STARTING

    def text_behind(self, node: Node) -> Node | None:
        """A text behind a value: a multiplier, percent, a unit; None when it is none of them."""
        text = self.peek().value
        words = text.lower().split()
        if words and " ".join(words[:1]) in MULTIPLIERS and node.op != "unit":
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

    def exponent_of_unit(self, text: str) -> str:
        if self.peek().value == "^" and self.peek().kind == "ch":
            start = self.at
            self.at += 1
            power = self.argument()
            value = power.args[0] if power.op == "num" else None
            if power.op == "neg" and power.args[0].op == "num":
                value = -power.args[0].args[0]
            if value is not None and abs(value) in (1, 2, 3):
                return f"{text}^{value}"
            self.at = start
        return text

    def power(self) -> Node:
        node = self.atom()
        while True:
            token = self.peek()
            if token.kind == "ch" and token.value == "!":
                self.at += 1
                node = Node("call", ("fact", node))
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
            scale = self.peek()
            if scale.kind in ("letter", "text") and scale.value in ("C", "F"):
                self.at += 1
                return Node("unit", (node, "°" + scale.value.lower()))
            return Node("unit", (node, "°"))
        if inside.kind == "text" and inside.value in _ORDINALS:
            self.at += 3 if braced else 1
            return Node("unit", (node, "th"))
        return Node("pow", (node, self.argument(whole=True)))

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

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Unreadable(f"nested {self.depth} deep")

    # -- atoms --------------------------------------------------------------------------------------------------------

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
                return self.named(value, constant=False)
            if value in ("€", "£", "¥", "₹", "¢"):
                return Node("unit", (self.power(), unit_of(value)))
            letter = _choice(value)
            if letter:
                return Node("sym", (letter,))
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
            negative = self.accept("-")
            amount = self.power()
            if self.peek().kind == "text" and self.peek().value.lower().split()[0] in MULTIPLIERS:
                amount = self.text_behind(amount) or amount
            return Node("unit", (Node("neg", (amount,)) if negative else amount, "$"))
        if value == "|":
            self.at += 1
            self.bars += 1
            self.deeper()
            inner = self.sum()
            self.bars -= 1
            self.depth -= 1
            self.expect("|")
            return Node("call", ("abs", inner))
        raise self.stopped()

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

    def named(self, letter: str, *, constant: bool = True) -> Node:
        name = letter
        if self.peek().value == "_" and self.peek().kind == "ch":
            self.at += 1
            name += "_" + self.flat()
        primes = 0
        while True:
            token = self.peek()
            if token.kind == "ch" and token.value in ("'", "`", '"'):
                primes += 2 if token.value == '"' else 1
                self.at += 1
            elif token.value == "^" and self.primes_raised():
                primes += self.primes_raised()
                self.flat_exponent()
            else:
                break
        name += "'" * primes
        if name in ("e", "i") and constant:
            return Node("const", (name,))
        if self.peek().value == "(" and self.peek().kind == "ch" and (letter in _CALLED or primes):
            inner = self.bracket("(")
            inside = inner.args[2:] if inner.op == "bracket" else (inner,)
            return Node("apply", (name, tuple(inside)))
        return Node("sym", (name,))

    def primes_raised(self) -> int:
        at = 1
        if self.peek(at).value == "{":
            at += 1
        count = 0
        while self.peek(at).value in ("prime", "'"):
            count, at = count + 1, at + 1
        return count

    def flat_exponent(self) -> None:
        self.at += 1
        braced = self.accept("{")
        while self.accept("prime", "'"):
            pass
        if braced:
            self.expect("}")

    def flat(self) -> str:
        """An index as text."""
        if not self.accept("{"):
            token = self.take()
            if token.kind == "eof":
                raise self.stopped()
            return token.value
        depth, found = 1, []
        while depth:
            token = self.take()
            if token.kind == "eof":
                raise self.stopped()
            depth += (token.value == "{") - (token.value == "}")
            found.append(token.value)
        return "".join(found[:-1])

    def environment(self) -> Node:
        name = self.take().value
        if name not in _MATRICES and name not in ("cases", "vmatrix", "aligned", "align", "gathered", "Vmatrix"):
            raise Unreadable(f"the environment {name}")
        self.deeper()
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
        if name in ("cases", "aligned", "align", "gathered"):
            if all(len(row) == 1 for row in rows):
                return Node("list", ("and", *(row[0] for row in rows))) if len(rows) > 1 else rows[0][0]
            return Node("pieces", tuple(rows))
        if len({len(row) for row in rows}) != 1:
            raise Unreadable("a matrix with rows of different lengths")
        return Node("call", ("det", Node("matrix", tuple(rows)))) if name == "vmatrix" else Node("matrix", tuple(rows))

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
            return _Reader(part).with_words(0)

    # -- commands -----------------------------------------------------------------------------------------------------

    def command(self, name: str) -> Node:
        self.at += 1
        reader = _COMMANDS.get(name)
        if reader is not None:
            return reader(self)
        if name in GREEK:
            return self.named(name)
        if name in _STYLES:
            return self.styled(_STYLES[name])
        if name in FUNCTIONS:
            return self.function(name)
        self.at -= 1
        raise self.stopped()

    def styled(self, style: str) -> Node:
        start = self.at
        if style == "vec" and self.peek().value == "{" and self.peek(1).kind in ("num", "text", "repeat", "based"):
            return self.braced()
        if self.peek().kind == "num" and style == "vec":
            return self.atom()
        if style in ("angle", "triangle", "odot"):
            if self.peek().value == "{":
                content = self.flat()
            else:
                content = ""
                while self.peek().kind == "letter" or (self.peek().kind == "num" and not content):
                    content += self.take().value
        else:
            content = self.flat()
        for other in ("mathbf", "vec", "hat"):
            content = content.replace(other, "")
        content = content.replace("{", "").replace("}", "")
        if not content:
            self.at = start
            raise self.stopped()
        if style == "hat" and content in ("i", "j", "k"):
            style = "vec"
        if style == "bar" and len(content) == 2 and content.isupper():
            style, content = "segment", "".join(sorted(content))
        return self.named(f"{style}:{content}")

    def function(self, name: str) -> Node:
        base: Node | None = None
        power: Node | None = None
        while self.peek().kind == "ch" and self.peek().value in ("_", "^"):
            if self.take().value == "_":
                ten = self.peek() == Token("num", "10")
                base = self.argument(whole=ten)
            else:
                power = self.argument(whole=True)
        if name in ("gcd", "lcm", "min", "max"):
            inner = self.atom()
            inside = inner.args[2:] if inner.op == "bracket" else inner.args if inner.op == "set" else (inner,)
            return Node("call", (name, *inside))
        argument = self.applied()
        if (
            name in _TRIGONOMETRIC
            and argument.op == "num"
            and self.peek(1).kind == "letter"
            and self.accept("cdot", "*")
        ):
            argument = _product(argument, self.applied())  # sin 3 \\cdot x is written for sin 3x
        name = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log", "sign": "sgn"}.get(name, name)
        inverse = power is not None and power == Node("neg", (num(1),))
        if inverse and name in ("sin", "cos", "tan"):
            return Node("call", ("arc" + name, argument))
        node = Node("call", (name, argument) if base is None else (name, argument, base))
        return node if power is None else Node("pow", (node, power))

    def applied(self) -> Node:
        """What a function applies to: a bracket, or the factors up to the next sign or function."""
        token = self.peek()
        if token.kind == "ch" and token.value in ("(", "{", "|", "["):
            node = self.atom()
            if node.op == "bracket":
                raise Unreadable("a function of several values")
            degrees = "circ" in (self.peek(1).value, self.peek(2).value)
            if self.peek().value == "^" and (degrees or token.value != "("):
                node = self.raised(node)
            return node
        if token.kind == "cmd" and token.value in FUNCTIONS:
            self.at += 1
            return self.function(token.value)
        if token.kind == "ch" and token.value == "-":
            self.at += 1
            return Node("neg", (self.applied(),))
        node = self.power()
        while node.op != "unit" and self.starts(self.peek()) and not self.ends_argument(self.peek()):
            node = _product(node, self.power())
        while self.accept("/"):
            node = Node("div", (node, self.power()))
        return node

    def ends_argument(self, token: Token) -> bool:
        return token.value in ("(", "[", "|", "int", "sum") or (token.kind == "cmd" and token.value in FUNCTIONS)

    def fraction(self) -> Node:
        above = self.argument()
        return Node("div", (above, self.argument()))

    def root(self) -> Node:
        index: Node = num(2)
        if self.accept("["):
            index = self.sum()
            self.expect("]")
        return Node("root", (self.argument(whole=True), index))

    def binomial(self) -> Node:
        above = self.argument()
        return Node("call", ("binom", above, self.argument()))

    def big(self, kind: str) -> Node:
        lower: Node | None = None
        upper: Node | None = None
        if self.peek().value == "limits":
            self.at += 1
        while self.peek().kind == "ch" and self.peek().value in ("_", "^"):
            if self.take().value == "_":
                lower = self.argument(whole=True)
            else:
                upper = self.argument(whole=True)
        if kind == "int":
            self.differentials += 1
            body = self.sum()
            self.differentials -= 1
            if self.peek() != Token("letter", "d"):
                raise self.stopped()
            self.at += 1
            variable = self.atom()
            return Node("big", ("int", *(part for part in (variable, body, lower, upper) if part is not None)))
        body = self.product()
        return Node("big", (kind, *(part for part in (body, lower, upper) if part is not None)))

    def limit(self) -> Node:
        self.expect("_")
        self.expect("{")
        variable = self.atom()
        if not self.accept("to", "rightarrow"):
            raise self.stopped()
        target = self.sum()
        side = ""
        if self.accept("^"):
            side = self.flat()
        elif self.peek().value in ("+", "-"):
            side = self.take().value
        self.expect("}")
        return Node("big", ("lim", self.product(), variable, target, Node("text", (side,))))

    def space(self) -> Node:
        letter = self.flat()
        if letter not in _SPACES:
            raise self.stopped()
        node = Node("space", (letter,))
        if self.peek().value in ("^", "_") and self.peek().kind == "ch":
            self.at += 1
            sign = self.flat() if self.peek().value == "{" else self.take().value
            return Node("space", (letter + sign,))
        return node

    def between(self, name: str, closer: str) -> Node:
        self.deeper()
        node = self.sum()
        self.depth -= 1
        self.expect(closer)
        return Node("call", (name, node))

    def pointed(self) -> Node:
        self.deeper()
        node = self.listing()
        self.depth -= 1
        self.expect("rangle")
        return Node("bracket", ("(", ")", *node.args[1:])) if node.op == "list" else Node("bracket", ("(", ")", node))


def _listed(items: list[Node], joined: str) -> Node:
    return items[0] if len(items) == 1 else Node("list", (joined, *items))


def _product(left: Node, right: Node, *, explicit: bool = False) -> Node:
    if left.op == "mul" and not explicit:
        return Node("mul", (*left.args, right))
    if right.op == "unit" and left.op != "unit":
        return Node("unit", (Node("mul", (left, right.args[0])), right.args[1]))
    return Node("mul", (left, right) if left.op != "mul" else (*left.args, right))


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


def _dots(reader: _Reader) -> Node:
    return Node("dots", ())


_COMMANDS: Final[dict[str, Callable[[_Reader], Node]]] = {
    "frac": _Reader.fraction,
    "sqrt": _Reader.root,
    "ROOT": _Reader.root,
    "CUBEROOT": lambda reader: Node("root", (reader.argument(whole=True), num(3))),
    "binom": _Reader.binomial,
    "pi": lambda reader: Node("const", ("pi",)),
    "infty": lambda reader: Node("const", ("inf",)),
    "emptyset": lambda reader: Node("set", ()),
    "sum": lambda reader: reader.big("sum"),
    "prod": lambda reader: reader.big("prod"),
    "int": lambda reader: reader.big("int"),
    "lim": _Reader.limit,
    "mathbb": _Reader.space,
    "lfloor": lambda reader: reader.between("floor", "rfloor"),
    "lceil": lambda reader: reader.between("ceil", "rceil"),
    "langle": _Reader.pointed,
    "ldots": _dots,
}
_STARTING: Final = frozenset(_COMMANDS) | GREEK | frozenset(_STYLES) | FUNCTIONS
