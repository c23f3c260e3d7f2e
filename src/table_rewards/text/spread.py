"""A program that a text gives in pieces: the blocks whose names a block lives on are put in front of it."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

MAX_BLOCK: Final = 200_000
_BUILTINS: Final = frozenset(dir(builtins))
_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(block: str) -> ast.Module | None:
    """The syntax tree of a block, or None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(block[:MAX_BLOCK])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def with_what_it_needs(blocks: Sequence[str], at: int, names: Iterable[str] = ()) -> str:
    """The block ``at`` behind those that bind what it uses and does not bind, and what of ``names`` it does not.

    A block before it comes first to mind, the last of them that binds the name; else one behind it that defines it.

    >>> print(with_what_it_needs(["def one(): return 1\\n", "x = 3\\n", "def two(): return one() + 1\\n"], 2))
    def one(): return 1
    <BLANKLINE>
    def two(): return one() + 1
    <BLANKLINE>
    """
    trees = [parsed(block) for block in blocks]
    chosen = trees[at]
    if chosen is None or len(blocks) == 1:
        return blocks[at]
    given = [set() if tree is None else set(_given(tree.body)) for tree in trees]
    taken = {at}
    waiting = [at]
    wanted = {name for name in names if name not in given[at]}
    while waiting:
        tree = trees[waiting.pop()]
        for name in sorted(wanted | (set() if tree is None else missing(tree))):
            if any(name in given[index] for index in taken):
                continue
            index = next(
                (index for index in (*range(at - 1, -1, -1), *range(at + 1, len(blocks))) if name in given[index]), None
            )
            if index is not None:
                taken.add(index)
                waiting.append(index)
        wanted = set()
    if len(taken) == 1:
        return blocks[at]
    return "\n".join([*(blocks[index] for index in sorted(taken - {at})), blocks[at]])


def _given(body: Iterable[ast.stmt]) -> Iterator[str]:
    """What a block binds for others: functions, classes, values, and imports that this machine may have."""
    for node in body:
        if isinstance(node, (*_FUNCTION, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
                if module.split(".")[0] in _KNOWN:
                    yield (alias.asname or alias.name).split(".")[0]
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from _given(node.body)
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            yield from (n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name))


_KNOWN: Final = sys.stdlib_module_names | {"numpy", "pandas", "matplotlib", "scipy", "sympy", "seaborn", "networkx"}


def missing(tree: ast.Module) -> set[str]:
    """The names that a block uses and binds nowhere."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - bound_by(tree) - _BUILTINS


def bound_by(tree: ast.Module) -> set[str]:
    """Every name that a block defines, assigns, catches or imports."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (*_FUNCTION, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
        ):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return bound
