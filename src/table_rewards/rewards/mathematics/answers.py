r"""Finding the answer that a completion commits to.

In this order: what follows the thinking; the last ``<answer>`` there; the last ``\boxed{}`` in it, or the tag's whole
content; without a tag or a box the last "the answer is ..." or "####"; the last formula; the last number. An answer
that was written later replaces an earlier one, so listing guesses wins nothing, and an empty box is no answer.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, NamedTuple

from table_rewards.core.completion import answer_of, may_hold_thoughts, without_end_tokens

TAIL: Final = 4_096
SHORT: Final = 60
MAX_BOX: Final = 16_384
BEHIND: Final = 30
"""How much must stand from the last box on for an answer to be stated behind it, in characters."""
NEIGHBOUR: Final = 40
"""How far before the last box another one may end that is part of the same answer, in characters."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_TORN = re.compile(r"(?<=[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ])\{")
"""A group that opens right behind a raised digit: the brace that closes the group before it is missing."""
_PLAIN = r"[^{}\\]*(?:\\.[^{}\\]*)*"
_SHALLOW = re.compile(rf"\{{{_PLAIN}(?:\{{{_PLAIN}\}}{_PLAIN})*\}}", re.DOTALL)
"""A box with no more than braces in its braces: the plain reference is :func:`_closing`."""
_PHRASE = re.compile(
    r"(?:\banswer\b\s*(?:\*\*)?\s*(?:is|:|=|would be)|\bresult\s+is|\b(?:correct|right)\s+(?:option|choice)\s+is\b"
    r"|答案(?:是|为|：|:)|(?:故|应|因此|所以|答案|本题|综上[,，]?|正确)选(?:择|项)?(?:是|为)?(?=[\s:：*]{0,4}[（(]?[A-J](?![A-Za-z]))|答え?は|답은"
    r"|\bréponse(?:\s+finale)?\s*(?:est|:)|\brespuesta(?:\s+final)?\s*(?:es|:)|\bantwort\s*(?:ist|lautet|:)"
    r"|\brisposta(?:\s+finale)?\s*(?:è|:)|\bresposta(?:\s+final)?\s*(?:é|:)|\bответ\s*:|####)"
    r"\s*[:：]?\s*(?:\*\*)?[ \t]*"
    r"(?:(?:for\s+sure|definitely|clearly|certainly|indeed|obviously|therefore|thus|simply|then"
    r"|donc|alors|also|somit|entonces)\s+)?([^\n]+)",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r"\**(?:in)?(?:correct|right|wrong|verified|valid|confirmed|consistent|reasonable|plausible)\b(?!\s*(?::|option))",
    re.IGNORECASE,
)
"""What is said of an answer that was given before: no answer itself."""
_BUT = re.compile(r"not\s+\S{1,40},?\s+but\s+(?:rather\s+)?(.+)", re.IGNORECASE)
_ATTAINED = re.compile(
    r",?\s{1,4}(?:(?:which\s+is\s+)?(?:attained|achieved|reached|obtained|taken)|occurring)\s+(?:at|when|for|if|by)\b[^.\n]*\.?\s*\Z"
)
"""Where an extreme value lies, behind the value."""
_FINAL = re.compile(
    r"\bfinal\s+answer\s*(?:\*\*)?\s*(?:is|:)\s*:?\s*(?:\*\*)?\s*"
    r"(\$[^$\n]{1,200}\$|\\\([^\n]{1,200}?\\\)|[-−]?[0-9][0-9.,/]{0,60})",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoice)\s+\(?([A-J])\)?\s+is\s+(?:the\s+)?(?:correct|right)\b(?!\s*\?)"
    r"|(?<![\w(])\(?([A-J])\)?\s+is\s+the\s+(?:correct|right)\s+(?:answer|option|choice)\b(?!\s*\?)"
    r"|选项\s*([A-J])\s*(?:是)?(?:正确|对)(?!吗)"
    r"|\b(?:it(?:['’]s|\s+is|\s+must\s+be)|I(?:\s+would|['’]d)?\s+(?:choose|pick|select|go\s+with))\s+\(?([A-J])\)?\.?\s*\Z"
)
_LETTER_FIRST = re.compile(
    r"\(?([A-J])\)?\s*(?:[.:。：]|,\s*(?:not|because|since|as|it)\b|\s(?:because|since|not)\b|[，,]?\s*(?:不是|因为))"
)
_LETTER_ALONE = re.compile(r"\**(?:(?:[Oo]ption|[Cc]hoice)\s+)?\(?([A-J])\)?[.)]?\**\.?")
_MATH = re.compile(
    r"\$\$([^$]{1,2000})\$\$|\\\[(.{1,2000}?)\\\]|\\\((.{1,2000}?)\\\)|(?<!\\)\$([^$\n]{1,2000}?)(?<!\\)\$(?![0-9])",
    re.DOTALL,
)
_DIGITS: Final = r"[-−]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,60})(?:\.[0-9]{1,60})?"
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_.,^\\])(?:[-−]?[0-9]{{1,6}} (?=[0-9]{{1,9}}/[0-9]))?{_DIGITS}(?:\s*/\s*[0-9]{{1,60}})?"
    r"(?:\^\{?[0-9]{1,9}\}?|\s*(?:%|per ?cent\b|pct\b))?"
    r"(?=(?:km|cm|mm|m|kg|mg|g|ml|L|l|s|h|ft|in|mph|st|nd|rd|th)?(?![A-Za-z0-9_^!]))"
)
"""A number in running text; a letter right behind it may only be a unit, for ``3x`` is none."""
_IS_NUMBER = re.compile(
    rf"(?:\bis|\bare|\bequals|=|:|为|是|等于|共|有)\s*(?:\*\*)?\s*(\\?\$?{_DIGITS}(?:\s*/\s*[0-9]{{1,60}})?\s*\\?%?)"
    r"(?![A-Za-z0-9_^])"
)
_SENTENCE_END = re.compile(r"[.!?。！？](?:\s|$)|\n|[。！？]|^\s*(?:Therefore|Thus|Hence|So|因此|所以)\b")
_NUMERIC = re.compile(r"[-−+0-9\s.,/%$^*()×]*[0-9][-−+0-9\s.,/%$^*()×]*")
_JOINT = re.compile(r"\s*(?:,|;|、|，|,?\s*(?:and|or)|和|或)\s*")
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z\\$])[a-zA-Z](?:_\{{?\d\}}?)?\s*=\s*{_DIGITS}"
    rf"(?:\s*(?:,|，|、|或|和|,?\s*(?:or|and))\s*(?:[a-zA-Z](?:_\{{?\d\}}?)?\s*=\s*)?{_DIGITS})+(?=[\s.。!！*]*\Z)"
)
"""Several values at the end of a text without marks: ``x=3 or x=-1``."""
_BARE_FORMULA = re.compile(
    r"(?!.*(?:\b(?:is|so|no|it|to|or|of|we|in|an|be|by|if)\b|box))(?=.*(?:[-+*/^=<>]|\\[a-z]))"
    r"(?!.*(?:\*\*|(?<![\\A-Za-z])(?!(?:sqrt|arcsin|arccos|arctan|sinh|cosh|tanh)\b)[A-Za-z]{4}))[ -~]+"
)
"""A formula that stands alone without marks: ``2x + 2``."""
_JOINED = re.compile(r"\\text\{\s*(?:or|and)\s*\}")
_SENTENCE_WORD = re.compile(r"[A-Za-z]{3,}|[\u4e00-\u9fff]{2}")
_WIDE_DIGITS: Final = {0xFF10 + digit: str(digit) for digit in range(10)}
_IS = re.compile(r"\b(?:is|are|equals?|becomes|gives)\b|=|为|是|等于")
_ASIDE = re.compile(
    r",\s+(?:it|this|that|they|he|she)\b|[，,]?\s*(?:不是|而不是|因为)|\s*\((?:since|because|as|not|which|where)\b"
    r"|,?\s+(?:not|because|since|rather\s+than|instead\s+of|which|where|as\s+required|so\s+that)\b",
    re.IGNORECASE,
)
_NEXT_SENTENCE = re.compile(
    r"\s*[.!?。！？]\s+(?=[A-Z\[(*\u4e00-\u9fff])(?!.*\b(?:wait|actually|correction|mistake|instead|sorry|no)\b)",
    re.IGNORECASE | re.DOTALL,
)
"""The end of the sentence that gave the answer, where what follows takes nothing back."""
_BEHIND_FORMULA = re.compile(r"\s*((?:,|\bor\b|\band\b|或|和)\s*[0-9].*)?", re.DOTALL)
_BETWEEN_BOXES = re.compile(
    r"(?:\s|\$|\\[()]|\\q?quad|\\[,;: ])*(?:,|;|and|or|,\s*and|,\s*or|、|和|或|及|\\text\{\s*(?:and|or)\s*\})"
    r"(?:\s|\$|\\[()]|\\q?quad|\\[,;: ])*(?:[a-zA-Z](?:_\{?\w{1,3}\}?)?\s*=\s*)?"
)
_BARE_LATEX = re.compile(
    r"(?<![\w\\$])[-−+]?(?:[0-9.]*|[0-9]+\s*[-+*/]\s*)(?:\\(?:[dt]?frac|sqrt|pi|binom)(?![a-zA-Z])"
    r"(?:\s*(?:\[[^\[\]]{1,20}\])?\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[0-9])*"
    r"(?:\s*[-+*/^]?\s*[0-9.]+(?![a-zA-Z]))?)+"
)


class Answer(NamedTuple):
    """The text of an answer ("" when there is none), and where it was found or why not."""

    text: str
    where: str


def find_answer(completion: str, expression: bool = True) -> Answer:
    r"""Return the answer that a completion commits to.

    Args:
        completion: anything.
        expression: fall back on the last formula or number; without it on a short last line (for answers in words).

    >>> find_answer(r"First \boxed{3}. No: <answer>\boxed{\frac{1}{2}}</answer>").text
    '\\frac{1}{2}'
    >>> find_answer("<think>maybe 3</think> So the answer is $x=4$.").text, find_answer(r"\boxed{ }")
    ('x=4', Answer(text='', where='an empty box'))
    """
    return Answer(*locate(completion, expression))


def locate(completion: str, expression: bool = True) -> tuple[str, str]:
    """The same as a plain pair, which costs half as much to build."""
    text = completion
    tagged = False
    angled = "<" in text
    if may_hold_thoughts(text):
        text = answer_of(text)
    if angled:
        start = text.rfind("<answer>")
        if start >= 0:
            end = text.find("</answer>", start)
            if end >= 0 and text.find("</answer>", end + 9) >= 0:
                return "", "nested <answer> tags"
            text = text[start + 8 : end] if end >= 0 else text[start + 8 :]
            tagged = True
    last = text.rfind("box")
    if (
        last > 0
        and text.startswith("\\boxed{", last - 1)
        and (len(text) - last < BEHIND or text.find("inal answer", last) < 0)
        and text.find("}", last - NEIGHBOUR if last > NEIGHBOUR else 0, last) < 0
    ):
        return _content(text, last + 5)  # nine boxes in ten: alone, and nothing but a few signs behind it
    box = text.rfind("\\boxed")
    frame = text.rfind("\\fbox", box if box > 0 else 0)  # looked for only behind it
    start = box if box > frame else frame
    if start >= 0:
        if len(text) - start > BEHIND and expression and text.find("inal answer", start) >= 0:
            final = _last(_FINAL, text[start:])
            if final is not None:
                return stated(final[1].rstrip(".,")), "the final answer is"
        if box > 0 and text.find("}", box - NEIGHBOUR if box > NEIGHBOUR else 0, box) >= 0:
            return _boxes_side_by_side(text, start)
        return _box_at(text, start)
    if tagged:
        inner = without_end_tokens(text).strip()
        if not inner:
            return "", "an empty <answer>"
        return (stated(inner, expression), "<answer>") if len(inner) <= MAX_BOX else _too_long(inner)
    return _loose(without_end_tokens(text)[-TAIL:], expression)


def _box_at(text: str, start: int) -> tuple[str, str]:
    if text.startswith("\\boxed{", start):
        at = start + 6
    else:
        at = _BOX.match(text, start).end()  # type: ignore[union-attr]
        if not text.startswith("{", at):
            word = re.match(r"[^\s$]{1,200}", text[at:])
            return (word[0].rstrip("."), "\\boxed") if word else ("", "an empty box")
    return _content(text, at)


def _content(text: str, at: int) -> tuple[str, str]:
    """What stands in the box whose brace opens at ``at``."""
    end = text.find("}", at)
    content = text[at + 1 : end]
    if end >= 0 and "{" in content:
        shallow = _SHALLOW.match(text, at, at + MAX_BOX)
        end = shallow.end() - 1 if shallow else _closing(text, at)
        content = text[at + 1 : end]
    if end < 0:
        mended = _TORN.sub("}{", text[at : at + MAX_BOX])
        end = _closing(mended, 0) if len(mended) > len(text[at : at + MAX_BOX]) else -1
        if end < 0:
            return "", "a box that is not closed"
        content = mended[1:end]
    content = content.strip()
    return (content, "\\boxed") if content else ("", "an empty box")


def _closing(text: str, at: int) -> int:
    """Where the brace at ``at`` closes; escaped braces do not count. -1 when it does not within the limit."""
    depth = 0
    index = at
    last = min(len(text), at + MAX_BOX)
    while index < last:
        char = text[index]
        if char == "\\":
            index += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    return -1


def answers_of_gold(text: str) -> str:
    r"""The answer that a gold text marks; several boxes are several answers.

    >>> answers_of_gold(r"So $x=\boxed{-2}$ or $\boxed{1}$."), answers_of_gold(r"It is $\boxed{\frac34}$.")
    ('-2, 1', '\\frac34')
    """
    if text.count("\\boxed") + text.count("\\fbox") < 2:
        return locate(text)[0]
    found = []
    for match in _BOX.finditer(text):
        content = _box_at(text, match.start())[0]
        if content and content not in found:
            found.append(content)
    return ", ".join(found)


def _boxes_side_by_side(text: str, start: int) -> tuple[str, str]:
    """The last box, with those that stand right before it, joined by "and", "or" or a comma: one answer in parts."""
    said, where = _box_at(text, start)
    before = text.rfind("\\boxed", 0, start)
    parts = [said]
    while said and before >= 0 and len(parts) < 12:
        earlier = _box_at(text, before)[0]
        between = text[before:start]
        at = between.rfind(earlier + "}") + len(earlier) + 1 if earlier else -1
        if at <= 0 or not _BETWEEN_BOXES.fullmatch(between[at:]):
            break
        parts.insert(0, earlier)
        start, before = before, text.rfind("\\boxed", 0, before)
    return (", ".join(parts), where) if len(parts) > 1 else (said, where)


def _loose(text: str, expression: bool) -> tuple[str, str]:
    """An answer without a box or a tag."""
    text = text if text.isascii() else text.translate(_WIDE_DIGITS)
    phrase = _last_phrase(text, expression)
    if phrase is not None:
        formula = _MATH.match(text, phrase.start(1))  # it may stand on lines of its own
        shown = text[phrase.start(1) : max(phrase.end(1), formula.end())] if formula else phrase[1]
        said = stated(shown, expression)
        if said:
            return said, "the answer is"
    if expression:
        if len(text) <= SHORT and _NUMERIC.fullmatch(text.strip()) and "\n" not in text.strip():
            return text.strip(), "the whole text"
        letter = _LETTER_ALONE.fullmatch(text.strip()) if len(text) <= SHORT else None
        if letter is not None:
            return letter[1], "the whole text"
        chosen = _last(_CHOSEN, text)
        if chosen is not None and not (_MATH.search(text, chosen.end()) or _NUMBER.search(text, chosen.end())):
            return next(letter for letter in chosen.groups() if letter), "the choice that is called correct"
        if len(text) <= SHORT and _BARE_FORMULA.fullmatch(_JOINED.sub(",", text.strip())):
            return text.strip(), "the whole text"
        found = _last_value(text)
        first = None if found[0] else _LETTER_FIRST.match(text.lstrip())
        return (first[1], "the letter in front") if first else found
    lines = [line.strip().strip("*").strip() for line in text.splitlines() if line.strip()]
    if lines and len(lines[-1]) <= 80:
        return lines[-1].rstrip("."), "the last line"
    return "", "no answer found"


def _last_phrase(text: str, expression: bool) -> re.Match[str] | None:
    """The last "the answer is ..." that gives one: "this answer is correct" does not, unless words are asked for."""
    found, at = None, 0
    while (phrase := _PHRASE.search(text, at)) is not None:
        if not expression or _JUDGED.match(phrase[1]) is None:
            found = phrase
        at = phrase.start(1)
    return found


def _last_value(text: str) -> tuple[str, str]:
    """The last formula; or the last number, where it stands in a later sentence or there is no formula."""
    attained = _ATTAINED.search(text)
    text = text[: attained.start()] if attained and _MATH.search(text, 0, attained.start()) else text
    formula = _last(_MATH, text) or _last(_BARE_LATEX, text)
    listed = _last(_ASSIGNED, text)
    if listed is not None and (formula is None or listed.start() > formula.end()):
        return listed[0].strip(), "the last values"
    if formula is not None and not any(char.isdigit() for char in formula[0]):
        said = _IS_NUMBER.match(text, formula.end()) or _IS_NUMBER.match(text, formula.end() + 1)
        if said is not None:
            return said[1].strip(), "what the last formula is"
    number = _last(_NUMBER, text if formula is None else text[formula.end() :])
    if formula is not None:
        between = text[formula.end() :][: number.start()] if number else ""
        if number is None or not _SENTENCE_END.search(between):
            content = next((group for group in formula.groups() if group), None)
            first = _first_of_joined(text, formula) if content else formula.start()
            if first < formula.start():
                return text[first : formula.end()], "the last formulas"
            return content.strip() if content else _balanced(formula[0].strip(" .,;*")), "the last formula"
    return (number[0].strip(), "the last number") if number else ("", "no answer found")


def _first_of_joined(text: str, last: re.Match[str]) -> int:
    """Where the formulas begin that "and", "or" and commas join to the last one."""
    first = last.start()
    for earlier in reversed(list(_MATH.finditer(text, max(0, first - 200), first))):
        if not _JOINT.fullmatch(text, earlier.end(), first):
            break
        first = earlier.start()
    return first


def stated(said: str, expression: bool = True) -> str:
    r"""What a short text gives as the answer: its formula, or what its last "is" says, or all of it.

    >>> stated("The largest $n$ is 34."), stated("$p=3$ because it fits"), stated("5, not 7"), stated("$3$ or $4$")
    ('34', 'p=3', '5', '$3$ or $4$')
    """
    inner = _last_phrase(said, expression)
    if inner is not None and inner[1].strip():
        said = inner[1]
    said = said.strip().strip("*").strip()
    other = _BUT.fullmatch(said)
    said = other[1] if other else said
    aside = _ASIDE.search(said) if "$" in said else None
    if aside and "wh" not in aside[0] and said[: aside.start()].count("$") % 2 == 0 and "$" in said[: aside.start()]:
        said = said[: aside.start()]
    formulas = list(_MATH.finditer(said))
    if len(formulas) > 1 and _NEXT_SENTENCE.match(said, formulas[0].end()):
        said, formulas = said[: formulas[0].end()], formulas[:1]
    if formulas:
        last = formulas[-1]
        content = next(group for group in last.groups() if group).strip()
        before = said[: last.start()]
        number = _last(_IS_NUMBER, said[last.end() :])
        if number is not None and not any(char.isdigit() for char in content):
            return number[1].strip()
        if len(formulas) == 1:
            behind = _BEHIND_FORMULA.match(said, last.end())
            return said[last.start() :].strip(" .") if behind and behind[1] else content
        if _IS.search(said[formulas[-2].end() : last.start()]):
            return content
        return said.rstrip(" .") if not before or len(said) < 200 else content
    said = _ASIDE.split(said, maxsplit=1)[0]
    said = re.split(r"[.!?](?:\s|$)|[。！？]", said, maxsplit=1)[0].strip().strip("*").strip().rstrip(".").strip()
    bare = list(_BARE_LATEX.finditer(said)) if "\\" in said else []
    if len(bare) == 1 and _SENTENCE_WORD.search(said[: bare[0].start()].replace("\\text", "")):
        return bare[0][0].strip()
    sentence = _last(_IS_NUMBER, said)
    if sentence is not None and len(_SENTENCE_WORD.findall(said[: sentence.start()])) > 1:
        return sentence[1].strip()
    numbers = list(_NUMBER.finditer(said)) if expression and len(said.split()) > 3 else []
    return numbers[0][0].strip() if len(numbers) == 1 else said


def _balanced(text: str) -> str:
    """The text without a bracket at its end that it does not open."""
    while text[-1:] in (")", "]") and text.count(text[-1]) > text.count({")": "(", "]": "["}[text[-1]]):
        text = text[:-1]
    return text


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _too_long(text: str) -> tuple[str, str]:
    return "", f"an answer of {len(text):,} characters"
