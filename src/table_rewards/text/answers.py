"""Short answers compared as what they are: numbers as numbers, lists item by item, names as names.

This is the comparison that TableBench's README describes, without the normalisation that ran before it and made
10.6, 1.06 and 106 equal (B1).
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Final, NamedTuple

from table_rewards.text.caching import cache_short
from table_rewards.text.numbers import Number, parse_number, rounded_equal, within

MAX_ITEMS: Final = 1_000
MAX_LENGTH: Final = 20_000
"""A longer answer is compared as one text, cut here: an answer is a line."""

_SEPARATOR: Final = re.compile(r"[,，、;；]")
_THOUSANDS: Final = re.compile(r"(?<![\d.,])[+\-−]?[$€£¥]?\d{1,3}(?:,\d{3})+(?![\d,])")
_TOKEN: Final = re.compile(r"(?:(?<![\w.])[-+])?\d[\d,]*(?:\.\d+)?%?|[^\W\d_]+(?:['’.][^\W\d_]+)*", re.UNICODE)
_DIGIT: Final = re.compile(r"\d")
_DASHES: Final = str.maketrans({**dict.fromkeys("−–—﹣－‐‑‒", "-"), "’": "'"})
_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation))
_ARTICLE_WORDS: Final = frozenset(("a", "an", "the"))
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_EDGES: Final = " \t\r\n\"'`*“”‘’"


class Item(NamedTuple):
    """One item of an answer: the number that it is, if it is one, and its text in comparable form."""

    number: Number | None
    key: str


class Answer(NamedTuple):
    """An answer read both ways: as one thing, and as a list of items."""

    whole: Item
    items: tuple[Item, ...]


@cache_short(8192)
def read_answer(text: str) -> Answer:
    """Read an answer line.

    >>> [item.key for item in read_answer("Spain, the United Kingdom, 1,234").items]
    ['spain', 'united kingdom', '1,234']
    >>> read_answer("(cyp), 3 - 0").items[1].key
    '3 0'
    """
    text = _bare(text)
    whole = _item(text)
    if whole.number is not None or _SEPARATOR.search(text) is None:
        return Answer(whole, (whole,))
    return Answer(whole, tuple(_item(piece) for piece in _split(text)))


@cache_short(16384)
def same_answer(reference: str, prediction: str, tolerance: float = 0.0) -> bool:
    """True when every item matches, as in :func:`exact_match`; numbers with decimals also within ``tolerance``.

    The tolerance is for measurements. Whole numbers are counts and years: 1998 is not 2000.

    >>> same_answer("1,000", "1000"), same_answer("22.33", "22.40", 0.01), same_answer("2000", "1998", 0.01)
    (True, True, False)
    """
    if reference == prediction:
        return True
    gold = read_answer(reference)
    number = gold.whole.number
    if number is not None:  # the common case, without reading the prediction as a list
        given = parse_number(_bare(prediction))
        if given is None:
            return False
        return rounded_equal(number, given) or (number.decimals > 0 and within(number, given, tolerance))
    return exact_match(gold, read_answer(prediction)) == 1.0


def exact_match(reference: Answer, prediction: Answer) -> float:
    """Share of items that match, position by position, in [0, 1]: matches / max(items of either side).

    Numbers are rounded half up to the reference's decimals; a percentage is a fraction; text is compared without case,
    punctuation and articles. An item too many costs as much as one missing, so that listing candidates does not pay.

    >>> pairs = [("10.6", "10.60"), ("-5", "5"), ("10%", "10"), ("Paris, Rome", "paris"), ("2009,2010", "2009, 2010")]
    >>> [exact_match(read_answer(r), read_answer(p)) for r, p in pairs]
    [1.0, 0.0, 0.0, 0.5, 1.0]
    """
    return _matched(reference, prediction, None)


def tolerant_match(reference: Answer, prediction: Answer, tolerance: float = 0.10) -> float:
    """The same with ``|r - p| <= tolerance * |r|`` for numbers.

    >>> tolerant_match(read_answer("No correlation, 0.20"), read_answer("no correlation, 0.21."))
    1.0
    """
    return _matched(reference, prediction, tolerance)


def _bare(text: str) -> str:
    text = text[:MAX_LENGTH].strip(_EDGES)
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip(_EDGES)
    return text


def _matched(reference: Answer, prediction: Answer, tolerance: float | None) -> float:
    if _same(reference.whole, prediction.whole, tolerance):
        return 1.0
    gold, given = reference.items, prediction.items
    if len(gold) == 1 and len(given) == 1:
        return 0.0
    matches = sum(_same(r, p, tolerance) for r, p in zip(gold, given, strict=False))
    return matches / max(len(gold), len(given))


def _same(reference: Item, prediction: Item, tolerance: float | None) -> bool:
    if reference.number is not None:
        if prediction.number is None:
            return False
        if tolerance is None:
            return rounded_equal(reference.number, prediction.number)
        return within(reference.number, prediction.number, tolerance)
    return prediction.number is None and reference.key == prediction.key and bool(reference.key)


def _item(text: str) -> Item:
    text = text.strip(_EDGES)
    number = parse_number(text)
    return Item(number, text if number is not None else comparable(text))


def comparable(text: str) -> str:
    """Return a text without case, punctuation and articles; numbers in it keep sign, point and percent.

    >>> comparable("The U.S. Men’s team"), comparable("row 10.6 at -3 %"), comparable("1994–95")
    ('us mens team', 'row 10.6 at -3', '1994 95')
    """
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    if _DIGIT.search(folded) is None:
        bare = _ARTICLES.sub(" ", folded.replace("-", " ").translate(_PUNCTUATION))
        return " ".join(bare.split()) or " ".join(folded.split())
    return " ".join(
        [
            token
            if token.isalpha()
            else token.translate(_PUNCTUATION)
            if token[-1].isalpha()
            else token.replace(",", "")
            for token in _TOKEN.findall(folded)
            if token not in _ARTICLE_WORDS
        ]
    )


def _split(text: str) -> list[str]:
    pieces, start = [], 0
    grouped = [match.span() for match in _THOUSANDS.finditer(text)] if "," in text else []
    for match in _SEPARATOR.finditer(text):
        where = match.start()
        if any(begin < where < end for begin, end in grouped):
            continue
        pieces.append(text[start:where])
        start = match.end()
        if len(pieces) == MAX_ITEMS:
            break
    pieces.append(text[start:])
    return [piece for piece in pieces if piece.strip(_EDGES)]
