"""Numbers as people and models write them: separators, percent, currency, signs, exponents, digits of any script."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Final, NamedTuple

MAX_LENGTH: Final = 64
"""Longer texts are not numbers to us: no real answer has more digits, and arithmetic on them has a price."""

_FOLD: Final = str.maketrans(
    {
        **dict.fromkeys("−–﹣－‐‑‒", "-"),
        **dict.fromkeys("＋﹢", "+"),
        **dict.fromkeys("％﹪٪", "%"),
        **dict.fromkeys("，٬", ","),
        **dict.fromkeys("．٫", "."),
        **dict.fromkeys("\u00a0\u2009\u202f\u2007", " "),
    }
)
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(
    r"(?P<sign1>[+-]?)\s?(?P<currency>[$€£¥￥₹₩₽]|US\$|USD|EUR|GBP|CNY|RMB)?\s?(?P<sign2>[+-]?)"
    r"(?P<digits>\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?: \d{3})+|\d+)?(?P<fraction>\.\d*)?(?P<exponent>[eE][+-]?\d{1,3})?"
    r"\s?(?P<after>%|percent|[€£¥₹]|USD|EUR)?",
)


class Number(NamedTuple):
    """A number, and how it was written.

    ``value`` is the quantity (``10%`` is 0.1); ``decimals`` the places after the point of the quantity as written
    (``10.5%`` has 3, ``1e3`` has 0); ``percent`` whether a percent sign was there.
    """

    value: Decimal
    decimals: int
    percent: bool


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
    """
    if len(text) > MAX_LENGTH or _DIGIT.search(text) is None:
        return None
    folded = text.strip()
    if folded.isascii():
        if folded.isdigit():
            return Number(Decimal(folded), 0, False)
        if folded[0].isalpha() and folded[:1] not in "UEGCR":  # a name, and no currency's
            return None
    else:
        folded = folded.translate(_FOLD)
    negative = False
    if folded[:1] == "(" and folded[-1:] == ")" and folded[1:2].isdigit():  # accounting's minus
        folded, negative = folded[1:-1], True
    match = _NUMBER.fullmatch(folded)
    if match is None:
        return None
    digits, fraction = match["digits"] or "", match["fraction"] or ""
    if not digits and len(fraction) < 2:
        return None
    if match["sign1"] and match["sign2"]:
        return None
    sign = match["sign1"] or match["sign2"]
    whole = digits.replace(",", "").replace(" ", "")
    try:
        value = Decimal(f"{sign}{whole or '0'}{fraction}{match['exponent'] or ''}")
    except InvalidOperation:
        return None
    if not math.isfinite(float(value)):
        return None
    decimals = max(0, -int(value.as_tuple().exponent))
    percent = match["after"] in ("%", "percent")
    if percent:
        value, decimals = value / 100, decimals + 2
    return Number(-value if negative else value, decimals, percent)


def rounded_equal(reference: Number, prediction: Number) -> bool:
    """True when the prediction, rounded half up to the reference's decimals, is the reference.

    A percentage is compared at four decimals of its fraction at least, as TableBench's evaluation does.

    >>> number = parse_number
    >>> rounded_equal(number("22.33"), number("22.3333")), rounded_equal(number("7"), number("7.0"))
    (True, True)
    >>> rounded_equal(number("-5"), number("5")), rounded_equal(number("10%"), number("10"))
    (False, False)
    """
    places = max(4, reference.decimals) if reference.percent else reference.decimals
    unit = Decimal(1).scaleb(-places)
    try:
        with localcontext() as context:
            context.prec = 400
            return reference.value.quantize(unit, ROUND_HALF_UP) == prediction.value.quantize(unit, ROUND_HALF_UP)
    except InvalidOperation:
        return reference.value == prediction.value


def within(reference: Number, prediction: Number, tolerance: float) -> bool:
    """True when ``|reference - prediction| <= tolerance * |reference|``; a reference of 0 asks for 0.

    >>> within(parse_number("51"), parse_number("52.08"), 0.1), within(parse_number("0"), parse_number("0.01"), 0.1)
    (True, False)
    """
    if reference.value == 0:
        return prediction.value == 0
    return abs(reference.value - prediction.value) <= Decimal(str(tolerance)) * abs(reference.value)
