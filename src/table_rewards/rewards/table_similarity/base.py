"""What TEDS, cell F1 and GriTS have in common: a reference that is a table, and the search for one in a completion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal, NamedTuple

from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.explanation.assembling import passages_of, with_passage
from table_rewards.core.explanation.data import Section, Working
from table_rewards.core.options import positive_whole
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.core.zero_point import BlindScores, ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.table_similarity.blind import blind_trees
from table_rewards.tables.formats.find import HTML, Found, find_tables
from table_rewards.tables.formats.html import render_html
from table_rewards.tables.table import Grid, GridTooLarge, Table
from table_rewards.tables.trees.filled import filled
from table_rewards.tables.trees.normalisation import STANDARD, tree_of
from table_rewards.tables.trees.tree import Tree

Which = Literal["first", "last", "best"]
WHICH: Final = ("first", "last", "best")
MAX_CHARACTERS: Final = 1_000_000
MAX_SLOTS: Final = 200_000

COLUMNS: Final = ("table", "solution", "html", "otsl", "markdown", "latex")
"""Where in a row the reference table may stand, after a scalar ``ground_truth``."""

PLACEHOLDER: Final = "<table></table>"
"""What TRivia writes as the solution of a row without a label."""


@dataclass(frozen=True)
class TableReference:
    """The table that a completion should hold, as HTML, OTSL, Markdown or LaTeX."""

    source: str


class Compared(NamedTuple):
    """What a reward says of one table: the numbers of its parts, a note, and whether the rectangular forms of the two
    tables were compared."""

    parts: tuple[float, ...]
    note: str = ""
    rectangular: bool = False


class Deciding(NamedTuple):
    """The table whose comparison is a completion's score, as it was found, and the two trees that were compared."""

    found: Found
    table: Tree
    reference: Tree


class TableReward(Reward[TableReference]):
    """A reward that compares one table of the completion with the reference table.

    A subclass compares trees; this class finds them. The completions of a group share the reading of their reference.

    With ``zero_point="blind"`` the value is what the comparison gives above R0, which the best of some tables earns
    that need no look at the layout: every cell in reading order in one row; where texts do not count, an empty grid of
    the reference's size; where rows are aligned (GriTS), the cells in rows of about the right length. The parts keep
    their values, and ``blind``, R0, is one more.
    """

    reference_type = TableReference
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind"}
    normalisation: str = "standard"
    structure_alone: bool = False
    """Whether the value ignores the texts."""
    aligns_rows: bool = False
    """Whether the value is kind to a table whose rows are cut too early or too late."""

    def __init__(
        self,
        *,
        table: Which = "first",
        max_characters: int = MAX_CHARACTERS,
        zero_point: ZeroPoint = "none",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.zero_point = checked_zero_point(zero_point, profile)
        self._blind = BlindScores(self.zero_point)
        self.table: Which = one_of("table", table, WHICH)  # type: ignore[assignment]
        self.max_characters = positive_whole("max_characters", max_characters)

    def set_parts(self, *compared: str) -> None:
        """Name the parts: what :meth:`compare` gives and, with a zero point, R0."""
        self.compared_parts = compared
        self.parts = (*compared, "blind") if self.zero_point != "none" else compared
        self.headline = compared[:2]

    def options(self) -> dict[str, object]:
        own = {} if self.zero_point == "none" else {"zero_point": self.zero_point}
        return {**own, **super().options()}

    @abstractmethod
    def compare(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        """Compare each table with the reference; the first part is the value."""

    def natural(self, value: Any) -> TableReference:
        """The reference of a bare value: a table, or its text.

        Raises:
            BadReference: the value is neither.
        """
        if isinstance(value, Table):
            value = render_html(value)
        if not isinstance(value, str):
            raise BadReference(f"the reference table must be text or a Table, not {type(value).__name__}")
        reference = TableReference(value)
        self._reference_tree(reference)
        return reference

    def reference(self, row: Mapping[str, Any]) -> TableReference:
        _, value = self.row_answer(row, *COLUMNS)
        return self.natural(value)

    def judge(self, completion: str, reference: TableReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[TableReference], step: int | None
    ) -> list[Judgement]:
        judged: list[Judgement | None] = [None] * len(completions)
        groups: dict[TableReference, list[int]] = {}
        for index, reference in enumerate(references):
            groups.setdefault(reference, []).append(index)
        for reference, members in groups.items():
            found = self._judge_group([completions[i] for i in members], reference)
            for index, judgement in zip(members, found, strict=True):
                judged[index] = judgement
        return [judgement for judgement in judged if judgement is not None]

    def _judge_group(self, completions: Sequence[str], reference: TableReference) -> list[Judgement]:
        try:
            tree = self._reference_tree(reference)
        except BadReference as error:
            return [self.unscored(f"reference unusable: {error}")] * len(completions)
        if tree is None:
            note = f"no label: the reference is the placeholder {PLACEHOLDER}"
            return [Judgement(self.floor, (self.floor,) * len(self.parts), SCORED, note)] * len(completions)
        # Completions of a group often hold the same table, in other words around it, or the reference to the letter.
        trees: dict[Found | None, Tree | None] = dict([first_table(reference.source, self.normalisation)])
        candidates: list[tuple[str, Tree]] = []
        slices: list[tuple[int, int, list[str]]] = []
        for completion in completions:
            sources, notes = self._sources(completion, max(self.max_characters, 2 * len(reference.source)))
            first = len(candidates)
            for source in sources:
                if source not in trees:
                    trees[source] = tree_of(source, self.normalisation)
                candidate = trees[source]
                if candidate is not None:
                    candidates.append((source.format, candidate))
            if len(candidates) == first:
                notes.append("no table" if not sources else "the table holds no cell")
            slices.append((first, len(candidates), notes))
        try:
            compared = self._compare_filled(candidates, tree) if candidates else []
        except GridTooLarge as error:  # of the reference: a completion's own is no exception
            return [self.unscored(f"reference unusable: {error}")] * len(completions)
        blind = None
        if self.zero_point != "none":
            blind = self._blind.of(reference, lambda _: self.earned_blindly(tree))
        return [self._judgement(compared[first:behind], notes, blind) for first, behind, notes in slices]

    def earned_blindly(self, reference: Tree) -> float:
        """R0: the most that one of the stated blind strategies earns against this reference."""
        tables = blind_trees(reference, structure_alone=self.structure_alone, wrapped=self.aligns_rows)
        trees = [(HTML, tree) for tree in tables]
        earned = [one.parts[0] for one in self._compare_filled(trees, reference, self.compare_values)] if trees else []
        return max((one for one in earned if one < 1.0), default=0.0)  # a strategy that is right is none

    def compare_values(self, tables: Sequence[Tree], reference: Tree) -> list[Compared]:
        """:meth:`compare` where nothing but the value is asked for, the first part."""
        return self.compare(tables, reference)

    def _compare_filled(
        self,
        candidates: Sequence[tuple[str, Tree]],
        reference: Tree,
        compare: Callable[[Sequence[Tree], Tree], list[Compared]] | None = None,
    ) -> list[Compared]:
        """Compare with the reference as it stands and, where it leaves rows short, with its rectangular form too.

        The published normalisations compare HTML with HTML as it stands.
        """
        compare = self.compare if compare is None else compare
        compared = compare([tree for _, tree in candidates], reference)
        places = [at for at, (format, _) in enumerate(candidates) if format != HTML or self.normalisation == STANDARD]
        rectangular = filled(reference) if places else reference
        if rectangular is reference:
            return compared
        again = compare([filled(candidates[at][1]) for at in places], rectangular)
        for at, other in zip(places, again, strict=True):
            compared[at] = max(compared[at], other._replace(rectangular=True), key=lambda one: one.parts[0])
        return compared

    def deciding_trees(self, completion: str, reference: Any) -> tuple[Tree, Tree] | None:
        """Return the two trees whose comparison is a completion's score; None where there is no table on either side.

        Raises:
            BadReference: there is no table in the reference.
        """
        decided = self._deciding(completion, reference)
        return None if decided is None else (decided.table, decided.reference)

    def working(self, completion: str, reference: TableReference, judgement: Judgement, step: int | None) -> Working:
        passages = passages_of(completion, self.thought_tags)
        decided = self._deciding(completion, reference) if judgement.status == SCORED else None
        if decided is None:
            return Working(passages=passages)
        sections = tuple(self.sections(decided.table, decided.reference))
        return Working(sections, with_passage(passages, "table", decided.found.source, completion))

    def sections(self, table: Tree, reference: Tree) -> list[Section]:
        """Tell how two trees compare; their numbers are those of :meth:`compare`."""
        return []

    def _deciding(self, completion: str, reference: Any) -> Deciding | None:
        natural = reference if isinstance(reference, TableReference) else self.natural(reference)
        truth = self._reference_tree(natural)
        sources, _ = self._sources(completion, max(self.max_characters, 2 * len(natural.source)))
        read = [(source, tree_of(source, self.normalisation)) for source in sources]
        candidates = [(source, tree) for source, tree in read if tree is not None]
        if truth is None or not candidates:
            return None
        compared = self._compare_filled([(source.format, tree) for source, tree in candidates], truth)
        best = max(range(len(compared)), key=lambda at: compared[at].parts[0])
        source, tree = candidates[best]
        if compared[best].rectangular:
            return Deciding(source, filled(tree), filled(truth))
        return Deciding(source, tree, truth)

    def _sources(self, completion: str, limit: int) -> tuple[list[Found], list[str]]:
        notes: list[str] = []
        if len(completion) > limit:
            completion = completion[:limit]
            notes.append(f"cut at {limit:,} characters")
        found = find_tables(completion)
        if len(found) > 1:
            if self.table != "best":
                found = found[:1] if self.table == "first" else found[-1:]
            notes.append(f"several tables, the {self.table} one counts")
        return found, notes

    def _judgement(self, compared: Sequence[Compared], notes: list[str], blind: float | None) -> Judgement:
        if not compared:
            return Judgement(self.floor, (self.floor,) * len(self.parts), UNPARSED, "; ".join(notes))
        best = max(compared, key=lambda one: one.parts[0])
        note = "; ".join([*notes, best.note] if best.note else notes)
        if blind is None:
            return Judgement(best.parts[0], best.parts, SCORED, note)
        return Judgement(above_blind(best.parts[0], blind), (*best.parts, blind), SCORED, note)

    def _reference_tree(self, reference: TableReference) -> Tree | None:
        """The reference's tree, None for the placeholder of a row without a label.

        Raises:
            BadReference: there is no table in it.
        """
        _, tree = first_table(reference.source, self.normalisation)
        if tree is None and "".join(reference.source.split()) != PLACEHOLDER:
            shown = " ".join(reference.source[:60].split())
            raise BadReference(f"no table with a cell in {shown!r}; HTML, OTSL, Markdown and LaTeX are read")
        return tree


@lru_cache(maxsize=256)
def first_table(source: str, normalisation: str) -> tuple[Found | None, Tree | None]:
    """The first table of a text and its tree, each None when there is none."""
    found = find_tables(source)
    return (found[0], tree_of(found[0], normalisation)) if found else (None, None)


def grid_of(tree: Tree) -> Grid:
    """Lay the rows of a regular tree out.

    Raises:
        GridTooLarge: when the spans ask for more than :data:`MAX_SLOTS` slots.
    """
    return Table.of(tree.rows or ()).grid(MAX_SLOTS)


def refuse_released(reward: TableReward) -> None:
    """Raise :class:`ConfigurationError` when ``profile="released"`` was asked of a reward that no system released.

    Raises:
        ConfigurationError: the profile is ``released``.
    """
    if reward.profile == "released":
        raise ConfigurationError(f"{type(reward).__name__} has no released profile: no system released this reward")
