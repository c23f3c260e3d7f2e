"""Short answers compared as what they are: numbers as numbers, lists item by item, names as names.

This is the comparison that TableBench's README describes, without the normalisation that ran before it and made
10.6, 1.06 and 106 equal (B1).
"""

from __future__ import annotations

import re
import string
import unicodedata
from html import unescape
from itertools import zip_longest
from typing import Final, NamedTuple

from table_rewards.core.invisible import visible
from table_rewards.text.accents import same_without_accents
from table_rewards.text.caching import cache_short
from table_rewards.text.dates import Date, read_date
from table_rewards.text.latex import without_latex
from table_rewards.text.numbers import (
    BEFORE_FRACTION,
    SUPERSCRIPT,
    SUPERSCRIPTS,
    TABLE_BENCH,
    TABLE_BENCH_TOLERANT,
    TABLE_REGION,
    Number,
    NumberPolicy,
    loose_number,
    parse_number,
    same_number,
    written_number,
)

MAX_ITEMS: Final = 1_000
MAX_LENGTH: Final = 20_000
"""A longer answer is compared as one text, cut here: an answer is a line."""

COUNTING: Final = "Counting"
"""The subtype of TableBench whose answers are counts."""

_SEPARATOR: Final = re.compile(r"[,，、;；]")
_THOUSANDS: Final = re.compile(r"(?<![\d.,])[+\-−]?[$€£¥]?\d{1,3}(?:,\d{3})+(?!,?\d)")
_THIN_GROUP: Final = re.compile(r"(?<=\d)[\u2009\u202f](?=\d{3}(?!\d))")
_GROUPED: Final = re.compile(r"[+\-]?\d{1,3}(?:,\d{3})+")
_YEAR: Final = re.compile(r"(?:1[5-9]|20)\d\d")
_TOKEN: Final = re.compile(
    r"(?:(?<![\w.])[-+])?\d[\d,]*(?:\.\d+)?%?|\^[-+]?\w+|[<>≤≥±]|[^\W\d_]+(?:['’.][^\W\d_]+)*", re.UNICODE
)
_DIGIT: Final = re.compile(r"\d")
_MARKS: Final = "«»„‚“”‘「」『』《》〈〉【】〔〕。、·・…‹›"  # besides those of ASCII and those that fold to them
_DASHES: Final = str.maketrans({**dict.fromkeys("−–—﹣－‐‑‒", "-"), "’": "'", **dict.fromkeys(_MARKS)})
_COMPARISONS: Final = (("<=", "≤"), (">=", "≥"), ("+/-", "±"))
_RAISED_LETTER: Final = re.compile(r"(?<=[^\W\d_])\^\{?(\d)\}?(?!\d)")
_LAST_ZEROS: Final = re.compile(r"\.?0+(?=%?\Z)")
_NAMED: Final = re.compile(r"[^:]{1,60}:\*{0,2}\s+(?=\S)")
_NUMBERED: Final = re.compile(r"(?:\A|[,;]?\s+)\(?(\d{1,2})[.)]\s+")
_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation))
# An article stands before a word. The letter A that ends a name (Serie A), or is an item, is none; before a capital or
# a number, "a" is a letter too, unless a name begins with it.
_ARTICLE: Final = re.compile(
    r"(?<![\w'’.\-])(?:[Tt][Hh][Ee]\s+(?=[^\W_]|[.\-−$]\d)|an?\s+(?=[^\W\d_]{2})|(?:(?<=\A)|(?<=[,;]\s))(?:An?|AN)\s+(?=[^\W\d_]{2}))"
)
_AND: Final = re.compile(r"\s+(?:and|&)\s+|\s*(?:以及|和|与|及)\s*", re.IGNORECASE)
_LAST_AND: Final = re.compile(r"\s*(?:and|&)\s+|(?:以及|和|与|及)\s*", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_SENTENCE: Final = re.compile(
    r"(?:the\s+)?(?:final\s+)?answers?(?:\s+(?:is|are)\s*:?\s+|\s?:\s*)|答案(?:是|为)?[:：]\s*|答案(?:是|为)\s*",
    re.IGNORECASE,
)
_EDGES: Final = " \t\r\n\"'`*“”‘’"
_DECORATION: Final = "✅☑✔👉🎯➡✨🎉⭐ "
_ENDINGS: Final = ".,;!。；！，"
_PAIRS: Final = {"[": "]", "(": ")", "{": "}", "<": ">"}


class Item(NamedTuple):
    """One item of an answer.

    Attributes:
        number: the number that it is, if it is one.
        key: its text in comparable form, without articles.
        full: the same with its articles, and with "and" for "&".
        year: whether the number may be a year, of which there are no halves.
        date: the date that it is, if it is one.
    """

    number: Number | None
    key: str
    full: str = ""
    year: bool = False
    date: Date | None = None


class Answer(NamedTuple):
    """An answer read in every way that it may be meant.

    Attributes:
        whole: the answer as one thing.
        items: the answer as a list.
        others: further lists that a model may mean by it: ``100,200,300``, ``Paris and Rome``, ``12,5``.
    """

    whole: Item
    items: tuple[Item, ...]
    others: tuple[tuple[Item, ...], ...] = ()


@cache_short(8192)
def read_answer(text: str) -> Answer:
    r"""Read an answer line.

    >>> [item.key for item in read_answer("Spain, the United Kingdom, 1,234").items]
    ['spain', 'united kingdom', '1,234']
    >>> read_answer("(cyp), 3 - 0").items[1].key
    '3 0'
    >>> [str(item.number.value) for item in read_answer(r"[\boxed{9.33}, 1.11];").items]
    ['9.33', '1.11']
    """
    text = _bare(text)
    whole = _item(text)
    if whole.number is not None:
        other = _all_pieces(text) if _GROUPED.fullmatch(text) else ()
        return Answer(whole, (whole,), (other,) if other else ())
    inner = _without_brackets(text)
    if inner is not text and _SEPARATOR.search(inner) is None:  # brackets round one thing
        text, whole = inner, _item(inner)
    elif inner is not text:
        text = inner
    others = _loosely(text)
    if whole.number is not None or _SEPARATOR.search(text) is None:
        return Answer(whole, (whole,), tuple(others))
    pieces = _split(text)
    if len(pieces) > 1:
        pieces[-1] = _without_and(pieces[-1])
    return Answer(whole, tuple(_item(piece) for piece in pieces), tuple(others))


@cache_short(16384)
def same_answer(reference: str, prediction: str, counting: bool = False) -> bool:
    """True when every item matches, as in :func:`exact_match`; numbers with decimals also within 1 %.

    The tolerance is for measurements. Whole numbers are counts and years: 1998 is not 2000.

    >>> same_answer("1,000", "1000"), same_answer("22.33", "22.40"), same_answer("2000", "1998")
    (True, True, False)
    """
    if reference == prediction:
        return True
    gold = read_answer(reference)
    number = gold.whole.number
    if number is not None and not gold.others:  # the common case, without reading the prediction as a list
        given = parse_number(prediction)
        if given is not None:
            return same_number(number, given, TABLE_REGION, whole=counting or gold.whole.year)
    answer = read_answer(prediction)
    return _matched(gold, answer, TABLE_REGION, counting) == 1.0


def exact_match(reference: Answer, prediction: Answer, counting: bool = False) -> float:
    """Share of items that match, position by position, in [0, 1]: matches / max(items of either side).

    Numbers are rounded half up to the reference's decimals; where one side alone has a percent sign, n and n/100 are
    both right; text is compared without case, punctuation and articles. Counts (``counting``) and years take whole
    numbers only. An item too many costs as much as one missing, so that listing candidates does not pay.

    >>> pairs = [("10.6", "10.60"), ("-5", "5"), ("10%", "10"), ("Paris, Rome", "paris"), ("2009,2010", "2009, 2010")]
    >>> [exact_match(read_answer(r), read_answer(p)) for r, p in pairs]
    [1.0, 0.0, 1.0, 0.5, 1.0]
    """
    return _matched(reference, prediction, TABLE_BENCH, counting)


def tolerant_match(reference: Answer, prediction: Answer, tolerance: float = 0.10) -> float:
    """The same with ``|r - p| <= tolerance * |r|`` for numbers.

    >>> tolerant_match(read_answer("No correlation, 0.20"), read_answer("no correlation, 0.21."))
    1.0
    """
    policy = TABLE_BENCH_TOLERANT
    if tolerance != policy.tolerance:
        policy = policy._replace(tolerance=tolerance)
    return _matched(reference, prediction, policy, False)


def _loosely(text: str) -> list[tuple[Item, ...]]:
    """What else a text may mean that is no plain number: items joined by "and", behind names, or numbered; a number in
    words."""
    others = []
    if _AND.search(text) is not None:
        parted = _AND.sub(", ", text)
        others.append(tuple(_item(piece) for piece in _split(parted)))
    if ":" in text and len(named := _split(text)) > 1 and all(_NAMED.match(piece.strip()) for piece in named):
        others.append(tuple(_item(_NAMED.sub("", piece.strip(), count=1)) for piece in named))
    number = loose_number(text)
    if number is not None:
        others.append((Item(number, text, text),))
    if text[:1] in "1(" and len(numbers := list(_NUMBERED.finditer(text))) > 1:
        ends = [match.start() for match in numbers[1:]] + [len(text)]
        if [int(match[1]) for match in numbers] == list(range(1, len(numbers) + 1)):
            pieces = [text[match.end() : end] for match, end in zip(numbers, ends, strict=True)]
            others.append(tuple(_item(piece) for piece in pieces[:MAX_ITEMS]))
    return others


def _bare(text: str) -> str:
    text = visible(text[:MAX_LENGTH]).strip(_EDGES)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    if not text.isascii():
        text = text.strip(_DECORATION) or text
    if "\\" in text or "$" in text:
        text = without_latex(text).strip(_EDGES)
    if text[-1:] in _ENDINGS and not text.endswith(".."):
        text = text.rstrip(_ENDINGS + _EDGES)
    return text


def _without_brackets(text: str) -> str:
    """The text inside one pair of brackets that holds it all, or the very same text."""
    closing = _PAIRS.get(text[:1])
    if closing is None or text[-1:] != closing:
        return text
    depth = 0
    for position, character in enumerate(text):
        depth += (character == text[0]) - (character == closing)
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1].rstrip(_ENDINGS + _EDGES).strip(_EDGES)


def _without_and(piece: str) -> str:
    match = _LAST_AND.match(piece)
    return piece[match.end() :] if match is not None else piece


def _matched(reference: Answer, prediction: Answer, policy: NumberPolicy, counting: bool) -> float:
    gold = reference.items
    if _same(reference.whole, prediction.whole, policy, counting):
        return 1.0
    found = _share(gold, prediction.items, policy, counting)
    if found == 1.0:
        return found
    # The other ways to read the prediction count where they are right throughout.
    for other in prediction.others:
        if len(gold) == len(other) and _share(gold, other, policy, counting) == 1.0:
            return 1.0
    return found


class Pairs(NamedTuple):
    """How two answers were compared: as one ``whole``, by ``items``, or by another ``list`` that the prediction may
    mean; and what stood against what, with whether it matched."""

    how: str
    items: tuple[tuple[Item | None, Item | None, bool], ...]

    @property
    def share(self) -> float:
        """What :func:`exact_match` gives: matches / max(items of either side)."""
        return sum(right for _, _, right in self.items) / len(self.items) if self.items else 0.0


def compared_pairs(reference: Answer, prediction: Answer, policy: NumberPolicy, counting: bool = False) -> Pairs:
    """Tell what :func:`exact_match` (with the policy TABLE_BENCH) and its kin compare.

    >>> found = compared_pairs(read_answer("Paris, Rome"), read_answer("rome, Rome"), TABLE_BENCH)
    >>> found.how, [right for _, _, right in found.items], found.share
    ('items', [False, True], 0.5)
    """
    if _same(reference.whole, prediction.whole, policy, counting):
        return Pairs("whole", ((reference.whole, prediction.whole, True),))
    gold = reference.items

    def paired(given: tuple[Item, ...]) -> tuple[tuple[Item | None, Item | None, bool], ...]:
        return tuple(
            (r, p, r is not None and p is not None and _same(r, p, policy, counting))
            for r, p in zip_longest(gold, given)
        )

    found = Pairs("items", paired(prediction.items))
    for other in prediction.others:
        if len(gold) == len(other) and found.share < 1.0 and _share(gold, other, policy, counting) == 1.0:
            return Pairs("list", paired(other))
    return found


def _share(gold: tuple[Item, ...], given: tuple[Item, ...], policy: NumberPolicy, counting: bool) -> float:
    if len(gold) == 1 and len(given) == 1 and given[0] is not gold[0]:
        return float(_same(gold[0], given[0], policy, counting))
    matches = sum(_same(r, p, policy, counting) for r, p in zip(gold, given, strict=False))
    return matches / max(len(gold), len(given))


def _same(reference: Item, prediction: Item, policy: NumberPolicy, counting: bool) -> bool:
    number = reference.number
    if number is not None:
        if prediction.number is None:
            return reference.key.isalpha() and reference.key.lower() == prediction.key  # a number in words
        whole = not policy.every and (reference.year or (counting and number.decimals == 0))
        return same_number(number, prediction.number, policy, whole=whole)
    if prediction.number is not None or not reference.key:
        return False
    if reference.key == prediction.key or reference.full == prediction.full:
        return True
    if reference.date is not None:
        return reference.date == prediction.date
    return same_without_accents(reference.key, prediction.key)


def _item(text: str) -> Item:
    text = text.strip(_EDGES)
    number = written_number(text)
    if number is None:
        sentence = _SENTENCE.match(text)
        if sentence is not None:
            text = text[sentence.end() :].strip(_EDGES)
            number = written_number(text)
    if number is not None:
        return Item(number, text, text, _YEAR.fullmatch(text) is not None)
    key = comparable(text)
    if "&" in text or "/" in text:  # Simon & Garfunkel, Simon and Garfunkel; Aoraki / Mount Cook, Aoraki/Mount Cook
        return Item(None, key, _folded(text.replace("&", " and ").replace("/", " / ")), date=read_date(text))
    return Item(None, key, _folded(text) if _ARTICLE.search(text) is not None else key, date=read_date(text))


def comparable(text: str) -> str:
    """Return a text without case, punctuation and articles; numbers in it keep sign, point and percent.

    Articles are dropped from words, never whole items: the A of "Serie A" is none.

    >>> comparable("The U.S. Men’s team"), comparable("row 10.6 at -3 %"), comparable("1994–95"), comparable("Serie A")
    ('us mens team', 'row 10.6 at -3', '1994 95', 'serie a')
    """
    return _folded(_ARTICLE.sub("", text)) or _folded(text)


def _folded(text: str) -> str:
    if text.isascii():
        folded = text.lower()
    else:
        text = BEFORE_FRACTION.sub(" ", _THIN_GROUP.sub("", SUPERSCRIPT.sub(_raised, text)))
        folded = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    if "=" in folded or "/" in folded:
        for written, sign in _COMPARISONS:
            folded = folded.replace(written, sign)
    if _DIGIT.search(folded) is None:
        bare = folded.replace("-", " ").translate(_PUNCTUATION)
        return " ".join(bare.split()) or " ".join(folded.split())
    if "^" in folded:
        folded = _RAISED_LETTER.sub(r"\1", folded)
    return " ".join(map(_comparable_token, _TOKEN.findall(folded)))


def _comparable_token(token: str) -> str:
    if token.isalpha():
        return token
    if token[-1].isalpha():
        return token.translate(_PUNCTUATION)
    token = token.replace(",", "")
    return _LAST_ZEROS.sub("", token) if "." in token else token


def _raised(match: re.Match[str]) -> str:
    """A power stays apart from its number; behind a unit (m²) it is the digit that people write."""
    digits = match[0].translate(SUPERSCRIPTS)
    before = match.string[match.start() - 1 : match.start()]
    return f"^{digits}" if before.isdecimal() or not digits[0].isdecimal() else digits


def _all_pieces(text: str) -> tuple[Item, ...]:
    return tuple(_item(piece) for piece in text.split(",")[:MAX_ITEMS])


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
