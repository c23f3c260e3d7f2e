r"""Conditions and dates in words, as the formulas that they are: ``all real numbers greater than 2`` is ``x>2``.

Only whole answers are read like this; a phrase that is not known stays as it is written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.tree import vocabulary

_FRAME = re.compile(r"\\(?:text|textrm|textbf|mathrm|mbox)\s*\{([^{}]*)\}")
_VALUE: Final = r"([-+]?(?:[0-9.]+(?:/[0-9]+)?|\\frac\s*\{[^{}]*\}\s*\{[^{}]*\}|\\sqrt\s*\{?[0-9]+\}?|\\pi))"
_SUBJECT: Final = (
    r"(?:(?:all|any|every)\s+)?(?:(?:real\s+)?(?:numbers?|values?)\s*|reals?\s+)?"
    r"(?:(?:of\s+)?([a-z])\s+)?(?:such\s+that\s+|with\s+|where\s+)?(?:([a-z])\s+)?(?:is|are|must\s+be|that\s+are)?\s*"
)
_COMPARED: Final = (
    (r"(?:greater|more|larger|bigger)\s+than\s+or\s+equal\s+to|at\s+least|no\s+(?:less|fewer|smaller)\s+than", r"\ge "),
    (r"(?:less|smaller)\s+than\s+or\s+equal\s+to|at\s+most|no\s+(?:more|greater|larger)\s+than", r"\le "),
    (r"(?:strictly\s+)?(?:greater|more|larger|bigger)\s+than", ">"),
    (r"(?:strictly\s+)?(?:less|smaller)\s+than", "<"),
    (r"not\s+equal\s+to", r"\ne "),
)
_CONDITIONS: Final = tuple((re.compile(f"{_SUBJECT}(?:{words})\\s+{_VALUE}"), sign) for words, sign in _COMPARED)
_BETWEEN = re.compile(
    f"{_SUBJECT}(?:strictly\\s+)?between\\s+{_VALUE}\\s+and\\s+{_VALUE}(?:,?\\s*\\(?(inclusive|exclusive)\\)?)?"
)
_EXCEPT = re.compile(
    rf"all\s+(?:real\s+numbers|reals|real\s+values\s+of\s+[a-z])\s+(?:except|other\s+than|excluding)\s+(?:for\s+)?(?:[a-z]\s*=\s*)?"
    rf"{_VALUE}(?:\s*(?:,|and|or)\s*{_VALUE})?"
)
_SUCH_THAT = re.compile(
    r"(?:all|any|every)\s+(?:(?:real|positive|natural|whole|non-?negative)\s+)?(?:numbers?|values?|integers?|reals?)?\s*"
    r"(?:(?:of\s+)?[a-z]\s+)?(?:such\s+that|with|where)\s+(.*[<>=\\].*)"
)
_ALL_THAT = re.compile(
    r"all\s+(?:(?:real|positive|natural|whole|non-?negative)\s+)?(?:numbers?|integers?|reals?)\s+"
    r"([a-z]\s*(?:[<>]|\\[gl]e(?![a-z])).*)"
)
_OF_THE_FORM = re.compile(
    r"(?:all\s+)?(?:(?:positive|natural|whole)\s+)?(?:numbers?|integers?)\s+(?:[a-z]\s+)?of\s+the\s+form\s+(.+)"
)
_FILLERS: Final = vocabulary("all any every each the a an is are must be for of only values value with numbers number")
_KINDS: Final = {
    **dict.fromkeys(("integer", "integers"), "integer"),
    **dict.fromkeys(("prime", "primes"), "prime"),
    **dict.fromkeys(("nonnegative", "non-negative"), "nonnegative"),
    **{word: word for word in ("odd", "even", "positive", "negative", "natural", "real", "rational", "composite")},
}
_SPACES_OF_NUMBERS: Final = {
    ("integer",): r"\mathbb{Z}",
    ("integer", "positive"): r"\mathbb{Z}^{+}",
    ("natural",): r"\mathbb{N}",
    ("integer", "nonnegative"): r"\mathbb{Z}_{\ge 0}",
    ("real",): r"\mathbb{R}",
    ("rational",): r"\mathbb{Q}",
}
_MONTHS: Final = "january|february|march|april|may|june|july|august|september|october|november|december"
_MONTH: Final = f"({_MONTHS})"
_DATE = re.compile(
    rf"(?:(?:on|the)\s+)*(?:([0-9]{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH}|{_MONTH}\s+([0-9]{{1,2}})(?:st|nd|rd|th)?)"
    r"(?:,?\s+([0-9]{4}))?",
    re.IGNORECASE,
)
_DAY = re.compile(r"on\s+((?:mon|tues|wednes|thurs|fri|satur|sun)day)", re.IGNORECASE)
_TRIGGER = re.compile(
    r"than|least|most|equal to|between|except|other than|excluding|such that|with|where|day\b|of the form"
    "|odd|even|prime|integer|natural|composite|all |every |" + _MONTHS,
    re.IGNORECASE,
)


@lru_cache(maxsize=4_096)
def in_symbols(text: str) -> str:
    r"""What a phrase says in symbols; the text itself where it is no phrase that is known.

    >>> in_symbols(r"\text{all real numbers greater than }2"), in_symbols("between 0 and 1"), in_symbols("5th of May")
    ('x>2', '0<x<1', '\\text{May 5}')
    """
    if len(text) > 200 or not _TRIGGER.search(text):
        return text
    plain = " ".join(_FRAME.sub(r" \1 ", text).split())
    date = _DATE.fullmatch(plain)
    if date:
        year = f", {date[5]}" if date[5] else ""
        return rf"\text{{{(date[2] or date[3]).capitalize()} {int(date[1] or date[4])}{year}}}"
    day = _DAY.fullmatch(plain)
    if day:
        return rf"\text{{{day[1]}}}"
    such = _SUCH_THAT.fullmatch(plain) or _ALL_THAT.fullmatch(plain)
    if such:
        return such[1]
    formed = _OF_THE_FORM.fullmatch(plain.replace("All ", "all "))
    if formed:
        return f"n={formed[1]}"
    between = _BETWEEN.fullmatch(plain)
    if between:
        sign = r"\le " if between[5] == "inclusive" else "<"
        return f"{between[3]}{sign}{between[1] or between[2] or 'x'}{sign}{between[4]}"
    excepted = _EXCEPT.fullmatch(plain)
    if excepted:
        return rf"\mathbb{{R}}\setminus\{{{', '.join(part for part in excepted.groups() if part)}\}}"
    for pattern, sign in _CONDITIONS:
        found = pattern.fullmatch(plain)
        if found:
            return f"{found[1] or found[2] or 'x'}{sign}{found[3]}"
    return _numbers_of_a_kind(plain) or text


def _numbers_of_a_kind(plain: str) -> str:
    r"""``all odd n``, ``n is odd`` and ``odd integers`` in one spelling, ``all positive integers`` as their sign."""
    kinds, variable = set(), 0
    for word in plain.rstrip(".").split():
        if len(word) == 1 and word.isalpha() and word not in "aA":
            variable += 1
        elif word.lower() in _KINDS:
            kinds.add(_KINDS[word.lower()])
        elif word.lower() not in _FILLERS:
            return ""
    if not kinds or variable > 1:
        return ""
    space = _SPACES_OF_NUMBERS.get(tuple(sorted(kinds)))
    if space:
        return space
    kinds.discard("integer")
    if "prime" in kinds:
        kinds -= {"positive", "natural"}
    return rf"\text{{{' '.join(sorted(kinds))} integers}}" if kinds - {"positive", "real", "rational"} else ""
