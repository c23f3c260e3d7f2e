"""A reward behind a framework: rows in, the same few finite numbers on every row out."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from table_rewards.core.completion import completion_text
from table_rewards.core.errors import ConfigurationError, UnreadableCompletion
from table_rewards.core.registry import create, find
from table_rewards.core.reward import UNUSABLE, Reward
from table_rewards.core.rows import Row, plain
from table_rewards.core.scores import INAPPLICABLE, UNSCORED, Judgement, Scores
from table_rewards.frameworks.accuracy import accuracy_of
from table_rewards.frameworks.batching import LARGEST, WINDOW_S, Coalescer
from table_rewards.frameworks.observing import SHARE, Observer
from table_rewards.frameworks.options import PREFIX, Options, resolve
from table_rewards.frameworks.unscored import CEILING, NEUTRAL, UnscoredPolicy

STEP_KEYS: Final = ("step", "global_step", "global_steps", "training_step")
NOT_ASKED_HERE: Final = "http://asked-by-the-service.invalid/v1"
FIRST_CALLS: Final = 32
"""Where samples come one by one, as many count as the first batch."""

FIRST_ROWS: Final = 256
"""After as many rows of other tasks alone the log says that the reward has had none."""

_REMEMBERED: Final = 256

logger = logging.getLogger("table_rewards")


class FrameworkReward:
    """One reward with its policy for unscored samples; shared by all calls with the same options in a process.

    The numbers of a sample: ``score``; ``acc``, the accuracy from 0 to 1 that validation should show (the reward's
    ``accuracy`` part, else the value, within its ``accuracy_range``); the reward's headline parts; ``unscored``, 1.0
    where the number is filler.

    Args:
        alone: whether no other reward scores the same rows, so that an inapplicable sample is a failure.

    Raises:
        ConfigurationError: ``batch_size``, ``batch_window_s`` or ``observe`` cannot be.
    """

    def __init__(self, reward: Reward[Any], adapter: Mapping[str, Any] | None = None, *, alone: bool = False) -> None:
        adapter = adapter or {}
        self.reward = reward
        self.policy = UnscoredPolicy(
            adapter.get("unscored", NEUTRAL), adapter.get("unscored_ceiling", CEILING), inapplicable_fails=alone
        )
        self.keys: tuple[str, ...] = ("score", "acc", *reward.headline[:2], "unscored")
        self.signature = reward.signature
        names = ["", *reward.parts]
        self._headline = [names.index(part) for part in reward.headline[:2]]
        self._accuracy = accuracy_of(reward)
        size, window_s = adapter.get("batch_size", LARGEST), adapter.get("batch_window_s", WINDOW_S)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ConfigurationError(f"batch_size is a number of samples, at least 1, not {size!r}")
        if isinstance(window_s, bool) or not isinstance(window_s, (int, float)) or not 0 < window_s < 3600:
            raise ConfigurationError(f"batch_window_s is a number of seconds above 0, not {window_s!r}")
        self._coalescer = Coalescer(reward.judge_pairs, size=size, window_s=float(window_s))
        self._observer: Observer | None = None
        if adapter.get("observe"):
            share = adapter.get("observe_share", SHARE)
            self._observer = Observer(reward.name, reward.parts, adapter["observe"], share)
        elif "observe_share" in adapter:
            raise ConfigurationError("observe_share goes with observe")
        self._first = _FirstBatch(reward)
        self._first.passed = self.policy.ceiling >= 1.0  # whoever allows every sample to fail allows the first ones

    def one(
        self, completion: Any, row: Any, step: int | None, prompt: Hashable, training: bool = True
    ) -> dict[str, float]:
        """Score one sample from any thread; concurrent calls share batches, those that may wait go alone."""
        text, reference = self._read(completion, row)
        if isinstance(reference, Judgement):
            judgement = reference
        elif not self.reward.deduplicates:
            return self.many([completion], [row], step, [prompt], training=training)[0]
        elif self.reward.may_wait(reference):
            judgement = self.reward.judge_pairs([text], [reference], step)[0]
        else:
            judgement = self._coalescer.judge(text, reference, step)
        self._observe_one(completion, judgement, step)
        return self._told(judgement, row, prompt, training)

    async def one_async(
        self, completion: Any, row: Any, step: int | None, prompt: Hashable, training: bool = True
    ) -> dict[str, float]:
        """The same without blocking the loop."""
        text, reference = self._read(completion, row)
        if isinstance(reference, Judgement):
            judgement = reference
        elif self.reward.may_wait(reference) or not self.reward.deduplicates:
            judgement = (await self.reward.judge_pairs_async([text], [reference], step))[0]
        else:
            judgement = await self._coalescer.judge_async(text, reference, step)
        self._observe_one(completion, judgement, step)
        return self._told(judgement, row, prompt, training)

    def many(
        self,
        completions: Sequence[Any],
        rows: Sequence[Any],
        step: int | None,
        prompts: Sequence[Hashable],
        *,
        training: bool = True,
    ) -> list[dict[str, float]]:
        """Score a batch."""
        scores = self.reward(completions, rows, step=step)
        self.observe(completions, scores, step)
        self.check_first(scores, rows, training)
        return self.rows(scores, prompts, training=training)

    def rows(self, scores: Scores, prompts: Sequence[Hashable], *, training: bool = True) -> list[dict[str, float]]:
        """Turn scores into plain dicts of finite floats, samples without a value filled by the policy."""
        parts = [column.tolist() for column in scores.parts.values()]
        rows = [self._short(row) for row in zip(scores.values.tolist(), *parts, strict=True)]
        status = scores.status.tolist()
        filled = self.policy.fill_rows(rows, status, scores.notes, scores.signature, prompts, training=training)
        return [self._named(row, state) for row, state in zip(filled, status, strict=True)]

    def observe(self, completions: Sequence[Any], scores: Scores, step: int | None) -> None:
        """Count and trace a batch for those who watch, where a folder for it is named."""
        if self._observer is not None:
            columns = (scores.values.tolist(), *(column.tolist() for column in scores.parts.values()))
            rows = list(zip(*columns, strict=True))
            self._observer.record(completions, rows, scores.status.tolist(), scores.notes, step)

    def _observe_one(self, completion: Any, judgement: Judgement, step: int | None) -> None:
        if self._observer is not None:
            row = (judgement.value, *judgement.parts)
            self._observer.record([completion], [row], [judgement.status], [judgement.note], step)

    def check_first(self, scores: Scores, rows: Sequence[Any], training: bool) -> None:
        """Stop at the first training batch when no row of it can be read.

        Raises:
            ConfigurationError: the columns are wrong in all rows; names those that are there.
        """
        if training and not self._first.passed:
            self._first.see_batch(scores, rows)

    def _read(self, completion: Any, row: Any) -> tuple[str, Any]:
        try:
            text = completion if type(completion) is str else completion_text(completion)
        except UnreadableCompletion as error:
            return "", self.reward.unscored(str(error))
        return text, self.reward.read_reference(row)

    def _told(self, judgement: Judgement, reference: Any, prompt: Hashable, training: bool) -> dict[str, float]:
        if training and not self._first.passed:
            self._first.see_one(judgement, reference)
        row = self._short((judgement.value, *judgement.parts))
        status, notes = [judgement.status], [judgement.note]
        (filled,) = self.policy.fill_rows([row], status, notes, self.signature, [prompt], training=training)
        return self._named(filled, judgement.status)

    def _short(self, row: Sequence[float]) -> list[float]:
        """(value, *parts) -> value, accuracy and headline parts."""
        return [row[0], self._accuracy(row), *(row[i] for i in self._headline)]

    def _named(self, short: Sequence[float], status: str) -> dict[str, float]:
        return dict(zip(self.keys, (*short, float(status in (UNSCORED, INAPPLICABLE))), strict=True))


class _FirstBatch:
    """Whether the first samples could be read: a column that is wrong in all rows is no outage."""

    def __init__(self, reward: Reward[Any]) -> None:
        self.reward = reward
        self.passed = False
        self._seen = 0
        self._others = 0

    def see_one(self, judgement: Judgement, row: Any) -> None:
        if not _unreadable(judgement.status, judgement.note):
            self.passed = True
            return
        self._seen += 1
        if self._seen >= FIRST_CALLS:
            raise self._error(judgement.note, row, self._seen)

    def see_batch(self, scores: Scores, rows: Sequence[Any]) -> None:
        told = list(zip(scores.status.tolist(), scores.notes, strict=True))
        if not told:
            return
        if not all(_unreadable(status, note) for status, note in told):
            self.passed = True
            return
        if all(status == INAPPLICABLE and self._other_task(row) for (status, _), row in zip(told, rows, strict=True)):
            self._tell_of_others(len(told), told[0][1])
            return  # rows of other tasks, padded with None
        if len(told) > 1 or told[0][0] == INAPPLICABLE:
            raise self._error(told[0][1], rows[0], len(told))

    def _tell_of_others(self, count: int, note: str) -> None:
        """A reward whose column is there and empty trains nobody, and nothing else says so: warn once."""
        before, self._others = self._others, self._others + count
        if before < FIRST_ROWS <= self._others:
            logger.warning("%s: none of the first %d rows is for this reward: %s", self.reward.name, self._others, note)

    def _other_task(self, row: Any) -> bool:
        """Whether a row has the reward's column, but nothing in it: a data set of several tasks."""
        try:
            self.reward.coerce({key: value for key, value in row.items() if value is not None})
        except Exception as error:
            names = getattr(error, "names", ())
            return any(name in row for name in names)
        return False

    def _error(self, note: str, row: Any, count: int) -> ConfigurationError:
        there = ", ".join(sorted(map(str, row))) if isinstance(row, Mapping) else "none"
        found = ", ".join(sorted({str(key) for key in Row(row)})) if isinstance(row, Mapping) else ""
        return ConfigurationError(
            f"{self.reward.name} could read none of the first {count} rows: {note.removeprefix(UNUSABLE)}; the "
            f"columns that are there: {there}" + (f" (with a value: {found})" if found else "")
        )


def _unreadable(status: str, note: str) -> bool:
    return status == INAPPLICABLE or (status == UNSCORED and note.startswith(UNUSABLE))


# -- one for each reward and its options ------------------------------------------------------------------------------

_made: dict[str, FrameworkReward] = {}
_lock = threading.Lock()


def framework_reward(
    name: str, options: Mapping[str, Any], *, alone: bool = False, shared: bool = False
) -> FrameworkReward:
    """Return the reward of a name with these options and those of the configuration.

    With ``shared`` equal ones are built once a process: for single calls that come from anywhere.

    Raises:
        UnknownName: no such reward, option, variable or table of the configuration.
        ConfigurationError: an option's value is not possible.
    """
    settled = resolve(name, options)
    key = json.dumps([name, alone, settled.own, settled.adapter], sort_keys=True, default=repr)
    found = _made.get(key) if shared else None
    if found is None:
        found = FrameworkReward(_built(name, settled), settled.adapter, alone=alone)
        if shared:
            with _lock:
                found = _made.setdefault(key, found)
        announce(name, found.signature, settled)
    return found


def _built(name: str, settled: Options) -> Reward[Any]:
    """The reward, or one that asks the service that the options name."""
    service = settled.adapter.get("service")
    if not service:
        for option in ("service_deadline_s", "service_batch"):
            if option in settled.adapter:
                raise ConfigurationError(f"{option} goes with service")
        return create(name, **settled.own)
    reward = _described(name, settled.own)
    from table_rewards.frameworks.serving.client import BATCH, DEADLINE_S, ServiceReward

    deadline_s, batch = (
        settled.adapter.get("service_deadline_s", DEADLINE_S),
        settled.adapter.get("service_batch", BATCH),
    )
    return ServiceReward(reward, str(service), deadline_s=deadline_s, batch=batch)


def _described(name: str, options: Mapping[str, Any]) -> Reward[Any]:
    """The reward that a service computes: one that asks a model needs no endpoint here."""
    try:
        return create(name, **options)
    except ConfigurationError:
        if options.get("endpoints") or "endpoints" not in find(name).option_names():
            raise
        return create(name, **{**options, "endpoints": NOT_ASKED_HERE})


Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """What ``make`` gave for the same keyword arguments before, found in microseconds.

    A function's keywords are the same objects in every call, so their identities tell them apart; a change of the
    library's environment variables counts as well.
    """

    def __init__(self, make: Callable[[str, Mapping[str, Any]], Made]) -> None:
        self._make = make
        self._found: OrderedDict[Any, tuple[Made, Any]] = OrderedDict()

    def get(self, name: str, options: Mapping[str, Any]) -> Made:
        handle = (name, *_environment(), *options, *map(id, options.values()))
        known = self._found.get(handle)
        if known is not None:
            return known[0]
        made = self._make(name, options)
        with _lock:
            self._found[handle] = (made, tuple(options.values()))  # held, so that no other object gets their ids
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return made


_ENVIRONMENT: Final[Any] = getattr(os.environ, "_data", os.environ)  # the encoded mapping: ten times as fast to scan
_ENCODED: Final[Any] = next((type(key) for key in _ENVIRONMENT), str)
_OURS: Final[Any] = PREFIX.encode() if _ENCODED is bytes else PREFIX
_scanned: tuple[Any, tuple[Any, ...]] = ({}, ())


def _environment() -> tuple[Any, ...]:
    """The library's variables; scanned anew when any variable has changed, which a comparison tells in less time."""
    global _scanned
    before, ours = _scanned
    if before != _ENVIRONMENT:
        before = dict(_ENVIRONMENT)
        ours = tuple(item for item in before.items() if item[0].startswith(_OURS))
        _scanned = before, ours
    return ours


_announced: set[str] = set()


def announce(name: str, signature: str, options: Options) -> None:
    """Say once a process which reward starts, with which options in force and where each came from."""
    line = f"table_rewards: {name}: {signature}; options: {options}"
    if line not in _announced:
        _announced.add(line)
        sys.stderr.write(f"{line}\n")


# -- what frameworks pass ---------------------------------------------------------------------------------------------


def step_of(*places: Any) -> int | None:
    """Return the training step from the first place that has one.

    >>> step_of(None, {"global_steps": 300})
    300
    """
    for place in places:
        if isinstance(place, (dict, Mapping)):
            for key in STEP_KEYS:
                value = place.get(key)
                if value is None:
                    continue
                value = plain(value)
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


def grouped(prompts: Sequence[Hashable], size: int | None = None) -> list[Hashable]:
    """Labels of the groups in a batch: equal prompts on end, at most ``size`` of them where the trainer's is known.

    Two rows of a data set may have one prompt, and yet be two groups.

    >>> [label[-1] for label in grouped(["a", "a", "b", "a", "a", "a"], 2)]
    [0, 0, 1, 2, 2, 3]
    """
    labels: list[Hashable] = []
    number = begun = 0
    for i, prompt in enumerate(prompts):
        if i and (prompt != prompts[i - 1] or (size and i - begun >= size)):
            number, begun = number + 1, i
        labels.append((prompt, number))
    return labels


def group_size(depth: int = 16) -> int | None:
    """The rollouts of a prompt, from the trainer among the callers; None when there is none."""
    frame = sys._getframe(1)
    for _ in range(depth):
        size = getattr(frame.f_locals.get("self"), "num_generations", None)
        if isinstance(size, int) and size > 0:
            return size
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


def in_training(depth: int = 16) -> bool:
    """Whether the trainer that calls is training: False within a trainer whose model is in evaluation mode.

    TRL and ms-swift tell a reward nothing of it, but one of the callers is the trainer.
    """
    frame = sys._getframe(1)
    for _ in range(depth):
        model = getattr(frame.f_locals.get("self"), "model", None)
        training = getattr(model, "training", None)
        if isinstance(training, bool):
            return training
        if frame.f_back is None:
            break
        frame = frame.f_back
    return True
