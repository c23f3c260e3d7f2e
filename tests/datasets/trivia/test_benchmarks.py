"""PubTabNet's annotations as they are published: tokens, and the evaluation's one object of names."""

from __future__ import annotations

import json
from collections import Counter

from table_rewards.datasets.trivia.benchmarks import pubtabnet_html, pubtabnet_rows
from table_rewards.tables.formats.convert import parse_table


def test_a_token_of_one_character_is_text_and_a_longer_one_markup():
    r"""``p<b>`` among the characters of a cell began an element, and took the rest of the table with it."""
    tokens = ["<tr>", "<td>", "</td>", "<td>", "</td>", "</tr>"]
    cells = [{"tokens": [*"p<b", *">a & b"]}, {"tokens": ["<b>", "1", "</b>"]}]
    html = pubtabnet_html({"structure": {"tokens": tokens}, "cells": cells})
    table = parse_table(html, "html")
    assert [cell.text for cell in table.rows[0]] == ["p<b>a & b", "1"]


def test_the_evaluations_file_of_names_is_read(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    table = "<html><body><table><tr><td>1</td></tr></table></body></html>"
    names = {"a.png": {"html": table, "type": "simple"}, "b.png": {"html": "none"}, "c.png": {"html": table}}
    file = tmp_path / "final_eval.json"
    file.write_text(json.dumps(names), "utf-8")
    left_out = Counter()
    (row,) = pubtabnet_rows(file, tmp_path, tmp_path / "out.jsonl", left_out)
    assert (row["id"], row["solution"], row["images"]) == ("a.png", table, ["a.png"])
    assert left_out == {"no table": 1, "no image of its name": 1}
