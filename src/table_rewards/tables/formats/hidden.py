"""Tables that a page does not show: in comments, scripts and attributes, and below ``display: none`` or
``visibility: hidden``.

What they hold is no answer. The source keeps its length: what is hidden becomes blanks, so that positions stay.
"""

from __future__ import annotations

import re
from typing import Final

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NO_TEXT: Final = re.compile(
    r"<(script|style|template|noscript|textarea|title|iframe|xmp)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_IN_ATTRIBUTE: Final = re.compile(
    r"<[a-zA-Z][\w:-]*(?=\s)(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*?=\s*"
    r"(?:\"[^\"<]*<table\b[^\"]*\"|'[^'<]*<table\b[^']*')(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*>",
    re.IGNORECASE,
)
_ATTRIBUTE_WITH_TABLE: Final = re.compile(r"=\s*[\"'][^\"'<>]*<table\b", re.IGNORECASE)
_NOT_SHOWN: Final = re.compile(
    r"<([a-zA-Z][a-zA-Z0-9]*)(?=\s)(?:[^<>]*?\sstyle\s*=\s*"
    r"(?:\"[^\"<>]*?(?:display\s*:\s*none|visibility\s*:\s*hidden)\b|'[^'<>]*?(?:display\s*:\s*none|visibility\s*:\s*hidden)\b)"
    r"|(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*?\shidden(?=[\s/>=])(?!\s*=\s*[\"']?until))[^<>]*>",
    re.IGNORECASE,
)
_TAGS_WITHOUT_TEXT: Final = tuple(
    f"<{tag}" for tag in ("script", "style", "template", "noscript", "textarea", "title", "iframe", "xmp")
)
_MAX_HIDDEN: Final = 20  # elements that are not shown, of one text
_MAX_SEARCHED: Final = 200_000


def without_hidden(text: str) -> str:
    """Return the text with blanks for what a browser does not show.

    >>> without_hidden("<!-- <table> --><table>")
    '                <table>'
    """
    lowered = text.lower()
    if "<!--" in text:
        text = _COMMENT.sub(blank, text)
    if any(tag in lowered for tag in _TAGS_WITHOUT_TEXT):
        text = _NO_TEXT.sub(blank, text)
    if len(text) <= _MAX_SEARCHED and _ATTRIBUTE_WITH_TABLE.search(text):
        text = _IN_ATTRIBUTE.sub(blank, text)
    return _without_undisplayed(text) if "display" in lowered or "hidden" in lowered else text


def blank(match: re.Match[str]) -> str:
    """As many spaces as a match has characters."""
    return " " * (match.end() - match.start())


def _without_undisplayed(text: str) -> str:
    """Blank elements that are not shown, where they are or hold a whole table; a hidden cell stays a table's matter."""
    position = 0
    for _ in range(_MAX_HIDDEN):
        opening = _NOT_SHOWN.search(text, position)
        if opening is None:
            break
        position = opening.end()
        name = opening[1].lower()
        if name in ("tr", "td", "th", "tbody", "thead", "tfoot", "col", "colgroup", "caption"):
            continue
        end = _end_of_element(text, position, name)
        inside = text[opening.start() : end].lower()
        if "<table" in inside:
            text = text[: opening.start()] + " " * (end - opening.start()) + text[end:]
            position = end
    return text


def _end_of_element(text: str, start: int, name: str) -> int:
    depth = 1
    for tag in re.compile(rf"<(/?){name}\b[^<>]*>", re.IGNORECASE).finditer(text, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    return len(text)
