"""Plain data in JavaScript, whose objects have keys that are bare names."""

from __future__ import annotations

import re
from typing import Final

MAX_ANSWER: Final = 65_536
_TOKEN: Final = re.compile(
    r"""(?P<string>'(?:[^\\\n']|\\.)*'|"(?:[^\\\n"]|\\.)*"|`(?:[^\\`$]|\\.|\$(?!\{))*`)
    |(?P<space>\s+)
    |(?P<number>(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)n?)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<mark>\.\.\.|[\[\](){},:.+*/%-])""",
    re.VERBOSE | re.DOTALL,
)
_NAMES: Final = frozenset(
    (
        *("true", "false", "null", "undefined", "NaN", "Infinity"),
        *("new", "Map", "Set", "Array", "Number", "String", "BigInt"),
    )
)
_METHODS: Final = frozenset(
    (
        *("repeat", "split", "join", "concat", "fill", "slice", "toUpperCase", "toLowerCase", "trim", "reverse"),
        *("padStart", "padEnd", "from", "of", "POSITIVE_INFINITY", "NEGATIVE_INFINITY", "NaN", "MAX_SAFE_INTEGER"),
    )
)
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


def is_plain(text: str, *, several: bool = False) -> bool:
    """Whether a text is one value of plain data, or ``several`` with commas between: nothing of it reaches anything.

    >>> is_plain("{a: [1, -2.5], 'b': null}"), is_plain("new Map([['a', 1]])"), is_plain("'ab'.repeat(3)")
    (True, True, True)
    >>> is_plain("process.exit(0)"), is_plain("candidate(1)"), is_plain("1, 2"), is_plain("`${process.exit(0)}`")
    (False, False, False, False)
    >>> is_plain("1), assert.ok(1"), is_plain("[].constructor"), is_plain("[]['at']"), is_plain("{get a() {}}")
    (False, False, False, False)
    >>> is_plain("1, 2", several=True)
    True
    """
    if not text.strip() or len(text) > MAX_ANSWER:
        return False
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return False
        if found.lastgroup != "space":
            tokens.append((found.lastgroup, found.group()))
        at = found.end()
    opened: list[str] = []
    for index, (kind, token) in enumerate(tokens):
        before_kind, before = tokens[index - 1] if index else ("", "")
        behind = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        in_object = bool(opened) and opened[-1] == "{"
        fits = True
        if kind == "mark" and token in ("(", "[", "{"):
            opened.append(token)  # never behind a value, where it would reach into it or call it
            value = before in ("]", ")", "}") or before_kind in ("string", "number")
            fits = not value and (token == "(" or before_kind != "name")
        elif kind == "mark" and token in _PAIRS:
            fits = bool(opened) and opened.pop() == _PAIRS[token]
        elif token == ",":
            fits = bool(opened) or several
        elif token == ":":
            fits = in_object
        elif kind == "string":
            fits = behind != ":" or ("__proto__" not in token and "\\" not in token)
        elif kind == "name" and before == ".":
            fits = token in _METHODS
        elif kind == "name" and token not in _NAMES:
            fits = in_object and behind == ":" and before in ("{", ",") and token != "__proto__"
        if not fits:
            return False
    return not opened
