r"""The shapes of answers: what a list holds, which unknown a condition is about, what is solved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from table_rewards.rewards.mathematics.forms import form, holds
from table_rewards.rewards.mathematics.naming import assignment, letters
from table_rewards.rewards.mathematics.tree import Node, names, num, rational, walk
from table_rewards.rewards.mathematics.units import unit_of

TOLERANCE: Final = Fraction(1, 10**6)
INEQUALITIES: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}
NOTHING: Final = frozenset(
    {"no solution", "no solutions", "no real solution", "no real solutions", "none", "empty set", "无解", "no such"}
)
EVERYTHING: Final = frozenset({"all real numbers", "all reals", "real numbers", "all real", "every real number"})
_ALL_REAL = re.compile(r"(?:[a-z]\s*(?:为|是|取)\s*)?(?:全体|任意|一切|所有|任何)实数")
_INFINITY: Final = Node("const", ("inf",))
INFINITE: Final = {
    **dict.fromkeys(("infinity", "positive infinity", "正无穷", "无穷大", "正无穷大"), _INFINITY),
    **dict.fromkeys(("negative infinity", "minus infinity", "负无穷", "负无穷大"), Node("neg", (_INFINITY,))),
}
_THERE_IS = re.compile(r"^there (?:is|are) (?=no )|(?<=solution)s? exists?$|(?<=solution) exist$")
KINDS_OF_THINGS: Final = frozenset(
    {
        *("all", "for all", "point", "points", "vector", "interval", "set", "line", "circle", "function", "point at"),
        *(
            "equation",
            "matrix",
            "answer",
            "answer is",
            "final answer is",
            "所有",
            "任意",
            "点",
            "点坐标",
            "坐标",
            "坐标为",
        ),
        *("向量", "区间", "集合", "直线", "圆", "函数", "方程", "矩阵", "答案", "答案是", "答案为"),
    }
)
"""Words that only say what kind of thing follows: ``the point (3, 4)``."""
_FOR_ALL = re.compile(
    r"for (?:all|any|every|each|some)(?: (?:real|integer|natural|positive|non-negative|nonnegative|arbitrary))*"
    r"(?: (?:numbers?|integers?|constants?|values? of))?(?: [a-z])?"
)
CONDITIONAL: Final = frozenset({"if", "when", "for", "where", "whenever", "若", "当"})


_UNKNOWNS: Final = frozenset({"x", "y", "z", "t", "u", "v", "r", "s", "theta"})


def settled(node: Node) -> Node:
    r"""The node in one shape: ``\pm`` as two values, nested lists flat, conditions of sets taken out."""
    op, args = node
    if op == "such":
        return _condition(node)
    if op == "rel" or op == "mul" or op == "pow":
        node = _rewritten(node)
        op, args = node
    if op == "bracket" and holds(node, "pm", "mp"):
        return settled(Node("list", ("or", *_spread(node))))
    if op == "list":
        flat: list[Node] = []
        for arg in args[1:]:
            made = settled(arg)
            inner = made.args[1:] if made.op == "list" and (arg.op != "list" or made.args[0] == args[0]) else (made,)
            flat.extend(inner)
        flat = _without_range(flat)
        if len(flat) == 1:
            return flat[0]
        return _family(flat) or _residues(args[0], flat) or _by_solution(args[0], flat)
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
    if op == "rel" and args[0] == ("!=",) and holds(node, "pm", "mp"):
        return Node("list", ("and", _signed(node, 1), _signed(node, -1)))
    if op not in ("bracket", "matrix", "mixed", "text", "pieces") and holds(node, "pm", "mp"):
        return Node("list", ("or", _signed(node, 1), _signed(node, -1)))
    if op == "mixed" and args[1].op == "text" and _says_nothing_more(args):
        return settled(args[0])
    if op == "mixed" and len(args) == 2 and args[0].op == "text":
        return settled(args[1]) if str(args[0].args[0]).lower().removeprefix("the ") in KINDS_OF_THINGS else node
    if op == "text":
        return INFINITE.get(str(args[0]).lower(), node)
    return node


def _rewritten(node: Node) -> Node:
    r"""One shape for ``A(1, 2)`` and ``A=(1, 2)``, ``3\mid n`` and ``n \equiv 0``, ``(1, 2)^T`` and the column."""
    op, args = node
    if op == "mul" and len(args) == 2 and args[1].op == "bracket" and args[1].args[:2] == ("(", ")"):
        point = args[0].op == "sym" and len(letters(args[0])) == 1 and letters(args[0]).isupper()
        return Node("rel", (("=",), args)) if point else node
    if op == "mul" and len(args) == 2 and args[1].op == "add":
        polar = _polar(args[1])
        return node if polar is None else Node("mul", (args[0], polar))
    if op == "pow" and args[1] == Node("sym", ("T",)):
        if args[0].op == "bracket":
            return Node("matrix", tuple((cell,) for cell in args[0].args[2:]))
        if args[0].op == "matrix":
            return Node("matrix", tuple(zip(*args[0].args, strict=True)))
    if op == "rel" and args[0] == ("divides",) and args[1][0].op == "num" and args[1][1].op == "sym":
        return Node("rel", (("equiv",), (args[1][1], num(0)), args[1][0]))
    if op == "rel" and len(args) == 2 and len(args[1]) > 2 and set(args[0]) == {"="} and not names(args[1][-1]):
        *unknowns, value = args[1]
        equal = len(frozenset(unknowns)) == len(unknowns) and all(part.op == "sym" for part in unknowns)
        return Node("list", ("and", *(Node("rel", (("=",), (one, value))) for one in unknowns))) if equal else node
    if op == "rel" and args[0] == ("in",) and args[1][0].op == "bracket" and args[1][1].op == "set":
        return args[1][1]  # type: ignore[no-any-return]
    return node


def _polar(node: Node) -> Node | None:
    r"""``\cos t + i\sin t`` as a power of e; None for anything else."""
    if len(node.args) != 2 or node.args[1].op != "mul" or len(node.args[1].args) != 2:
        return None
    angle = node.args[0].args[1:] if node.args[0].op == "call" and node.args[0].args[0] == "cos" else ()
    imaginary = Node("const", ("i",))
    if len(angle) != 1 or set(node.args[1].args) != {imaginary, Node("call", ("sin", *angle))}:
        return None
    return Node("pow", (Node("const", ("e",)), Node("mul", (imaginary, *angle))))


def _spread(node: Node) -> list[Node]:
    r"""A tuple for each choice of signs: ``(\pm1, \pm2)`` are four; where ``\mp`` stands, too, they go together."""
    marked = [at for at, item in enumerate(node.args) if isinstance(item, Node) and holds(item, "pm", "mp")]
    if len(marked) == 1 or holds(node, "mp") or len(marked) > 4:
        return [_signed(node, 1), _signed(node, -1)]
    found = [node]
    for at in marked:
        found = [
            Node("bracket", (*one.args[:at], _signed(one.args[at], sign), *one.args[at + 1 :]))
            for one in found
            for sign in (1, -1)
        ]
    return found


def _says_nothing_more(parts: tuple[Node, ...]) -> bool:
    """Whether words behind an answer only say that it holds for everything: ``for all x``, ``only``."""
    said = str(parts[1].args[0]).lower()
    if said in ("only", "exactly"):
        return len(parts) == 2 and parts[0].op != "text"
    if parts[0].op != "rel" or not _FOR_ALL.fullmatch(said):
        return False
    if len(parts) == 2:
        return True
    return len(parts) == 3 and (parts[2].op == "sym" or _ranges_over_a_space(parts[2]))


def _ranges_over_a_space(node: Node) -> bool:
    return (
        node.op == "rel" and node.args[0] == ("in",) and node.args[1][0].op == "sym" and node.args[1][1].op == "space"
    )


_EVERY_PLACE: Final = [(Node("sym", ("n",)), Node("space", (name,))) for name in ("N", "N*", "Z+")]
"""That n counts the places of a sequence: ``a_n=2n-1 (n \\in N^*)``."""


def _without_range(flat: list[Node]) -> list[Node]:
    r"""``f(x)=x+c,\ c\in\mathbb{R}`` without what the constant is, and ``x\ne 1, 2`` as two conditions."""
    if len(flat) == 2 and flat[0].op == "rel" and flat[0].args[0] == ("=",) and _ranges_over_a_space(flat[1]):
        name, space = flat[1].args[1]
        if flat[0].args[1][0].op == "apply" and names(name) <= names(flat[0]) and space != Node("space", ("Z",)):
            return flat[:1]
    counted = len(flat) == 2 and _ranges_over_a_space(flat[1]) and flat[1].args[1] in _EVERY_PLACE
    if counted and "n" in names(flat[0]) and not holds(flat[0], "const"):
        return flat[:1]
    excluded = len(flat) > 1 and flat[0].op == "rel" and flat[0].args[0] == ("!=",) and flat[0].args[1][0].op == "sym"
    if not excluded or not all(item.op in ("num", "neg", "div", "root") for item in flat[1:]):
        return flat
    return [flat[0], *(Node("rel", (("!=",), (flat[0].args[1][0], item))) for item in flat[1:])]


def _residues(joined: str, flat: list[Node]) -> Node | None:
    r"""``n \equiv 1, 4 \pmod 5`` as two congruences; None for anything else."""
    first, last = flat[0], flat[-1]
    if len(flat) < 2 or last.op != "residue" or first.op != "rel" or first.args[0] != ("equiv",) or len(first.args) > 2:
        return None
    if any(item.op not in ("num", "neg", "pm") for item in flat[1:-1]):
        return None
    values = [first.args[1][1], *flat[1:-1], last.args[0]]
    made = [Node("rel", (("equiv",), (first.args[1][0], value), last.args[1])) for value in values]
    return Node("list", ("or", *(part for item in made for part in items(settled(item)))))


def _family(flat: list[Node]) -> Node | None:
    """Values with an index that runs over the whole numbers: ``2k\\pi, k \\in \\mathbb{Z}``."""
    if len(flat) < 2:
        return None
    last = flat[-1]
    if last.op != "rel" or last.args[0] != ("in",) or last.args[1][1] != Node("space", ("Z",)):
        return None
    index, inner = last.args[1][0], flat[0] if len(flat) == 2 else Node("list", (",", *flat[:-1]))
    if index.op != "sym" or index.args[0] not in names(inner):
        return None
    return Node("family", (str(index.args[0]), inner))


def with_constants_of(gold: Node, answer: Node) -> Node:
    """The answer with its constants of integration in the gold answer's letters: ``x^2 + c`` for ``x^2 + C``."""
    known, given = names(gold), names(answer)
    for name in known - given:
        if name[0] not in "Cc" or len(known) < 2:
            continue
        if len(name) == 1 and not _is_constant(name, gold, known):
            continue
        if len(name) > 1 and name[1] != "_":
            continue
        others = [letter + name[1:] for letter in ("c" if name[0] == "C" else "C", "K", "k")]
        other = next((other for other in others if other in given and other not in known), None)
        if other is not None and (len(name) > 1 or _is_constant(other, answer, given)):
            answer = replaced(answer, other, Node("sym", (name,)))
    return answer


def _is_constant(name: str, node: Node, known: frozenset[str]) -> bool:
    """Whether a letter is added once to a formula in unknowns: not the c of ``a + b + c``."""
    symbol = Node("sym", (name,))
    added = sum(part.op == "add" and symbol in part.args for part in walk(node))
    return added == 1 == sum(part == symbol for part in walk(node)) and (name.isupper() or known - {name} <= _UNKNOWNS)


def replaced(node: Node, name: str, other: Node) -> Node:
    """The node with another one in the place of a variable."""
    if node == Node("sym", (name,)):
        return other

    def within(arg: object) -> object:
        if isinstance(arg, Node):
            return replaced(arg, name, other)
        return tuple(within(part) for part in arg) if isinstance(arg, tuple) else arg

    return Node(node.op, tuple(within(arg) for arg in node.args))


def _by_solution(joined: str, flat: list[Node]) -> Node:
    """``x=1, y=2, x=3, y=4`` as two solutions of two values each; any other list as it is."""
    called = [pair[0] if (pair := assignment(item)) else "" for item in flat] if len(flat) > 3 else []
    size = called.index(called[0], 1) if called and called.count(called[0]) > 1 else 0
    if size < 2 or len(flat) % size or "" in called or len(set(called[:size])) < size:
        return Node("list", (joined, *flat))
    if any(called[at] != called[at % size] for at in range(len(called))):
        return Node("list", (joined, *flat))
    solutions_ = [Node("list", (",", *flat[at : at + size])) for at in range(0, len(flat), size)]
    return Node("list", (";", *solutions_))


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


def distinct(found: Sequence[Node]) -> list[Node]:
    return list({form(item): item for item in found}.values())


def is_empty(node: Node) -> bool:
    return (node.op == "set" and not node.args) or (node.op == "text" and says_nothing(str(node.args[0])))


def says_everything(text: str) -> bool:
    """Whether the words say that every real number will do."""
    return text.lower() in EVERYTHING or _ALL_REAL.fullmatch(text) is not None


def says_nothing(text: str) -> bool:
    """Whether the words say that there is no solution."""
    return _THERE_IS.sub("", text.lower()) in NOTHING


def assigned(node: Node) -> tuple[tuple[str, Node], ...] | None:
    """A list of values with a name of its own each, as pairs; None when it is something else."""
    if node.op != "list" or node.args[0] == "or":
        return None
    pairs = [assignment(item) for item in node.args[1:]]
    found = tuple(pair for pair in pairs if pair is not None)
    if len(found) != len(pairs) or len({name for name, _ in found}) != len(found):
        return None
    return found


def solutions(node: Node) -> tuple[str, tuple[Node, ...]] | None:
    """The values of one unknown that a list gives, with its name ("" without one)."""
    name = ""
    values: list[Node] = []
    for item in items(node):
        pair = assignment(item)
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


def unknown_of(node: Node) -> str:
    """The unknown that a condition is about."""
    if node.op == "rel" or (node.op == "list" and any(item.op == "rel" for item in node.args[1:])):
        found = names(node)
        return next(iter(found)) if len(found) == 1 else ""
    return ""


def member(node: Node) -> Node:
    if node.op == "rel" and node.args[0] in (("in",), ("=",)) and node.args[1][0].op in ("sym", "apply"):
        return settled(node.args[1][1])
    return node


def flattened(node: Node, op: str) -> list[Node]:
    return [*flattened(node.args[0], op), *flattened(node.args[1], op)] if node.op == op else [node]


def numeric(gold: Node, answer: Node) -> bool:
    """Whether both are made of real numbers alone."""
    return not names(gold) and not names(answer)


def directed(node: Node) -> list[tuple[Node, str, Node]]:
    """The inequalities of a chain, all of them with the smaller side first."""
    found = []
    for left, sign, right in zip(node.args[1], node.args[0], node.args[1][1:], strict=False):
        found.append((right, INEQUALITIES[sign], left) if sign[0] == ">" else (left, sign, right))
    return found


def piece(row: tuple[Node, ...]) -> Node:
    condition = row[-1]
    if (
        condition.op == "mixed"
        and condition.args[0].op == "text"
        and str(condition.args[0].args[0]).lower() in CONDITIONAL
    ):
        condition = condition.args[1] if len(condition.args) == 2 else Node("mixed", condition.args[1:])
    if condition.op == "text" and str(condition.args[0]).lower() in ("otherwise", "else", "其他"):
        condition = Node("text", ("otherwise",))
    return Node("bracket", ("(", ")", *row[:-1], condition))


def choices(node: Node) -> frozenset[str]:
    """The letters of several choices, ``A, B, D`` or ``ABD``; none where it is anything else."""
    found = [letters(item) for item in items(node)] if node.op == "list" else list(letters(node))
    found = str(node.args[0]).split() if node.op == "text" else found
    if node.op == "list" and node.args[0] == "or":
        return frozenset()
    chosen = frozenset(found)
    if len(chosen) < max(2, len(found)) or not all(len(letter) == 1 and "A" <= letter <= "H" for letter in found):
        return frozenset()
    return chosen if node.op == "list" or found == sorted(found) else frozenset()


def without_unit(node: Node, unit: str) -> Node:
    """A product without the letters behind its number that are the unit: ``5m/s`` beside ``5\\text{ m/s}``."""
    if node.op == "mul" and len(node.args) > 2 and unit == "μ" + letters(node.args[-1]).lower():
        micro = node.args[-2] == Node("sym", ("mu",))
        return node if not micro else node.args[0] if len(node.args) == 3 else Node("mul", node.args[:-2])
    if node.op not in ("mul", "div") or not names(node):
        return node
    parts = _written(node)
    numbers = [part for part in parts if isinstance(part, Node)]
    said = [part for part in parts if isinstance(part, str)]
    if not numbers or not said or parts[: len(numbers)] != numbers:
        return node
    if unit not in (unit_of("".join(said)), unit_of(" ".join(said).replace(" / ", "/"))):
        return node
    return numbers[0] if len(numbers) == 1 else Node("mul", tuple(numbers))


def _written(node: Node) -> list[Node | str]:
    """The factors of a product in the order of writing: what has no letters as it is, letters and signs as text."""
    if node.op == "mul":
        return [part for arg in node.args for part in _written(arg)]
    if node.op == "div" and names(node):
        return [*_written(node.args[0]), "/", *_written(node.args[1])]
    if node.op == "sym":
        return [str(node.args[0])]
    if node.op == "pow" and node.args[0].op == "sym" and (power := rational(node.args[1])) is not None:
        return [f"{node.args[0].args[0]}^{power}"]
    return ["?"] if names(node) else [node]


def on_the_clock(node: Node) -> Node:
    """A time of day without a.m. or p.m., as a clock of 24 hours shows it; anything else as it is."""
    if node.op != "unit" or node.args[1] not in ("a.m.", "p.m.") or node.args[0].op not in ("ratio", "num"):
        return node
    hours, *rest = node.args[0].args if node.args[0].op == "ratio" else (node.args[0], num(0))
    if hours.op != "num" or not 1 <= hours.args[0] <= 12:
        return node
    hour = hours.args[0] % 12 + (12 if node.args[1] == "p.m." else 0)
    return Node("ratio", (num(hour), *rest))


def has_decimal(node: Node) -> bool:
    return any(part.op == "num" and part.args[1] == "decimal" for part in (node, *node.args) if isinstance(part, Node))


def near(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= TOLERANCE * min(Fraction(1), max(abs(left), abs(right)))


def is_bare_log(node: Node) -> bool:
    return node.op == "call" and node.args[0] == "log" and len(node.args) == 2


def to_base_ten(node: Node) -> Node:
    if is_bare_log(node):
        return Node("call", ("log10", to_base_ten(node.args[1])))
    return Node(node.op, tuple(to_base_ten(arg) if isinstance(arg, Node) else arg for arg in node.args))


def is_solved(node: Node) -> bool:
    """Whether an answer says what its one unknown is or where it lies: ``x=2``, ``1<x<3``, ``|x-1|<2``."""
    if node.op == "list":
        return all(is_solved(item) for item in node.args[1:])
    if node.op != "rel":
        return True
    parts = node.args[1]
    if sum(bool(names(part)) for part in parts) != 1:
        return False
    if node.args[0] == ("=",) and parts[1] == num(0) and _shifted(parts[0]):
        return True  # the line x - 3 = 0
    return len({name for part in parts for name in _unknowns(part)}) == 1 and all(
        not names(part) or part.op in ("sym", "apply") or _distance(part) for part in parts
    )


def _unknowns(node: Node) -> frozenset[str]:
    return frozenset({repr(node)}) if node.op == "apply" else names(node)


def _distance(node: Node) -> bool:
    """``|x|`` or ``|x-3|``."""
    if node.op != "call" or node.args[0] != "abs":
        return False
    return bool(node.args[1].op == "sym" or _shifted(node.args[1]))


def _shifted(node: Node) -> bool:
    """``x - 3``."""
    return node.op == "add" and [part.op == "sym" for part in node.args if names(part)] == [True]
