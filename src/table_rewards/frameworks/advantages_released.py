"""The advantages as the released code of RL Tango and of Table-R1 computes them, for comparison with published runs.

The numbers T4 and G22 to G24 are those of docs/profiles.md. Everything is plain numpy; the functions for torch call
these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RLOO_STEP_SCALE: Final = 10.0
_WHITENING: Final = 1e-8


def two_level_advantage(
    outcome: Floats,
    steps: Floats,
    mask: Floats,
    labels: Sequence[Any],
    alpha: float | None,
    *,
    estimator: str,
    step_scale: float | None,
    epsilon: float,
) -> Floats:
    """RL Tango's advantage on arrays whose shapes were checked: outcome (n,), steps (n, rollouts, tokens), mask
    (n, tokens).

    A batch without any step reward has the plain outcome advantage. ``alpha`` None adds both parts in full, as the
    released schedule "none" does.
    """
    placed = steps != 0
    rows_of = _rows_of(labels)
    if estimator == "reinforce_plus_plus":
        level = _whitened(np.repeat(np.nan_to_num(outcome)[:, None], mask.shape[1], axis=1), mask)
        togo = _whitened(_first_tokens_to_go(steps, mask), mask)
        scale = 1.0
    else:
        normalise: Callable[[Floats, float], Floats] = _z if estimator == "grpo" else _leave_one_out
        level, normal = np.zeros_like(mask), np.zeros_like(steps)
        for rows in rows_of:
            known = rows[np.isfinite(outcome[rows])]
            level[known] = normalise(outcome[known], epsilon)[:, None]
            group = np.zeros_like(placed)
            group[rows] = placed[rows]
            normal[group] = normalise(steps[group], epsilon)
        togo = np.cumsum(normal[..., ::-1], axis=-1)[..., ::-1].mean(axis=1)
        scale = 1.0 if estimator == "grpo" else RLOO_STEP_SCALE
    scale = scale if step_scale is None else step_scale
    if not placed.any():
        advantage = level
    elif alpha is None:
        advantage = level + scale * togo
    else:
        advantage = (1 - alpha) * level + alpha * scale * togo
    advantage = np.where(np.isfinite(outcome)[:, None], advantage, 0.0)
    return np.asarray(advantage * mask, dtype=np.float64)


def tarpo_advantage(one: Floats, two: Floats, labels: Sequence[Any], *, consistency: float, epsilon: float) -> Floats:
    """TARPO's advantage with the penalty outside the parentheses (T4): a rollout on which region and answer do not
    agree keeps its plain difference from the mean."""
    total = one + two
    advantage = np.zeros_like(total)
    for rows in _rows_of(labels):
        rows = rows[np.isfinite(total[rows])]
        if not len(rows):
            continue
        alone = len(rows) == 1
        centred = total[rows] - (0.0 if alone else total[rows].mean())
        deviation = (1.0 if alone else total[rows].std(ddof=1)) + epsilon
        product = (one[rows] - one[rows].mean()) * (two[rows] - two[rows].mean())
        advantage[rows] = np.where(product > 0, centred / deviation, centred + consistency * product / deviation)
    return advantage


def _rows_of(labels: Sequence[Any]) -> list[NDArray[np.intp]]:
    found: dict[Any, list[int]] = {}
    for row, label in enumerate(labels):
        found.setdefault(label, []).append(row)
    return [np.array(rows, dtype=np.intp) for rows in found.values()]


def _z(values: Floats, epsilon: float) -> Floats:
    """Normalised; a single value keeps its size, for its mean counts as 0 and its deviation as 1."""
    if len(values) <= 1:
        return values / (1.0 + epsilon)
    return np.asarray((values - values.mean()) / (values.std(ddof=1) + epsilon))


def _leave_one_out(values: Floats, epsilon: float) -> Floats:
    """Each minus the mean of the others; a single value is 0, so that a lone rollout teaches nothing (G23)."""
    size = len(values)
    return np.zeros_like(values) if size <= 1 else np.asarray((values - values.mean()) * size / (size - 1))


def _first_tokens_to_go(steps: Floats, mask: Floats) -> Floats:
    """The sums up to the end as released: the loop over tokens runs over as many as there are *rollouts* (G24).

    With one verification a solution, all but a step reward on the first token is lost.
    """
    rollouts = min(steps.shape[1], steps.shape[2])
    togo = np.zeros_like(steps)
    running = np.zeros(steps.shape[:2])
    for token in reversed(range(rollouts)):
        running = steps[:, :, token] + running
        togo[:, :, token] = running
        running = running * mask[:, token, None]
    return np.asarray(togo.mean(axis=1))


def _whitened(values: Floats, mask: Floats) -> Floats:
    """Mean 0 and unbiased variance 1 over the tokens of all responses."""
    size = mask.sum()
    if size <= 1:  # the released code stops here
        return np.zeros_like(mask)
    centred = values - (values * mask).sum() / size
    variance = (centred**2 * mask).sum() / size * (size / (size - 1))
    return np.asarray(centred / np.sqrt(variance + _WHITENING) * mask)
