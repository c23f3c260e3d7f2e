"""TEDS: how similar two tables are as trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import positive_whole, truth
from table_rewards.core.reward import Profile
from table_rewards.core.zero_point import ZeroPoint
from table_rewards.rewards.table_similarity.base import MAX_CHARACTERS, Compared, TableReward, Which
from table_rewards.rewards.table_similarity.explain import teds_section
from table_rewards.tables.tree_distance.distance import (
    MAX_COMPARISONS,
    Distance,
    long_texts,
    lopsided,
    tree_edit_distances,
)
from table_rewards.tables.tree_distance.similarity import DENOMINATORS, similarity
from table_rewards.tables.tree_distance.structure import structure_distances
from table_rewards.tables.trees.normalisation import NORMALISATIONS
from table_rewards.tables.trees.tree import Tree


class TEDS(TableReward):
    """Tree-edit-distance-based similarity of the completion's table and the reference table.

    ::

        TEDS = 1 - distance / max(nodes of the prediction, nodes of the reference)

    The distance is exact: 1 for a node too many or too few, 1 for a cell whose spans differ, and for cells of equal
    spans the Levenshtein distance of their texts divided by the longer one's length. Zhong et al., "Image-based
    table recognition: data, model, and evaluation", arXiv 1911.10683; as a reward in TRivia, arXiv 2512.01248.

    Args:
        structure_only: compare the structure alone (S-TEDS); the texts are not looked at.
        normalisation: what is compared: ``standard``, ``pubtabnet`` or ``omnidocbench``, see
            :mod:`table_rewards.tables.trees.normalisation`.
        denominator: ``compared`` counts the nodes that are compared; ``pubtabnet``, for comparison with papers, counts
            markup inside cells too, which a prediction can pile up for free.
        clip: raise negative scores to 0. TEDS falls below 0 when the tables have less in common than nothing.
        exact_numbers: let a number that is another number cost 1, however many digits they share; alone, or with a
            unit, an error or a range beside it (``12 kg``, ``1.2 (0.3)``). Published TEDS counts wrong digits alone:
            1536 for 1538 costs a quarter.
        table: which table counts when the completion holds several: ``first``, ``last`` or ``best``.
        max_characters: what follows behind this many characters of a completion, or behind twice the length of its
            reference if that is more, is not read.
        max_comparisons: node pairs up to which the distance is exact. Beyond, a lower bound of the score is returned
            that depends on the two tables alone, see :mod:`table_rewards.tables.tree_distance.bound`.
        zero_point: ``blind``: only what is above R0 counts, the score of a table that needs no look at the layout (all
            cells in one row; an empty grid): ``value = max(0, (R - R0) / (1 - R0))``, see docs/blind.md. A number in
            (0, 1): one R0 for every row.
        profile: only ``corrected``; the released reward is 0 for every completion (R1 in docs/profiles.md).

    The value is in [0, 1] (without ``clip`` in (-1, 1]); 1.0 if and only if nothing differs. Parts: ``teds`` and
    ``structure``; with ``structure_only`` ``structure`` alone. A completion without a table scores 0 and is
    *unparsed*; a reference without a table leaves its samples *unscored*; TRivia's placeholder ``<table></table>``
    for a row without a label scores 0, as it does there.

    >>> truth = "<table><tr><td>Year</td><td>Sales</td></tr><tr><td>2024</td><td>17</td></tr></table>"
    >>> scores = TEDS()(["<fcel>Year<fcel>Sales<nl>\\n<fcel>2024<fcel>11<nl>\\n", "I see no table."], [truth, truth])
    >>> scores.values.round(4).tolist(), scores.parts["structure"].tolist(), scores.notes
    ([0.9167, 0.0], [1.0, 0.0], ['', 'no table'])
    """

    name = "teds"
    gains_from_batches = True
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind", "exact_numbers": True}

    def __init__(
        self,
        *,
        structure_only: bool = False,
        normalisation: Literal["standard", "pubtabnet", "omnidocbench"] = "standard",
        denominator: Literal["compared", "pubtabnet"] = "compared",
        clip: bool = True,
        exact_numbers: bool = False,
        table: Which = "first",
        max_characters: int = MAX_CHARACTERS,
        max_comparisons: int = MAX_COMPARISONS,
        zero_point: ZeroPoint = "none",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(table=table, max_characters=max_characters, zero_point=zero_point, profile=profile)
        if profile == "released":
            raise ConfigurationError(
                "TEDS has no released profile: the released reward is 0 for every completion (defect R1). For the "
                "scores that its authors meant: TEDS(normalisation='omnidocbench', denominator='pubtabnet', clip=False)"
            )
        self.structure_only = truth("structure_only", structure_only)
        self.normalisation = one_of("normalisation", normalisation, NORMALISATIONS)
        self.denominator = one_of("denominator", denominator, DENOMINATORS)
        self.clip = truth("clip", clip)
        self.exact_numbers = truth("exact_numbers", exact_numbers)
        self.max_comparisons = positive_whole("max_comparisons", max_comparisons)
        self.set_parts(*(("structure",) if structure_only else ("teds", "structure")))
        self.structure_alone = structure_only

    def options(self) -> dict[str, object]:
        return {
            "structure": self.structure_only,
            "normalisation": self.normalisation,
            "denominator": self.denominator,
            "clip": self.clip,
            "table": self.table,
            "characters": self.max_characters,
            "comparisons": self.max_comparisons,
            "exact_numbers": self.exact_numbers,
            **super().options(),
        }

    def compare(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        structures = structure_distances(tables, reference, self.max_comparisons)
        found: dict[str, list[Distance]] = {"structure": structures}
        if "teds" in self.parts:  # texts only add to the distance of the structures
            floors = [one.value if one.exact else 0.0 for one in structures]
            found["teds"] = tree_edit_distances(tables, reference, self.max_comparisons, floors, self.exact_numbers)
            found["structure"] = [min(pair) for pair in zip(structures, found["teds"], strict=True)]
        columns = [
            [self._score(*pair, reference) for pair in zip(found[part], tables, strict=True)]
            for part in self.compared_parts
        ]
        inexact = {index for part in found.values() for index, distance in enumerate(part) if not distance.exact}
        return [
            Compared(
                parts,
                self._bound_note(tables[index], reference) if index in inexact else "",
            )
            for index, parts in enumerate(zip(*columns, strict=True))
        ]

    def sections(self, table: Tree, reference: Tree) -> list[Section]:
        return [
            teds_section(
                table,
                reference,
                part,
                headline=part == self.parts[0],
                denominator=self.denominator,
                clip=self.clip,
                exact_numbers=self.exact_numbers and part == "teds",
                max_comparisons=self.max_comparisons,
            )
            for part in self.compared_parts
        ]

    def earned_blindly(self, reference: Tree) -> float:
        """R0. A regular table in one row needs no search: its row goes and the reference's rows come, or it stays and
        what is beside its longest row goes and comes."""
        rows = reference.rows
        if rows is None or self.structure_only or len(rows) < 2:
            return super().earned_blindly(reference)
        cells, longest = sum(map(len, rows)), max(map(len, rows))
        distance = min(len(rows) + 1, len(rows) - 1 + 2 * (cells - longest))
        return 1.0 - distance / (reference.size - 1 + reference.inline)

    def _bound_note(self, table: Tree, reference: Tree) -> str:
        small = table.size * reference.size <= self.max_comparisons and not lopsided(table.size, reference.size)
        if small and not self.structure_only and long_texts(table, reference):
            return "oversize texts: the longest ones are compared by their common beginning and end; a lower bound"
        return f"oversize: {table.size:,} x {reference.size:,} nodes; a lower bound"

    def _score(self, distance: Distance, table: Tree, reference: Tree) -> float:
        score = similarity(distance.value, table, reference, self.denominator)
        return max(0.0, score) if self.clip else score
