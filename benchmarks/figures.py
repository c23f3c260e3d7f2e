"""What a benchmark measured: printed as it comes, and kept for docs/benchmarks.md when ``run.py`` asks for it.

table("TEDS by size", ["cells", "ours"], [[40, 0.21], [100, 0.55]], formats=["{:,}", "{:.2f} ms"])
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

KEPT_IN: Final = "BENCHMARK_FIGURES"
"""The environment's name of the file that figures are appended to."""


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    formats: Sequence[str] = (),
    note: str = "",
    plot: Mapping[str, Any] | None = None,
) -> None:
    """Print a table, and keep it.

    Args:
        title: what was measured.
        columns: the heads of the columns.
        rows: their values, as they were measured; None where there is none. A column of nothing else is left out.
        formats: how each column is shown, such as ``"{:.1f}x"``; plain where there is none.
        note: what a reader must know to read the numbers.
        plot: how the page draws them: ``kind`` (``lines`` or ``bars``), ``x`` and ``y`` (names of columns), ``label``
            of the measured axis, ``log``.
    """
    measured = [i for i in range(len(columns)) if any(row[i] is not None for row in rows)]
    shapes = [*formats, *["{}"] * (len(columns) - len(formats))]
    told = {
        "title": title,
        "columns": [columns[i] for i in measured],
        "formats": [shapes[i] for i in measured],
        "rows": [[row[i] for i in measured] for row in rows],
        "note": note,
        "plot": dict(plot) if plot else None,
    }
    print("\n".join(lines_of(told)), flush=True)
    place = os.environ.get(KEPT_IN)
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told, ensure_ascii=False, default=lambda value: value.item()) + "\n")


def left_out(what: str, why: str) -> None:
    """Say, and keep, what could not be measured here."""
    table(f"left out: {what}", [], [], note=why)


def shown(told: Mapping[str, Any]) -> list[list[str]]:
    """The cells of a kept table as text."""
    return [
        ["" if value is None else form.format(value) if not isinstance(value, str) else value for value, form in pairs]
        for pairs in (list(zip(row, told["formats"], strict=True)) for row in told["rows"])
    ]


def lines_of(told: Mapping[str, Any]) -> list[str]:
    """A kept table for a terminal."""
    cells = [list(told["columns"]), *shown(told)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(told["columns"]))]
    lines = ["", told["title"]]
    for row in cells if told["columns"] else ():
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(padded).rstrip())
    return [*lines, *([f"  {told['note']}"] if told["note"] else [])]
