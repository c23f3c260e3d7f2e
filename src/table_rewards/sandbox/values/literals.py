"""Reading a Python literal without Python: a small recursive-descent parser with a cap on everything.

``ast.literal_eval`` on a model's text builds the sets and dicts (a hash flood), can exhaust the C stack and prints
syntax warnings into the trainer's log; this parser returns tagged data (:mod:`table_rewards.sandbox.worker.encoding`)
and never builds them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from table_rewards.sandbox.worker.encoding import EXACT, MAX_DEPTH

MAX_TEXT = 65_536
MAX_DIGITS = 4_300

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>(?P<prefix>[bBrRuU]{0,2})(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^\\\n']|\\.)*'|"(?:[^\\\n"]|\\.)*"))
    |(?P<number>0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+
      |(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?[jJ]?)
    |(?P<name>[^\W\d]\w*)
    |(?P<mark>[\[\](){},:+-]))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]{1,80}\})"
)
_SIMPLE = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_NAMES = {"None": None, "True": True, "False": False}
_CALLS = {"set": "s", "frozenset": "z", "list": "l", "tuple": "t", "dict": "d"}


def parse(text: str) -> Any:
    """The tagged data of a literal; ``ValueError`` with the place for anything that is not one."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"a literal of {len(text)} characters is over {MAX_TEXT}")
    return _Parser(text.strip()).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.token: re.Match[str] | None = None
        self.advance()

    def whole(self) -> Any:
        value = self.value(0)
        if self.mark == ",":  # a bare tuple: 1, 2
            items = [value]
            while self.mark == ",":
                self.advance()
                if not self.at_end:
                    items.append(self.value(1))
            value = ["t", *items]
        if not self.at_end:
            raise self.error("unexpected text")
        return value

    @property
    def at_end(self) -> bool:
        return self.token is None

    @property
    def mark(self) -> str:
        return (self.token["mark"] or "") if self.token is not None else ""

    def advance(self) -> None:
        if self.at >= len(self.text):
            self.token = None
            return
        self.token = _TOKEN.match(self.text, self.at)
        if self.token is None:
            raise self.error("not a literal")
        self.at = self.token.end()

    def error(self, what: str) -> ValueError:
        start = self.token.start() if self.token is not None else self.at
        return ValueError(f"{what} at {start}: {self.text[start : start + 20]!r}")

    def expect(self, mark: str) -> None:
        if self.mark != mark:
            raise self.error(f"expected {mark!r}")
        self.advance()

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self.error("nested too deep")
        token = self.token
        if token is None:
            raise self.error("unexpected end")
        if token["string"] is not None:
            return self.strings()
        if token["number"] is not None or token["mark"] in ("+", "-"):
            return self.number()
        if token["name"] is not None:
            return self.name(token["name"], depth)
        if token["mark"] == "[":
            self.advance()
            return ["l", *self.items("]", depth)]
        if token["mark"] == "(":
            return self.parenthesis(depth)
        if token["mark"] == "{":
            return self.braces(depth)
        raise self.error("not a literal")

    def items(self, end: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while self.mark != end:
            found.append(self.value(depth + 1))
            if self.mark != end:
                self.expect(",")
        self.advance()
        return found

    def parenthesis(self, depth: int) -> Any:
        self.advance()
        if self.mark == ")":
            self.advance()
            return ["t"]
        first = self.value(depth + 1)
        if self.mark == ")":
            self.advance()
            return first
        self.expect(",")
        return ["t", first, *self.items(")", depth)]

    def braces(self, depth: int) -> Any:
        self.advance()
        if self.mark == "}":
            self.advance()
            return ["d"]
        first = self.value(depth + 1)
        if self.mark != ":":
            if self.mark != "}":
                self.expect(",")
            return ["s", *unique([first, *self.items("}", depth)])]
        flat = [first]
        while True:
            self.expect(":")
            flat.append(self.value(depth + 1))
            if self.mark == ",":
                self.advance()
            elif self.mark != "}":
                raise self.error("expected ',' or '}'")
            if self.mark == "}":
                self.advance()
                return ["d", *last_wins(flat)]
            flat.append(self.value(depth + 1))

    def name(self, name: str, depth: int) -> Any:
        self.advance()
        if name in _NAMES:
            return _NAMES[name]
        if name in ("nan", "inf"):
            return ["f", name]
        if name in _CALLS and self.mark == "(":
            self.advance()
            if self.mark == ")":
                self.advance()
                return [_CALLS[name]]
            inner = self.value(depth + 1)
            self.expect(")")
            if type(inner) is list and inner[0] in ("l", "t", "s", "z") and name != "dict":
                rest = inner[1:]
                return [_CALLS[name], *(unique(rest) if name in ("set", "frozenset") else rest)]
        if name == "float" and self.mark == "(":
            self.advance()
            inner = self.value(depth + 1)
            self.expect(")")
            if type(inner) is str and inner.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
                return ["f", repr(float(inner))]
        raise self.error(f"{name!r} is not a literal before")

    def number(self) -> Any:
        """``-1``, ``1.5e3``, ``2j``, ``1+2j``."""
        first = self.signed()
        if self.mark in ("+", "-") and not isinstance(first, complex):
            second = self.signed()
            if not isinstance(second, complex):
                raise self.error("not a literal")
            first = first + second
        if isinstance(first, complex):
            return ["c", repr(first.real), repr(first.imag)]
        if isinstance(first, int):
            return first if -EXACT < first < EXACT else ["i", hex(first)]
        return first if abs(first) < float("inf") else ["f", repr(first)]

    def signed(self) -> int | float | complex:
        sign = 1
        for _ in range(8):
            if self.mark not in ("+", "-"):
                break
            sign = -sign if self.mark == "-" else sign
            self.advance()
        token = self.token
        if token is None or (token["number"] is None and token["name"] not in ("inf", "nan")):
            raise self.error("expected a number")
        self.advance()
        if token["name"] is not None:
            return sign * float(token["name"])
        digits = token["number"].replace("_", "")
        if len(digits) > MAX_DIGITS:
            raise ValueError(f"a number of {len(digits)} digits is over {MAX_DIGITS}")
        if digits[-1] in "jJ":
            return sign * complex(0, float(digits[:-1]))
        if digits[:2].lower() in ("0x", "0o", "0b"):
            return sign * int(digits, 0)
        if re.fullmatch(r"\d+", digits):
            if digits[0] == "0" and digits.strip("0"):
                raise self.error("a leading zero before")
            return sign * int(digits)
        return sign * float(digits)

    def strings(self) -> Any:
        parts: list[tuple[bool, str]] = []
        while self.token is not None and self.token["string"] is not None:
            parts.append(self.string(self.token))
            self.advance()
        kinds = {kind for kind, _ in parts}
        if len(kinds) > 1:
            raise self.error("bytes and text side by side")
        joined = "".join(text for _, text in parts)
        return ["b", joined.encode("latin-1").hex()] if True in kinds else joined

    def string(self, token: re.Match[str]) -> tuple[bool, str]:
        prefix = token["prefix"].lower()
        if prefix not in ("", "b", "r", "u", "br", "rb"):
            raise self.error("not a literal")
        body = token["string"][len(prefix) :]
        body = body[3:-3] if body[:3] in ('"' * 3, "'" * 3) and len(body) >= 6 else body[1:-1]
        is_bytes = "b" in prefix
        if is_bytes and not body.isascii():
            raise self.error("bytes with a non-ASCII character")
        if "r" not in prefix:
            body = _ESCAPE.sub(lambda match: _unescape(match[1], is_bytes, match[0]), body)
        return is_bytes, body


def _unescape(code: str, is_bytes: bool, whole: str) -> str:
    if code in _SIMPLE:
        return _SIMPLE[code]
    if code[0] in "01234567":
        number = int(code, 8)
        return chr(number & 0xFF if is_bytes else number)
    if code[0] == "x":
        return chr(int(code[1:], 16))
    if is_bytes:
        return whole
    if code[0] == "N":
        try:
            return unicodedata.lookup(code[2:-1])
        except KeyError:
            raise ValueError(f"no character of the name {code[2:-1]!r}") from None
    number = int(code[1:], 16)
    if number > 0x10FFFF:
        raise ValueError(f"no character of the number {number:#x}")
    return chr(number)


def unique(items: list[Any]) -> list[Any]:
    """The items without repeats, by their written form: enough for the compare, which sorts and merges equal ones."""
    return [item for index, item in enumerate(items) if index == 0 or item not in items[max(0, index - 64) : index]]


def last_wins(flat: list[Any]) -> list[Any]:
    """Key-value pairs with the last value of a repeated key, as Python reads a dict display."""
    seen: dict[str, int] = {}
    for index in range(0, len(flat), 2):
        seen[repr(flat[index])] = index
    return [part for index in sorted(seen.values()) for part in flat[index : index + 2]]
