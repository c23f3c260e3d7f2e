"""`table-rewards probe --endpoint`: an endpoint answers when it says a word, under the options that are given."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from table_rewards.commands import probe
from table_rewards.commands.exit_codes import INCOMPLETE
from table_rewards.testing.chat_server import ChatServer


@pytest.fixture(autouse=True)
def only_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sandbox", "rewards"):
        monkeypatch.setattr(probe, name, dict)


def probed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    parser = argparse.ArgumentParser()
    probe.configure(parser)
    status = probe.run(parser.parse_args([*arguments, "--json", "--timeout-s", "3"]))
    (one,) = json.loads(capsys.readouterr().out)["endpoints"]
    return status, one


def test_the_model_that_is_named_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with ChatServer(reply="yes", model=["a", "b"]) as server:
        assert probed(capsys, "--endpoint", server.url)[0] == INCOMPLETE
        status, one = probed(capsys, "--endpoint", server.url, "--model", "b", "--sampling", "top_p=none")
        assert (status, one["answers"], one["model"]) == (0, True, "b")
        assert "top_p" not in server.received[-1]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("", "no text"),
        ({"content": None, "reasoning_content": "hm", "finish_reason": "length"}, "cut off in its thoughts"),
        ({"content": None, "reasoning_content": "hm"}, "thinking=False"),
        ({"content": "no", "finish_reason": "content_filter"}, "content_filter"),
    ],
)
def test_a_reply_without_words_is_a_failure(capsys: pytest.CaptureFixture[str], reply: Any, says: str) -> None:
    with ChatServer(reply=lambda request: reply) as server:
        status, one = probed(capsys, "--endpoint", server.url)
    assert (status, one["answers"]) == (INCOMPLETE, False)
    assert says in one["error"]
