"""Fine-tuning rows for TRivia's first two stages: an image of a table, and the table in OTSL.

A base model that is asked for OTSL writes none, and earns nothing in the third stage. *warmup* teaches the form on many
synthetic and public tables, with the part of the model that sees frozen; *sft* goes on with real tables and all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.rows import plain
from table_rewards.datasets.trivia.rows import PROMPT
from table_rewards.tables.formats.convert import parse_table
from table_rewards.tables.formats.otsl import parse_otsl, render_otsl
from table_rewards.tables.table import GridTooLarge, Placed, Table

STAGES: Final[Mapping[str, str]] = {
    "warmup": "--freeze_vit true --freeze_aligner false --freeze_llm false",
    "sft": "--freeze_vit false --freeze_aligner false --freeze_llm false",
}
"""Stage -> the arguments of ``swift sft`` that say what learns."""

GOLD: Final = ("html", "solution", "otsl", "table")


def stage_rows(
    rows: Iterable[Mapping[str, Any]], left_out: Counter[str], *, prompt: str = PROMPT
) -> Iterator[dict[str, Any]]:
    """One conversation a row, for ms-swift: the image, and its table in OTSL as the assistant's turn.

    Args:
        rows: each with ``images`` (or ``image``) and its table as ``html``, ``solution`` or ``otsl``.
        left_out: counts rows that are of no use, by reason.
        prompt: what is asked for; it holds ``<image>``.

    A table whose OTSL does not read back as the same cells and spans is left out.

    >>> row = {"image": "a.png", "html": "<table><tr><td colspan=2>a</td></tr><tr><td>b</td><td>c</td></tr></table>"}
    >>> next(stage_rows([row], Counter()))["messages"][1]["content"]
    '<fcel>a<lcel><nl>\\n<fcel>b<fcel>c<nl>\\n'
    """
    for row in rows:
        images = plain(row.get("images") or row.get("image") or [])
        images = images if isinstance(images, list) else [images]
        if len(images) != 1:
            left_out["no image" if not images else "several images"] += 1
            continue
        gold = next((row[name] for name in GOLD if isinstance(row.get(name), str) and row[name].strip()), "")
        gold = gold or _assistant(row)
        table = parse_table(gold) if gold else None
        if table is None:
            left_out["no table" if not gold else "its table cannot be read"] += 1
            continue
        try:
            otsl = render_otsl(table)
            same = written(table) == written(parse_otsl(otsl))
        except GridTooLarge:
            left_out["its spans ask for too large a table"] += 1
            continue
        if not same:
            left_out["its OTSL reads as another table"] += 1
            continue
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": otsl}]
        yield {"messages": turns, "images": images}


def written(table: Table | None) -> list[list[str]] | None:
    """What stands in every slot of the grid, spans told by the place of their cell; headers aside."""
    if table is None:
        return None
    grid = table.grid()
    return [[_slot(grid.cells[n]) if n >= 0 else "" for n in line] for line in grid.slots]


def _slot(placed: Placed) -> str:
    """A cell by its place and text; an empty one of one slot is what a row that ends early leaves there, too."""
    if placed.rowspan == placed.colspan == 1 and not placed.cell.text:
        return ""
    return f"{placed.row}:{placed.column}:{placed.cell.text}"


def _assistant(row: Mapping[str, Any]) -> str:
    turns = plain(row.get("messages"))
    last = turns[-1] if isinstance(turns, list) and turns else None
    return str(last.get("content") or "") if isinstance(last, dict) and last.get("role") == "assistant" else ""
