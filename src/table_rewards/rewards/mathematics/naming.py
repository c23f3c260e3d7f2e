"""What names a value: ``x``, ``f(2)``, ``P(A)``, ``AB``, ``dy/dx``; and what a chain of equations claims of it."""

from __future__ import annotations

from typing import Final

from table_rewards.rewards.mathematics.forms import form
from table_rewards.rewards.mathematics.tree import Node, names, num

EXPRESSIONS: Final = frozenset(
    {"num", "sym", "const", "add", "mul", "neg", "div", "pow", "root", "call", "apply", "big"}
)
_DIFFERENTIALS: Final = (Node("sym", ("d",)), Node("sym", ("partial",)))


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
    if len(parts) > 2 and names(parts[0]) and not any(names(part) for part in parts[1:]):
        return parts[0], parts[1:]  # a + b = 7 + 5 = 12
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
    if node.op == "call" and node.args[0] not in ("fact", "fact2", "binom"):
        return (
            len(node.args) == 2 and is_name(node.args[1]) and (node.args[0] != "abs" or len(letters(node.args[1])) > 0)
        )
    if node.op == "bracket":
        return all(part.op == "sym" for part in node.args[2:])
    if node.op == "unit":
        return False
    if node.op == "div" and all(part.op == "mul" and part.args[0] in _DIFFERENTIALS for part in node.args):
        return node.args[0].args[0] == node.args[1].args[0]  # type: ignore[no-any-return]
    if node.op in ("ratio", "div"):  # a ratio of lengths, areas, volumes
        return all(is_name(part) and letters(part)[:1].isupper() for part in node.args)
    if node.op == "mul":
        head = node.args[0]
        if head in (Node("sym", ("Delta",)), Node("sym", ("nabla",))):
            return len(node.args) == 2 and node.args[1].op == "sym"
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
