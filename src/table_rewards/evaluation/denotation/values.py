"""The official comparison of WikiTableQuestions: answers are sets of texts, numbers and dates.

::

    right  when as many values are predicted as the gold answer has, and each gold value matches one of them
    match  equal when normalised; or two numbers less than 1e-6 apart; or the same year, month and day

A number is what Python reads as one: ``1,000`` and ``5%`` are texts. A date is ``year-month-day`` with ``xx`` for what
is not known; a year alone is a number.

Source: the official evaluator of WikiTableQuestions, arXiv 1508.00305, whose verdicts these are.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_QUOTES: Final = str.maketrans(
    {**dict.fromkeys("‘’´`", "'"), **dict.fromkeys("“”", '"'), **dict.fromkeys("‐‑‒–—−", "-")}
)
_SYMBOLS: Final = frozenset("•♦†‡*#+")
_SPACES: Final = re.compile(r"\s+")
_LONGEST: Final = 100_000

Date = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an answer: its normalised text, and the number or date that it is."""

    text: str
    number: float | None = None
    date: Date | None = None

    def matches(self, other: Value) -> bool:
        """Whether two values count as equal.

        >>> Value.read("7").matches(Value.read("7.0")), Value.read("1,000").matches(Value.read("1000"))
        (True, False)
        """
        if self.text == other.text:
            return True
        if self.number is not None and other.number is not None:
            return abs(self.number - other.number) < 1e-6
        return self.date is not None and self.date == other.date

    @classmethod
    def read(cls, text: str, canonical: str | None = None) -> Value:
        """Read a value; ``canonical`` is the form that the data set gives beside the text, such as ``2005-xx-xx``.

        >>> Value.read("“Lo Mató”[2] (live)"), Value.read("May 2005", "2005-5-xx").date
        (Value(text='lo mato', number=None, date=None), (2005, 5, -1))
        """
        source = text if canonical is None or not canonical else canonical
        number = _number(source)
        if number is not None:
            return cls(normalised(text) if text else _shown(number), number)
        date = _date(source)
        if date is None:
            return cls(normalised(text))
        if date[1] == date[2] == -1:
            return cls(normalised(text) if text else _shown(date[0]), float(date[0]))
        return cls(normalised(text) if text else "{}-{}-{}".format(*date), None, date)

    @property
    def identity(self) -> object:
        """What makes two values of one answer the same."""
        return self.number if self.number is not None else self.date if self.date is not None else self.text


def values(texts: Sequence[str], canonical: Sequence[str] | None = None) -> list[Value]:
    """The values of an answer, each once.

    >>> [value.text for value in values(["Paris", "paris", "3", "3.0"])]
    ['paris', '3']
    """
    forms = canonical if canonical is not None and len(canonical) == len(texts) else [None] * len(texts)
    found: dict[tuple[type, object], Value] = {}
    for text, form in zip(texts, forms, strict=True):
        value = Value.read(text, form)
        found.setdefault((type(value.identity), value.identity), value)
    return list(found.values())


def right(gold: Sequence[Value], predicted: Sequence[Value]) -> bool:
    """The official verdict.

    >>> right(values(["Paris", "Rome"]), values(["rome", "PARIS."]))
    True
    >>> right(values(["Paris"]), values(["Paris", "Rome"]))
    False
    """
    return len(gold) == len(predicted) and all(any(one.matches(other) for other in predicted) for one in gold)


def normalised(text: str) -> str:
    """The text as it is compared: without accents, citations, trailing brackets, outer quotes and a last full stop.

    >>> normalised("“Café”[1]* (1999)"), normalised("[12]"), normalised("Fish – and  Chips.")
    ('cafe', '', 'fish - and chips')
    """
    folded = unicodedata.normalize("NFKD", text[:_LONGEST])
    text = "".join(c for c in folded if unicodedata.category(c) != "Mn").translate(_QUOTES)
    while True:
        before = text
        text = _without_citations(text.strip())
        text = _without_brackets(text.strip()).strip()
        if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
            text = text[1:-1]
        if text == before:
            break
    return _SPACES.sub(" ", text.removesuffix(".")).lower().strip()


def _without_citations(text: str) -> str:
    """Without marks such as ``[2]`` and ``*`` at the end; a text that is one bracket stays, unless it is a number."""
    end = len(text)
    while end:
        if text[end - 1] in _SYMBOLS:
            end -= 1
            continue
        if text[end - 1] != "]":
            break
        start = text.find("[", text.rfind("]", 0, end - 1) + 1, end)
        if start == 0 and not re.fullmatch(r"\[\d+\]", text[:end]):
            start = text.find("[", 1, end)
        if start < 0:
            break
        end = start
    return text[:end]


def _without_brackets(text: str) -> str:
    """Without `` (...)`` at the end, as often as it stands there."""
    end = len(text)
    while end and text[end - 1] == ")":
        start = text.find(" (", text.rfind(")", 0, end - 1) + 1, end)
        if start <= 0:
            break
        end = start
    return text[:end]


def _number(text: str) -> float | None:
    if len(text) > 400 or "_" in text:  # the official evaluator's Python took no underscore in a number
        return None
    try:
        return float(int(text))
    except (ValueError, OverflowError):
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _shown(number: float) -> str:
    return str(round(number)) if abs(number - round(number)) < 1e-6 else str(number)


def _date(text: str) -> Date | None:
    parts = text.lower().split("-") if len(text) < 64 else []
    if len(parts) != 3:
        return None
    try:
        year = -1 if parts[0] in ("xx", "xxxx") else int(parts[0])
        month, day = (-1 if part == "xx" else int(part) for part in parts[1:])
    except ValueError:
        return None
    if year == month == day == -1 or not (month == -1 or 1 <= month <= 12) or not (day == -1 or 1 <= day <= 31):
        return None
    return year, month, day
