"""Rewards made of rewards: a weighted sum, a gate, a clip. Each is a reward itself and nests."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from table_rewards.core.errors import BadReference, ConfigurationError, UnknownName
from table_rewards.core.reward import Reward
from table_rewards.core.schedules import Schedule, as_schedule
from table_rewards.core.scores import NAN, SCORED, UNPARSED, UNSCORED, Judgement


@dataclass(frozen=True)
class ManyReferences:
    """One reference for each member of a composed reward, in the members' order."""

    members: tuple[Any, ...]


class Composed(Reward[ManyReferences]):
    """The common half of composed rewards: members by name, each reading its own reference from the same row.

    The natural reference is a mapping of member name -> that member's reference, or one value that every member takes.
    A sample that any member leaves unscored is unscored.
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
            missing = sorted(set(self.members) - set(row))
            if missing:
                raise BadReference(f"no reference for {', '.join(missing)}")
            return ManyReferences(tuple(member.coerce(row[name]) for name, member in self.members.items()))
        return ManyReferences(tuple(member.coerce(row) for member in self.members.values()))

    def natural(self, value: Any) -> ManyReferences:
        return ManyReferences(tuple(member.coerce(value) for member in self.members.values()))

    def judge(self, completion: str, reference: ManyReferences, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ManyReferences], step: int | None
    ) -> Sequence[Judgement]:
        columns = [
            member(completions, [r.members[i] for r in references], step=step)
            for i, member in enumerate(self.members.values())
        ]
        return self._joined(columns, step)

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[ManyReferences], step: int | None
    ) -> Sequence[Judgement]:
        columns = await asyncio.gather(
            *(
                member.score(completions, [r.members[i] for r in references], step=step)
                for i, member in enumerate(self.members.values())
            )
        )
        return self._joined(columns, step)

    def options(self) -> dict[str, object]:
        return {name: f"[{member.signature}]" for name, member in self.members.items()}

    @abstractmethod
    def combine(self, values: Mapping[str, float], step: int | None) -> float:
        """The value of one sample from its members' values."""

    def _joined(self, columns: Sequence[Any], step: int | None) -> list[Judgement]:
        judged = []
        for scores in zip(*columns, strict=True):
            named = dict(zip(self.members, scores, strict=True))
            parts = tuple(x for score in scores for x in (score.value, *score.parts.values()))
            note = "; ".join(f"{name}: {score.note}" for name, score in named.items() if score.note)
            states = {score.status for score in scores}
            if UNSCORED in states:
                judged.append(Judgement(NAN, parts, UNSCORED, note))
            else:
                value = self.combine({name: score.value for name, score in named.items()}, step)
                judged.append(Judgement(value, parts, UNPARSED if states == {UNPARSED} else SCORED, note))
        return judged


class WeightedSum(Composed):
    """``sum(weight(step) * reward)`` over named rewards; a weight is a number or a schedule.

    Without a training step a schedule counts as at step 0.

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
