r"""Words behind a number: units of measure, counted things, and the multipliers that are part of the number itself.

A unit is a few plain words. Words that change or take back what was said (``million``, ``or``, ``not``, ``wrong``) are
never one.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.tree import vocabulary

MULTIPLIERS: Final = {
    "hundred": Fraction(100), "thousand": Fraction(1_000), "million": Fraction(10**6), "billion": Fraction(10**9),
    "trillion": Fraction(10**12), "dozen": Fraction(12), "lakh": Fraction(10**5), "crore": Fraction(10**7),
    "hundreds": Fraction(100), "thousands": Fraction(1_000), "millions": Fraction(10**6), "billions": Fraction(10**9),
    "dozens": Fraction(12), "quadrillion": Fraction(10**15), "mn": Fraction(10**6), "bn": Fraction(10**9),
    "十": Fraction(10), "百": Fraction(100), "千": Fraction(1_000), "万": Fraction(10**4), "亿": Fraction(10**8),
    "百万": Fraction(10**6), "千万": Fraction(10**7), "萬": Fraction(10**4), "億": Fraction(10**8),
}  # fmt: skip
PERCENT: Final = frozenset({"percent", "per cent", "percentage", "pct", "percents"})

_NAMES: Final = {
    "feet": "foot", "ft": "foot", "inches": "inch", "in": "inch", "yd": "yard", "yds": "yard", "mi": "mile",
    "s": "second", "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour",
    "hrs": "hour", "kilometer": "km", "kilometre": "km", "meter": "m", "metre": "m", "centimeter": "cm",
    "centimetre": "cm", "millimeter": "mm", "millimetre": "mm", "kilogram": "kg", "gram": "g", "grams": "g",
    "milligram": "mg", "liter": "l", "litre": "l", "milliliter": "ml", "millilitre": "ml", "degree": "°", "deg": "°",
    "usd": "$", "dollar": "$", "us$": "$", "€": "euro", "£": "gbp", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "rad": "radian", "sq": "square", "rs": "rupee", "₹": "rupee", "¢": "cent", "¥": "yen", "cu": "cubic",
    "people": "person", "children": "child", "celsius": "c", "fahrenheit": "f", "men": "man", "women": "woman",
    "metres": "m", "gal": "gallon", "qt": "quart", "wk": "week", "yr": "year", "yrs": "year", "mo": "month",
    "kph": "km per hour", "kmh": "km per hour", "kmph": "km per hour", "mph": "mile per hour", "mps": "m per second",
    "dollars": "$", "am": "a.m.", "pm": "p.m.", "a.m": "a.m.", "p.m": "p.m.", "newton": "n", "joule": "j", "watt": "w",
    "volt": "v", "ampere": "amp", "ohm": "Ω", "sq.": "square", "米": "m", "厘米": "cm", "千米": "km", "公里": "km",
    "毫米": "mm", "千克": "kg", "公斤": "kg", "克": "g", "元": "yuan", "块": "yuan", "小时": "hour", "分钟": "minute",
    "秒": "second", "天": "day", "度": "°", "平方米": "m2", "平方厘米": "cm2", "立方米": "m3", "立方厘米": "cm3",
    "升": "l", "毫升": "ml", "吨": "ton", "分": "minute", "平方千米": "km2", "角": "jiao", "美元": "$", "时": "hour",
}  # fmt: skip
_IRREGULAR: Final = frozenset({"gas", "bus", "class", "glass", "cross", "mass", "pass", "us", "this", "lens"})
_NEVER: Final = (
    vocabulary(
        """
    and or not but maybe perhaps if when where while then else otherwise is are was were be been has have had does do
    wrong right correct incorrect true false yes no none to from times plus minus divided multiplied equals equal over
    between about approximately approx around less more least most than power squared cubed root square-root half
    quarter third double triple twice pi infinity mod modulo factorial choose score except without excluding rejected
    impossible invalid undefined unknown either neither both nor only even odd negative positive by up down with for all
    every any some such that which who because since therefore thus hence so answer solution value total possibly
    probably actually instead rather likely unless though although however infinite infinitely gross base given
    """
    )
    | frozenset(MULTIPLIERS)
    | PERCENT
)
PLAIN: Final = vocabulary(
    """
    km cm mm kg ft lb lbs oz yd yds mph kph kmh min mins sec secs hr hrs inch inches foot feet mile miles yard yards
    meter meters metre metres kilometer kilometers centimeter centimeters millimeter millimeters gram grams kilogram
    kilograms pound pounds ounce ounces liter liters litre litres gallon gallons second seconds minute minutes hour
    hours day days week weeks month months year years degree degrees radian radians dollar dollars cent cents euro euros
    yen rupees yuan pence square cubic sq units unit people students points ways cookies apples eggs hz khz mhz ghz kpa
    kwh usd acres percent tons ton gallons quarts pints cups meals per
    """
)
"""Words that are units without ``\\text{}`` around them; single letters and letters that may be a product are not."""

_PART = re.compile(r"([^\W\d_]+(?:\.[^\W\d_])*\.?|[$€£¥₹¢°%])\s*(?:\^?\s*\{?\s*(-?[1-9])\s*\}?)?$")


@lru_cache(maxsize=8_192)
def unit_of(text: str) -> str | None:
    r"""The unit that a few words are, in one spelling; None when they are none.

    >>> unit_of("square inches"), unit_of("miles per hour"), unit_of("cm^2"), unit_of("sq cm")
    ('inch2', 'mile per hour', 'cm2', 'cm2')
    >>> unit_of("million"), unit_of("is wrong"), unit_of("red marbles"), unit_of("a.m.")
    (None, None, 'red marble', 'a.m.')
    """
    text = text.replace("{", "").replace("}", "").strip().lower()
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text).replace("²", "^2").replace("³", "^3")
    text = re.sub(r"\s*/\s*|\s*每\s*", " per ", re.sub(r"\s*[·*⋅]\s*|\s*\\c?dot\s*", " ", text))
    text = re.sub(r"per \(([^()]+)\)", lambda m: " ".join(f"per {part}" for part in m[1].split()), text)
    words: list[str] = []
    dimension = ""
    parts = [part for part in re.sub(r"\(s\)", "s", text).split() if part not in ("of", "a", "the", "an", "each")]
    if not 0 < len(parts) <= 6:
        return None
    for part in parts:
        found = _PART.match(part)
        if found is None or found[1].rstrip(".") in _NEVER:
            return None
        word, power = found[1], found[2] or ""
        word = word if word in ("a.m.", "p.m.") else word.rstrip(".")
        word = _singular(word)
        if word in ("square", "cubic"):
            dimension = "2" if word == "square" else "3"
            continue
        if power and dimension:
            return None
        if power.startswith("-"):  # m s^-1
            words.extend(("per", word + power[1:].replace("1", "")))
            continue
        words.append(word + (power or dimension if word != "per" else ""))
        dimension = "" if word != "per" else dimension
    if dimension or words[-1:] == ["per"]:
        return None
    return _in_order(words) or None


def _in_order(words: list[str]) -> str:
    """The words with those that are divided by at the end, in the order of the alphabet: J/(mol K) is J/(K mol)."""
    if words.count("per") < 2:
        return " ".join(words)
    above = [word for at, word in enumerate(words) if word != "per" and (not at or words[at - 1] != "per")]
    below = sorted(word for at, word in enumerate(words) if at and words[at - 1] == "per")
    return " ".join([*above, *(f"per {word}" for word in below)])


def _singular(word: str) -> str:
    if word in _NAMES:
        return _NAMES[word]
    if len(word) > 3 and word.endswith("s") and word not in _IRREGULAR and not word.endswith("ss"):
        shorter = word[:-1]
        if shorter in _NAMES:
            return _NAMES[shorter]
        return shorter[:-2] + "y" if shorter.endswith("ie") and len(shorter) > 4 else shorter
    return word
