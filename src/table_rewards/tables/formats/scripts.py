"""Superscripts and subscripts: marked while a cell is read, and said in plain characters in its text.

``10<sup>3</sup>`` is not 103 and ``12<sup>1</sup>`` is not 121. A cell's source is read into a text with four private
characters where a script begins and ends; every format that has scripts writes them back as its own. The cell's plain
text says them in Unicode where there are such characters (``10⁻³``, ``H₂O``), else as ``x^{ab}``; a footnote mark
behind a number stands apart from it.
"""

from __future__ import annotations

import re
from typing import Final

from table_rewards.tables.table import Cell, tidy
from table_rewards.tables.unicode_form import nfkc

SUP: Final = "\U000fe0f0"
SUP_END: Final = "\U000fe0f1"
SUB: Final = "\U000fe0f2"
SUB_END: Final = "\U000fe0f3"

BARE: Final = dict.fromkeys(map(ord, (SUP, SUP_END, SUB, SUB_END)))
"""Translation that drops the marks."""

TAGS: Final = str.maketrans({SUP: "<sup>", SUP_END: "</sup>", SUB: "<sub>", SUB_END: "</sub>"})
"""Translation that writes the marks as HTML."""

MACROS: Final = str.maketrans({SUP: "\\textsuperscript{", SUP_END: "}", SUB: "\\textsubscript{", SUB_END: "}"})
"""Translation that writes the marks as LaTeX."""

_UNICODE: Final = {
    SUP: str.maketrans("0123456789+-\u2212=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ"),
    SUB: str.maketrans("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"),
}
_IN_UNICODE: Final = {
    SUP: re.compile(r"[\d+\-\u2212=()]+|n|i", re.ASCII),
    SUB: re.compile(r"[\d+\-\u2212=()]+", re.ASCII),
}
_SCRIPT: Final = re.compile(f"([{SUP}{SUB}])([^{SUP}{SUP_END}{SUB}{SUB_END}]*)[{SUP_END}{SUB_END}]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_AS_WRITTEN: Final = re.compile(r"st|nd|rd|th|TM|SM", re.ASCII)
_LONG_NUMBER: Final = re.compile(r"\d[.,]\d+$|\d{3}$|\d%$", re.ASCII)
_MAX_DEPTH: Final = 4
_POWER: Final = re.compile(
    rf"(?<=\d)(?:{SUP}\s*([+\-\u2212]?\d+)\s*{SUP_END}|([⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
    rf"|{SUP}\s*([+\-\u2212]\d+)\s*{SUP_END}|([⁺⁻][⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
)
RAISED: Final = re.compile(r"[+\-\u2212]?\d+")
"""The content of a superscript that may be a power."""

_RAISED_DIGIT: Final = re.compile("[\u00b2\u00b3\u00b9\u2070-\u2079]")
_LOWERED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻\u2212", "0123456789+--")


def marked_cell(marked: str, colspan: int = 1, rowspan: int = 1, header: bool = False) -> Cell:
    """Make a cell of a text that may have marks.

    >>> marked_cell(f"10{SUP}-3{SUP_END}").text, marked_cell("10").marked
    ('10⁻³', '')
    """
    if SUP not in marked and SUB not in marked:
        return Cell(marked, colspan, rowspan, header)
    return Cell(in_plain_characters(marked), colspan, rowspan, header, marked)


def with_powers(marked: str) -> str:
    """Say powers with a caret and drop all other marks: what is compared where ``<sup>`` is no part of a text.

    Digits that are raised behind a digit, or with a sign, are no digits of the number; behind a letter (``m²``) they
    are what people write plainly.

    >>> with_powers("10² 10⁻³ m²"), with_powers(f"10{SUP}2{SUP_END} 12.5{SUP}a{SUP_END}")
    ('10^2 10^-3 m²', '10^2 12.5a')
    """
    return unmarked(_POWER.sub(_with_caret, marked))


def compatible(text: str) -> str:
    """Bring a text to Unicode form NFKC, with a caret before each power.

    >>> compatible("10² ½ m²")
    '10^2 1⁄2 m2'
    """
    normal = nfkc(text)
    # Raised digits change in form NFKC, so that they are looked for in few texts.
    if normal == text or _RAISED_DIGIT.search(text) is None:
        return normal
    return nfkc(_POWER.sub(_with_caret, text))


def _with_caret(power: re.Match[str]) -> str:
    return f"^{power[power.lastindex or 0].translate(_LOWERED)}"


def unmarked(source: str) -> str:
    """Return a source without the private characters, which only a reader of markup may set."""
    return source.translate(BARE) if any(mark in source for mark in (SUP, SUP_END, SUB, SUB_END)) else source


def in_plain_characters(marked: str) -> str:
    """Say superscripts and subscripts without marks.

    >>> pairs = (("10", "-3"), ("x", "ab"), ("3,450", "2"), ("1", "st"))
    >>> [in_plain_characters(f"{base}{SUP}{raised}{SUP_END}") for base, raised in pairs]
    ['10⁻³', 'x^{ab}', '3,450 ²', '1st']
    """
    for _ in range(_MAX_DEPTH):  # from the innermost script outwards
        said = _SCRIPT.sub(_said, marked)
        if said == marked:
            break
        marked = said
    return tidy(marked.translate(BARE))


def _said(match: re.Match[str]) -> str:
    mark, content = match[1], match[2].strip()
    before = match.string[: match.start()]
    if not content:
        return ""
    if _IN_UNICODE[mark].fullmatch(content):
        said = content.translate(_UNICODE[mark])
        return f" {said}" if mark == SUP and _is_footnote(content, before) else said
    if content[0] == "[" and content[-1] == "]":
        return f" {content}"
    if mark == SUP:
        as_written = _AS_WRITTEN.fullmatch(content) or not any(map(str.isalnum, content))
        return content if as_written else f"^{{{content}}}"
    return f"_{{{content}}}" if before[-1:].isdigit() or not _LETTERS.search(content) else content


def _is_footnote(content: str, before: str) -> bool:
    """Whether digits raised behind a number are a footnote's: nobody writes a power of 3,450, or the power 1."""
    if not content.isdigit() or (not before[-1:].isalnum() and before[-1:] != "%"):
        return False
    return _LONG_NUMBER.search(before) is not None or (content == "1" and before[-1].isdigit())
