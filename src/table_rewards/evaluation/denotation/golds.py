"""Gold answers: WikiTableQuestions' files, plain and tagged, WikiSQL's questions with their SQL, or a row's columns."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.rows import as_mapping, plain
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.table_r1.wiki import split_lines, unescaped
from table_rewards.evaluation.denotation.values import Value, values

AGGREGATES: Final = ("", "MAX", "MIN", "COUNT", "SUM", "AVG")
OPERATORS: Final = ("=", ">", "<")
COLUMNS: Final = ("targetValue", "answers", "answer", "gold", "reference")
"""Where a row may keep its gold answer."""
_NUMBER: Final = re.compile(r"[-+]?\d*\.\d+|\d+")


def wikitq_golds(path: Path) -> Iterator[tuple[str, list[Value]]]:
    """The examples of an official file, plain or tagged, with their values; the tagged one has canonical forms, too.

    Raises:
        ConfigurationError: it is no such file.
    """
    lines = split_lines(path)
    header = next(lines, [])
    if "id" not in header or "targetValue" not in header:
        raise ConfigurationError(
            f"{path} has no columns id and targetValue, separated by tabs; WikiTableQuestions' data/*.tsv and "
            "tagged/data/*.tagged have"
        )
    for fields in lines:
        cells = dict(zip(header, fields, strict=False))
        if "targetValue" in cells:
            canonical = unescaped(cells["targetCanon"]) if "targetCanon" in cells else None
            yield cells["id"], values(unescaped(cells["targetValue"]), canonical)


def gold_of_row(row: Mapping[str, Any]) -> list[Value]:
    """The gold answer that a row holds: a list, the JSON text of one, or items between ``|``.

    >>> [value.text for value in gold_of_row({"answers": ["Paris", "Rome"]})]
    ['paris', 'rome']

    Raises:
        BadReference: it has none.
    """
    for name in COLUMNS:
        found = plain(row.get(name))
        if isinstance(found, str) and found.lstrip()[:1] == "[":
            try:
                parsed = json.loads(found)
            except ValueError:
                parsed = None
            found = parsed if isinstance(parsed, list) else found
        if isinstance(found, str) and found.strip():
            return values(unescaped(found))
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return values([str(found)])
        if isinstance(found, list) and found:
            return values([str(one) for one in found])
    raise BadReference(f"no gold answer in {', '.join(COLUMNS)}")


class WikiSQLTables:
    """WikiSQL's tables, and what its stated queries select from them.

    Texts are compared in lower case, as by the official programs; a column of type ``real`` holds numbers.

    Args:
        tables: rows with ``id``, ``header``, ``types`` and ``rows``.

    >>> tables = WikiSQLTables([{"id": "t", "header": ["City", "People"], "types": ["text", "real"],
    ...                          "rows": [["Bonn", 300], ["Ulm", 120], ["Trier", 110]]}])
    >>> tables.answer("t", {"sel": 0, "agg": 0, "conds": [[1, 2, 200]]}), tables.answer(
    ...     "t", {"sel": 1, "agg": 4, "conds": [[0, 0, "ULM"]]})
    (['ulm', 'trier'], ['120'])
    """

    def __init__(self, tables: Iterator[Mapping[str, Any]] | Sequence[Mapping[str, Any]]) -> None:
        self._tables = {str(table.get("id")): table for table in tables}

    @classmethod
    def from_file(cls, path: Path) -> WikiSQLTables:
        """Read ``*.tables.jsonl``."""
        return cls(read_rows(path))

    def answer(self, table_id: str, query: Mapping[str, Any], table: Mapping[str, Any] | None = None) -> list[str]:
        """The values that a query selects, from the table of this id or from ``table``, a row's own.

        Raises:
            BadReference: there is no such table or column, or the query is malformed.
        """
        table = self._tables.get(table_id, table)
        if table is None:
            raise BadReference("its table is not among the tables")
        try:
            return _selected(table, query)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, sqlite3.Error) as error:
            raise BadReference(f"its query cannot be run ({type(error).__name__})") from None

    def gold(self, row: Mapping[str, Any]) -> list[Value]:
        """The gold answer of a question: of its ``sql`` where there is one, else of its columns.

        The official rows name their table in ``table_id``; those of the hubs hold it in ``table``.

        Raises:
            BadReference: it has neither, or its query selects nothing.
        """
        query = as_mapping(plain(row.get("sql")))
        if query is None:
            return gold_of_row(row)
        found = values(self.answer(str(row.get("table_id")), query, as_mapping(plain(row.get("table")))))
        if not found:
            raise BadReference("its query selects nothing")
        return found


def _selected(table: Mapping[str, Any], query: Mapping[str, Any]) -> list[str]:
    kinds = [str(kind) for kind in plain(table["types"])]
    column, aggregate = int(query["sel"]), AGGREGATES[int(query["agg"])]
    if not 0 <= column < len(kinds):
        raise IndexError(column)
    selected = f"{aggregate}(col{column})" if aggregate else f"col{column}"
    wheres, given = [], []
    for place, operator, value in _conditions(query["conds"]):
        if not 0 <= place < len(kinds):
            raise IndexError(place)
        wheres.append(f"col{place} {OPERATORS[operator]} ?")
        given.append(_condition(value, kinds[place]))
    statement = f"SELECT {selected} FROM t" + (f" WHERE {' AND '.join(wheres)}" if wheres else "")
    with closing(sqlite3.connect(":memory:")) as database:
        declared = ", ".join(f"col{i} {'real' if kind == 'real' else 'text'}" for i, kind in enumerate(kinds))
        database.execute(f"CREATE TABLE t ({declared})")
        blanks = ", ".join("?" * len(kinds))
        cells = ([_stored(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in plain(table["rows"]))
        database.executemany(f"INSERT INTO t VALUES ({blanks})", cells)
        found = [row[0] for row in database.execute(statement, given)]
    return [_text(value) for value in found if value is not None]


def _conditions(conditions: Any) -> list[tuple[int, int, Any]]:
    """Of both forms: triples, and the columns of a table (``column_index``, ``operator_index``, ``condition``)."""
    conditions = plain(conditions)
    if isinstance(conditions, dict):
        named = (conditions["column_index"], conditions["operator_index"], conditions["condition"])
        conditions = list(zip(*named, strict=True))
    return [(int(place), int(operator), value) for place, operator, value in conditions]


def _condition(value: Any, kind: str) -> Any:
    """What a column is compared with; of a text, a column of numbers is compared with the first number in it.

    >>> _condition("week 5", "real"), _condition("1,020", "real"), _condition("Week 5", "text")
    (5.0, 1020.0, 'week 5')
    """
    stored = _stored(value, kind)
    found = _NUMBER.search(stored) if kind == "real" and isinstance(stored, str) else None
    return float(found[0]) if found else stored


def _stored(value: Any, kind: str) -> Any:
    """A cell's value as the database compares it."""
    if kind == "real" and not isinstance(value, (int, float)):
        try:
            return float(str(value).replace(",", ""))
        except ValueError:
            pass
    return float(value) if isinstance(value, (int, float)) and kind == "real" else str(value).lower()


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
