"""The table region that a completion cites: ``<gold_area>{"columns": [...], "rows": [...]}</gold_area>``."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Final, NamedTuple

from table_rewards.core.invisible import visible
from table_rewards.text.caching import cache_short
from table_rewards.text.literal_eval import literal_eval

TAG: Final = "gold_area"
MAX_ITEMS: Final = 10_000
MAX_LENGTH: Final = 1_000_000
MAX_ROW: Final = 10**9

_DECODER: Final = json.JSONDecoder()
_KEY: Final = {
    name: re.compile(rf"""(?:"{name}"|(?<!['\w]){name})\s*[:=]\s*(?=\[)""", re.IGNORECASE)
    for name in ("columns", "rows")
}
_CURLY: Final = str.maketrans("“”„‟", '""""')


class Region(NamedTuple):
    """Column names and 0-based row numbers, each with its count (tables repeat column names)."""

    columns: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, int], ...]


@cache_short(4096)
def read_region(text: str) -> Region | None:
    """Read a region from its JSON text, or a Python dict; from its two lists alone when the whole is broken.

    Names lose outer and doubled white space; the keys may be capitalised or bare; a dict or list among the names counts
    as a name of its own (its JSON text); a row may be an integer, its text, or an integral float. More than 10,000
    items, or neither list: None.

    >>> read_region(' {"columns": ["Pairs [1]"], "rows": [0, "1"]} ')
    Region(columns=(('Pairs [1]', 1),), rows=(('0', 1), ('1', 1)))
    """
    if len(text) > MAX_LENGTH:
        return None
    try:
        value, _ = _DECODER.raw_decode(text, _skip_to(text, "{"))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        inner = value.get(TAG)
        value = inner if isinstance(inner, dict) else value  # the tag's name written once more, as a key
        value = {str(key).strip().lower(): items for key, items in value.items()}
    else:
        value = _python_dict(text)
        if value is None:
            text = text.translate(_CURLY)
            value = {name: _list_after(text, name) for name in _KEY}
    columns, rows = value.get("columns"), value.get("rows")
    if not isinstance(columns, list) and not isinstance(rows, list):
        return None
    columns, rows = columns if isinstance(columns, list) else [], rows if isinstance(rows, list) else []
    if len(columns) + len(rows) > MAX_ITEMS:
        return None
    return Region(_counted(map(_name, columns)), _counted(map(_row, rows)))


@cache_short(8192)
def region_overlap(gold: str, cited: str) -> float | None:
    """:func:`overlap` of two regions as text; None when the cited one cannot be read, 0 when the gold one cannot."""
    theirs = read_region(cited)
    if theirs is None:
        return None
    mine = read_region(gold)
    return 0.0 if mine is None else overlap(mine, theirs)


def overlap(gold: Region, cited: Region) -> float:
    """``(IoU(columns) + IoU(rows)) / 2`` over multisets; two empty lists overlap fully.

    Upper and lower case count only where they tell two names of one region apart.

    >>> a = read_region('{"columns": ["x", "y"], "rows": [0, 1]}')
    >>> overlap(a, a), overlap(a, read_region('{"columns": ["x"], "rows": [0, 1, 2, 3]}'))
    (1.0, 0.5)
    """
    if gold == cited:
        return 1.0
    columns = gold.columns, cited.columns
    if columns[0] != columns[1]:
        folded = tuple(tuple(sorted((name.casefold(), count) for name, count in side)) for side in columns)
        if all(len(dict(few)) == len(side) for few, side in zip(folded, columns, strict=True)):
            columns = folded[0], folded[1]
    return 0.5 * (_iou(*columns) + _iou(gold.rows, cited.rows))


def _python_dict(text: str) -> dict[str, Any] | None:
    """A region written as Python has it: single quotes, a comma behind the last item."""
    start, end = text.find("{"), text.rfind("}")
    try:
        value = literal_eval(text[start : end + 1]) if 0 <= start < end else None
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    lists: dict[str, Any] = {name: value.get(name) for name in _KEY}
    lists = {name: list(items) if isinstance(items, tuple) else items for name, items in lists.items()}
    plain = all(isinstance(items, list) and all(type(item) in (str, int) for item in items) for items in lists.values())
    return lists if plain else None


def _skip_to(text: str, character: str) -> int:
    where = text.find(character)
    return max(where, 0)


def _list_after(text: str, name: str) -> Any:
    match = _KEY[name].search(text)
    if match is None:
        return None
    try:
        return _DECODER.raw_decode(text, match.end())[0]
    except (ValueError, RecursionError):
        return None


def _name(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(visible(value).split())
    return json.dumps(value, sort_keys=True, default=str)


def _row(value: Any) -> str:
    if isinstance(value, bool):
        return f"bool {value}"
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_ROW:
        value = int(value)
    return _name(value) if not isinstance(value, str) else value.strip()


def _counted(names: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items()))


def _iou(a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...]) -> float:
    if a == b:
        return 1.0
    left, right = dict(a), dict(b)
    shared = sum(min(count, right.get(name, 0)) for name, count in left.items())
    total = sum(left.values()) + sum(right.values()) - shared
    return shared / total
