"""Whether a text is one value of plain data in a language, so that nothing of it does anything when it is run.

A text is read into tokens; every name must be a known type, constructor or constant, brackets must close in order, and
commas stand inside of them. ``System.exit(0)``, a call of the function that is asked about, a comment or a statement
holds a name or a mark that plain data does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MAX_ANSWER: Final = 65_536
NUMBER: Final = (
    r"(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?(?:\d[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"[lLuUfFdDmM]{0,3}(?!\w)"
)
DOUBLE: Final = r'"(?:[^\\\n"]|\\.)*"'
CHARACTER: Final = r"'(?:[^\\\n']|\\.[^\n']{0,8})'"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_TYPE_MARKS: Final = frozenset((",", ".", "::", "[", "]", "{", "}", "?", "<", ">", "*"))


@dataclass(frozen=True, slots=True)
class Grammar:
    """What plain data is made of in one language.

    Args:
        strings: regular expressions of its texts, tried in order.
        names: types, constructors and constants, which may stand by themselves.
        methods: what may follow a point.
        marks: a regular expression of its marks.
        generic: whether ``Name<...>`` is a type.
        block_ends: whether a semicolon may stand inside of braces (Java's initialisers).
        joins: whether a point joins texts, as in PHP, and is not followed by a name.
        unread: rewrites a text before it is read (Java's ``\\uXXXX`` stand for characters wherever they are).
        refused: what makes a text of the language more than a text.
    """

    strings: tuple[str, ...]
    names: frozenset[str]
    methods: frozenset[str] = frozenset()
    marks: str = r"[\[\](){},.:+*/%-]"
    generic: bool = False
    block_ends: bool = False
    joins: bool = False
    unread: Callable[[str], str] = str
    refused: re.Pattern[str] | None = None
    token: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        texts = "|".join(self.strings)
        whole = (
            rf"(?P<string>{texts})|(?P<space>\s+)|(?P<number>{NUMBER})|(?P<name>[A-Za-z_]\w*)|(?P<mark>{self.marks})"
        )
        object.__setattr__(self, "token", re.compile(whole, re.DOTALL))


def is_plain(text: str, grammar: Grammar, *, several: bool = False) -> bool:
    """Whether a text is one value of plain data, or ``several`` with commas between.

    Args:
        text: what a model answered.
        grammar: of the language.
        several: whether commas may stand outside of brackets, as between arguments.
    """
    text = grammar.unread(text)
    tokens = _tokens(text, grammar) if text.strip() and len(text) <= MAX_ANSWER else None
    if tokens is None or (grammar.generic and not _without_type_arguments(tokens, grammar)):
        return False
    opened: list[str] = []
    for index, (kind, token) in enumerate(tokens):
        before_kind, before = tokens[index - 1] if index else ("", "")
        behind_kind, behind = tokens[index + 1] if index + 1 < len(tokens) else ("", "")
        fits = True
        if token in _PAIRS.values() and kind == "mark":
            opened.append(token)
        elif token in _PAIRS and kind == "mark":
            fits = bool(opened) and opened.pop() == _PAIRS[token]
        elif kind == "mark" and token == ",":
            fits = bool(opened) or several
        elif kind == "mark" and token == ";":
            fits = grammar.block_ends and "{" in opened
        elif kind == "mark" and token == "/":
            fits = behind not in ("/", "*")
        elif kind == "mark" and token in (":", "=>", "?"):
            fits = bool(opened)
        elif kind == "mark" and token == ".":
            fits = grammar.joins or behind_kind == "name"
        elif kind == "name" and before == "." and before_kind == "mark" and not grammar.joins:
            fits = token in grammar.methods or token in grammar.names
        elif kind == "name":
            fits = token in grammar.names or token.startswith("Union_")
        elif kind == "string" and grammar.refused is not None:
            fits = not grammar.refused.search(token)
        if not fits:
            return False
    return not opened


def _tokens(text: str, grammar: Grammar) -> list[tuple[str, str]] | None:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = grammar.token.match(text, at)
        if found is None:
            return None
        if found.lastgroup != "space":
            tokens.append((str(found.lastgroup), found.group()))
        at = found.end()
    return tokens


def _without_type_arguments(tokens: list[tuple[str, str]], grammar: Grammar) -> bool:
    """Take ``<...>`` behind names out of the tokens; whether all that is left of angle brackets is nothing."""
    index = 0
    while index < len(tokens):
        if tokens[index] != ("mark", "<"):
            if tokens[index] == ("mark", ">"):
                return False
            index += 1
            continue
        depth, end = 0, index
        while end < len(tokens):
            kind, token = tokens[end]
            depth += (token == "<") - (token == ">")
            known = kind == "name" and (token in grammar.names or token.startswith("Union_"))
            if not known and not (kind == "mark" and token in _TYPE_MARKS):
                return False
            if not depth:
                break
            end += 1
        if depth or not index or tokens[index - 1][0] != "name":
            return False
        del tokens[index : end + 1]
    return True
