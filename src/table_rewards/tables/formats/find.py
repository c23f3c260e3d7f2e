"""Where in a completion the tables are.

A completion may think first, wrap its answer in tags, put the table in a code fence and talk around it, naming formats
that it does not use. What counts as the answer: what stands behind the thoughts; in it the last ``<answer>`` block, if
there is one; a table that begins in a code fence ends with it. A tag or token that is only named, in prose or between
backticks, is no table: a find holds a cell, and what is written as a table goes before what could be one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from table_rewards.core.completion import answer_of
from table_rewards.tables.formats.hidden import blank, without_hidden
from table_rewards.tables.formats.latex import latex_tables
from table_rewards.tables.formats.markdown import drawn, markdown_blocks
from table_rewards.tables.formats.otsl import TOKEN, in_plain_tokens
from table_rewards.tables.formats.simple_html import is_bare_table

HTML: Final = "html"
OTSL: Final = "otsl"
MARKDOWN: Final = "markdown"
LATEX: Final = "latex"
FORMATS: Final = (HTML, OTSL, MARKDOWN, LATEX)

MAX_TABLES: Final = 16
"""Tables of one completion that are looked at."""

_TABLE_TAG: Final = re.compile(r"<(\\?/?)table(?=[\s>/])", re.IGNORECASE)
_EMPTY_TABLE: Final = re.compile(r"<table(?:\s[^<>]*)?>\s*(?:</?t(?:r|body|head)\s*>\s*)*</table\s*>", re.IGNORECASE)
_CELL_TAG: Final = re.compile(r"<t[dh](?=[\s>/])", re.IGNORECASE)
_INSIDE_TABLE: Final = re.compile(r"<(?:t[drh]|thead|tbody|tfoot|caption|colgroup|col|table)(?=[\s>/])", re.IGNORECASE)
_ROWS_BEGIN: Final = re.compile(r"<(?:thead|tbody|tr)(?=[\s>])", re.IGNORECASE)
_ROWS_END: Final = re.compile(r"</(?:thead|tbody|tr)\s*>", re.IGNORECASE)
_TAGS: Final = re.compile(r"<[^<>]*>")
_FENCE: Final = re.compile(r"^[ \t]*(```+|~~~+)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*<!--.*?-->", re.DOTALL | re.MULTILINE)
_NAMED: Final = re.compile(r"(?<![^\s(\[\"'])`{1,2}[ \t]*</?[a-zA-Z][^`<>\n]{0,60}>[ \t]*`{1,2}")
_OTSL_END: Final = re.compile(r"(?<=</otsl>)|(?=<otsl>)")
_CELL_TOKEN: Final = re.compile(r"<(?:fcel|ecel|ched|rhed|srow|lcel|ucel|xcel)>")
_PROSE_BEHIND: Final = re.compile(
    r"(?<=<nl>)\s*\n(?=[^<\s])([^\n]*<(?:fcel|ecel|ched|rhed|srow|lcel|ucel|xcel)>[^\n]*)"
)
_JSON: Final = re.compile(r"\s*(?:```(?:json)?\s*)?([{\[].*[}\]])\s*(?:```\s*)?", re.DOTALL)
_LEADING_TAGS: Final = re.compile(r"\s*(?:<[^<>\s]*>\s*)*")
_OTSL_TOKENS: Final = ("<fcel>", "<ecel>", "<ched>", "<rhed>", "<srow>")


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
    completion = answer_of(completion)
    start = completion.rfind("<answer>")
    if start >= 0:
        end = completion.find("</answer>", start)
        completion = completion[start + len("<answer>") : end if end >= 0 else len(completion)]
    return completion


def find_tables(completion: str) -> list[Found]:
    """Return the tables in a completion's answer, in order, all of them in the first format that occurs.

    HTML is looked for first, then OTSL, LaTeX and Markdown. What looks like a format's name in prose counts only where
    no format is written as a table.

    >>> find_tables("Sure:\\n```html\\n<table><tr><td>1</td></tr></table>\\n```\\nDone.")
    [Found(format='html', source='<table><tr><td>1</td></tr></table>')]
    >>> find_tables("Instead of a <table>:\\n\\n| a |\\n|---|\\n| 1 |")
    [Found(format='markdown', source='| a |\\n|---|\\n| 1 |')]
    >>> find_tables("There is no table.")
    []
    """
    if is_bare_table(completion):  # as most are in training
        return [Found(HTML, completion)]
    text = _without_json(answer_part(completion))
    for certain in (True, False):
        for format, look in _SEARCHES:
            sources = look(text, certain)
            if sources:
                return [Found(format, source) for source in sources[:MAX_TABLES]]
    if "<" not in text:
        return []
    rows = _bare_rows(text)
    if not rows and (empty := _EMPTY_TABLE.search(text)) is not None:
        rows = empty[0]
    return [Found(HTML, rows)] if rows else []


def _bare_rows(text: str) -> str:
    """The rows of a table whose ``<table>`` tag is missing, with it; '' when there are none."""
    first = _ROWS_BEGIN.search(text) if _TABLE_TAG.search(text) is None else None
    if first is None:
        return ""
    shown = without_hidden(_without_names(text))
    first = _ROWS_BEGIN.search(shown)
    end = max((match.end() for match in _ROWS_END.finditer(shown)), default=0)
    if first is None or _CELL_TAG.search(shown, first.end(), max(end, first.end())) is None:
        return ""
    return f"<table>{text[first.start() : end]}</table>"


def _without_json(text: str) -> str:
    """The strings of a JSON object or list, where a text is one: some models are asked to answer so."""
    match = _JSON.fullmatch(text) if text.rstrip("` \n").endswith(("}", "]")) else None
    if match is None or '"' not in match[1]:
        return text
    try:
        value = json.loads(match[1])
    except (ValueError, RecursionError):
        return text
    strings: list[str] = []
    values = [value]
    while values:
        one = values.pop()
        if isinstance(one, str):
            strings.append(one)
        elif isinstance(one, dict | list):
            values += reversed(list(one.values()) if isinstance(one, dict) else one)
    return "\n\n".join(strings)


def _html_tables(text: str, certain: bool) -> list[str]:
    """Outermost ``<table>`` elements with a cell; an unclosed one ends at its code fence, else with the text.

    An unclosed one is certain when nothing but its own elements follows the tag: prose names a table and goes on.
    """
    if "<" not in text or _TABLE_TAG.search(text) is None:
        return []
    shown = without_hidden(_without_names(text))
    found: list[str] = []
    depth = start = seen = 0
    cell = text_seen = False  # since the outermost tag
    for match in _TABLE_TAG.finditer(shown):
        if depth and not cell:
            inside = shown[seen : match.start()]
            cell = _CELL_TAG.search(inside) is not None
            text_seen = text_seen or bool(_TAGS.sub("", inside.partition(">")[2]).strip())
        seen = match.start()
        if not match[1]:
            if depth and text_seen and not cell:
                depth = 0  # the one before was only named
            if depth == 0:
                start = match.start()
                cell = text_seen = False
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                end = text.find(">", match.end())
                end = end + 1 if end >= 0 else len(text)
                if _CELL_TAG.search(shown, start, end):
                    found.append(text[start:end])
                    if len(found) == MAX_TABLES:
                        return found
    if depth and (certain is _begins_at_once(shown, start)):
        fence = _FENCE.search(text, start)
        end = fence.start() if fence else len(text)
        if _CELL_TAG.search(shown, start, end):
            found.append(text[start:end])
    return found


def _begins_at_once(text: str, start: int) -> bool:
    """Whether no text stands between a table's tag and the first of its elements."""
    end = text.find(">", start)
    first = _INSIDE_TABLE.search(text, end + 1) if end >= 0 else None
    return first is not None and not text[end + 1 : first.start()].strip()


def _otsl_tables(text: str, certain: bool) -> list[str]:
    """All tokens are one table, unless ``<otsl>`` tags tell several apart."""
    text = in_plain_tokens(text)
    if not any(token in text for token in _OTSL_TOKENS):
        return []
    text = _without_comments(text)
    shown = _without_names(text)
    bounds = [0, *(match.end() for match in _OTSL_END.finditer(shown)), len(text)]
    pieces = [(text[start:end], shown[start:end]) for start, end in pairwise(bounds)]
    return [found for piece in pieces for found in _otsl_table(*piece, certain)]


def _otsl_table(text: str, shown: str, certain: bool) -> Iterator[str]:
    """A table's first row begins or ends its line, or a second row follows; a single token in a sentence is a name."""
    first = next((match for match in TOKEN.finditer(shown) if match[1] != "nl"), None)
    if first is None:
        return
    start = _first_row(shown, first.start())
    if start is None:
        if certain or len(_CELL_TOKEN.findall(text)) < 2:
            return
        start = first.start()
    fence = _FENCE.search(text, start)
    table = text[start : fence.start() if fence else len(text)]
    for aside in _PROSE_BEHIND.finditer(table):
        if not aside[1].rstrip().endswith("<nl>"):
            table = table[: aside.start(1)]
            break
    head, end_of_row, rest = table.rpartition("<nl>")
    if end_of_row and rest.strip() and _CELL_TOKEN.search(rest) and not rest.lstrip().startswith("<"):
        table = head + end_of_row  # tokens that the text behind the table names
    yield table


def _first_row(text: str, position: int) -> int | None:
    """Where the first line begins that is a row: tokens come first in it, or the end of a row last."""
    while True:
        begin = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        line = text[begin : end if end >= 0 else len(text)]
        indent = _LEADING_TAGS.match(line)
        assert indent is not None
        if begin + indent.end() > position or not line[: position - begin].strip():
            return position
        if line.rstrip().removesuffix("</otsl>").rstrip().endswith("<nl>"):
            return position
        following = _CELL_TOKEN.search(text, end) if end >= 0 else None
        if following is None:
            return None
        position = following.start()


def _latex_tables(text: str, certain: bool, arrays: bool = False) -> list[str]:
    if not certain or "\\begin" not in text:
        return []
    shown = _COMMENT.sub(blank, text) if "<!--" in text else text
    return [text[start:end] for start, end in latex_tables(shown, MAX_TABLES, arrays)]


def _markdown_tables(text: str, certain: bool) -> list[str]:
    if not certain or ("|" not in text and (text.isascii() or not drawn(text))):
        return []
    text = _without_comments(text)
    return markdown_blocks(_FENCE.sub("\n```\n", text) if "```" in text or "~~~" in text else text)[:MAX_TABLES]


def _without_names(text: str) -> str:
    """Blanks for tags between backticks, and for LaTeX tables: what their cells name is no table of its own."""
    if "`" in text:
        text = _NAMED.sub(blank, text)
    if "\\end{" in text:
        for start, end in latex_tables(text, MAX_TABLES):
            if text[start:end].endswith("}") and "\\end{" in text[end - 40 : end]:
                text = text[:start] + " " * (end - start) + text[end:]
    return text


def _without_comments(text: str) -> str:
    return _COMMENT.sub("", text) if "<!--" in text else text


_SEARCHES: Final[tuple[tuple[str, Callable[[str, bool], list[str]]], ...]] = (
    (HTML, _html_tables),
    (OTSL, _otsl_tables),
    (LATEX, _latex_tables),
    (MARKDOWN, _markdown_tables),
    (LATEX, partial(_latex_tables, arrays=True)),  # formulas have them too
)
