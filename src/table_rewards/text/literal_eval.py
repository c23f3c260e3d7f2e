"""Python's own ``ast.literal_eval`` inside bounds, for the released profiles, whose comparisons rest on its quirks.

What literals mean elsewhere is read by the parser of ``sandbox.values``, which builds nothing and knows no surprises.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any, Final

MAX_TEXT: Final = 4_096
MAX_DEPTH: Final = 90
_OPEN: Final = re.compile(r"[\[({]")
_SIGNS: Final = re.compile(r"(?:[-+~]\s*){90}|(?:\bnot\s+){90}")


def literal_eval(text: str) -> Any:
    """What ``ast.literal_eval`` makes of a text; a text over the bounds counts as no literal.

    >>> literal_eval(" [1, 2] # two"), literal_eval("{1}")
    ([1, 2], {1})

    Raises:
        ValueError: it is no literal, or over 4,096 characters or 90 brackets. ``SyntaxError``, ``TypeError`` and the
            rest of what ``ast.literal_eval`` raises come as this, too.
    """
    _check(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"not a literal: {error}") from None


def names_in(text: str) -> set[str]:
    """The names that an expression reads.

    >>> sorted(names_in("[len(x), inf]"))
    ['inf', 'len', 'x']

    Raises:
        ValueError: it is no expression, or over the bounds of :func:`literal_eval`.
    """
    _check(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
        return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"not an expression: {error}") from None


def _check(text: str) -> None:
    if len(text) > MAX_TEXT or len(_OPEN.findall(text)) > 1_000 or _SIGNS.search(text) or _depth(text) > MAX_DEPTH:
        raise ValueError("a literal that is too long or too deep")


def _depth(text: str) -> int:
    """A bound on the nesting; brackets inside strings count, too."""
    depth = deepest = 0
    for char in text:
        if char in "[({":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "])}":
            depth = max(0, depth - 1)
    return deepest
