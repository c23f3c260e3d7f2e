"""Rewards that ask in rounds: the blocking and the awaited form are one, and a round without requests sends nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from table_rewards import QAF1, GroupJudge, StepVerifier
from table_rewards.llm import ChatReply, ChatRequest, get_pool
from table_rewards.rewards.llm_reward import Rounds, answered, answered_async, sampled
from table_rewards.testing.chat_server import ChatServer


def echo(request: dict[str, Any]) -> str:
    return f"heard {request['messages'][-1]['content']}"


def conversation(*rounds: list[str]) -> Rounds[list[list[str]]]:
    heard = []
    for texts in rounds:
        replies = yield [ChatRequest(text) for text in texts]
        heard.append([reply.text for reply in replies])
    return heard


def test_every_round_gets_its_replies_in_the_order_of_its_requests_in_both_forms() -> None:
    with ChatServer(reply=echo) as server:
        pool = get_pool(server.url, model="m")
        expected = [["heard a", "heard b"], [], ["heard c"]]
        assert answered(pool, conversation(["a", "b"], [], ["c"])) == expected
        assert asyncio.run(answered_async(pool, conversation(["a", "b"], [], ["c"]))) == expected


def test_rounds_that_ask_nothing_need_no_endpoint_and_others_say_what_is_wrong() -> None:
    assert answered(None, conversation([], [])) == [[], []]
    assert asyncio.run(answered_async(None, conversation([]))) == [[]]
    with pytest.raises(AssertionError, match="without endpoints"):
        answered(None, conversation(["a"]))


def test_a_fault_of_the_rounds_themselves_reaches_the_caller() -> None:
    def broken() -> Rounds[None]:
        replies: list[ChatReply] = yield []
        raise ZeroDivisionError(len(replies))

    with pytest.raises(ZeroDivisionError):
        answered(None, broken())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(answered_async(None, broken()))


def test_thinking_is_sent_only_when_it_is_said() -> None:
    assert sampled(8, None).extra == {}
    assert sampled(8, thinking=True).extra == {"chat_template_kwargs": {"enable_thinking": True}}
    assert sampled(8, None, temperature=0.5).temperature == 0.5


SERVED = {"endpoints": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        (QAF1, "qa_f1:reader={model},prompts="),
        (GroupJudge, "group_judge:model={model},prompts="),
        (StepVerifier, "step_verifier:model={model},prompt="),
    ],
)
def test_the_signature_names_the_model_and_never_the_endpoint(kind: Any, signature: str) -> None:
    for model, written in ((None, "served"), ("reader-7b", "reader-7b")):
        found = kind(model=model, **SERVED).signature
        assert found.startswith(signature.format(model=written))
        assert "127.0.0.1" not in found
