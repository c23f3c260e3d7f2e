"""Which expressions a found input may be made of."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from table_rewards.rewards.white_box.tokens import NotThatForm, closing, literal, scan


def is_plain(text: str, code: str = "") -> bool:
    """Whether an expression is made of literals, pure builtins and methods of plain data alone.

    Such an expression cannot reach, or change, the function that it is an argument of: no assignment, no f-string, no
    attribute outside a short list, no name of the program but those that it gives a plain value at its top level, and
    these only to be read. A ``lambda`` may do what an expression may. Variables of comprehensions and parameters must
    not be named like something at the top level of the program ``code``.

    >>> is_plain("dict(a=1)"), is_plain("'a-b'.split('-') * 2"), is_plain("[i * 2 for i in range(3)]")
    (True, True, True)
    >>> is_plain("lambda x: x > 2"), is_plain("rows[:]", "rows = [1, 2]\\ndef f(xs): ..."), is_plain("lambda x=f: x")
    (True, True, False)
    >>> is_plain("f.__globals__"), is_plain("globals()"), is_plain("(g := 1)"), is_plain("[f for _ in [1]]")
    (False, False, False, False)
    """
    try:
        tokens = [token for token in scan(text) if token.kind != "newline"]
    except NotThatForm:
        return False
    bound: set[str] = set()
    inside = False
    parameters = False
    for token in tokens:  # names between 'for' and 'in', between 'lambda' and ':'
        inside = (inside or token.text == "for") and token.text != "in"
        if parameters and token.text != ":" and token.kind != "name" and token.text != ",":
            return False
        parameters = (parameters or token.text == "lambda") and token.text != ":"
        if (inside or parameters) and token.kind == "name" and token.text != "lambda":
            bound.add(token.text)
    if bound & _top_level(code):
        return False
    constants = _constants(code)
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        behind = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind == "string" and "f" in token.text[: token.text.index(token.text[-1])].lower():
            return False
        if token.text in (":=", ";", "@") or (token.text == "(" and before in (")", "]")):
            return False
        if token.kind != "name":
            continue
        if before == ".":
            if token.text not in _METHODS:
                return False
        elif (token.text in bound and behind != "(") or (token.text in constants and behind not in ("(", ".", "=")):
            continue
        elif not (token.text in _PURE or (behind == "=" and before in ("(", ","))):
            return False
    return True


def computes(text: str) -> bool:
    """Whether a plain expression works an input out: a comprehension, a choice, a call other than of a data type.

    Data may be repeated and joined (``[0] * 5``, ``'a' + 'b'``) and made by its type (``set()``, ``list(range(9))``); a
    ``lambda`` as a whole argument is a value.

    >>> [computes(text) for text in ("[0] * 5", "list(range(9))", "float('inf')", "lambda x: len(x)")]
    [False, False, False, False]
    >>> [computes(text) for text in ("[i for i in range(9)]", "max(range(9))", "'a-b'.split('-')", "1 if 2 else 3")]
    [True, True, True, True]
    """
    try:
        tokens = [token for token in scan(text) if token.kind != "newline"]
    except NotThatForm:
        return True
    while tokens and tokens[0].text == "(" and closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    if tokens and tokens[0].text == "lambda":
        return False
    for index, token in enumerate(tokens):
        if token.kind != "name":
            continue
        called = index + 1 < len(tokens) and tokens[index + 1].text == "("
        if token.text in ("for", "if", "lambda") or (called and token.text not in _DATA_TYPES):
            return True
    return False


_DATA_TYPES: Final = frozenset(
    [
        "range",
        "dict",
        "list",
        "set",
        "tuple",
        "str",
        "int",
        "float",
        "bytes",
        "bytearray",
        "complex",
        "bool",
        "frozenset",
    ]
)


@lru_cache(maxsize=1024)
def _top_level(code: str) -> frozenset[str]:
    """The names that a program defines, assigns or imports at the start of a line."""
    heads = re.findall(r"^(?:(?:async[ \t]+)?def|class|from|import)[ \t](.*)|^([^\W\d]\w*)", code, re.MULTILINE)
    return frozenset(
        name for head in heads for text in head for name in re.findall(r"[^\W\d]\w*", text.partition("(")[0])
    )


@lru_cache(maxsize=1024)
def _constants(code: str) -> frozenset[str]:
    """The names that a program gives one plain value, at the start of a line and nowhere else, and never changes."""
    given = re.findall(r"^([^\W\d]\w*)[ \t]*=[ \t]*([^\n=][^\n]*)$", code, re.MULTILINE)
    found = set()
    for name, text in given:
        try:
            literal(text.partition("#")[0].strip())
        except NotThatForm:
            continue
        uses = re.findall(rf"(?<![\w.]){re.escape(name)}(?!\w)", code)
        if len(uses) == 1:
            found.add(name)
    return frozenset(found)


_PURE: Final = _DATA_TYPES.union(
    [
        "len",
        "sorted",
        "reversed",
        "zip",
        "enumerate",
        "sum",
        "min",
        "max",
        "abs",
        "chr",
        "ord",
        "repr",
        "round",
        "pow",
        "divmod",
        "slice",
        "lambda",
        "for",
        "in",
        "if",
        "else",
        "not",
        "and",
        "or",
        "is",
        "None",
        "True",
        "False",
    ]
)
_METHODS: Final = frozenset(
    [
        "split",
        "rsplit",
        "splitlines",
        "join",
        "lower",
        "upper",
        "title",
        "strip",
        "lstrip",
        "rstrip",
        "replace",
        "encode",
        "decode",
        "capitalize",
        "swapcase",
        "center",
        "ljust",
        "rjust",
        "zfill",
        "keys",
        "values",
        "items",
        "fromkeys",
        "copy",
        "append",
        "extend",
        "insert",
        "remove",
        "reverse",
        "sort",
        "pop",
        "get",
        "add",
        "discard",
        "find",
        "startswith",
        "endswith",
        "isdigit",
        "isalpha",
        "isalnum",
        "isupper",
        "islower",
        "isspace",
        "index",
        "count",
        "union",
        "fromhex",
        "hex",
    ]
)
