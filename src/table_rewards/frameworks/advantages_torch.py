"""The advantages of :mod:`table_rewards.frameworks.advantages` for trainers: torch, on any device, without gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.frameworks import advantages
from table_rewards.frameworks.advantages import (
    CONSISTENCY,
    EPSILON,
    ESTIMATORS,
    FORMS,
    STEP_SCALE,
    WHITENING,
    Estimator,
    Form,
)


def two_level_advantage(
    outcomes: Any,
    step_rewards: Any,
    response_mask: Any,
    groups: Sequence[Any],
    alpha: float | None,
    *,
    form: Form = "corrected",
    estimator: Estimator = "grpo",
    step_scale: float | None = None,
    epsilon: float = EPSILON,
) -> Any:
    """RL Tango's two-level advantage on tensors: outcomes (n,), step_rewards (n, tokens) or
    (n, verifications, tokens), response_mask (n, tokens).

    Formula, arguments and forms: :func:`table_rewards.frameworks.advantages.two_level_advantage`.
    """
    import torch

    one_of("form", form, FORMS)
    one_of("estimator", estimator, ESTIMATORS)
    advantages.check_shapes(outcomes.shape, step_rewards.shape, response_mask.shape, len(groups))
    if form == "released":
        found = advantages.two_level_advantage(
            _array(outcomes),
            _array(step_rewards),
            _array(response_mask),
            list(groups),
            alpha,
            form=form,
            estimator=estimator,
            step_scale=step_scale,
            epsilon=epsilon,
        )
        return torch.as_tensor(found, dtype=outcomes.dtype, device=outcomes.device)
    scale = STEP_SCALE[estimator] if step_scale is None else step_scale
    with torch.no_grad():
        index, count = _index(groups, outcomes)
        steps = step_rewards.reshape(len(outcomes), -1, response_mask.shape[1])
        finite, placed, shape = torch.isfinite(outcomes), steps != 0, steps.shape
        known = outcomes.nan_to_num(0.0)
        if estimator == "reinforce_plus_plus":
            shown = response_mask > 0
            level = _whitened(known.unsqueeze(1).expand(shown.shape), shown & finite.unsqueeze(1))
            togo = _whitened(_to_go(steps).mean(1), shown & placed.any(2).any(1, keepdim=True))
        else:
            flat = index.reshape(-1, 1, 1).expand(shape).reshape(-1)
            if estimator == "grpo":
                level = _z(known, finite, index, count, epsilon).unsqueeze(1)
                normal = _z(steps.reshape(-1), placed.reshape(-1), flat, count, epsilon)
            else:
                level = _leave_one_out(known, finite, index, count).unsqueeze(1)
                normal = _leave_one_out(steps.reshape(-1), placed.reshape(-1), flat, count)
            togo = _to_go(normal.reshape(shape)).mean(1)
        having = torch.zeros(count, dtype=torch.bool, device=index.device)
        having[index[placed.any(2).any(1)]] = True
        share = having[index].to(known.dtype).unsqueeze(1)
        left, right = (1.0, share) if alpha is None else (1 - alpha * share, alpha * share)
        advantage = left * level + right * scale * togo
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

    Raises:
        ConfigurationError: the shapes differ.
    """
    import torch

    one_of("form", form, FORMS)
    if region.shape != answer.shape or region.dim() != 1:
        raise ConfigurationError(f"shapes differ: region {tuple(region.shape)}, answer {tuple(answer.shape)}")
    if form == "released":
        found = advantages.tarpo_advantage(
            _array(region), _array(answer), list(groups), consistency=consistency, form=form, epsilon=epsilon
        )
        return torch.as_tensor(found, dtype=region.dtype, device=region.device)
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
        return (centred - penalty.clamp(min=0.0)) / scale * finite


def _array(tensor: Any) -> Any:
    return tensor.detach().double().cpu().numpy()


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


def _leave_one_out(values: Any, which: Any, index: Any, count: int) -> Any:
    import torch

    mean, _, size = _moments(values, which, index, count)
    others = (values - mean[index]) * (size / (size - 1).clamp(min=1))[index]
    return torch.where((size == 1)[index], values, others) * which


def _whitened(values: Any, which: Any) -> Any:
    weight = which.to(values.dtype)
    size = weight.sum()
    if size <= 1:
        return values * weight
    centred = (values - (values * weight).sum() / size) * weight
    return centred / ((centred**2).sum() / (size - 1) + WHITENING).sqrt()


def _to_go(values: Any) -> Any:
    return values.flip(-1).cumsum(-1).flip(-1)
