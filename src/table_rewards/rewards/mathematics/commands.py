r"""What follows a command: fractions, roots, functions, names in a style, sums, integrals, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from table_rewards.rewards.mathematics.cursor import Cursor
from table_rewards.rewards.mathematics.tokens import FUNCTIONS, Token
from table_rewards.rewards.mathematics.tree import Node, Unreadable, names, num, vocabulary

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

_SPACES: Final = frozenset("RZNQC")
_SAME_SPACES: Final = {
    **dict.fromkeys(("Z>0", "Zge1"), "Z+"),
    **dict.fromkeys(("N+", "N>0", "Nge1"), "N*"),
    **dict.fromkeys(("N0", "Nge0", "Z*ge0"), "Zge0"),
    **dict.fromkeys(("R>0",), "R+"),
}

_CALLED: Final = frozenset({"f", "g", "F", "G", "Phi"})
_FORMULA_BEGINS: Final = frozenset({Token("cmd", "frac"), Token("cmd", "sqrt"), Token("ch", "-"), Token("ch", "(")})
"""What a bold formula begins with, and no name of a vector."""
_SPECIAL: Final = frozenset({"Gamma", "zeta"})
"""Letters that are functions of their own before a bracket: Gamma(1/8) is not a half of Gamma(1/4)."""

_TRIGONOMETRIC: Final = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_INVERTED: Final = _TRIGONOMETRIC | {"sinh", "cosh", "tanh", "coth", "sech", "csch"}


class CommandReader(Cursor):
    """Reads what a command applies to."""

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
        inverse = letter in _CALLED and self.inverse()
        name += "'" * primes + ("^-1" if inverse else "")
        if name in ("e", "i") and constant:
            return Node("const", (name,))
        if self.peek().value == "(" and self.peek().kind == "ch" and (letter in _CALLED or primes or self.calls()):
            inner = self.bracket("(")
            inside = inner.args[2:] if inner.op == "bracket" else (inner,)
            return Node("apply", (name, tuple(inside)))
        return Node("sym", (name,))

    def calls(self) -> bool:
        """Whether ``(t) =`` or ``(0)`` follows: the letter before it is a function, no factor."""
        if self.peek(1) == Token("num", "0") and self.peek(2).value == ")":
            return True
        at = 1
        while self.peek(at).kind in ("letter", "num") and self.peek(at + 1) == Token("sep", ","):
            at += 2
        return (
            self.peek(at).kind in ("letter", "num")
            and self.peek(at + 1) == Token("ch", ")")
            and self.peek(at + 2) in (Token("ch", "="), Token("cmd", "equiv"))
        )

    def inverse(self) -> bool:
        """Whether the ``^{-1}(`` of an inverse function follows; reads it but for the bracket."""
        if [self.peek(ahead).value for ahead in range(6)] != ["^", "{", "-", "1", "}", "("]:
            return False
        self.at += 5
        return True

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

    def command(self, name: str) -> Node:
        self.at += 1
        reader = _COMMANDS.get(name)
        if reader is not None:
            return reader(self)
        if name in GREEK:
            return self.function(name.lower()) if name in _SPECIAL and self.is_called(name) else self.named(name)
        if name in _STYLES:
            return self.styled(_STYLES[name], arrow=name in ("vec", "overrightarrow"))
        if name in FUNCTIONS:
            return self.function(name)
        self.at -= 1
        raise self.stopped()

    def is_called(self, letter: str) -> bool:
        """Whether one number or formula stands in brackets behind a letter, perhaps behind its power."""
        at = 0
        if self.peek().value == "^":
            at = 4 if self.peek(1).value == "{" and self.peek(3).value == "}" else 2
        if self.peek(at) != Token("ch", "("):
            return False
        depth = 0
        while True:
            kind, value = self.peek(at)
            depth += (value == "(") - (value == ")")
            if kind == "eof" or (kind == "sep" and depth == 1) or value == letter:
                return False
            at += 1
            if not depth:
                return True

    def styled(self, style: str, *, arrow: bool = False) -> Node:
        start = self.at
        if arrow and self.peek().value == "{" and self.peek(1).kind == "text" and self.peek(1).value.isupper():
            arrow = len(self.peek(1).value) <= 3  # from A to B, where \mathrm{AB} is no word
        else:
            arrow = False
        if (
            not arrow
            and style == "vec"
            and self.peek().value == "{"
            and (self.peek(1).kind in ("num", "text", "repeat", "based") or self.peek(1) in _FORMULA_BEGINS)
        ):
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
        if style == "angle" and len(content) == 3 and content.isupper() and self.peek().value != "_":
            content = min(content, content[::-1])  # the angle ABC is CBA
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
            argument = product_of(argument, self.applied())  # sin 3 \\cdot x is written for sin 3x
        if name == "cis" and base is None and power is None:
            return Node("pow", (Node("const", ("e",)), Node("mul", (Node("const", ("i",)), argument))))
        name = {"lg": "log", "sign": "sgn"}.get(name, name)
        inverse = power is not None and power == Node("neg", (num(1),))
        if inverse and name in _INVERTED:
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
        if token.kind == "cmd" and token.value in FUNCTIONS and token.value != "sqrt":
            self.at += 1
            return self.function(token.value)
        if token.kind == "ch" and token.value == "-":
            self.at += 1
            return Node("neg", (self.applied(),))
        node = self.power()
        if node.op == "root" and names(node):
            return node
        while node.op != "unit" and self.starts(self.peek()) and not self.ends_argument(self.peek()):
            if self.peek().value in ("sqrt", "ROOT", "CUBEROOT") and names(node):
                break  # sin x times a root; but the root in cos 4 sqrt(6) t belongs to the angle
            node = product_of(node, self.power())
        while self.accept("/"):
            node = Node("div", (node, self.power()))
        return node

    def ends_argument(self, token: Token) -> bool:
        if token.value == "sqrt":
            return False
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
            body = num(1) if self.peek() == Token("letter", "d") else self.sum()
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
            return Node("space", (_SAME_SPACES.get(letter + sign, letter + sign),))
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


def product_of(left: Node, right: Node, *, explicit: bool = False) -> Node:
    if left.op == "mul" and not explicit:
        return Node("mul", (*left.args, right))
    if right.op == "unit" and left.op != "unit":
        return Node("unit", (Node("mul", (left, right.args[0])), right.args[1]))
    return Node("mul", (left, right) if left.op != "mul" else (*left.args, right))


def _dots(reader: CommandReader) -> Node:
    return Node("dots", ())


_COMMANDS: Final[dict[str, Callable[[CommandReader], Node]]] = {
    "frac": CommandReader.fraction,
    "sqrt": CommandReader.root,
    "ROOT": CommandReader.root,
    "CUBEROOT": lambda reader: Node("root", (reader.argument(whole=True), num(3))),
    "binom": CommandReader.binomial,
    "pi": lambda reader: Node("const", ("pi",)),
    "infty": lambda reader: Node("const", ("inf",)),
    "emptyset": lambda reader: Node("set", ()),
    "sum": lambda reader: reader.big("sum"),
    "prod": lambda reader: reader.big("prod"),
    "int": lambda reader: reader.big("int"),
    "lim": CommandReader.limit,
    "mathbb": CommandReader.space,
    "lfloor": lambda reader: reader.between("floor", "rfloor"),
    "lceil": lambda reader: reader.between("ceil", "rceil"),
    "langle": CommandReader.pointed,
    "ldots": _dots,
}
STARTING: Final = frozenset(_COMMANDS) | GREEK | frozenset(_STYLES) | FUNCTIONS
