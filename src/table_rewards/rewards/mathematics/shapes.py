r"""The shapes of answers: what names a value, what a list holds, which unknown a condition is about."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from table_rewards.rewards.mathematics.forms import form, holds
from table_rewards.rewards.mathematics.tree import Node, names, num, rational
from table_rewards.rewards.mathematics.units import unit_of

TOLERANCE: Final = Fraction(1, 10**6)
EXPRESSIONS: Final = frozenset(
    {"num", "sym", "const", "add", "mul", "neg", "div", "pow", "root", "call", "apply", "big"}
)
INEQUALITIES: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}
NOTHING: Final = frozenset(
    {"no solution", "no solutions", "no real solution", "no real solutions", "none", "empty set", "无解", "no such"}
)
EVERYTHING: Final = frozenset({"all real numbers", "all reals", "real numbers", "all real", "every real number"})
CONDITIONAL: Final = frozenset({"if", "when", "for", "where", "whenever", "若", "当"})


def settled(node: Node) -> Node:
    r"""The node in one shape: ``\pm`` as two values, nested lists flat, conditions of sets taken out."""
    op, args = node
    if op == "such":
        return _condition(node)
    if op == "list":
        flat: list[Node] = []
        for arg in args[1:]:
            made = settled(arg)
            inner = made.args[1:] if made.op == "list" and (arg.op != "list" or made.args[0] == args[0]) else (made,)
            flat.extend(inner)
        return _by_solution(args[0], flat)
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
    if op == "matrix" and len(args) == 1 == len(args[0]):
        return node
    return node


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
    return (node.op == "set" and not node.args) or (node.op == "text" and str(node.args[0]).lower() in NOTHING)


def claim(node: Node) -> tuple[Node | None, tuple[Node, ...]] | None:
    """What a chain of equations says: a name (None without one) and its values; None when it is no chain."""
    if node.op != "rel" or set(node.args[0]) != {"="} or len(node.args) > 2:
        return None
    parts = node.args[1]
    if is_name(parts[0]) and not any(names(parts[0]) & names(part) for part in parts[1:] if parts[0].op == "sym"):
        return parts[0], parts[1:]
    if len(parts) == 2 and parts[1].op == "sym" and not names(parts[0]):
        return parts[1], parts[:1]
    if any(names(part) for part in parts) and len(parts) == 2 and not _both_sides(parts):
        return None
    return None, parts


def _both_sides(parts: tuple[Node, ...]) -> bool:
    """Whether a relation could be an identity, all of whose sides are one expression."""
    return names(parts[0]) == names(parts[1]) and all(part.op in EXPRESSIONS and part != num(0) for part in parts)


def bare_value(node: Node) -> Node:
    return node.args[0] if node.op in ("unit", "pct") else node


def is_name(node: Node) -> bool:
    """Whether this names a value: ``x``, ``f(2)``, ``P(A)``, ``AB``, ``|AB|``, ``(x, y)``."""
    if node.op in ("sym", "apply") or node in (Node("const", ("e",)), Node("const", ("i",))):
        return True
    if node.op == "call" and node.args[0] not in ("fact", "binom"):
        return (
            len(node.args) == 2 and is_name(node.args[1]) and (node.args[0] != "abs" or len(letters(node.args[1])) > 0)
        )
    if node.op == "bracket":
        return all(part.op == "sym" for part in node.args[2:])
    if node.op == "unit":
        return False
    if node.op in ("ratio", "div"):  # a ratio of lengths, areas, volumes
        return all(is_name(part) and letters(part)[:1].isupper() for part in node.args)
    if node.op == "mul":
        head = node.args[0]
        if (
            head == Node("sym", ("P",))
            or head == Node("sym", ("E",))
            or (head.op == "sym" and head.args[0][0] in "PEVp")
        ):
            return len(node.args) == 2
        return all(part.op == "sym" and str(part.args[0])[:1].isupper() for part in node.args) or (
            node.args[0] == Node("sym", ("m",)) and str(node.args[1].args[0]).startswith("angle")
            if len(node.args) == 2 and node.args[1].op == "sym"
            else False
        )
    return False


def one_function(gold: Node, answer: Node) -> bool:
    """``f(x)`` and ``y`` name the same values."""
    pair = {gold, answer}
    return Node("sym", ("y",)) in pair and any(
        node.op == "apply" and len(node.args[1]) == 1 and node.args[1][0].op == "sym" for node in pair
    )


def assignment(node: Node) -> tuple[str, Node] | None:
    claimed = claim(node)
    if claimed is None or claimed[0] is None or len(claimed[1]) != 1:
        return None
    return repr(form(claimed[0])), claimed[1][0]


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


def letters(node: Node) -> str:
    """The letters of a name or a product of plain letters, as written."""
    if node.op == "sym":
        name = str(node.args[0])
        return name.partition(":")[2] if name.startswith("segment:") else name
    if node.op == "const":
        return str(node.args[0]) if len(node.args[0]) == 1 else ""
    if node.op == "mul" and all(part.op in ("sym", "const") for part in node.args):
        return "".join(letters(part) for part in node.args)
    return ""


def choices(node: Node) -> frozenset[str]:
    """The letters of several choices, ``A, B, D`` or ``ABD``; none where it is anything else."""
    found = [letters(item) for item in items(node)] if node.op == "list" else list(letters(node))
    if node.op == "list" and node.args[0] == "or":
        return frozenset()
    chosen = frozenset(found)
    if len(chosen) < max(2, len(found)) or not all(len(letter) == 1 and "A" <= letter <= "H" for letter in found):
        return frozenset()
    return chosen if node.op == "list" or found == sorted(found) else frozenset()


def without_unit(node: Node, unit: str) -> Node:
    """A product without the letters at its end that are the unit: ``5m`` beside ``5\\text{ m}``."""
    measured = node.op == "mul" and node.args[-1].op == "sym" and len(node.args) > 1
    if measured and not names(Node("mul", node.args[:-1])) and unit_of(str(node.args[-1].args[0])) == unit:
        return node.args[0] if len(node.args) == 2 else Node("mul", node.args[:-1])
    return node


def on_the_clock(node: Node) -> Node:
    """A time of day without a.m. or p.m., as a clock of 24 hours shows it; anything else as it is."""
    if node.op != "unit" or node.args[1] not in ("a.m.", "p.m.") or node.args[0].op != "ratio":
        return node
    hours, *rest = node.args[0].args
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


def multiplied_out(node: Node, *, anything: bool = False) -> Node | None:
    """A number times a matrix, as a matrix; ``anything``: sums and products of matrices, too."""
    if node.op == "matrix":
        return node
    if anything and node.op in ("add", "mul") and sum(holds(arg, "matrix") for arg in node.args) > 1:
        return _combined(node)
    if node.op == "neg":
        inner = multiplied_out(node.args[0], anything=anything)
        return None if inner is None else _scaled(num(-1), inner)
    if node.op == "mul" and node.args[-1].op == "matrix" and not any(holds(arg, "matrix") for arg in node.args[:-1]):
        scale = node.args[0] if len(node.args) == 2 else Node("mul", node.args[:-1])
        return _scaled(scale, node.args[-1])
    if node.op == "div" and not holds(node.args[1], "matrix"):
        inner = multiplied_out(node.args[0])
        return None if inner is None else _scaled(Node("div", (num(1), node.args[1])), inner)
    return None


def _combined(node: Node) -> Node | None:
    """A sum or a product of matrices, as a matrix; None where their sizes do not allow it."""
    total: Node | None = None
    scale: Node | None = None
    for arg in node.args:
        if node.op == "mul" and not holds(arg, "matrix"):
            scale = arg if scale is None else Node("mul", (scale, arg))
            continue
        part = multiplied_out(arg, anything=True)
        if part is None:
            return None
        if total is None:
            total = part
        elif node.op == "add":
            if [len(row) for row in total.args] != [len(row) for row in part.args]:
                return None
            sums = [zip(one, other, strict=True) for one, other in zip(total.args, part.args, strict=True)]
            total = Node("matrix", tuple(tuple(_reduced(Node("add", pair)) for pair in row) for row in sums))
        else:
            if len(total.args[0]) != len(part.args):
                return None
            columns = list(zip(*part.args, strict=True))
            total = Node(
                "matrix",
                tuple(
                    tuple(
                        _reduced(Node("add", tuple(Node("mul", pair) for pair in zip(row, column, strict=True))))
                        for column in columns
                    )
                    for row in total.args
                ),
            )
    return total if total is None or scale is None else _scaled(scale, total)


def _reduced(node: Node) -> Node:
    value = rational(node)
    return node if value is None else num(value)


def _scaled(scale: Node, matrix: Node) -> Node:
    return Node("matrix", tuple(tuple(_reduced(Node("mul", (scale, cell))) for cell in row) for row in matrix.args))


def is_solved(node: Node) -> bool:
    """Whether an answer says what its one unknown is or where it lies: ``x=2``, ``1<x<3``, ``|x-1|<2``."""
    if node.op == "list":
        return all(is_solved(item) for item in node.args[1:])
    if node.op != "rel":
        return True
    parts = node.args[1]
    if sum(bool(names(part)) for part in parts) != 1:
        return False
    return len({name for part in parts for name in _unknowns(part)}) == 1 and all(
        not names(part) or part.op in ("sym", "apply") or _distance(part) for part in parts
    )


def _unknowns(node: Node) -> frozenset[str]:
    return frozenset({repr(node)}) if node.op == "apply" else names(node)


def _distance(node: Node) -> bool:
    """``|x|`` or ``|x-3|``."""
    if node.op != "call" or node.args[0] != "abs":
        return False
    inner = node.args[1]
    shifted = inner.op == "add" and sum(part.op == "sym" for part in inner.args) == len(names(inner)) == 1
    return bool(inner.op == "sym" or shifted)
