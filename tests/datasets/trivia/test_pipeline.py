"""TRivia from the first command to the last, with a scripted endpoint that sees: images, questions chosen by where a
model looks, the stages of fine-tuning, responses that agree, rows for GRPO, reward, advantage, benchmark."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import shutil

from table_rewards import QAF1
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.tables import parse_table, render_table
from table_rewards.testing.chat_server import ChatServer

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "trivia"
KNOWN = {
    (FIXTURES / row["images"][0]).read_bytes(): {**row, "otsl": render_table(parse_table(row["html"]), "otsl")}
    for row in read_rows(FIXTURES / "grpo_sample.jsonl")
}
ANSWERS = {pair["question"]: pair["answer"] for row in KNOWN.values() for pair in row["qa_pairs"]}


def model(asked):
    """Knows the two images, writes their questions, answers from what it is shown, and recognises their tables."""
    text = json.dumps(asked["messages"], ensure_ascii=False)
    pictures = re.findall(r"base64,([A-Za-z0-9+/=]+)", text)
    seen = KNOWN[base64.b64decode(pictures[0])] if pictures else None
    if "JSON list" in text:
        return json.dumps(seen["qa_pairs"])
    last = json.dumps(asked["messages"][-1], ensure_ascii=False)
    question = re.search(r"<question>(.*?)</question>", last)
    if question:
        answer = ANSWERS[question[1]]
        shown = seen["html"] if seen else last.partition("<question>")[0]
        return f"<answer>{answer if answer in shown else 'Not answerable'}</answer>"
    if "stations" in seen["images"][0] and asked["seed"] % 2:
        return seen["otsl"].replace("1912", "1921")  # half of the responses misread a cell
    return seen["otsl"]


def run(*words):
    return main([str(word) for word in words])


def test_from_images_to_teds(tmp_path):
    shutil.copytree(FIXTURES / "images", tmp_path / "scans" / "deep")
    rows = tmp_path / "images.jsonl"
    with ChatServer(reply=model) as server:
        where = ("--endpoint", server.url, "--model", "m")
        assert run("prepare", "trivia-images", tmp_path / "scans", "--out", rows) == 0

        pool, chosen = tmp_path / "pool.jsonl", tmp_path / "questions.jsonl"
        assert run("prepare", "trivia-questions", rows, "--images", "--out", pool, *where) == 0
        picked = ("--sources", FIXTURES / "visual_sources.jsonl", "--keep", "2")
        assert run("prepare", "trivia-questions", pool, "--out", chosen, *picked) == 0
        assert [len(row["qa_pairs"]) for row in read_rows(chosen)] == [2, 2]

        drawn, kept = tmp_path / "responses.jsonl", tmp_path / "kept.jsonl"
        sampled = ("-n", "4", "--temperature", "1")
        assert run("generate", chosen, *sampled, "--out", drawn, *where) == 0
        assert run("prepare", "trivia-consistency", drawn, "--out", kept, "--high", "0.9999") == 0
        (row,) = read_rows(kept)  # whose responses always agree teaches nothing more
        assert "stations" in row["images"][0]
        assert run("prepare", "trivia", kept, "--out", tmp_path / "grpo", "--validation-share", "0") == 0
        assert run("prepare", "trivia-check", tmp_path / "grpo" / "train.jsonl") == 0
        (train,) = read_rows(tmp_path / "grpo" / "train.jsonl")

        responses = [line["prediction"] for line in read_rows(drawn) if line["images"] == row["images"]]
        values = QAF1(endpoints=server.url, model="m")([*responses, "no table"], [train] * 5).values
        advantages = values - values.mean()
        misread = ["1921" in response for response in responses]
        assert sorted(misread) == [False, False, True, True]
        for value, advantage, wrong in zip(values, advantages, misread, strict=False):
            assert (value < 1.0) == wrong
            assert (advantage < 0.2) == wrong
        assert values[4] == 0

        labelled = tmp_path / "labelled.jsonl"
        known = [KNOWN[(tmp_path / one["images"][0]).read_bytes()] for one in read_rows(rows)]
        annotated = [{**one, "html": gold["html"]} for one, gold in zip(read_rows(rows), known, strict=True)]
        labelled.write_text("".join(json.dumps(one) + "\n" for one in annotated), "utf-8")
        for stage in ("warmup", "sft"):
            assert run("prepare", "trivia-sft", labelled, "--stage", stage, "--out", tmp_path / f"{stage}.jsonl") == 0
            taught = [one["messages"][1]["content"] for one in read_rows(tmp_path / f"{stage}.jsonl")]
            assert taught == [gold["otsl"] for gold in known]

        predictions, out = tmp_path / "predictions.jsonl", tmp_path / "teds.json"
        assert run("generate", labelled, "--out", predictions, *where) == 0
    assert run("evaluate", "tables", predictions, "--gold-key", "html", "--out", out) == 0
    assert json.loads(out.read_text("utf-8"))["overall"] == {"TEDS": 1.0, "S-TEDS": 1.0}
