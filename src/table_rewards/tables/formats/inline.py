"""Inline markup inside the cells of formats that are not HTML: OTSL and Markdown.

Models write ``H<sub>2</sub>O`` and ``p &lt; 0.05`` there too, and also ``p<0.05``: known tags are markup,
everything else is text.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from table_rewards.tables.formats.scripts import SUB, SUB_END, SUP, SUP_END, unmarked
from table_rewards.tables.table import tidy

TAG: Final = re.compile(
    r"<(/?)(br|b|i|u|s|em|strong|sup|sub|small|span|font|code|a|p|div|del|ins|mark|nobr)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_REPLACED: Final = {
    ("", "br"): " ",
    ("/", "br"): " ",
    ("", "sup"): SUP,
    ("/", "sup"): SUP_END,
    ("", "sub"): SUB,
    ("/", "sub"): SUB_END,
}


def marked_text(source: str) -> str:
    """Return what a cell's source says: known tags dropped, superscripts and subscripts marked, entities resolved once,
    white space tidied.

    >>> marked_text(" H<b>2</b>O,<br>p<0.05 &amp; q&lt;1 ")
    'H2O, p<0.05 & q<1'
    """
    if "<" in source:
        if "<su" in source or "<SU" in source:
            source = with_ends(TAG.sub(tag_text, unmarked(source)))
        else:
            source = TAG.sub(tag_text, source)
    if "&" in source:
        source = unescape(source)
    return tidy(source)


def tag_text(match: re.Match[str]) -> str:
    """What stands for a known tag: a space for a line break, a mark for a script, nothing for any other."""
    return _REPLACED.get((match[1], match[2].lower()), "")


def with_ends(text: str) -> str:
    """Close scripts that are not closed and drop ends of none."""
    out: list[str] = []
    open_ends: list[str] = []
    for letter in text:
        if letter in (SUP, SUB):
            open_ends.append(SUP_END if letter == SUP else SUB_END)
        elif letter in (SUP_END, SUB_END):
            if not open_ends or open_ends[-1] != letter:
                continue
            open_ends.pop()
        out.append(letter)
    return "".join([*out, *reversed(open_ends)])


def escape_markup(text: str) -> str:
    """Escape a text so that :func:`marked_text` gives it back.

    >>> marked_text(escape_markup("<b> &amp; <nl>"))
    '<b> &amp; <nl>'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;")
