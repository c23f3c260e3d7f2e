"""Tables in the forms that models write, each with the score that it must or must not get."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from table_rewards import create
from table_rewards.commands.main import main

FILE = pathlib.Path(__file__).parents[3] / "fixtures" / "tables" / "written_forms.jsonl"
CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


def holds(expected: dict[str, Any], value: float, status: str, text: str = "") -> bool:
    if "any" in expected:
        return any(holds(one, value, status, text) for one in expected["any"])
    return (
        abs(value - expected.get("value", value)) <= 1e-6
        and expected.get("at_least", value) - 1e-9 <= value <= expected.get("at_most", value) + 1e-9
        and status == expected.get("status", status)
        and all(part in text for part in expected.get("contains", ()))
        and not any(part in text for part in expected.get("lacks", ()))
        and (not expected.get("any_of") or any(part in text for part in expected["any_of"]))
    )


@pytest.mark.parametrize("case", [case for case in CASES if case["reward"] != "convert"], ids=lambda case: case["id"])
def test_a_table_is_scored_by_what_it_says(case):
    score = create(case["reward"], **case["options"])([case["completion"]], [case["reference"]])[0]
    assert holds(case["expect"], score.value, score.status), (score.value, score.status, score.note)


@pytest.mark.parametrize("case", [case for case in CASES if case["reward"] == "convert"], ids=lambda case: case["id"])
def test_a_table_is_converted_with_all_that_it_says(case, tmp_path, capsys):
    source, options = tmp_path / "source.txt", case["options"]
    source.write_text(case["completion"], "utf-8")
    code = main(["convert", str(source), "--to", options["to"]])
    text = capsys.readouterr().out
    if code == 0 and "back" in options:
        source.write_text(text, "utf-8")
        code = main(["convert", str(source), "--to", options["back"], "--from", options["to"]])
        text = capsys.readouterr().out
    assert holds(case["expect"], float(code == 0), "", text), (code, text)
