"""What can be said of a row by itself: leftovers of templates, regions, empty tables, percent signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row
from table_rewards.datasets.table_r1.labels import clean_answer, clean_region
from table_rewards.datasets.table_r1.table import EmptyTable, Table, Unusable, prompt_text, question_in, read_table
from table_rewards.evaluation.audit.findings import EMPTY_TABLE, LEFTOVER, MENDABLE, PERCENT, REGION, Finding
from table_rewards.text.answers import read_answer

NO_TABLE: Final = Table((), ())
SHORT_ANSWERS: Final = frozenset({"table_bench", "table_region"})
"""The rewards whose gold answers are words and numbers, where a brace is no formula's."""

_ASKS_PERCENT: Final = re.compile(
    r"\bwhat(?:'s| is| was| were| are)?(?: the)?(?: [\w-]+){0,2} per ?cent(?:age)?\b(?! points?\b)"
    r"|\bwhat per ?cent(?:age)?\b|\b(?:in|as a) per ?cent(?:age)?(?:\?|$)|百分之多少|百分比是多少",
    re.IGNORECASE,
)
_OF_PERCENT: Final = re.compile(
    r"\b(?:deviation|variance|correlation|ratio|year|month|number|rank) (?:\w+ ){0,3}per ?cent", re.IGNORECASE
)
_ABOUT_SHARES: Final = re.compile(
    r"%|％|\bper ?cent|\brates?\b|\bshares?\b|\bproportions?\b|\bratios?\b|\bfractions?\b|\bgrowth\b|\bgrew\b|\bchang"
    r"|\bincreas|\bdecreas|\bdeclin|\bprobabilit|\bmargins?\b|\byield\b|\binterest\b|比例|占比|率|增长",
    re.IGNORECASE,
)
_ECHOED: Final = re.compile(r"\s*AnswerName\d")
"""What the prompts of TableBench show in the place of an answer."""

_LONG: Final = 4_000


def row_findings(row: Mapping[str, Any], number: int, reward: str, answer: str | None) -> Iterator[Finding]:
    """Look at a row.

    Args:
        row: as a reward reads its reference from it.
        number: of the row, from 0.
        reward: the reward's name.
        answer: the gold answer, where it is a text.
    """
    wrapped = Row(row)
    try:
        table = _table(wrapped)
    except EmptyTable as error:
        table = None
        yield Finding(number, EMPTY_TABLE, f"of the prompt: {error}")
    if table is not None and not any(_says_something(cell) for cells in table.data for cell in cells):
        yield Finding(number, EMPTY_TABLE, "the table of the prompt has no cell with a text")
    if answer is not None and reward in SHORT_ANSWERS:
        yield from _answer_findings(answer, table or NO_TABLE, number)
    if reward == "table_region":
        yield from _region_findings(wrapped, table, number)
    if answer is not None:
        yield from _percent_findings(wrapped, answer, number)


def _answer_findings(answer: str, table: Table, number: int) -> Iterator[Finding]:
    try:
        if _ECHOED.match(answer):
            raise Unusable("the answer is a placeholder")
        _, mended = clean_answer(answer, table)
    except Unusable as error:
        yield Finding(number, LEFTOVER, f"{error}: {answer[:80]!r}")
        return
    if mended:
        yield Finding(number, MENDABLE, "; ".join(mended))


def _region_findings(row: Row, table: Table | None, number: int) -> Iterator[Finding]:
    if table is None:
        return
    raw = row.find("gold_area", default=None)
    if raw is None:
        return
    try:
        _, mended = clean_region(raw, table)
    except Unusable as error:
        yield Finding(number, REGION, str(error))
        return
    if mended:
        yield Finding(number, MENDABLE, "; ".join(mended))


def _percent_findings(row: Row, answer: str, number: int) -> Iterator[Finding]:
    prompt = prompt_text(row)
    question = row.find("question", "problem", "query", default="") or question_in(prompt) or prompt
    if not isinstance(question, str) or not question.strip() or len(question) > _LONG or len(answer) > 200:
        return
    numbers = [item.number for item in read_answer(answer).items if item.number is not None]
    if not numbers:
        return
    signs = [one.percent for one in numbers]
    if any(signs) and not _ABOUT_SHARES.search(question):
        yield Finding(number, PERCENT, f"the answer {answer[:40]!r} has one, the question asks for no share")
    elif not any(signs) and len(numbers) == 1 and _asks_for_percent(question):
        yield Finding(number, PERCENT, f"the question asks for per cent, the answer {answer[:40]!r} has no sign")


def _asks_for_percent(question: str) -> bool:
    """Whether the question asks for a percentage, other than naming one.

    >>> _asks_for_percent("What percentage of votes did he get?"), _asks_for_percent("Who has 5 per cent?")
    (True, False)
    """
    last = re.split(r"(?<=[.!?])\s+", question.strip())[-1]
    return _ASKS_PERCENT.search(last) is not None and _OF_PERCENT.search(last) is None


def _table(row: Row) -> Table | None:
    try:
        return read_table(row)
    except EmptyTable:
        raise
    except (Unusable, BadReference):
        return None


def _says_something(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""
