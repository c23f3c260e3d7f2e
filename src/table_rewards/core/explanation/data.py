"""The work behind one score, as plain data: what was read, what was compared, and how the numbers come about.

A reward fills it (:meth:`table_rewards.core.reward.Reward.explain`); terminal, notebook and report show the same
object. Nothing here knows a family of rewards: a completion has passages, the work has sections of steps and tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

KEPT: Final = "kept"
CHANGED: Final = "changed"
SPANS: Final = "spans"
INSERTED: Final = "inserted"
DELETED: Final = "deleted"
RIGHT: Final = "right"
WRONG: Final = "wrong"
DECIDED: Final = "decided"
TOLD: Final = "told"

SIGNS: Final[Mapping[str, str]] = {
    KEPT: "=",
    CHANGED: "~",
    SPANS: "#",
    INSERTED: "+",
    DELETED: "-",
    RIGHT: "✓",
    WRONG: "✗",
    DECIDED: "→",
    TOLD: "·",
}
"""What a kind of step is marked with where colours cannot tell it."""

MEANINGS: Final[Mapping[str, str]] = {
    CHANGED: "changed text",
    SPANS: "other spans",
    INSERTED: "missing in the completion",
    DELETED: "too much in the completion",
    RIGHT: "in both",
}

VALUE: Final = "score"
"""The name of the value among the parts."""

THOUGHTS: Final = "thoughts"
ANSWER: Final = "answer"


class Mark(NamedTuple):
    """A stretch of two texts: ``equal``, ``replace``, ``delete`` (too much in the first) or ``insert`` (missing)."""

    kind: str
    prediction: str
    reference: str


class Passage(NamedTuple):
    """A stretch of the completion and what it was taken for: characters ``start`` to ``end``."""

    what: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Step:
    """One thing that the reward did or found.

    Attributes:
        kind: one of :data:`SIGNS`.
        label: what it is about, such as "row 2, cell 3" or "item 1 of 4".
        detail: what was found.
        cost: what it takes away or adds, in the unit of its section; None where nothing is added up.
        prediction: the completion's side, where two sides are compared.
        reference: the reference's side.
        marks: how the two sides differ, character by character.
    """

    kind: str
    label: str
    detail: str = ""
    cost: float | None = None
    prediction: str | None = None
    reference: str | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class ShownCell:
    """A cell of a table that is shown; ``marks`` are those of its step."""

    text: str
    kind: str = KEPT
    colspan: int = 1
    rowspan: int = 1
    cost: float = 0.0
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line of two tables side by side; None where one side has no such row."""

    prediction: tuple[ShownCell, ...] | None
    reference: tuple[ShownCell, ...] | None

    @property
    def plain(self) -> bool:
        """Whether nothing differs in it."""
        sides = (self.prediction, self.reference)
        return all(side is not None and all(cell.kind == KEPT for cell in side) for side in sides)


@dataclass(frozen=True)
class Section:
    """Steps that belong together.

    Attributes:
        title: what they are about.
        steps: what was done, in order. Where they have costs, these add up to ``total``.
        lines: two tables side by side.
        total: the sum of the costs.
        unit: what the costs are.
        closing: how the total becomes the number, as a sentence or formula.
        gives: part -> the number that this working comes to; :data:`VALUE` for the score itself. Compared with what the
            reward says.
        sides: how the two tables are called.
    """

    title: str
    steps: tuple[Step, ...] = ()
    lines: tuple[Line, ...] = ()
    total: float | None = None
    unit: str = "cost"
    closing: str = ""
    gives: Mapping[str, float] = field(default_factory=dict)
    sides: tuple[str, str] = ("completion", "reference")


@dataclass(frozen=True)
class Working:
    """What a reward tells of one judgement: what it took for what, and its sections."""

    sections: tuple[Section, ...] = ()
    passages: tuple[Passage, ...] | None = None


@dataclass(frozen=True)
class ExplainedScore:
    """One score and the work behind it, as data.

    Attributes:
        reward: the reward's name.
        value: the score, as the reward gives it; NaN where it gives none.
        parts: the score's parts.
        status: ``scored``, ``unparsed``, ``unscored`` or ``inapplicable``.
        note: what the reward notes.
        signature: reward, options and version.
        completion: the text that was judged.
        passages: what in it was taken for thoughts and for the answer.
        sections: the work.
        remarks: what could not be explained, and working that does not come to the score and is therefore left out.
    """

    reward: str
    value: float
    parts: Mapping[str, float]
    status: str
    note: str
    signature: str
    completion: str
    passages: tuple[Passage, ...] = ()
    sections: tuple[Section, ...] = ()
    remarks: tuple[str, ...] = ()
