"""Comparing a short answer with the gold one: tokens, numbers with their units, refusals in two languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Final

from table_rewards.core.errors import ConfigurationError

MAX_ANSWER: Final = 2_000
"""Characters of an answer that are compared; a table cell is shorter."""

Token = str | tuple[str, str]
"""A word, a number, or a unit bound to the number beside it."""

REFUSALS: Final = (
    "not answerable",
    "unanswerable",
    "cannot be answered",
    "can not be answered",
    "can't be answered",
    "无法回答",
    "不能回答",
    "无法作答",
    "無法回答",
)
MAX_REFUSAL: Final = 120  # a longer text that contains such words says more than that

_THOUSANDS: Final = r"\d{1,3}(?:,\d{3})+(?!\d)"
_NUMBER: Final = re.compile(rf"(?:{_THOUSANDS}|\d+)(?:\.\d+)?(?:[eE][+-]?\d{{1,2}}(?![\w.]))?|\.\d+")
_UNIT_WORDS: Final = """
% ° °c °f k m g t kg mg μg ng lb oz km cm mm μm nm ft in mi s ms min h hr a ma v mv kv w kw mw gw kwh hz khz mhz ghz
j kj n pa kpa mpa bar l ml kb mb gb tb bp usd eur gbp cny rmb jpy million billion thousand percent
元 万 亿 万元 亿元 年 月 日 人 个 公里 米 吨 千克
"""
_UNITS_AFTER_SPACE: Final = frozenset(_UNIT_WORDS.split())
_COMPARISONS: Final = frozenset("<>≤≥")
_IGNORED: Final = frozenset(("the", "and"))


def token_f1(answer: str, gold: str) -> float:
    """F1 over tokens: 2·common / (tokens of the answer + tokens of the gold answer), in [0, 1].

    Case and Unicode width are folded, punctuation is dropped, a Chinese or Japanese character is a token. Numbers are
    compared as numbers, and a unit counts only beside the right number. Two texts without any token (signs such as "-")
    must be equal.

    >>> token_f1("1,250.0 kg", "1250 kg"), token_f1("24.5%", "24.6%"), token_f1("24.6", "24.6%")
    (1.0, 0.0, 0.6666666666666666)
    >>> token_f1("2019", "9102"), token_f1("silent", "listen"), token_f1("北京市", "北京")
    (0.0, 0.0, 0.8)
    """
    left, right = tokens(answer), tokens(gold)
    if not left or not right:
        return float(not left and not right and fold(answer) == fold(gold))
    common = sum((Counter(left) & Counter(right)).values())
    return 2.0 * common / (len(left) + len(right))


def released_f1(answer: str, gold: str) -> float:
    """The F1 of the TRivia release: over characters of the text that jieba cut, its spaces included (defect R3).

    >>> released_f1("2019", "9102"), round(released_f1("24.6%", "24.5%"), 2), released_f1("", "")
    (1.0, 0.8, 0.0)
    """
    left, right = Counter(_cut(answer)), Counter(_cut(gold))
    common = sum((left & right).values())
    if common == 0:
        return 0.0
    return 2.0 * common / (sum(left.values()) + sum(right.values()))


def is_refusal(text: str) -> bool:
    """True when a short text says that the table does not hold the answer, in English or Chinese.

    >>> is_refusal("Not answerable."), is_refusal("无法回答"), is_refusal("24.6%")
    (True, True, False)
    """
    if len(text) > MAX_REFUSAL:
        return False
    folded = fold(text)
    return any(phrase in folded for phrase in REFUSALS)


def fold(text: str) -> str:
    """Case and width folded, white space single."""
    return " ".join(unicodedata.normalize("NFKC", text[:MAX_ANSWER]).casefold().split())


def tokens(text: str) -> list[Token]:
    """Split a text into comparable tokens.

    >>> tokens("The p-value: <0.050 (5 mA, $1,000) 2019年")
    ['p', 'value', '<', '0.05', '5', ('5', 'ma'), '1000', ('1000', '$'), '2019', ('2019', '年')]
    """
    text = fold(text).replace("−", "-").replace("–", "-")
    found: list[Token] = []
    at, end = 0, len(text)
    currency = ""
    while at < end:
        character = text[at]
        number = _NUMBER.match(text, at) if character.isdecimal() or character == "." else None
        if number is not None:
            value = _value(number[0], _signed(text, at))
            found.append(value)
            if currency:
                found.append((value, currency))
            at = number.end()
            unit, at = _unit(text, at)
            if unit:
                found.append((value, unit))
        elif _is_ideograph(character):
            found.append(character)
            at += 1
        elif _is_wordlike(character):
            stop = at + 1
            while stop < end and (_is_wordlike(text[stop]) or text[stop].isdecimal()) and not _is_ideograph(text[stop]):
                stop += 1
            found.append(text[at:stop])
            at = stop
        else:
            if character in _COMPARISONS:
                found.append(character)
            at += 1
        currency = character if unicodedata.category(character) == "Sc" else ""
    return _without_fillers(found, text)


def _without_fillers(found: list[Token], text: str) -> list[Token]:
    """Drop "the" and "and", and a leading article, where other tokens remain."""
    if len(found) > 1 and found[0] in ("a", "an") and text[len(found[0]) : len(found[0]) + 1] == " ":
        found = found[1:]
    return [token for token in found if token not in _IGNORED] or found


def _signed(text: str, at: int) -> bool:
    """A hyphen before a number is its sign unless it joins it to what stands before."""
    return at > 0 and text[at - 1] == "-" and (at == 1 or not (text[at - 2].isalnum() or text[at - 2] in ")%"))


def _value(written: str, negative: bool) -> str:
    """A number in one spelling: no thousands separators, no trailing zeros, ASCII digits."""
    digits = written.replace(",", "")
    if not digits.isascii():
        digits = "".join(str(unicodedata.digit(c, 0)) if c.isdecimal() else c for c in digits)
    if len(digits) <= 60:
        try:
            number = Decimal(digits)
            digits = format(number.normalize(), "f") if number else "0"
        except InvalidOperation:
            pass
    return f"-{digits}" if negative and digits != "0" else digits


def _unit(text: str, at: int) -> tuple[str, int]:
    """The unit that follows a number, glued to it or behind a space, and where it ends."""
    for start in (at, at + 1):
        if start > at and text[at : at + 1] != " ":
            break
        character = text[start : start + 1]
        if character in ("%", "‰", "°"):
            stop = start + 1
            if character == "°" and text[stop : stop + 1] in ("c", "f"):
                stop += 1
            return text[start:stop], stop
        if character and unicodedata.category(character) == "Sc":
            return character, start + 1
        stop = start
        if character and _is_ideograph(character):
            while stop < len(text) and _is_ideograph(text[stop]) and stop - start < 2:
                stop += 1
            while stop > start + 1 and text[start:stop] not in _UNITS_AFTER_SPACE:
                stop -= 1
        else:
            while stop < len(text) and _is_wordlike(text[stop]) and not _is_ideograph(text[stop]):
                stop += 1
        word = text[start:stop]
        if word and (start == at or word in _UNITS_AFTER_SPACE):
            return word, stop
    return "", at


def _is_wordlike(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _is_ideograph(character: str) -> bool:
    code = ord(character)
    return (
        0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3134F
    )


def _cut(text: str) -> str:
    import jieba

    return " ".join(jieba.cut(text[:MAX_ANSWER]))


def require_jieba() -> None:
    """Load the dictionary of the released profile, or say how to install it."""
    try:
        import logging

        import jieba
    except ImportError:
        raise ConfigurationError(
            "profile='released' cuts text with jieba, which is not installed: pip install 'table-rewards[zh]'"
        ) from None
    jieba.setLogLevel(logging.WARNING)  # it would write to standard error while it loads
    jieba.initialize()
