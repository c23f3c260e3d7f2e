"""Reading the few lines of Python that an answer may hold, without Python: tokens, statements, literals.

``ast.parse`` on a model's text can exhaust the C stack and prints warnings into the trainer's log, and an assertion
that is *run* proves nothing about the answer. Here a statement is cut into tokens by one linear scan, and what must be
a value is read by the sandbox's bounded literal parser. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from table_rewards.sandbox import values
from table_rewards.sandbox.values import Value

MAX_ANSWER: Final = 65_536
OPEN, CLOSE = frozenset("([{"), frozenset(")]}")
_MODULES = frozenset(("math", "np", "numpy", "torch"))

_TOKEN: Final = re.compile(
    r"""(?P<string>[bBrRuUfF]{0,2}(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"
        |'(?!'')(?:[^\\\n']|\\.)*'|"(?!"")(?:[^\\\n"]|\\.)*"))
    |(?P<comment>\#[^\n]*)
    |(?P<newline>\n)
    |(?P<space>[^\S\n]+|\\\r?\n)
    |(?P<number>(?:\d|\.\d)(?:[eE][+-](?=\d)|[\w.])*)
    |(?P<name>[^\W\d]\w*)
    |(?P<quote>['"])
    |(?P<mark>==|!=|<=|>=|:=|->|\*\*|//|.)""",
    re.VERBOSE | re.DOTALL,
)


_NO_NUMBERS: Final = re.compile(r"['\"]\s*([+-]?)(inf|infinity|nan)\s*['\"]", re.IGNORECASE)


class NotThatForm(ValueError):
    """The text is not of the form that was asked for; the message says in a few words what it is."""


class Token(NamedTuple):
    kind: str
    text: str
    end: int


def scan(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens of a text with newlines, without spaces and comments.

    Raises:
        NotThatForm: a string is never closed.
    """
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or ""
        if kind == "quote":
            raise NotThatForm("a string that is never closed")
        if kind not in ("space", "comment"):
            yield Token(kind, match.group(), match.end())


def first_statement(text: str) -> tuple[list[Token], str]:
    """The tokens of the first statement, over as many lines as its brackets take, and the text behind it.

    >>> tokens, rest = first_statement("assert f(\\n  1\\n) == 2  # so\\nreturn x\\n3; int")
    >>> [token.text for token in tokens], rest
    (['assert', 'f', '(', '1', ')', '==', '2'], 'return x\\n3; int')
    """
    found: list[Token] = []
    depth = 0
    for token in scan(text):
        if token.kind == "newline":
            if depth <= 0 and found:
                return found, text[token.end :]
            continue
        depth += (token.text in OPEN) - (token.text in CLOSE)
        found.append(token)
    return found, ""


def joined(tokens: Sequence[Token]) -> str:
    """The tokens as one text, in one spacing; ``math.inf``, ``float('inf')`` and their kind as ``inf``.

    >>> joined(list(scan("[-math.inf, float('nan'), np.inf]")))
    '[ - inf , nan , inf ]'
    """
    parts: list[str] = []
    for token in tokens:
        if token.kind == "newline":
            continue
        if token.text in ("inf", "nan") and len(parts) >= 2 and parts[-1] == "." and parts[-2] in _MODULES:
            del parts[-2:]
        if token.text == ")" and parts[-3:-1] == ["float", "("]:
            named = _NO_NUMBERS.fullmatch(parts[-1])
            if named:
                parts[-3:] = [*named[1], named[2].lower()[:3]]
                continue
        parts.append(token.text)
    return " ".join(parts)


def without_marks(tokens: Sequence[Token]) -> Sequence[Token]:
    """A statement without what is only put around it: backticks, asterisks, a semicolon at its end."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].text in ("`", "**"):
        start += 1
    while start < end and tokens[end - 1].text in ("`", "**", ";"):
        end -= 1
    return tokens[start:end]


def one_spacing(line: str) -> str:
    """A line of code without comments, in one spacing and one kind of quotes, so that only content is compared.

    >>> one_spacing("x=f( 'a' )  # call") == one_spacing('x = f("a")')
    True
    """
    return _remembered(line) if len(line) < 1_000 else _in_one_spacing(line)


def _in_one_spacing(line: str) -> str:
    try:
        tokens = list(scan(line))
    except NotThatForm:
        return " ".join(line.split())
    return joined([Token(t.kind, _requoted(t.text), t.end) if t.kind == "string" else t for t in tokens])


_remembered = lru_cache(maxsize=4096)(_in_one_spacing)


def _requoted(text: str) -> str:
    try:
        return values.from_literal(text).text(len(text) * 6 + 10)
    except ValueError:
        return text


def literal(text: str) -> Value:
    """The value of a literal.

    Raises:
        NotThatForm: it is none.
    """
    try:
        return values.from_literal(text)
    except ValueError as error:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise NotThatForm(f"{shown!r} is not a literal value") from error


def split(tokens: Sequence[Token], mark: str) -> list[list[Token]]:
    """Split at every ``mark`` outside brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in OPEN) - (token.text in CLOSE)
        if depth == 0 and token.text == mark and token.kind != "string":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def closing(tokens: Sequence[Token], at: int) -> int:
    """The index of the bracket that closes the one at ``at``; -1 when nothing does."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += (tokens[index].text in OPEN) - (tokens[index].text in CLOSE)
        if depth == 0:
            return index
    return -1
