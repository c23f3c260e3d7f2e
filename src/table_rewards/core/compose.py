"""Rewards made of rewards: a weighted sum, a gate, a clip. Each is a reward itself and nests."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from table_rewards.core.errors import ConfigurationError, MissingReference, UnknownName
from table_rewards.core.explanation.assembling import reference_section
from table_rewards.core.explanation.data import TOLD, VALUE, Section, Step, Working
from table_rewards.core.reward import Reward
from table_rewards.core.schedules import Schedule, as_schedule
from table_rewards.core.scores import INAPPLICABLE, NAN, SCORED, UNPARSED, UNSCORED, Judgement


@dataclass(frozen=True)
class ManyReferences:
    """One reference for each member of a composed reward, in the members' order.

    Where a member cannot read its own, its judgement stands in its place: unscored or inapplicable.
    """

    members: tuple[Any, ...]


class Composed(Reward[ManyReferences]):
    """The common half of composed rewards: members by name, each reading its own reference from the same row.

    The natural reference is a mapping of member name -> that member's reference, or one value that every member takes.
    A sample that any member leaves unscored is unscored. A member for which the row holds no reference contributes
    nothing; a row with no member's reference is inapplicable.

    Raises:
        ConfigurationError: there is no member, or one is no reward.
    """

    name: ClassVar[str] = "composed"
    reference_type: ClassVar[type[Any]] = ManyReferences

    def __init__(self, members: Mapping[str, Reward[Any]]) -> None:
        super().__init__()
        if not members:
            raise ConfigurationError(f"{type(self).__name__} needs at least one reward")
        for name, member in members.items():
            if not isinstance(member, Reward):
                raise ConfigurationError(f"{type(self).__name__}: {name!r} is {member!r}, which is not a reward")
        self.members = dict(members)
        self.waits = any(member.waits for member in self.members.values())
        self.parts = tuple(
            part for name, member in self.members.items() for part in (name, *(f"{name}/{p}" for p in member.parts))
        )
        self.headline = tuple(self.members)[:2]

    def reference(self, row: Mapping[str, Any]) -> ManyReferences:
        if row and set(row) <= set(self.members):
            return ManyReferences(
                tuple(
                    member.read_reference(row[name])
                    if name in row
                    else Judgement.inapplicable(f"no reference for {name}", len(member.parts))
                    for name, member in self.members.items()
                )
            )
        return self._of_row(row)

    def natural(self, value: Any) -> ManyReferences:
        return ManyReferences(tuple(member.coerce(value) for member in self.members.values()))

    def _of_row(self, row: Mapping[str, Any]) -> ManyReferences:
        found = tuple(member.read_reference(row) for member in self.members.values())
        if all(isinstance(one, Judgement) and one.status == INAPPLICABLE for one in found):
            notes = dict.fromkeys(one.note.removeprefix("not for this reward: ") for one in found)
            raise MissingReference("; ".join(notes), looked_in=row)
        return ManyReferences(found)

    def may_wait(self, reference: ManyReferences) -> bool:
        pairs = zip(self.members.values(), reference.members, strict=True)
        return any(member.may_wait(one) for member, one in pairs if not isinstance(one, Judgement))

    def judge(self, completion: str, reference: ManyReferences, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ManyReferences], step: int | None
    ) -> Sequence[Judgement]:
        columns = []
        for i, member in enumerate(self.members.values()):
            texts, readable, places = _readable(completions, references, i)
            judged = member.judge_pairs(texts, readable, step) if texts else []
            columns.append(_placed(judged, places, references, i))
        return self._joined(columns, step)

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[ManyReferences], step: int | None
    ) -> Sequence[Judgement]:
        async def column(i: int, member: Reward[Any]) -> list[Judgement]:
            texts, readable, places = _readable(completions, references, i)
            judged = await member.judge_pairs_async(texts, readable, step) if texts else []
            return _placed(judged, places, references, i)

        columns = await asyncio.gather(*(column(i, member) for i, member in enumerate(self.members.values())))
        return self._joined(columns, step)

    def judge_telling(
        self, completions: Sequence[str], reference: ManyReferences, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        """Each member tells its own; judged once, since a member's program or model may not say the same twice."""
        judged: list[Judgement] = []
        sections: list[Section] = []
        for (name, member), own in zip(self.members.items(), reference.members, strict=True):
            if isinstance(own, Judgement):
                judged.append(own)
                continue
            one, working = member.judge_telling(completions, own, step, row)
            judged.append(one)
            sections += [_of_member(name, section) for section in working.sections or [reference_section(own)]]
        whole = self._joined([[one] for one in judged], step)[0]
        return whole, Working((self._sum(judged, whole, step), *sections))

    def _sum(self, judged: Sequence[Judgement], whole: Judgement, step: int | None) -> Section:
        """What the members come to together."""
        steps = [
            Step(TOLD, name, f"{one.value:g}, {one.status}" + (f": {one.note}" if one.note else ""))
            for name, one in zip(self.members, judged, strict=True)
        ]
        return Section("Members", tuple(steps))

    def options(self) -> dict[str, object]:
        return {name: f"[{member.signature}]" for name, member in self.members.items()}

    @abstractmethod
    def combine(self, values: Mapping[str, float], step: int | None) -> float:
        """The value of one sample from its members' values."""

    def matters(self, name: str, step: int | None) -> bool:
        """Whether the value depends on this member; one that does not cannot make a sample unscored."""
        return True

    def _joined(self, columns: Sequence[Sequence[Judgement]], step: int | None) -> list[Judgement]:
        judged = []
        counts = {name for name in self.members if self.matters(name, step)}
        for judgements in zip(*columns, strict=True):
            named = dict(zip(self.members, judgements, strict=True))
            parts = tuple(x for one in judgements for x in (one.value, *one.parts))
            note = "; ".join(f"{name}: {one.note}" for name, one in named.items() if one.note)
            there = {name: one for name, one in named.items() if one.status != INAPPLICABLE}
            states = {one.status for name, one in there.items() if name in counts}
            if UNSCORED in states:
                judged.append(Judgement(NAN, parts, UNSCORED, note))
            elif self.lacks(there):
                judged.append(Judgement(NAN, parts, INAPPLICABLE, note))
            else:
                known = {name: one.value for name, one in there.items() if one.status != UNSCORED}
                status = UNPARSED if states == {UNPARSED} else SCORED
                judged.append(Judgement(self.combine(known, step), parts, status, note))
        return judged

    def lacks(self, there: Mapping[str, Judgement]) -> bool:
        """Whether the members that have a reference are too few for a value."""
        return len(there) < len(self.members)


def _of_member(name: str, section: Section) -> Section:
    """A member's section with the names that its parts have here."""
    gives = {name if part == VALUE else f"{name}/{part}": value for part, value in section.gives.items()}
    return replace(section, title=f"{name}: {section.title}", gives=gives)


def _readable(
    completions: Sequence[str], references: Sequence[ManyReferences], i: int
) -> tuple[list[str], list[Any], list[int]]:
    """The texts and references of member ``i`` where it has one, and where they stand."""
    places = [k for k, one in enumerate(references) if not isinstance(one.members[i], Judgement)]
    return [completions[k] for k in places], [references[k].members[i] for k in places], places


def _placed(
    judged: Sequence[Judgement], places: Sequence[int], references: Sequence[ManyReferences], i: int
) -> list[Judgement]:
    column = [one.members[i] for one in references]
    for k, judgement in zip(places, judged, strict=True):
        column[k] = judgement
    return column


class WeightedSum(Composed):
    """``sum(weight(step) * reward)`` over named rewards; a weight is a number or a schedule.

    Without a training step a schedule counts as at step 0. A member of weight 0 is judged and shown, and cannot make a
    sample unscored.

    Raises:
        UnknownName: a weight belongs to no member.
        ConfigurationError: a weight cannot be.

    >>> from table_rewards import Linear, TableBench, WeightedSum
    >>> mix = WeightedSum({"exact": TableBench(metric="em"), "near": TableBench(metric="em_tolerance")},
    ...                   weights={"exact": Linear(0.5, 1.0, 100), "near": 0.5})
    >>> mix(["Final Answer: 104"], ["100"], step=50).values
    array([0.5])
    """

    name: ClassVar[str] = "weighted_sum"

    def __init__(self, members: Mapping[str, Reward[Any]], *, weights: Mapping[str, float | Schedule | str]) -> None:
        super().__init__(members)
        for name in weights:
            if name not in self.members:
                raise UnknownName("weight", name, self.members)
        self.weights = {name: as_schedule(f"the weight of {name!r}", weights.get(name, 1.0)) for name in self.members}

    def combine(self, values: Mapping[str, float], step: int | None) -> float:
        return sum(self.weights[name](step or 0) * value for name, value in values.items())

    def matters(self, name: str, step: int | None) -> bool:
        return self.weights[name](step or 0) != 0.0

    def lacks(self, there: Mapping[str, Judgement]) -> bool:
        return not there

    def _sum(self, judged: Sequence[Judgement], whole: Judgement, step: int | None) -> Section:
        if whole.value != whole.value:
            return super()._sum(judged, whole, step)
        steps = []
        for name, one in zip(self.members, judged, strict=True):
            weight = self.weights[name](step or 0)
            cost = weight * one.value if one.value == one.value else 0.0
            note = f": {one.note}" if one.note else ""
            steps.append(Step(TOLD, name, f"{weight:g} x {one.value:g}, {one.status}{note}", cost))
        return Section("Members", tuple(steps), total=whole.value, unit="weight x value", gives={VALUE: whole.value})

    def options(self) -> dict[str, object]:
        return {name: f"{self.weights[name]}*{signed}" for name, signed in super().options().items()}


class Gate(Composed):
    """``reward`` where ``on`` reaches ``threshold``, else ``closed``.

    >>> from table_rewards import Gate, TableBench
    >>> gate = Gate(TableBench(metric="rouge_l"), on=TableBench(metric="em_tolerance"), threshold=1.0)
    >>> gate(["Final Answer: 9", "Final Answer: 7"], ["7", "7"]).values
    array([0., 1.])
    """

    name: ClassVar[str] = "gate"

    def __init__(self, reward: Reward[Any], *, on: Reward[Any], threshold: float = 0.5, closed: float = 0.0) -> None:
        super().__init__({"reward": reward, "on": on})
        self.threshold, self.closed = float(threshold), float(closed)

    def combine(self, values: Mapping[str, float], step: int | None) -> float:
        return values["reward"] if values["on"] >= self.threshold else self.closed

    def options(self) -> dict[str, object]:
        return {**super().options(), "threshold": self.threshold, "closed": self.closed}


class Clip(Composed):
    """``min(max(reward, low), high)``.

    Raises:
        ConfigurationError: ``low`` is above ``high``.

    >>> from table_rewards import Clip, TableBench
    >>> Clip(TableBench(), low=0.1, high=0.9)(["Final Answer: 7", ""], ["7", "7"]).values
    array([0.9, 0.1])
    """

    name: ClassVar[str] = "clip"

    def __init__(self, reward: Reward[Any], *, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__({"reward": reward})
        if not low <= high:
            raise ConfigurationError(f"Clip needs low <= high, not {low:g} and {high:g}")
        self.low, self.high = float(low), float(high)

    def combine(self, values: Mapping[str, float], step: int | None) -> float:
        return min(max(values["reward"], self.low), self.high)

    def options(self) -> dict[str, object]:
        return {**super().options(), "low": self.low, "high": self.high}
