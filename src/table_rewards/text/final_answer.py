"""The answer line of TableBench's prompts: ``Final Answer: AnswerName1, AnswerName2...``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from table_rewards.core.completion import answer_of, may_hold_thoughts

_RELEASED: Final = re.compile(r"Final Answer: (.+)")
# Found from the last letters of "answer" backwards, so that the last line comes first. All runs are bounded.
_LABEL: Final = re.compile(r"final[ \t_\-]{0,4}answer[ \t]{0,8}(?:\*{1,3}|_{1,2})?[ \t]{0,8}[:：]", re.IGNORECASE)
_LONGEST_LABEL: Final = 40
_BEFORE: Final = 10  # characters of a label before its "nswer", at most; less than any whole label has
_TEMPLATE: Final = re.compile(r"answername\d", re.IGNORECASE)
_WRAPPERS: Final = (("***", "***"), ("**", "**"), ("__", "__"), ("`", "`"), ("*", "*"), ("$", "$"))
_MARKS: Final = frozenset("*_`$")
_LABEL_AS_ASKED: Final = "Final Answer: "
_SHORT: Final = 400
_LOOK_AHEAD: Final = 2_000


def released_final_answer(text: str) -> str:
    """The seeds' parser: the *first* ``Final Answer: `` with a space, the rest of that line, else nothing (B5).

    >>> released_final_answer("Final Answer: AnswerName1\\nFinal Answer: 7")
    'AnswerName1'
    """
    match = _RELEASED.search(text)
    return match.group(1) if match else ""


def final_answer(text: str) -> str | None:
    """Return the last well-formed final answer, or None.

    Well-formed: the label in any case, bold or not, a colon, then the answer on the same or the next non-empty line. An
    echoed template (``AnswerName1, AnswerName2...``) and an empty answer are not. Only text after the last ``</think>``
    counts; markup around the answer and end-of-sequence tokens are taken off.

    >>> final_answer("Final Answer: 5\\n...\\n**Final Answer:** 22.33<|im_end|>")
    '22.33'
    >>> final_answer("### Final Answer:\\n\\n**Paris, Rome**")
    'Paris, Rome'
    >>> final_answer("I think it is 7.") is None
    True
    """
    return plain_final_answer(text) or careful_final_answer(text)


def plain_final_answer(text: str) -> str | None:
    """The answer of a text that ends with the label as the prompts write it, in one line; None when it takes more care.

    The fast path of :func:`final_answer`: nearly all completions end like this.

    >>> plain_final_answer("We add them.\\nFinal Answer: 7"), plain_final_answer("**Final Answer:** 7")
    ('7', None)
    """
    start = text.rfind(_LABEL_AS_ASKED)
    if start < 0 or len(text) - start > _SHORT or may_hold_thoughts(text):
        return None
    tail = text[start + len(_LABEL_AS_ASKED) :]
    if "nswer" in tail or "NSWER" in tail:
        return None
    answer = tail.partition("\n")[0].strip()
    if not answer or answer[0] in _MARKS or answer[-1] in _MARKS or answer[-1] == ">":
        return None
    return None if _TEMPLATE.match(answer) else answer


def careful_final_answer(text: str) -> str | None:
    """:func:`final_answer` in all its forms, readable: the reference for the fast path."""
    visible = answer_of(text)
    for end in _label_ends(visible):
        answer = _line_after(visible, end)
        if answer and not _TEMPLATE.match(answer):
            return answer
    return None


def _label_ends(text: str) -> Iterator[int]:
    """Where labels end, last first, without reading the text before the one that is taken."""
    end = len(text)
    while end >= 0:
        lower = text.rfind("nswer", 0, end)
        # Capitals are looked for behind the lower-case find only: nearly always that is a few characters.
        upper = text.rfind("NSWER", max(lower, 0), end)
        end = max(lower, upper)
        if end >= 0:
            match = _LABEL.search(text, max(0, end - _BEFORE), end + _LONGEST_LABEL)
            if match is not None and match.start() < end < match.end():
                yield match.end()


def _line_after(text: str, start: int) -> str:
    for line in text[start : start + _LOOK_AHEAD].split("\n", 6)[:6]:
        answer = unwrapped(line)
        if answer and not answer.startswith("```"):
            return answer
    return ""


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
