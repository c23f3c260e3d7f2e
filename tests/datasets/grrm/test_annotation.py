"""Annotation over an endpoint: what a reply must be, what a kill and an outage cost, and that the data then works."""

from __future__ import annotations

import json
import re

import pytest

from table_rewards import Ranking
from table_rewards.commands.main import main
from table_rewards.datasets.completed_rows import Unread
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.grrm.annotation import read_group_scores, read_single_score
from table_rewards.llm import ChatReply
from table_rewards.testing.chat_server import ChatServer

ROWS = [
    {"src_text": f"Text {i}", "src_lang": "en", "trg_lang": "fr", "mt_texts": [f"mot {i}", f"mots {i} {i}", "non"]}
    for i in range(6)
]
SHOWN = re.compile(r"^Translation(?: ([A-Z]))?:\n`{3,}\n(.*?)\n`{3,}", re.MULTILINE | re.DOTALL)


def by_length(asked):
    found = SHOWN.findall(asked["messages"][-1]["content"])
    if found[0][0]:
        return "The longer the better.\n\n" + ", ".join(f"{name}: {min(10, len(text))}" for name, text in found)
    return f"It has letters.\n{min(10, len(found[0][1]))}"


def annotate(server, source, out, *words):
    return main(
        ["prepare", "grrm-annotate", "--data-path", str(source), "--output-path", str(out)]
        + ["--endpoint", server.url, "--model", "m", *words]
    )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "groups.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("Why.\nScores: A: 8, B: 3", [8, 3]),
        ("Why.\n**A: 8, B: 3**", [8, 3]),
        ("Why.\n\n### Scores:\n\nB: 3, A: 8\n```", [8, 3]),
        ("Why.\nA: 8/10, B: 3/10", [8, 3]),
    ],
)
def test_scores_in_natural_form_are_read_and_the_analysis_ends_before_them(text, scores):
    assert read_group_scores(ChatReply(text, finish_reason="stop"), 2) == (scores, "Why.")


@pytest.mark.parametrize(
    "text",
    ["A: 8, B: 3", "Why.\nA: 8", "Why.\nA: 8, B: 3, C: 1", "Why.\nA: 8.5, B: 3", "Why.\nA: -1, B: 3", "", "Why."],
)
def test_what_is_no_score_of_every_candidate_is_unread(text):
    with pytest.raises(Unread):
        read_group_scores(ChatReply(text, finish_reason="stop"), 2)


@pytest.mark.parametrize("text", ["7", "Why.\n7.5", "Why.\n12", "Why.\n7 or 8", "<think>Why.\n7"])
def test_what_is_no_single_score_is_unread(text):
    with pytest.raises(Unread):
        read_single_score(ChatReply(text, finish_reason="stop"))


def test_annotated_groups_become_training_data_that_earns_everything(source, tmp_path):
    out = tmp_path / "annotated.jsonl"
    with ChatServer(reply=by_length) as server:
        assert annotate(server, source, out) == 0
    rows = list(read_rows(out))
    assert [row["scores"] for row in rows] == [[5, 8, 3]] * 6
    assert [row["asked"]["row"] for row in rows] == list(range(6))
    sft, rl = tmp_path / "sft.jsonl", tmp_path / "rl.jsonl"
    assert main(["prepare", "grrm-sft", "--data_path", str(out), "--output_path", str(sft)]) == 0
    assert main(["prepare", "grrm-rl", "--data_path", str(out), "--output_path", str(rl), "--shuffle-buffer", "0"]) == 0
    answers = [row["messages"][1]["content"] for row in read_rows(sft)]
    assert Ranking()(answers, list(read_rows(rl))).values.tolist() == [2.0] * 6


def test_one_candidate_at_a_time_asks_for_each_and_voids_a_row_with_one_bad_reply(source, tmp_path, capsys):
    def reply(asked):
        return "I cannot say." if "mots 4 4" in asked["messages"][-1]["content"] else by_length(asked)

    out = tmp_path / "sqm.jsonl"
    with ChatServer(reply=reply) as server:
        assert annotate(server, source, out, "--paradigm", "sqm", "--attempts", "2") == 1
        assert len(server.received) == 6 * 3 + 3
    rows = list(read_rows(out))
    assert [row["asked"]["row"] for row in rows] == [0, 1, 2, 3, 5]
    assert all(row["scores"] == [5, 8, 3] and row["analysis"] == ["It has letters."] * 3 for row in rows)
    assert "the last line is no single score" in capsys.readouterr().err
    assert [line["row"] for line in read_rows(tmp_path / "sqm.failed.jsonl")] == [4]


def test_the_same_command_asks_only_for_what_is_missing(source, tmp_path):
    out = tmp_path / "annotated.jsonl"
    with ChatServer(reply=lambda asked: "no" if "Text 3" in str(asked) else by_length(asked)) as server:
        assert annotate(server, source, out) == 1
    with ChatServer(reply=by_length) as server:
        assert annotate(server, source, out) == 0
        assert len(server.received) == 1
        assert [row["asked"]["row"] for row in read_rows(out)] == list(range(6))
        assert annotate(server, source, out) == 0
        assert len(server.received) == 1
        assert annotate(server, source, out, "--paradigm", "sqm") == 2
    assert not (tmp_path / "annotated.failed.jsonl").exists()


def test_other_prompts_are_not_mixed_into_one_file(source, tmp_path, capsys):
    out = tmp_path / "annotated.jsonl"
    with ChatServer(reply=by_length) as server:
        assert annotate(server, source, out) == 0
        source.write_text(source.read_text("utf-8").replace("Text 2", "Text two"), "utf-8")
        assert annotate(server, source, out) == 2
    assert "other questions (row 2)" in capsys.readouterr().err


def test_scores_that_are_there_are_kept_and_not_asked_for(tmp_path):
    """M13: a column that is partly filled."""
    source, out = tmp_path / "partly.jsonl", tmp_path / "annotated.jsonl"
    rows = [{**ROWS[0], "scores": [1, 2, 3], "analysis": "by hand"}, ROWS[1], {**ROWS[2], "scores": None}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with ChatServer(reply=by_length) as server:
        assert annotate(server, source, out) == 0
        assert len(server.received) == 2
    assert [row["scores"] for row in read_rows(out)] == [[1, 2, 3], [5, 8, 3], [5, 8, 3]]


def test_an_outage_loses_nothing_and_is_no_score(source, tmp_path, capsys):
    out = tmp_path / "annotated.jsonl"
    with ChatServer(reply=by_length, faults=["400"], fault_rate=1.0, fault_limit=2) as server:
        assert annotate(server, source, out) == 1
        assert len(list(read_rows(out))) == 4
        assert annotate(server, source, out) == 0
    assert "no answer" in capsys.readouterr().err
    assert [row["scores"] for row in read_rows(out)] == [[5, 8, 3]] * 6
