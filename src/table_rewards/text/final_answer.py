"""The answer line of TableBench's prompts: ``Final Answer: AnswerName1, AnswerName2...``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from table_rewards.core.completion import answer_of, may_hold_thoughts, without_end_tokens
from table_rewards.text.answer_lines import items_on_lines
from table_rewards.text.latex import without_latex

_RELEASED: Final = re.compile(r"Final Answer: (.+)")
# Found from the last letters of "answer" backwards, so that the last line comes first. All runs are bounded.
_LABEL: Final = re.compile(
    r"final[ \t\u00a0_\-]{0,4}answers?(?:\(s\))?(?:[ \t]{1,8}(?:is|are)\b)?[ \t]{0,8}"
    r"(?:\([^():：\n]{1,40}\)[ \t]{0,2})?"  # "(in km)", "(rounded to two decimals)"
    r"(?:\*{1,3}|_{1,2}|[\"'”}\])】])?[ \t]{0,8}[:：]",
    re.IGNORECASE,
)
_PICTURES: Final = "\u2190-\u2bff\ufe0f\U0001f300-\U0001faff"  # arrows, check marks, emoji
_HEADING: Final = re.compile(
    rf"final[ \t_\-]{{0,4}}answers?[ \t]{{0,8}}(?:\*{{1,3}}|_{{1,2}}|</\w{{1,8}}>)?[ \t#{_PICTURES}]{{0,8}}\r?\n",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(
    r"final[ \t_\-]{0,4}answer(?:[ \t]{1,8}(?:is|are)[ \t]{1,8}(?:(?:therefore|thus|hence|then|simply),?[ \t]{1,8})?"
    r"|[ \t]{0,8}(?:=|→|->|[-–—](?=[ \t])|[\]】]))",
    re.IGNORECASE,
)
_CHINESE: Final = re.compile(
    r"最(?:[終终]|[后後]的?)答案[ \t]{0,8}"
    r"(?:[是为為][ \t]{0,8}(?:\*{1,3}|_{1,2})?[ \t]{0,8}[:：]?|(?:\*{1,3}|_{1,2})?[ \t]{0,8}[:：])"
)
_LONGEST_LABEL: Final = 92
_BEFORE: Final = 10  # characters of a label before its "nswer", at most; less than any whole label has
_MARGIN: Final = 28  # characters that may stand before a heading on its line
_BEFORE_HEADING: Final = re.compile(
    rf"[#*_>\s\-{_PICTURES}]*(?:(?:(?:step|part|section)\s{{1,2}})?\d{{1,2}}\s?[.):\-–—]*)?[#*_>\s\-{_PICTURES}]*",
    re.IGNORECASE,
)
_TEMPLATE: Final = re.compile(r"answername\d", re.IGNORECASE)
_WRAPPERS: Final = (
    ("|", "|"),
    ("```", "```"),
    ("***", "***"),
    ("**", "**"),
    ("__", "__"),
    ("`", "`"),
    ("*", "*"),
    ("$", "$"),
)
_MARKS: Final = frozenset("*_`$|")
_OPENINGS: Final = {")": "(", "]": "[", "}": "{"}
_ANSWER_TAG: Final = re.compile(r"<(/?)(?:final_?)?answer>", re.IGNORECASE)
_REGION: Final = "<gold_area>"
_INLINE_TAG: Final = re.compile(
    r"</?(?:b|strong|i|em|u|code|mark|span|p|br|h[1-6])(?:\s+[\w:-]+\s*=[^<>]{0,80})?\s*/?>", re.IGNORECASE
)
_BULLET: Final = re.compile(r"(?:[-*•+]|\d{1,2}[.)]|\(\d{1,2}\))[ \t]+(?=\S)")
_LABEL_AS_ASKED: Final = "Final Answer: "
_HOPE: Final = re.compile(r"[ \t]*I[ \t]+hope[ \t]+(?:it|this)[ \t]+is[ \t]+correct\.?[ \t]*\Z", re.IGNORECASE)
_CONTROL: Final = re.compile(r"(?<=\S)[ \t]*<(?:\|[^|<>\s]{1,40}\||｜[^｜<>\s]{1,40}｜)>.*", re.DOTALL)
_OPENING_TOKEN: Final = re.compile(r"\A[ \t]*<\|[^|<>\s]{1,40}\|>")
_WRAPPER_END: Final = re.compile(r"(?<=\S)[ \t]*</([A-Za-z]\w{0,20})>[ \t]*\Z")
_ENDS_THE_ANSWER: Final = re.compile(r"</\w|<[|｜]|<gold_area>")
_NEXT_LABEL: Final = re.compile(r"\bfinal[ \t_-]+answer", re.IGNORECASE)
_SHORT: Final = 400
_LOOK_AHEAD: Final = 2_000
_LINES: Final = 6
_BULLETS: Final = 40


def released_final_answer(text: str) -> str:
    """The official parser: the *first* ``Final Answer: `` with a space, the rest of that line, else nothing (B5).

    >>> released_final_answer("Final Answer: AnswerName1\\nFinal Answer: 7")
    'AnswerName1'
    """
    match = _RELEASED.search(text)
    return match.group(1) if match else ""


def final_answer(text: str) -> str | None:
    r"""Return the last well-formed final answer, or None.

    Well-formed: the label in any case, bold or not, with or without "is", a colon, then the answer on the same or the
    next non-empty line; or the label as a heading, the answer below it. Items below the label, each on its line, are
    one answer; an explanation below it is none of it. ``<answer>`` round any of it, a ``<gold_area>``
    behind it, Markdown, LaTeX and end-of-turn tokens are taken off. An echoed template (``AnswerName1,
    AnswerName2...``) and an empty answer are none, and what stands in thoughts is none. Only without any label
    is a sentence read, "the final answer is 7", and the label in Chinese.

    >>> final_answer("Final Answer: 5\n...\n**Final Answer:** 22.33<|im_end|>")
    '22.33'
    >>> final_answer("### Final Answer\n\n**Paris, Rome**"), final_answer(r"<answer>Final Answer: $\boxed{7}$</answer>")
    ('Paris, Rome', '7')
    >>> final_answer("I think it is 7.") is None
    True
    """
    if may_hold_thoughts(text):
        text = answer_of(text)
    return plain_final_answer(text) or careful_final_answer(text)


def answer_in(shown: str) -> str | None:
    """:func:`final_answer` of a text that holds no thoughts any more."""
    return plain_final_answer(shown) or careful_final_answer(shown)


def plain_final_answer(text: str) -> str | None:
    """The answer of a text that ends with the label as the prompts write it, in one line; None when it takes more care.

    The fast path of :func:`answer_in`: nearly all completions end like this.

    >>> plain_final_answer("We add them.\\nFinal Answer: 7"), plain_final_answer("**Final Answer:** 7")
    ('7', None)
    """
    start = text.rfind(_LABEL_AS_ASKED)
    if start < 0 or len(text) - start > _SHORT:
        return None
    tail = text[start + len(_LABEL_AS_ASKED) :]
    if "nswer" in tail or "NSWER" in tail:
        return None
    answer = tail.partition("\n")[0].strip()
    if not answer or answer[0] in _MARKS or answer[-1] in _MARKS or "\\" in answer or "<" in answer:
        return None
    if answer[-1] == "," and "\n" in tail:  # it goes on in the next line
        return None
    if answer[-1] in "}])|" and (answer[-1] == "|" or answer.count(_OPENINGS[answer[-1]]) < answer.count(answer[-1])):
        return None
    if "hope" in tail:
        return None
    if answer[-1] in ">[" or (answer[-1] == "]" and answer[0] != "["):  # an end-of-turn token, perhaps
        return None
    return None if _TEMPLATE.match(answer) else answer


def careful_final_answer(text: str) -> str | None:
    """:func:`answer_in` in all its forms, readable: what the fast path is tested against."""
    visible = without_end_tokens(text)
    for end in _label_ends(visible, strict=True):
        answer = _answer_after(visible, end)
        if answer and not _TEMPLATE.match(answer):
            return answer
    for end in _label_ends(visible, strict=False):
        answer = unwrapped(_cleaned(visible[end : end + _LOOK_AHEAD].partition("\n")[0]))
        if answer:
            return answer
    last = None
    for match in _CHINESE.finditer(visible):
        last = match
    return (_answer_after(visible, last.end()) or None) if last is not None else None


def _label_ends(text: str, *, strict: bool) -> Iterator[int]:
    """Where labels end, last first, without reading the text before the one that is taken."""
    end = len(text)
    while end >= 0:
        lower = text.rfind("nswer", 0, end)
        # Capitals are looked for behind the lower-case find only: nearly always that is a few characters.
        upper = text.rfind("NSWER", max(lower, 0), end)
        end = max(lower, upper)
        if end >= 0:
            start, stop = max(0, end - _BEFORE), end + _LONGEST_LABEL
            match = (_LABEL if strict else _SENTENCE).search(text, start, stop)
            if strict and match is None:
                match = _HEADING.search(text, start, stop)
                if match is not None and not _begins_a_line(text, match.start()):
                    match = None
            if match is not None and match.start() < end < match.end():
                yield match.end()


def _begins_a_line(text: str, at: int) -> bool:
    margin = text[max(0, at - _MARGIN) : at].rpartition("\n")
    return (bool(margin[1]) or at <= _MARGIN) and _BEFORE_HEADING.fullmatch(margin[2]) is not None


def _answer_after(text: str, start: int) -> str:
    lines = text[start : start + _LOOK_AHEAD].split("\n", _BULLETS)[:_BULLETS]
    for number, line in enumerate(lines[:_LINES]):
        answer = unwrapped(_cleaned(line))
        if number and answer[:1] == ">":
            answer = unwrapped(answer.lstrip("> \t"))  # a quotation of Markdown
        if not answer.strip("$") or answer.startswith("```"):
            continue
        if number and (bullet := _BULLET.match(answer)):
            # A single "1." may be part of the answer; a dash and a space under the label are a bullet, no minus.
            alone = answer if answer[0].isdigit() else unwrapped(answer[bullet.end() :])
            return _bullets(lines[number:]) or alone
        return _with_further_lines(answer, lines[number:], below=number > 0)
    return ""


def _with_further_lines(answer: str, lines: list[str], *, below: bool) -> str:
    """An answer with the items in the lines that follow it: all that stand below the label, or behind a comma."""
    if not below and answer[-1] != ",":
        return answer
    items = [answer]
    for before, line in pairwise(lines):
        bare = line.strip()
        if (
            bare[:1] in ("<", "|", "`")
            or ("<" in before and _ENDS_THE_ANSWER.search(before))
            or _NEXT_LABEL.search(line)
        ):
            break
        items.append(unwrapped(_cleaned(line)))
        if not below and items[-1][-1:] != ",":
            break
    return items_on_lines(items)


def _bullets(lines: list[str]) -> str:
    """The items of a list of two or more lines as the prompts ask for them; '' when there are fewer."""
    items = []
    for line in lines:
        cleaned = _cleaned(line).strip()
        if not cleaned:
            continue
        bullet = _BULLET.match(cleaned)
        if bullet is None:
            break
        items.append(unwrapped(cleaned[bullet.end() :]))
    return ", ".join(items) if len(items) > 1 else ""


def _cleaned(line: str) -> str:
    """A line without the tags in and behind it, and with its LaTeX read."""
    if "hope" in line:
        line = _HOPE.sub("", line)
    if "<" in line:
        line = _CONTROL.sub("", _OPENING_TOKEN.sub("", line.partition(_REGION)[0]))
        wrapper = _WRAPPER_END.search(line)
        if wrapper is not None and f"<{wrapper[1]}" not in line:  # <response>Final Answer: 7</response>
            line = line[: wrapper.start()]
        for tag in _ANSWER_TAG.finditer(line):
            if tag[1] and line[: tag.start()].strip():
                line = line[: tag.start()]
                break
        line = _INLINE_TAG.sub("", _ANSWER_TAG.sub("", line))
    if "\\" in line or "$" in line:
        line = without_latex(unwrapped(line))
    if "}" in line and "{" not in line:  # \boxed{Final Answer: 7}, {"Final Answer": "7"}
        line = line.replace("}", "")
        line = line.rstrip().rstrip("$")  # $$\text{Final Answer: } 7%$$
    closing = line.rstrip()[-1:]
    if closing in (")", "]") and line.count(_OPENINGS[closing]) < line.count(closing):  # (Final Answer: 7)
        line = line.rstrip()[:-1]
    return line


def unwrapped(answer: str) -> str:
    """Take white space and markup off both ends of an answer.

    >>> unwrapped(" **5** "), unwrapped("5**"), unwrapped("`a`, `b`")
    ('5', '5', '`a`, `b`')
    """
    answer = answer.strip()
    if answer[:1] not in _MARKS and answer[-1:] not in _MARKS:
        return answer
    for _ in range(4):
        before = answer
        for left, right in _WRAPPERS:
            opened, closed = answer.startswith(left), answer.endswith(right) and len(answer) > len(left)
            inner = answer[len(left) : -len(right)] if opened and closed else ""
            if inner and left not in inner:
                answer = inner.strip()
            elif left in ("***", "**", "__") and closed and answer.count(left) == 1:
                answer = answer[: -len(right)].strip()  # "**Final Answer: 5**" leaves "5**"
            elif left in ("***", "**", "__") and opened and answer.count(left) == 1:
                answer = answer[len(left) :].strip()
        if answer == before:
            break
    return answer
