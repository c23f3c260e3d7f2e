"""Where in a completion the tables are.

A completion may think first, wrap its answer in tags, put the table in a code fence and talk around it. What counts
as the answer: the text behind the last ``</think>``; in it the last ``<answer>`` block, when there is one; a table
that begins in a code fence ends with it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from table_rewards.tables.formats.latex import BEGIN
from table_rewards.tables.formats.markdown import markdown_blocks
from table_rewards.tables.formats.otsl import TOKEN

HTML: Final = "html"
OTSL: Final = "otsl"
MARKDOWN: Final = "markdown"
LATEX: Final = "latex"
FORMATS: Final = (HTML, OTSL, MARKDOWN, LATEX)

MAX_TABLES: Final = 16
"""Tables of one completion that are looked at."""

_TABLE_TAG: Final = re.compile(r"<(/?)table(?=[\s>/])", re.IGNORECASE)
_FENCE: Final = re.compile(r"^[ \t]*(```+|~~~+)", re.MULTILINE)
_OTSL_WRAPPER: Final = re.compile(r"</?otsl>")


class Found(NamedTuple):
    """The source of one table and the format that it is in."""

    format: str
    source: str


def answer_part(completion: str) -> str:
    """Return the part of a completion that is its answer.

    >>> answer_part("<think><table>draft</think> So: <answer><table>final</answer>")
    '<table>final'
    >>> answer_part("<think>never ends <table>")
    ''
    """
    if "</think>" in completion:
        completion = completion[completion.rindex("</think>") + len("</think>") :]
    elif completion.lstrip().startswith("<think>"):
        return ""
    start = completion.rfind("<answer>")
    if start >= 0:
        end = completion.find("</answer>", start)
        completion = completion[start + len("<answer>") : end if end >= 0 else len(completion)]
    return completion


def find_tables(completion: str) -> list[Found]:
    """Return the tables in a completion's answer, in order, all of them in the first format that occurs.

    HTML is looked for first, then OTSL, LaTeX and Markdown.

    >>> find_tables("Sure:\\n```html\\n<table><tr><td>1</td></tr></table>\\n```\\nDone.")
    [Found(format='html', source='<table><tr><td>1</td></tr></table>')]
    >>> find_tables("There is no table.")
    []
    """
    text = answer_part(completion)
    if "<" in text:
        found = _html_tables(text)
        if found:
            return found
        if TOKEN.search(text):
            return [Found(OTSL, source) for source in _otsl_tables(text)][:MAX_TABLES]
    if "\\begin{" in text:
        starts = [match.start() for match in BEGIN.finditer(text)]
        if starts:
            return [Found(LATEX, source) for source in _latex_tables(text, starts)][:MAX_TABLES]
    if "|" in text:
        text = _FENCE.sub("\n", text)
        return [Found(MARKDOWN, block) for block in markdown_blocks(text)[:MAX_TABLES]]
    return []


def _otsl_tables(text: str) -> list[str]:
    """All tokens are one table, unless ``<otsl>`` tags tell several apart."""
    tables: list[str] = []
    for piece in _OTSL_WRAPPER.split(text):
        first = next((match for match in TOKEN.finditer(piece) if match[1] != "nl"), None)
        if first is not None:
            tables.append(_before_fence(piece, first.start()))
    return tables


def _html_tables(text: str) -> list[Found]:
    """Outermost ``<table>`` elements; an unclosed one ends at its code fence, else with the text."""
    found: list[Found] = []
    depth = start = 0
    for match in _TABLE_TAG.finditer(text):
        if not match[1]:
            if depth == 0:
                start = match.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                end = text.find(">", match.end())
                found.append(Found(HTML, text[start : end + 1 if end >= 0 else len(text)]))
                if len(found) == MAX_TABLES:
                    return found
    if depth:
        found.append(Found(HTML, _before_fence(text, start)))
    return found


def _before_fence(text: str, start: int) -> str:
    """The text from ``start`` to the next line that opens or closes a code fence."""
    fence = _FENCE.search(text, start)
    return text[start : fence.start() if fence else len(text)]


def _latex_tables(text: str, starts: list[int]) -> list[str]:
    """Outermost environments: a ``tabular`` that begins inside the one before is a part of it."""
    tables: list[str] = []
    behind = 0
    for start in starts:
        if start < behind:
            continue
        depth = 0
        behind = len(text)
        for match in re.compile(r"\\(begin|end)\{(?:tabular[*xy]?|longtable)\}").finditer(text, start):
            depth += 1 if match[1] == "begin" else -1
            if depth == 0:
                behind = match.end()
                break
        tables.append(text[start:behind])
    return tables
