r"""Labels made sound: gold answers and gold regions of Table-R1's data (T9), each change named, so that it is counted.

Of the 927 published test rows 114 answers hold a brace: 101 are what is left of an f-string (``{total_points}')``),
which says nothing of the answer, 13 are in ``\boxed{}``, which does. Some regions count rows from 1, as their own cells
show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.core.rows import as_mapping, plain
from table_rewards.datasets.table_r1.table import Region, Table, Unusable, key, region_of
from table_rewards.rewards.table_bench.region import MAX_ITEMS
from table_rewards.text.answers import MAX_LENGTH
from table_rewards.text.blocks import boxed

LEFTOVER: Final = "the answer is a template's leftover"
_FIELD: Final = re.compile(
    r"\{[^{}]*\}\s{0,9}\S{0,3}['\"]\)|\{\s{0,9}[A-Za-z_]\w*(?:[\[.(:!][^{}]*)?\}|\{[^{}()]*\([^{}]*\}"
)
_PLACEHOLDER: Final = re.compile(r"AnswerName\d*|\.{3}|…|nan", re.IGNORECASE)
_LATEX: Final = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_SPACES: Final = re.compile(r"\\[ ,;:!~]|~")
MAX_BOXES: Final = 100
SHARE: Final = 0.9
"""The least share of a region's cells that must be found for its rows to count as confirmed by them."""


def clean_answer(text: str, table: Table) -> tuple[str, list[str]]:
    r"""The answer, and what was mended in it.

    >>> table = Table(("name",), (("a {b}",),))
    >>> clean_answer(" 30-39  ", table), clean_answer("\\boxed{No\\ clear\\ impact}", table)[0]
    (('30-39', ['spaces at the edges of the answer']), 'No clear impact')
    >>> clean_answer("{total_points}')", table)
    Traceback (most recent call last):
    table_rewards.datasets.table_r1.table.Unusable: the answer is a template's leftover

    Raises:
        Unusable: nothing of it says what the answer is.
    """
    mended = []
    if text != text.strip():
        text = text.strip()
        mended.append("spaces at the edges of the answer")
    if not text:
        raise Unusable("the answer is empty")
    if len(text) > MAX_LENGTH:
        raise Unusable("the answer is too long")
    if any(text == cell for cells in table.data for cell in cells):
        return text, mended  # whatever it looks like, it is what the table says
    if 0 < text.count("\\boxed") <= MAX_BOXES and (held := boxed(text)):
        text = ", ".join(_SPACES.sub(" ", _LATEX.sub(r"\1", piece)).strip() for piece in held)
        mended.append("the answer was in \\boxed{}")
    bare = text.strip("*").strip()
    if bare != text and "*" not in bare:
        text = bare
        mended.append("Markdown around the answer")
    if _FIELD.search(text) or "\\boxed" in text:
        raise Unusable(LEFTOVER)
    if not text or _PLACEHOLDER.fullmatch(text):
        raise Unusable("the answer is a placeholder")
    if "\n" in text:
        text = " ".join(text.split())
        mended.append("line breaks in the answer")
    return text, mended


def clean_region(raw: Any, table: Table) -> tuple[Region, list[str]]:
    """The region, fitted to its table, and what was mended in it.

    >>> table = Table(("a", "b\\nc"), ((1, "x"), (2, "y")))
    >>> region, mended = clean_region('{"columns": ["B c"], "rows": [2], "data": [["y"]]}', table)
    >>> region, mended[0]
    (Region(columns=('b\\nc',), rows=(1,), data=(('y',),)), 'the region named a column otherwise than the table')

    Raises:
        Unusable: it is no region, it is empty, or none of its columns or rows is in the table.
    """
    mapping = as_mapping(plain(raw))
    if mapping is None:
        raise Unusable("the region is not JSON")
    columns, rows, data = (mapping.get(name) for name in ("columns", "rows", "data"))
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise Unusable("the region has no columns and rows")
    if not columns or not rows:
        raise Unusable("the region is empty")
    if len(columns) + len(rows) > MAX_ITEMS:
        raise Unusable("the region is too long")
    mended: list[str] = []
    names = _columns(columns, table, mended)
    numbers = _rows(rows, data, table, mended)
    cells = _data(data, len(columns), len(rows)) if len(names) == len(columns) and len(numbers) == len(rows) else None
    if cells is None:
        mended.append("the region's cells were taken from the table again")
        cells = region_of(table, range(len(table.columns)), numbers).data
        order = {row: index for index, row in enumerate(sorted(numbers))}
        places = _places(names, table)
        cells = tuple(tuple(cells[order[row]][place] for place in places) for row in numbers)
    return Region(names, numbers, cells), mended


def _columns(columns: Sequence[Any], table: Table, mended: list[str]) -> tuple[str, ...]:
    known = set(table.columns)
    by_key: dict[str, str] = {}
    for name in table.columns:
        by_key.setdefault(key(name), name)
    names = []
    renamed = unknown = False
    for name in columns:
        if isinstance(name, str) and name in known:
            names.append(name)
        elif isinstance(name, (str, int, float)) and key(name) in by_key:
            names.append(by_key[key(name)])
            renamed = True
        else:
            unknown = True
    if renamed:
        mended.append("the region named a column otherwise than the table")
    if not names:
        raise Unusable("no column of the region is in the table")
    if unknown:
        mended.append("the region named columns that the table lacks")
    return tuple(names)


def _rows(rows: Sequence[Any], data: Any, table: Table, mended: list[str]) -> tuple[int, ...]:
    numbers = [number for row in rows if (number := _whole(row)) is not None]
    unclear = len(numbers) < len(rows)
    if (
        numbers
        and min(numbers) >= 1
        and _confirmed(numbers, data, table, -1) >= SHARE > _confirmed(numbers, data, table, 0)
    ):
        numbers = [number - 1 for number in numbers]
        mended.append("the region counted rows from 1, as its cells show")
    there = [number for number in dict.fromkeys(numbers) if 0 <= number < len(table.data)]
    if not there:
        raise Unusable("no row of the region is in the table")
    if unclear or any(not 0 <= number < len(table.data) for number in numbers):
        mended.append("the region named rows that the table lacks")
    if len(set(numbers)) < len(numbers):
        mended.append("the region named a row twice")
    return tuple(there)


def _confirmed(numbers: Sequence[int], data: Any, table: Table, shift: int) -> float:
    """The share of the region's cells that stand in the rows it names."""
    found = total = 0
    for number, cells in zip(numbers, data if isinstance(data, list) else (), strict=False):
        if not isinstance(cells, list):
            continue
        row = number + shift
        there = set(map(key, table.data[row])) if 0 <= row < len(table.data) else set()
        total += len(cells)
        found += sum(key(cell) in there for cell in cells)
    return found / total if total else 0.0


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**9 else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**9:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return int(value)
    return None


def _data(data: Any, columns: int, rows: int) -> tuple[Any, ...] | None:
    """The cells, when there is a row of them for each row and a cell for each column."""
    if not isinstance(data, list) or len(data) != rows:
        return None
    if not all(isinstance(cells, list) and len(cells) == columns for cells in data):
        return None
    return tuple(tuple(cells) for cells in data)


def _places(names: Sequence[str], table: Table) -> list[int]:
    """The column of each name; a name that comes twice is the next column of that name."""
    used: set[int] = set()
    places = []
    for name in names:
        same = [place for place, column in enumerate(table.columns) if column == name]
        place = next((p for p in same if p not in used), same[0])
        used.add(place)
        places.append(place)
    return places
