"""The price of structure: a table costs nothing, a heap of its text earns nothing."""

from __future__ import annotations

import json
import pathlib

import pytest

from table_rewards import QAF1, ConfigurationError
from table_rewards.rewards.qa_f1.reference import QAPairs
from table_rewards.rewards.qa_f1.structure import Structure
from table_rewards.tables import parse_table
from table_rewards.tables.table import Table
from table_rewards.testing.chat_server import ChatServer

ROWS = [
    json.loads(line)
    for line in (pathlib.Path(__file__).parents[3] / "fixtures" / "trivia" / "tables_qa.jsonl")
    .read_text("utf-8")
    .splitlines()
]
LINES = [
    ["City", "People", "Area"],
    ["Oslo", "709,037", "454"],
    ["Bergen", "291,940", "465"],
    ["Bodø", "53,259", "1,395"],
]
PAIRS = [
    {"question": "How many people live in Bergen?", "answer": "291,940"},
    {"question": "What is the area of Bodø?", "answer": "1,395"},
]


def otsl(lines):
    return "".join("".join(f"<fcel>{cell}" for cell in line) + "<nl>\n" for line in lines)


def dumps():
    flat = " ".join(cell for line in LINES for cell in line)
    return {
        "one cell": [[flat]],
        "one cell and an empty one": [[flat, ""]],
        "one row": [[cell for line in LINES for cell in line]],
        "a cell a row": [[" ".join(line)] for line in LINES],
        "two cells": [[flat[: len(flat) // 2], flat[len(flat) // 2 :]]],
        "a column a cell": [[" ".join(line[column] for line in LINES) for column in range(3)]],
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_real_tables_and_questions_cost_nothing(row):
    structure = Structure(parse_table(row["otsl"], "otsl"))
    pairs = QAPairs.read(row["qa_pairs"]).pairs
    assert [structure.of(pair.question, pair.answer) for pair in pairs] == [1.0] * len(pairs)


@pytest.mark.parametrize("dump", dumps())
def test_a_heap_is_not_paid_to_a_reader_that_can_read_it(dump):
    """The reader of this test answers everything right, from whatever it is shown."""

    def reply(request):
        asked = request["messages"][-1]["content"]
        return next(f"<answer>{pair['answer']}</answer>" for pair in PAIRS if pair["question"] in asked)

    with ChatServer(reply=reply) as server:
        options = {"endpoints": server.url, "model": "m", "deadline_s": 20.0}
        texts = [otsl(LINES), otsl(dumps()[dump])]
        priced = QAF1(**options)(texts, [PAIRS, PAIRS])
        free = QAF1(**options, price_structure=False)(texts, [PAIRS, PAIRS])
    assert priced.values[0] == free.values[0] == free.values[1] == 1.0
    assert priced.values[1] <= 0.5
    assert priced.parts["qa_f1"].tolist() == [1.0, 1.0]
    assert priced.parts["structure"][1] <= 0.5
    assert "structure" in priced.notes[1]


def test_answers_that_no_cell_holds_cost_nothing_in_a_table():
    structure = Structure(Table.of(LINES, 1))
    assert structure.of("How many cities are listed?", "3") == 1.0
    assert structure.of("Which city has the largest area?", "Bodø") == 1.0
    assert structure.of("What is said of Trondheim?", "Not answerable") == 1.0


def test_a_table_of_a_name_and_a_value_is_one():
    assert Structure(Table.of([["Unit", "mA"]])).of("Which unit?", "mA") == 1.0


def test_the_release_has_no_such_price():
    pytest.importorskip("jieba")
    assert QAF1(reader="extractive", profile="released").price_structure is False
    with pytest.raises(ConfigurationError, match="price_structure"):
        QAF1(reader="extractive", profile="released", price_structure=True)
    with pytest.raises(ConfigurationError, match="price_structure"):
        QAF1(reader="extractive", price_structure="yes")


def test_a_unit_beside_the_name_of_its_column_is_no_heap():
    """The example in TRivia's own README: what is the unit of a current, whose column is headed "Isc current (mA)"?"""
    table = Table.of([["Cell", "Isc current (mA)", "Voltage [V]"], ["A", "1.5", "3"], ["B", "2.5", "4"]], 1)
    structure = Structure(table)
    assert structure.of("What is the unit of the Isc current?", "mA") == 1.0
    assert structure.of("In which unit is the voltage?", "V") == 1.0
    assert structure.of("What is the Isc current of B?", "2.5") == 1.0


def test_values_in_the_brackets_of_a_heap_are_priced():
    heap = Table.of([["Oslo (709037) Bergen (291940)", "People"], ["-", "-"]], 1)
    assert Structure(heap).of("How many people live in Bergen?", "291940") < 1.0
    heap = Table.of([["City unit current (mA) voltage (V)"]])
    assert Structure(heap).of("What is the unit of the current?", "mA") == 0.0
