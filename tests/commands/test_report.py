"""`table-rewards report`: like beside like, row by row, and a page that needs nothing beside it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from command_line import here, write
from table_rewards.datasets.files import RowWriter
from table_rewards.evaluation.scores.pairing import pair
from table_rewards.evaluation.scores.score_files import load, short_names

SIGNATURE = "table_bench:metric=auto|v0"


def scores(path, values, signature=SIGNATURE, **columns):
    rows = [
        {"row": i // 2, "sample": i % 2, "id": f"p{i // 2}", "qtype": "ab"[i % 2], "prompt": f"p{i // 2}",
         "score": value, "part": value, "status": "unscored" if value is None else "scored",
         "note": "server down" if value is None else "", "signature": signature, **columns}
        for i, value in enumerate(values)
    ]  # fmt: skip
    if path.suffix == ".parquet":
        with RowWriter(path) as writer:
            writer.write({**row, "score": float("nan") if row["score"] is None else row["score"]} for row in rows)
        return path
    return write(path, rows)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_one_file_is_summed_up(tmp_path, ending):
    file = scores(tmp_path / f"s.{ending}", [1.0, 0.0, 1.0, 1.0, None, 0.5])
    told = json.loads(here("report", file, "--json", check=0).stdout)["files"][0]
    assert (told["rows"], told["unscored"], told["mean"]) == (6, 1, pytest.approx(0.7))
    assert told["prompts"]["zero_variance"] == 1
    assert told["groups"]["a"]["count"] == 2
    assert told["notes"] == {"server down": 1}
    assert "server down" in here("report", file, columns=80).stdout


def test_two_files_are_compared_row_by_row(tmp_path):
    first = scores(tmp_path / "a.jsonl", [0.0, 0.0, 1.0, 1.0, None, 0.5])
    second = scores(tmp_path / "b.parquet", [1.0, 0.0, 1.0, 0.5, 1.0, 1.0])
    told = json.loads(here("report", first, second, "--json", check=0).stdout)["pairs"]
    (one,) = told
    assert (one["rows"], one["higher"], one["lower"]) == (5, 2, 1)
    assert one["difference"] == pytest.approx((1 + 0 + 0 - 0.5 + 0.5) / 5)
    text = here("report", first, second, columns=80).stdout
    assert "b - a" in text
    assert "within noise" in text
    assert max(map(len, text.splitlines())) <= 80


def test_completions_of_one_row_do_not_count_as_independent(tmp_path):
    """Twenty completions that move together with their ten rows say no more than ten."""
    up = [float(i // 2 % 2) for i in range(20)]
    first, second = load([scores(tmp_path / "a.jsonl", [0.0] * 20), scores(tmp_path / "b.jsonl", up)])
    found = pair(first, second)
    assert found.error == pytest.approx((0.25 / 9) ** 0.5)


def test_files_of_other_rows_are_not_paired(tmp_path):
    first, second = load([scores(tmp_path / "a.jsonl", [0.0] * 4), scores(tmp_path / "b.jsonl", [0.0] * 6)])
    found = pair(first, second)
    assert (found.rows, found.prompts, found.only_first, found.only_second) == (4, 2, 0, 2)
    other = write(tmp_path / "c.jsonl", [{"row": 0, "sample": 0, "prompt": "elsewhere", "score": 1.0}])
    assert pair(*load([scores(tmp_path / "a.jsonl", [0.0]), other], mixed=True)) is None


def test_different_signatures_are_refused_unless_wanted(tmp_path):
    first = scores(tmp_path / "a.jsonl", [0.0, 1.0])
    second = scores(tmp_path / "b.jsonl", [0.0, 1.0], "table_bench:metric=em|v0")
    refused = here("report", first, second, check=2).stderr
    assert SIGNATURE in refused
    assert "table_bench:metric=em|v0" in refused
    assert "--different-signatures" in refused
    text = here("report", first, second, "--different-signatures", check=0).stdout
    assert "made in different ways" in text


def test_a_column_to_group_by_that_is_missing_is_named(tmp_path):
    done = here("report", scores(tmp_path / "a.jsonl", [0.0]), "--by", "qtyp", check=3)
    assert "no column 'qtyp' (did you mean 'qtype'?)" in done.stderr


def test_any_rows_with_a_score_can_be_reported(tmp_path):
    dump = write(tmp_path / "dump.jsonl", [{"input": "q", "output": "a", "score": 0.5}, {"input": "q", "score": None}])
    told = json.loads(here("report", dump, "--json", check=0).stdout)["files"][0]
    assert told["status"] == {"scored": 1, "unparsed": 0, "unscored": 1}


@pytest.mark.parametrize(
    "values", [[0.5] * 6, [None] * 4, [-1.5, 3.25, 0.0, 0.1], [0.1 * (i % 11) for i in range(400)]]
)
def test_the_page_is_whole_and_asks_the_network_for_nothing(tmp_path, values):
    evil = '<script>alert(1)</script> & "quotes"'
    first = scores(tmp_path / "a.jsonl", values, qtype=evil)
    second = scores(tmp_path / "<b>.jsonl", values[::-1], qtype=evil)
    page = tmp_path / "out" / "report.html"
    here("report", first, second, "--html", page, "--title", evil, check=0)
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert not re.search(r"(src|href)=|url\(|@import", text)
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan[a-z]*", "", text.lower())
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)
    assert text.count("<svg") >= 1


def test_a_picture_is_drawn(tmp_path):
    picture = tmp_path / "report.png"
    here("report", scores(tmp_path / "a.jsonl", [0.0, 0.5, 1.0, None]), "--png", picture, check=0)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size > 5000


def test_names_tell_files_apart(tmp_path):
    paths = [tmp_path / "one" / "scores.jsonl", tmp_path / "two" / "scores.jsonl"]
    assert short_names(paths) == ["one/scores", "two/scores"]
    assert short_names([paths[0], paths[0]]) == [f"{paths[0]} (1)", f"{paths[0]} (2)"]
