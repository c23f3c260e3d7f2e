"""A reward behind a framework: rows in, the same few finite numbers on every row out."""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

from table_rewards.core.registry import create
from table_rewards.core.reward import Reward
from table_rewards.core.rows import plain
from table_rewards.core.scores import UNSCORED, Scores
from table_rewards.frameworks.batching import Coalescer
from table_rewards.frameworks.options import split_options
from table_rewards.frameworks.unscored import UnscoredPolicy

STEP_KEYS: Final = ("step", "global_step", "global_steps", "training_step")


class Door:
    """One reward with its policy for unscored samples; shared by all calls with the same options in a process.

    The numbers of a sample: ``score``; ``acc``, the accuracy that validation should show (the reward's ``accuracy``
    part, or the score); the reward's headline parts; ``unscored``, 1.0 where the number is filler.
    """

    def __init__(self, reward: Reward[Any], policy: UnscoredPolicy) -> None:
        self.reward, self.policy = reward, policy
        self.keys: tuple[str, ...] = ("score", "acc", *reward.headline[:2], "unscored")
        names = ["", *reward.parts]
        accuracy = reward.accuracy if reward.accuracy in reward.parts else ""
        self._columns = [0, names.index(accuracy), *(names.index(part) for part in reward.headline[:2])]
        self._coalescer = Coalescer(reward)

    def one(self, completion: Any, row: Any, step: int | None, prompt: Hashable) -> dict[str, float]:
        """Score one sample from any thread; concurrent calls share batches, those that wait overlap."""
        if self.reward.waits:
            scores = self.reward([completion], [row], step=step)
        else:
            scores = self._coalescer.score(completion, row, step)
        return self.rows(scores, [prompt])[0]

    async def one_async(self, completion: Any, row: Any, step: int | None, prompt: Hashable) -> dict[str, float]:
        """The same without blocking the loop."""
        return self.rows(await self.reward.score([completion], [row], step=step), [prompt])[0]

    def many(
        self, completions: Sequence[Any], rows: Sequence[Any], step: int | None, prompts: Sequence[Hashable]
    ) -> list[dict[str, float]]:
        """Score a batch."""
        return self.rows(self.reward(completions, rows, step=step), prompts)

    def rows(self, scores: Scores, prompts: Sequence[Hashable]) -> list[dict[str, float]]:
        """Turn scores into plain dicts of finite floats, unscored samples filled by the policy."""
        numbers = self.policy.fill(scores, prompts)[:, self._columns].tolist()
        failed = (scores.status == UNSCORED).tolist()
        return [
            dict(zip(self.keys, (*row, float(filler)), strict=True))
            for row, filler in zip(numbers, failed, strict=True)
        ]


_doors: dict[str, Door] = {}
_lock = threading.Lock()


def door(name: str, options: Mapping[str, Any]) -> Door:
    """Return the door of a reward with these options, built once a process.

    Raises:
        UnknownName: no such reward or option.
        ConfigurationError: an option's value is not possible.
    """
    key = f"{name} {json.dumps(plain(options), sort_keys=True, default=repr)}" if options else name
    found = _doors.get(key)
    if found is None:
        own, adapter = split_options(name, options)
        made = Door(
            create(name, **own),
            UnscoredPolicy(adapter.get("unscored", "neutral"), adapter.get("unscored_ceiling", 0.2)),
        )
        with _lock:
            found = _doors.setdefault(key, made)
    return found


def step_of(*places: Any) -> int | None:
    """Return the training step from the first place that has one.

    >>> step_of(None, {"global_steps": 300})
    300
    """
    for place in places:
        if isinstance(place, Mapping):
            for key in STEP_KEYS:
                value = plain(place.get(key))
                if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:
                    return int(value)
    return None


def rows_of(columns: Mapping[str, Any], n: int) -> list[dict[str, Any]]:
    """The rows of a batch of ``n`` from a trainer's keyword arguments; what is no list of that length is no column.

    The values are the trainer's own, shared with other rewards: nobody changes them.

    >>> rows_of({"answer": ["7", "8"], "trainer_state": None, "weights": [0.5]}, 2)
    [{'answer': '7'}, {'answer': '8'}]
    """
    usable = {key: column for key, column in columns.items() if isinstance(column, (list, tuple)) and len(column) == n}
    return [{key: column[i] for key, column in usable.items()} for i in range(n)]
