"""From images to the last number: folders, the stages before reinforcement learning, benchmarks."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
from collections import Counter

import pytest

from table_rewards import QAF1
from table_rewards.commands.demo_scripts import script
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.trivia.images import find_images
from table_rewards.datasets.trivia.stages import stage_rows, written
from table_rewards.tables import parse_table
from table_rewards.testing.chat_server import ChatServer

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures"
SAMPLE = FIXTURES / "trivia" / "grpo_sample.jsonl"
STATIONS = FIXTURES / "trivia" / "images" / "stations.png"


def prepare(*words):
    return main(["prepare", *map(str, words)])


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def image_in(asked):
    """The bytes of the image in a request."""
    parts = asked["messages"][-1]["content"]
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    return base64.b64decode(url.partition(",")[2])


def test_a_folder_is_searched_below_in_order_and_any_case(tmp_path):
    """The published script knows neither jpeg nor webp nor capitals, and takes the order of the file system (R9)."""
    for name in ("b.PNG", "sub/a.jpeg", "a.webp", "c.txt", "sub/deep/x.Jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(STATIONS, tmp_path / "in" / name)
    out = tmp_path / "rows" / "images.jsonl"
    assert prepare("trivia-images", tmp_path / "in", "--out", out) == 0
    assert [row["images"] for row in read_rows(out)] == [
        [f"../in/{name}"] for name in ("a.webp", "b.PNG", "sub/a.jpeg", "sub/deep/x.Jpg")
    ]
    listed = tmp_path / "list.txt"
    listed.write_text("in/b.PNG\n\nin/a.webp\n", "utf-8")
    assert [path.name for path in find_images(listed)] == ["b.PNG", "a.webp"]
    listed.write_text("in/none.png\n", "utf-8")
    assert prepare("trivia-images", listed, "--out", out) == 2
    (tmp_path / "empty").mkdir()
    assert prepare("trivia-images", tmp_path / "empty", "--out", out) == 2


def test_questions_are_written_for_a_folder_of_images(tmp_path):
    def reply(asked):
        text = json.dumps(asked["messages"])
        if "JSON list" in text:
            assert image_in(asked) == STATIONS.read_bytes()
            return '[{"question": "When did Birkenau open?", "answer": "1912"}]'
        return f"<answer>{'1912' if 'image_url' in text else 'Not answerable'}</answer>"

    (tmp_path / "in").mkdir()
    shutil.copy(STATIONS, tmp_path / "in" / "stations.png")
    out = tmp_path / "out" / "questions.jsonl"
    with ChatServer(reply=reply) as server:
        assert prepare("trivia-questions", tmp_path / "in", "--out", out, "--endpoint", server.url, "--model", "m") == 0
    (row,) = read_rows(out)
    assert (row["images"], row["qa_pairs"][0]["answer"]) == (["../in/stations.png"], "1912")


def test_the_sample_in_the_fixtures_is_trivias_form_and_earns_everything(tmp_path):
    assert prepare("trivia", SAMPLE, "--out", tmp_path, "--validation-share", "0") == 0
    rows = list(read_rows(tmp_path / "train.jsonl"))
    assert len(rows) == 2
    assert all((SAMPLE.parent / row["images"][0]).is_file() for row in read_rows(SAMPLE))
    right = [row["html"] for row in read_rows(SAMPLE)]
    with ChatServer(reply=script("reader", SAMPLE)) as server:  # finds an answer where the table holds it
        reward = QAF1(endpoints=server.url, model="m")
        scores = reward([*right, "<table><tr><td>1907</td></tr></table>"], [*rows, rows[0]])
    assert scores.parts["qa_f1"].tolist() == [1.0, 1.0, 0.0]
    assert scores.values[0] == 1.0
    assert scores.values[2] == 0.0


def test_stage_rows_hold_the_same_table_in_otsl(tmp_path, capsys):
    sources = [
        {"image": f"{name}{i}.png", "html": row["html"]}
        for name in ("pubtabnet", "wikitablequestions")
        for i, row in enumerate(read_rows(FIXTURES / "tables" / f"{name}.jsonl"))
    ]
    left_out = Counter()
    made = list(stage_rows(sources, left_out))
    assert len(made) + sum(left_out.values()) == len(sources)
    assert len(made) == len(sources)
    tables = {source["image"]: source["html"] for source in sources}
    for row in made[:40]:
        assert written(parse_table(row["messages"][1]["content"])) == written(parse_table(tables[row["images"][0]]))
    bad = [{"html": sources[0]["html"]}, {"image": "a.png", "html": "no table"}, {"images": ["a", "b"], "html": "x"}]
    path, out = lines(tmp_path / "rows.jsonl", [*sources[:2], *bad]), tmp_path / "sft.jsonl"
    assert prepare("trivia-sft", path, "--stage", "warmup", "--out", out) == 0
    told = capsys.readouterr()
    assert "--freeze_vit true" in told.out
    for reason in ("no image", "its table cannot be read", "several images"):
        assert f"left out: 1 rows: {reason}" in told.err
    once = out.read_bytes()
    assert prepare("trivia-sft", path, "--stage", "warmup", "--out", out) == 0
    assert out.read_bytes() == once


def pubtabnet(folder):
    shutil.copy(STATIONS, folder / "PMC1.png")
    tokens = ["<tbody>", "<tr>", "<td", ' colspan="2"', ">", "</td>", "</tr>", "<tr>", "<td>", "</td>", "<td>", "</td>"]
    html = {
        "structure": {"tokens": [*tokens, "</tr>", "</tbody>"]},
        "cells": [{"tokens": ["a"]}, {"tokens": ["b"]}, {"tokens": []}],
    }
    rows = [
        {"filename": "PMC1.png", "split": "val", "html": html},
        {"filename": "PMC2.png", "split": "val", "html": html},
        {"filename": "PMC1.png", "split": "train", "html": html},
        {"filename": "PMC1.png", "split": "val", "html": {"structure": {"tokens": ["<td>", "</td>"]}, "cells": []}},
    ]
    return lines(folder / "PubTabNet.jsonl", rows)


def omnidocbench(folder):
    shutil.copy(STATIONS, folder / "page.png")
    table = {"category_type": "table", "poly": [5, 5, 165, 5, 165, 50, 5, 50], "anno_id": 3}
    gold = "<table><tr><td>Station</td><td>Opened</td></tr><tr><td>Altmark</td><td>1907</td></tr></table>"
    found = [{**table, "html": gold, "attribute": {"line": "full_line"}}, {**table, "html": ""}]
    others = [
        {"category_type": "text_block"},
        {**table, "html": gold, "ignore": True},
        {**table, "poly": None, "html": "x"},
    ]
    page = {"layout_dets": [*found, *others], "page_info": {"image_path": "images/page.png"}}
    (folder / "OmniDocBench.json").write_text(json.dumps([page]), "utf-8")
    return folder / "OmniDocBench.json"


def test_from_benchmarks_through_generation_to_numbers(tmp_path, capsys):
    pytest.importorskip("PIL")
    images = tmp_path / "images"
    images.mkdir()
    made = {}
    for layout, file in (("pubtabnet", pubtabnet(images)), ("omnidocbench", omnidocbench(images))):
        made[layout] = tmp_path / f"{layout}.jsonl"
        words = ["trivia-benchmark", file, "--layout", layout, "--images", images, "--out", made[layout]]
        assert prepare(*words) == 0
    told = capsys.readouterr().err
    for reason in ("no image of its name", "not of the split val", "no table", "marked to be ignored", "no HTML"):
        assert f"left out: 1 rows: {reason}" in told
    (piece,) = read_rows(made["omnidocbench"])
    from PIL import Image

    assert Image.open(tmp_path / piece["images"][0]).size == (160, 45)
    assert piece["line"] == "full_line"
    replies = {STATIONS.read_bytes(): "<fcel>a<lcel><nl>\n<fcel>b<ecel><nl>"}
    with ChatServer(reply=lambda asked: replies.get(image_in(asked), "I see no table.")) as server:
        predictions = []
        for file in made.values():
            predictions.append(file.with_suffix(".predictions.jsonl"))
            assert main(["generate", str(file), "--endpoint", server.url, "--model", "m"]) == 0
    out = tmp_path / "numbers.json"
    words = ["evaluate", "tables", *map(str, predictions), "--out", str(out)]
    assert main([*words, "--weights", "3,1"]) == 0
    numbers = json.loads(out.read_text("utf-8"))
    assert {r["set"]: (r["TEDS"], r["S-TEDS"], r["without_a_table"]) for r in numbers["sets"]} == {
        "PubTabNet": (1.0, 1.0, 0),
        "OmniDocBench": (0.0, 0.0, 1),
    }
    assert numbers["overall"] == {"TEDS": 0.75, "S-TEDS": 0.75}
    assert main([*words, "--weights", "3"]) == 2
    assert main([*words, "--gold-key", "nothing"]) == 2
    assert main(words) == 0
    assert json.loads(out.read_text("utf-8"))["overall"]["TEDS"] == 0.5
