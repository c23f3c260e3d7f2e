"""What recognition models make of a table: realistic damage to real tables, from a fixed seed.

Shared by the TEDS benchmark and by the parity tests.
"""

from __future__ import annotations

import json
import pathlib
import random
from collections.abc import Callable, Sequence

from table_rewards.tables.formats import html
from table_rewards.tables.table import Cell, Table

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "tables"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,-% ABCDEFGHIJ"

Rows = list[list[Cell]]


def real_tables(*names: str) -> list[tuple[str, Table]]:
    """Return (id, table) for every table of the named fixture files; of all of them when none is named."""
    found = []
    for name in names or ("pubtabnet", "docling", "wikitablequestions"):
        for line in (FIXTURES / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            table = html.parse_html(row["html"])
            assert table is not None, row["id"]
            found.append((row["id"], table))
    return found


def typos(text: str, rng: random.Random, share: float) -> str:
    """Leave out, replace or insert characters; ``share`` of them are touched."""
    written = []
    for letter in text:
        dice = rng.random() / share
        if dice < 1 / 3:
            continue
        written.append(rng.choice(LETTERS) if dice < 2 / 3 else letter)
        if 2 / 3 <= dice < 1:
            written.append(rng.choice(LETTERS))
    return "".join(written)


def _misread(rows: Rows, rng: random.Random, cells: float, share: float) -> Rows:
    return [[c._replace(text=typos(c.text, rng, share)) if rng.random() < cells else c for c in row] for row in rows]


def light_typos(rows: Rows, rng: random.Random) -> Rows:
    return _misread(rows, rng, 0.15, 0.15)


def heavy_typos(rows: Rows, rng: random.Random) -> Rows:
    return _misread(rows, rng, 1.0, 0.3)


def dropped_rows(rows: Rows, rng: random.Random) -> Rows:
    lost = set(rng.sample(range(len(rows)), min(len(rows) - 1, max(1, len(rows) // 15))))
    return [row for index, row in enumerate(rows) if index not in lost]


def repeated_rows(rows: Rows, rng: random.Random) -> Rows:
    for _ in range(max(1, len(rows) // 15)):
        rows = [*rows]
        rows.insert(rng.randrange(len(rows)), rng.choice(rows))
    return rows


def merged_cells(rows: Rows, rng: random.Random) -> Rows:
    merged = []
    for row in rows:
        if len(row) > 1 and rng.random() < 0.25:
            at = rng.randrange(len(row) - 1)
            one, two = row[at], row[at + 1]
            joined = Cell(f"{one.text} {two.text}".strip(), one.colspan + two.colspan, one.rowspan)
            row = [*row[:at], joined, *row[at + 2 :]]
        merged.append(row)
    return merged


def wrong_spans(rows: Rows, rng: random.Random) -> Rows:
    def respan(cell: Cell) -> Cell:
        if cell.colspan > 1 or cell.rowspan > 1:
            return Cell(cell.text)
        return Cell(cell.text, rng.choice((2, 3))) if rng.random() < 0.05 else cell

    return [[respan(cell) for cell in row] for row in rows]


def swapped_columns(rows: Rows, rng: random.Random) -> Rows:
    return [[*row[:1], row[2], row[1], *row[3:]] if len(row) > 2 else row for row in rows]


def dropped_cells(rows: Rows, rng: random.Random) -> Rows:
    lost = [rng.randrange(len(row)) if len(row) > 1 and rng.random() < 0.3 else -1 for row in rows]
    return [[cell for index, cell in enumerate(row) if index != out] for row, out in zip(rows, lost, strict=True)]


def split_rows(rows: Rows, rng: random.Random) -> Rows:
    split: Rows = []
    for row in rows:
        if len(row) > 3 and rng.random() < 0.2:
            at = rng.randrange(1, len(row))
            split += [row[:at], row[at:]]
        elif split and rng.random() < 0.15:
            split[-1] = split[-1] + row
        else:
            split.append(row)
    return split


def repetition_loop(rows: Rows, rng: random.Random) -> Rows:
    at = rng.randrange(len(rows))
    return rows[: at + 1] + [rows[at]] * min(len(rows), 40)


def transposed(rows: Rows, rng: random.Random) -> Rows:
    width = max(map(len, rows))
    return [list(column) for column in zip(*(row for row in rows if len(row) == width), strict=True)]


DAMAGE: tuple[Callable[[Rows, random.Random], Rows], ...] = (
    light_typos,
    heavy_typos,
    dropped_rows,
    repeated_rows,
    merged_cells,
    wrong_spans,
    swapped_columns,
    dropped_cells,
    split_rows,
    repetition_loop,
    transposed,
)


def variants(table: Table, seed: int, others: Sequence[Table] = ()) -> dict[str, str]:
    """Return damaged copies of a table as HTML, by the kind of damage; also the table itself, and one cut short."""
    rng = random.Random(seed)
    made = {"identical": html.render_html(table)}
    for damage in DAMAGE:
        rows = damage([list(row) for row in table.rows], rng)
        made[damage.__name__] = html.render_html(Table(tuple(map(tuple, rows))))
    made["truncated"] = made["identical"][: int(len(made["identical"]) * rng.uniform(0.3, 0.95))]
    if others:
        made["other_table"] = html.render_html(rng.choice(others))
    return made
