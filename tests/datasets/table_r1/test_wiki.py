"""WikiTableQuestions' and WikiSQL's questions with their tables, in the layouts of their publishers and of the hubs."""

from __future__ import annotations

import json

import pytest

from command_line import here, read, write
from table_rewards.datasets.table_r1.wiki import questions, with_tables

QUESTIONS = 'id\tutterance\tcontext\ttargetValue\nnu-0\twho sang "likwit"?\tcsv/204-csv/1.csv\tE-Swift|Tash\n'
TABLE = 'No\tTitle\tBy\n1\t"Likwit"\tE-Swift\\nTash\n2\t\ta\\pb\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "csv" / "204-csv").mkdir(parents=True)
    (tmp_path / "csv" / "204-csv" / "1.tsv").write_text(TABLE, "utf-8")
    (tmp_path / "questions.tsv").write_text(QUESTIONS, "utf-8")
    return tmp_path


def test_wikitablequestions_official_files(folder):
    """They are no csv: a quotation mark is a quotation mark, and cells are escaped in a way of their own."""
    (row,) = with_tables(questions(str(folder / "questions.tsv")), folder)
    assert row == {
        "id": "nu-0",
        "context": "csv/204-csv/1.csv",
        "targetValue": "E-Swift|Tash",
        "question": 'who sang "likwit"?',
        "table": {"columns": ["No", "Title", "By"], "data": [["1", '"Likwit"', "E-Swift\nTash"], ["2", "", "a|b"]]},
    }


def test_the_csv_of_a_table_is_read_where_its_twin_is_not_there(folder):
    (folder / "csv" / "204-csv" / "1.tsv").unlink()
    (folder / "csv" / "204-csv" / "1.csv").write_text('"No","Title"\n"1","\\"Likwit\\""\n', "utf-8")
    (row,) = with_tables(questions(str(folder / "questions.tsv")), folder)
    assert row["table"] == {"columns": ["No", "Title"], "data": [["1", '"Likwit"']]}


@pytest.mark.parametrize("name", ["", "../secret.csv", "/etc/passwd", "csv/204-csv/2.csv"])
def test_a_table_that_is_not_in_the_folder_is_none(folder, name):
    (folder.parent / "secret.tsv").write_text("a\n1\n", "utf-8")
    assert list(with_tables([{"context": name}], folder)) == [{"context": name}]


def test_prompts_of_wikisql_from_its_two_files_and_of_a_hubs_rows(tmp_path):
    table = {"id": "1-1", "header": ["City", "People"], "types": ["text", "real"], "rows": [["Bonn", 300]]}
    write(tmp_path / "tables.jsonl", [table])
    row = {"question": "Who?", "sql": {"sel": 0, "agg": 0, "conds": []}}
    write(tmp_path / "official.jsonl", [{**row, "table_id": "1-1"}, {**row, "table_id": "1-2"}])
    write(tmp_path / "hub.jsonl", [{**row, "table": table}])
    made = []
    for words in (("official.jsonl", "--tables", tmp_path / "tables.jsonl"), ("hub.jsonl",)):
        source, *more = words
        done = here("prepare", "table-r1-prompts", tmp_path / source, *more, "--types", "DP",
                    "--out", tmp_path / "prompts.jsonl", check=0)  # fmt: skip
        (only,) = read(tmp_path / "prompts.jsonl")
        made.append(only["instruction"])
        assert ("1 no table" in done.stdout) == (source == "official.jsonl")
    assert made[0] == made[1]
    assert json.dumps({"columns": ["City", "People"], "data": [["Bonn", 300]]}) in made[0]


def test_from_the_official_files_to_the_accuracy(folder):
    here("prepare", "table-r1-prompts", folder / "questions.tsv", "--tables", folder, "--types", "DP",
         "--out", folder / "prompts.jsonl", check=0)  # fmt: skip
    (row,) = read(folder / "prompts.jsonl")
    write(folder / "predictions.jsonl", [{**row, "prediction": "Final Answer: Tash, E-Swift"}])
    done = here("evaluate", "wikitq", folder / "predictions.jsonl", "--gold", folder / "questions.tsv", check=0)
    assert "100.00" in done.stdout


def test_what_is_no_file_of_theirs_is_named(folder):
    (folder / "other.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    for words in ((folder / "other.tsv",), (folder / "questions.tsv", "--tables", folder / "missing")):
        done = here("prepare", "table-r1-prompts", *words, "--out", folder / "out.jsonl")
        assert done.returncode == 2
        assert "utterance" in done.stderr or "missing" in done.stderr
