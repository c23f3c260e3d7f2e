"""Advantages that stock trainers do not have, in plain numpy: the reference for :mod:`.advantages_torch`.

``form="released"`` computes as the released code does, ``"corrected"`` (the default) as it was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.schedules import Constant, Cosine, Exponential, Linear, Schedule
from table_rewards.frameworks import advantages_released

Form = Literal["corrected", "released"]
FORMS: Final = ("corrected", "released")
Estimator = Literal["grpo", "rloo", "reinforce_plus_plus"]
ESTIMATORS: Final = ("grpo", "rloo", "reinforce_plus_plus")
STEP_SCALE: Final = {"grpo": 1.0, "rloo": 10.0, "reinforce_plus_plus": 1.0}
EPSILON: Final = 1e-6
WHITENING: Final = 1e-8
CONSISTENCY: Final = 0.01
SHAPES: Final = ("exponential", "linear", "cosine", "none")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StepWeight(Schedule):
    """alpha, the share of the step rewards, over the generator's updates: 0 during its warm-up, then falling.

    ::

        exponential: start * exp(-ln(start / end) / (target_fraction * steps) * t)     and never below end
        linear, cosine: from start to end over steps;   none: start

    with t = step - warmup. RL Tango's script: exponential from 0.1 to 0.001 in 300 updates (0.5 for REINFORCE++). Its
    code never hands ``target_fraction`` on (G1); here it is used.

    >>> alpha = StepWeight()
    >>> [round(alpha(step), 6) for step in (0, 50, 100, 150, 200, 300)]
    [0.1, 0.046416, 0.021544, 0.01, 0.004642, 0.001]
    >>> round(StepWeight(target_fraction=0.5)(150), 6), StepWeight(warmup=40)(39)
    (0.001, 0.0)
    """

    kind: ClassVar[str] = "step_weight"
    shape: str = "exponential"
    start: float = 0.1
    end: float = 1e-3
    steps: float = 300
    target_fraction: float = 1.0
    warmup: float = 0

    def __post_init__(self) -> None:
        one_of("schedule of alpha", self.shape, SHAPES)
        if not 0 < self.target_fraction <= 1:
            raise ConfigurationError(f"target_fraction is a share of the steps in (0, 1], not {self.target_fraction!r}")
        self._inner()

    def _inner(self) -> Schedule:
        if self.shape == "none":
            return Constant(self.start)
        if self.shape == "linear":
            return Linear(self.start, self.end, self.steps)
        if self.shape == "cosine":
            return Cosine(self.start, self.end, self.steps)
        return Exponential.reaching(self.start, self.end, self.target_fraction * self.steps)

    def __call__(self, step: int) -> float:
        after = step - self.warmup
        return 0.0 if after < 0 else self._inner()(int(after))

    def __str__(self) -> str:
        return f"{self.shape}({self.start:g};{self.end:g};{self.steps:g};{self.target_fraction:g};{self.warmup:g})"


def two_level_advantage(
    outcomes: ArrayLike,
    step_rewards: ArrayLike,
    response_mask: ArrayLike,
    groups: Sequence[Any] | NDArray[Any],
    alpha: float | None,
    *,
    form: Form = "corrected",
    estimator: Estimator = "grpo",
    step_scale: float | None = None,
    epsilon: float = EPSILON,
) -> Floats:
    """RL Tango's advantage: outcomes and step rewards normalised apart, each summed up to the end, and mixed.

    ::

        A[i, t] = (1 - alpha) * z(outcome[i]) + alpha * sum over t' >= t of z(step reward[i, t'])

    z is over the group: outcomes over its rollouts, step rewards over all steps of all its rollouts (unbiased standard
    deviation; a single value has mean 0 and deviation 1). Source: arXiv 2505.15034, ``compute_grpo_advantage``.

    ``estimator="rloo"`` puts the leave-one-out difference in place of z, x minus the mean of the others (a single one
    as it is), and multiplies the step part by 10, as the released code does for its scale.
    ``estimator="reinforce_plus_plus"`` whitens each part over the batch's tokens instead, without groups: outcomes, and
    the raw step rewards summed up to the end, ``(x - mean) / sqrt(variance + 1e-8)``, the step part over the rollouts
    that have step rewards; it is 0 on others.

    With several verifications of a solution the sums up to the end are averaged over them. A group without step rewards
    has the plain outcome advantage. An unscored outcome (NaN) counts in no mean and has advantage 0.

    ``form="released"`` is the published code, see :mod:`.advantages_released` and G22 to G24 in docs/profiles.md.

    Args:
        outcomes: shape (n,).
        step_rewards: shape (n, tokens), or (n, verifications, tokens); 0 where no step ends.
        response_mask: shape (n, tokens); 1 on the response's tokens.
        groups: n labels; equal ones answer the same prompt.
        alpha: share of the step rewards in [0, 1]; None adds both parts in full.
        estimator: ``grpo``, ``rloo`` or ``reinforce_plus_plus``.
        step_scale: what the step part is multiplied by; as said above by default.
        epsilon: added to deviations before dividing.

    Returns:
        shape (n, tokens), 0 outside the response.

    Raises:
        ConfigurationError: the shapes do not fit, or no such form or estimator.

    >>> step_rewards = [[0.5, 0.0, 0.5, 0.0], [0.0, -1.0, 0.0, 0.0]]
    >>> two_level_advantage([1.0, 0.0], step_rewards, np.ones((2, 4)), ["a", "a"], 0.1).round(4).tolist()
    [[0.7519, 0.6941, 0.6941, 0.6364], [-0.7519, -0.7519, -0.6364, -0.6364]]
    """
    one_of("form", form, FORMS)
    one_of("estimator", estimator, ESTIMATORS)
    outcome = np.asarray(outcomes, dtype=np.float64)
    steps = np.asarray(step_rewards, dtype=np.float64)
    mask = np.asarray(response_mask, dtype=np.float64)
    labels = list(groups)
    check_shapes(outcome.shape, steps.shape, mask.shape, len(labels))
    steps = steps.reshape(len(labels), -1, mask.shape[1])
    if form == "released":
        return advantages_released.two_level_advantage(
            outcome, steps, mask, labels, alpha, estimator=estimator, step_scale=step_scale, epsilon=epsilon
        )
    scale = STEP_SCALE[estimator] if step_scale is None else step_scale
    finite, placed = np.isfinite(outcome), steps != 0
    level, share = np.zeros_like(mask), np.ones(len(labels))
    normal = np.zeros_like(steps)
    for label in dict.fromkeys(labels):
        rows = np.array([i for i, other in enumerate(labels) if other == label])
        if not placed[rows].any():
            share[rows] = 0.0
        if estimator != "reinforce_plus_plus":
            normalise = _z if estimator == "grpo" else _leave_one_out
            level[rows] = normalise(outcome[rows], finite[rows], epsilon)[:, None]
            normal[rows] = normalise(steps[rows], placed[rows], epsilon)
    summed = normal if estimator != "reinforce_plus_plus" else steps
    togo = np.cumsum(summed[..., ::-1], axis=-1)[..., ::-1].mean(axis=1)
    if estimator == "reinforce_plus_plus":
        shown = mask > 0
        level = _whitened(np.repeat(outcome[:, None], mask.shape[1], axis=1), shown & finite[:, None])
        togo = _whitened(togo, shown & placed.any(axis=(1, 2))[:, None])
    left, right = (1.0, share) if alpha is None else (1 - alpha * share, alpha * share)
    advantage = np.reshape(left, (-1, 1)) * level + right[:, None] * scale * togo
    advantage[~np.isfinite(outcome)] = 0.0
    return np.asarray(advantage * mask, dtype=np.float64)


def check_shapes(outcomes: Sequence[int], steps: Sequence[int], mask: Sequence[int], labels: int) -> None:
    """Raise :class:`ConfigurationError` unless the arrays of :func:`two_level_advantage` fit together.

    Raises:
        ConfigurationError: the shapes differ.
    """
    outcomes, steps, mask = tuple(outcomes), tuple(steps), tuple(mask)
    fit = (
        len(mask) == 2 and len(steps) in (2, 3) and (steps[0], steps[-1]) == mask and outcomes == mask[:1] == (labels,)
    )
    if not fit:
        raise ConfigurationError(
            f"shapes differ: outcomes {outcomes}, step_rewards {steps}, response_mask {mask}, {labels} groups"
        )


def tarpo_advantage(
    region: ArrayLike,
    answer: ArrayLike,
    groups: Sequence[Any] | NDArray[Any],
    *,
    consistency: float = CONSISTENCY,
    form: Form = "corrected",
    epsilon: float = EPSILON,
) -> Floats:
    """TARPO's advantage: GRPO's, lowered where region and answer disagree about a rollout.

    ::

        R = region + answer;   d1, d2 = region, answer minus their means over the group
        p = consistency * max(0, -d1 * d2)
        A = (R - mean(R) - p) / (std(R) + epsilon)

    As released p stands outside the parentheses, and every rollout with d1 * d2 <= 0 loses its normalisation:
    ``(R - mean(R)) - p / (std(R) + epsilon)`` (T4). Source: Table-R1, arXiv 2505.12415, ``core_algos``.

    Args:
        region, answer: shape (n,): the two weighted parts of the reward. An unscored rollout (NaN) counts in no mean
            and has advantage 0.
        groups: n labels; equal ones answer the same prompt.
        consistency: weight of the penalty.
        epsilon: added to the deviation before dividing.

    Returns:
        shape (n,).

    Raises:
        ConfigurationError: the shapes do not fit, or no such form.

    >>> tarpo_advantage([0.1] * 4, [0.9, 0, 0.9, 0], ["a"] * 4).round(3).tolist()
    [0.866, -0.866, 0.866, -0.866]
    >>> tarpo_advantage([0.1] * 4, [0.9, 0, 0.9, 0], ["a"] * 4, form="released").round(3).tolist()
    [0.45, -0.45, 0.45, -0.45]
    """
    one_of("form", form, FORMS)
    one, two = np.asarray(region, dtype=np.float64), np.asarray(answer, dtype=np.float64)
    labels = list(groups)
    if one.shape != two.shape or one.shape != (len(labels),):
        raise ConfigurationError(f"shapes differ: region {one.shape}, answer {two.shape}, {len(labels)} groups")
    if form == "released":
        return advantages_released.tarpo_advantage(one, two, labels, consistency=consistency, epsilon=epsilon)
    total = one + two
    advantage = np.zeros_like(total)
    for label in dict.fromkeys(labels):
        rows = np.array([i for i, other in enumerate(labels) if other == label])
        rows = rows[np.isfinite(total[rows])]
        if not len(rows):
            continue
        alone = len(rows) == 1
        centred = total[rows] - (0.0 if alone else total[rows].mean())
        deviation = (1.0 if alone else total[rows].std(ddof=1)) + epsilon
        product = (one[rows] - one[rows].mean()) * (two[rows] - two[rows].mean())
        advantage[rows] = (centred - consistency * np.maximum(0.0, -product)) / deviation
    return advantage


def _z(values: Floats, which: NDArray[np.bool_], epsilon: float) -> Floats:
    """Normalise ``values[which]``; 0 elsewhere."""
    chosen = values[which]
    normal = np.zeros_like(values)
    if len(chosen) == 1:
        normal[which] = chosen / (1.0 + epsilon)
    elif len(chosen) > 1:
        normal[which] = (chosen - chosen.mean()) / (chosen.std(ddof=1) + epsilon)
    return normal


def _leave_one_out(values: Floats, which: NDArray[np.bool_], epsilon: float) -> Floats:
    """``values[which]``, each minus the mean of the others; a single one as it is; 0 elsewhere."""
    chosen = values[which]
    size = len(chosen)
    difference = np.zeros_like(values)
    if size:
        difference[which] = chosen if size == 1 else (chosen - chosen.mean()) * size / (size - 1)
    return difference


def _whitened(values: Floats, which: NDArray[np.bool_]) -> Floats:
    """``values[which]`` with mean 0 and unbiased variance 1; a single one as it is; 0 elsewhere."""
    chosen = values[which]
    white = np.zeros_like(values)
    if len(chosen) == 1:
        white[which] = chosen
    elif len(chosen):
        white[which] = (chosen - chosen.mean()) / np.sqrt(chosen.var(ddof=1) + WHITENING)
    return white
