"""The batch behind an advantage estimator of verl: the reward's columns, and the mask that makes the loss.

verl hands an estimator rewards, mask and groups. The rest is with its callers: the classic trainer (V0) has it in
the batch of ``compute_advantage``, the default one (V1) in its TransferQueue, whose keys ``_compute_advantage`` holds.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError

UNSCORED: Final = "unscored"
MASKS: Final = ("response_mask", "loss_mask")
"""The masks of a rollout in the V1 trainer's queue: which tokens have a loss, and how many the loss is divided by."""

_DEPTH: Final = 16

logger = logging.getLogger("table_rewards")


def compute_advantage_batch() -> Any:
    """The ``DataProto`` that verl's ``compute_advantage`` is working on, or None when it did not call."""
    for frame in _callers():
        data = frame.f_locals.get("data")
        if frame.f_code.co_name == "compute_advantage" and hasattr(data, "non_tensor_batch"):
            return data
    return None


def reward_columns(*names: str) -> dict[str, list[float | None]] | None:
    """Return the columns that the reward gave under these names, None where a rollout has none.

    None instead of a dict: nobody up the stack has columns of a reward at all.
    """
    data = compute_advantage_batch()
    if data is not None and any(name in data.non_tensor_batch for name in names):
        columns = data.non_tensor_batch
        n = len(data)
        return {
            name: [None] * n if name not in columns else [_number(x) for x in columns[name].tolist()] for name in names
        }
    infos = _queued()
    if infos is None:
        return None
    return {name: [_number(info.get(name, None)) for info in infos] for name in names}


def unscored_rows(n: int) -> list[bool]:
    """Which of n rollouts have no value of their own: filler, or an exception that the manager swallowed.

    Raises:
        ConfigurationError: the reward gives no ``unscored``, or the caller is not verl's ``compute_advantage``.
    """
    columns = reward_columns(UNSCORED)
    column = columns[UNSCORED] if columns is not None else []
    if columns is None or all(value is None for value in column):
        raise ConfigurationError(
            "this estimator leaves out the rollouts that the reward could not score, and finds no column 'unscored': "
            "use a reward of table_rewards in its form that returns a dict (not _float), or verl's own estimator"
        )
    if len(column) != n:
        raise ConfigurationError(f"{n} rollouts, but {len(column)} values of 'unscored'")
    return [value is None or value != 0.0 for value in column]


def leave_out_of_the_loss(left_out: Sequence[bool]) -> None:
    """Give these rollouts a mask of zeros, as verl itself does with rollouts that it rejects.

    So they are in no term of the loss, KL and entropy included, and their tokens are not among those that it is divided
    by. Where so many are left out that a mini-batch may be made of them alone, and its loss of 0 / 0, each keeps its
    first token. A verl whose aggregation cannot take an empty row, and a caller that is not verl's, keep their masks.
    """
    out = [i for i, gone in enumerate(left_out) if gone]
    if not out:
        return
    actor = _setting_of_the_trainer("actor_rollout_ref", "actor")
    if not _takes_empty_rows(str(getattr(actor, "loss_agg_mode", "token-mean"))):
        return
    kept = 0 if len(out) < _smallest_mini_batch(actor) else 1
    data = compute_advantage_batch()
    if data is not None and "response_mask" in data.batch.keys():  # noqa: SIM118 (a TensorDict)
        mask = data.batch["response_mask"].clone()  # it may be a view of the attention mask
        mask[out, kept:] = 0
        data.batch["response_mask"] = mask
    batch = _queued_batch()
    if batch is not None:
        _leave_out_in_the_queue(batch, out, kept)


def _leave_out_in_the_queue(batch: Any, out: Sequence[int], kept: int) -> None:
    """The V1 trainer takes no mask back from an estimator, so it is written where the actor will read it."""
    import torch
    from tensordict import TensorDict

    queue: Any = sys.modules["transfer_queue"]
    keys = [batch.keys[i] for i in out]
    there = queue.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=list(MASKS))
    changed = {}
    for name in MASKS:
        if name in there.keys():  # noqa: SIM118 (a TensorDict)
            rows = [row.clone() for row in there[name].unbind()]
            for row in rows:
                row[kept:] = 0
            changed[name] = torch.nested.as_nested_tensor(rows, layout=torch.jagged)
    fields = TensorDict(changed, batch_size=len(keys))
    queue.kv_batch_put(keys=keys, partition_id=batch.partition_id, fields=fields)


def _takes_empty_rows(mode: str) -> bool:
    """Whether verl's own aggregation of a loss survives a row without tokens; told once where it does not."""
    import torch
    from verl.trainer.ppo import core_algos

    if not hasattr(core_algos, "agg_loss"):
        return False
    mask = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    try:
        fits = bool(torch.isfinite(core_algos.agg_loss(torch.ones(2, 2), mask, mode)))
    except (TypeError, ValueError, RuntimeError):
        fits = False
    if not fits and mode not in _told:
        _told.add(mode)
        logger.warning(
            "unscored rollouts have advantage 0 and stay among the tokens of the loss: loss_agg_mode=%s of this verl "
            "gives no number for a rollout without tokens",
            mode,
        )
    return fits


_told: set[str] = set()


def _smallest_mini_batch(actor: Any) -> float:
    """How many rollouts one update is made of; infinite where nobody knows."""
    prompts = getattr(actor, "ppo_mini_batch_size", None)
    group = getattr(_setting_of_the_trainer("actor_rollout_ref", "rollout"), "n", None)
    return math.inf if not prompts else int(prompts) * int(group or 1)


def _setting_of_the_trainer(*names: str) -> Any:
    """A part of the configuration of the trainer that is among the callers, or None."""
    for frame in _callers():
        found = getattr(frame.f_locals.get("self"), "config", None)
        for name in names:
            found = getattr(found, name, None)
        if found is not None:
            return found
    return None


def _queued() -> list[dict[str, Any]] | None:
    """What the reward said of each rollout, from the V1 trainer's queue."""
    batch = _queued_batch()
    if batch is None:
        return None
    queue: Any = sys.modules["transfer_queue"]
    data = queue.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
    column = data["extra_fields"]
    fields = [getattr(one, "data", one) for one in (column.tolist() if hasattr(column, "tolist") else column)]
    return [_get(one, "reward_extra_info") for one in fields]


def _queued_batch() -> Any:
    """The keys that the V1 trainer's ``_compute_advantage`` is working on, or None when it did not call."""
    for frame in _callers():
        batch: Any = frame.f_locals.get("batch")
        if frame.f_code.co_name == "_compute_advantage" and hasattr(batch, "partition_id"):
            return batch
    return None


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_DEPTH):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _get(fields: Any, name: str) -> Any:
    """A mapping within the fields of a rollout, dicts or TensorDicts; empty where there is none."""
    found = fields.get(name, None) if hasattr(fields, "get") else None
    return {} if found is None else found


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
