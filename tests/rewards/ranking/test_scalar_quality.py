"""The scalar quality reward."""

from __future__ import annotations

import json
import pathlib
import pickle

import numpy as np
import pytest

from table_rewards import ConfigurationError, ScalarQuality

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "grrm"


@pytest.mark.parametrize("row", [json.loads(x) for x in (FIXTURES / "qualities.jsonl").read_text("utf-8").splitlines()])
def test_the_fixture_rows(row):
    assert ScalarQuality()([row["completion"]], [row]).values.tolist() == pytest.approx([row["expected"]])


def test_a_completion_of_one_line_is_read_whole():
    """M3: released, "10" is read as 0 and "Score 7" as 7 by its last character."""
    assert ScalarQuality()(["10", "Score: 10", "score = 9.5"], [10, 10, 10]).values.tolist() == [1.0, 1.0, 0.9]
    released = ScalarQuality(profile="released")(["10", "Score 7"], [10, 7])
    assert released.values.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "line",
    [
        r"\boxed{9}", r"$\boxed{9}$", r"\(9\)", "$9$", "<answer>9</answer>", "<answer>\n9\n</answer>",
        "<score>9</score>", r"Score: \boxed{9}", r"**Score: $\boxed{9}$**", r"**\boxed{9}**",
        "The score is 9.", "> 9", "Rating: 9 out of 10", "Score: 9 points", "分数：9分",
        "Score: <answer>9</answer>", "<answer>Score: 9</answer>", r"<answer>\boxed{9}</answer>", "<Answer>9</Answer>",
    ],
)  # fmt: skip
def test_a_score_in_the_marks_of_an_answer_is_read(line):
    assert ScalarQuality()([f"It reads well.\n{line}"], [9]).values.tolist() == [1.0]


@pytest.mark.parametrize(
    "line",
    [
        r"\boxed{8} or \boxed{9}",
        r"\boxed{}",
        "<answer></answer>",
        "$8$ to $9$",
        r"\boxed{8, 9}",
        "<answer>8</answer> 9",
        "</answer>",
    ],
)
def test_marks_do_not_make_one_score_of_two_or_none(line):
    scores = ScalarQuality()([f"It reads well.\n{line}"], [9])
    assert (scores.values.tolist(), scores.status.tolist()) == ([0.0], ["unparsed"])


def test_the_released_map_and_its_cut_of_decimals():
    texts = [f"why\n{score}" for score in ("7", "7.9", "8", "9", "10", "11", "3", "107", "seven")]
    scores = ScalarQuality(profile="released")(texts, [7] * len(texts))
    assert scores.values.tolist() == [1.0, 1.0, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0]
    assert scores.parts["valid"].tolist() == [1.0] * 8 + [0.0]


def test_credit_falls_with_the_distance():
    texts = [f"why\n{score:g}" for score in np.arange(0, 10.5, 0.5)]
    values = ScalarQuality()(texts, [0] * len(texts)).values
    assert values[:9].tolist() == pytest.approx([1, 0.9, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0])
    assert not values[9:].any()
    assert (np.diff(values) <= 0).all()


def test_references_and_their_failures():
    scores = ScalarQuality()(["8"] * 6, [8, "8", np.int64(8), {"ground_truth": "8"}, {"score": 8.0}, "eight"])
    assert scores.status.tolist() == ["scored"] * 5 + ["unscored"]
    assert scores.values[:5].tolist() == [1.0] * 5


def test_hostile_answers_cost_next_to_nothing():
    poison = ["9" * 1_000_000, "\n" * 1_000_000, ":" * 1_000_000, "8" + "\n---" * 200_000, "\ud800"]
    scores = ScalarQuality()(poison, [8] * len(poison))
    assert set(scores.status) == {"unparsed"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error_credit": {1: 0.5}}, "distance 0"),
        ({"error_credit": {0: 0.5, 1: 0.9}}, "must not grow"),
        ({"error_credit": 3}, "must map"),
        ({"score_range": (5, 5)}, "must go up"),
        ({"score_range": (0, 100), "profile": "released"}, "leave these options out"),
    ],
)
def test_misconfiguration_is_an_error_at_once(options, message):
    with pytest.raises(ConfigurationError, match=message):
        ScalarQuality(**options)


def test_other_ranges_and_credits():
    reward = ScalarQuality(score_range=(0, 100), error_credit={0: 1, 10: 0.5})
    assert reward(["why\n85/100", "why\n80", "why\n60"], [90, 90, 90]).values.tolist() == [0.75, 0.5, 0.0]
    assert pickle.loads(pickle.dumps(reward)).signature == reward.signature
