"""Every reward of the registry keeps the contract, on the data that the demonstration shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from table_rewards import Judgement, TableBench, create
from table_rewards.commands.demo import Entry, entries
from table_rewards.commands.demo_scripts import script
from table_rewards.core import registry
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import read_rows
from table_rewards.testing import contract
from table_rewards.testing.chat_server import ChatServer
from table_rewards.testing.contract import CHECKS, Samples
from table_rewards.testing.hostile import HOSTILE_COMPLETIONS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
COMPLETIONS = ("completion", "prediction")

NOT_FOR = {
    # A group is judged together: alone, a completion is another question. Its page says what a part of a group costs.
    "group_judge": {"splitting_does_not_matter", "a_poisoned_sample_touches_no_other"},
}


def entry_of(name: str) -> Entry:
    """The demonstration's entry for a reward, the one without a server where there are two."""
    mine = [entry for entry in entries() if entry.reward == name]
    assert mine, f"no entry for {name} in fixtures/demo.toml"
    return min(mine, key=lambda entry: entry.script is not None)


@pytest.fixture(scope="module", params=sorted(registry.BUILTIN))
def samples(request: pytest.FixtureRequest) -> Iterator[Samples]:
    entry = entry_of(request.param)
    path = FIXTURES / entry.file
    rows = list(islice(read_rows(path), 6))
    column = entry.completion or next(name for name in COMPLETIONS if name in rows[0])
    references: list[Any] = [row[entry.reference] for row in rows] if entry.reference else rows
    if entry.reward == "table_bench":
        references = [{**row, "answer": row["reference"]} for row in rows]
    with ExitStack() as stack:
        options = dict(entry.options)
        if entry.script:
            server = stack.enter_context(ChatServer(reply=script(entry.script, path), model="scripted"))
            options["endpoints"] = server.url
        reward: Reward[Any] = create(entry.reward, **options)
        few = HOSTILE_COMPLETIONS if not reward.waits else HOSTILE_COMPLETIONS[:8]
        yield Samples(reward, [row[column] for row in rows], references, few)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_reward(samples: Samples, check: Callable[[Samples], None]) -> None:
    if check.__name__ in NOT_FOR.get(samples.reward.name, ()):
        with pytest.raises(AssertionError):
            check(samples)
    else:
        check(samples)


class Prints(TableBench):
    """Breaks promises on demand, to see that the checks notice."""

    name = "prints"
    breaks = "prints_nothing"

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        if self.breaks == "prints_nothing":
            print("debugging")
        judged = list(super().judge_all(completions, references, step))
        if self.breaks == "order_does_not_matter":
            judged[0] = Judgement(0.123, judged[0].parts)
        if self.breaks == "gives_one_score_a_sample":
            judged[0] = judged[0]._replace(value=float("inf"))
        return judged


@pytest.mark.parametrize(
    "broken",
    ["prints_nothing", "order_does_not_matter", "gives_one_score_a_sample"],
)
def test_a_reward_that_breaks_a_promise_is_caught(broken: str) -> None:
    reward = Prints()
    reward.breaks = broken
    with pytest.raises(AssertionError):
        getattr(contract, broken)(Samples(reward, ["Final Answer: 7", "Final Answer: 8"], ["7", "7"]))
