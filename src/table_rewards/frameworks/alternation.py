"""Which of RL Tango's two models trains at which step, and how much the steps' rewards weigh there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.options import positive_whole, whole
from table_rewards.frameworks.advantages import StepWeight

Model = Literal["generator", "verifier"]


class Updates(NamedTuple):
    """How often each model is updated."""

    generator: int
    verifier: int


@dataclass(frozen=True)
class Alternation:
    """Two models that train in turn: warm-ups first, the generator's before the verifier's, then N_g and N_v steps.

    ::

        steps 1 .. W_g                the generator
        steps W_g + 1 .. W_g + W_v    the verifier
        then, over and over           N_g steps of the generator, N_v of the verifier

    alpha falls over floor((total - W_g - W_v) * N_g / (N_g + N_v)) updates of the generator, counted from the end of
    its warm-up, which may be one less than there are.

    Source: RL Tango, ``rl_tango_trainer`` (``total_training_steps``, ``generator_warmup_steps``,
    ``verifier_warmup_steps``, ``n_generator_steps``, ``n_verifier_steps``).

    Args:
        total: steps in all.
        generator_warmup, verifier_warmup: W_g and W_v.
        generator_steps, verifier_steps: N_g and N_v. With 0 that model never trains behind the warm-ups.
        weight: alpha's schedule; its ``steps`` and ``warmup`` are set here.

    Raises:
        ConfigurationError: a number that is no whole one, warm-ups that leave no step, N_g and N_v both 0.

    The published settings, 300 + 140 updates of the document's recipe, 38 + 162 and 100 + 100 of the later one:

    >>> Alternation(440, verifier_warmup=40, generator_steps=3).updates
    Updates(generator=300, verifier=140)
    >>> first = Alternation(200, verifier_warmup=50, generator_steps=1, verifier_steps=3)
    >>> first.updates, first.alpha_updates, [first.trains(step) for step in (50, 51, 52)]
    (Updates(generator=38, verifier=162), 37, ['verifier', 'generator', 'verifier'])
    >>> Alternation(200).updates
    Updates(generator=100, verifier=100)
    >>> first.alpha(51), first.alpha(52)
    (0.1, None)
    """

    total: int
    generator_warmup: int = 0
    verifier_warmup: int = 0
    generator_steps: int = 1
    verifier_steps: int = 1
    weight: StepWeight = field(default_factory=StepWeight)

    def __post_init__(self) -> None:
        positive_whole("total", self.total)
        for name in ("generator_warmup", "verifier_warmup", "generator_steps", "verifier_steps"):
            if whole(name, getattr(self, name)) < 0:
                raise ConfigurationError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not self.generator_steps + self.verifier_steps:
            raise ConfigurationError("generator_steps and verifier_steps are both 0: nothing would train")
        if self._alternating < 1:
            raise ConfigurationError(
                f"total must be larger than both warm-ups together ({self.generator_warmup + self.verifier_warmup}), "
                f"not {self.total}"
            )

    @property
    def _alternating(self) -> int:
        return self.total - self.generator_warmup - self.verifier_warmup

    @property
    def alpha_updates(self) -> int:
        """The updates of the generator over which alpha falls."""
        return self._alternating * self.generator_steps // (self.generator_steps + self.verifier_steps)

    @property
    def updates(self) -> Updates:
        """How often each model is updated in all."""
        generator = self._generator_updates(self.total)
        return Updates(generator, self.total - generator)

    def trains(self, step: int) -> Model:
        """The model that step ``step`` updates; the first step is 1.

        Raises:
            ConfigurationError: the step is not one of 1 to ``total``.
        """
        self._checked(step)
        before = self._generator_updates(step - 1)
        return "generator" if self._generator_updates(step) > before else "verifier"

    def alpha(self, step: int) -> float | None:
        """alpha of the generator's update at a step: 0 in its warm-up; None where the verifier trains.

        Raises:
            ConfigurationError: the step is not one of 1 to ``total``.
        """
        return self._weight(self._generator_updates(step - 1)) if self.trains(step) == "generator" else None

    @cached_property
    def _weight(self) -> StepWeight:
        return replace(self.weight, steps=max(1, self.alpha_updates), warmup=self.generator_warmup)

    def _generator_updates(self, steps: int) -> int:
        """How often the generator was updated in the first ``steps`` steps."""
        warm = min(steps, self.generator_warmup)
        later = max(0, steps - self.generator_warmup - self.verifier_warmup)
        rounds, rest = divmod(later, self.generator_steps + self.verifier_steps)
        return warm + rounds * self.generator_steps + min(rest, self.generator_steps)

    def _checked(self, step: int) -> None:
        if not 1 <= whole("step", step) <= self.total:
            raise ConfigurationError(f"step must be one of 1 to {self.total}, not {step}")
