"""Rewards for TRL: ``GRPOTrainer(reward_funcs=[trl.table_bench, trl.reward("table_region", weight=0.7)], ...)``.

The trainer calls a reward function once a batch with ``prompts``, ``completions``, the data set's columns as lists, and
(1.0 and later) functions that log. Every reward of the registry is here under its name, for the command line as well:
``trl grpo --reward_funcs table_rewards.frameworks.trl.table_bench``; ``reward`` makes one with options. This module
does not import trl.

A sample that could not be scored gets the mean of its prompt's scored completions. TRL has None for "not scored", but
takes it for 0 in the sum over several reward functions, and before 1.6 always; ``unscored="none"`` sends it. A row that
holds no reference of a reward gets None from it in any case, as TRL's pattern for several tasks has it.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from table_rewards.core import registry
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.core.scores import INAPPLICABLE, SCORED, UNSCORED, Scores
from table_rewards.frameworks.framework_reward import (
    FrameworkReward,
    announce,
    framework_reward,
    group_size,
    grouped,
    in_training,
    rows_of,
    step_of,
)
from table_rewards.frameworks.options import ADAPTER_OPTIONS, Options, configured
from table_rewards.frameworks.swift_metrics import Tally

NONE: Final = "none"
NOT_COLUMNS: Final = frozenset({"completion_ids", "environments"})
"""Lists of the batch's length that TRL adds on its own."""

SUFFIX: Final = "_async"

logger = logging.getLogger("table_rewards")


class RewardFunction:
    """A reward as TRL calls it; made by `reward`, picklable, one float or None a completion.

    Attributes:
        reward: the reward behind it.
    """

    def __init__(self, which: str | Reward[Any], label: str | None, options: Mapping[str, Any]) -> None:
        self._made_of = (which, label, dict(options))
        given = dict(options)
        self._none = given.get("unscored") == NONE
        if self._none:
            del given["unscored"]  # counted, and stopped at the ceiling, like any other
        self._chosen = framework_reward(which, given) if isinstance(which, str) else _made_reward(which, given)
        self.reward: Reward[Any] = self._chosen.reward
        self.__name__ = label or self.reward.name  # TRL logs rewards/<name>/mean
        _tell_of_namesakes(self)

    def __call__(
        self, completions: Sequence[Any], prompts: Sequence[Any] | None = None, **columns: Any
    ) -> list[float | None]:
        """Score a batch: a float a completion; None for one whose row is not for this reward, and, under
        ``unscored="none"``, for an unscored one.
        """
        rows, step = self._rows(completions, prompts, columns), _step(columns)
        scores = self.reward(completions, rows, step=step)
        self._chosen.observe(completions, scores, step)
        return self._told(scores, rows, columns)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.reward.signature}>"

    def _rows(
        self, completions: Sequence[Any], prompts: Sequence[Any] | None, columns: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        rows = rows_of({key: column for key, column in columns.items() if key not in NOT_COLUMNS}, len(completions))
        if prompts is not None:
            rows = [{**row, "prompt": prompt} for row, prompt in zip(rows, prompts, strict=True)]
        return rows

    def _told(
        self, scores: Scores, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]
    ) -> list[float | None]:
        """Fill, count and log what came of a batch."""
        training = in_training()
        self._chosen.check_first(scores, rows, training)
        prompts = [_prompt(row) for row in rows]
        groups = grouped(prompts, group_size())
        filled = self._chosen.policy.fill(scores, prompts, groups=groups, training=training)[:, 0].tolist()
        nothing = (INAPPLICABLE, UNSCORED) if self._none else (INAPPLICABLE,)
        values = [
            None if status in nothing else value for value, status in zip(filled, scores.status.tolist(), strict=True)
        ]
        log_metric, log_extra = columns.get("log_metric"), columns.get("log_extra")
        if callable(log_metric):
            tally = Tally()
            tally.record(self.__name__, scores)
            for metric, value in tally.drain().items():
                log_metric(metric, value)
        if callable(log_extra):
            log_extra(f"{self.__name__}/note", _notes(scores))
        return values


class AsyncRewardFunction(RewardFunction):
    """The same as a coroutine: TRL (0.28 and later) lets such functions wait at the same time."""

    def __init__(self, which: str | Reward[Any], label: str | None, options: Mapping[str, Any]) -> None:
        super().__init__(which, label, options)
        _mark_as_coroutine_function(self)

    async def __call__(  # type: ignore[override]
        self, completions: Sequence[Any], prompts: Sequence[Any] | None = None, **columns: Any
    ) -> list[float | None]:
        rows, step = self._rows(completions, prompts, columns), _step(columns)
        scores = await self.reward.score(completions, rows, step=step)
        self._chosen.observe(completions, scores, step)
        return self._told(scores, rows, columns)


def reward(
    which: str | Reward[Any], /, *, label: str | None = None, asynchronous: bool = False, **options: Any
) -> RewardFunction:
    """Make a reward function for TRL's trainers (``GRPOTrainer``, ``RLOOTrainer``).

    Args:
        which: a reward's registry name, or a reward.
        label: its name in TRL's logs; two functions of one trainer need different ones. None: the reward's name.
        asynchronous: a coroutine function, so that several rewards which ask a model wait at the same time.
        options: the reward's options (with a name only), ``unscored`` (``neutral``, ``none``, ``raise`` or a number)
            and ``unscored_ceiling``. What is not given here comes from ``TABLE_REWARDS_CONFIG`` and the environment.

    >>> table_bench = reward("table_bench", metric="em")
    >>> table_bench(prompts=["How many?"] * 2, completions=["Final Answer: 7", "Final Answer: 8"], answer=["7", "7"])
    [1.0, 0.0]

    Raises:
        UnknownName: no such reward or option.
        ConfigurationError: an option's value is not possible.
    """
    kind = AsyncRewardFunction if asynchronous else RewardFunction
    return kind(which, label, {**_configured(which), **options})


def __getattr__(name: str) -> RewardFunction:
    """Every reward of the registry under its name, and with ``_async`` behind it as a coroutine function."""
    if not name.startswith("_"):
        known = registry.names()
        base = name.removesuffix(SUFFIX)
        if name in known or base in known:
            globals()[name] = made = reward(name if name in known else base, asynchronous=name not in known)
            return made
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; rewards: {', '.join(known)}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_alive: weakref.WeakSet[RewardFunction] = weakref.WeakSet()


def _tell_of_namesakes(made: RewardFunction) -> None:
    """TRL keeps its logs by name: two different functions of one name share theirs without a word."""
    others = {other.reward.signature for other in _alive if other.__name__ == made.__name__}
    if others - {made.reward.signature}:
        logger.warning(
            "two reward functions are named %s, and TRL will log them as one: %s and %s; give each a label",
            made.__name__,
            made.reward.signature,
            ", ".join(sorted(others - {made.reward.signature})),
        )
    _alive.add(made)


def _configured(which: str | Reward[Any]) -> dict[str, Any]:
    return configured(which) if isinstance(which, str) else {}


def _made_reward(made: Reward[Any], options: Mapping[str, Any]) -> FrameworkReward:
    unknown = [option for option in options if option not in ADAPTER_OPTIONS]
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]} comes too late for a reward that is made: give it to {type(made).__name__}; "
            f"here are {', '.join(ADAPTER_OPTIONS)}"
        )
    chosen = FrameworkReward(made, options)
    announce(made.name, chosen.signature, Options(adapter=dict(options), sources=dict.fromkeys(options, "argument")))
    return chosen


def _step(columns: Mapping[str, Any]) -> int | None:
    return step_of({"step": getattr(columns.get("trainer_state"), "global_step", None)})


def _prompt(row: Mapping[str, Any]) -> Hashable:
    """What the completions of one prompt have in common: all columns but images, which are loaded anew for each."""
    shared = {key: value for key, value in row.items() if key not in ("image", "images")}
    return hashlib.blake2b(repr(shared).encode("utf-8", "replace"), digest_size=16).digest()


def _notes(scores: Scores) -> list[str]:
    """For TRL's table of completions: why a sample has the score it has; empty where there is nothing to say."""
    return [
        note if status == SCORED else f"{status}: {note}"
        for note, status in zip(scores.notes, scores.status.tolist(), strict=True)
    ]


def _mark_as_coroutine_function(function: Callable[..., Any]) -> None:
    """Older TRLs ask of the object, not of its ``__call__``, whether it is one."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:  # Python 3.12
        mark(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
