"""Answers as models write them: adjudicated completions, right ones in natural form and wrong ones that look alike."""

from __future__ import annotations

import collections
import json
import pathlib

import pytest

from table_rewards import create
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.scores import Score
from table_rewards.rewards.qa_f1.f1 import token_f1

FIXTURE = pathlib.Path(__file__).parents[2] / "fixtures" / "answers" / "cases.jsonl"
CASES = [json.loads(line) for line in FIXTURE.read_text("utf-8").splitlines()]
BATCHES = collections.defaultdict(list)
for _case in CASES:
    BATCHES[_case["kind"], _case["reward"], json.dumps(_case["options"], sort_keys=True)].append(_case)


def got(case, reward):
    """What a case earns: value, status and parts."""
    try:
        return reward([case["completion"]], [case["reference"]])[0]
    except ConfigurationError:  # a shape that is no completion, alone in its batch
        return None


def holds(expect, score):
    if "any" in expect:
        return any(holds(one, score) for one in expect["any"])
    if score is None:
        return expect.get("status") == "unscored"
    return (
        ("value" not in expect or abs(score.value - expect["value"]) <= 1e-6)
        and ("at_least" not in expect or score.value >= expect["at_least"] - 1e-9)
        and ("at_most" not in expect or score.value <= expect["at_most"] + 1e-9)
        and ("status" not in expect or score.status == expect["status"])
        and all(abs(score.parts[name] - part) <= 1e-6 for name, part in expect.get("parts", {}).items())
    )


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: f"{batch[0]}-{batch[1]}")
def test_each_case_earns_what_it_should(batch):
    _, name, options = batch
    wrong = []
    if name == "token_f1":
        for case in BATCHES[batch]:
            value = token_f1(case["completion"], case["reference"])
            if not holds(case["expect"], Score(value, {}, "scored", "")):
                wrong.append((case["id"], value))
    else:
        reward = create(name, **json.loads(options))
        for case in BATCHES[batch]:
            score = got(case, reward)
            if not holds(case["expect"], score):
                wrong.append((case["id"], score))
    assert not wrong
