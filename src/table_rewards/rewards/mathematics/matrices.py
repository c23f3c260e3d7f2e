"""Matrices times numbers, and sums and products of matrices."""

from __future__ import annotations

from typing import Final

from table_rewards.rewards.mathematics.forms import holds
from table_rewards.rewards.mathematics.tree import Node, num, rational

_ALONG: Final = frozenset({"vec:i", "vec:j", "vec:k"})


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


def in_components(node: Node, size: int) -> Node | None:
    r"""``\mathbf{i}+2\mathbf{j}``, or a binomial of TeX that was meant for a column, as a tuple; None for others."""
    if size not in (2, 3):
        return None
    if node.op == "call":
        return Node("bracket", ("(", ")", *node.args[1:])) if node.args[0] == "binom" and size == 2 else None
    found: dict[str, list[Node]] = {name: [] for name in "ijk"[:size]}
    for term in node.args if node.op == "add" else (node,):
        negative = term.op == "neg"
        term = term.args[0] if negative else term
        below = term.args[1] if term.op == "div" else None
        term = term.args[0] if term.op == "div" else term
        factors = term.args if term.op == "mul" else (term,)
        along = [part.args[0][4:] for part in factors if part.op == "sym" and part.args[0] in _ALONG]
        if len(along) != 1 or along[0] not in found or (below is not None and holds(below, "matrix")):
            return None
        scale = [part for part in factors if not (part.op == "sym" and part.args[0] in _ALONG)]
        amount = scale[0] if len(scale) == 1 else Node("mul", tuple(scale)) if scale else num(1)
        amount = amount if below is None else Node("div", (amount, below))
        found[along[0]].append(Node("neg", (amount,)) if negative else amount)
    parts = [part[0] if len(part) == 1 else Node("add", tuple(part)) if part else num(0) for part in found.values()]
    return Node("bracket", ("(", ")", *parts))
