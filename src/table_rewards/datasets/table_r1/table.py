"""The table that a row shows, and a region of it: ``{"columns": [...], "rows": [...], "data": [[...]]}``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.rows import MISSING, Row, as_mapping, parse_json, plain
from table_rewards.text.answers import comparable

MARK: Final = "[TABLE]"
QUESTION: Final = "Question: "
Cell = str | int | float | bool | None


class Unusable(ValueError):
    """A row that cannot become training data; the message says why in words that group well, without its values."""


class EmptyTable(Unusable):
    """The table of the row is there, and has no columns or no rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """Column names, which may repeat, and rows of cells."""

    columns: tuple[str, ...]
    data: tuple[tuple[Cell, ...], ...]

    def as_json(self) -> str:
        return json.dumps({"columns": self.columns, "data": self.data}, ensure_ascii=False)

    def digest(self) -> bytes:
        """Short and the same for equal tables, for sets of very many."""
        return hashlib.blake2b(self.as_json().encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Region:
    """The columns and rows (from 0) that a question needs, with their cells."""

    columns: tuple[str, ...]
    rows: tuple[int, ...]
    data: tuple[Any, ...] = ()

    def as_json(self) -> str:
        """
        >>> Region(("goals",), (0,), ((116,),)).as_json()
        '{"columns": ["goals"], "rows": [0], "data": [[116]]}'
        """
        return json.dumps({"columns": self.columns, "rows": self.rows, "data": self.data}, ensure_ascii=False)


def region_of(table: Table, columns: Sequence[int], rows: Sequence[int]) -> Region:
    """The region of these column and row numbers, in the table's order.

    >>> region_of(Table(("a", "b"), ((1, 2), (3, 4))), [1], [1, 0])
    Region(columns=('b',), rows=(0, 1), data=((2,), (4,)))
    """
    wanted, chosen = sorted(set(columns)), tuple(sorted(set(rows)))
    names = tuple(table.columns[c] for c in wanted)
    return Region(names, chosen, tuple(tuple(_at(table.data[r], c) for c in wanted) for r in chosen))


def read_table(row: Row) -> Table:
    """The table of a row: nested, flattened (``table.columns``, ``table.data``), as JSON text, or from its prompt.

    A nested table has ``columns`` and ``data``, or ``header`` and ``rows`` as those of WikiTableQuestions and WikiSQL.

    Raises:
        Unusable: there is none.
    """
    table = row.find("table", default=None)
    if table is None and (columns := row.find("table.columns", default=None)) is not None:
        table = {"columns": columns, "data": row.find("table.data", default=None)}
    if table is None:
        table = _in_prompt(prompt_text(row))
    if isinstance(table, str):
        table = as_mapping(table)
    if table is None:
        raise Unusable("no table")
    if not isinstance(table, Mapping):
        raise Unusable("the table is not columns and data")
    names = ("columns", "data") if "columns" in table else ("header", "rows")
    columns, data = (_listed(table.get(name)) for name in names)
    if not isinstance(columns, list) or not columns or not isinstance(data, list) or not data:
        raise EmptyTable("the table has no columns or no rows")
    if not all(isinstance(cells, list) for cells in data):
        raise Unusable("the table's data are not rows")
    return Table(tuple("" if c is None else str(c) for c in columns), tuple(tuple(map(_cell, cells)) for cells in data))


def prompt_text(row: Row) -> str:
    """What the user said: the text of ``prompt``, ``messages`` or ``instruction``; '' without one."""
    prompt = row.find("prompt", "messages", "instruction", default="")
    if isinstance(prompt, str):
        return prompt
    turns = [as_mapping(turn) or {} for turn in prompt] if isinstance(prompt, list) else []
    said = [turn.get("content") for turn in turns if turn.get("role") != "assistant"]
    return "\n".join(text for text in said if isinstance(text, str))


def question_in(prompt: str) -> str:
    """The question of a prompt: what follows its last ``Question: ``.

    >>> question_in("[TABLE] ... Question: How many? ")
    'How many?'
    """
    return prompt.rpartition(QUESTION)[2].strip() if QUESTION in prompt else ""


def key(value: Any) -> str:
    """A cell, an answer or a name in the form in which they are compared: numbers as numbers, text without case.

    >>> key("1,234.0") == key(1234), key("Saša  Drakulić") == key("saša drakulić")
    (True, True)
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(float(value)) if abs(value) < 1e300 else str(value)[:400]
    text = str("" if value is None else value).strip()[:2000]
    try:
        return _number(float(text.replace(",", "")))
    except ValueError:
        return comparable(" ".join(text.split()))


def _number(value: float) -> str:
    return f"#{value:.12g}"


def _at(cells: Sequence[Cell], column: int) -> Cell:
    return cells[column] if column < len(cells) else None


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        value = parse_json(value)
    return None if value is MISSING else plain(value)


def _cell(value: Any) -> Cell:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _in_prompt(prompt: str) -> Any:
    where = prompt.find(MARK)
    start = prompt.find("{", where) if where >= 0 else -1
    if start < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(prompt, start)[0]
    except (ValueError, RecursionError):
        raise Unusable("the prompt's table is not JSON") from None
