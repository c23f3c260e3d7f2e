"""The official verdicts of WikiTableQuestions, and what of a completion is its answer."""

from __future__ import annotations

import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.evaluation.denotation.answers import judge
from table_rewards.evaluation.denotation.values import normalised, right, values

FIXTURE = pathlib.Path(__file__).parents[3] / "fixtures" / "table_r1" / "denotation_verdicts.jsonl"
CASES = [json.loads(line) for line in FIXTURE.read_text("utf-8").splitlines()]


def test_every_verdict_is_the_official_evaluators():
    assert {case["right"] for case in CASES} == {True, False}
    for case in CASES:
        gold = values(case["gold"], case["canonical"])
        assert right(gold, values(case["predicted"])) is case["right"], case
        assert [normalised(text) for text in case["gold"]] == case["normalised"], case


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_an_answer_is_right_for_itself_in_any_order(items):
    assert right(values(items), values(items[::-1]))
    assert normalised(normalised(items[0])) is not None


@given(st.text(alphabet='[]()•* "a1', max_size=40))
def test_hostile_brackets_are_cut_in_no_time_and_never_add_anything(text):
    assert len(normalised(text * 50)) <= len(text) * 50


@pytest.mark.parametrize(
    ("completion", "gold"),
    [
        ("So.\nFinal Answer: Italy", ["Italy"]),
        ("**Final Answer:** italy.", ["Italy"]),
        ("Final Answer: 3.0", ["3"]),
        ("Final Answer: Rome, Paris", ["Paris", "Rome"]),
        ("Final Answer: Rome|Paris", ["Paris", "Rome"]),
        ("Final Answer: Rome, Italy", ["Rome, Italy"]),
        ("Final Answer: Oslo, Norway, Rome, Italy", ["Rome, Italy", "Oslo, Norway"]),
        ("<think>Final Answer: Rome</think>Final Answer: Paris<|im_end|>", ["Paris"]),
    ],
)
def test_a_right_answer_in_natural_form_is_right(completion, gold):
    assert judge(completion, values(gold)).right


@pytest.mark.parametrize(
    ("completion", "gold"),
    [
        ("Italy", ["Italy"]),
        ("Final Answer: Rome, Paris, Oslo", ["Paris", "Rome"]),
        ("Final Answer: Rome", ["Paris", "Rome"]),
        ("Final Answer: Rome, Rome", ["Paris", "Rome"]),
        ("Final Answer: Rome, Paris", ["Paris"]),
        ("<think>Final Answer: Paris", ["Paris"]),
        ("Final Answer: 1,000", ["1000"]),
        ("Final Answer: 1_000", ["1000"]),  # no number in the Python of the official evaluator
        ("", ["Paris"]),
    ],
)
def test_a_wrong_answer_is_wrong(completion, gold):
    assert not judge(completion, values(gold)).right


def test_the_tolerant_verdict_reads_numbers_as_people_write_them_and_no_wrong_one():
    assert judge("Final Answer: 1,000", values(["1000"])).alike
    assert not judge("Final Answer: 1,001", values(["1000"])).alike
    assert not judge("Final Answer: 1,000, 7", values(["1000"])).alike
