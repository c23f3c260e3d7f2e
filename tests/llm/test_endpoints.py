"""Addresses in every form people write them, and settings that can't work named at once."""

from __future__ import annotations

import pickle

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.llm import Endpoints, Sampling, get_pool

A, B = "http://10.0.0.1:10000/v1", "http://reader-2:8000/v1"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://10.0.0.1:10000", [A]),  # TRivia's README, which its own code could not read (R2)
        ("http://10.0.0.1:10000/", [A]),
        ("http://10.0.0.1:10000/v1/", [A]),
        ("http://10.0.0.1:10000/v1/chat/completions", [A]),
        ("10.0.0.1:10000", [A]),
        ("http://10.0.0.1:10000,http://reader-2:8000/v1", [A, B]),
        (" http://10.0.0.1:10000 ;\n reader-2:8000 ", [A, B]),
        ('["http://10.0.0.1:10000", "http://reader-2:8000"]', [A, B]),
        ("['http://10.0.0.1:10000', 'http://reader-2:8000']", [A, B]),  # the literal that TRivia's code wanted
        ("('http://10.0.0.1:10000',)", [A]),
        ("[http://10.0.0.1:10000, reader-2:8000]", [A, B]),
        (["http://10.0.0.1:10000", "10.0.0.1:10000/v1"], [A]),
        (("http://10.0.0.1:10000,reader-2:8000",), [A, B]),
        ("https://host/api/paas/v4", ["https://host/api/paas/v4"]),
        ("http://[::1]:8000", ["http://[::1]:8000/v1"]),
    ],
)
def test_reads_every_form_of_addresses(written, meant):
    assert list(Endpoints(written)) == meant


@pytest.mark.parametrize(
    "written", ["", "[]", " , ", [], "ftp://host", "http://", "http://host:port", [None], "http://a b:99999999"]
)
def test_names_what_is_no_address(written):
    with pytest.raises(ConfigurationError):
        Endpoints(written)


@pytest.mark.parametrize("written", ["https://user:hunter2@host/v1", "https://host/v1?api_key=hunter2"])
def test_refuses_secrets_in_an_address_without_repeating_them(written):
    with pytest.raises(ConfigurationError, match="environment variable") as caught:
        Endpoints(written)
    assert "hunter2" not in str(caught.value)


def test_reads_the_environment_variable_of_the_seed(monkeypatch):
    monkeypatch.setenv("llm_serve_urls", "http://10.0.0.1:10000")
    assert get_pool().settings.endpoints == (A,)
    monkeypatch.delenv("llm_serve_urls")
    with pytest.raises(ConfigurationError, match="llm_serve_urls"):
        get_pool()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"deadline": 5}, "deadline_s"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"attempts": 0}, "attempts"),
        ({"max_in_flight": True}, "max_in_flight"),
        ({"model": " "}, "model"),
        ({"api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY"),
        ({"workers": 0}, "workers"),
        ({"cache": "/dev/null/x.sqlite"}, "cache"),
    ],
)
def test_misconfiguration_raises_at_construction(options, says):
    with pytest.raises(ConfigurationError, match=says):
        get_pool("http://a", **options)


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes" * 100)
    with pytest.raises(ConfigurationError, match=r"notes\.txt"):
        get_pool("http://a", cache=path)
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize("options", [{"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"extra": {"a": {1}}}])
def test_sampling_is_validated(options):
    with pytest.raises(ConfigurationError):
        Sampling(**options)


def test_workers_share_one_cap(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert get_pool("http://a", max_in_flight=100).settings.share == 12
    assert get_pool("http://a", max_in_flight=4).settings.share == 1
    assert get_pool("http://a", max_in_flight=100, workers=2).settings.share == 50


def test_a_pool_pickles_and_holds_no_key(monkeypatch):
    monkeypatch.setenv("READER_KEY", "sk-very-secret")
    pool = get_pool("http://a", api_key_env="READER_KEY")
    assert pickle.loads(pickle.dumps(pool)) == pool
    assert b"sk-very-secret" not in pickle.dumps(pool)
    assert "secret" not in repr(pool) + repr(pool.settings)
