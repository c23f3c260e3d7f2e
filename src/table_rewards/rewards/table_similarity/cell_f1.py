"""Cell-level F1: which cells are right, and in the right place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from table_rewards.core.errors import one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.reward import Profile
from table_rewards.core.zero_point import ZeroPoint
from table_rewards.rewards.table_similarity.base import (
    MAX_CHARACTERS,
    Compared,
    TableReward,
    Which,
    grid_of,
    refuse_released,
)
from table_rewards.rewards.table_similarity.explain import cell_f1_section
from table_rewards.tables.adjacency import adjacency_relations, overlap, positioned_cells
from table_rewards.tables.table import GridTooLarge
from table_rewards.tables.trees.tree import Tree

RELATIONS: Final = ("adjacency", "position")


class CellF1(TableReward):
    """F1 over cells that are exactly right, texts compared under the ``standard`` normalisation.

    Args:
        relation: what must agree. ``adjacency``: pairs of neighbouring cells with text, the direction, and how many
        blank
            slots lie between (Göbel et al. 2012, ICDAR 2013). A row left out costs the relations around it and no more.
            ``position``: each cell's row, column, spans and text. A row left out shifts all that follows.
        table: which table counts when the completion holds several: ``first``, ``last`` or ``best``.
        max_characters: what follows behind this many characters of a completion is not read.
        zero_point: ``blind``: only what is above R0 counts, the score of a table that needs no look at the layout (all
            cells in one row; an empty grid): ``value = max(0, (R - R0) / (1 - R0))``, see docs/blind.md. A number in
            (0, 1): one R0 for every row.
        profile: only ``corrected``; no system released this reward.

    The value is in [0, 1]. Parts: ``f1``, ``precision``, ``recall``. A completion without a table scores 0 and is
    *unparsed*; so does, *scored*, one whose spans ask for a million slots. A table of a single cell has no
    neighbours: under
    ``adjacency`` two tables without relations agree if their cells do.

    >>> truth = "| a | b |\\n|---|---|\\n| 1 | 2 |"
    >>> CellF1()(["| a | b |\\n|---|---|\\n| 1 | 3 |"], [truth]).values.tolist()
    [0.5]
    >>> CellF1(relation="position")(["| a | b |\\n|---|---|\\n| 1 | 3 |"], [truth]).values.tolist()
    [0.75]
    """

    name = "cell_f1"

    def __init__(
        self,
        *,
        relation: Literal["adjacency", "position"] = "adjacency",
        table: Which = "first",
        max_characters: int = MAX_CHARACTERS,
        zero_point: ZeroPoint = "none",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(table=table, max_characters=max_characters, zero_point=zero_point, profile=profile)
        refuse_released(self)
        self.relation = one_of("relation", relation, RELATIONS)
        self.set_parts("f1", "precision", "recall")
        self.headline = ("precision", "recall")

    def options(self) -> dict[str, object]:
        return {
            "relation": self.relation,
            "table": self.table,
            "characters": self.max_characters,
            **super().options(),
        }

    def compare(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        return [self._compare(table, reference) for table in tables]

    def _compare(self, table: Tree, reference: Tree) -> Compared:
        wanted = grid_of(reference)
        try:
            found = grid_of(table)
        except GridTooLarge as error:
            return Compared((0.0, 0.0, 0.0), str(error))
        if self.relation == "adjacency":
            relations = adjacency_relations(found), adjacency_relations(wanted)
            if any(relations):
                return Compared(tuple(overlap(*relations)))
        return Compared(tuple(overlap(positioned_cells(found), positioned_cells(wanted))))

    def sections(self, table: Tree, reference: Tree) -> list[Section]:
        try:
            found = grid_of(table)
        except GridTooLarge:
            return []
        return [cell_f1_section(table, reference, found, grid_of(reference), self.relation)]
