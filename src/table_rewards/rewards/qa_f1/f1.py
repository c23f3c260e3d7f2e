"""Comparing a short answer with the gold one: tokens, numbers with their units, refusals in two languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from html import unescape
from typing import Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.invisible import visible
from table_rewards.text.accents import without_accents
from table_rewards.text.dates import read_date
from table_rewards.text.latex import without_latex
from table_rewards.text.numbers import (
    BEFORE_FRACTION,
    IN_TEXT,
    MINUS_SIGNS,
    QA_F1,
    SUPERSCRIPTS,
    Number,
    canonical,
    loose_number,
    same_number,
    written_number,
)

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
    "cannot answer",
    "can't answer",
    "cannot be determined",
    "can not be determined",
    "can't be determined",
    "cannot determine",
    "not enough information",
    "insufficient information",
    "table does not contain",
    "table doesn't contain",
    "does not contain the answer",
    "does not contain information",
    "does not contain the information",
    "无法回答",
    "不能回答",
    "无法作答",
    "無法回答",
    "无法确定",
    "无法判断",
    "无法得出",
    "无法得知",
    "无法从表",
    "表格中没有",
    "表中没有",
)
MAX_REFUSAL: Final = 120  # a longer text that contains such words says more than that

_UNIT_WORDS: Final = """
% ° °c °f k m g t kg mg μg ng lb oz km cm mm μm nm ft in mi s ms min h hr a ma v mv kv w kw mw gw kwh hz khz mhz ghz
j kj n pa kpa mpa bar l ml kb mb gb tb bp usd eur gbp cny rmb jpy million billion thousand percent dollars euros
am pm inr chf hrs hour hours mins minute minutes sec secs seconds kilogram kilograms gram grams milligrams
kilometer kilometers kilometre kilometres meter meters metre metres ohm ohms um ω
元 万 亿 万元 亿元 年 月 日 人 个 公里 米 吨 千克
"""
_UNITS_AFTER_SPACE: Final = frozenset(_UNIT_WORDS.split())
_UNIT_NAMES: Final = {
    "usd": "$",
    "dollars": "$",
    "eur": "€",
    "euros": "€",
    "gbp": "£",
    "cny": "¥",
    "rmb": "¥",
    "元": "¥",
    "inr": "₹",
    "rs": "₹",
    "us$": "$",
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("sec", "secs", "seconds"), "s"),
    **dict.fromkeys(("kilogram", "kilograms", "千克"), "kg"),
    **dict.fromkeys(("gram", "grams"), "g"),
    "milligrams": "mg",
    **dict.fromkeys(("kilometer", "kilometers", "kilometre", "kilometres", "公里"), "km"),
    **dict.fromkeys(("meter", "meters", "metre", "metres", "米"), "m"),
    "吨": "t",
    **dict.fromkeys(("ohm", "ohms"), "ω"),
    "um": "μm",
}
_COMPARISONS: Final = frozenset("<>≤≥±")
_SPELT_COMPARISONS: Final = (("<=", "≤"), (">=", "≥"), ("+/-", "±"))
_IGNORED: Final = frozenset(("the", "and"))
_NO_ARTICLE: Final = frozenset(("and", "or", "vs", "versus", "to", "of", "is"))  # "A and B" begins with a letter

_TAGS: Final = re.compile(r"<(su[pb])>\s*([^<>]{0,40}?)\s*</\1>", re.IGNORECASE)
_INLINE_TAG: Final = re.compile(r"<(/?(?:b|i|em|strong|u|span|br))\s?/?>", re.IGNORECASE)
_LOWERED: Final = re.compile("(?<=\\d)[₀₁₂₃₄₅₆₇₈₉]+")
_RANGE: Final = re.compile(r"(?<=[\d%])\s+to\s+(?=[$€£¥₹]?\d)")
_HALF_OF_DAY: Final = re.compile(r"(?<=\d)\s?([ap])\.\s?m\b\.?")
_RUPEES: Final = re.compile(r"\b(?:rs\.?|inr)\s?(?=\d)")
_JOINED: Final = re.compile(r"(?<!\d)\d+(?:\.\d+)?%?(?:\s?(?:[-:/±]|\()\s?[±]?\d+(?:\.\d+)?%?\)?)+")
_PART: Final = re.compile(r"\d+(?:\.\d+)?")
_LETTER: Final = r"[^\W\d_]"
_IN_A_NAME: Final = re.compile(  # points, apostrophes and hyphens; not those of grades (A-B), nor of figures
    rf"(?<={_LETTER})[.'’]|[.'’](?={_LETTER})|(?<={_LETTER})-(?=\d)|(?<=\d)-(?={_LETTER})"
    rf"|(?<={_LETTER})-(?={_LETTER}{_LETTER})|(?<={_LETTER}{_LETTER})-(?={_LETTER})|(?<=\bn)/(?=a\b)"
)
_RAISED: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_RAISED_LETTER: Final = re.compile(r"(?<=[^\W\d_])[\^_]\{?(\d{1,3})\}?(?![\d.])")
_RAISED_NUMBER: Final = re.compile(r"\^\s?\(?([+-]?\d{1,4}|\w)\)?")
_POWER: Final = re.compile(r"(?<![\w.^])(\d[\d,]*(?:\.\d+)?)\s?[×x*·⋅∙✕]\s?10\s?\^\s?\(?([+-]?\d{1,2})\)?(?![\w.])")
_PERCENT: Final = re.compile(r"(?<=[\d)])\s?(?:percent|per cent|pct)\b")
_PERCENT_OF: Final = re.compile(r"百分之\s?(\d+(?:\.\d+)?)")
_BEHIND_MONEY: Final = r"%|thousand|million|billion|mn|bn|[mk]|"
_IN_BRACKETS: Final = re.compile(rf"([$€£¥₹]?)\(\s?([$€£¥₹]?)\s?({IN_TEXT.pattern})\s?({_BEHIND_MONEY})\s?\)(%?)")
_YEAR: Final = re.compile(r"(?:1[5-9]|20)\d\d")
_BEFORE_A_VALUE: Final = re.compile(r"[\d%)]\s?\Z")
_SIGNS: Final = str.maketrans(
    {**dict.fromkeys(MINUS_SIGNS + "—―", "-"), **dict.fromkeys("✓✔☑🗸✅", " yes "), **dict.fromkeys("✗✘❌☒✖", " no ")}
)
_MARKS: Final = {"√": "yes", "×": "no", "x": "x", "✕": "no"}
_DASHES: Final = re.compile(r"-[-\s]*")
_CURRENCIES: Final = re.compile(
    r"(?:\b(?:us|hk|nz|nt|[acs]))?\$|[€£¥￥₹₩]|usd|eur|gbp|cny|rmb|jpy|inr|chf|\brs\b|dollars|euros|元"
)
_LONGEST_VALUE: Final = 80


def token_f1(answer: str, gold: str) -> float:
    """F1 over tokens: 2·common / (tokens of the answer + tokens of the gold answer), in [0, 1].

    Case and Unicode width are folded, punctuation is dropped, a Chinese or Japanese character is a token. Numbers are
    compared as numbers, their signs included: round brackets are the minus of accounting, where a number stands in them
    alone or with a currency or a thousands separator. A unit counts only beside the right number; a power is not a
    digit (10³ is not 103). Numbers that are joined to one value (3-1, 10:30, 2010-05-03, 12 (34)) count in their order.
    Dashes of any length are one sign, check marks say yes or no. Two texts without any token must be the same signs.
    One date, one number in the form of another country, and one name with or without accents, points and hyphens are
    the same.

    >>> token_f1("1,250.0 kg", "1250 kg"), token_f1("24.5%", "24.6%"), token_f1("24.6", "24.6%")
    (1.0, 0.0, 0.6666666666666666)
    >>> token_f1("2019", "9102"), token_f1("silent", "listen"), token_f1("北京市", "北京")
    (0.0, 0.0, 0.8)
    >>> token_f1("(1,234)", "-1,234"), token_f1("10<sup>3</sup>", "103"), token_f1("—", "-"), token_f1("✓", "Yes")
    (1.0, 0.0, 1.0, 1.0)
    >>> token_f1("3-1", "1-3"), token_f1("3 May 2010", "2010-05-03"), token_f1("U.S.", "US"), token_f1("12,5", "12.5")
    (0.0, 1.0, 1.0, 1.0)
    """
    prepared = _prepared(answer), _prepared(gold)
    left, right = _tokens(prepared[0]), _tokens(prepared[1])
    if not left or not right:
        return float(not left and not right and _bare_signs(answer) == _bare_signs(gold))
    common = sum((Counter(left) & Counter(right)).values())
    if common > 1:
        common = max(0, common - _out_of_order(*prepared))
    score = 2.0 * common / (len(left) + len(right))
    return 1.0 if score < 1.0 and _same_value(answer, gold, prepared) else score


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
    return _tokens(_prepared(text))


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at, end = 0, len(text)
    currency = ""
    while at < end:
        character = text[at]
        number = IN_TEXT.match(text, at) if character.isdecimal() or character == "." else None
        if number is not None:
            value = canonical(number[0], negative=_signed(text, at))
            found.append(value)
            if currency:
                found.append((value, currency))
            at = number.end()
            unit, at = _unit(text, at)
            if unit and unit != currency:
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
        elif character == "^" and (raised := _RAISED_NUMBER.match(text, at)) is not None:
            found.append("^" + raised[1])
            at = raised.end()
        else:
            if character in _COMPARISONS:
                found.append(character)
            at += 1
        if unicodedata.category(character) == "Sc":
            currency = character
        elif character not in " -+":
            currency = ""
    return _without_fillers(found, text)


def _prepared(text: str) -> str:
    """A text folded, with its LaTeX read and each of its signs, powers, percents and brackets in one spelling."""
    text = without_latex(visible(text[:MAX_ANSWER]))
    if "<" in text:
        text = _INLINE_TAG.sub(lambda match: " " if match[1].lower() == "br" else "", _TAGS.sub(_tag, text))
    if "&" in text:
        text = unescape(text)
    if not text.isascii():
        text = _RAISED.sub(lambda match: "^" + match[0].translate(SUPERSCRIPTS), text)
        text = BEFORE_FRACTION.sub(" ", text)
        text = _LOWERED.sub(lambda match: "_" + match[0], text)
        if text.strip() in _MARKS:
            text = _MARKS[text.strip()]
        text = text.translate(_SIGNS)
    text = fold(text)
    if "^" in text or "_" in text:
        text = _RAISED_LETTER.sub(r"\1", text)
        text = _POWER.sub(r"\1e\2", text)
    if "=" in text or "/" in text:
        for written, sign in _SPELT_COMPARISONS:
            text = text.replace(written, sign)
    if "p" in text:
        text = _PERCENT.sub("%", text)
    if " to " in text:
        text = _RANGE.sub("-", text)
    if "m" in text:
        text = _HALF_OF_DAY.sub(r" \1m", text)
    if "r" in text:
        text = _RUPEES.sub("₹", text)
    if "(" in text:
        text = _IN_BRACKETS.sub(_unbracketed, text)
    return text if text.isascii() else _PERCENT_OF.sub(r"\1%", text)


def _tag(match: re.Match[str]) -> str:
    inside = match[2]
    if match[1].lower() == "sub":
        return (
            inside
            if inside.isdecimal() and not match.string[match.start() - 1 : match.start()].isdecimal()
            else f"_{inside}"
        )
    return f"^{inside.translate(_SIGNS)}"


def _unbracketed(match: re.Match[str]) -> str:
    """A number in round brackets with its sign: negative as accounts write it, or as it is where they set it apart."""
    outer, inner, number, unit, behind = match.groups()
    money = bool(outer or inner)
    if unit not in ("", "%") and not money:  # (5 m) is a length
        return match[0]
    if match.start() == 0 and match.end() == len(match.string):
        negative = money or _YEAR.fullmatch(number) is None
    else:
        negative = (money or "," in number) and _BEFORE_A_VALUE.search(match.string, 0, match.start()) is None
    return f" -{outer}{inner}{number}{unit or behind} " if negative else match[0]


def _out_of_order(answer: str, gold: str) -> int:
    """How many numbers are joined to values that hold the same numbers as a gold value in another order."""
    given, wanted = _joined(answer), _joined(gold)
    if not given or not wanted:
        return 0
    found, missing = (
        Counter(tuple(sorted(value)) for value in side.elements()) for side in (given - wanted, wanted - given)
    )
    return sum(len(value) for value in (found & missing).elements())


def _joined(text: str) -> Counter[tuple[str, ...]]:
    """The numbers of each value that joins several, in their order."""
    return Counter(tuple(map(canonical, _PART.findall(value[0]))) for value in _JOINED.finditer(text))


def _same_value(answer: str, gold: str, prepared: tuple[str, str]) -> bool:
    """Whether two short texts are one value all the same: a number, a date, or a name spelt with other marks."""
    if len(answer) > _LONGEST_VALUE or len(gold) > _LONGEST_VALUE:
        return False
    given, wanted = prepared
    if given.isascii() is not wanted.isascii() and _tokens(without_accents(given)) == _tokens(without_accents(wanted)):
        return True
    if _tokens(_IN_A_NAME.sub("", given)) == _tokens(_IN_A_NAME.sub("", wanted)):
        return True
    date = read_date(gold)
    return (date is not None and date == read_date(answer)) or _same_quantity(answer, gold)


def _number(text: str) -> Number | None:
    number = written_number(text)
    return number if number is not None else loose_number(text)


def _same_quantity(answer: str, gold: str) -> bool:
    """Whether both are one and the same number with the same unit, in whatever words: 2.5 million is 2,500,000."""
    if "(" in answer or "(" in gold:
        return False
    wanted, given = _number(gold), _number(answer)
    if wanted is None or given is None or wanted.percent != given.percent:
        return False
    return _currency(answer) == _currency(gold) and same_number(wanted, given, QA_F1)


def _currency(text: str) -> set[str]:
    return {_UNIT_NAMES.get(sign, sign) for sign in _CURRENCIES.findall(fold(text))}


def _bare_signs(text: str) -> str:
    return _DASHES.sub("-", fold(text.translate(_SIGNS))).strip()


def _without_fillers(found: list[Token], text: str) -> list[Token]:
    """Drop "the" and "and", and a leading article, where other tokens remain."""
    if (
        len(found) > 1
        and found[0] in ("a", "an")
        and text[len(found[0]) : len(found[0]) + 1] == " "
        and len(found[1]) > 1
        and found[1] not in _NO_ARTICLE
    ):
        found = found[1:]
    return [token for token in found if token not in _IGNORED] or found


def _signed(text: str, at: int) -> bool:
    """A hyphen before a number, or before its currency, is its sign unless it joins it to what stands before."""
    at -= 1
    if at > 0 and unicodedata.category(text[at]) == "Sc":
        at -= 1
    return at >= 0 and text[at] == "-" and (at == 0 or not (text[at - 1].isalnum() or text[at - 1] in ")%"))


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
            return _UNIT_NAMES.get(word, word), stop
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
    """Load the dictionary of the released profile, or say how to install it.

    Raises:
        ConfigurationError: jieba is not installed.
    """
    try:
        import logging

        import jieba
    except ImportError:
        raise ConfigurationError(
            "profile='released' cuts text with jieba, which is not installed: pip install 'table-rewards[zh]'"
        ) from None
    jieba.setLogLevel(logging.WARNING)  # it would write to standard error while it loads
    jieba.initialize()
