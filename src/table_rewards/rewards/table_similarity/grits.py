"""GriTS as a reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from table_rewards.core.errors import one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import positive_whole
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
from table_rewards.rewards.table_similarity.explain import grits_section
from table_rewards.tables.grits import grits_content, grits_topology
from table_rewards.tables.table import GridTooLarge
from table_rewards.tables.trees.tree import Tree

_SCORES: Final = {"content": grits_content, "topology": grits_topology}
METRICS: Final = tuple(_SCORES)
MAX_COMPARISONS: Final = 10_000_000


class GriTS(TableReward):
    """Grid table similarity: the most similar rows and columns of two tables. Smock et al., arXiv 2203.12555.

    ::

        GriTS = 2 * sum of similarities over the aligned slots / (slots of the prediction + slots of the reference)

    Args:
        metric: the value. ``content``: similarity of texts, 2 * LCS / (sum of lengths), under the ``standard``
            normalisation. ``topology``: intersection over union of the cells' spans. Both are parts in any case.
        table: which table counts when the completion holds several: ``first``, ``last`` or ``best``.
        max_characters: what follows behind this many characters of a completion is not read.
        max_comparisons: pairs of slots beyond which two tables are not compared; they score 0, and the note says so.
        zero_point: ``blind``: only what is above R0 counts, the score of a table that needs no look at the layout (all
            cells in one row, or in rows of as many cells as there are columns, one fewer or one more; an empty grid):
            ``value = max(0, (R - R0) / (1 - R0))``, see docs/blind.md. A number in (0, 1): one R0 for every row.
        profile: only ``corrected``; no system released this reward.

    The value is in [0, 1]. Other than TEDS it knows columns: two columns exchanged, or one left out, cost what they
    hold.

    >>> truth = "| a | b |\\n|---|---|\\n| 1 | 2 |"
    >>> scores = GriTS()(["| a |\\n|---|\\n| 1 |"], [truth])
    >>> scores.values.round(4).tolist(), {name: part.round(4).tolist() for name, part in scores.parts.items()}
    ([0.6667], {'content': [0.6667], 'topology': [0.6667]})
    """

    name = "grits"

    def __init__(
        self,
        *,
        metric: Literal["content", "topology"] = "content",
        table: Which = "first",
        max_characters: int = MAX_CHARACTERS,
        max_comparisons: int = MAX_COMPARISONS,
        zero_point: ZeroPoint = "none",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(table=table, max_characters=max_characters, zero_point=zero_point, profile=profile)
        refuse_released(self)
        self.metric = one_of("metric", metric, METRICS)
        self.max_comparisons = positive_whole("max_comparisons", max_comparisons)
        self.set_parts(*(METRICS if metric == "content" else METRICS[::-1]))
        self.structure_alone = metric == "topology"
        self.aligns_rows = metric == "content"

    def options(self) -> dict[str, object]:
        return {
            "metric": self.metric,
            "table": self.table,
            "characters": self.max_characters,
            "comparisons": self.max_comparisons,
            **super().options(),
        }

    def compare(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        return [self._compare(table, reference, self.compared_parts) for table in tables]

    def compare_values(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        return [self._compare(table, reference, self.compared_parts[:1]) for table in tables]

    def _compare(self, table: Tree, reference: Tree, names: Sequence[str]) -> Compared:
        wanted = grid_of(reference)
        try:
            found = grid_of(table)
        except GridTooLarge as error:
            return Compared((0.0,) * len(names), str(error))
        slots = found.width * found.height, wanted.width * wanted.height
        if slots[0] * slots[1] > self.max_comparisons:
            return Compared((0.0,) * len(names), f"oversize: {slots[0]:,} x {slots[1]:,} slots")
        return Compared(tuple(_SCORES[name](found, wanted) for name in names))

    def sections(self, table: Tree, reference: Tree) -> list[Section]:
        wanted = grid_of(reference)
        try:
            found = grid_of(table)
        except GridTooLarge:
            return []
        if found.width * found.height * wanted.width * wanted.height > self.max_comparisons:
            return []
        return [
            grits_section(found, wanted, part, headline=part == self.compared_parts[0]) for part in self.compared_parts
        ]
