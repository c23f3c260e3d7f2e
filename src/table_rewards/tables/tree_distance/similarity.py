"""TEDS: from a tree edit distance to a similarity.

TEDS(A, B) = 1 - distance(A, B) / nodes, arXiv 1911.10683. What the nodes are decides whether the score can be fooled.
"""

from __future__ import annotations

from typing import Final

from table_rewards.tables.trees.tree import Tree

COMPARED: Final = "compared"
PUBTABNET: Final = "pubtabnet"
DENOMINATORS: Final = (COMPARED, PUBTABNET)


def node_count(prediction: Tree, reference: Tree, denominator: str = COMPARED) -> int:
    """Return the number that a distance is divided by; the root does not count.

    ``pubtabnet``
        max over both tables of all elements, the markup inside cells among them. That is no node of the tree, costs no
        distance and so is free: one wrong cell with 2,000 ``<b></b>`` scores 0.99.
    ``compared``
        the same, with the prediction's markup counted no further than the reference's.

    >>> stuffed, truth = Tree.from_rows([("",)], inline=2000), Tree.from_rows([("a",)])
    >>> node_count(stuffed, truth, "pubtabnet"), node_count(stuffed, truth)
    (2002, 2)
    """
    inline = prediction.inline if denominator == PUBTABNET else min(prediction.inline, reference.inline)
    return max(reference.size - 1 + reference.inline, prediction.size - 1 + inline)


def similarity(distance: float, prediction: Tree, reference: Tree, denominator: str = COMPARED) -> float:
    """Return 1 - distance / nodes; negative when the tables have less in common than nothing.

    >>> a, b = Tree.from_rows([("ab", "x")]), Tree.from_rows([("ac", "x")])
    >>> round(similarity(0.5, a, b), 4)
    0.8333
    """
    nodes = node_count(prediction, reference, denominator)
    return 1.0 - distance / nodes if nodes else 1.0
