"""Weights that move with the training step: constant, linear, exponential, cosine.

A schedule is a small frozen object called with a step. Options accept a number (constant), a schedule, a mapping such
as ``{"schedule": "linear", "start": 0.3, "end": 0.1, "steps": 1200}``, or its text ``"linear(0.3, 0.1, 1200)"``.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from table_rewards.core.errors import ConfigurationError, UnknownName


@dataclass(frozen=True)
class Schedule(ABC):
    """A weight as a function of the training step; negative steps count as step 0."""

    kind: ClassVar[str]

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The weight at a step."""

    def __str__(self) -> str:
        return f"{self.kind}({';'.join(f'{getattr(self, f.name):g}' for f in fields(self))})"


@dataclass(frozen=True)
class Constant(Schedule):
    """The same weight at every step.

    >>> Constant(0.1)(5000)
    0.1
    """

    kind: ClassVar[str] = "constant"
    value: float

    def __call__(self, step: int) -> float:
        return self.value


@dataclass(frozen=True)
class _Ramp(Schedule):
    start: float
    end: float
    steps: float

    def __post_init__(self) -> None:
        if self.steps <= 0:
            raise ConfigurationError(f"a {self.kind} schedule needs steps > 0, not {self.steps:g}")

    def _progress(self, step: int) -> float:
        return min(max(step / self.steps, 0.0), 1.0)


@dataclass(frozen=True)
class Linear(_Ramp):
    """From ``start`` to ``end`` on a straight line over ``steps``, then constant.

    >>> Linear(0.3, 0.1, 100)(50)
    0.2
    """

    kind: ClassVar[str] = "linear"

    def __call__(self, step: int) -> float:
        return self.start + (self.end - self.start) * self._progress(step)


@dataclass(frozen=True)
class Cosine(_Ramp):
    """From ``start`` to ``end`` on half a cosine over ``steps``, then constant.

    >>> round(Cosine(1.0, 0.0, 100)(50), 6)
    0.5
    """

    kind: ClassVar[str] = "cosine"

    def __call__(self, step: int) -> float:
        return self.end + (self.start - self.end) * (1.0 + math.cos(math.pi * self._progress(step))) / 2.0


@dataclass(frozen=True)
class Exponential(Schedule):
    """``max(end, start * exp(-rate * floor(step / every)))``.

    Table-R1's source writes 0.3 * exp(-0.0915 * floor(step / 100)): 0.3 at the start, 0.1 at step 1,200.

    >>> decay = Exponential(0.3, rate=0.0915, every=100)
    >>> round(decay(0), 4), round(decay(99), 4), round(decay(1200), 4)
    (0.3, 0.3, 0.1001)
    >>> round(Exponential.reaching(0.1, 0.001, steps=300)(150), 6)
    0.01
    """

    kind: ClassVar[str] = "exponential"
    start: float
    rate: float
    every: float = 1
    end: float = 0.0

    def __post_init__(self) -> None:
        if self.every <= 0:
            raise ConfigurationError(f"an exponential schedule needs every > 0, not {self.every:g}")

    @classmethod
    def reaching(cls, start: float, end: float, steps: float) -> Exponential:
        """Decay from ``start`` to ``end`` in ``steps`` steps, and stay there: rate = ln(start / end) / steps.

        Raises:
            ConfigurationError: not start > end > 0 and steps > 0.
        """
        if not (start > end > 0 and steps > 0):
            raise ConfigurationError(
                f"an exponential schedule needs start > end > 0 and steps > 0, not {start:g}, {end:g}, {steps:g}"
            )
        return cls(start, math.log(start / end) / steps, 1, end)

    def __call__(self, step: int) -> float:
        return max(self.end, self.start * math.exp(-self.rate * math.floor(max(step, 0) / self.every)))


KINDS: dict[str, type[Schedule]] = {cls.kind: cls for cls in (Constant, Linear, Cosine, Exponential)}
_TEXT = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")


def as_schedule(what: str, value: Any) -> Schedule:
    """Read a schedule from a number, a schedule, a mapping or a text.

    Raises:
        ConfigurationError: names the option ``what`` and the forms that are accepted.

    >>> as_schedule("weight", "linear(0.3, 0.1, 1200)")(600)
    0.2
    >>> as_schedule("weight", {"schedule": "exponential", "start": 0.3, "end": 0.1, "steps": 1200})(1200)
    0.1
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return Constant(float(value))
    if isinstance(value, Mapping):
        settings = {str(k): v for k, v in value.items()}
        kind = str(settings.pop("schedule", ""))
        if kind not in KINDS:
            raise UnknownName(f"{what} schedule", kind, KINDS)
        return _build(what, kind, (), settings)
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        if match and match[1] in KINDS:
            return _build(what, match[1], tuple(re.split(r"[,;]", match[2])), {})
        try:
            return Constant(float(value))
        except ValueError:
            pass
    raise ConfigurationError(
        f"{what} must be a number, a schedule, or its text such as 'linear(0.3, 0.1, 1200)', not {value!r}"
    )


def _build(what: str, kind: str, positional: tuple[Any, ...], named: dict[str, Any]) -> Schedule:
    try:
        args = [float(x) for x in positional if str(x).strip()]
        kwargs = {k: float(v) for k, v in named.items()}
        if kind == "exponential" and set(kwargs) >= {"start", "end", "steps"}:
            return Exponential.reaching(**kwargs)
        return KINDS[kind](*args, **kwargs)
    except (TypeError, ValueError) as error:
        names = ", ".join(f.name for f in fields(KINDS[kind]))
        raise ConfigurationError(f"{what}: a {kind} schedule takes {names} as numbers ({error})") from None
