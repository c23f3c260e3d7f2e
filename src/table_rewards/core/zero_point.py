"""The zero point: what a stated blind strategy earns on a row is worth nothing.

An optimiser needs no gold answer to find what pays: to echo the question, to cite the whole table, to tie all
candidates. With ``zero_point="blind"`` a reward computes from its row what such a strategy earns there, R0, and gives

::

    value = max(0, (R - R0) / (1 - R0))                with top instead of 1 where the reward's best is another

Right answers keep their 1, and on one row the order of all answers above R0 stays. Advantages within a group do not
feel the shift, nor (where they are divided by their spread) the scale; what counts is the clip: below R0 all answers
are equal, and nothing is learnt from the differences there. Where the blind answer is the right one (R0 is the top),
only what earns the top earns anything.

Between rows it is not, since each has its own R0: of two answers that R calls equally good, the one on the row where a
blind strategy earns less is worth more. Whoever compares samples of different prompts may give a number instead of
"blind": one R0 for all rows, under which every order stays and blind strategies are priced on the average alone.

Published metrics keep their values: the option is "none" unless it is set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from table_rewards.core.errors import ConfigurationError, one_of

ZeroPoint = Literal["none", "blind"] | float
"""``none``; ``blind``, R0 by row; or one R0 for all rows, as a share of the reward's best value, in (0, 1)."""
ZERO_POINTS: Final = ("none", "blind")
_NEARLY: Final = 1e-12

ReferenceT = TypeVar("ReferenceT")


def checked_zero_point(value: Any, profile: str) -> ZeroPoint:
    """Return the option ``zero_point`` when it can be one; None, as command lines read the word, is "none".

    >>> checked_zero_point("blind", "corrected"), checked_zero_point(0.75, "corrected")
    ('blind', 0.75)

    Raises:
        UnknownName: it is neither ``none`` nor ``blind`` nor a number.
        ConfigurationError: the number is not between 0 and 1, or the profile is ``released``, whose values are the
            authors'.
    """
    known: ZeroPoint
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0.0 < value < 1.0:
            raise ConfigurationError(f"zero_point is none, blind or a share between 0 and 1, not {value!r}")
        known = float(value)
    else:
        known = one_of("zero_point", "none" if value is None else value, ZERO_POINTS)  # type: ignore[assignment]
    if known != "none" and profile == "released":
        raise ConfigurationError("the released reward has no zero point: leave zero_point out, or profile='released'")
    return known


def above_blind(value: float, blind: float, top: float = 1.0) -> float:
    """Return what is left of ``value`` above what a blind strategy earns, 0 at ``blind`` and ``top`` at ``top``.

    >>> above_blind(0.75, 0.5), above_blind(0.4, 0.5), above_blind(1.0, 0.5), above_blind(1.0, 0.0, top=2.0)
    (0.5, 0.0, 1.0, 1.0)
    >>> above_blind(0.9, 1.0), above_blind(1.0, 1.0)
    (0.0, 1.0)
    """
    if blind <= 0.0 or value >= top:
        return value
    if value <= blind + _NEARLY or top - blind <= _NEARLY:
        return 0.0
    return top * (value - blind) / (top - blind)


class BlindScores:
    """What the blind strategy earns against each reference: computed once a reference, forgotten with the process.

    Args:
        zero_point: the option; a number is R0 of every reference, times ``top``.
        top: the reward's best value.

    >>> scores = BlindScores()
    >>> scores.of("abc", lambda reference: len(reference) / 10), scores.of("abc", float)
    (0.3, 0.3)
    >>> BlindScores(0.75, top=2.0).of("abc", float)
    1.5
    """

    __slots__ = ("_known", "_same", "_top")

    MOST: Final = 20_000

    def __init__(self, zero_point: ZeroPoint = "blind", top: float = 1.0) -> None:
        self._known: dict[Any, float] = {}
        self._same = zero_point if isinstance(zero_point, float) else None
        self._top = top

    def of(self, reference: ReferenceT, compute: Callable[[ReferenceT], float]) -> float:
        """R0 of a reference, a number of 0 or more; ``compute`` is asked where it is not known."""
        if self._same is not None:
            return self._same * self._top
        found = self._known.get(reference)
        if found is None:
            found = max(0.0, float(compute(reference)))
            if len(self._known) >= self.MOST:
                self._known.clear()  # a thread that fills it meanwhile loses nothing but time
            self._known[reference] = found
        return found

    def __reduce__(self) -> tuple[type[BlindScores], tuple[ZeroPoint, float]]:
        return type(self), ("blind" if self._same is None else self._same, self._top)
