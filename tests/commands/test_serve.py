"""`table-rewards serve` and `score --engine ray` as far as they go without Ray: plans, mistakes, what is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from table_rewards.commands.main import main

WITHOUT_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")


def test_a_dry_run_shows_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "teds", "table_bench", "--port", "9000", "--max-replicas", "4", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "http://127.0.0.1:9000  (no token)" in told
    assert "/teds/score  teds:structure=no" in told
    assert "1 to 4 replicas" in told
    file = tmp_path / "service.toml"
    file.write_text('[server]\nhost = "0.0.0.0"\n[rewards.strict]\nreward = "table_bench"\noptions = {metric = "em"}\n')
    assert main(["serve", "--config", str(file), "--dry-run"]) == 0
    assert "/strict/score  table_bench:metric=em" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve"], "a service needs a reward"),
        (["serve", "tedss"], "did you mean 'teds'"),
        (["serve", "teds", "--option", "structure_onyl=yes"], "did you mean 'structure_only'"),
        (["serve", "teds", "cell_f1", "--option", "x=1"], "--option goes with one reward"),
        (["serve", "teds", "--port", "0"], "port must be"),
        (["serve", "teds", "--token-env", "NO_SUCH_TOKEN"], "NO_SUCH_TOKEN, which is not set"),
        (["serve", "teds", "--config", "service.toml"], "give it alone"),
    ],
)
def test_mistakes_are_told_before_anything_starts(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--dry-run"]) == 2
    assert message in capsys.readouterr().err


@WITHOUT_RAY
def test_without_ray_both_commands_say_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "teds"]) == 2
    assert "pip install 'table-rewards[ray]'" in capsys.readouterr().err
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"answer": "7", "prediction": "Final Answer: 7"}) + "\n")
    words = ["score", str(rows), "--reward", "table_bench", "--engine", "ray", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "pip install 'table-rewards[ray]'" in capsys.readouterr().err


def test_what_the_engines_cannot_do_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"answer": "7", "prediction": "Final Answer: 7"}) + "\n")
    score = ["score", str(rows), "--reward", "table_bench"]
    for words, message in (
        ([*score, "--engine", "ray"], "name it with --out"),
        (["score", "-", *score[2:], "--engine", "ray", "--out", str(tmp_path / "out")], "not standard input"),
        ([*score, "--out", "s3://bucket/scores.parquet"], "which --engine ray writes to"),
        ([*score, "--concurrency", "2"], "--concurrency goes with --engine ray"),
        ([*score, "--engine", "ray", "--out", str(rows)], "writes a folder of parts"),
    ):
        assert main(words) == 2, words
        assert message in capsys.readouterr().err, words


def test_a_file_at_an_address_is_scored_here_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"answer": "7", "prediction": "Final Answer: 7"}) + "\n")
    assert main(["score", rows.as_uri(), "--reward", "table_bench", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["mean"] == 1.0
