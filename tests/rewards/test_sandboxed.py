"""Rewards that run one job a sample: outcomes go to their cases, and nothing starts where nothing runs."""

from __future__ import annotations

import asyncio

import pytest

from table_rewards import UnitTests, WhiteBox
from table_rewards.rewards import sandboxed

ROW = {"inputs": ["1", "2"], "outputs": ["1", "2"]}
RIGHT, HALF, NONE = "```python\nprint(input())\n```", "```python\nprint(1)\n```", "I cannot write programs."


def test_outcomes_go_to_their_own_cases_past_those_without_a_job():
    reward = UnitTests(format_bonus=0)
    completions = [NONE, HALF, NONE, RIGHT, HALF, NONE]
    scores = reward(completions, [ROW] * 6)
    assert scores.values.tolist() == [0, 0.5, 0, 1, 0.5, 0]
    awaited = asyncio.run(reward.score(completions, [ROW] * 6))
    assert awaited.values.tolist() == scores.values.tolist()
    assert awaited.status.tolist() == scores.status.tolist() == ["unparsed", "scored", "unparsed", "scored", "scored",
                                                                 "unparsed"]  # fmt: skip
    assert list(awaited.notes) == list(scores.notes)


@pytest.mark.parametrize("reward", [UnitTests(), WhiteBox()], ids=["unit_tests", "white_box"])
def test_no_sandbox_is_asked_for_where_nothing_runs(reward, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a sandbox was asked for")

    monkeypatch.setattr(sandboxed, "get_sandbox", refuse)
    row = ROW if isinstance(reward, UnitTests) else {"code": "def f(a): return a", "input": "1", "output": "1"}
    assert reward([NONE, ""], [row] * 2).status.tolist() == ["unparsed"] * 2
    assert asyncio.run(reward.score([NONE], [row])).status.tolist() == ["unparsed"]
