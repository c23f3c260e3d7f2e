"""Dates as tables and models write them, where they can mean one day only."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_LENGTH: Final = 40

_NAMES: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS: Final = {
    **{name: number for number, name in enumerate(_NAMES, start=1)},
    **{name[:3]: number for number, name in enumerate(_NAMES, start=1)},
    "sept": 9,
}
_MONTH: Final = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>\d{4})"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WEEKDAY}(?:the\s+)?{_DAY}(?:\s+of)?[\s\-]+{_MONTH}(?:,?[\s\-]+{_YEAR})?",
        rf"{_WEEKDAY}{_MONTH}\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?",
        rf"{_MONTH},?\s+{_YEAR}",
        rf"{_YEAR}(?P<separator>[-/.])(?P<month>\d{{1,2}})(?P=separator){_DAY}",
        rf"(?:{_YEAR}\s?年\s?)?(?P<month>\d{{1,2}})\s?月(?:\s?(?P<day>\d{{1,2}})\s?[日号])?",
    )
)
_EITHER: Final = re.compile(rf"(?P<first>\d{{1,2}})(?P<separator>[-/.])(?P<second>\d{{1,2}})(?P=separator){_YEAR}")
_HINT: Final = re.compile(r"\d", re.ASCII)


class Date(NamedTuple):
    """A day of the calendar; 0 stands for what was not written."""

    year: int
    month: int
    day: int


def read_date(text: str) -> Date | None:
    """Return the date that the whole text is, or None.

    Months by name, ``year-month-day``, and 年月日. What reads differently in different countries (5/3/2010) is no date;
    14/3/2010 is one.

    >>> read_date("May 3rd, 2010") == read_date("3 May 2010") == read_date("2010-05-03") == read_date("2010年5月3日")
    True
    >>> read_date("14/9/2020") == read_date("9/14/2020") == read_date("14 September 2020")
    True
    >>> read_date("May 2010"), read_date("3 May"), read_date("5/3/2010"), read_date("2010-11")
    (Date(year=2010, month=5, day=0), Date(year=0, month=5, day=3), None, None)
    """
    text = text.strip().rstrip(".")
    if len(text) > MAX_LENGTH or _HINT.search(text) is None:
        return None
    either = _EITHER.fullmatch(text)
    if either is not None:
        first, second = int(either["first"]), int(either["second"])
        month, day = min(first, second), max(first, second)
        certain = 1 <= month <= 12 and (12 < day <= 31 or day == month)
        return Date(int(either["year"]), month, day) if certain else None
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is None:
            continue
        found = match.groupdict()
        name = found.get("name")
        month = _MONTHS[name.lower()] if name else int(found["month"])
        date = Date(int(found.get("year") or 0), month, int(found.get("day") or 0))
        if 1 <= date.month <= 12 and date.day <= 31 and (date.year or date.day):
            return date
    return None
