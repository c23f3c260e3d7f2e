"""What a replica does with requests, without Ray: the same numbers as in a trainer's process."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from table_rewards import TableBench
from table_rewards.frameworks import openrlhf, slime
from table_rewards.frameworks.serving.forms import Batch
from table_rewards.frameworks.serving.scoring import Scoring
from table_rewards.testing.chat_server import ChatServer

ROW = json.dumps({"prompt": "Say hello in French.", "uid": "7"})


def asked(scoring: Scoring, form: str, body: Any) -> tuple[int, Any]:
    status, reply = asyncio.run(scoring.answer(form, json.dumps(body).encode()))
    return status, json.loads(reply)


def test_openrlhf_gets_the_same_numbers_from_a_service_and_in_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge's accuracy is a score from 0 to 10: cut off at 1 instead of scaled, all would be full marks."""
    body = {"query": ["Salut.", "Bonjour.", "?"], "prompts": [""] * 3, "labels": [ROW, ROW, ROW]}
    with ChatServer(reply="B > A\n\nB: 9, A: 4") as server:
        scoring = Scoring("group_judge", {"endpoints": server.url})
        monkeypatch.setenv("TABLE_REWARDS_REWARD", "group_judge")
        monkeypatch.setenv("TABLE_REWARDS_ENDPOINTS", server.url)
        status, served = asked(scoring, "openrlhf", body)
        here = openrlhf.reward_func(body["query"], body["prompts"], body["labels"])
    assert status == 200
    assert sorted(served["scores"]) == [0.0, 0.4, 0.9]
    assert (served["rewards"], served["scores"]) == (here["rewards"], here["scores"])


def test_slime_scores_the_samples_of_a_list_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, a judge's group would never meet."""
    samples = [SimpleNamespace(prompt="?", response=text, label=ROW, metadata=None) for text in ("Salut.", "Bonjour.")]
    with ChatServer(reply="B > A\n\nB: 9, A: 4") as server:
        monkeypatch.setenv("TABLE_REWARDS_ENDPOINTS", server.url)
        monkeypatch.setenv("TABLE_REWARDS_GROUP_JUDGE_GROUP_SIZE", "2")
        monkeypatch.setenv("TABLE_REWARDS_GROUP_JUDGE_GATHER_S", "20")
        found = asyncio.run(slime.group_judge(SimpleNamespace(), samples))
        assert len(server.received) == 1
    assert sorted(found) == [0.04, 0.09]


def test_requests_of_one_batch_get_their_own_answers_and_steps() -> None:
    scoring = Scoring("table_region", {})
    single = Scoring("table_bench", {})
    batches = [
        Batch(["Final Answer: 7", "Final Answer: 8"], ["7", "7"], step=1),
        Batch(["Final Answer: 9"], ["9"], step=2),
        Batch([{"unknown": 1}], ["9"], step=1),
        Batch([], [], step=None),
    ]
    answers = asyncio.run(single.score_together(batches))
    assert [answer.values for answer in answers] == [[1.0, 0.0], [1.0], [None], []]
    assert answers[2].status == ["unscored"]
    assert single.alone == TableBench().waits
    assert not scoring.alone


def test_rewards_whose_samples_belong_together_are_never_merged_with_strangers() -> None:
    """Two requests that each hold a part of one prompt's completions are two groups, as in a trainer's process."""
    assert Scoring("group_judge", {"endpoints": "http://127.0.0.1:9/v1"}).alone
    assert Scoring("qa_f1", {"reader": "endpoint", "endpoints": "http://127.0.0.1:9/v1"}).alone
    assert not Scoring("teds", {}).alone
    assert Scoring("teds", {}, gathers=True).alone


def test_a_request_that_breaks_a_reward_costs_no_other_its_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share a batch; what raises there was told as 503, and every client asked again until its deadline."""
    scoring = Scoring("table_bench", {})
    score = scoring.reward.score

    async def breaking(completions: Any, rows: Any, *, step: int | None = None) -> Any:
        if "broken" in completions:
            raise KeyError("inside")
        return await score(completions, rows, step=step)

    monkeypatch.setattr(scoring.reward, "score", breaking)
    batches = [Batch([text], ["7"]) for text in ("Final Answer: 7", "broken", "Final Answer: 8")]
    found = asyncio.run(scoring.score_together(batches))
    assert [one.values for one in found] == [[1.0], [None], [0.0]]
    assert (found[1].status, found[1].notes) == (["unscored"], ["KeyError: 'inside'"])


def test_what_is_nested_too_deeply_is_refused_or_unscored_and_never_a_fault() -> None:
    """Python's stack ends somewhere below a thousand levels, for each function at another one."""
    scoring = Scoring("table_region", {})
    output = '{"output": [{"type": "message", "content": "Final Answer: 7"}]}'
    for depth in (*range(300, 1100, 40), 100_000):
        for form, body in (
            ("score", '{"completions": ["x", "x"], "rows": ["7", {"answer": DEEP}]}'),
            ("slime", '{"prompt": "?", "response": "x", "label": DEEP}'),
            ("verify", '{"response": OUTPUT, "answer": "7", "far": NaN, "deep": DEEP}'),
        ):
            sent = body.replace("OUTPUT", output).replace("DEEP", "[" * depth + "]" * depth)
            status, _ = asyncio.run(scoring.answer(form, sent.encode()))
            assert status in (200, 400), (form, depth)
