"""A reader without a language model: it finds one cell by the words that a question shares with the table.

What it does: the row whose other cells, and the column whose headers, share the question's rarest words; the cell where
they meet. What it can't: count, compare, add up, paraphrase, or name several cells. It is deterministic and takes
microseconds, so demonstrations and tests run anywhere; scores from it say little about a table that needs reading.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from table_rewards.rewards.qa_f1.f1 import Token, tokens
from table_rewards.rewards.qa_f1.prompts import is_chinese
from table_rewards.tables.table import Grid, GridTooLarge, Table

MAX_SLOTS: Final = 50_000
_SECTION: Final = 0.5  # weight of a section label for the rows below it, against a word in the row itself

_STOP: Final = """
what which who whom whose when where how many much is are was were be been do does did has have had the a an of in on at
for to from by with and as per that this these those there it its under listed value values table row column cell
shown given according total number name
的 是 了 在 和 与 中 为 有 多 少 哪 个 什 么 谁 何 几 请 问 表
"""
STOP_WORDS: Final = frozenset(_STOP.split())


class ExtractiveReader:
    """Answers questions about one table.

    >>> table = Table.of([["City", "Area", "People"], ["Oslo", "480", "709,037"], ["Bergen", "465", "291,940"]], 1)
    >>> reader = ExtractiveReader(table)
    >>> reader.answer("How many people live in Bergen?"), reader.answer("Which city has an area of 480?")
    ('291,940', 'Oslo')
    >>> reader.answer("What is the GDP of Paris?")
    'Not answerable'
    """

    def __init__(self, table: Table) -> None:
        self._rows: list[list[str]] = []
        self._in_row: dict[Token, list[tuple[int, int]]] = defaultdict(list)
        self._in_section: dict[Token, list[int]] = defaultdict(list)
        self._in_header: dict[Token, set[int]] = defaultdict(set)
        try:
            grid = table.grid(MAX_SLOTS)
        except GridTooLarge:
            return
        self._index(grid, _header_rows(table, grid))

    def answer(self, question: str) -> str:
        """The text of the cell, or the refusal in the question's language."""
        words = [word for word in dict.fromkeys(tokens(question)) if word not in STOP_WORDS]
        best, where = 0.0, None
        columns = self._column_scores(words)
        rows = self._row_scores(words)
        width = len(self._rows[0]) if self._rows else 0
        asked = set(words)
        # Where nothing is asked that the table does not know, two columns need no name: the other one is meant.
        plain = width <= 2 and all(word in self._in_row or word in self._in_section for word in words)
        for row, (hits, section) in rows.items():
            for column in range(width):
                text = self._rows[row][column]
                if not text or set(tokens(text)) <= asked:  # a question does not hold its own answer
                    continue
                beside = sum(weight for at, weight in hits if at != column)
                heading = columns.get(column, 0.0)
                if beside + section == 0.0 or (heading == 0.0 and not plain):
                    continue
                score = beside + section + heading
                if score > best + 1e-9:
                    best, where = score, (row, column)
        if where is None:
            return "无法回答" if is_chinese(question) else "Not answerable"
        return self._rows[where[0]][where[1]]

    def _index(self, grid: Grid, header_rows: int) -> None:
        texts = [[grid.cells[n].cell.text if n >= 0 else "" for n in line] for line in grid.slots]
        for column in range(grid.width):
            for line in texts[:header_rows]:
                for token in tokens(line[column]):
                    self._in_header[token].add(column)
        section: list[Token] = []
        for line, slots in zip(texts[header_rows:], grid.slots[header_rows:], strict=True):
            filled = {n for n, text in zip(slots, line, strict=True) if text}
            if len(filled) == 1 and grid.width > 1 and line[0]:
                section = tokens(line[0])
                continue
            row = len(self._rows)
            self._rows.append(line)
            for token in section:
                self._in_section[token].append(row)
            for column, text in enumerate(line):
                for token in set(tokens(text)):
                    self._in_row[token].append((row, column))

    def _column_scores(self, words: list[Token]) -> dict[int, float]:
        scores: dict[int, float] = defaultdict(float)
        for word in words:
            columns = self._in_header.get(word, ())
            for column in columns:
                scores[column] += 1.0 / len(columns)
        return scores

    def _row_scores(self, words: list[Token]) -> dict[int, tuple[list[tuple[int, float]], float]]:
        hits: dict[int, list[tuple[int, float]]] = defaultdict(list)
        sections: dict[int, float] = defaultdict(float)
        for word in words:
            places = self._in_row.get(word, ())
            count = len({row for row, _ in places})
            for row, column in places:
                hits[row].append((column, 1.0 / count))
            labelled = self._in_section.get(word, ())
            for row in labelled:
                sections[row] += _SECTION / len(labelled)
        return {row: (hits.get(row, []), sections.get(row, 0.0)) for row in sorted({*hits, *sections})}


def _header_rows(table: Table, grid: Grid) -> int:
    """Rows of header cells; without any, the first row and those that its spans reach into or divide."""
    marked = table.header_rows
    if marked:
        return min(marked, max(grid.height - 1, 0))
    if grid.height < 2:
        return 0
    count, spans = 1, False
    for placed in grid.cells:
        if placed.row == 0:
            count = max(count, placed.rowspan)
            spans = spans or (placed.colspan > 1 and placed.rowspan < 2)
    return min(max(count, 2 if spans and grid.height > 2 else 1), grid.height - 1)
