"""Tags of very many attributes, before an HTML parser sees them.

libxml2 compares every attribute of a tag with all those before it: a tag of 1 MB takes half a minute. No table has a
tag of a hundred attributes; what follows behind that many is cut from the tag. The rules are those of the HTML
standard's tokeniser, which libxml2 follows.
"""

from __future__ import annotations

import re
from typing import Final

MAX_ATTRIBUTES: Final = 100

_LEAST: Final = 4_096  # characters of a tag whose attributes could cost anything
_TAG: Final = re.compile(r"<[a-zA-Z][^\s/>]*(?=[\s/])")
_QUOTED_END: Final = re.compile(r"=\s*(?:\"[^\">]*>|'[^'>]*>)")
_ATTRIBUTE: Final = r"[\s/]*[^\s/>][^\s/>=]*(?:\s*=\s*(?:\"[^\"]*\"?|'[^']*'?|[^\s>\"'][^\s>]*)?)?"
_ONCE: Final = rf"(?=({_ATTRIBUTE}))\1"  # read in one way only, so that nothing is tried again
_FIRST: Final = re.compile(rf"(?:{_ONCE}){{0,{MAX_ATTRIBUTES}}}")
_REST: Final = re.compile(rf"(?:{_ONCE})*")


def without_crowds(source: str) -> str:
    """Return the source with no tag of more than :data:`MAX_ATTRIBUTES` attributes.

    >>> crowd = " ".join(f"a{number}" for number in range(10_000))
    >>> short = without_crowds(f"<td colspan=2 {crowd}>x</td>")
    >>> short[:21], short[-10:]
    ('<td colspan=2 a0 a1 a', 'a98>x</td>')
    """
    if len(source) < _LEAST or not _may_hold_one(source):
        return source
    parts: list[str] = []
    start = position = 0
    while (tag := _TAG.search(source, position)) is not None:
        position = _end(_FIRST, source, tag.end())
        behind = _end(_REST, source, position)
        if behind > position:
            parts.append(source[start:position])
            start = position = behind
    return "".join([*parts, source[start:]])


def _may_hold_one(source: str) -> bool:
    """A crowded tag is long; only a quoted value can have ">" in it."""
    position = 0
    while position + _LEAST < len(source):  # from one ">" to the last within reach
        position = source.rfind(">", position, position + _LEAST) + 1
        if position == 0:
            return True
    return _QUOTED_END.search(source) is not None


def _end(pattern: re.Pattern[str], source: str, start: int) -> int:
    match = pattern.match(source, start)
    return start if match is None else match.end()
