"""Attacks carried out: what each earns on rows, against the floor and against the reference as its own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement
from table_rewards.testing.attacks.known import Attack, known_attacks
from table_rewards.testing.attacks.slots import honest_completion, slots_of

MOST_ROWS: Final = 200
ALLOWED: Final = 0.15
"""The share of the way from the floor to an honest answer that no attack may earn."""


class AttackResult(NamedTuple):
    """What an attack earned.

    Attributes:
        attack: the attack.
        mean: its mean value over the rows that were scored; NaN when none was.
        paid: the share of the rows on which it earned more than the floor.
        best: the most that it earned on one row.
        share: how far its mean lies from the floor (0) to the honest answers (1).
    """

    attack: Attack
    mean: float
    paid: float
    best: float
    share: float


@dataclass
class Target:
    """A reward and the rows it is attacked on: references that it can read, and what a policy sees of each.

    Args:
        reward: the reward.
        rows: data rows or natural references; those that the reward cannot read are left out.
        honest: the honest completion of a row; by default the reference as its own answer, where that is known.
        step: the training step, for rewards with a schedule.

    Raises:
        ConfigurationError: the reward can read none of the rows.
    """

    reward: Reward[Any]
    rows: Sequence[Any]
    honest: Callable[[Any], str | None] | None = None
    step: int | None = None
    references: list[Any] = field(init=False)
    slots: list[dict[str, str]] = field(init=False)
    floor: float = field(init=False)
    honest_mean: float = field(init=False)
    honest_values: Any = field(init=False)

    def __post_init__(self) -> None:
        pairs = [(row, self.reward.read_reference(row)) for row in self.rows]
        usable = [(row, reference) for row, reference in pairs if not isinstance(reference, Judgement)]
        if not usable:
            why = pairs[0][1].note if pairs and isinstance(pairs[0][1], Judgement) else "there are no rows"
            raise ConfigurationError(f"{self.reward.name} can be attacked on none of the rows: {why}")
        self.references = [reference for _, reference in usable]
        self.slots = [slots_of(self.reward, *pair) for pair in usable]
        self.floor = float(self.reward.floor)
        said = [self.honest(row) if self.honest else honest_completion(self.reward, row, ref) for row, ref in usable]
        there = [at for at, text in enumerate(said) if text is not None]
        values = self.values([said[at] or "" for at in there], there) if there else np.empty(0)
        self.honest_values = np.full(len(self), np.nan)
        self.honest_values[there] = values
        known = values[~np.isnan(values)]
        self.honest_mean = float(known.mean()) if known.size else float("nan")

    def __len__(self) -> int:
        return len(self.references)

    def values(self, texts: Sequence[str], where: Sequence[int] | None = None) -> Any:
        """The values of completions, one for each of the rows ``where``."""
        chosen = range(len(self)) if where is None else where
        references = [self.references[at] for at in chosen]
        return self.reward(list(texts), references, step=self.step).values

    def attack(self, attack: Attack, where: Sequence[int] | None = None) -> Any:
        """The values that an attack earns on the rows ``where``."""
        chosen = range(len(self)) if where is None else where
        return self.values([attack.text(self.slots[at]) for at in chosen], chosen)

    def share(self, mean: float) -> float:
        """How far a mean lies from the floor (0) to the honest answers (1); to 1 where these are not known."""
        honest = self.honest_mean if self.honest_mean == self.honest_mean else 1.0
        return (mean - self.floor) / (honest - self.floor) if honest > self.floor else float(mean > self.floor)


def run_attacks(target: Target, attacks: Iterable[Attack] | None = None) -> list[AttackResult]:
    """Carry the attacks out, by default all known ones, and return what they earn, the best first."""
    found = []
    for attack in known_attacks(target.reward) if attacks is None else attacks:
        values = target.attack(attack)
        known = values[~np.isnan(values)]
        if not known.size:
            found.append(AttackResult(attack, float("nan"), 0.0, float("nan"), 0.0))
            continue
        mean = float(known.mean())
        paid = float((known > target.floor + 1e-9).mean())
        found.append(AttackResult(attack, mean, paid, float(known.max()), target.share(mean)))
    return sorted(found, key=lambda one: (-one.mean if one.mean == one.mean else np.inf, len(one.attack.template)))


def check_attacks(
    reward: Reward[Any],
    rows: Sequence[Any],
    *,
    allowed: float = ALLOWED,
    honest: Callable[[Any], str | None] | None = None,
    step: int | None = None,
) -> None:
    """Assert that no known attack earns more than ``allowed`` of the way from the floor to an honest answer.

    For the tests of a reward of one's own, beside :func:`table_rewards.testing.contract.check_reward`.

    Args:
        reward: the reward.
        rows: rows of its data, or natural references; 4 or more with different answers, or a constant is right.
        allowed: the share; 0.15 by default.
        honest: the honest completion of a row, by default known for the rewards of this package; without any, an
            honest answer counts as 1.
        step: the training step, for rewards with a schedule.

    Raises:
        AssertionError: an attack pays; the message shows the best and what it earns.
        ConfigurationError: the reward can read none of the rows.
    """
    target = Target(reward, rows[:MOST_ROWS], honest, step)
    paying = [one for one in run_attacks(target) if one.share > allowed]
    if paying:
        first = paying[0]
        raise AssertionError(
            f"{len(paying)} attacks pay; the best ({first.attack.family}) earns {first.mean:.3f} on average, "
            f"{first.share:.0%} of the way from the floor {target.floor:g} to an honest answer: "
            f"{first.attack.template[:200]!r}"
        )
