"""Adjudicated answers by kind: each kind is a way in which a grader of mathematics went wrong before."""

from __future__ import annotations

import json
import math
import pathlib
from collections import defaultdict

import pytest

from table_rewards import Mathematics

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "mathematics"
CASES = [json.loads(line) for line in (FIXTURES / "cases.jsonl").read_text("utf-8").splitlines()]
KINDS = sorted({case["kind"] for case in CASES})


@pytest.mark.parametrize("kind", KINDS)
def test_every_adjudicated_answer_gets_its_verdict(kind):
    batches = defaultdict(list)
    for case in CASES:
        if case["kind"] == kind:
            batches[json.dumps(case.get("options", {})), type(case["completion"])].append(case)
    wrong = []
    for (options, _), cases in batches.items():
        reward = Mathematics(**json.loads(options))
        scores = reward([case["completion"] for case in cases], [case["reference"] for case in cases])
        for case, value in zip(cases, scores.values, strict=True):
            if math.isnan(value) and case.get("or_unscored"):
                continue
            if value != float(case["expect"] == "right"):
                wrong.append((case["completion"], case["reference"], value, case["why"]))
    assert not wrong


def test_a_gold_answer_that_can_be_read_is_never_left_unscored():
    """What may be unscored is scored all the same today; a step back would hide behind the permission."""
    allowed = [case for case in CASES if case.get("or_unscored")]
    scores = Mathematics()([case["completion"] for case in allowed], [case["reference"] for case in allowed])
    assert scores.counts["unscored"] == 0
