"""The penalty for length that three of the group judge's options describe."""

from __future__ import annotations

from dataclasses import dataclass

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.options import finite, positive_whole


@dataclass(frozen=True, slots=True)
class Overlong:
    """What a completion pays for its length: nothing, then linearly more over the buffer up to ``penalty``, then on to
    twice that at ``limit``, behind which no candidate is shown to a judge: no two lengths in between pay the same.

    >>> rule = Overlong(most=100, buffer=40, penalty=0.04, limit=120)
    >>> [round(rule.of(length), 3) for length in (60, 80, 100, 110, 9_000)], str(rule), str(Overlong(None, 0, 0.04))
    ([0.0, 0.02, 0.04, 0.06, 0.08], '100-40:0.04', 'no')

    Raises:
        ConfigurationError: the buffer does not fit into ``most``, or stands without it.
    """

    most: int | None
    buffer: int
    penalty: float
    limit: int = 20_000

    def __post_init__(self) -> None:
        if self.most is not None:
            positive_whole("max_characters", self.most)
        finite("overlong_penalty", self.penalty)
        if self.most is not None and not 0 <= self.buffer <= self.most:
            raise ConfigurationError(f"overlong_buffer must be 0 to {self.most}, not {self.buffer!r}")
        if self.most is None and self.buffer:
            raise ConfigurationError("overlong_buffer needs max_characters: the length that earns the whole penalty")

    def of(self, length: int) -> float:
        if self.most is None:
            return 0.0
        over = length - (self.most - self.buffer)
        if over <= 0:
            return 0.0
        if length <= self.most:
            return self.penalty * (over / self.buffer if self.buffer else 1.0)
        room = self.limit - self.most
        return self.penalty * (1.0 + min(1.0, (length - self.most) / room)) if room > 0 else self.penalty

    def __str__(self) -> str:
        return "no" if self.most is None else f"{self.most}-{self.buffer}:{self.penalty:g}"
