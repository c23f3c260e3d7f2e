"""A real OpenAI-compatible server: `swift deploy` with the tiny model, asked by the pool, the rewards and `generate`.

A random model answers nothing, so what is looked at is the protocol: what is truncated, refused or listed, and that no
reward makes a score of it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from swift_harness import major

from table_rewards import QAF1, GroupJudge, StepVerifier
from table_rewards.llm import Sampling, get_pool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(major() < 4, reason="the server of ms-swift 3 does not answer these requests in time on a CPU"),
]

SHORT = Sampling(max_tokens=6)
TABLE = "<fcel>City<fcel>People<nl>\n<fcel>Oslo<fcel>7<nl>\n"


@pytest.fixture(scope="module")
def url(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "model": tiny_model,
        "model_type": "qwen2",
        "template": "chatml",
        "torch_dtype": "float32",
        "host": "127.0.0.1",
        "port": port,
        "served_model_name": "tiny",
        "infer_backend": "transformers" if major() >= 4 else "pt",
        "max_length": 4096,
    }
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    log = tmp_path_factory.mktemp("deploy") / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "swift.cli.deploy", *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(120):
                if server.poll() is not None or "Uvicorn running" in log.read_text("utf-8"):
                    break
                time.sleep(1)
            assert server.poll() is None, log.read_text("utf-8")[-3000:]
            yield address
        finally:
            server.terminate()
            server.wait(30)


def test_the_pool_discovers_the_model_and_reads_its_replies(url: str) -> None:
    pool = get_pool(url, timeout_s=60)
    replies = pool.ask_many([f"Hello {number}" for number in range(4)], SHORT)
    assert all(not reply.failed and reply.truncated for reply in replies), replies
    assert pool.usage()["completion_tokens"] == 24


def test_log_probabilities_arrive(url: str) -> None:
    reply = get_pool(url, timeout_s=60).ask("Hello", Sampling(max_tokens=4, top_logprobs=3))
    assert "".join(token.token for token in reply.logprobs) == reply.text
    assert all(len(token.top) == 3 for token in reply.logprobs)


def test_what_the_server_refuses_is_said_in_its_words(url: str) -> None:
    assert "nobody" in get_pool(url, model="nobody", timeout_s=60, attempts=2).ask("Hello", SHORT).error
    too_long = get_pool(url, timeout_s=60, attempts=2).ask("x " * 6000, SHORT)
    assert "HTTP 400" in too_long.error
    assert "max_length" in too_long.error


def test_no_reward_makes_a_score_of_a_reply_that_was_cut_off(url: str) -> None:
    how = {"endpoints": url, "max_tokens": 6, "attempts": 2, "timeout_s": 60.0}
    pairs = [{"question": "How many people live in Oslo?", "answer": "7"}]
    for scores in (
        QAF1(**how)([TABLE], [pairs]),
        StepVerifier(**how)(["<step>2+2=4</step>"], ["2+2?"]),
        GroupJudge(**how)(["Salut.", "Bonjour."], [{"prompt": "Hi.", "uid": "1"}] * 2),
    ):
        assert set(scores.status) == {"unscored"}
        assert "cut off" in scores.notes[0]


def test_generate_marks_what_was_cut_off(url: str, tmp_path: Path) -> None:
    prompts, out = tmp_path / "p.jsonl", tmp_path / "o.jsonl"
    prompts.write_text('{"prompt": "Hello"}\n{"prompt": "Goodbye"}\n')
    words = [str(prompts), "--endpoint", url, "--max-tokens", "6", "--out", str(out), "--quiet"]
    subprocess.run([sys.executable, "-m", "table_rewards.commands.main", "generate", *words], check=True)
    written = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["generation"]["finish_reason"] for line in written] == ["length", "length"]
