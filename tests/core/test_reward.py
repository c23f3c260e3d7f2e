"""The base class: references in any form, equal pairs once, failures unscored, misuse loud."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from table_rewards import ConfigurationError, Judgement, Reward, ScorerFailed, TableBench, UnknownName
from table_rewards.core.completion import completion_text
from table_rewards.core.errors import BadReference


@dataclass(frozen=True)
class Wanted:
    text: str


class Equals(Reward[Wanted]):
    """1 when the completion is the reference; fails on demand."""

    name = "equals"
    reference_type = Wanted

    def __init__(self, *, profile: str = "corrected") -> None:
        super().__init__(profile=profile)  # type: ignore[arg-type]
        self.parts = ("same",)
        self.judged: list[str] = []

    def reference(self, row: Mapping[str, Any]) -> Wanted:
        if "answer" not in row:
            raise BadReference("no 'answer'")
        return Wanted(row["answer"])

    def natural(self, value: Any) -> Wanted:
        return Wanted(str(value))

    def judge(self, completion: str, reference: Wanted, step: int | None) -> Judgement:
        self.judged.append(completion)
        if completion == "bug":
            raise KeyError("ours")
        if completion == "outage":
            raise ScorerFailed("endpoint down")
        value = float(completion == reference.text)
        return Judgement(value, (value,))


class Breaks(Equals):
    """Its batch path breaks when a poisoned sample is in the batch."""

    name = "breaks"

    def judge_all(self, completions: Sequence[str], references: Sequence[Wanted], step: int | None) -> list[Judgement]:
        if "bug" in completions:
            raise RuntimeError("the whole batch")
        return [self.judge(c, r, step) for c, r in zip(completions, references, strict=True)]


def test_equal_pairs_are_judged_once() -> None:
    reward = Equals()
    scores = reward(["a", "a", "b", "a"], ["a", "a", "a", {"answer": "a"}])
    assert scores.values.tolist() == [1.0, 1.0, 0.0, 1.0]
    assert reward.judged == ["a", "b"]


@pytest.mark.parametrize("reward_type", [Equals, Breaks])
def test_our_own_bug_is_unscored_and_touches_no_neighbour(
    reward_type: type[Equals], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "table_rewards"):
        scores = reward_type()(["a", "bug", "b"], ["a", "a", "a"])
    assert scores.status.tolist() == ["scored", "unscored", "scored"]
    assert np.isnan(scores.values[1])
    assert "internal error: KeyError" in scores.notes[1]
    assert caplog.records, "a failure of ours is loud"


def test_a_failed_scorer_is_unscored_not_wrong() -> None:
    score = Equals()(["outage"], ["a"])[0]
    assert (score.status, score.note) == ("unscored", "endpoint down")
    assert np.isnan(score.value)


def test_a_missing_key_names_itself() -> None:
    scores = Equals()(["a", "a"], [{"anwser": "a"}, "a"])
    assert scores.status.tolist() == ["unscored", "scored"]
    assert scores.notes[0] == "reference unusable: no 'answer'"


@pytest.mark.parametrize(
    ("completions", "references", "message"),
    [
        (["a"], ["a", "b"], "1 completions but 2 references"),
        ("one text", ["a"], "not a single text"),
        (["a"], "one reference", "not a single reference"),
        (["a"], {"answer": "a"}, "not a single reference"),
    ],
)
def test_misuse_raises_at_once(completions: Any, references: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Equals()(completions, references)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"unknown profile 'relased' \(did you mean 'released'\?\)"):
        Equals(profile="relased")


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        (None, ""),
        (b"caf\xc3\xa9", "café"),
        ({"role": "assistant", "content": "x"}, "x"),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}], "x"),
        ([], ""),
        (np.str_("x"), "x"),
    ],
)
def test_completions_in_every_form_that_trainers_pass(completion: Any, text: str) -> None:
    assert completion_text(completion) == text


def test_score_is_the_same_without_blocking() -> None:
    reward = TableBench()
    plain = reward(["Final Answer: 7", "x"], ["7", "7"])
    assert asyncio.run(reward.score(["Final Answer: 7", "x"], ["7", "7"])).equals(plain)


def test_numpy_columns_are_batches_too() -> None:
    scores = TableBench()(np.array(["Final Answer: 7"], dtype=object), np.array(["7"], dtype=object))
    assert scores.values.tolist() == [1.0]
