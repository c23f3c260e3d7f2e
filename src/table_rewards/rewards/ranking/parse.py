"""Reading a ranking from the end of a completion.

An answer stands on the last lines, whatever the spacing, blank lines, Markdown emphasis and the wording of headers::

    ... the comparison ...
    ### Final Ranking:
    B > A = D > C
    ### Scores:
    B: 9, A: 7, D: 7, C: 2

Names are compared as they are: a Cyrillic or Greek letter that looks like a Latin one is another name. Only the
full-width forms of ASCII characters count as the ASCII ones, since writers of Chinese and Japanese use both.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from table_rewards.core.completion import may_hold_thoughts, read_completion, without_end_tokens

MODES: Final = ("ranking", "ranking_score", "score")
REASONING: Final = ("required", "absent", "optional")

FOLD: Final = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20, 0x3001: 0x2C}
_KNOWN: Final = 2048
_LOOKED_AT: Final = 64  # lines from the end in which the answer must stand
_NUMBER: Final = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_DECORATION: Final = " \t\r*_`'\"()[]{}$"
_RULE: Final = re.compile(r"[-=~_*`#]+[a-z]{0,10}")  # code fences, horizontal rules, empty headings
_PREFIXES: Final = frozenset({"translation", "candidate", "response", "answer", "option", "system", "output"})
_ITEM: Final = re.compile(r"(?:[-*+•]\s+|\d{1,2}[.)]\s+)?([^:：,，;；>＞]{1,80}?)\s*[:：]([^:：,，;；>＞]{1,40})")
_HEADER: Final = re.compile(
    r"(the |my )?(final )?(ranking|rank|scores?|scoring|order)\b[^:：>＞=＝]{0,24}", re.IGNORECASE
)


_TAG: Final = re.compile(r"</?[a-z_]{1,20}>", re.IGNORECASE)
_WRAPPING: Final = re.compile(r"\A<[a-z_]{2,20}>|</[a-z_]{2,20}>\Z", re.IGNORECASE)
_BOX: Final = re.compile(r"\$?\\boxed\{(?:\\text\{)?([^{}]*)\}{1,2}\$?\.?")
_SIGNS: Final = (("\\>", ">"), ("&gt;", ">"), ("≻", ">"), ("\\succ", ">"))


class Read(NamedTuple):
    """What each candidate is worth, in the order of the candidates (of an order: minus the place); or the problem."""

    scores: list[float] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer must look like.

    ``reasoning`` is ``required`` (something must be said before the answer), ``absent``, ``optional``, or a number:
    characters a candidate that the text before the answer must have.
    """

    mode: str = "ranking_score"
    reasoning: str | int = "required"
    low: float = 0.0
    high: float = 10.0


def read_ranking(text: str, candidates: tuple[str, ...], form: Form) -> Read:
    """Read the ranking of these candidates from a completion; linear in its length.

    What stands in thoughts is no answer; thoughts that say something are reasoning before it. An empty thought and
    end-of-turn tokens change nothing.

    >>> read_ranking("A is better.\\n\\nFinal ranking: A > B\\n\\n**Scores**\\nB: 3, A: 8/10", ("A", "B"), Form())
    Read(scores=[8.0, 3.0], problem='')
    >>> read_ranking("A is better.\\nB > A\\nA: 8, B: 3", ("A", "B"), Form()).problem
    'the ranking and the scores contradict each other'
    """
    index = _index(candidates)
    thoughts = ""
    if may_hold_thoughts(text):
        reading = read_completion(text)
        if not reading.closed:
            return Read(None, "thoughts that were never closed")
        text, thoughts = reading.answer, reading.thoughts
    else:
        text = without_end_tokens(text)
    lines = _from_end(text)
    if not lines:
        return Read(None, "empty" if not text.strip() else "no answer line")
    if form.mode != "ranking" and len(index) > 1 and _ITEM.fullmatch(lines[0][1]):
        lines = _scores_on_lines(text, index) or lines
    at = 0
    start, line = lines[0]
    read = Read(None)
    if form.mode != "ranking":
        read = _scores(line, index, form)
        if read.scores is None:
            return read
        at = 1
    if form.mode != "score":
        if at and at < len(lines) and not _may_be_order(lines[at][1]):  # the header of the scores
            at += 1
        if at >= len(lines) or not _may_be_order(lines[at][1]):
            return Read(None, "no ranking line" if at else f"the last line is no ranking: {_shown(line)}")
        start, line = lines[at]
        order = _order(line, index)
        if order.scores is None:
            return order
        if read.scores is None:
            read = order
        elif not _consistent(order.scores, read.scores):
            return Read(None, "the ranking and the scores contradict each other")
        at += 1
    if at < len(lines) and _is_header(lines[at][1]):
        start = lines[at][0]
    before = text[:start]
    # Thoughts are reasoning, where they say something; what they draft is no second answer.
    problem = _reasoning_problem(thoughts + before, len(index), form.reasoning) or _second_answer(before, index, form)
    return Read(None, problem) if problem else read


def read_number(line: str, high: float) -> float | None:
    """Read a decimal number such as ``8``, ``7.5``, ``8/10`` or ``**8**``; None when it is none.

    >>> read_number("**8/10**.", 10), read_number("1e3", 10), read_number("nan", 10)
    (8.0, None, None)
    """
    if len(line) > 64:
        return None
    text = line if line.isascii() else line.translate(FOLD)
    if not _NUMBER.fullmatch(text):
        text = text.strip(_DECORATION).removesuffix(".").strip(_DECORATION)
        text = re.sub(rf"\s*(?:/|out of)\s*{high:g}$|(?<=[0-9])\s*(?:points?|pts|分)$", "", text)
        if not _NUMBER.fullmatch(text):
            return None
    return float(text)


def _scores_on_lines(text: str, index: dict[str, int]) -> list[tuple[int, str]] | None:
    """The last lines, those that hold one candidate's score each joined to one; None when they do not."""
    lines = _from_end(text, len(index) + 4)
    items = [_ITEM.fullmatch(line) for _, line in lines[: len(index)]]
    found = [
        f"{item[1]}: {item[2]}" for item in items if item and _candidate(item[1].translate(FOLD), index) is not None
    ]
    if len(found) != len(index):
        return None
    return [(lines[len(index) - 1][0], ", ".join(reversed(found))), *lines[len(index) :]]


def _from_end(text: str, most: int = 5) -> list[tuple[int, str]]:
    """The last lines that say something, last first, with where they start.

    Five are enough: scores, their header, the ranking, its header, and one line of what stands before.
    """
    found: list[tuple[int, str]] = []
    end = len(text.rstrip())
    for _ in range(_LOOKED_AT):
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end].strip()
        if line and not (line[0] in "-=~_*`#<" and (_RULE.fullmatch(line) or _TAG.fullmatch(line))):
            found.append((start, _plainly(line)))
            if len(found) == most:
                break
        end = start - 1
        if end <= 0:
            break
    return found


def _plainly(line: str) -> str:
    """A line without what Markdown, HTML and TeX put round a ranking: a quotation's mark, a box, escaped signs."""
    if "\\" in line or "&" in line or "≻" in line:
        boxed = _BOX.fullmatch(line)
        line = boxed[1].strip() if boxed else line
        for sign, plain in _SIGNS:
            line = line.replace(sign, plain)
    if line[:1] == "<" or line[-1:] == ">":  # <answer>A > B</answer>
        line = _WRAPPING.sub("", line).strip() or line
    return line[1:].lstrip() if line[:2] == "> " else line


def _order(line: str, index: dict[str, int]) -> Read:
    if not line.isascii():
        line = line.translate(FOLD)
    if ":" in line:  # a header on the same line
        head, _, rest = line.rpartition(":")
        if ">" in head or "=" in head or len(head) > 80:
            return Read(None, f"no plain ranking: {_shown(line)}")
        line = rest
    if len(line) > 256 + 80 * len(index):
        return Read(None, "the ranking line is too long for its candidates")
    places: list[float | None] = [None] * len(index)
    for place, tier in enumerate(line.split(">")):
        for name in tier.split("="):
            where = index.get(name.strip())
            if where is None:
                where = _candidate(name, index)
            if where is None:
                return Read(None, _unknown(name, index, "ranking"))
            if places[where] is not None:
                return Read(None, f"the ranking names {name.strip()} twice")
            places[where] = -float(place)
    return _complete(places, index, "ranking")


def _scores(line: str, index: dict[str, int], form: Form) -> Read:
    if not line.isascii():
        line = line.translate(FOLD)
    if len(line) > 256 + 100 * len(index):
        return Read(None, "the score line is too long for its candidates")
    known = _known_scores(tuple(index), form.low, form.high)
    quick: list[float | None] = [None] * len(index)
    for item in line.split(", "):
        hit = known.get(item)
        if hit is None or quick[hit[0]] is not None:
            break
        quick[hit[0]] = hit[1]
    else:
        if None not in quick:
            return Read(quick)  # type: ignore[arg-type]
    items = line.replace(";", ",").rstrip(".,").split(",")
    if form.mode == "score" and ":" not in line and len(items) == len(index):
        items = [f"{name}:{item}" for name, item in zip(index, items, strict=True)]
    found: list[float | None] = [None] * len(index)
    for number, item in enumerate(items):
        name, colon, value = item.rpartition(":")
        name = name.strip().removeprefix("and ") if number else name
        if not colon:
            return Read(None, f"the last line is no list of scores: {_shown(line)}")
        if number == 0 and ":" in name:  # a header on the same line
            name = name.rpartition(":")[2]
        where = _candidate(name, index)
        if where is None:
            return Read(None, _unknown(name, index, "scores"))
        score = read_number(value.strip(), form.high)
        if score is None:
            return Read(None, f"the score of {name.strip(_DECORATION)} is no number: {_shown(value)}")
        if not form.low <= score <= form.high:
            return Read(None, f"out of range: {name.strip(_DECORATION)} {score:g}, not {form.low:g} to {form.high:g}")
        if found[where] is not None:
            return Read(None, f"the scores name {name.strip(_DECORATION)} twice")
        found[where] = score
        if len(known) < _KNOWN and item.strip() == f"{name.strip()}:{value}":
            known[item.strip()] = (where, score)
    return _complete(found, index, "scores")


def _complete(found: list[float | None], index: dict[str, int], what: str) -> Read:
    complete = [value for value in found if value is not None]
    if len(complete) == len(found):
        return Read(complete)
    missing = [name for name, where in index.items() if found[where] is None]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return Read(None, f"missing from the {what}: {', '.join(missing[:3])}{more}")


def _candidate(name: str, index: dict[str, int]) -> int | None:
    name = name.strip()
    where = index.get(name)
    if where is None:
        name = name.strip(_DECORATION).removesuffix(".").strip(_DECORATION)
        where = index.get(name)
        if where is None:
            word, _, rest = name.rpartition(" ")
            if word.strip(_DECORATION).lower() in _PREFIXES:
                where = index.get(rest)
    return where


def _unknown(name: str, index: dict[str, int], what: str) -> str:
    name = name.strip()
    if not name:
        return f"an empty place in the {what}"
    strange = next((c for c in name if not c.isascii()), "")
    if strange and len(name) <= 8:
        return f"unknown candidate in the {what}: {_shown(name)} ({unicodedata.name(strange, f'U+{ord(strange):04X}')})"
    if "<" in name:
        return f"'<' in the {what}; the best comes first, joined by '>'"
    return f"unknown candidate in the {what}: {_shown(name)}"


def _consistent(places: list[float], scores: list[float]) -> bool:
    """The order that the scores imply is the order: one score a place, and falling."""
    of: dict[float, float] = {}
    for place, score in zip(places, scores, strict=True):
        if of.setdefault(place, score) != score:
            return False
    falling = [of[place] for place in sorted(of, reverse=True)]
    return all(better > worse for better, worse in itertools.pairwise(falling))


def _reasoning_problem(before: str, candidates: int, wanted: str | int) -> str:
    if wanted == "optional":
        return ""
    if wanted == "required":
        return "" if any(c.isalnum() for c in before) else "no reasoning before the answer"
    if wanted == "absent":
        return "" if not before.strip() else "text before the answer, which should stand alone"
    least = int(wanted) * candidates
    length = len(before) if len(before) < least else len(" ".join(before.split()))
    return "" if length >= least else f"{length} characters of reasoning, {least} are wanted"


def _second_answer(before: str, index: dict[str, int], form: Form) -> str:
    """A line of its own that is a whole ranking, or all the scores, before the last one: which one is meant?"""
    least = len(index)
    if form.mode != "score" and _may_be_order(before):
        for line in map(_plainly, map(str.strip, before.split("\n"))):
            if _may_be_order(line) and _stands_alone(line) and _order(line, index).scores is not None:
                return f"a second ranking: {_shown(line)}"
    if form.mode != "ranking" and _colons(before) >= least:
        plain = before.isascii()
        for line in before.split("\n"):
            colons = line.count(":") if plain else _colons(line)
            if colons >= least and _scores(_plainly(line.strip()), index, form).scores is not None:
                return f"a second line of scores: {_shown(line)}"
    return ""


def _stands_alone(line: str) -> bool:
    """Whether a line is no remark on one aspect, such as ``Fluency: B > A``: it has no header, or a ranking's."""
    if not _colons(line):
        return True
    head = line.translate(FOLD).rpartition(":")[0]
    return _HEADER.fullmatch(head.strip(_DECORATION + "#")) is not None


def _colons(text: str) -> int:
    return text.count(":") if text.isascii() else text.count(":") + text.count("：")


def _may_be_order(line: str) -> bool:
    return ">" in line or "=" in line or (not line.isascii() and ("＞" in line or "＝" in line))


def _is_header(line: str) -> bool:
    if len(line) > 80:
        return False
    bare = line.strip(_DECORATION + "#")
    return (
        line[0] == "#" or bare[-1:] in (":", "：") or (line[:2] == line[-2:] == "**") or bool(_HEADER.fullmatch(bare))
    )


def _shown(text: str) -> str:
    text = " ".join(text[:60].split())
    return repr(text if len(text) <= 40 else text[:37] + "...")


@lru_cache(maxsize=256)
def _known_scores(candidates: tuple[str, ...], low: float, high: float) -> dict[str, tuple[int, float]]:
    """Items such as ``A: 8`` that were read before; there are few, and every answer is made of them."""
    return {}


@lru_cache(maxsize=4096)
def _index(candidates: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(candidates)}
