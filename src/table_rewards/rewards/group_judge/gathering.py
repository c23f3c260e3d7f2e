"""Calls that each bring a part of a group wait for each other, and one of them judges it whole.

Trainers that score one completion a call do so from many threads or tasks of one process. The first call of a group
opens a gathering; the call that completes it, or else the first whose patience ends, judges it for all.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from table_rewards.core.forking import renew_after_fork
from table_rewards.core.scores import Judgement
from table_rewards.rewards.group_judge.reference import GroupReference


class JudgesTogether(Protocol):
    """The reward whose groups are gathered."""

    group_size: int | None
    gather_s: float

    @property
    def signature(self) -> str: ...

    @property
    def pool(self) -> Any: ...

    def judge_together(self, completions: Sequence[str], references: Sequence[GroupReference]) -> list[Judgement]: ...

    async def judge_together_async(
        self, completions: Sequence[str], references: Sequence[GroupReference]
    ) -> list[Judgement]: ...

    def unscored(self, note: str) -> Judgement: ...


_lock = threading.Lock()
_open: dict[Any, _Gathering] = {}


@dataclass(eq=False)
class _Gathering:
    """The completions of one group so far, and their judgements to come."""

    key: Any
    until: float
    completions: list[str] = field(default_factory=list)
    references: list[GroupReference] = field(default_factory=list)
    judged: Future[list[Judgement]] = field(default_factory=Future)

    def close(self) -> bool:
        """Let nobody else in. True for the one caller who now has to judge."""
        with _lock:
            if _open.get(self.key) is not self:
                return False
            del _open[self.key]
            return True


@dataclass(eq=False, slots=True)
class _Part:
    """What one call brings to a gathering: which of its samples, from which place on, and whether it has to judge."""

    gathering: _Gathering
    samples: list[int]
    start: int
    judges: bool

    def own(self, judged: Sequence[Judgement]) -> list[Judgement]:
        return list(judged[self.start : self.start + len(self.samples)])


def gather(
    reward: JudgesTogether, keys: Sequence[Any], completions: Sequence[str], references: Sequence[GroupReference]
) -> list[Judgement]:
    """Judge each sample with its whole group, waiting for other threads to bring the rest of it."""
    parts = _join(reward, keys, completions, references)
    for part in parts:
        if part.judges:
            _judge(reward, part.gathering)
    found: dict[int, Judgement] = {}
    for part in parts:
        gathering = part.gathering
        if not part.judges:
            wait({gathering.judged}, max(0.0, gathering.until - time.monotonic()))
            if gathering.close():
                _judge(reward, gathering)
        found.update(zip(part.samples, part.own(gathering.judged.result()), strict=True))
    return [found[i] for i in range(len(completions))]


async def gather_async(
    reward: JudgesTogether, keys: Sequence[Any], completions: Sequence[str], references: Sequence[GroupReference]
) -> list[Judgement]:
    """The same from a running loop, waiting for other tasks and threads."""
    parts = _join(reward, keys, completions, references)
    found: dict[int, Judgement] = {}

    async def settle(part: _Part) -> None:
        gathering = part.gathering
        if part.judges:
            await _judge_async(reward, gathering)
        judged = asyncio.wrap_future(gathering.judged)
        await asyncio.wait({judged}, timeout=max(0.0, gathering.until - time.monotonic()))
        if not judged.done() and gathering.close():
            await _judge_async(reward, gathering)
        found.update(zip(part.samples, part.own(await asyncio.shield(judged)), strict=True))

    await asyncio.gather(*map(settle, parts))
    return [found[i] for i in range(len(completions))]


def _join(
    reward: JudgesTogether, keys: Sequence[Any], completions: Sequence[str], references: Sequence[GroupReference]
) -> list[_Part]:
    members: dict[Any, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault((reward.signature, reward.pool, key), []).append(i)
    parts = []
    with _lock:
        for key, samples in members.items():
            gathering = _open.get(key)
            if gathering is None:
                gathering = _open[key] = _Gathering(key, time.monotonic() + reward.gather_s)
            start = len(gathering.completions)
            gathering.completions.extend(completions[i] for i in samples)
            gathering.references.extend(references[i] for i in samples)
            whole = len(gathering.completions) >= (reward.group_size or 1)
            if whole:
                del _open[key]
            parts.append(_Part(gathering, samples, start, whole))
    return parts


def _judge(reward: JudgesTogether, gathering: _Gathering) -> None:
    try:
        judged = reward.judge_together(gathering.completions, gathering.references)
    except BaseException as error:
        gathering.judged.set_result(_lost(reward, gathering, error))
        raise
    gathering.judged.set_result(judged)


async def _judge_async(reward: JudgesTogether, gathering: _Gathering) -> None:
    try:
        judged = await reward.judge_together_async(gathering.completions, gathering.references)
    except BaseException as error:  # cancelled, perhaps: those who wait for us must not wait for ever
        gathering.judged.set_result(_lost(reward, gathering, error))
        raise
    gathering.judged.set_result(judged)


def _lost(reward: JudgesTogether, gathering: _Gathering, error: BaseException) -> list[Judgement]:
    note = f"the call that judged the group ended: {type(error).__name__}: {error}"
    return [reward.unscored(note)] * len(gathering.completions)


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _open.clear()


renew_after_fork(_forget)
