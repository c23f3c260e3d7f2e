"""TableBench's own metrics, defects included: what the published numbers were made with.

Both sides lose case, ASCII punctuation and articles *before* numbers are looked at, so signs, points, percent signs and
the commas between items are gone by then (B1). Kept apart from the corrected comparison, for comparing with papers.
"""

from __future__ import annotations

import re
import string
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from table_rewards.text.caching import cache_short
from table_rewards.text.rouge import ascii_tokens, rouge_l

_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation))
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_DIGITS: Final = re.compile(r"\d+")
_PRECISION: Final = 28  # of Python's decimals, past which rounding fails and the official script scores 0


@cache_short(8192)
def normalised(answer: str) -> str:
    """Lower-case, delete ASCII punctuation, drop articles, squeeze white space; in this order.

    >>> normalised("The -10.6 %")
    '106'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def released_exact_match(reference: str, prediction: str) -> float:
    """1 or 0 on normalised texts. A reference of digits alone is compared as a number rounded to whole.

    >>> released_exact_match("10.6", "1.06"), released_exact_match("10.6", "10.60"), released_exact_match("-5", "5")
    (1.0, 0.0, 1.0)
    """
    gold, given = normalised(reference), normalised(prediction)
    if _DIGITS.fullmatch(gold) is None:
        return float(gold == given)
    number = _decimal(given)
    if number is None:
        return 0.0
    try:
        return float(_whole(Decimal(gold)) == _whole(number))
    except InvalidOperation:
        return 0.0


def released_tolerant_match(reference: str, prediction: str, tolerance: float = 10) -> float:
    """1 or 0 on normalised texts; a reference of digits alone allows ``tolerance`` per cent.

    >>> released_tolerant_match("100", "109"), released_tolerant_match("9.34, 1.18", "9.33, 1.11")
    (1.0, 0.0)
    """
    gold, given = normalised(reference), normalised(prediction)
    if _DIGITS.fullmatch(gold) is None:
        return float(gold == given)
    target, number = Decimal(gold), _decimal(given)
    if number is None:
        return 0.0
    try:
        if target == 0:
            return float(number == 0)
        return float(abs(target - number) / abs(target) <= tolerance / 100)
    except InvalidOperation:
        return 0.0


def released_rouge_l(reference: str, prediction: str) -> float:
    """ROUGE-L F1 on normalised texts, in [0, 1].

    >>> round(released_rouge_l("innings, runs scored", "runs scored, balls faced"), 4)
    0.5714
    """
    return rouge_l(ascii_tokens(normalised(reference)), ascii_tokens(normalised(prediction)))


def _decimal(text: str) -> Decimal | None:
    if not text or len(text) > 4_000:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _whole(number: Decimal) -> Decimal:
    if number.is_finite() and number.adjusted() >= _PRECISION:
        raise InvalidOperation
    return number.quantize(Decimal(1), rounding=ROUND_HALF_UP)
