r"""Numbers as people and models write them: exact, with percent sign and unit told apart.

``1,234.50``, ``\frac{3}{4}``, ``1\frac12``, ``3/4``, ``2.5 \times 10^{3}``, ``\$5``, ``28\%``, ``10\text{ km}``,
``90^\circ``. Everything is a ``Fraction``, so ``0.1 + 0.2`` surprises nobody; nothing is ever evaluated.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

MAX_DIGITS: Final = 256
MAX_EXPONENT: Final = 300
TOLERANCE: Final = Fraction(1, 10**6)

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_PLAIN = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+")
_VALUE = re.compile(
    r"""(?P<sign>[+-]?)\s*(?:
      (?P<whole>[0-9]+)?\s*\\[dtc]?frac\s*(?:\{\s*(?P<n1>-?[0-9.,]+)\s*\}|(?P<n2>[0-9]))\s*
          (?:\{\s*(?P<d1>-?[0-9.,]+)\s*\}|(?P<d2>[0-9]+))
    | (?P<mixed>[0-9]+)\s+(?P<n3>[0-9]+)\s*/\s*(?P<d3>[0-9]+)
    | (?P<n4>[0-9][0-9.,]*)\s*/\s*(?P<d4>[0-9][0-9.,]*)
    | (?P<plain>[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)
        (?:\s*(?:\\times|\\cdot|\*|x|×)\s*10\s*(?:\^|\*\*)\s*(?:\{\s*(?P<p1>[+-]?[0-9]+)\s*\}|\(\s*(?P<p3>[+-]?[0-9]+)\s*\)
           |(?P<p2>[+-]?[0-9]+))
         |[eE](?P<e>[+-]?[0-9]+)(?![0-9.]))?
    )""",
    re.VERBOSE,
)
_SPACES = re.compile(r"\\[,;:! ]|~|\\q?quad(?![a-zA-Z])|[ ​ ]")
_WRAPPED = re.compile(r"\\(?:text|textrm|textbf|mathrm|mathbf|operatorname|mbox)\s*\{([^{}]*)\}")
_DEGREES = re.compile(r"\^\s*\{?\s*(?:\\circ|∘)\s*\}?|°|\\degree(?![a-zA-Z])")
_PERCENT = re.compile(r"\\?%|(?:per ?cent|percentage|pct)\b", re.IGNORECASE)
_UNIT = re.compile(r"[a-zμµ°Ω′″'\"]+(?:\s*\^?\s*\{?\s*-?[1-9²³]\s*\}?)?", re.IGNORECASE)

_SINGULAR: Final = {
    "feet": "foot", "ft": "foot", "inches": "inch", "in": "inch", "yd": "yard", "mi": "mile", "s": "second",
    "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour",
    "kilometer": "km", "kilometre": "km", "meter": "m", "metre": "m", "centimeter": "cm", "centimetre": "cm",
    "millimeter": "mm", "millimetre": "mm", "kilogram": "kg", "gram": "g", "milligram": "mg", "liter": "l",
    "litre": "l", "milliliter": "ml", "degree": "°", "deg": "°", "usd": "$", "dollar": "$", "€": "euro",
    "£": "pound", "lb": "pound", "lbs": "pound", "oz": "ounce", "rad": "radian", "sq": "square", "rs": "rupee",
}  # fmt: skip
_UNIT_WORDS: Final = """
    km m cm mm nm μm µm dm mile foot inch yard kg g mg ton tonne pound ounce l ml second minute hour day week month
    year decade century ms ° c k f radian $ cent euro yen rupee yuan pence penny hz khz mhz ghz n pa kpa w kw mw j kj v
    a mol ha acre square cubic unit per mph kmh kph bit byte kb mb gb tb gallon quart pint cup meter people person
    student child point piece item way time coin ticket book page apple orange ball marble card game vote question goal
    percentage_point
"""
UNITS: Final = frozenset(_UNIT_WORDS.split())
_OTHER_WORDS: Final = """
    million billion trillion thousand hundred dozen score or and to times squared cubed choose mod plus minus
    factorial half quarter third double triple pi e i x y n over from between not if about approximately less more least
    most than power
"""
_NEVER_UNITS: Final = frozenset(_OTHER_WORDS.split())
_CURRENCY: Final = {"$": "$", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}


class Number(NamedTuple):
    """A number as written: ``value``, whether a percent sign follows, its unit ("" when none), and whether the
    digits may be an approximation (a decimal point was written)."""

    value: Fraction
    percent: bool = False
    unit: str = ""
    decimal: bool = False


@lru_cache(maxsize=65_536)
def read_number(text: str) -> Number | None:
    r"""Return the number that ``text`` is, all of it, else None.

    >>> read_number(r"1{,}234.5").value, read_number(r"-\frac12").value, read_number("12 or 13")
    (Fraction(2469, 2), Fraction(-1, 2), None)
    >>> read_number(r"28\%").percent, read_number(r"10\text{ km}").unit
    (True, 'km')
    """
    if _INTEGER.fullmatch(text):
        return Number(Fraction(int(text)))
    if len(text) > 2 * MAX_DIGITS or not any("0" <= c <= "9" for c in text):
        return None
    text = _plainly(text)
    unit = ""
    sign = ""
    if text[:1] in "+-" and text[1:2] in _CURRENCY:
        sign, text = text[0], text[1:]
    if text[:1] in _CURRENCY:
        unit, text = _CURRENCY[text[0]], text[1:].lstrip()
    match = _VALUE.match(sign + text)
    if match is None:
        return None
    value = _value(match)
    if value is None:
        return None
    rest = (sign + text)[match.end() :].strip()
    percent = False
    if rest:
        found = _PERCENT.match(rest)
        if found and not unit:
            percent, rest = True, rest[found.end() :].strip()
        if rest:
            named = _unit(rest, wrapped=rest[0] == "\x00")
            if named is None or unit:
                return None
            unit = named
    decimal = bool(match["plain"] and ("." in match["plain"]))
    return Number(value, percent, unit, decimal)


def same_number(gold: Number, answer: Number) -> bool:
    r"""Whether two written numbers say the same.

    A unit or a percent sign may be left out on one side, as in most answer keys; when both are written they must
    agree. ``5\%`` is 5 % and 0.05. Decimals may be rounded at the sixth decimal, both absolutely and relatively.

    >>> same_number(read_number("10 km"), read_number("10")), same_number(read_number("10 km"), read_number("10 m"))
    (True, False)
    >>> same_number(read_number("0.05"), read_number("5%")), same_number(read_number("0.05"), read_number("5"))
    (True, False)
    """
    if gold.unit and answer.unit and gold.unit != answer.unit:
        return False
    if gold.percent != answer.percent:
        marked, bare = (gold, answer) if gold.percent else (answer, gold)
        if _close(marked.value / 100, bare.value, marked.decimal or bare.decimal):
            return True
    return _close(gold.value, answer.value, gold.decimal or answer.decimal)


def _close(a: Fraction, b: Fraction, decimal: bool) -> bool:
    if a == b:
        return True
    if not decimal:
        return False
    return abs(a - b) <= TOLERANCE * min(Fraction(1), max(abs(a), abs(b)))


def _plainly(text: str) -> str:
    """LaTeX that only dresses a number up, taken off. A unit in ``\\text{}`` is marked by a NUL in front."""
    text = text.replace("{,}", ",").replace("\\$", "$").replace("−", "-").replace("–", "-")
    text = text.replace("\\left", "").replace("\\right", "") if "\\left" in text or "\\right" in text else text
    text = _SPACES.sub(" ", text)
    text = _DEGREES.sub(" °", text)
    text = _WRAPPED.sub(lambda m: " \x00" + m[1].strip(), text)
    if len(text) > 2 and text[0] == "$" == text[-1]:
        text = text[1:-1]
    elif text[-1:] == "$":  # "5$": the sign behind the number
        text = "$" + text[:-1]
    return text.strip()


def _value(match: re.Match[str]) -> Fraction | None:
    sign = -1 if match["sign"] == "-" else 1
    upper = match["n1"] or match["n2"] or match["n3"] or match["n4"]
    if upper is not None:
        lower = match["d1"] or match["d2"] or match["d3"] or match["d4"]
        above, below = _decimal(upper), _decimal(lower)
        if above is None or not below:
            return None
        whole = _decimal(match["whole"] or match["mixed"] or "0")
        if whole is None or (whole and above < 0):
            return None
        return sign * (whole + above / below)
    value = _decimal(match["plain"])
    power = match["p1"] or match["p2"] or match["p3"] or match["e"]
    if value is None or power is None:
        return None if value is None else sign * value
    if len(power) > 5 or abs(int(power)) > MAX_EXPONENT:
        return None
    return sign * value * Fraction(10) ** int(power)


def _decimal(text: str) -> Fraction | None:
    negative = text[:1] == "-"
    text = text[1:] if negative else text
    if not _PLAIN.fullmatch(text) or len(text) > MAX_DIGITS:
        return None
    digits = text.replace(",", "")
    if digits[-1:] == ".":
        digits += "0"
    value = Fraction("0" + digits if digits[0] == "." else digits)
    return -value if negative else value


def _unit(text: str, *, wrapped: bool) -> str | None:
    r"""The unit that ``text`` is: known ones, or any plain words inside ``\text{}``; None when it is no unit."""
    words = []
    for word in text.replace("\x00", " ").replace("/", " per ").replace("-", " ").lower().strip(". ").split():
        if word in ("of", "a", "the"):
            continue
        core = word.rstrip("^{}0123456789²³")
        power = word[len(core) :].strip("^{}").replace("²", "2").replace("³", "3")
        core = _SINGULAR.get(core) or _SINGULAR.get(core.removesuffix("s")) or core
        core = core if core in UNITS else core.removesuffix("s")
        if core == "" and power == "" and word:
            continue
        if core in _NEVER_UNITS or (core not in UNITS and not (wrapped and core.isalpha())):
            return None
        words.append(core + power)
    return " ".join(words) if 0 < len(words) <= 6 else None
