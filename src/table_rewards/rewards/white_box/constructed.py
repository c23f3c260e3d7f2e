"""Values that are no literals, written as their constructor: ``Counter({'a': 1})``, ``deque([1], maxlen=2)``."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any, Final

MAX_TEXT: Final = 20_000
_CLASS: Final = re.compile(r"<class '([\w.]+)'>")
_UNORDERED: Final = ("Counter", "defaultdict", "dict", "mappingproxy")


def same_constructed(text: str, other: str) -> bool:
    """Whether two texts construct the same value, in whatever spelling Python's versions and people give it.

    >>> same_constructed("Counter({'a': 2, 'b': 2})", "collections.Counter({'b': 2, 'a': 2})")
    True
    >>> same_constructed("OrderedDict([('a', 1)])", "OrderedDict({'a': 1})")
    True
    >>> same_constructed("range(3)", "range(0, 3)"), same_constructed("deque([1, 2])", "deque([2, 1])")
    (True, False)
    >>> same_constructed("OrderedDict({'a': 1, 'b': 2})", "OrderedDict({'b': 2, 'a': 1})")
    False
    """
    tree = _tree(text)
    return tree is not None and tree == _tree(other)


def _tree(text: str) -> Any:
    if len(text) > MAX_TEXT or "(" not in text:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _of(ast.parse(_CLASS.sub(r"\1", text.strip()), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of(node: ast.expr) -> Any:
    """A node as nested tuples; ``ValueError`` for what no value is written as."""
    if isinstance(node, ast.Constant):
        return type(node.value).__name__, repr(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "-", _of(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):  # a complex number
        return type(node.op).__name__, _of(node.left), _of(node.right)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return "name", node.id if isinstance(node, ast.Name) else node.attr
    if isinstance(node, (ast.List, ast.Tuple)):
        return type(node).__name__, *map(_of, node.elts)
    if isinstance(node, ast.Set):
        return "Set", frozenset(map(_of, node.elts))
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        return "Dict", *((_of(key), _of(value)) for key, value in zip(node.keys, node.values, strict=True) if key)
    if isinstance(node, ast.Call):
        return _called(node)
    raise ValueError(f"no value is written with a {type(node).__name__}")


def _called(node: ast.Call) -> Any:
    name = _of(node.func)[1]
    args = [_of(arg) for arg in node.args]
    named = frozenset((word.arg, _of(word.value)) for word in node.keywords)
    if name == "range" and len(args) in (1, 2) and not named:
        args = [("int", "0"), *args] if len(args) == 1 else args
    elif name == "range" and len(args) == 3 and args[2] == ("int", "1"):
        args = args[:2]
    if name in (*_UNORDERED, "OrderedDict"):
        if not args or (name == "defaultdict" and len(args) == 1):
            args.append(("Dict",))
        if args[-1][0] in ("List", "Tuple") and all(
            pair[0] in ("Tuple", "List") and len(pair) == 3 for pair in args[-1][1:]
        ):
            args[-1] = ("Dict", *((key, value) for _, key, value in args[-1][1:]))
        if name in _UNORDERED and args[-1][0] == "Dict":
            args[-1] = ("Dict", frozenset(dict(args[-1][1:]).items()))
    return "call", name, tuple(args), named
