"""Tables of other markup languages that draw with bars, too: Jira, AsciiDoc, Textile, Creole, DokuWiki, MediaWiki.

They are no tables here. Read as Markdown they would be wrong ones without a word of it: ``||a||b||`` has empty cells
between its headers, a cell of AsciiDoc is a line, and DokuWiki's header is no line with bars.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

_MEDIA_WIKI: Final = re.compile(r"^[ \t]*\{\|.*?(?:^[ \t]*\|\}|\Z)", re.DOTALL | re.MULTILINE)
_ASCII_DOC: Final = re.compile(r"^[ \t]*([|!])={3,}[ \t]*$.*?(?:^[ \t]*\1={3,}[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_DOKU_WIKI: Final = re.compile(r"^[ \t]*\^[^\n]*[\^|][ \t]*$", re.MULTILINE)
_JIRA_HEADER: Final = r"\|\|(?:[ \t]*[^|\s][^|\n]*\|\|)+(?:[ \t]*[^|\s][^|\n]*)?"
_JIRA: Final = re.compile(
    rf"^[ \t]*{_JIRA_HEADER}[ \t]*$(?!\n\s*\|?[ \t]*:?[-=]+:?[ \t]*\|)(?:\n[ \t]*(?:\|[^\n]*)?$)*", re.MULTILINE
)
_NEAR: Final = 1_000
_TEXTILE_HEADER: Final = re.compile(r"\|(?:_[\w\\/<>=]*\.[^|\n]*\|)+")
_CREOLE_HEADER: Final = re.compile(r"\|(?:=[^=|\n][^|\n]*\|)+(?:=[^=|\n][^|\n]*)?")


def without_foreign(source: str) -> str:
    """A text without the tables whose marks stand on lines of their own.

    >>> without_foreign("Here:\\n|===\\n|a |b\\n\\n|1\\n|2\\n|===\\nDone.")
    'Here:\\n\\nDone.'
    """
    if "{|" in source:
        source = _MEDIA_WIKI.sub("", source)
    if "|===" in source or "!===" in source:
        source = _ASCII_DOC.sub("", source)
    if "||" in source:
        source = _JIRA.sub(_unless_it_goes_on, source)
    if "^" in source and _DOKU_WIKI.search(source) is not None:
        source = _without_doku_wiki(source)
    return source


def _unless_it_goes_on(match: re.Match[str]) -> str:
    """'' for a table of Jira; a row of Markdown whose first and last cells are empty stays, below another row."""
    before = match.string[max(0, match.start() - _NEAR) : match.start()].rstrip()
    return match[0] if before.endswith("|") or before.rpartition("\n")[2].lstrip().startswith("|") else ""


def _without_doku_wiki(source: str) -> str:
    """A text without its stretches of lines that begin with a bar or a caret, where one is a line of headers."""
    kept: list[str] = []
    for drawn, lines in groupby(source.split("\n"), key=lambda line: line.lstrip(" \t")[:1] in ("|", "^")):
        block = list(lines)
        if not drawn or not any(_DOKU_WIKI.match(line) for line in block):
            kept += block
    return "\n".join(kept)


def is_foreign(lines: list[str]) -> bool:
    """Whether lines with bars, none of them a delimiter row of Markdown, are a table of another language.

    >>> is_foreign(["||a|1|", "||b|2|"]), is_foreign(["|_. a |_. b |", "| 1 | 2 |"]), is_foreign(["| a | b |"])
    (True, True, False)
    """
    first = lines[0].strip()
    if all(line.lstrip().startswith("||") for line in lines):  # headers down the side
        return True
    return any(header.fullmatch(first) is not None for header in (_TEXTILE_HEADER, _CREOLE_HEADER))
