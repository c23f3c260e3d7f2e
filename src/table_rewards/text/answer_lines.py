"""An answer of several items that stand on lines of their own, and where an explanation below an answer begins.

The prompts ask for one line, ``AnswerName1, AnswerName2``. A model that writes the label on a line of its own may write
the items below it, each on its line. What else follows an answer there is no item: a sentence, a remark in brackets, a
heading. All lines that look like items count, so that listing candidates costs what it costs on one line.
"""

from __future__ import annotations

import re
from typing import Final

from table_rewards.text.numbers import written_number

_LONGEST: Final = 60
_WORDS: Final = 6
_WORDS_AFTER_NUMBER: Final = 3
_CLOSING: Final = ",;，；、"
_SENTENCE_END: Final = ".!?。！？…"
_LETTER_OR_DIGIT: Final = re.compile(r"[^\W_]")
_FIGURE: Final = re.compile(r"[$€£¥₹+−-]?\s?\d")
_YES_OR_NO: Final = re.compile(r"(?:yes|no|true|false|是|否)\b", re.IGNORECASE)
_REMARK: Final = re.compile(
    r"[(\[*_#>|=~`\-]|"
    # A small letter tells the word of a sentence from that of a title ("With or Without You").
    r"(?:because|since|as|so|where|which|this|that|these|those|it|its|we|you|let|with|by|for|from|in|if|but|"
    r"using|see|based|according|given|rounded|calculated|computed|obtained|total|is|are|was|were)\b|"
    r"(?i:because|therefore|thus|hence|note|notes|explanation|explained|reasoning|rationale|justification|sources?|"
    r"calculations?|confidence|final answer|i hope|hope this|let me|please|thanks?|thank you)\b|"
    r"(?i:reasons?|units?|steps?|analysis|summary|context|details?|verification|check|method|formula|done|end)\W*\Z|"
    r"(?:因为|所以|因此|说明|解释|注|备注|理由|单位|来源|根据)"
)
_SPEECH: Final = re.compile(r"\b(?:is|are|was|were|has|have|had|because|since|means|gives|equals|we)\b|\S\s*=\s")
_JOINED: Final = re.compile(r"(?:and|or|&)\s", re.IGNORECASE)
_LABELLED: Final = re.compile(r"[^:：]{1,40}[:：]\s*\S")


def items_on_lines(lines: list[str]) -> str:
    """The answer that lines begin with: the items of all lines at its beginning that are items, joined by commas.

    A line that ends with a comma goes on in the next one. Remarks and sentences end the answer, and so do blank lines,
    unless all are numbers: a number alone explains nothing. Where each item has a name before it (``2018: 5``), so has
    the first.

    >>> items_on_lines(["Paris", "Rome"]), items_on_lines(["7", "8.5"]), items_on_lines(["Paris", "7"])
    ('Paris, Rome', '7, 8.5', 'Paris, 7')
    >>> items_on_lines(["7", "because 3 + 4 is 7"]), items_on_lines(["7", "Total wins"])
    ('7', '7')
    >>> items_on_lines(["7", "", "8"]), items_on_lines(["7", "or 8"])
    ('7, 8', '7, or 8')
    """
    items = [lines[0]]
    after_gap = False
    for line in lines[1:] if _is_item(lines[0]) else ():
        if line and not _goes_on(items, line, after_gap):
            break
        if line:
            items.append(line)
        after_gap = not line
    return ", ".join([item.rstrip(_CLOSING + " ") for item in items[:-1]] + [items[-1]])


def _goes_on(items: list[str], line: str, after_gap: bool) -> bool:
    if not _is_item(line) or (_LABELLED.match(line) and not _LABELLED.match(items[0])):
        return False
    if after_gap:
        return _all_numbers([*items, line])
    return items[-1][-1] in _CLOSING or _may_follow(items, line)


def _all_numbers(items: list[str]) -> bool:
    return all(written_number(item.rstrip(_CLOSING)) is not None for item in items)


def _is_item(line: str) -> bool:
    if written_number(line.rstrip(_CLOSING)) is not None:
        return True
    if len(line) > _LONGEST or _LETTER_OR_DIGIT.search(line) is None or _REMARK.match(line) is not None:
        return False
    words = line.split()
    if len(words) > _WORDS and not any(letter in line for letter in _CLOSING):
        return False
    return not (line[-1] in _SENTENCE_END and len(words) > 1) and line[-1] not in ":：" and _SPEECH.search(line) is None


def _may_follow(items: list[str], line: str) -> bool:
    """Below numbers alone, words are an item when they are a name: else they say what was counted."""
    if _FIGURE.match(line) is not None or _JOINED.match(line) is not None:
        return True
    if _YES_OR_NO.match(items[0]) is not None or (items[0][0].isupper() and line[0].islower()):
        return False
    if not all(_FIGURE.match(item) for item in items):
        return True
    words = line.split()
    return len(words) <= _WORDS_AFTER_NUMBER and all(word[0].isupper() or not word[0].isalpha() for word in words)
