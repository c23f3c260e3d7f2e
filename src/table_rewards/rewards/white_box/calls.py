"""Calls and assertions in an answer: read, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from table_rewards.rewards.white_box.tokens import (
    CLOSE,
    OPEN,
    NotThatForm,
    Token,
    closing,
    joined,
    literal,
    one_spacing,
    scan,
    split,
)
from table_rewards.sandbox import values
from table_rewards.sandbox.values import Value

MAX_BRACKETS: Final = 20


class Argument(NamedTuple):
    """An argument: its value when it is a literal, its text in any case."""

    text: str
    value: Value | None

    def same(self, other: Argument) -> bool:
        if self.value is None or other.value is None:
            return self.text == other.text
        return values.same(self.value, other.value, bool_is_int=False, int_is_float=False, nan_is_nan=True)


Arguments = Mapping["str | int", Argument]
"""Arguments by parameter name where it is known, else by position."""


def read_arguments(tokens: Sequence[Token], parameters: Sequence[str], known: Mapping[str, str] = {}) -> Arguments:
    """The arguments between the brackets of a call; ``known`` are names that stand for a literal.

    Raises:
        NotThatForm: there is a ``*`` or ``**``, an empty or a repeated argument.
    """
    found: dict[str | int, Argument] = {}
    parts = split([token for token in tokens if token.kind != "newline"], ",")
    if not parts[-1]:
        parts.pop()
    for position, part in enumerate(parts):
        name: str | int = parameters[position] if position < len(parameters) else position
        if len(part) > 2 and part[0].kind == "name" and part[1].text == "=":
            name, part = part[0].text, part[2:]
        if not part or part[0].text in ("*", "**"):
            raise NotThatForm("arguments that are not written out")
        if name in found:
            raise NotThatForm(f"the argument {name!r} twice")
        text = joined(part)
        text = known.get(text, text)
        try:
            found[name] = Argument(one_spacing(text), literal(text))
        except NotThatForm:
            found[name] = Argument(one_spacing(text), None)
    return found


def same_arguments(a: Arguments, b: Arguments) -> bool:
    """Whether two calls have equal arguments, by value, whatever their order by name."""
    return a.keys() == b.keys() and all(argument.same(b[name]) for name, argument in a.items())


class Assertion(NamedTuple):
    """``assert function(arguments) == literal``, read."""

    arguments: Arguments
    claimed: Value


def read_assertion(tokens: Sequence[Token], function: str, parameters: Sequence[str]) -> Assertion:
    """Read an assertion: a call of the function, compared with a literal, either way round.

    Raises:
        NotThatForm: it is anything else; the message says what.
    """
    if not tokens or tokens[0].text != "assert":
        raise NotThatForm("the answer does not start with an assertion")
    test = _without_brackets(split(tokens[1:], ",")[0])
    for comparison in ("==", "is"):
        sides = split(test, comparison)
        if len(sides) != 2:
            continue
        left, right = (_without_brackets(side) for side in sides)
        if not _is_call(left, function):
            left, right = right, left
        if not _is_call(left, function):
            raise NotThatForm(f"neither side of the assertion is a call of {function}")
        claimed = literal(joined(right))
        if comparison == "is" and claimed.kind not in ("none", "bool"):
            raise NotThatForm("'is' compares identity, not values")
        return Assertion(read_arguments(left[_name_length(left) + 1 : -1], parameters), claimed)
    raise NotThatForm("the assertion is not one comparison by '=='")


def last_call(text: str, function: str, parameters: Sequence[str]) -> Arguments:
    """The arguments of the last call of the function in a program; names assigned a literal stand for it.

    >>> dict(last_call("x = [1]\\nassert f(x, 2) == 3", "f", ("a", "b")))["a"].text
    '[ 1 ]'

    Raises:
        NotThatForm: the function is not called.
    """
    tokens = list(scan(text))
    known, closed = _assigned(tokens), _closed(tokens)
    width = function.count(".") * 2 + 1
    found: tuple[int, int] | None = None
    index = 0
    while index + width < len(tokens):
        bracket = index + width
        is_call = tokens[bracket].text == "(" and "".join(t.text for t in tokens[index:bracket]) == function
        if is_call and bracket in closed and not (index and tokens[index - 1].text in ("def", ".", "class")):
            found = bracket + 1, closed[bracket]
            index = closed[bracket]  # a call inside this one is not the answer
        index += 1
    if found is not None:
        return read_arguments(tokens[found[0] : found[1]], parameters, known)
    raise NotThatForm(f"no call of {function}")


def _closed(tokens: Sequence[Token]) -> dict[int, int]:
    """Where each bracket is closed, by the index of its opening; in one pass, whatever is left open."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in OPEN:
            opened.append(index)
        elif token.text in CLOSE and opened:
            found[opened.pop()] = index
    return found


def _assigned(tokens: Sequence[Token]) -> dict[str, str]:
    """Top-level ``name = literal`` assignments; a name that is assigned twice stands for nothing."""
    found: dict[str, str] = {}
    for line in split(tokens, "\n"):
        if len(line) > 2 and line[0].kind == "name" and line[1].text == "=":
            name = line[0].text
            found[name] = "" if name in found else joined(line[2:])
    return {name: text for name, text in found.items() if text}


@lru_cache(maxsize=1024)
def parameters_of(code: str, function: str) -> tuple[str, ...]:
    """The names of a function's parameters up to a ``*``, without ``self``; nothing when it is not defined there."""
    try:
        tokens = [token for token in scan(code) if token.kind != "newline"]
    except NotThatForm:
        return ()
    name = function.rpartition(".")[2]
    for index in range(len(tokens) - 3, -1, -1):
        if tokens[index].text == "def" and tokens[index + 1].text == name and tokens[index + 2].text == "(":
            end = closing(tokens, index + 2)
            names = []
            for part in split(tokens[index + 3 : end], ","):
                if part and part[0].text in ("*", "**"):
                    break
                if part and part[0].text not in ("/", "self", "cls"):
                    names.append(part[0].text)
            return tuple(names)
    return ()


@lru_cache(maxsize=1024)
def only_function(code: str) -> str:
    """The name of the last function that a text defines at its top level, or nothing.

    >>> only_function("import re\\ndef g(x):\\n    return x\\ndef f(x):\\n    return g(x)")
    'f'
    """
    found = re.findall(r"^(?:async[ \t]+)?def[ \t]+([^\W\d]\w*)", code, re.MULTILINE)
    return found[-1] if found else ""


@lru_cache(maxsize=4096)
def arguments_of(text: str, parameters: tuple[str, ...]) -> Arguments:
    """The arguments of a call, from the text between its brackets.

    Raises:
        NotThatForm: as :func:`read_arguments`.
    """
    return read_arguments(list(scan(text)), parameters)


def _without_brackets(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens without round brackets around all of them; a tuple keeps its own."""
    tokens = [token for token in tokens if token.kind != "newline"]
    for _ in range(MAX_BRACKETS):
        if len(tokens) <= 2 or tokens[0].text != "(" or closing(tokens, 0) != len(tokens) - 1:
            break
        inner = tokens[1:-1]
        if len(split(inner, ",")) > 1:
            break
        tokens = inner
    return tokens


def _name_length(tokens: Sequence[Token]) -> int:
    length = 1
    while length + 1 < len(tokens) and tokens[length].text == "." and tokens[length + 1].kind == "name":
        length += 2
    return length


def _is_call(tokens: Sequence[Token], function: str) -> bool:
    if len(tokens) < 3 or tokens[0].kind != "name":
        return False
    width = _name_length(tokens)
    called = "".join(token.text for token in tokens[:width])
    return called == function and tokens[width].text == "(" and closing(tokens, width) == len(tokens) - 1
