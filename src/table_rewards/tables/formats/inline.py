"""Inline markup inside the cells of formats that are not HTML: OTSL and Markdown.

Models write ``H<sub>2</sub>O`` and ``p &lt; 0.05`` there too, and also ``p<0.05``: known tags are markup,
everything else is text.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from table_rewards.tables.table import tidy

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|em|strong|sup|sub|small|span|font|code|a|p|div)(?:\s[^<>]*)?/?>", re.IGNORECASE
)


def plain_text(source: str) -> str:
    """Return what a cell's source says: known tags dropped, entities resolved once, white space tidied.

    >>> plain_text(" H<sub>2</sub>O,<br>p<0.05 &amp; q&lt;1 ")
    'H2O, p<0.05 & q<1'
    """
    if "<" in source:
        source = _TAG.sub("", _BREAK.sub(" ", source))
    if "&" in source:
        source = unescape(source)
    return tidy(source)


def escape_markup(text: str) -> str:
    """Escape a text so that :func:`plain_text` gives it back.

    >>> plain_text(escape_markup("<b> &amp; <nl>"))
    '<b> &amp; <nl>'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;")
