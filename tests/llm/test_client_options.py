"""What people expect of a client: headers, queries, proxies, certificates, rates, budgets, endpoints of their own."""

from __future__ import annotations

import pickle
import ssl
import time
from typing import Any

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.llm import Endpoints, Sampling, get_pool
from table_rewards.llm._endpoint_state import Pace
from table_rewards.testing.chat_server import ChatServer

FAST = {"wait_initial_s": 0.005, "wait_max_s": 0.1, "breaker_wait_s": 0.05, "breaker_wait_max_s": 0.2}


def echo(request: dict[str, Any]) -> str:
    return "echo " + request["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://host/v1/openai", "https://host/v1/openai"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai"),
        ("https://host/openai/deployments/d/chat/completions", "https://host/openai/deployments/d"),
        ("http://host/chat/completions", "http://host"),
        ("http://host:8000/proxy", "http://host:8000/proxy"),
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/v1/models", "http://host:8000/v1"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
        ("[fe80::1]", "http://[fe80::1]/v1"),
    ],
)
def test_an_address_with_a_path_is_taken_at_its_word(written, meant):
    assert list(Endpoints(written)) == [meant]


def test_several_addresses_of_version_6_are_several():
    assert len(Endpoints("[::1]:8000, [::2]:8000")) == 2


def test_an_endpoint_below_a_path_is_reached():
    with ChatServer(reply=echo, path="/v1/openai") as server:
        assert get_pool(server.url, **FAST).ask("q").ok
        assert get_pool(server.url + "/chat/completions", model="m", **FAST).ask("q").ok


def test_headers_and_queries_of_azure(monkeypatch):
    monkeypatch.setenv("AZURE_KEY", "azure-secret")
    options = {"default_headers": {"api-key": "$AZURE_KEY"}, "default_query": {"api-version": "2024-10-21"}}
    with ChatServer(reply=echo, path="/openai/deployments/d") as server:
        pool = get_pool(server.url, model="d", **options, **FAST)
        assert pool.ask("q").ok
        (heads,) = server.received_heads
        assert heads["api-key"] == "azure-secret"
        assert heads[":path"] == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert "azure-secret" not in repr(pool.settings)
    assert b"azure-secret" not in pickle.dumps(pool)


def test_every_endpoint_has_a_model_a_key_and_a_weight_of_its_own(monkeypatch):
    monkeypatch.setenv("FIRST_KEY", "first-secret")
    with ChatServer(reply=echo, latency_s=0.02) as first, ChatServer(reply=echo, latency_s=0.02) as second:
        endpoints = [
            {"url": first.url, "model": "a", "api_key_env": "FIRST_KEY", "weight": 3},
            {"url": second.url, "model": "b", "api_key_env": ""},
        ]
        pool = get_pool(endpoints, max_in_flight=8, **FAST)
        assert all(reply.ok for reply in pool.ask_many([f"q{i}" for i in range(80)]))
        assert {body["model"] for body in first.received} == {"a"}
        assert {body["model"] for body in second.received} == {"b"}
        assert {heads.get("authorization") for heads in first.received_heads} == {"Bearer first-secret"}
        assert {heads.get("authorization") for heads in second.received_heads} == {None}
        assert 2 <= len(first.received) / len(second.received) <= 4.5


def test_endpoints_of_their_own_can_be_written_as_json():
    pool = get_pool('[{"base_url": "http://a", "model": "x", "max_in_flight": 3}, "http://b"]', model="m")
    assert pool.settings.endpoints == ("http://a/v1", "http://b/v1")
    assert [(e.model, e.max_in_flight) for e in pool.settings.each()] == [("x", 3), ("m", None)]
    with pytest.raises(ConfigurationError, match="unknown field speed"):
        get_pool([{"url": "http://a", "speed": 3}])


def test_an_endpoints_own_limit_holds():
    with ChatServer(reply=echo, latency_s=0.02) as server:
        pool = get_pool([{"url": server.url, "max_in_flight": 2}], model="m", max_in_flight=32, **FAST)
        assert all(reply.ok for reply in pool.ask_many([f"q{i}" for i in range(20)]))
        assert server.peak_in_flight <= 2


def test_a_proxy_is_used_when_it_is_named_and_never_otherwise(monkeypatch):
    with ChatServer(reply=echo) as proxy:
        address = proxy.url.removesuffix("/v1")
        monkeypatch.setenv("http_proxy", address)
        reply = get_pool("http://reader.invalid", model="m", proxy=address, attempts=2, **FAST).ask("q")
        assert reply.text == "echo q"
        assert proxy.received_heads[0]["host"] == "reader.invalid"
        assert not get_pool("http://reader.invalid", model="m", attempts=2, deadline_s=5, **FAST).ask("q").ok
        assert len(proxy.received) == 1


def test_a_client_certificate_is_shown(tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.file, tls.key)
    context.load_verify_locations(tls.file)
    context.verify_mode = ssl.CERT_REQUIRED
    with ChatServer(reply=echo, tls=context) as server:
        shown = get_pool(
            server.url, model="m", ca_file=tls.file, client_cert_file=tls.file, client_key_file=tls.key, **FAST
        )
        assert shown.ask("q").ok
        assert not get_pool(server.url, model="m", ca_file=tls.file, attempts=2, deadline_s=5, **FAST).ask("q").ok
    with pytest.raises(ConfigurationError, match="cannot be used"):
        get_pool("https://a", ca_file=__file__)


def test_a_rate_of_requests_is_kept():
    pace = Pace(per_minute=600)
    now, sent = 100.0, 0
    while now < 110.0:
        if pace.ready_at(now) <= now:
            pace.take(now)
            sent += 1
        else:
            now = pace.ready_at(now) + 1e-6
    assert 195 <= sent <= 205  # ten a second, and ten seconds' worth at once in the beginning


def test_requests_wait_for_the_rate_and_none_is_lost():
    with ChatServer(reply=echo) as server:
        pool = get_pool(server.url, model="m", requests_per_minute=120, workers=1, **FAST)
        begun = time.monotonic()
        assert all(reply.ok for reply in pool.ask_many([f"q{i}" for i in range(22)]))
        assert time.monotonic() - begun >= 0.9  # 20 at once, 2 more at two a second


def test_tokens_beyond_the_rate_wait():
    with ChatServer(reply=echo) as server:  # 15 tokens a reply
        pool = get_pool(server.url, model="m", tokens_per_minute=6000, max_in_flight=1, workers=1, **FAST)
        begun = time.monotonic()
        assert all(reply.ok for reply in pool.ask_many(["x" * 3600 + str(i) for i in range(80)]))
        assert time.monotonic() - begun < 60
        assert pool.usage()["prompt_tokens"] == 800


def test_a_budget_of_tokens_ends_a_run_and_says_so():
    with ChatServer(reply=echo) as server:
        pool = get_pool(server.url, model="m", max_total_tokens=100, max_in_flight=1, workers=1, **FAST)
        replies = pool.ask_many([f"q{i}" for i in range(20)])
        assert sum(reply.ok for reply in replies) == 7  # 15 tokens each
        assert replies[-1].error == "the budget of 100 tokens is spent (105); raise max_total_tokens to go on"
        assert len(server.received) == 7


def test_a_budget_of_money_and_the_counters_of_cost():
    prices = {"prompt_price": 2.0, "completion_price": 10.0}
    with ChatServer(reply=echo) as server:
        pool = get_pool(server.url, model="m", max_cost=0.0003, max_in_flight=1, workers=1, **prices, **FAST)
        replies = pool.ask_many([f"q{i}" for i in range(20)])
        assert sum(reply.ok for reply in replies) == 5  # 10 * 2e-6 + 5 * 1e-5 each
        assert "max_cost" in replies[-1].error
        assert pool.usage()["cost"] == pytest.approx(5 * 0.00007)


def test_a_budget_holds_where_a_server_counts_nothing():
    """Gateways leave the usage out; a budget that went by it alone would never end a run."""
    from table_rewards.testing.chat_server import Answer

    body = {"choices": [{"message": {"content": "x" * 400}, "finish_reason": "stop"}]}
    with ChatServer(reply=lambda request: Answer(200, body)) as server:
        tokens = get_pool(server.url, model="m", max_total_tokens=1000, max_in_flight=1, workers=1, **FAST)
        replies = tokens.ask_many(["y" * 400 + str(i) for i in range(20)])
        assert 3 <= sum(reply.ok for reply in replies) <= 5  # about 250 tokens each
        assert "max_total_tokens" in replies[-1].error
        money = get_pool(server.url, model="m", max_cost=5.0, max_in_flight=1, workers=1, **FAST)
        replies = money.ask_many([f"q{i}" for i in range(20)])
        assert [reply.ok for reply in replies] == [True] + [False] * 19
        assert "give prompt_price and completion_price" in replies[-1].error


def test_reasoning_tokens_and_stated_costs_are_counted():
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 50,
        "completion_tokens_details": {"reasoning_tokens": 40},
        "prompt_tokens_details": {"cached_tokens": 8},
        "cost": 0.25,
    }
    from table_rewards.testing.chat_server import Answer

    body = {"choices": [{"message": {"content": "7"}, "finish_reason": "stop"}], "usage": usage}
    with ChatServer(reply=lambda request: Answer(200, body)) as server:
        pool = get_pool(server.url, model="m", **FAST)
        assert pool.ask("q").usage["reasoning_tokens"] == 40
        told = pool.usage()
        assert (told["reasoning_tokens"], told["cached_tokens"], told["cost"]) == (40, 8, 0.25)


def test_a_model_without_a_system_role_gets_its_text_in_the_users_turn():
    with ChatServer(reply=echo) as server:
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
        get_pool(server.url, model="m", fold_system=True, **FAST).ask(messages)
        assert server.received[0]["messages"] == [{"role": "user", "content": "Be brief.\n\nWhy?"}]


def test_every_field_can_be_left_out_and_the_limit_renamed():
    with ChatServer(reply=echo) as server:
        sampling = Sampling(
            temperature=None,
            top_p=None,
            presence_penalty=None,
            frequency_penalty=None,
            seed=None,
            max_completion_tokens=5,
        )
        get_pool(server.url, model="m", **FAST).ask("q", sampling)
        assert sorted(server.received[0]) == ["max_completion_tokens", "messages", "model"]


def test_a_json_schema_and_log_probabilities_are_asked_for_as_openai_words_them():
    with ChatServer(reply=echo) as server:
        get_pool(server.url, model="m", **FAST).ask("q", Sampling(json_schema={"type": "object"}, top_logprobs=5))
        (body,) = server.received
        assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
        assert (body["logprobs"], body["top_logprobs"]) == (True, 5)


def test_log_probabilities_come_back_from_the_cache_too(tmp_path):
    listed = [{"token": "7", "logprob": -0.1, "top_logprobs": [{"token": "8", "logprob": -2.5}]}]
    with ChatServer(reply=lambda request: {"content": "7", "logprobs": {"content": listed}}) as server:
        pool = get_pool(server.url, model="m", cache=tmp_path / "a.sqlite", **FAST)
        first = pool.ask("q", Sampling(top_logprobs=1))
        assert first.logprobs == (("7", -0.1, (("8", -2.5),)),)
        for _ in range(3000):
            second = pool.ask("q", Sampling(top_logprobs=1))
            if second.cached:
                break
            time.sleep(0.02)
        assert (second.cached, second.logprobs) == (True, first.logprobs)
