"""What real servers do beyond the protocol, against everything that asks: right, or unscored with a note that says why.

Each behaviour is one server on loopback. Where a reply is no answer it holds a *wrong* one, so that reading it shows.
Never a wrong score, a hang, a leak of the key, or more than a few requests.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import math
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from table_rewards import QAF1, GroupJudge, ScalarJudge, StepVerifier
from table_rewards.commands import generate
from table_rewards.llm import get_pool
from table_rewards.llm import pool as pool_module
from table_rewards.llm.settings import PoolSettings
from table_rewards.llm.types import finish_kind
from table_rewards.testing.chat_server import Answer, ChatServer, Wire

KEY = "sk-a-very-secret-key"
FAST = {"attempts": 3, "deadline_s": 60.0, "timeout_s": 20.0, "wait_initial_s": 0.005, "wait_max_s": 0.02}
MOST_REQUESTS = 12  # of one question: two rounds of a reward, each with its attempts

Reply = Callable[[dict[str, Any]], Any]


class Said(NamedTuple):
    """What a reply of the server is made of: the right text, and a wrong one for what is no answer."""

    right: str
    wrong: str


class Behaviour(NamedTuple):
    """A server's behaviour: ``reply`` of what it says, and whether an answer can be had of it."""

    reply: Callable[[Said], Any]
    right: bool
    note: str = ""  # a part of every note, where the answer cannot be had
    first_only: bool = False  # the behaviour of the first request alone
    predicted: bool = False  # `generate` keeps the reply, marked as cut off


def whole(choice: dict[str, Any], **more: Any) -> Answer:
    return Answer(200, {"object": "chat.completion", "choices": [{"index": 0, **choice}], **more})


def finishing(reason: Any) -> Callable[[Said], Any]:
    return lambda said: {"content": said.wrong, "finish_reason": reason}


def error(status: int, message: str = "scripted", **headers: str) -> Callable[[Said], Answer]:
    return lambda said: Answer(status, {"error": {"message": message}}, headers)


def completion(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def sent(body: bytes, *headers: str, head: str = "HTTP/1.1 200 OK", length: int | None = -1) -> Wire:
    """An answer as its bytes: with the true length of its body, another, or none."""
    told = [] if length is None else [f"Content-Length: {len(body) if length < 0 else length}"]
    lines = [head, "Content-Type: application/json", *headers, *told, "", ""]
    return Wire("\r\n".join(lines).encode() + body)


def in_chunks(body: bytes, *, ended: bool = True, size: bytes | None = None) -> Wire:
    chunks = [body[:20], body[20:]]
    data = b"".join(b"%s\r\n%s\r\n" % (size or b"%x" % len(chunk), chunk) for chunk in chunks)
    return sent(data + b"0\r\nX-Trailer: 1\r\n\r\n" * ended, "Transfer-Encoding: chunked", length=None)


@functools.cache
def bomb() -> Wire:
    return sent(gzip.compress(b" " * (40 << 20)), "Content-Encoding: gzip")


def gemini(status: int, message: str, **details: str) -> Answer:
    """An error of Gemini's, which comes in a list."""
    told = {"code": status, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "x", **details}]}
    return Answer(status, json.dumps([{"error": told}]))


def error_within(code: object, message: str, **more: Any) -> Callable[[Said], Answer]:
    """An error beside status 200, as routers send it whose provider fails after the head is out."""
    return lambda said: Answer(200, {"error": {"code": code, "message": message, **more}})


BEHAVIOURS: dict[str, Behaviour] = {
    # -- how a reply ends
    **{
        f"finish {reason}": Behaviour(lambda s, r=reason: {"content": s.right, "finish_reason": r}, True)
        for reason in ("stop", "STOP", "eos", "end_turn", "stop_sequence", "COMPLETE", "normal", "endoftext", None)
    },
    **{
        f"finish {reason}": Behaviour(finishing(reason), False, reason)
        for reason in ("abort", "error", "insufficient_system_resource", "USER_CANCEL", "malformed_model_output")
    },
    **{
        f"finish {reason}": Behaviour(finishing(reason), False, reason)
        for reason in (
            *("content_filter", "content_filter: RECITATION", "SAFETY", "IMAGE_SAFETY", "guardrail_intervened"),
            *("ERROR_TOXIC", "tool_calls", "function_call", "pause_turn", "repetition", "load", "a_reason_of_its_own"),
        )
    },
    **{
        f"finish {reason}": Behaviour(finishing(reason), False, "cut off", predicted=True)
        for reason in (
            "length",
            "model_length",
            "max_tokens",
            "MAX_TOKENS",
            "token_limit",
            "model_context_window_exceeded",
        )
    },
    "aborted once": Behaviour(finishing("abort"), True, first_only=True),
    "cut off once": Behaviour(finishing("length"), True, first_only=True, predicted=True),
    "an error in the choice": Behaviour(
        lambda s: whole(
            {"message": {"content": s.wrong}, "finish_reason": "stop", "error": {"message": "upstream went away"}}
        ),
        False,
        "upstream went away",
    ),
    "an error with status 200": Behaviour(
        lambda s: Answer(200, {"error": {"message": "out of luck"}}), False, "out of"
    ),
    "an error with status 200 once": Behaviour(
        lambda s: Answer(200, {"error": {"message": "out of luck"}}), True, first_only=True
    ),
    "an error beside a choice": Behaviour(
        lambda s: whole(
            {"message": {"content": s.wrong}, "finish_reason": "stop"}, error={"message": "upstream went away"}
        ),
        False,
        "upstream went away",
    ),
    "no error beside a choice": Behaviour(
        lambda s: whole({"message": {"content": s.right}, "finish_reason": "stop"}, error=None), True
    ),
    "a call of a tool that stops": Behaviour(
        lambda s: {"content": s.wrong, "tool_calls": [{"type": "function", "function": {"name": "f"}}]},
        False,
        "tool_calls",
    ),
    "no calls of tools": Behaviour(lambda s: {"content": s.right, "tool_calls": [], "function_call": None}, True),
    "a refusal among the parts": Behaviour(
        lambda s: {"content": [{"type": "refusal", "refusal": "I will not."}]}, False, "I will not"
    ),
    "a content filter's 400": Behaviour(
        lambda s: Answer(400, {"error": {"code": "content_filter", "message": "was filtered"}}), False, "was filtered"
    ),
    "a moderation's 403": Behaviour(
        lambda s: Answer(403, {"error": {"message": "was flagged", "metadata": {"flagged_input": "..."}}}),
        False,
        "was flagged",
    ),
    "a long header": Behaviour(
        lambda s: Answer(
            200,
            {"choices": [{"message": {"content": s.right}, "finish_reason": "stop"}]},
            {"Content-Security-Policy": "default-src " + "a" * 20_000},
        ),
        True,
    ),
    "a refusal": Behaviour(lambda s: {"content": None, "refusal": "I will not."}, False, "I will not"),
    # -- thoughts
    "thoughts apart": Behaviour(lambda s: {"content": s.right, "reasoning_content": s.wrong}, True),
    "thoughts apart, as vLLM now calls them": Behaviour(lambda s: {"content": s.right, "reasoning": s.wrong}, True),
    "typed parts": Behaviour(
        lambda s: {"content": [{"type": "thinking", "thinking": s.wrong}, {"type": "text", "text": s.right}]}, True
    ),
    "typed parts of Mistral's": Behaviour(
        lambda s: {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": s.wrong}]},
                {"type": "text", "text": s.right},
            ]
        },
        True,
    ),
    "content all reasoning": Behaviour(
        lambda s: {"content": None, "reasoning_content": s.right}, False, "thinking=False"
    ),
    "reasoning cut off": Behaviour(
        lambda s: {"content": None, "reasoning_content": s.wrong, "finish_reason": "length"},
        False,
        "cut off",
        predicted=True,
    ),
    "no content": Behaviour(lambda s: {"content": None}, False, predicted=True),
    "thinking, as Ollama calls it": Behaviour(lambda s: {"content": s.right, "thinking": s.wrong}, True),
    "thoughts under two names": Behaviour(
        lambda s: {"content": s.right, "reasoning": s.wrong, "reasoning_details": [{"text": s.wrong}]}, True
    ),
    "blocks of thinking alone": Behaviour(
        lambda s: {"content": "", "thinking_blocks": [{"type": "thinking", "thinking": s.right}]}, False, "reasoning"
    ),
    "details of reasoning alone": Behaviour(
        lambda s: {"content": None, "reasoning_details": [{"type": "reasoning.text", "text": s.right}]},
        False,
        "reasoning",
    ),
    # -- odd but whole
    "a finish reason that is an object": Behaviour(
        lambda s: {"content": s.right, "finish_reason": {"type": "stop", "matched": 2}}, True
    ),
    "an abort that is an object": Behaviour(
        lambda s: {"content": s.wrong, "finish_reason": {"type": "abort", "message": "gone"}}, False, "abort"
    ),
    "a filter's report of nothing": Behaviour(
        lambda s: whole(
            {
                "message": {"content": s.right, "refusal": None},
                "finish_reason": "stop",
                "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
            },
            prompt_filter_results=[],
        ),
        True,
    ),
    "a filter's report and no content": Behaviour(
        lambda s: whole(
            {
                "message": {"role": "assistant"},
                "finish_reason": "content_filter",
                "content_filter_results": {"hate": {"filtered": True, "severity": "high"}},
            }
        ),
        False,
        "content_filter",
    ),
    "a byte order mark": Behaviour(lambda s: sent(b"\xef\xbb\xbf" + completion(s.right)), True),
    "blank lines to keep the connection": Behaviour(lambda s: sent(b" \n\n   \n" + completion(s.right)), True),
    "HTTP/1.0 without a length": Behaviour(
        lambda s: sent(completion(s.right), head="HTTP/1.0 200 OK", length=None), True
    ),
    "interim answers": Behaviour(
        lambda s: Wire(
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            + sent(completion(s.right)).data
        ),
        True,
    ),
    "chunks and a trailer": Behaviour(lambda s: in_chunks(completion(s.right)), True),
    "gzip": Behaviour(lambda s: sent(gzip.compress(completion(s.right)), "Content-Encoding: gzip"), True),
    "deflate": Behaviour(lambda s: sent(zlib.compress(completion(s.right)), "Content-Encoding: deflate"), True),
    "HTTP 201": Behaviour(lambda s: Answer(201, completion(s.right)), True),
    "HTTP 203": Behaviour(lambda s: Answer(203, completion(s.right)), True),
    # -- broken on the way
    "HTTP/1.0 cut": Behaviour(
        lambda s: sent(completion(s.wrong)[:-9], head="HTTP/1.0 200 OK", length=None), False, "not JSON"
    ),
    "chunks cut": Behaviour(lambda s: in_chunks(completion(s.wrong), ended=False), False, "not completed"),
    "a chunk of no size": Behaviour(lambda s: in_chunks(completion(s.wrong), size=b"zz"), False, "chunk size"),
    "a length too long": Behaviour(lambda s: sent(completion(s.wrong), length=99_999), False, "content length"),
    "a length too short": Behaviour(lambda s: sent(completion(s.wrong), length=40), False, "Bad status line"),
    "gzip cut": Behaviour(
        lambda s: sent(gzip.compress(completion(s.wrong))[:-20], "Content-Encoding: gzip"), False, "not JSON"
    ),
    "gzip that is none": Behaviour(
        lambda s: sent(completion(s.wrong), "Content-Encoding: gzip"), False, "content-encoding"
    ),
    "a gzip bomb": Behaviour(lambda s: bomb(), False, "longer than"),
    "an encoding of its own": Behaviour(
        lambda s: sent(completion(s.wrong), "Content-Encoding: br", "X-Compressed: dcb"), False, "rotli"
    ),
    "bytes that are no UTF-8": Behaviour(
        lambda s: sent(completion(s.wrong).replace(b"stop", b"st\xe9p")), False, "not JSON"
    ),
    "a stream": Behaviour(lambda s: sent(b"data: " + completion(s.wrong) + b"\n\ndata: [DONE]"), False, "not JSON"),
    "two replies in one": Behaviour(lambda s: sent(completion(s.wrong) + completion(s.right)), False, "not JSON"),
    "another protocol": Behaviour(lambda s: Wire(b"SSH-2.0-OpenSSH_9.0\r\n"), False, "Bad status line"),
    "HTTP/2": Behaviour(lambda s: Wire(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), False, "Bad status line"),
    "the key on a broken line": Behaviour(
        lambda s: Wire(f"HTTP/1.1 {'x' * 70} Bearer {KEY} refused\r\n\r\n".encode()), False, "[key]"
    ),
    # -- of another kind
    "no choices": Behaviour(lambda s: Answer(200, {"choices": [], "prompt_filter_results": []}), False, "completion"),
    "choices null": Behaviour(lambda s: Answer(200, {"id": None, "choices": None}), False, "not a chat completion"),
    "a list of replies": Behaviour(lambda s: Answer(200, b"[" + completion(s.wrong) + b"]"), False, "completion"),
    "a text": Behaviour(lambda s: Answer(200, json.dumps(s.wrong)), False, "not a chat completion"),
    "a page": Behaviour(lambda s: Answer(200, "<!DOCTYPE html><title>Log in</title>"), False, "Log in"),
    "Anthropic's own form": Behaviour(
        lambda s: Answer(200, {"type": "message", "content": [{"type": "text", "text": s.wrong}]}), False, "completion"
    ),
    "Ollama's own form": Behaviour(
        lambda s: Answer(200, {"message": {"content": s.wrong}, "done": True}), False, "completion"
    ),
    "a completion that is no chat": Behaviour(
        lambda s: whole({"text": s.wrong, "finish_reason": "stop"}), False, "completion"
    ),
    "a piece of a stream": Behaviour(
        lambda s: whole({"delta": {"content": s.wrong}, "finish_reason": "stop"}), False, "completion"
    ),
    # -- errors within status 200
    "a context too small, within 200": Behaviour(error_within(400, "exceeds the context size"), False, "context size"),
    "a busy provider, within 200": Behaviour(
        error_within(429, "Provider returned error", metadata={"raw": "rate-limited upstream"}),
        False,
        "rate-limited upstream",
    ),
    "a busy provider, within 200, once": Behaviour(error_within("429", "rate-limited"), True, first_only=True),
    "no credits, within 200": Behaviour(error_within(402, "Insufficient credits"), False, "Insufficient credits"),
    "a moderation, within 200": Behaviour(
        error_within(403, "was flagged", metadata={"flagged_input": "..."}), False, "was flagged"
    ),
    "an error that is the body": Behaviour(
        lambda s: Answer(200, {"object": "error", "message": "gone", "code": 500}), False, "gone"
    ),
    "a balance that is spent, in MiniMax's words": Behaviour(
        lambda s: Answer(200, {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no balance"}}),
        False,
        "no balance",
    ),
    "odd usage": Behaviour(
        lambda s: whole({"message": {"content": s.right}, "finish_reason": "stop"}, usage={"prompt_tokens": "many"}),
        True,
    ),
    "odd logprobs": Behaviour(
        lambda s: whole({"message": {"content": s.right}, "finish_reason": "stop", "logprobs": {"content": [7]}}), True
    ),
    # -- statuses
    **{f"HTTP {status}": Behaviour(error(status), False, f"HTTP {status}") for status in (400, 413, 422)},
    **{
        f"HTTP {status} once": Behaviour(error(status), True, first_only=True)
        for status in (401, 403, 404, 421, 423, 424, 460, 498, 499, 503, 520, 529)
    },
    "HTTP 429 until yesterday": Behaviour(
        error(429, "slow", **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), True, first_only=True
    ),
    "a page of nginx": Behaviour(
        lambda s: Answer(503, "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"),
        False,
        "503 Service Temporarily Unavailable",
    ),
    "overloaded": Behaviour(
        lambda s: Answer(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        False,
        "Overloaded",
    ),
    "a quota by the minute": Behaviour(
        lambda s: gemini(429, "You exceeded your current quota. Please retry in 0.01s.", retryDelay="0.01s"),
        True,
        first_only=True,
    ),
    "a quota that is spent": Behaviour(
        lambda s: gemini(429, "You exceeded your current quota, please check your billing."),
        False,
        "You exceeded your current quota",
    ),
    "Gemini's 400": Behaviour(lambda s: gemini(400, "API key not valid."), False, "HTTP 400: API key not valid."),
    "a credit that is spent": Behaviour(error(400, "Your credit balance is too low."), False, "credit balance"),
    "quota": Behaviour(error(429, "You exceeded your current quota (insufficient_quota)"), False, "exceeded your"),
    "no money": Behaviour(error(402, "insufficient credits"), False, "insufficient credits"),
    "redirect": Behaviour(error(307, Location="http://127.0.0.1:9/v1"), False, "redirects to http://127.0.0.1:9/v1"),
    "the key in an error": Behaviour(error(401, f"Incorrect API key provided: {KEY}."), False, "[key]"),
    "the key in a body": Behaviour(lambda s: Answer(502, f"<html>Bearer {KEY}</html>"), False, "[key]"),
    "the key in a body that is no reply": Behaviour(lambda s: Answer(200, f'{{"token": "{KEY}"}}'), False, "[key]"),
}

# Thoughts within the text: the pool and `generate` hand it on as it came, the rewards read what stands outside.
INLINE = {
    "thoughts before": Behaviour(lambda s: f"<think>{s.wrong}</think>\n\n{s.right}", True),
    "thoughts that the prompt opened": Behaviour(lambda s: f"Perhaps {s.wrong}</think>\n\n{s.right}", True),
    "empty thoughts": Behaviour(lambda s: f"<think>\n\n</think>\n\n{s.right}", True),
    "end token": Behaviour(lambda s: f"{s.right}<|im_end|>", True),
    "thoughts that never end": Behaviour(lambda s: f"<think>{s.wrong}", False, "thoughts never ended"),
    "thoughts cut off": Behaviour(
        lambda s: {"content": f"<think>{s.wrong}", "finish_reason": "length"}, False, "thoughts never ended"
    ),
    "the template's example restated in thoughts": Behaviour(
        lambda s: f"<think>The form is {s.wrong}\nand now", False, "thoughts never ended"
    ),
    "thoughts and nothing behind": Behaviour(lambda s: f"<think>{s.wrong}</think>", False, "outside of its thoughts"),
}


DRAFTS = {
    "[THINK]": "[/THINK]",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "<mm:think>": "</mm:think>",
    "<think:opensource>": "</think:opensource>",
    "<longcat_think>": "</longcat_think>",
    "◁think▷": "◁/think▷",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought": "<channel|>",
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
    "analysis": "assistantfinal",
    "<reasoning>": "</reasoning>",
    "<analysis>": "</analysis>",
    "<scratchpad>": "</scratchpad>",
    "<reflection>": "</reflection>",
}
"""How models write thoughts where no parser of the server's takes them out."""

for opening, closing in DRAFTS.items():
    INLINE[f"drafts in {opening}"] = Behaviour(
        lambda s, a=opening, b=closing: f"{a}Is it {s.wrong} so?{b}{s.right}", True
    )
    INLINE[f"drafts in {opening} that never end"] = Behaviour(
        lambda s, a=opening: f"{a}Is it {s.wrong}", False, "thoughts never ended"
    )
INLINE["drafts before a final response"] = Behaviour(
    lambda s: f"Here are my reasoning steps:\n{s.wrong}\n[BEGIN FINAL RESPONSE]\n{s.right}\n[END FINAL RESPONSE]", True
)
INLINE["all of it in tags of an answer"] = Behaviour(lambda s: f"<answer>\n{s.right}\n</answer>", True)


def server_of(behaviour: Behaviour, said: Said) -> ChatServer:
    def reply(request: dict[str, Any]) -> Any:
        odd = len(server.received) == 1 or not behaviour.first_only
        return behaviour.reply(said) if odd else said.right

    server = ChatServer(reply=reply)
    return server


def check(
    name: str, behaviour: Behaviour, server: ChatServer, values: list[float], right: list[float], note: str
) -> None:
    if behaviour.right:
        assert values == pytest.approx(right), (name, note)
    else:
        assert all(map(math.isnan, values)), (name, values)
        assert behaviour.note in note
        assert note
    assert KEY not in note
    assert len(server.received) <= MOST_REQUESTS


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key; short pauses before retries, which rewards do not offer; and no cache stays open in a thousand tests."""
    monkeypatch.setenv("TABLE_REWARDS_API_KEY", KEY)
    initial = PoolSettings.__init__
    quick = functools.partialmethod(initial, wait_initial_s=FAST["wait_initial_s"], wait_max_s=FAST["wait_max_s"])
    monkeypatch.setattr(PoolSettings, "__init__", quick)
    before = set(pool_module._runtimes)
    yield
    for settings in set(pool_module._runtimes) - before:
        cache = pool_module._runtimes[settings]._cache
        if cache is not None:
            cache.close()


ALL = {**BEHAVIOURS, **INLINE}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_pool(name: str, tmp_path: Any) -> None:
    behaviour = BEHAVIOURS[name]
    cache = str(tmp_path / "answers.sqlite")
    with server_of(behaviour, Said("right", "wrong")) as server:
        begun = time.monotonic()
        reply = get_pool(server.url, model="m", cache=cache, **FAST).ask("q")
        assert time.monotonic() - begun < FAST["timeout_s"]  # nothing here is waited for
    if behaviour.right and not (behaviour.predicted and behaviour.first_only):
        assert (reply.ok, reply.text) == (True, "right"), reply
    else:
        assert not reply.ok
        assert reply.failed or reply.truncated or reply.empty
        assert reply.failed or not reply.error
    if reply.failed:
        assert behaviour.note in reply.error
        assert reply.text == ""
    assert KEY not in repr(reply)
    assert len(server.received) <= FAST["attempts"]
    with ChatServer(reply="another") as other:  # with the same cache: only an answer is known there
        pool = get_pool(other.url, model="m", cache=cache, cache_group=server.url, **FAST)
        assert pool.ask("q").text in ("another", "right" if reply.ok else "another")


@pytest.mark.parametrize("name", [name for name in BEHAVIOURS if not BEHAVIOURS[name].first_only])
def test_beside_a_good_endpoint_nothing_is_lost(name: str) -> None:
    """But for what a filter stopped or a limit cut, which no other endpoint is asked for."""

    def right(request: dict[str, Any]) -> str:
        return "right " + request["messages"][-1]["content"]

    behaviour = BEHAVIOURS[name]
    odd = ChatServer(reply=lambda request: behaviour.reply(Said(right(request), "wrong")))
    with odd, ChatServer(reply=right) as good:
        urls = [odd.url, good.url]
        pool = get_pool(urls, model="m", max_in_flight=4, **{**FAST, "attempts": 20})
        replies = pool.ask_many([f"q{i}" for i in range(12)])
    for i, reply in enumerate(replies):
        assert reply.text == f"right q{i}" or reply.refused or reply.truncated, reply
        assert not (reply.ok and reply.text != f"right q{i}")
    assert len(odd.received) <= 36


def _open_ended(name: str, said: Said) -> Said:
    """What is cut off at the token limit lacks its closing tag: with it, the answer would be whole."""
    if ALL[name].predicted:
        return Said(said.right, said.wrong.rpartition("</")[0])
    return said


TABLE = "<fcel>City<fcel>People<nl>\n<fcel>Oslo<fcel>7<nl>\n"
READER = Said("<answer>7</answer>", "<answer>8</answer>")


@pytest.mark.parametrize("several", [pytest.param(1, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("name", ALL)
def test_qa_f1(name: str, several: int) -> None:
    said = single = _open_ended(name, READER)
    if several > 1:
        said = Said(*(f'<answer id="1">{n}</answer>\n<answer id="2">{n}</answer>' for n in (7, 8)))
        said = _open_ended(name, said)
    pairs = [{"question": f"How many people {where}?", "answer": "7"} for where in ("live there", "work there")]
    fast = {"deadline_s": 60.0, "timeout_s": 20.0, "attempts": 3}
    with server_of(ALL[name], said) as server:

        def alone(request: dict[str, Any]) -> Any:
            text = single if "<question>" in request["messages"][-1]["content"] else said
            odd = len(server.received) == 1 or not ALL[name].first_only
            return ALL[name].reply(text) if odd else text.right

        server.reply = alone
        reward = QAF1(endpoints=server.url, model="m", questions_per_request=several, **fast)
        scores = reward([TABLE], [pairs[: 1 if several == 1 else 2]])
        check(name, ALL[name], server, scores.values.tolist(), [1.0], scores.notes[0])


STEPS = "<step_verification><step>Seen. \\boxed{{{0}}}</step></step_verification><final_verification>\\boxed{{{0}}}"
VERIFIER = Said(*(STEPS.format(said) + "</final_verification>" for said in ("CORRECT", "INCORRECT")))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_step_verifier(name: str) -> None:
    fast = {"deadline_s": 60.0, "timeout_s": 20.0, "attempts": 3}
    behaviour = ALL[name]
    with server_of(behaviour, _open_ended(name, VERIFIER)) as server:
        scores = StepVerifier(endpoints=server.url, model="m", **fast)(["<step>2+2=4</step>"], ["2+2?"])
        check(name, behaviour, server, scores.values.tolist(), [1.0], scores.notes[0])


SCALAR = Said("Hm.\n9", "Hm.\n2")


@pytest.mark.parametrize("name", ALL)
def test_scalar_judge(name: str) -> None:
    fast = {"deadline_s": 60.0, "timeout_s": 20.0, "attempts": 3}
    behaviour = ALL[name]
    with server_of(behaviour, SCALAR) as server:
        judge = ScalarJudge(endpoints=server.url, model="m", **fast)
        scores = judge(["Salut."], [{"prompt": "Hi in French."}])
        check(name, behaviour, server, scores.values.tolist(), [0.09], scores.notes[0])


JUDGE = Said("Hm.\nA > B\nA: 9, B: 4", "Hm.\nB > A\nA: 1, B: 2")


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_group_judge(name: str) -> None:
    fast = {"deadline_s": 60.0, "timeout_s": 20.0, "attempts": 3}
    behaviour = ALL[name]
    with server_of(behaviour, JUDGE) as server:
        judge = GroupJudge(endpoints=server.url, model="m", **fast)
        scores = judge(["Salut.", "Bonjour."], [{"prompt": "Hi in French.", "uid": "1"}] * 2)
        check(name, behaviour, server, sorted(scores.values.tolist()), [0.04, 0.09], scores.notes[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_generate(name: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = BEHAVIOURS[name]
    prompts, out = tmp_path / "prompts.jsonl", tmp_path / "out.jsonl"
    prompts.write_text('{"prompt": "q"}\n')
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    how = ["--attempts", "3", "--deadline-s", "60", "--timeout-s", "20", "--model", "m", "--quiet", "--out", str(out)]
    with server_of(behaviour, Said("right", "wrong")) as server:
        status = generate.run(parser.parse_args([str(prompts), "--endpoint", server.url, *how]))
    written = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    failed = out.with_suffix(".failed.jsonl")
    listed = failed.read_text("utf-8") if failed.exists() else ""
    if behaviour.right or behaviour.predicted:
        assert (status, listed) == (0, "")
        assert behaviour.predicted or [line["prediction"] for line in written] == ["right"]
        reason = str(written[0]["generation"]["finish_reason"]).lower()
        assert not behaviour.predicted or reason == "stop" or finish_kind(reason) == "cut off"
    else:
        assert (status, written) == (1, [])
        assert behaviour.note in json.loads(listed)["error"]
    said = capsys.readouterr()
    assert KEY not in listed + said.out + said.err + out.read_text("utf-8")


def _stopping_at_the_limit(text: str) -> Reply:
    """A gateway that says "stop" of every reply, before a server that cuts replies at the token limit."""

    def reply(request: dict[str, Any]) -> Answer:
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return whole(choice, usage={"prompt_tokens": 9, "completion_tokens": request["max_tokens"]})

    return reply


def test_a_reply_of_just_as_many_tokens_as_allowed_is_cut_off_whatever_the_server_says(tmp_path: Any) -> None:
    with ChatServer(reply=_stopping_at_the_limit("half of an ans")) as server:
        pool = get_pool(server.url, model="m", cache=str(tmp_path / "answers.sqlite"), **FAST)
        replies = [pool.ask("q"), pool.ask("q")]
    assert [(reply.truncated, reply.ok, reply.cached) for reply in replies] == [(True, False, False)] * 2
    with ChatServer(reply=_stopping_at_the_limit("<answer>8")) as server:
        scores = QAF1(endpoints=server.url, model="m", attempts=3)(
            [TABLE], [[{"question": "How many?", "answer": "7"}]]
        )
    assert (scores.status.tolist(), "cut off" in scores.notes[0]) == (["unscored"], True)
