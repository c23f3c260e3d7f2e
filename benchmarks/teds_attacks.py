"""Attempts to be paid for a wrong table, and what each gets: the published code, and here.

    python benchmarks/teds_attacks.py

prints the table of docs/rewards/teds.md; a test keeps the two equal.
"""

from __future__ import annotations

from typing import NamedTuple

from table_rewards.rewards.table_similarity import TEDS

Cells = list[list[str]]

TRUTH: Cells = [
    ["Metal", "Melts at", "Density"],
    ["Iron", "1538", "7.87"],
    ["Zinc", "420", "7.14"],
    ["Lead", "327", "11.3"],
]
WRONG: Cells = [["?"]]
GARBLED: Cells = [[cell[::-1].swapcase() + "#" for cell in row] for row in TRUTH]


def table(cells: Cells, attributes: str = "", tag: str = "td") -> str:
    rows = ("".join(f"<{tag}{attributes}>{text}</{tag}>" for text in row) for row in cells)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def with_first_cell(cells: Cells, extra: str) -> str:
    return table([[cells[0][0] + extra, *cells[0][1:]], *cells[1:]])


def before_rows(cells: Cells, extra: str) -> str:
    return table(cells).replace("<table>", f"<table>{extra}", 1)


class Attack(NamedTuple):
    name: str
    prediction: str
    published_hangs: bool = False
    which: str = "first"


REFERENCE = table(TRUTH)
ATTACKS = (
    Attack("*the right table*", REFERENCE),
    Attack("*one wrong cell, no trick*", table(WRONG)),
    Attack("*a garbled table, no trick*", table(GARBLED)),
    Attack("one wrong cell and 2,000 `<b></b>`", with_first_cell(WRONG, "<b></b>" * 2_000)),
    Attack("a garbled table and 500 `<br>`", with_first_cell(GARBLED, "<br>" * 500)),
    Attack("one wrong cell, 80 tables nested in it", with_first_cell(WRONG, "<table><tr><td>" * 80)),
    Attack("a garbled table, 200 `<i>` nested in one another", with_first_cell(GARBLED, "<i>" * 200)),
    Attack("3,000 elements that are no cells", "<table><tr>" + "<b>" * 3_000 + "</tr></table>"),
    Attack("a garbled table behind 300 empty columns", before_rows(GARBLED, f"<colgroup>{'<col>' * 300}</colgroup>")),
    Attack("a garbled table, a caption of 300 `<u>`", before_rows(GARBLED, f"<caption>{'<u></u>' * 300}</caption>")),
    Attack("the right table and 30 empty rows", REFERENCE.replace("</table>", "<tr></tr>" * 30 + "</table>")),
    Attack("the right table, every row twice", table([row for row in TRUTH for _ in range(2)])),
    Attack("the right table, `colspan=\"1000000000\"` once", REFERENCE.replace("<td>", '<td colspan="1000000000">', 1)),
    Attack("the right table, `colspan=\"abc\"` everywhere", table(TRUTH, ' colspan="abc"')),
    Attack("the right table, one cell padded with 20,000 letters", with_first_cell(TRUTH, "x" * 20_000)),
    Attack("the right shape, every cell empty", table([["" for _ in row] for row in TRUTH])),
    Attack("the right shape, every cell the same word", table([["1538" for _ in row] for row in TRUTH])),
    Attack("all text in one cell", table([[" ".join(" ".join(row) for row in TRUTH)]])),
    Attack("garbled header cells, as `th`", table(GARBLED, tag="th")),
    Attack("the table three times", REFERENCE * 3),
    Attack("a wrong table, then the right one", table(WRONG) + REFERENCE),
    Attack("the same, with `table=\"best\"`", table(WRONG) + REFERENCE, which="best"),
    Attack("the right table in `<think>`, none behind it", f"<think>{REFERENCE}</think>I am done."),
    Attack("the right table in a comment", f"<table><!-- {REFERENCE} --><tr><td>?</td></tr></table>"),
    Attack("the right table as text of one cell", table([[REFERENCE.replace("<", "&lt;")]])),
    Attack("100,000 cells", table([["7.87"] * 10] * 10_000), published_hangs=True),
)  # fmt: skip


def published_score(attack: Attack) -> str:
    from teds_published_way import published_teds

    if attack.published_hangs:
        return "hangs"
    try:
        return f"{published_teds(attack.prediction, REFERENCE):.2f}"
    except (ValueError, ZeroDivisionError, RecursionError) as error:
        return type(error).__name__


def our_score(attack: Attack, normalisation: str) -> float:
    reward = TEDS(normalisation=normalisation, table=attack.which)  # type: ignore[arg-type]
    return float(reward([attack.prediction], [REFERENCE]).values[0])


def markdown() -> str:
    """The table of the documentation."""
    lines = [
        '| prediction | the published code | `TEDS()` | `TEDS(normalisation="omnidocbench")` |',
        "|---|---|---|---|",
    ]
    for attack in ATTACKS:
        ours = " | ".join(f"{our_score(attack, name):.2f}" for name in ("standard", "omnidocbench"))
        lines.append(f"| {attack.name} | {published_score(attack)} | {ours} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())
