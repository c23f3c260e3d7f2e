r"""The fast path: text, numbers, words and Python literals compared without computer algebra.

``compare`` returns True or False where it is sure, and None where only algebra can tell.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH, out_of_bounds
from table_rewards.rewards.mathematics.characters import dressed_down
from table_rewards.rewards.mathematics.equality import Comparison
from table_rewards.rewards.mathematics.numbers import read_number, same_number
from table_rewards.rewards.mathematics.quick import same_quickly
from table_rewards.rewards.mathematics.reading import read_answer
from table_rewards.rewards.mathematics.rule import AnswerForm
from table_rewards.rewards.mathematics.tree import Unreadable
from table_rewards.rewards.mathematics.wording import TRUTH, without_articles

if TYPE_CHECKING:
    from table_rewards.sandbox.values import Value

MAX_LIST: Final = 64
_CACHE: Final = 65_536

_TEXT = re.compile(r"\\(?:text|textrm|textbf|textit|texttt|mathrm|mathbf|mathit|operatorname|mbox|emph)\s*\{([^{}]*)\}")
_RULES: Final = {form: Comparison(form=form) for form in ("finished", "same", "any")}
_LOOSE = re.compile(r"(?<![A-Za-z0-9])\s+|\s+(?![A-Za-z0-9])")
"""Spaces that part nothing, beside signs."""
TRUTH_WORDS: Final = frozenset(TRUTH)


def compare(gold: str, answer: str, kind: str, *, form: AnswerForm = "finished") -> bool | None:
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
    if kind == "math" and form != "same":
        verdict = same_quickly(gold, answer)  # costs little more than a look into a cache, and less than filling it
        if verdict is not None:
            return verdict
    return _in_full(gold, answer, kind, form)


@lru_cache(maxsize=_CACHE)
def _in_full(gold: str, answer: str, kind: str, form: AnswerForm) -> bool | None:
    if kind == "math":
        return same_mathematics(gold, answer, form=form)
    return same_text(gold, answer) if kind == "text" else same_literal(gold, answer)


def same_mathematics(gold: str, answer: str, *, form: AnswerForm = "finished") -> bool | None:
    """Mathematics, as far as structure and exact arithmetic go: the reference of :func:`same_quickly`.

    None where only algebra could tell, where the answer is out of bounds, and where the gold answer cannot be read.
    """
    if _flat(gold) == _flat(answer):
        return True
    if out_of_bounds(answer) or out_of_bounds(gold):
        return None
    try:
        wanted = read_answer(gold)
    except Unreadable:
        return True if _LOOSE.sub("", _flat(gold)) == _LOOSE.sub("", _flat(answer)) else None
    try:
        given = read_answer(answer)
    except Unreadable:
        return False
    return _RULES[form].same(wanted, given)


def why_unreadable(gold: str) -> str:
    """Why a gold answer cannot be compared with anything but its own text, or "" when it can.

    >>> why_unreadable("8 # 7"), why_unreadable("x^2")
    ("'#' at 1", '')
    """
    refused = out_of_bounds(gold)
    if refused:
        return refused
    try:
        read_answer(gold)
    except Unreadable as error:
        return str(error)
    return ""


def _flat(text: str) -> str:
    """The text in one spelling, with the words of ``\\text{}`` as plain words."""
    return " ".join(_TEXT.sub(r" \1 ", dressed_down(text) if len(text) <= MAX_LENGTH else text).split())


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
def loose(text: str) -> str:
    """Text in one spelling: compatible characters, lower case, no articles, no quotes or full stop around it."""
    text = _TEXT.sub(r" \1 ", bare_ends(text))
    text = unicodedata.normalize("NFKC", text[:4_096]).replace("\\", "")
    text = (" ".join(without_articles(text).split()) or " ".join(text.split())).casefold()
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
