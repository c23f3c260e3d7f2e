"""Judges that read log-probabilities: how sure, not only which word; never a guess where the server sends none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from table_rewards import GroupJudge, StepVerifier
from table_rewards.llm import TokenLogprob
from table_rewards.rewards.log_probabilities import expected_scores, verdict_probabilities
from table_rewards.testing.chat_server import ChatServer


def tokens(*said: str | tuple[str, dict[str, float]]) -> list[TokenLogprob]:
    listed = []
    for one in said:
        text, top = (one, {one: 1.0}) if isinstance(one, str) else one
        alternatives = tuple((name, math.log(p)) for name, p in top.items())
        listed.append(TokenLogprob(text, math.log(top.get(text, 1.0)), alternatives))
    return listed


def wire(listed: list[TokenLogprob]) -> dict[str, Any]:
    content = [
        {"token": t.token, "logprob": t.logprob, "top_logprobs": [{"token": n, "logprob": p} for n, p in t.top]}
        for t in listed
    ]
    return {"content": "".join(t.token for t in listed), "logprobs": {"content": content}}


SURE = ("CORRECT", {"CORRECT": 0.9, "IN": 0.1})
UNSURE = ("IN", {"CORRECT": 0.4, "IN": 0.6})


@pytest.mark.parametrize(
    ("said", "count", "probabilities"),
    [
        (["\\boxed{", SURE, "}"], 1, [0.9]),
        (["\\boxed{", UNSURE, "CORRECT", "}"], 1, [0.4]),
        ([("\\boxed{C", {"\\boxed{C": 0.7, "\\boxed{IN": 0.2, "x": 0.1}), "ORRECT}"], 1, [0.7 / 0.9]),
        (["<think>", "\\boxed{", UNSURE, "CORRECT", "}</think>", "\\boxed{", SURE, "}"], 1, [0.9]),  # a draft
        (["\\boxed{", SURE, "}", "\\boxed{", SURE, "}"], 1, None),
        (["<think>", "\\boxed{", SURE, "}"], 1, None),
        ([], 1, None),
    ],
)
def test_the_probability_of_a_verdict(said: list[Any], count: int, probabilities: list[float] | None) -> None:
    found = verdict_probabilities(tokens(*said), count)
    assert found == (None if probabilities is None else pytest.approx(probabilities))


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        (["A: ", ("8", {"8": 0.5, "6": 0.5}), ", B: ", "3"], [7, 3]),
        (["A:", (" 8", {" 8": 0.5, " 6": 0.5}), ", B: 3"], [7, 3]),
        (["A: ", ("10", {"10": 0.75, "6": 0.25}), ", B: 3."], [9, 3]),
        (["A: ", ("1", {"1": 0.75, "6": 0.25}), "0", ", B: 3"], [9, 3]),  # digits are tokens of their own
        (["A: ", ("6", {"1": 0.5, "6": 0.5}), ", B: 3"], [6, 3]),  # 1 or 10: left out
        (["A: 8"], None),
        ([], None),
    ],
)
def test_the_expected_score(said: list[Any], scores: list[float] | None) -> None:
    found = expected_scores(tokens(*said), ["A", "B"])
    assert found == (None if scores is None else pytest.approx(scores))


def test_a_step_verifier_counts_probabilities_and_is_unscored_without_them() -> None:
    said = tokens(
        "<step_verification><step>Seen. \\boxed{",
        SURE,
        "}</step></step_verification><final_verification>\\boxed{",
        UNSURE,
        "CORRECT",
        "}</final_verification>",
    )
    with ChatServer(reply=lambda request: wire(said)) as server:
        how = {"endpoints": server.url, "model": "m", "final_weight": 0.5}
        soft = StepVerifier(verdicts="probabilities", **how)(["<step>2+2=4</step>"], ["2+2?"])
        assert soft.values.tolist() == pytest.approx([0.5 * 0.4 + 0.5 * 0.9])
        assert server.received[0]["top_logprobs"] == 20
        assert StepVerifier(**how)(["<step>2+2=4</step>"], ["2+2?"]).values.tolist() == [0.5]
        server.reply = "".join(t.token for t in said)
        none = StepVerifier(verdicts="probabilities", **how)(["<step>2+2=4</step>"], ["other?"])
        assert none.status.tolist() == ["unscored"]
        assert "log-probabilities" in none.notes[0]


def test_a_group_judge_takes_expected_scores_and_is_unscored_without_them() -> None:
    said = tokens("Hm.\nA > B\nA: ", ("8", {"8": 0.5, "6": 0.5}), ", B: ", "3")
    group = (["Salut.", "Bonjour."], [{"prompt": "Hi.", "uid": "1"}] * 2)
    with ChatServer(reply=lambda request: wire(said)) as server:
        judge = GroupJudge(scores="expected", endpoints=server.url, model="m")
        assert sorted(judge(*group).parts["judge_score"].tolist()) == pytest.approx([3, 7])
        server.reply = "".join(t.token for t in said)
        assert judge(*group).status.tolist() == ["unscored"] * 2
