"""Rewards for ms-swift 3.x and 4.x: classes for ``orms``, made for the ORM class of the swift that is there.

This module does not import swift; the adapter file does and calls `register`. One synchronous ``__call__`` works on
every version. Options come from the environment (``TABLE_REWARDS_TABLE_BENCH_METRIC=em``) or from the TOML file
that ``TABLE_REWARDS_CONFIG`` names, never from constructor parameters: swift 3.x fills those with training
arguments of the same name.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from table_rewards.core import registry
from table_rewards.core.scores import INAPPLICABLE
from table_rewards.frameworks import swift_metrics
from table_rewards.frameworks.framework_reward import (
    FrameworkReward,
    framework_reward,
    grouped,
    in_training,
    rows_of,
    step_of,
)

ALIASES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "TEDS": ("teds", {}),
    "QA_F1_score": ("qa_f1", {}),
}
"""The published names: reward and options."""


def register(orms: MutableMapping[str, Any], base: type[Any]) -> tuple[str, ...]:
    """Put a class for every reward into swift's ``orms`` and return their names.

    Those that a user's own file registers later follow, so that the order of ``--external_plugins`` is free. Each has
    a class name of its own, as swift logs ``rewards/<class name>/mean``: ``TableBench`` for ``table_bench``, and the
    published names for themselves.
    """
    names = registry.names()

    made = {name: _of_its_name(name, base) for name in names}
    made.update(
        (alias, make(reward, alias, options, base)) for alias, (reward, options) in ALIASES.items() if reward in names
    )
    orms.update(made)
    registry.watch(lambda name: orms.update({name: _of_its_name(name, base)}))
    return tuple(made)


def _of_its_name(reward: str, base: type[Any]) -> type[Any]:
    return make(reward, reward.title().replace("_", ""), {}, base)


def make(reward: str, class_name: str, options: Mapping[str, Any], base: type[Any] = object) -> type[Any]:
    """Make the swift class of a reward.

    >>> TableBench = make("table_bench", "TableBench", {})
    >>> TableBench()(["Final Answer: 7", "?"], solution=["7", "7"], trainer_state=None)
    [1.0, 0.0]
    """

    def init(self: Any, args: Any = None, **kwargs: Any) -> None:
        self.args = args
        self.chosen = framework_reward(reward, options)

    def call(self: Any, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return score(self.chosen, completions, columns)

    body = {
        "__init__": init,
        "__call__": call,
        "__doc__": f"The `{reward}` reward of table_rewards.",
        "__module__": __name__,
    }
    return type(class_name, (base,), body)


def score(chosen: FrameworkReward, completions: Sequence[Any], columns: Mapping[str, Any]) -> list[float | None]:
    """Score swift's batch: one finite float a completion, None where the row is not for this reward.

    The columns are lists of the batch's length, one value a row; what is no such list (``trainer_state``) is not a
    column. Values are shared with other rewards and never changed here. swift leaves None out of its weighted sum.

    Raises:
        ConfigurationError: no row of the first training batch could be read; names the columns that are there.
        TooManyUnscored: the ceiling is or was passed, in training.
    """
    n = len(completions)
    rows = rows_of(columns, n)
    training = in_training()
    state = columns.get("trainer_state")
    step = step_of({"step": getattr(state, "global_step", None)})
    scores = chosen.reward(completions, rows, step=step)
    chosen.observe(completions, scores, step)
    chosen.check_first(scores, rows, training)
    swift_metrics.record(chosen.reward.name, scores)
    prompts = [_prompt(row, i) for i, row in enumerate(rows)]
    groups = grouped(prompts)
    values = chosen.policy.fill(scores, prompts, groups=groups, training=training)[:, 0].tolist()
    assert len(values) == n, "swift broadcasts a list of one to the whole batch; ours must have its length"
    return [
        None if status == INAPPLICABLE else value for value, status in zip(values, scores.status.tolist(), strict=True)
    ]


def _prompt(row: Mapping[str, Any], index: int) -> Hashable:
    messages = row.get("messages")
    if isinstance(messages, (list, tuple)) and len(messages) > 1:
        # prompt_id starts again at prompt_0 in every batch; prompts about images may have one text for all of them
        return repr((messages[:-1], row.get("solution"), row.get("qa_pairs")))
    return ("prompt_id", str(row.get("prompt_id", index)))
