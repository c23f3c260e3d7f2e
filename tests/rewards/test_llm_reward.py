"""Rewards that ask in rounds: the blocking and the awaited form are one, and a round without requests sends nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from table_rewards import QAF1, ConfigurationError, GroupJudge, StepVerifier
from table_rewards.llm import ChatReply, ChatRequest, get_pool
from table_rewards.rewards.endpoint_options import DEFAULTS, sampling_of
from table_rewards.rewards.llm_reward import Rounds, answered, answered_async, said_in
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


def sampled(**options: Any) -> dict[str, Any]:
    return sampling_of({**DEFAULTS, **options}, max_tokens=8).body()


def test_thinking_is_sent_only_when_it_is_said() -> None:
    assert "chat_template_kwargs" not in sampled()
    assert sampled(thinking=True)["chat_template_kwargs"] == {"enable_thinking": True}
    extra = {"chat_template_kwargs": {"a": 1}, "reasoning_effort": "low"}
    both = sampled(thinking=False, extra=extra)
    assert both["chat_template_kwargs"] == {"a": 1, "enable_thinking": False}
    assert both["reasoning_effort"] == "low"


def test_a_field_that_a_server_refuses_is_left_out_or_renamed() -> None:
    refused = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "max_tokens")
    assert not set(refused) & set(sampled(sampling=dict.fromkeys(refused)))
    renamed = sampled(sampling={"max_completion_tokens": 9})
    assert ("max_tokens" in renamed, renamed["max_completion_tokens"]) == (False, 9)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sampling": {"temprature": 0}}, "did you mean 'temperature'"),
        ({"sampling": "hot"}, "mapping"),
        ({"extra": {"a": {1}}}, "JSON"),
        ({"thinking": "no"}, "thinking"),
        ({"default_headers": {"api-key": "sk-literal"}}, "environment variable"),
        ({"default_headers": {"api-key": "$NO_SUCH_KEY"}}, "NO_SUCH_KEY"),
        ({"ca_file": "/no/such/ca.pem"}, "ca_file"),
        ({"proxy": "proxy:3128"}, "proxy"),
        ({"prompt_price": 1.0}, "belong together"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"max_cost": -1}, "max_cost"),
        ({"endpoints": [{"url": "http://a", "wait": 2}]}, "unknown field wait"),
        ({"deadlines": 3}, "did you mean 'deadline_s'"),
    ],
)
@pytest.mark.parametrize("kind", [QAF1, GroupJudge, StepVerifier])
def test_every_reward_that_asks_checks_the_same_options(kind: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        kind(**{"endpoints": "http://127.0.0.1:9", **options})


@pytest.mark.parametrize("kind", [QAF1, GroupJudge, StepVerifier])
def test_every_reward_that_asks_lists_the_same_options(kind: Any) -> None:
    assert set(DEFAULTS) <= set(kind.option_names())


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ({"text": "B > A"}, "B > A"),
        ({"text": "<think>\n\n</think>\n\nB > A"}, "B > A"),
        ({"text": "hm</think>B > A</s>"}, "B > A"),
        ({"text": "<think>A > B"}, ""),
        ({"text": "A > B</think>"}, ""),
        ({"text": "B > A", "finish_reason": "length"}, ""),
        ({"text": "B > A", "finish_reason": "model_length"}, ""),
        ({"text": "B > A END", "finish_reason": "length"}, "B > A END"),
        ({"text": "<think>END", "finish_reason": "length"}, ""),
        ({"text": "", "reasoning": "hm", "finish_reason": "length"}, ""),
        ({"error": "HTTP 500"}, ""),
    ],
)
def test_what_a_reply_says_is_whole_and_outside_of_thoughts(reply: dict[str, str], text: str) -> None:
    said = said_in(ChatReply(**{"finish_reason": "stop", **reply}), "end")  # type: ignore[arg-type]
    assert said.text == text
    assert bool(said.problem) != bool(said.text)


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
