"""TableBench's charts: the y-values that a program drew against the reference's, by chart type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.text.numbers import parse_number

KINDS: Final = ("area", "bar", "hbar", "line", "pie", "radar", "scatter", "waterfall")
_PREFIX: Final = re.compile(r"^\s*y_references\s*=\s*")
_NAN: Final = re.compile(r"\b(?:np\.nan|numpy\.nan|float\(['\"]nan['\"]\)|nan)\b")


def read_references(answer: str) -> tuple[Any, ...]:
    """Return the flat y-values of ``y_references = [[...], ...]``; text such as ``'$9,589'`` stays text.

    >>> read_references("y_references = [[1, 2.5], [np.nan, '$3']]")
    (1.0, 2.5, nan, '$3')

    Raises:
        BadReference: it is no such list.
    """
    text = _NAN.sub("NaN", _PREFIX.sub("", answer)).replace("None", "null")
    try:
        values = json.loads(text.replace("'", '"') if '"' not in text else text)
    except (ValueError, RecursionError):
        raise BadReference(f"y_references is not a list of numbers: {answer[:60]!r}") from None
    if not isinstance(values, list):
        raise BadReference(f"y_references is not a list: {answer[:60]!r}")
    flat: list[Any] = []
    for item in values:
        flat.extend(item if isinstance(item, list) else [item])
    return tuple(float(v) if isinstance(v, (int, float)) else "" if v is None else str(v) for v in flat)


def chart_matches(drawn: Any, references: Sequence[Any], kind: str) -> bool:
    """Compare what a chart job read (see ``sandbox.worker.charts``) with the references.

    Right is a program that shows, saves or leaves one figure whose axes hold together the reference's y-values,
    rounded to two decimals, in any order. What it draws besides counts against it: another series, another panel,
    another figure, for who draws everything did not find out what was asked. Text references are read as numbers where
    they are.

    >>> drawn = {"axes": [{"series": [{"y": [1.0, 2.0]}]}, {"series": [{"y": [3.0]}]}]}
    >>> chart_matches(drawn, [3, 2, 1], "bar"), chart_matches(drawn, [2, 1], "bar")
    (True, False)
    """
    wanted = wanted_values([_number(value) for value in references], kind)
    if wanted is None or not isinstance(drawn, dict):
        return False
    every = [axes for axes in drawn.get("axes") or [] if axes.get("series")]
    if len({axes.get("figure") for axes in every}) > 1:
        return False
    return same_values([_number(y) for axes in every for series in axes["series"] for y in series.get("y", [])], wanted)


def wanted_values(numbers: Sequence[Any], kind: str) -> list[float] | None:
    """The reference values as they are compared: fractions of the whole for a pie; None when one is no number."""
    if not numbers or not all(isinstance(value, float) for value in map(_as_float, numbers)):
        return None
    values = [float(value) for value in numbers]
    if kind == "pie":
        total = sum(values)
        if not total:
            return None
        values = [round(value / total, 2) for value in values]
    return values


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        number = parse_number(value)
        return float(number.value) if number is not None else value
    return value


def same_values(drawn: Sequence[Any], wanted: Sequence[float]) -> bool:
    """Whether two lists hold the same numbers, rounded to two decimals, in any order."""
    if len(drawn) != len(wanted) or not all(isinstance(y, (int, float)) for y in drawn):
        return False
    left, right = (sorted((round(float(v), 2) for v in side), key=_order) for side in (drawn, wanted))
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(left, right, strict=True))


def _order(value: float) -> tuple[bool, float]:
    return (math.isnan(value), 0.0 if math.isnan(value) else value)
