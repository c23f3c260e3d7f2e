"""Pipe tables whose line breaks were lost: written as ``\\n``, or not at all, as chart data sets keep them.

Read as one row they would be wrong without a word of it. Nothing is guessed: the delimiter row says how many cells a
row has, and every row must have them.
"""

from __future__ import annotations

import re
from typing import Final

_BREAK: Final = re.compile(r"(?<=\|)[ \t]*\\n[ \t]*(?=\|)")
_DELIMITER: Final = re.compile(r"(?:\|[ \t]?)\|(?:[ \t]?:?-{2,}:?[ \t]?\|)+(?=[ \t]?\||[ \t]*$)")
_DASHES: Final = re.compile(r":?-+:?")
_BAR: Final = re.compile(r"(?<!\\)\|")
_LONGEST: Final = 100_000


def with_line_breaks(source: str) -> str:
    """A text whose pipe tables have each row on its line.

    >>> with_line_breaks("| a | b | |---|---| | 1 | 2 |"), with_line_breaks("|a|b||--|--||1|2|")
    ('| a | b |\\n|---|---|\\n| 1 | 2 |', '|a|b|\\n|--|--|\\n|1|2|')
    """
    if "\\n" in source:
        source = _BREAK.sub("\n", source)
    if "|--" not in source and "| --" not in source and ":-" not in source:
        return source
    if _DELIMITER.search(source) is None:
        return source
    lines = source.split("\n")
    behind = ["|" not in line for line in (*lines[1:], "")]
    before = [True, *("|" not in line for line in lines[:-1])]
    return "\n".join(
        _rows(line) if last and first else line for line, first, last in zip(lines, before, behind, strict=True)
    )


def _rows(line: str) -> str:
    """A line as the lines of its table; as it is, unless every row has as many cells as the second, of delimiters."""
    found = _DELIMITER.search(line) if len(line) <= _LONGEST else None
    first = line.find("|")
    if found is None or found.start() <= first:
        return line
    width = len(_BAR.findall(found[0])) - 2
    pieces = _BAR.split(line[first + 1 :].rstrip().removesuffix("|"))
    rows, between = [], []
    for start in range(0, len(pieces), width + 1):
        rows.append(pieces[start : start + width])
        between += pieces[start + width : start + width + 1]
    if any(piece.strip() for piece in between) or any(len(row) != width for row in rows):
        return line
    if len(rows) < 2 or not all(_DASHES.fullmatch(piece.strip()) for piece in rows[1]):
        return line
    return "\n".join([*filter(str.strip, [line[:first]]), *(f"|{'|'.join(row)}|" for row in rows)])
