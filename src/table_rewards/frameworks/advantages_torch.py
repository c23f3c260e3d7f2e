"""The advantages of :mod:`table_rewards.frameworks.advantages` for trainers: torch, on any device, without gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.frameworks.advantages import CONSISTENCY, EPSILON, FORMS, Form


def two_level_advantage(
    outcomes: Any,
    step_rewards: Any,
    response_mask: Any,
    groups: Sequence[Any],
    alpha: float,
    *,
    form: Form = "corrected",
    epsilon: float = EPSILON,
) -> Any:
    """RL Tango's two-level advantage on tensors: outcomes (n,), step_rewards and response_mask (n, tokens).

    Formula, arguments and forms: :func:`table_rewards.frameworks.advantages.two_level_advantage`.
    """
    import torch

    one_of("form", form, FORMS)
    if step_rewards.shape != response_mask.shape or outcomes.shape != step_rewards.shape[:1]:
        raise ConfigurationError(
            f"shapes differ: outcomes {tuple(outcomes.shape)}, step_rewards {tuple(step_rewards.shape)}, "
            f"response_mask {tuple(response_mask.shape)}"
        )
    with torch.no_grad():
        index, count = _index(groups, outcomes)
        finite = torch.isfinite(outcomes)
        level = _z(outcomes.nan_to_num(0.0), finite, index, count, epsilon)
        placed = step_rewards != 0
        flat = index.unsqueeze(1).expand_as(step_rewards)
        normal = _z(step_rewards.reshape(-1), placed.reshape(-1), flat.reshape(-1), count, epsilon)
        togo = normal.reshape(step_rewards.shape).flip(1).cumsum(1).flip(1)
        if form == "corrected":
            having = torch.zeros(count, dtype=torch.bool, device=index.device)
            having[index[placed.any(1)]] = True
            share = having[index].to(level.dtype) * alpha
        else:
            share = torch.full_like(level, alpha if bool(placed.any()) else 0.0)
        advantage = (1 - share).unsqueeze(1) * level.unsqueeze(1) + share.unsqueeze(1) * togo
        return advantage * response_mask * finite.unsqueeze(1)


def tarpo_advantage(
    region: Any,
    answer: Any,
    groups: Sequence[Any],
    *,
    consistency: float = CONSISTENCY,
    form: Form = "corrected",
    epsilon: float = EPSILON,
) -> Any:
    """TARPO's advantage on tensors of shape (n,).

    Formula, arguments and forms: :func:`table_rewards.frameworks.advantages.tarpo_advantage`.
    """
    import torch

    one_of("form", form, FORMS)
    if region.shape != answer.shape or region.dim() != 1:
        raise ConfigurationError(f"shapes differ: region {tuple(region.shape)}, answer {tuple(answer.shape)}")
    with torch.no_grad():
        total = region + answer
        finite = torch.isfinite(total)
        index, count = _index(groups, total)
        known, one, two = total.nan_to_num(0.0), region.nan_to_num(0.0), answer.nan_to_num(0.0)
        mean, deviation, size = _moments(known, finite, index, count)
        alone = (size == 1)[index]
        centred = torch.where(alone, known, known - mean[index])
        scale = torch.where(alone, torch.ones_like(known), deviation[index]) + epsilon
        first, second = _moments(one, finite, index, count)[0], _moments(two, finite, index, count)[0]
        product = (one - first[index]) * (two - second[index])
        penalty = -consistency * product
        if form == "corrected":
            advantage = (centred - penalty.clamp(min=0.0)) / scale
        else:
            advantage = torch.where(product > 0, centred / scale, centred - penalty / scale)
        return advantage * finite


def _index(groups: Sequence[Any], like: Any) -> tuple[Any, int]:
    import torch

    numbers: dict[Any, int] = {}
    labels = [numbers.setdefault(label, len(numbers)) for label in groups]
    if len(labels) != len(like):
        raise ConfigurationError(f"{len(labels)} groups for {len(like)} rollouts")
    return torch.tensor(labels, dtype=torch.long, device=like.device), len(numbers)


def _moments(values: Any, which: Any, index: Any, count: int) -> tuple[Any, Any, Any]:
    """Mean, unbiased standard deviation and size of every group, over the chosen values."""
    import torch

    zeros = torch.zeros(count, dtype=values.dtype, device=values.device)
    weight = which.to(values.dtype)
    size = zeros.index_add(0, index, weight)
    mean = zeros.index_add(0, index, values * weight) / size.clamp(min=1)
    squares = zeros.index_add(0, index, (values - mean[index]) ** 2 * weight)
    return mean, (squares / (size - 1).clamp(min=1)).sqrt(), size


def _z(values: Any, which: Any, index: Any, count: int, epsilon: float) -> Any:
    import torch

    mean, deviation, size = _moments(values, which, index, count)
    alone = (size == 1)[index]
    centred = torch.where(alone, values, values - mean[index])
    scale = torch.where(alone, torch.ones_like(values), deviation[index])
    return centred / (scale + epsilon) * which
