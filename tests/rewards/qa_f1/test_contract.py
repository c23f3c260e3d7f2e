"""QA-F1 keeps the contract of every reward, with a reader behind a real server and with the embedded one."""

from __future__ import annotations

import json
import pathlib

import pytest

from contract_checks import VARIANT_CHECKS
from table_rewards.rewards.qa_f1 import QAF1
from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.tables.formats.convert import parse_table
from table_rewards.testing.chat_server import ChatServer
from table_rewards.testing.contract import Samples

ROWS = [
    json.loads(line)
    for line in (pathlib.Path(__file__).parents[3] / "fixtures/trivia/tables_qa.jsonl").read_text("utf-8").splitlines()
]


def read(request):
    table, _, question = request["messages"][1]["content"].partition("\n\n<question>")
    parsed = parse_table(table)
    return f"<answer>{ExtractiveReader(parsed).answer(question.removesuffix('</question>')) if parsed else ''}</answer>"


@pytest.fixture(scope="module")
def server():
    with ChatServer(reply=read) as running:
        yield running


@pytest.fixture(params=["extractive", "endpoint"])
def samples(request, server):
    endpoint = {"endpoints": server.url, "model": "m", "deadline_s": 60}
    reward = QAF1(reader=request.param, **(endpoint if request.param == "endpoint" else {}))
    completions = [row["otsl"] for row in ROWS] + [ROWS[1]["otsl"][:-8], ROWS[2]["otsl"].replace("1", "2")]
    references = [row["qa_pairs"] for row in ROWS] + [ROWS[1]["qa_pairs"], ROWS[2]["qa_pairs"]]
    return Samples(reward, completions, references)


@pytest.mark.parametrize("check", VARIANT_CHECKS)
def test_contract(check, samples):
    check(samples)
