"""A search for blind strategies: templates whose slots hold only what a policy sees, evolved on one half of the rows.

Bounded and seeded: the same rows and seed give the same strategy. What counts is what it earns on the other half.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from table_rewards.testing.attacks.known import Attack, Forms, forms_of, known_attacks
from table_rewards.testing.attacks.running import Target

JOINERS: Final = (" ", ", ", "\n")
MOST_PIECES: Final = 5
_NEARLY: Final = 1e-9


class Found(NamedTuple):
    """The best strategy of a search.

    Attributes:
        attack: the strategy.
        fitted: its mean value on the rows it was fitted on.
        unseen: its mean value on the others.
        floor: the reward's floor.
        honest: what the references earn as their own answers; NaN where these are not known.
        share: how far ``unseen`` lies from the floor (0) to the honest answers (1).
        full: on how many of the others, as a share, it earned what the reference earns as its own answer. Where nothing
            but a right answer earns that, the strategy is right there, and no price tells it from an honest answer.
        rest: what ``share`` is without these.
        tried: how many strategies were scored.
    """

    attack: Attack
    fitted: float
    unseen: float
    floor: float
    honest: float
    share: float
    full: float
    rest: float
    tried: int


class _Strategy(NamedTuple):
    wrap: str
    pieces: tuple[str, ...]
    joiner: str

    @property
    def attack(self) -> Attack:
        return Attack("search", self.wrap.replace("«x»", self.joiner.join(self.pieces)))


def search(
    target: Target,
    *,
    seed: int = 0,
    generations: int = 6,
    population: int = 12,
    full_marks: bool = True,
    watch: Callable[[str], None] | None = None,
) -> Found:
    """Evolve templates on every second row, and score the best on the others.

    Args:
        target: the reward and its rows; with one row it is fitted and scored on the same.
        seed: of the changes.
        generations: rounds of changes.
        population: strategies kept from round to round, each changed once.
        full_marks: False looks for the strategy that earns most where it is not right: rows on which it earns what the
            reference earns as its own answer count as the floor.
        watch: called with a line after each round.
    """
    chance = random.Random(seed)
    forms = forms_of(target.reward)
    fit = list(range(0, len(target), 2))
    unseen = list(range(1, len(target), 2)) or fit
    scored: dict[str, float] = {}

    def fitness(attack: Attack) -> float:
        known = scored.get(attack.template)
        if known is None:
            known = scored[attack.template] = _mean(target, attack, fit, full_marks)
        return known

    best_known = max(known_attacks(target.reward), key=fitness)
    start = [_Strategy(wrap, (piece,), " ") for wrap in forms.wraps for piece in forms.pieces]
    kept = sorted(start, key=lambda one: -fitness(one.attack))[:population]
    for generation in range(generations):
        changed = [_changed(chance.choice(kept), forms, chance) for _ in range(population)]
        pool = list(dict.fromkeys((*kept, *changed)))
        kept = sorted(pool, key=lambda one: (-fitness(one.attack), len(one.attack.template)))[:population]
        if watch is not None:
            watch(f"round {generation + 1} of {generations}: {fitness(kept[0].attack):.4f} on the fitted half")
    best = max((best_known, kept[0].attack), key=fitness)
    values = target.attack(best, unseen)
    known = ~np.isnan(values)
    mean = _mean(target, best, unseen, full_marks)
    full = known & _full(target, values, unseen)
    others = values[known & ~full]
    return Found(
        attack=best,
        fitted=fitness(best),
        unseen=mean,
        floor=target.floor,
        honest=target.honest_mean,
        share=target.share(mean),
        full=float(full.sum() / max(1, known.sum())),
        rest=target.share(float(others.mean())) if others.size else 0.0,
        tried=len(scored),
    )


def _mean(target: Target, attack: Attack, where: Sequence[int], full_marks: bool) -> float:
    values = target.attack(attack, where)
    if not full_marks:
        values = np.where(_full(target, values, where), target.floor, values)
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else target.floor


def _full(target: Target, values: Any, where: Sequence[int]) -> Any:
    """Where an attack earned what the reference earns as its own answer; False where either is not known."""
    return values >= target.honest_values[list(where)] - _NEARLY


def _changed(one: _Strategy, forms: Forms, chance: random.Random) -> _Strategy:
    """A neighbour: a piece more, less, other or elsewhere, another form, another joiner."""
    pieces = list(one.pieces)
    what = chance.randrange(6)
    if what == 0 and len(pieces) < MOST_PIECES:
        pieces.insert(chance.randint(0, len(pieces)), chance.choice(forms.pieces))
    elif what == 1 and len(pieces) > 1:
        del pieces[chance.randrange(len(pieces))]
    elif what == 2:
        pieces[chance.randrange(len(pieces))] = chance.choice(forms.pieces)
    elif what == 3 and len(pieces) > 1:
        chance.shuffle(pieces)
    elif what == 4:
        return one._replace(wrap=chance.choice(forms.wraps))
    else:
        return one._replace(joiner=chance.choice(JOINERS))
    return one._replace(pieces=tuple(pieces))
