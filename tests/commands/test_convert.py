"""`table-rewards convert`, run as a user runs it."""

from __future__ import annotations

import io
import json
import sys

import pytest

from table_rewards.commands.main import main

HTML = "<table><tr><th>a</th><th>b</th></tr><tr><td colspan=2>c</td></tr></table>"


def convert(monkeypatch, capsys, text: str, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status = main(["convert", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--to", "otsl"], "<fcel>a<fcel>b<nl>\n<fcel>c<lcel><nl>\n"),
        (["--to", "otsl", "--headers"], "<ched>a<ched>b<nl>\n<fcel>c<lcel><nl>\n"),
        (["--to", "markdown"], "| a | b |\n| --- | --- |\n| c |  |\n"),
        (["--to", "html"], '<table><tr><th>a</th><th>b</th></tr><tr><td colspan="2">c</td></tr></table>\n'),
    ],
)
def test_standard_input_to_standard_output(monkeypatch, capsys, words, expected):
    assert convert(monkeypatch, capsys, f"<think>hm</think>```html\n{HTML}\n```", *words) == (0, expected, "")


def test_latex_and_every_table(monkeypatch, capsys):
    status, out, _ = convert(monkeypatch, capsys, f"{HTML} and {HTML}", "--to", "latex", "--all")
    assert status == 0
    assert out.count("\\begin{tabular}{ll}") == 2


def test_a_file_of_rows_is_converted_in_place(tmp_path, capsys):
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": 1, "solution": HTML}, {"id": 2, "solution": "none"}, {"id": 3, "solution": None}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["convert", str(source), "--column", "solution", "--to", "otsl", "--out", str(target)]) == 1
    written = [json.loads(line) for line in target.read_text().splitlines()]
    assert written[0]["solution"].startswith("<fcel>a<fcel>b<nl>")
    assert written[1:] == rows[1:]
    assert "2 of 3 rows kept as they are: no table in 'solution'" in capsys.readouterr().err


def test_no_table_is_said_and_shown_by_the_status(monkeypatch, capsys):
    status, out, err = convert(monkeypatch, capsys, "prose", "--to", "html")
    assert (status, out) == (1, "")
    assert "no table found" in err


def test_giant_spans_are_left_out_not_built(monkeypatch, capsys):
    bomb = '<table><tr><td colspan="1000" rowspan="60000">a</td></tr>' + "<tr><td>b</td></tr>" * 3_000 + "</table>"
    status, _, err = convert(monkeypatch, capsys, bomb, "--to", "otsl")
    assert status == 1
    assert "ask for too many slots" in err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["missing.html", "--to", "otsl"], 3, "missing.html: no such file"),
        (["--to", "html", "--headers"], 2, "--headers goes with --to otsl"),
        (["--to", "otsl", "--all", "--column", "x"], 2, "--all does not go with --column"),
    ],
)
def test_misuse_is_one_line(monkeypatch, capsys, words, status, message):
    found, _, err = convert(monkeypatch, capsys, "", *words)
    assert found == status
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("text", "message"), [("[1]\n", "has no column 'x'"), ("{oops\n", "line 1 is not JSON")])
def test_a_damaged_file_is_named(monkeypatch, capsys, text, message):
    status, _, err = convert(monkeypatch, capsys, text, "--to", "otsl", "--column", "x")
    assert status == 3
    assert message in err
