"""The price of structure: a table that was asked for separates what a question names from what answers it.

A language model reads an answer out of any heap of text. A completion that writes the whole table into one cell would
earn all that a real table earns, and training would find it. In a table, the words that name an answer (the label of
the row, the header of the column) stand in other cells than the answer; in a heap they stand beside it.
"""

from __future__ import annotations

import re
from typing import Final

from table_rewards.rewards.qa_f1.extractive import STOP_WORDS
from table_rewards.rewards.qa_f1.f1 import Token, tokens
from table_rewards.tables.table import Table

MAX_CELLS: Final = 5_000
"""Cells that are looked at; a table of more has structure enough."""

_IN_BRACKETS: Final = re.compile(r"[(\[（]([^()\[\]（）]{1,40})[)\]）]")
_WHOLE_CELL: Final = 0.5
_LINE: Final = 4  # cells of a single row that may be a small table of their own, such as a name and a value


class Structure:
    """How far the cells of one table separate questions from answers.

    >>> table = Table.of([["City", "People"], ["Oslo", "709,037"], ["Bergen", "291,940"]], 1)
    >>> Structure(table).of("How many people live in Bergen?", "291,940")
    1.0
    >>> heap = Table.of([["City People Oslo 709,037 Bergen 291,940"]])
    >>> Structure(heap).of("How many people live in Bergen?", "291,940")
    0.0
    """

    def __init__(self, table: Table) -> None:
        self._cells: list[frozenset[Token]] = []
        self._units: set[frozenset[Token]] = set()  # what stands in brackets in the head of a column
        for cell in table.rows[0] if table.rows else ():
            self._units.update(frozenset(tokens(found)) for found in _IN_BRACKETS.findall(cell.text[:400]))
        rows = columns = 0
        for row in table.rows:
            filled = [cell for cell in row if cell.text.strip()]
            rows += bool(filled)
            columns = max(columns, len(filled))
            for cell in filled[: max(0, MAX_CELLS - len(self._cells))]:
                self._cells.append(frozenset(tokens(cell.text)))
        self._words = frozenset().union(*self._cells) if self._cells else frozenset()
        self._column = columns < 2
        self._line = self._column or (rows < 2 and len(self._cells) > _LINE)

    def of(self, question: str, gold: str) -> float:
        """The price of one pair, in [0, 1]: what its F1 is multiplied with.

        ``max(0, 1 - 2 * s)``, where s is the share of the question's words in the table that stand in the very cell of
        the answer; of several cells that hold as much of the answer, the best counts. An answer that no cell holds
        (a count, a sum) costs nothing, nor does a unit, which stands in brackets beside the name of its column: an
        answer without a digit that is the whole bracket of a cell of the first row. A table of one cell, one column or
        one long row has no structure: 0, and a half for an answer that is a whole cell of a column, which may be a
        list.
        """
        wanted = frozenset(tokens(gold))
        held = max((len(wanted & cell) for cell in self._cells), default=0)
        if held == 0:
            return float(len(self._cells) > 1 and not self._line)
        holding = [cell for cell in self._cells if len(wanted & cell) == held]
        if self._line:
            whole = self._column and len(self._cells) > 1 and any(cell == wanted for cell in holding)
            return _WHOLE_CELL if whole else 0.0
        if wanted in self._units and not any(character.isdigit() for character in gold):
            return 1.0
        named = frozenset(word for word in tokens(question) if word not in STOP_WORDS) & self._words - wanted
        if not named:
            return 1.0
        beside = min(len(named & cell) for cell in holding) / len(named)
        return max(0.0, 1.0 - 2.0 * beside)
