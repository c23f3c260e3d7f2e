"""Tables written from their cells in reading order, laid out in ways that need no look at the layout."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from table_rewards.rewards.table_similarity.base import first_table
from table_rewards.tables.formats.html import render_html
from table_rewards.tables.table import Table

WIDTHS: Final = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
LAYOUTS: Final = (
    "one_row",
    "one_column",
    *(f"{name}_columns" for name, width in WIDTHS.items() if width > 1),
    "square",
    "dividing_width",
    "guessed_width",
    "rows_at_texts",
    "right_grid",
    "fixed_grid",
    "large_grid",
    "one_cell",
    "first_row_alone",
    "text",
)
"""The slots of a table."""

LONGEST: Final = 2_000
_USUAL: Final = 5
_FIGURE: Final = re.compile(r"\d")
_LETTERS: Final = 2  # of a figure with a unit, at most


def layouts_of(source: str) -> dict[str, str]:
    """The slots of a reference table, by name; none where it cannot be read.

    >>> table = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>1</td></tr><tr><td>d</td><td>2</td></tr></table>"
    >>> layouts_of(table)["rows_at_texts"].count("<tr>"), sorted(layouts_of(table)) == sorted(LAYOUTS)
    (2, True)
    """
    _, tree = first_table(source, "standard")
    if tree is None or not tree.rows:
        return {}
    texts = [leaf if isinstance(leaf, str) else leaf[0] for row in tree.rows for leaf in row]
    count, height, width = len(texts), len(tree.rows), max(map(len, tree.rows))
    side = max(1, math.isqrt(count))

    def wide(columns: int) -> str:
        return _drawn([texts[at : at + columns] for at in range(0, count, columns)])

    def empty(rows: int, columns: int) -> str:
        return _drawn([[""] * columns] * rows)

    figures = (at for at, text in enumerate(texts) if _is_figure(text))
    dividers = [one for one in range(2, 13) if count % one == 0] or [side]
    return {
        "one_row": wide(count),
        "one_column": wide(1),
        **{f"{name}_columns": wide(columns) for name, columns in WIDTHS.items() if columns > 1},
        "square": wide(side),
        "dividing_width": wide(min(dividers, key=lambda one: abs(one - _USUAL))),
        "guessed_width": wide(max(1, next(figures, count) - 1)),  # the header, then a label, then the first figure
        "rows_at_texts": _drawn(_rows_at_texts(texts)),
        "right_grid": empty(height, width),
        "fixed_grid": empty(5, 4),
        "large_grid": empty(12, 6),
        "one_cell": _drawn([[" ".join(texts)]]),
        "first_row_alone": _drawn([texts[:side]]),
        "text": " ".join(texts)[:LONGEST],
    }


def _drawn(rows: Sequence[Sequence[str]]) -> str:
    return render_html(Table.of(rows))


def _is_figure(text: str) -> bool:
    return _FIGURE.search(text) is not None and sum(map(str.isalpha, text)) <= _LETTERS


def _rows_at_texts(texts: Sequence[str]) -> list[list[str]]:
    """A row begins at each text that follows a figure."""
    rows: list[list[str]] = [[]]
    for at, text in enumerate(texts):
        if rows[-1] and not _is_figure(text) and _is_figure(texts[at - 1]):
            rows.append([])
        rows[-1].append(text)
    return rows
