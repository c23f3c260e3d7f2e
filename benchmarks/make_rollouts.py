"""Writes fixtures/tables/rollouts.jsonl, which the tutorial scores: 8 completions for each of 6 real tables.

    python benchmarks/make_rollouts.py

The tables are PubTabNet's; the completions are those tables, damaged as recognition models damage them. One table is
read without a fault by all eight, two with misread texts alone, three with faults of structure, too.
"""

from __future__ import annotations

import json
import pathlib

from table_rewards.tables.formats.html import render_html
from table_variants import real_tables, variants

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "tables" / "rollouts.jsonl"
FAULTLESS = ("identical",) * 8
MISREAD = (
    "identical",
    "identical",
    "light_typos",
    "light_typos",
    "light_typos",
    "light_typos",
    "heavy_typos",
    "heavy_typos",
)
BROKEN = (
    "identical",
    "light_typos",
    "dropped_rows",
    "wrong_spans",
    "dropped_cells",
    "merged_cells",
    "repeated_rows",
    "",
)
EACH = (FAULTLESS, MISREAD, BROKEN, MISREAD, BROKEN, BROKEN)


def main() -> None:
    tables = sorted(real_tables("pubtabnet"), key=lambda entry: len(render_html(entry[1])))
    wide = [(name, table) for name, table in tables if sum(len(row) for row in table.rows) >= 24]
    lines = []
    for number, ((name, table), kinds) in enumerate(zip(wide, EACH, strict=False)):
        for sample, kind in enumerate(kinds):
            made = variants(table, 8 * number + sample)
            completion = made.get(kind, "I cannot read this table.")
            row = {"uid": name, "kind": kind or "refused", "completion": completion, "solution": render_html(table)}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    OUT.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
