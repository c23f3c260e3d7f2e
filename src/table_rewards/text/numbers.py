"""Numbers as people and models write them, read in one place; and the policies by which rewards compare them.

What is read is the same for every reward that compares short answers about tables: separators, signs (a minus before or
behind the currency, the round brackets of accounting), percent, currency, exponents, digits of any script. What counts
as equal is not: a :class:`NumberPolicy` says it by name. docs/answers.md lists the pairs that the policies judge
differently on purpose.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Final, NamedTuple

from table_rewards.text.english_numerals import ONES, TENS
from table_rewards.text.latex import without_latex

MAX_LENGTH: Final = 64
"""Longer texts are not numbers to us: no real answer has more digits, and arithmetic on them has a price."""

MINUS_SIGNS: Final = "−–﹣－‐‑‒"
SPACES: Final = "\u00a0\u2009\u202f\u2007\u2008"
SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
BEFORE_FRACTION: Final = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞↉])")
"""Where a whole number ends and a fraction of one character begins: 1½ is not 11/2, which it would become."""
SUPERSCRIPT: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")

_FOLD: Final = str.maketrans(
    {
        **dict.fromkeys(MINUS_SIGNS, "-"),
        **dict.fromkeys("＋﹢", "+"),
        **dict.fromkeys("％﹪٪", "%"),
        **dict.fromkeys("，٬", ","),
        **dict.fromkeys("．٫", "."),
        **dict.fromkeys("（", "("),
        **dict.fromkeys("）", ")"),
        **dict.fromkeys("［【", "["),
        **dict.fromkeys("］】", "]"),
        **dict.fromkeys("＝", "="),
        **dict.fromkeys("～∼≃≅≒", "≈"),
        **dict.fromkeys("＄﹩", "$"),
        **dict.fromkeys(SPACES + "\u3000", " "),
    }
)
_DIGIT: Final = re.compile(r"\d")
_CURRENCY: Final = r"(?:US|A|C|HK)?\$|[€£¥￥₹₩₽]|USD|EUR|GBP|CNY|RMB|JPY|INR|CHF|Rs\.?"
_NUMBER: Final = re.compile(
    rf"(?P<sign1>[+-]?)\s?(?P<currency>{_CURRENCY})?\s?(?P<sign2>[+-]?)\s?"
    r"(?P<digits>\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?: \d{3})+|\d{1,3}(?:['’]\d{3})+|\d+)?"
    r"(?P<fraction>\.\d*)?(?P<exponent>[eE][+-]?\d{1,3})?"
    r"\s?(?P<after>%|per ?cent|pct|[$€£¥₹]|USD|EUR|GBP|CNY|RMB|JPY|INR|CHF|dollars|euros|美元|元)?",
)
_ACCOUNTING: Final = re.compile(rf"(?P<outer>{_CURRENCY})?\s?\(\s?(?P<inner>[^()]+?)\s?\)\s?(?P<after>%)?")
_POWER: Final = re.compile(
    r"(?:(?P<mantissa>[+-]?[\d.,]+)\s?[×x*·⋅∙✕]\s?)?10\s?(?:\^|\*\*)\s?\(?(?P<exponent>[+-]?\d{1,3})\)?"
)
_MULTIPLIED: Final = re.compile(
    r"(?P<number>.*?\d\.?)\s?(?P<word>hundred|thousand|million|billion|trillion|万亿|百万|千万|万|亿|萬|億)"
    r"(?P<after>\s?(?:[%€£¥]|USD|EUR|dollars|euros|元|美元))?",
    re.IGNORECASE,
)
_MULTIPLIERS: Final = {
    "hundred": 2,
    "thousand": 3,
    "million": 6,
    "billion": 9,
    "trillion": 12,
    "万": 4,
    "萬": 4,
    "百万": 6,
    "千万": 7,
    "亿": 8,
    "億": 8,
    "万亿": 12,
}
_CALL: Final = re.compile(r"(?:(?:np|numpy|decimal)\.)?(?:u?int\d*|float\d*|Decimal)\(\s*['\"]?(.*?)['\"]?\s*\)")
_LEAD: Final = re.compile(
    r"(?:[=:≈~\s]+|(?:the|about|approx\.?|approximately|around|roughly|circa|ca\.|exactly|equals|is|(?:in\s+)?(?:the\s+)?year|in(?=\s+\d{4}\b))\s+|大?约为?|大概|等于)",
    re.IGNORECASE,
)
_LOOSE_SIGN: Final = re.compile(r"(?:minus|negative|负)\s?(?=\S)", re.IGNORECASE)
_LOOSE_EDGES: Final = re.compile(r"#\s?(?=\d)")
_POINTS_GROUP: Final = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.,])\d+,(?:\d{1,2}|\d{4,})(?![\d.,])")
_MAGNITUDE: Final = re.compile(
    rf"(?P<before>{_CURRENCY})?\s?(?P<number>[+-]?\d[\d.,]*)\s?(?P<word>[kKMB]|mn|mln|[bt]n|lakhs?|lacs?|crores?|m)"
)
_MAGNITUDES: Final = {"k": 3, "m": 6, "mn": 6, "mln": 6, "b": 9, "bn": 9, "tn": 12, "la": 5, "cr": 7}
_EQUATION: Final = re.compile(r"(?P<left>[^=≈]+)(?:=|≈)\s*(?P<right>[^=≈]+)")
_WORKING: Final = re.compile(r"[A-Za-z]\w*|[\d\s.,()$%]*\d[\s)%]*(?:[-+*/^×÷·][\d\s.,()$%]*\d[\s)%]*)+")
_WORDS: Final = {
    **ONES,
    **TENS,
    **{
        f"{ten}{joint}{one}": TENS[ten] + ONES[one]
        for ten in TENS
        for one in ONES
        if 0 < ONES[one] < 10
        for joint in "- "
    },
    **{word: number for number, word in enumerate("零一二三四五六七八九十")},
    "两": 2,
    **{f"十{word}": number for number, word in enumerate("一二三四五六七八九", start=11)},
    "二十": 20,
}
_LONGEST_WORD: Final = 16
_PERCENT_OF: Final = re.compile(r"(?P<sign>[+-]?)百分之(?P<number>.+)")
_EDGES: Final = " \t\r\n\"'`*“”‘’«»「」『』《》@~"
_BEHIND: Final = ".,;:!?/\\。；！？…"
_PAIRS: Final = {"[": "]", "{": "}", "<": ">"}
_CLEANINGS: Final = 8


IN_TEXT: Final = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?: \d{3})+(?![\d ]*\d)|\d{1,3}(?:['’]\d{3})+(?!\d)|\d+)"
    r"(?:\.\d+)?(?:e[+-]?\d{1,2}(?![\w.]))?|\.\d+"
)
"""A number among words, lower-cased, without its sign."""

_LONGEST_EXACT: Final = 60


class Number(NamedTuple):
    """A number, and how it was written.

    ``value`` is the quantity (``10%`` is 0.1); ``decimals`` the places after the point of the quantity as written
    (``10.5%`` has 3, ``1e3`` has 0); ``percent`` whether a percent sign was there.
    """

    value: Decimal
    decimals: int
    percent: bool


class NumberPolicy(NamedTuple):
    """When a number that was given is the gold one.

    Attributes:
        name: who compares so.
        tolerance: share of the gold value by which a *measurement* (a gold number with decimals) may differ.
        every: whether the tolerance is for whole gold numbers too.
        rounding: whether a number is first rounded, half up, to the gold number's decimals.
        percent: whether a percent sign on one side alone may be a missing sign: n and n/100 are both right then.
    """

    name: str
    tolerance: float = 0.0
    every: bool = False
    rounding: bool = True
    percent: bool = True


TABLE_BENCH: Final = NumberPolicy("TableBench, exact match")
TABLE_BENCH_TOLERANT: Final = NumberPolicy("TableBench, within 10 %", tolerance=0.10, every=True, rounding=False)
TABLE_REGION: Final = NumberPolicy("TableRegion", tolerance=0.01)
QA_F1: Final = NumberPolicy("QA-F1", rounding=False, percent=False)


def canonical(written: str, *, negative: bool = False) -> str:
    """A number of :data:`IN_TEXT` in one spelling: no thousands separators, no trailing zeros, ASCII digits.

    >>> canonical("1,250.0"), canonical("1 250", negative=True), canonical("5e3"), canonical("0", negative=True)
    ('1250', '-1250', '5000', '0')
    """
    digits = written.replace(",", "").replace(" ", "").replace("'", "").replace("’", "")
    if not digits.isascii():
        digits = "".join(str(unicodedata.digit(c, 0)) if c.isdecimal() else c for c in digits)
    if len(digits) <= _LONGEST_EXACT:
        try:
            number = Decimal(digits)
            digits = format(number.normalize(), "f") if number else "0"
        except InvalidOperation:
            pass
    return f"-{digits}" if negative and digits != "0" else digits


def parse_number(text: str) -> Number | None:
    """Return the number that the whole text is, or None.

    >>> parse_number("1,234.50")
    Number(value=Decimal('1234.50'), decimals=2, percent=False)
    >>> parse_number("−5 %")
    Number(value=Decimal('-0.05'), decimals=2, percent=True)
    >>> [parse_number(x) for x in ("1,2", "12 km", "nan", "1e999", "")]
    [None, None, None, None, None]
    >>> parse_number("$1,000").value == parse_number("１０００").value == parse_number("1e3").value == 1000
    True
    >>> parse_number("($1,234)").value == parse_number("$(1,234)").value == parse_number("-$1,234").value == -1234
    True
    """
    if len(text) > MAX_LENGTH or _DIGIT.search(text) is None:
        return None
    folded = text.strip()
    if folded.isascii():
        if folded.isdigit():
            return Number(Decimal(folded), 0, False)
        if folded[0].isalpha() and folded[:1] not in "UEGCRJHAI":  # a name, and no currency's
            return None
    else:
        folded = folded.translate(_FOLD)
    return _read(folded)


def written_number(text: str) -> Number | None:
    r"""The same for what stands in an answer: marks round the number are read, or taken off.

    LaTeX, Markdown, quotes, square brackets, punctuation behind it, ``=``, ``≈`` or "about" before it, numpy's way to
    print a number, powers of ten, words such as million, and the words up to ninety-nine.

    >>> [str(written_number(x).value) for x in (r"$\boxed{7{,}000}$", "[7]", "≈ 22.33", "= 7;", "np.float64(21.67)")]
    ['7000', '7', '22.33', '7', '21.67']
    >>> [format(written_number(x).value, "f") for x in ("2.5 million", "3 × 10²", "about 12.5 percent", "1.2万")]
    ['2500000', '300', '0.125', '12000']
    >>> written_number("7 or 8") is None, written_number("Route 7") is None, written_number("[]") is None
    (True, True, True)
    >>> written_number("Seven") == written_number("七") == written_number("7"), written_number("minus")
    (True, None)
    """
    number = parse_number(text)
    if number is not None or len(text) > 4 * MAX_LENGTH:
        return number
    if _DIGIT.search(text) is None:
        return _in_words(text.strip(_EDGES).rstrip(_BEHIND)) if len(text) <= _LONGEST_WORD else None
    text = without_latex(text).translate(_FOLD)
    for _ in range(_CLEANINGS):
        before = text
        text = text.strip(_EDGES).rstrip(_BEHIND).rstrip(_EDGES)
        text = text[lead.end() :] if (lead := _LEAD.match(text)) else text
        if text[:1] in _PAIRS and text[-1:] == _PAIRS[text[:1]] and text[:1] not in text[1:]:
            text = text[1:-1]
        if text[-1:] == ")" and (call := _CALL.fullmatch(text)):
            text = call[1]
        elif text[-2:] == ",)" and text[:1] == "(" and text.count(",") == 1:  # a tuple of one
            text = text[1:-2]
        if text == before:
            break
    return _worded(SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(SUPERSCRIPTS), text))


def loose_number(text: str) -> Number | None:
    """The number that a text may mean, where :func:`written_number` sees none: for predictions alone.

    The comma of the European decimal (unless three digits follow it), points between thousands, a letter or an Indian
    word for the magnitude, "minus", a number sign, and the result of a calculation.

    >>> [format(loose_number(x).value, "f") for x in ("12,5", "1.234.567", "$7M", "1.5 lakh", "minus 7")]
    ['12.5', '1234567', '7000000', '150000', '-7']
    >>> [format(loose_number(x).value, "f") for x in ("#7", "67 / 3 = 22.33", "n = 7", "minus seven")]
    ['7', '22.33', '7', '-7']
    >>> [loose_number(x) for x in ("1,234", "7 = 8", "7m", "7 teams", "one of them")]
    [None, None, None, None, None]
    """
    if len(text) > MAX_LENGTH:
        return None
    text = without_latex(text).translate(_FOLD).strip(_EDGES).rstrip(_BEHIND).strip(_EDGES)
    equation = _EQUATION.fullmatch(text)
    if equation is not None:
        return written_number(equation["right"]) if _WORKING.fullmatch(equation["left"].strip()) else None
    if (sign := _LOOSE_SIGN.match(text)) is not None:
        number = written_number(text[sign.end() :])
        return None if number is None or number.value < 0 else number._replace(value=-number.value)
    if (mark := _LOOSE_EDGES.match(text)) is not None:
        return parse_number(text[mark.end() :])
    if (magnitude := _MAGNITUDE.fullmatch(text)) is not None:
        word = magnitude["word"].lower()
        number = parse_number(magnitude["number"])
        if number is None or (magnitude["word"] == "m" and not magnitude["before"]):  # metres
            return None
        return _scaled(number, _MAGNITUDES[word if word in _MAGNITUDES else word[:2]])
    european = _POINTS_GROUP.search(text)
    if european is not None:
        plain = european[0].replace(".", "").replace(",", ".")
    else:
        european = _DECIMAL_COMMA.search(text)
        if european is None:
            return None
        plain = european[0].replace(",", ".")
    return written_number(text[: european.start()] + plain + text[european.end() :])


def _in_words(text: str) -> Number | None:
    found = _WORDS.get(text.lower())
    return None if found is None else Number(Decimal(found), 0, False)


def _scaled(number: Number, zeros: int) -> Number:
    return Number(number.value.scaleb(zeros), max(0, number.decimals - zeros), False)


def same_number(reference: Number, prediction: Number, policy: NumberPolicy, *, whole: bool = False) -> bool:
    """True when a policy takes ``prediction`` for ``reference``.

    Args:
        reference: the gold number.
        prediction: the number that was given.
        policy: how the two are compared.
        whole: the gold number is a count or a year: another number than a whole one is wrong, whatever it rounds to.

    >>> number = parse_number
    >>> same_number(number("22.33"), number("22.40"), TABLE_REGION)
    True
    >>> three, given = number("3"), number("2.6")
    >>> same_number(three, given, TABLE_BENCH), same_number(three, given, TABLE_BENCH, whole=True)
    (True, False)
    """
    if policy.rounding and rounded_equal(reference, prediction, whole=whole, percent=policy.percent):
        return True
    if policy.tolerance and (policy.every or reference.decimals > 0) and not whole:
        return within(reference, prediction, policy.tolerance)
    return not policy.rounding and reference.value == prediction.value


def rounded_equal(reference: Number, prediction: Number, *, whole: bool = False, percent: bool = True) -> bool:
    """True when the prediction, rounded half up to the reference's decimals, is the reference.

    A percentage is compared at four decimals of its fraction at least, as TableBench's evaluation does. Where one side
    alone has the sign, the other number may be n or n/100 (``percent``).

    >>> number = parse_number
    >>> rounded_equal(number("22.33"), number("22.3333")), rounded_equal(number("7"), number("7.0"))
    (True, True)
    >>> rounded_equal(number("-5"), number("5")), rounded_equal(number("1"), number("95%"))
    (False, False)
    >>> [rounded_equal(number("10%"), number(x)) for x in ("10", "0.1", "10%", "1")]
    [True, True, True, False]
    """
    gold = reference.value
    places = max(4, reference.decimals) if reference.percent else reference.decimals
    if reference.percent == prediction.percent or not percent:  # nearly always
        return _rounds_to(prediction.value, gold, places, whole)
    return any(
        value == gold or (rounds and _rounds_to(value, gold, places, whole))
        for value, rounds in _readings(reference, prediction)
    )


def within(reference: Number, prediction: Number, tolerance: float, percent: bool = True) -> bool:
    """True when ``|reference - prediction| <= tolerance * |reference|``; a reference of 0 asks for 0.

    >>> within(parse_number("51"), parse_number("52.08"), 0.1), within(parse_number("0"), parse_number("0.01"), 0.1)
    (True, False)
    """
    allowed = _decimal(tolerance) * abs(reference.value)
    if reference.percent == prediction.percent or not percent:
        return abs(reference.value - prediction.value) <= allowed
    return any(abs(reference.value - value) <= allowed for value, _ in _readings(reference, prediction))


def _readings(reference: Number, prediction: Number) -> tuple[tuple[Decimal, bool], ...]:
    """Of n and n/100, what the prediction may be where one side alone has a percent sign, and whether it is rounded."""
    value = prediction.value
    if reference.percent:
        return (value / 100, True), (value, True)
    return (value * 100, True), (value, reference.decimals >= 2)


def _rounds_to(value: Decimal, gold: Decimal, places: int, whole: bool) -> bool:
    if value == gold:
        return True
    if whole or abs(value - gold) >= 1:  # rounding moves by half a unit at most
        return False
    unit = Decimal(1).scaleb(-places)
    try:
        with localcontext() as context:
            context.prec = 400
            return value.quantize(unit, ROUND_HALF_UP) == gold.quantize(unit, ROUND_HALF_UP)
    except InvalidOperation:
        return False


@lru_cache(maxsize=64)
def _decimal(number: float) -> Decimal:
    return Decimal(str(number))


def _read(folded: str) -> Number | None:
    negative, after = False, ""
    if folded[-1:] in ")%" and "(" in folded:  # accounting's minus
        brackets = _ACCOUNTING.fullmatch(folded)
        if brackets is None or not _DIGIT.search(brackets["inner"]):
            return None
        folded, after = (brackets["outer"] or "") + brackets["inner"], brackets["after"] or ""
        negative = "-" not in brackets["inner"] and "+" not in brackets["inner"]
    match = _NUMBER.fullmatch(folded + after)
    if match is None:
        return None
    digits, fraction = match["digits"] or "", match["fraction"] or ""
    if not digits and len(fraction) < 2:
        return None
    if match["sign1"] and match["sign2"]:
        return None
    sign = match["sign1"] or match["sign2"]
    whole = digits.replace(",", "").replace(" ", "").replace("'", "").replace("’", "")
    try:
        value = Decimal(f"{sign}{whole or '0'}{fraction}{match['exponent'] or ''}")
    except InvalidOperation:
        return None
    if not math.isfinite(float(value)):
        return None
    decimals = max(0, -int(value.as_tuple().exponent))
    percent = match["after"] in ("%", "percent", "per cent", "pct")
    if percent:
        value, decimals = value / 100, decimals + 2
    return Number(-value if negative else value, decimals, percent)


def _worded(text: str) -> Number | None:
    number = parse_number(text)
    if number is not None:
        return number
    power = _POWER.fullmatch(text)
    if power is not None:
        return parse_number(f"{(power['mantissa'] or '1').replace(',', '')}e{power['exponent']}")
    part = _PERCENT_OF.fullmatch(text)
    if part is not None:
        return parse_number(f"{part['sign']}{part['number']}%")
    multiplied = _MULTIPLIED.fullmatch(text)
    if multiplied is None:
        return None
    number = parse_number(multiplied["number"] + (multiplied["after"] or ""))
    if number is None or number.percent:
        return None
    return _scaled(number, _MULTIPLIERS[multiplied["word"].lower()])
