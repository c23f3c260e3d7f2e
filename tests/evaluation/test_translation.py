"""`evaluate mt`: who is asked what, what counts, and what a failed judgement does to the means."""

from __future__ import annotations

import json
import math

import pytest

from table_rewards import BadReference
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.evaluation.translation import TranslationQuestion, means
from table_rewards.llm import Sampling
from table_rewards.testing.chat_server import ChatServer

ROW = {"src_text": "Hello.", "trg_text": "Bonjour.", "src_lang": "en", "trg_lang": "fr"}
ROWS = [
    {**ROW, "predictions": ["hm\n```\nSalut.\n```", "hm\n```\nNon.\n```"], "comment": "a greeting"},
    {**ROW, "trg_lang": "de", "trg_text": "Hallo.", "predictions": ["hm\n```\nHallo.\n```", "I refuse."]},
]


def judge(asked):
    text = asked["messages"][-1]["content"]
    return "Fine.\n" + ("80" if "Salut." in text else "100/100" if text.count("Hallo.") == 2 else "20")


def evaluate(server, tmp_path, *words, rows=ROWS):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    out = tmp_path / "numbers.json"
    where = ["--endpoint", server.url, "--model", "m", "--out", str(out), "--candidate", "code_block"]
    status = main(["evaluate", "mt", str(path), *where, *map(str, words)])
    return status, json.loads(out.read_text("utf-8")) if out.exists() else None


def test_runs_are_averaged_by_item_and_items_by_pair(tmp_path):
    with ChatServer(reply=judge) as server:
        status, numbers = evaluate(server, tmp_path)
        assert status == 0
        assert len(server.received) == 3  # a prediction without a translation is 0 and not asked about
        shown = [asked["messages"][-1]["content"] for asked in server.received]
    assert sum("a greeting" in text for text in shown) == 2
    assert numbers["pairs"] == {"en-de": {"items": 1, "judge": 50.0}, "en-fr": {"items": 1, "judge": 50.0}}
    assert numbers["overall"] == {"items": 2, "judge": 50.0}


def test_a_judge_that_cannot_be_read_leaves_its_row_out_and_is_asked_again(tmp_path, capsys):
    with ChatServer(reply=lambda asked: "no" if "Salut." in str(asked) else judge(asked)) as server:
        status, numbers = evaluate(server, tmp_path, "--attempts", "2")
        warm = [asked["temperature"] for asked in server.received if "Salut." in str(asked["messages"])]
    assert (status, numbers["failed_judgements"], numbers["overall"]) == (1, 1, {"items": 1, "judge": 50.0})
    assert warm == pytest.approx([0.4, 0.6])
    assert "no single score" in capsys.readouterr().err
    with ChatServer(reply=judge) as server:
        status, numbers = evaluate(server, tmp_path)
        assert len(server.received) == 2
    assert (status, numbers["overall"]["items"]) == (0, 2)


def test_other_metrics_stand_beside_and_what_they_lack_is_told(tmp_path, capsys):
    scores = tmp_path / "bleurt.jsonl"
    scores.write_text('{"row": 0, "sample": 0, "score": 0.5}\n{"row": 0, "sample": 1, "score": 0.7}\n', "utf-8")
    with ChatServer(reply=judge) as server:
        status, numbers = evaluate(server, tmp_path, "--scores", f"bleurt={scores}")
        assert status == 0
        assert evaluate(server, tmp_path, "--scores", "bleurt")[0] == 2
        scores.write_text('{"row": 0, "score": "good"}\n', "utf-8")
        assert evaluate(server, tmp_path, "--scores", f"bleurt={scores}")[0] == 2
    assert numbers["overall"]["bleurt"] == pytest.approx(0.6)
    assert numbers["pairs"]["en-de"]["bleurt"] is None
    assert "1 rows have no score" in capsys.readouterr().err


def test_rows_without_a_reference_are_counted(tmp_path, capsys):
    with ChatServer(reply=judge) as server:
        assert evaluate(server, tmp_path, rows=[*ROWS, {**ROWS[0], "trg_text": ""}])[0] == 0
    assert "1 rows: no trg_text" in capsys.readouterr().err
    with pytest.raises(BadReference):
        TranslationQuestion({**ROW, "trg_text": " "}, Sampling())
    assert math.isnan(means([ROW], {"judge": [[math.nan]]})["overall"]["judge"])


def test_the_users_prompt_with_its_reference(tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("{source}|{reference}|{translation}", encoding="utf-8")
    with ChatServer(reply="x\n7") as server:
        assert evaluate(server, tmp_path, "--prompt-file", prompt, rows=ROWS[1:])[0] == 0
        assert server.received[0]["messages"][-1]["content"] == "Hello.|Hallo.|Hallo."
    assert next(read_rows(tmp_path / "rows.judged.jsonl"))["judge_scores"] == [7.0, 0.0]
