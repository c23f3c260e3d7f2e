"""The facts of a sentence that a wrong answer gets wrong while it keeps every other word: numbers and directions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from table_rewards.text.caching import cache_short
from table_rewards.text.chinese_numerals import chinese_number

MAX_LENGTH: Final = 20_000

_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9_.])-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})(?:\.[0-9]{1,40})?"
    r"(?=(?:\s?(thousand|million|billion|trillion)\b|\s?([万亿]))?)"
)
_SCALES: Final = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "万": 4, "亿": 8}
_MINUS: Final = {ord(sign): "-" for sign in "\u2212\u2010\u2011"}

_WORDS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "change": (
        (
            r"increas\w*|ris(?:e|es|en|ing)|rose|grow(?:s|n|th|ing)?|grew|upwards?|climb\w*|soar\w*|surg(?:e|es|ed|ing)"
            r"|jump(?:s|ed|ing)?|expan(?:d|ds|ded|ding|sion)|rebound\w*|escalat\w*"
            r"|(?:go|goes|went|gone|going|trends?) up",
            "上升|增加|增长|增大|增多|提高|提升|上涨|升高|回升|攀升|递增|上扬|飙升|升至|升到|扩大",
        ),
        (
            r"decreas\w*|declin\w*|fall(?:s|en|ing)?|fell|drop(?:s|ped|ping)?|downwards?|reduc\w*|shr[aiu]nk\w*"
            r"|plummet\w*|plung(?:e|es|ed|ing)|slump\w*|diminish\w*|dwindl\w*|lower(?:ed|ing)"
            r"|(?:go|goes|went|gone|going|trends?) down",
            "下降|减少|降低|下跌|减小|下滑|回落|递减|下挫|骤降|降至|降到|跌至|缩小|萎缩",
        ),
    ),
    "sign": (
        ("positive(?:ly)?|directly proportional", "正相关|正向|正面|正比"),
        ("negative(?:ly)?|inverse(?:ly)?", "负相关|负向|负面|反比|反向"),
    ),
    "amount": (
        (r"more|greater|larger|bigger|exceed\w*", "更多|更大|多于|大于|超过|较多|较大"),
        ("less|fewer|smaller", "更少|更小|少于|小于|较少|较小|不足"),
    ),
    "level": (
        ("high(?:er|est|ly)?", "更高|最高|偏高|过高|较高|高于"),
        ("low(?:er|est)?", "更低|最低|偏低|过低|较低|低于"),
    ),
    "pace": (("faster|quicker|fastest", "更快|最快|较快|加快"), ("slower|slowest", "更慢|最慢|较慢|放缓")),
    "quality": (
        (r"better|best|improv\w*", "更好|最好|改善|好转"),
        (r"worse|worst|worsen\w*|deteriorat\w*", "更差|最差|恶化|变差"),
    ),
}
_DIRECTIONS: Final = {
    name: tuple(re.compile(rf"\b(?:{english})\b|{chinese}") for english, chinese in sides)
    for name, sides in _WORDS.items()
}
_VERDICTS: Final = (re.compile(r"\s*(?:yes\b|是)"), re.compile(r"\s*(?:no\b|否|不是)"))
_ENDED: Final = re.compile(r"\s*(?:yes|no|是的?|否|不是的?)\s*(?:[,.;:!，。；：！—–-]|\Z)")


_RELATION: Final = re.compile(
    r"correlat\w*|relationships?|causal\w*|caus(?:e|es|ed|ing)|affects?|influenc\w*|impact\w*|相关|因果|影响|关系|导致"
)
_DENIAL: Final = re.compile(
    r"\b(?:no|not|never|neither|none|cannot|un(?:related|correlated))\b|n['\u2019]t\b"
    "|不(?!仅|只|同|断|但|超过)|没有|无(?!论)|未|并非|否"
)
_ANOMALY: Final = re.compile(r"anomal\w*|outliers?|异常|离群")
_NO_ANOMALY: Final = re.compile(
    r"\b(?:no|any|without)\s+(?:\w+\s+){0,3}(?:anomal|outlier)|(?:没有|无|不存在|未)[^,，。；]{0,8}(?:异常|离群)"
)
_IN_WORDS: Final = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b|[零〇一二三四五六七八九两十百千万亿点]+"
)
_ENGLISH: Final = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
_NUMERAL: Final = "[零〇一二三四五六七八九两十百点]{1,20}"
_PERCENT: Final = re.compile(f"百分之({_NUMERAL})|({_NUMERAL})个百分点")

_TAKEN_FOR_GRANTED: Final = ("relation", "anomaly")
"""What is no fact of its own: to say the same earns nothing, and a short answer need not; to deny it is wrong."""

SIDES: Final = {
    "change": ("rise", "fall"),
    "sign": ("positive", "negative"),
    "amount": ("more", "less"),
    "level": ("high", "low"),
    "pace": ("faster", "slower"),
    "quality": ("better", "worse"),
    "relation": ("related", "not related"),
    "anomaly": ("an anomaly", "no anomaly"),
    "verdict": ("yes", "no"),
}
"""The two sides of each direction."""


class Facts(NamedTuple):
    """The distinct numbers of a text, and its directions: name -> (the first side is stated, the second is).

    ``in_words`` are numbers written in words, which an answer may state figures by; none is asked for. ``opening``:
    whether the text begins with yes, and with no, as a word of a sentence too.
    """

    numbers: frozenset[Decimal]
    directions: tuple[tuple[str, tuple[bool, bool]], ...]
    in_words: frozenset[Decimal] = frozenset()
    opening: tuple[bool, bool] = (False, False)


@cache_short(4096)
def facts_of(text: str) -> Facts:
    """Read the numbers and the directions of a text, in English and Chinese.

    >>> facts_of("Yes, sales rose by 1,200.50 (0.99), 3 万").numbers == {Decimal("1200.5"), Decimal("0.99"), 30000}
    True
    >>> facts_of("No, exports fell.").directions
    (('change', (False, True)), ('verdict', (False, True)))
    >>> facts_of("没有明显的因果关系").directions
    (('relation', (False, True)),)
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_LENGTH]).translate(_MINUS).casefold()
    numbers = set()
    for match in _NUMBER.finditer(folded):
        value = Decimal(match[0].replace(",", ""))
        scale = _SCALES.get(match[1] or match[2] or "", 0)
        numbers.add(value.scaleb(scale) if scale else value)
    for match in _PERCENT.finditer(folded):
        numeral = chinese_number(match[1] or match[2])
        if numeral is not None:
            numbers.add(Decimal(numeral.numerator) / Decimal(numeral.denominator))
    found = []
    for name, (first, second) in _DIRECTIONS.items():
        sides = first.search(folded) is not None, second.search(folded) is not None
        if any(sides):
            found.append((name, sides))
    if _RELATION.search(folded) is not None:
        denied = _DENIAL.search(folded) is not None
        found.append(("relation", (not denied, denied)))
    if _ANOMALY.search(folded) is not None:
        denied = _NO_ANOMALY.search(folded) is not None
        found.append(("anomaly", (not denied, denied)))
    verdict = _VERDICTS[0].match(folded) is not None, _VERDICTS[1].match(folded) is not None
    if any(verdict) and _ENDED.match(folded) is not None:  # "No anomalies" is no verdict
        found.append(("verdict", verdict))
    return Facts(frozenset(numbers), tuple(found), frozenset(_in_words(folded)), verdict)


def _in_words(folded: str) -> Iterator[Decimal]:
    for match in _IN_WORDS.finditer(folded):
        value = _ENGLISH.get(match[0])
        numeral = chinese_number(match[0]) if value is None else None
        if value is not None:
            yield Decimal(value)
        elif numeral is not None:
            yield Decimal(numeral.numerator) / Decimal(numeral.denominator)


def facts_stated(gold: str, answer: str) -> float:
    """The share, in [0, 1], of the gold text's facts that an answer states; 1 where the gold text has none.

    A number counts when the answer has it, in figures at the gold number's decimals or in words. A direction (rise or
    fall, positive or negative, more or less, high or low, faster or slower, better or worse, a leading yes or no)
    counts 1 when the answer states the same side, 1/2 when it states both where one is right, 0 else. An answer that
    denies a relation or anomalies which the gold one has, or has those that it denies, misses one fact more.

    >>> facts_stated("Yes, sales rose by 12.5 %", "yes: they increased by 12.50 %")
    1.0
    >>> facts_stated("Yes, sales rose by 12.5 %", "Yes, sales fell by 13.5 %"), facts_stated("销量上升", "销量下降")
    (0.3333333333333333, 0.0)
    """
    wanted, said = facts_of(gold), facts_of(answer)
    stated = count = 0.0
    for number in wanted.numbers:
        count += 1
        stated += (
            number in said.numbers
            or number in said.in_words
            or any(_rounds_to(other, number) for other in said.numbers)
        )
    theirs = {"verdict": said.opening, **dict(said.directions)}
    for name, (first, second) in wanted.directions:
        here, there = theirs.get(name, (False, False))
        if name in _TAKEN_FOR_GRANTED and ((here, there) == (first, second) or (first and not (here or there))):
            continue
        count += 1
        either = (first or here) + (second or there)
        stated += ((first and here) + (second and there)) / either
    return stated / count if count else 1.0


def _rounds_to(value: Decimal, gold: Decimal) -> bool:
    """Whether a number with more decimals than the gold one is the same at the gold one's."""
    ours, theirs = gold.as_tuple().exponent, value.as_tuple().exponent
    if not isinstance(ours, int) or not isinstance(theirs, int) or theirs >= ours or ours > 0:
        return False
    return abs(value - gold) <= Decimal(5).scaleb(ours - 1)
