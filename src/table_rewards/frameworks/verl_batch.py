"""The columns of a reward, as an advantage estimator of verl can get at them.

verl hands an estimator rewards, mask and groups. The columns are with its callers: the classic trainer (V0) has them in
the batch of ``compute_advantage``, the default one (V1) in its TransferQueue, whose keys ``_compute_advantage`` holds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError

UNSCORED: Final = "unscored"
_DEPTH: Final = 16


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


def _queued() -> list[dict[str, Any]] | None:
    """What the reward said of each rollout, from the V1 trainer's queue."""
    for frame in _callers():
        batch: Any = frame.f_locals.get("batch")
        if frame.f_code.co_name == "_compute_advantage" and hasattr(batch, "partition_id"):
            queue: Any = sys.modules["transfer_queue"]
            data = queue.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
            column = data["extra_fields"]
            fields = [getattr(one, "data", one) for one in (column.tolist() if hasattr(column, "tolist") else column)]
            return [_get(one, "reward_extra_info") for one in fields]
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
    except (TypeError, ValueError):
        return None
