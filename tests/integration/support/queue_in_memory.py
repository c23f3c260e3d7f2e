"""The store of verl's V1 trainer (TransferQueue) in one process's memory: what the trainer's loop puts and gets."""

from __future__ import annotations

import sys
import types
from typing import Any


class Queue:
    """Tags and fields by partition and key."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, dict[str, Any]]] = {}
        self.fields: dict[str, dict[str, dict[str, Any]]] = {}

    def put(self, keys: list[str], partition_id: str, fields: Any = None, tags: Any = None) -> None:
        for i, key in enumerate(keys):
            if tags is not None:
                self.tags.setdefault(partition_id, {}).setdefault(key, {}).update(tags[i] or {})
            if fields is not None:
                names = list(fields.keys())
                row = {name: getattr(fields[name][i], "data", fields[name][i]) for name in names}
                row.update({name: fields[name][i] for name in names if hasattr(fields[name], "offsets")})
                self.fields.setdefault(partition_id, {}).setdefault(key, {}).update(row)

    def get(self, keys: list[str], partition_id: str, select_fields: list[str] | None = None) -> Any:
        import torch
        from tensordict import TensorDict
        from tensordict.tensorclass import NonTensorData, NonTensorStack

        rows = [self.fields[partition_id][key] for key in keys]
        wanted = [name for name in (select_fields or rows[0]) if all(name in row for row in rows)]
        found = TensorDict({}, batch_size=len(rows))
        for name in wanted:
            column = [row[name] for row in rows]
            if hasattr(column[0], "shape"):
                found[name] = torch.nested.as_nested_tensor(column, layout=torch.jagged)
            else:
                found[name] = NonTensorStack(*(NonTensorData(value) for value in column))
        return found


class KVBatchMeta:
    def __init__(self, partition_id: str, keys: list[str], tags: Any = None) -> None:
        self.partition_id, self.keys, self.tags = partition_id, list(keys), tags

    def __len__(self) -> int:
        return len(self.keys)


def install() -> Queue:
    """Stand in for the package; returns the queue, which is one in a process: verl keeps the module it imported."""
    known = getattr(sys.modules.get("transfer_queue"), "in_memory", None)
    if known is not None:
        return known
    queue = Queue()
    module: Any = types.ModuleType("transfer_queue")

    async def async_kv_put(key: str, partition_id: str, tag: Any = None, fields: Any = None) -> None:
        queue.put([key], partition_id, None, [tag])

    async def async_kv_batch_put(keys: Any, fields: Any = None, tags: Any = None, partition_id: str = "") -> None:
        queue.put(list(keys), partition_id, fields, tags)

    def kv_batch_put(keys: Any, partition_id: str, fields: Any = None, tags: Any = None) -> KVBatchMeta:
        queue.put(list(keys), partition_id, fields, tags)
        return KVBatchMeta(partition_id, list(keys))

    module.in_memory = queue
    module.init = lambda *args, **kwargs: None
    module.async_kv_put, module.async_kv_batch_put, module.kv_batch_put = async_kv_put, async_kv_batch_put, kv_batch_put
    module.kv_batch_get = queue.get
    module.kv_list = lambda *args, **kwargs: {p: {k: dict(t) for k, t in d.items()} for p, d in queue.tags.items()}
    module.kv_clear = lambda partition_id, keys: [queue.tags[partition_id].pop(key, None) for key in keys]
    module.KVBatchMeta = KVBatchMeta
    sys.modules["transfer_queue"] = module
    return queue
