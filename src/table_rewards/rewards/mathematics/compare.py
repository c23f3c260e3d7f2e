r"""The fast path: text, numbers, words and Python literals compared without computer algebra.

``compare`` returns True or False where it is sure, and None where only algebra can tell.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from table_rewards.rewards.mathematics.numbers import read_number, same_number
from table_rewards.rewards.mathematics.quick import TRUTH, same_quickly

if TYPE_CHECKING:
    from table_rewards.sandbox.values import Value

MAX_LIST: Final = 64
_CACHE: Final = 65_536

_DRESS = re.compile(
    r"\\(?:left|right|displaystyle|bigl|bigr|big|Big|Bigl|Bigr|limits|nolimits)(?![a-zA-Z])|\\[!,;:]|\\(?=\s)|~|\\q?quad(?![a-zA-Z])"
)
_FRACTION = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_SPACE = re.compile(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])")
_TEXT = re.compile(r"\\(?:text|textrm|textbf|textit|texttt|mathrm|mathbf|mathit|operatorname|mbox|emph)\s*\{([^{}]*)\}")
_WHOLE = re.compile(r"\\(?:text|mathrm)\{\s*([+-]?[0-9]{1,18})\s*\}|([+-]?[0-9]{1,18})")
_VARIABLE = re.compile(r"\s*\\?([a-zA-Z]\w{0,12}(?:\([a-z]\))?)\s*=(?![=])\s*")
_BASED = re.compile(r"([0-9A-Fa-f]{1,200})_\{?\s*([0-9]{1,2})\s*\}?")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_CHOICE = re.compile(r"\(?\s*([A-J])\s*[).:]?")
_MARKED = re.compile(r"\b([A-J])[).:]")
TRUTH_WORDS: Final = frozenset(TRUTH)


def compare(gold: str, answer: str, kind: str) -> bool | None:
    """Compare two answers of a kind (``math``, ``text`` or ``python``); None when only algebra can tell.

    >>> compare("0.5", r"\\frac12", "math"), compare("the Beatles", "Beatles", "text")
    (True, True)
    >>> compare("{1: 2}", r"\\{1: 2\\}", "python")
    True
    >>> compare("x^2-1", "(x-1)(x+1)", "math") is None
    True
    """
    if gold == answer:
        return True
    if kind == "math":
        verdict = same_quickly(gold, answer)  # costs little more than a look into a cache, and less than filling it
        if verdict is not None:
            return verdict
    return _in_full(gold, answer, kind)


@lru_cache(maxsize=_CACHE)
def _in_full(gold: str, answer: str, kind: str) -> bool | None:
    if kind == "math":
        return same_mathematics(gold, answer)
    return same_text(gold, answer) if kind == "text" else same_literal(gold, answer)


def same_mathematics(gold: str, answer: str) -> bool | None:
    """Mathematics, as far as numbers, words and plain text go: the reference of :func:`same_quickly`."""
    if gold.isdecimal() and answer.isdecimal() and gold.isascii() and answer.isascii():
        return gold.lstrip("0") == answer.lstrip("0")
    gold, answer = bare(gold), bare(answer)
    if gold == answer:
        return True
    left, right = read_number(gold), read_number(answer)
    if left is not None and right is not None:
        return same_number(left, right)
    whole, said = _WHOLE.fullmatch(gold), _WHOLE.fullmatch(answer)
    if whole and said:
        return int(whole[1] or whole[2]) == int(said[1] or said[2])
    if answer.count("=") > (1 if answer[:1].isalpha() else 0) and _disagrees(answer):
        return False
    if gold[:1].isalpha() or gold[:1] == "\\" or answer[:1].isalpha() or answer[:1] == "\\":
        named, named_answer = _VARIABLE.match(gold), _VARIABLE.match(answer)
        if named and named_answer:
            if named[1] != named_answer[1] and "," not in gold:
                return False
            return same_mathematics(gold[named.end() :], answer[named_answer.end() :]) if "," not in gold else None
        if named or named_answer:
            gold = gold[named.end() :] if named and "," not in gold else gold
            answer = answer[named_answer.end() :] if named_answer and "," not in answer else answer
            if gold == answer:
                return True
            left, right = read_number(gold), read_number(answer)
            if left is not None and right is not None:
                return same_number(left, right)
    verdict = _same_words(gold, answer, left is not None, right is not None)
    if verdict is not None:
        return verdict
    based, based_answer = _BASED.fullmatch(gold), _BASED.fullmatch(answer)
    if based and based_answer:
        return based.groups() == based_answer.groups()
    if based or based_answer:
        digits, other = (based[1], answer) if based else (based_answer[1], gold)  # type: ignore[index]
        return digits.lower() == other.replace(" ", "").lower()
    if left is not None and len(pieces(answer)) > 1:
        return False
    return None


def _disagrees(answer: str) -> bool:
    """Whether a chain of equations holds two numbers that differ: ``8 = 7`` must not pass for 7."""
    numbers = [number for part in answer.split("=") if (number := read_number(part.strip())) is not None]
    return any(not same_number(numbers[0], other) for other in numbers[1:])


def _same_words(gold: str, answer: str, gold_number: bool, answer_number: bool) -> bool | None:
    """Where either side is words and nothing else; None when neither is, or they may be products of variables."""
    picked = _TEXT.sub(r"\1", answer)
    choice, chosen = _CHOICE.fullmatch(_TEXT.sub(r"\1", gold)), _CHOICE.match(picked)
    if choice and chosen:
        others = _MARKED.findall(picked)
        if chosen.end() == len(picked) or (chosen[0][-1] in ").:" and set(others) == {chosen[1]}):
            return choice[1] == chosen[1]
    gold_words, answer_words = words(gold), words(answer)
    if gold_words and answer_words:
        if gold_words == answer_words or TRUTH.get(gold_words, 0) == TRUTH.get(answer_words, 1):
            return True
        return False if max(len(gold_words), len(answer_words)) > 3 else None
    if (gold_words and len(gold_words) > 3 and answer_number) or (
        answer_words and len(answer_words) > 3 and gold_number
    ):
        return False
    return None


def same_text(gold: str, answer: str) -> bool:
    """Answers in words or figures: case and articles do not count, nor does the order of a list.

    >>> same_text("Paris, Rome", "rome, the Paris"), same_text("True", "yes"), same_text("1,200", "1200.0")
    (True, True, True)
    """
    gold, answer = loose(gold), loose(answer)
    if gold == answer:
        return True
    if gold in TRUTH:
        return TRUTH[gold] == TRUTH.get(answer)
    left, right = read_number(gold), read_number(answer)
    if left is not None and right is not None:
        return same_number(left, right)
    wanted, given = pieces(gold), pieces(answer)
    if len(wanted) != len(given) or not 1 < len(wanted) <= MAX_LIST:
        return False
    for item in wanted:
        hit = next((i for i, other in enumerate(given) if same_text(item, other)), None)
        if hit is None:
            return False
        del given[hit]
    return True


def same_literal(gold: str, answer: str) -> bool:
    """Python literals as ``==`` compares them; a string may be written without its quotes."""
    from table_rewards.sandbox import values

    expected = _literal(gold)
    for text in (answer.strip(), unescaped(answer)):
        try:
            claimed = values.from_literal(text)
        except ValueError:
            if expected is not None and expected.kind == "str" and text == expected.data:
                return True
            if text == gold.strip():
                return True
            continue
        if expected is not None and values.same(expected, claimed):
            return True
    return False


@lru_cache(maxsize=1_024)
def _literal(text: str) -> Value | None:
    from table_rewards.sandbox import values

    try:
        return values.from_literal(text)
    except ValueError:
        return None


def unescaped(text: str) -> str:
    r"""Python inside LaTeX as Python: ``\{``, ``\_``, ``\text{...}``, dollar signs and backticks taken off."""
    text = text.strip().strip("$").strip("`").strip()
    text = _TEXT.sub(r"\1", text)
    return re.sub(r"\\([{}_%#&$ ])", r"\1", text).strip()


@lru_cache(maxsize=_CACHE)
def bare(text: str) -> str:
    r"""A formula without what only dresses it: dollar signs, ``\left``, thin spaces, ``\dfrac``, a final full stop.

    >>> bare(r"$\left( \dfrac{1}{2},\, 3 \right)$."), bare("1 1/2")
    ('(\\frac{1}{2},3)', '1 1/2')
    """
    text = text.strip()
    if not text or text.isalnum():
        return text
    if text[-1] == "." and not text[:-1].endswith("."):
        text = text[:-1].rstrip()
    if text[:2] in ("\\(", "\\[") and text[-2:] in ("\\)", "\\]"):
        text = text[2:-2]
    while len(text) > 1 and text[0] == "$" == text[-1] and text[-2] != "\\":
        text = text[1:-1].strip()
    if text[:2] == "**" == text[-2:]:
        text = text[2:-2]
    text = text.strip().rstrip("$").rstrip(",;").strip() if text.strip() != "$" else text
    if text[:7] == "\\boxed{" and text[-1:] == "}":
        text = text[7:-1]
    if "\\" in text or "~" in text:
        text = _FRACTION.sub(r"\\frac", _DRESS.sub("", text))
    text = text.replace("−", "-").replace("{,}", ",")
    return _SPACE.sub("", text.strip())


@lru_cache(maxsize=_CACHE)
def words(text: str) -> str:
    r"""Words in one spelling, or "" when ``text`` is more or less than words.

    >>> words(r"\text{The Beatles}"), words("x^2"), words("Évelyn")
    ('beatles', '', 'évelyn')
    """
    text = _TEXT.sub(r" \1 ", text)
    if not text or any(c in "\\^_={}<>+*/|" or c.isdigit() for c in text) or not any(c.isalpha() for c in text):
        return ""
    return loose(text)


@lru_cache(maxsize=_CACHE)
def loose(text: str) -> str:
    """Text in one spelling: compatible characters, lower case, no articles, no quotes or full stop around it."""
    text = _TEXT.sub(r" \1 ", bare_ends(text))
    text = unicodedata.normalize("NFKC", text[:4_096]).casefold().replace("\\", "")
    text = " ".join(_ARTICLES.sub(" ", text).split()) or " ".join(text.split())
    return text.strip(" .,;:!?\"'“”‘’`*$()" if text[:1] != "(" or "," not in text else " .;:!?\"'“”‘’`*$")


def bare_ends(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == "$" == text[-1] else text


def pieces(text: str) -> list[str]:
    """The parts of a list that is written bare: split at commas outside brackets that are not thousands marks.

    >>> pieces("1,234, (2,3), x"), pieces("12 and 13")
    (['1,234', '(2,3)', 'x'], ['12', '13'])
    """
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif depth <= 0 and (
            char == ";" or (char == "," and not re.match(r",[0-9]{3}(?![0-9])", text[index : index + 5]))
        ):
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    spread = [p for part in parts for p in re.split(r"\s+(?:and|or)\s+|\\text\{\s*(?:and|or)\s*\}", part)]
    return [part.strip() for part in spread if part.strip()]
