"""The advantages as verl's own estimators: ``algorithm.adv_estimator=tarpo`` and its kin.

Opt in by importing this module where the trainer runs::

    export VERL_USE_EXTERNAL_MODULES=table_rewards.frameworks.advantages_verl

================================  ====================================================================================
``tarpo``                         region and answer from the reward's columns of these names (``TableRegion``)
``tango``                         outcome from ``token_level_rewards``, steps' from the tensor ``step_rewards``
``tarpo_tokens``                  region on the last but one token of ``token_level_rewards``, answer on the last
``tango_tokens``                  outcome on the last token of ``token_level_rewards``, steps' rewards where they end
``tango_rloo...``                 as the two of ``tango``, by leave-one-out differences
``tango_reinforce_plus_plus...``  as the two of ``tango``, whitened over the batch
``..._released``                  each of them as released (T4; groups without step rewards)
``grpo_scored``, ``rloo_scored``  verl's own estimator of that name over the rollouts that the reward could score: the
``reinforce_plus_plus_scored``    others count in no mean and no deviation, have advantage 0 and no token in the loss.
                                  Also of ``reinforce_plus_plus_baseline``, ``opo`` and verl's other outcome estimators
================================  ====================================================================================

verl hands an estimator rewards, mask and groups, no columns. So ``tarpo``, ``tango`` and the ``_scored`` ones look at
what their callers have: the batch of ``compute_advantage`` in the classic trainer (``trainer.use_v1=False``), the queue
in the default one. ``tango`` needs the tensor ``step_rewards``, which only the classic trainer keeps; its ``_tokens``
form works in both, with a reward loop that places the parts itself. Unscored rollouts are left out in all forms where
the reward's column ``unscored`` can be seen. Missing parts are an error, never a silent GRPO. See
docs/recipes/tango.md.

alpha of ``tango`` and its kin is the schedule in the environment variable TABLE_REWARDS_STEP_WEIGHT (a number, or the
text of a schedule such as ``linear(0.1, 0.001, 300)``), else RL Tango's own, from 0.5 for REINFORCE++.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.schedules import Schedule, as_schedule
from table_rewards.frameworks.advantages import ESTIMATORS, Estimator, Form, StepWeight
from table_rewards.frameworks.advantages_torch import tarpo_advantage, two_level_advantage
from table_rewards.frameworks.verl_batch import (
    UNSCORED,
    compute_advantage_batch,
    leave_out_of_the_loss,
    reward_columns,
    unscored_rows,
)

PARTS = ("region", "answer")
SCORED = (
    *("grpo", "grpo_vectorized", "rloo", "rloo_vectorized", "reinforce_plus_plus", "reinforce_plus_plus_baseline"),
    *("opo", "gpg"),
)
"""verl's estimators that have a form which leaves unscored rollouts out; those that this verl lacks are passed over."""
STEP_WEIGHT = "TABLE_REWARDS_STEP_WEIGHT"


def tarpo(form: Form, tokens: bool) -> Callable[..., tuple[Any, Any]]:
    """The estimator ``tarpo`` in one of its forms, as verl calls it."""

    def estimator(
        token_level_rewards: Any, response_mask: Any, index: Any = None, config: Any = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        if tokens:
            region, answer = _last_two(token_level_rewards, response_mask)
        else:
            region, answer = _parts(token_level_rewards.sum(-1), *(_column(n, token_level_rewards) for n in PARTS))
        answer, left_out = _without_unscored(answer)
        advantage = tarpo_advantage(region, answer, _groups(index), form=form).unsqueeze(-1) * response_mask
        leave_out_of_the_loss(left_out)
        return advantage, advantage

    return estimator


def tango(
    form: Form, tokens: bool, alpha: Schedule | None = None, kind: Estimator = "grpo"
) -> Callable[..., tuple[Any, Any]]:
    """The estimator ``tango`` in one of its forms, as verl calls it."""
    calls = [0]

    def estimator(
        token_level_rewards: Any, response_mask: Any, index: Any = None, config: Any = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        schedule = alpha or step_weight(kind)
        if tokens:
            outcomes, steps = _outcome_and_steps(token_level_rewards, response_mask)
        else:
            outcomes, steps = token_level_rewards.sum(-1), _tensor("step_rewards")
        outcomes, left_out = _without_unscored(outcomes)
        share = schedule(_step(calls[0]))
        calls[0] += 1
        advantage = two_level_advantage(
            outcomes, steps, response_mask, _groups(index), share, form=form, estimator=kind
        )
        leave_out_of_the_loss(left_out)
        return advantage, advantage

    return estimator


def scored(name: str) -> Callable[..., tuple[Any, Any]]:
    """verl's estimator ``name`` over the rollouts that the reward could score; the others have advantage 0."""

    def estimator(
        token_level_rewards: Any, response_mask: Any, index: Any = None, config: Any = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        import torch
        from verl.trainer.ppo.core_algos import get_adv_estimator_fn

        n = len(token_level_rewards)
        left_out = unscored_rows(n)
        keep = [i for i, out in enumerate(left_out) if not out]
        advantages, returns = torch.zeros_like(token_level_rewards), torch.zeros_like(token_level_rewards)
        if keep:
            rows = torch.tensor(keep, device=token_level_rewards.device)
            given = {
                key: value[rows] if hasattr(value, "device") and len(value) == n else value
                for key, value in kwargs.items()
            }
            if index is not None:
                given["index"] = index[keep]
            if name.startswith("grpo"):
                given["norm_adv_by_std_in_grpo"] = _setting(config, "norm_adv_by_std_in_grpo", True)
            found = get_adv_estimator_fn(name)(
                token_level_rewards=token_level_rewards[rows], response_mask=response_mask[rows], config=config, **given
            )
            advantages[rows], returns[rows] = found[0].to(advantages.dtype), found[1].to(returns.dtype)
        leave_out_of_the_loss(left_out)
        return advantages, returns

    return estimator


def step_weight(kind: Estimator = "grpo") -> Schedule:
    """alpha's schedule: TABLE_REWARDS_STEP_WEIGHT, else RL Tango's exponential one, from 0.5 for REINFORCE++."""
    text = os.environ.get(STEP_WEIGHT, "")
    if text:
        return as_schedule(STEP_WEIGHT, text)
    return StepWeight(start=0.5 if kind == "reinforce_plus_plus" else 0.1)


def register() -> tuple[str, ...]:
    """Register every estimator with verl and return their names; the import described above does it."""
    from verl.trainer.ppo import core_algos
    from verl.trainer.ppo.core_algos import register_adv_est

    names = []
    for name in SCORED:
        if name in getattr(core_algos, "ADV_ESTIMATOR_REGISTRY", ()):
            full = f"{name}_scored"
            if full not in _registered:
                _registered[full] = register_adv_est(full)(scored(name))
            names.append(full)
    makers: dict[str, Callable[[Form, bool], Any]] = {"tarpo": tarpo}
    for kind in ESTIMATORS:
        makers["tango" if kind == "grpo" else f"tango_{kind}"] = partial(tango, kind=kind)
    for name, make in makers.items():
        for tokens in (False, True):
            for form in ("corrected", "released"):
                full = name + ("_tokens" if tokens else "") + ("_released" if form == "released" else "")
                if full not in _registered:
                    _registered[full] = register_adv_est(full)(make(form, tokens))
                names.append(full)
    return tuple(names)


_registered: dict[str, Any] = {}


# -- where the parts are ----------------------------------------------------------------------------------------------


def _groups(index: Any) -> list[Any]:
    if index is None:
        raise ConfigurationError("the batch has no 'uid' column, by which rollouts of one prompt are grouped")
    return list(index)


def _batch() -> Any:
    """The batch that verl's ``compute_advantage`` is working on: it calls us without it, but it is our caller."""
    data = compute_advantage_batch()
    if data is None:
        raise ConfigurationError(
            "this estimator reads the batch of verl's compute_advantage, which did not call it; use the estimator's "
            "_tokens form, or call table_rewards.frameworks.advantages_torch yourself"
        )
    return data


def _without_unscored(values: Any) -> tuple[Any, list[bool]]:
    """The values, NaN where the reward says that they are filler; and which are."""
    columns = reward_columns(UNSCORED)
    if columns is None or len(columns[UNSCORED]) != len(values):
        return values, []
    import torch

    filler = [flag is None or flag != 0 for flag in columns[UNSCORED]]
    return values.masked_fill(torch.tensor(filler, device=values.device), float("nan")), filler


def _setting(config: Any, name: str, default: Any) -> Any:
    get = getattr(config, "get", None)
    return get(name, default) if callable(get) else getattr(config, name, default)


def _step(counted: int) -> int:
    """The number of updates so far, as verl knows it, else as counted."""
    try:
        found = _batch().meta_info.get("global_steps")
    except (ConfigurationError, AttributeError):
        found = None
    return counted if found is None else max(0, int(found) - 1)


def _column(name: str, like: Any) -> Any:
    """A part of the reward as a tensor of shape (n,)."""
    columns = reward_columns(*PARTS)
    if columns is None or all(value is None for value in columns[name]):
        there = compute_advantage_batch()
        known = sorted(map(str, there.non_tensor_batch)) if there is not None else []
        raise ConfigurationError(
            f"the reward returned no {name!r}. tarpo needs 'region' and 'answer', which the reward table_region has; "
            f"the batch has {', '.join(known) or 'no columns'}"
        )
    import torch

    values = [float("nan") if value is None else value for value in columns[name]]
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def _tensor(name: str) -> Any:
    batch = _batch().batch
    if name not in batch.keys():  # noqa: SIM118 (a TensorDict, which cannot be asked with "in")
        raise ConfigurationError(
            f"the batch has no tensor {name!r} of the responses' shape: the loop that runs the verifier must add it, "
            "and trainer.use_v1=False keep it, since verl's V1 trainer drops it (or use the estimator's _tokens form)"
        )
    return batch[name]


def _parts(total: Any, region: Any, answer: Any) -> tuple[Any, Any]:
    """The weighted parts: those of ``total = a * region + (1 - a) * answer`` with the one a that the batch shows.

    A rollout whose reward is not made of its parts (unscored, filled in with its group's mean) keeps its reward.
    """
    apart = (region - answer).abs() > 1e-6
    a = ((total - answer)[apart] / (region - answer)[apart]).median() if bool(apart.any()) else total.new_tensor(0.5)
    fits = (a * region + (1 - a) * answer - total).abs() <= 1e-4
    if not -1e-4 <= float(a) <= 1 + 1e-4 or float(fits.float().mean()) < 0.5:
        raise ConfigurationError(
            "region and answer do not make up the reward as a * region + (1 - a) * answer; is a penalty part of it?"
        )
    share = a * region
    return share, total - share


def _last(mask: Any) -> Any:
    import torch

    places = torch.arange(mask.shape[1], device=mask.device)
    return (places * (mask > 0)).argmax(1)


def _last_two(rewards: Any, mask: Any) -> tuple[Any, Any]:
    last = _last(mask)
    answer = rewards.gather(1, last.unsqueeze(1)).squeeze(1)
    return rewards.sum(-1) - answer, answer


def _outcome_and_steps(rewards: Any, mask: Any) -> tuple[Any, Any]:
    last = _last(mask).unsqueeze(1)
    outcomes = rewards.gather(1, last).squeeze(1)
    return outcomes, rewards.scatter(1, last, 0.0)


if os.environ.get("VERL_USE_EXTERNAL_MODULES") and __name__ in os.environ["VERL_USE_EXTERNAL_MODULES"]:
    register()
