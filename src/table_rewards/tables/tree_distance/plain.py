"""Tree edit distance, written to be read: the yardstick for the fast kernels.

Zhang and Shasha, "Simple fast algorithms for the editing distance between trees and related problems", SIAM J. Comput.
18 (1989). Unit cost to insert or delete a node; to rename costs 1 between different labels, between two cells of equal
spans the Levenshtein distance of their texts divided by the longer one's length, else 0. This is the cost model of
TEDS: Zhong et al., "Image-based table recognition: data, model, and evaluation", arXiv 1911.10683.
"""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from table_rewards.tables.tree_distance.numbers import figures_in, other_figures
from table_rewards.tables.trees.tree import Tree


def tree_edit_distance(a: Tree, b: Tree, exact_numbers: bool = False) -> float:
    """Return the exact tree edit distance between two trees; O(n1 n2) memory, slow.

    >>> tree_edit_distance(Tree.from_rows([("ab", "x")]), Tree.from_rows([("ac",)]))
    1.5
    """
    subtree = [[0.0] * b.size for _ in range(a.size)]
    for i in _keyroots(a.leftmost):
        for j in _keyroots(b.leftmost):
            _forest_distances(a, b, i, j, subtree, exact_numbers)
    return subtree[-1][-1]


def rename_cost(a: Tree, i: int, b: Tree, j: int, exact_numbers: bool = False) -> float:
    """Return what it costs to turn node ``i`` of ``a`` into node ``j`` of ``b``: 0 to 1."""
    if a.labels[i] != b.labels[j]:
        return 1.0
    left, right = a.texts[i], b.texts[j]
    if left is None or right is None:
        return 0.0 if left is right else 1.0
    if exact_numbers and other_figures(figures_in(left), figures_in(right)):
        return 1.0
    return Levenshtein.normalized_distance(left, right)


def _keyroots(leftmost: list[int]) -> list[int]:
    """The highest node above each leftmost leaf, in postorder."""
    return sorted({leaf: node for node, leaf in enumerate(leftmost)}.values())


def _forest_distances(a: Tree, b: Tree, i: int, j: int, subtree: list[list[float]], exact_numbers: bool) -> None:
    """Fill ``subtree[x][y]`` for every x that shares its leftmost leaf with i, and every y with j."""
    first_i, first_j = a.leftmost[i], b.leftmost[j]
    height, width = i - first_i + 2, j - first_j + 2
    forest = [[0.0] * width for _ in range(height)]
    for x in range(1, height):
        forest[x][0] = float(x)
    forest[0] = [float(y) for y in range(width)]
    for x in range(1, height):
        u = first_i + x - 1
        for y in range(1, width):
            v = first_j + y - 1
            cheapest = min(forest[x - 1][y], forest[x][y - 1]) + 1.0
            if a.leftmost[u] == first_i and b.leftmost[v] == first_j:  # both forests are whole trees
                cheapest = min(cheapest, forest[x - 1][y - 1] + rename_cost(a, u, b, v, exact_numbers))
                subtree[u][v] = cheapest
            else:
                before = forest[a.leftmost[u] - first_i][b.leftmost[v] - first_j]
                cheapest = min(cheapest, before + subtree[u][v])
            forest[x][y] = cheapest
