"""What a policy can answer and cite without a look at the data: the zero points of ROUGE-L and of table regions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row
from table_rewards.rewards.table_bench.programs import columns_and_data, found_table

STOCK_SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "AnomalyDetection": (
        "The two anomalies are the unusually high value in row and the unusually low value in row, which deviate "
        "significantly from the typical range.",
    )
}
"""One sentence that fits every question of a subtype. "No anomalies are detected" is none of them: where that is the
gold answer it is right, and what it earns is the share of such rows."""

PROMPTS: Final = ("raw_prompt", "prompt", "messages", "instruction")
MOST_PROMPTS: Final = 20_000
_OF_PROMPTS: Final[dict[tuple[int, int], tuple[str, ...]]] = {}  # reading a table takes ten times as long as scoring

LISTING: Final = "The table provides data on {columns}."


def blind_answers(row: Row, qsubtype: str) -> tuple[str, ...]:
    """The answers of the stated blind strategies: the question itself, a stock sentence, a list of the columns.

    >>> row = Row({"question": "Does age raise income?", "table": {"columns": ["age", "income"], "data": []}})
    >>> blind_answers(row, "CausalAnalysis")
    ('Does age raise income?', 'The table provides data on age, income.')
    """
    question = row.find("question", "query", default="")
    answers = [question] if isinstance(question, str) and question.strip() else []
    answers += STOCK_SENTENCES.get(qsubtype, ())
    try:
        table = found_table(row)
        columns = columns_and_data(table)[0] if table is not None else []
    except BadReference:
        columns = []
    if columns:
        answers.append(LISTING.format(columns=", ".join(str(name) for name in columns if name is not None)))
    return tuple(answers)


def blind_regions(row: Row) -> tuple[str, ...]:
    """The regions of the stated blind strategies, as JSON text: the whole table, and the columns that the question
    names with the rows that hold one of its values. Empty where the row has no table.

    >>> table = {"columns": ["city", "size"], "data": [["Rome", 3], ["Paris", 2]]}
    >>> blind_regions(Row({"question": "What is the size of Rome?", "table": table}))  # doctest: +NORMALIZE_WHITESPACE
    ('{"columns": ["city", "size"], "rows": [0, 1]}', '{"columns": ["size"], "rows": [0]}')
    """
    prompt = _prompt_text(row) if row.find("table", "table.columns", "question", "query", default=None) is None else ""
    key = hash(prompt), len(prompt)
    found = _OF_PROMPTS.get(key) if prompt else None
    if found is None:
        found = _regions(row)
        if prompt:
            if len(_OF_PROMPTS) >= MOST_PROMPTS:
                _OF_PROMPTS.clear()
            _OF_PROMPTS[key] = found
    return found


def _regions(row: Row) -> tuple[str, ...]:
    try:
        table = found_table(row)
        if table is None:
            return ()
        columns, data = columns_and_data(table)
    except BadReference:
        return ()
    everything = range(len(data))
    regions = [_region(columns, everything)]
    question = row.find("question", "query", default="") or question_in_prompt(row)
    if isinstance(question, str) and question:
        asked = question.casefold()
        named = [name for name in columns if name is not None and str(name).strip().casefold() in asked]
        rows = [number for number, cells in enumerate(data) if any(_stands_in(cell, asked) for cell in cells)]
        regions.append(_region(named or columns, rows or everything))
    return tuple(regions)


def question_in_prompt(row: Row) -> str:
    """The last line that asks in a prompt, as Table-R1's rows have it; '' without one."""
    lines = reversed(_prompt_text(row).splitlines())
    return next((line for line in lines if "?" in line or "\uff1f" in line), "")


def _prompt_text(row: Row) -> str:
    """The text of a prompt, of a chat its last message's."""
    prompt = next((value for name in PROMPTS if (value := row.raw.get(name)) is not None), None)
    if type(prompt) is not list and type(prompt) is not str:
        prompt = row.find(*PROMPTS, default="")
    text = prompt[-1].get("content") if isinstance(prompt, list) and prompt and isinstance(prompt[-1], dict) else prompt
    return text if isinstance(text, str) else ""


def _stands_in(cell: object, question: str) -> bool:
    text = str(cell).strip().casefold()
    return len(text) > 2 and text in question


def _region(columns: Iterable[Any], rows: Iterable[int]) -> str:
    return json.dumps({"columns": list(columns), "rows": list(rows)}, ensure_ascii=False)
