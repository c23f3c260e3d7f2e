"""`evaluate wikitq` and `evaluate wikisql`, from predictions to numbers and marks."""

from __future__ import annotations

import json

import pytest

from table_rewards import BadReference
from table_rewards.commands.main import main
from table_rewards.datasets.files import read_rows
from table_rewards.evaluation.denotation.golds import WikiSQLTables, wikitq_golds
from table_rewards.testing.chat_server import ChatServer

PLAIN = "id\tutterance\tcontext\ttargetValue\nnu-0\twhich?\ta.csv\tItaly\nnu-1\twho?\tb.csv\tA\\pB|May 2005\n"
TAGGED = "id\ttargetValue\ttargetCanon\nnu-0\t17 years\t17.0\nnu-1\tMay 2005\t2005-05-xx\n"
TABLE = {
    "id": "1-10015132-16",
    "header": ["Player", "No.", "Position"],
    "types": ["text", "real", "text"],
    "rows": [["Terrence Ross", 31, "Guard"], ["Alvin Scott", "1,002", "Guard"], ["T", 7, "Center"]],
}


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def evaluate(task, *words):
    return main(["evaluate", task, *map(str, words)])


def numbers(path):
    return json.loads(path.read_text("utf-8"))


def test_wikitq_from_completions_and_from_official_predictions(tmp_path):
    gold, out, marks = tmp_path / "gold.tsv", tmp_path / "out.json", tmp_path / "marks.jsonl"
    gold.write_text(PLAIN, "utf-8")
    asked = [{"id": "nu-1", "prediction": "Final Answer: a|b, May 2005"}, {"id": "nu-0", "prediction": "It is Italy"}]
    assert evaluate("wikitq", lines(tmp_path / "p.jsonl", asked), "--gold", gold, "--out", out, "--marks", marks) == 0
    assert (numbers(out)["accuracy"], numbers(out)["problems"]) == (0.0, {"no final answer": 1})
    (tmp_path / "p.tsv").write_text("nu-0\titaly\nnu-1\ta|b\tmay 2005\n", "utf-8")
    assert evaluate("wikitq", tmp_path / "p.tsv", "--gold", gold, "--out", out, "--marks", marks) == 0
    assert numbers(out)["accuracy"] == 1.0
    assert [mark["right"] for mark in read_rows(marks)] == [True, True]


def test_the_tagged_file_has_the_canonical_forms(tmp_path):
    (tmp_path / "gold.tagged").write_text(TAGGED, "utf-8")
    golds = dict(wikitq_golds(tmp_path / "gold.tagged"))
    assert (golds["nu-0"][0].number, golds["nu-1"][0].date) == (17.0, (2005, 5, -1))


def test_questions_without_a_prediction_count_as_wrong_and_are_told(tmp_path, capsys):
    (tmp_path / "gold.tsv").write_text(PLAIN, "utf-8")
    some = [
        {"id": "nu-0", "predictions": ["Final Answer: Italy", "Final Answer: Rome"]},
        {"id": "x", "prediction": "y"},
    ]
    words = [lines(tmp_path / "p.jsonl", some), "--gold", tmp_path / "gold.tsv", "--out", tmp_path / "out.json"]
    assert evaluate("wikitq", *words) == 1
    found = numbers(tmp_path / "out.json")
    assert (found["accuracy"], found["predicted"], found["questions"], found["of_no_question"]) == (0.25, 1, 2, 1)
    assert "1 questions have no prediction" in capsys.readouterr().err


def test_a_file_that_is_no_gold_file_is_named(tmp_path, capsys):
    predictions = lines(tmp_path / "p.jsonl", [{"id": "1", "prediction": "x"}])
    assert evaluate("wikitq", predictions, "--gold", predictions) == 2
    assert "targetValue" in capsys.readouterr().err
    assert evaluate("wikitq", predictions) == 2


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"sel": 0, "agg": 0, "conds": [[2, 0, "GUARD"]]}, ["terrence ross", "alvin scott"]),
        ({"sel": 1, "agg": 0, "conds": [[0, 0, "alvin scott"]]}, ["1002"]),
        ({"sel": 0, "agg": 3, "conds": [[1, 1, "30"]]}, ["2"]),
        ({"sel": 1, "agg": 4, "conds": []}, ["1040"]),
        ({"sel": 1, "agg": 5, "conds": [[1, 2, 32]]}, ["19"]),
        ({"sel": 1, "agg": 1, "conds": {"column_index": [2], "operator_index": [0], "condition": ["center"]}}, ["7"]),
        ({"sel": 1, "agg": 1, "conds": [[0, 0, "nobody"]]}, []),
        ({"sel": 0, "agg": 3, "conds": [[1, 1, "number 30"]]}, ["2"]),  # the first number, as the official programs
        ({"sel": 0, "agg": 3, "conds": [[0, 0, "x'; DROP TABLE t; --"]]}, ["0"]),
    ],
)
def test_the_stated_sql_selects_the_gold_answer(query, answer):
    assert WikiSQLTables([TABLE]).answer(TABLE["id"], query) == answer


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sel": 9, "agg": 0, "conds": []},
        {"sel": -1, "agg": 0, "conds": []},
        {"sel": 0, "agg": 7, "conds": []},
        {"sel": 0, "agg": 0, "conds": 3},
        {"sel": 0, "agg": 0, "conds": [[0, 3, "x"]]},
    ],
)
def test_a_query_that_cannot_be_run_is_a_bad_reference(query):
    with pytest.raises(BadReference):
        WikiSQLTables([TABLE]).answer(TABLE["id"], query)


def test_a_row_of_a_hub_holds_its_table(tmp_path):
    """With its conditions as columns, and no ``table_id``; text that is no JSON is no query."""
    conds = {"column_index": [1], "operator_index": [0], "condition": ["31"]}
    rows = [
        {"table": TABLE, "sql": {"sel": 0, "agg": 0, "conds": conds}, "prediction": "Final Answer: Terrence Ross"},
        {"table": TABLE, "sql": "{", "prediction": "Final Answer: 1"},
    ]
    assert evaluate("wikisql", lines(tmp_path / "p.jsonl", rows), "--out", tmp_path / "out.json") == 1
    found = numbers(tmp_path / "out.json")
    assert (found["accuracy"], sum(found["left_out"].values())) == (1.0, 1)


def test_wikisql_from_generation_to_numbers(tmp_path, capsys):
    """Rows are asked through an endpoint and keep their SQL, from which the gold answers come."""
    queries = [
        {"sel": 0, "agg": 0, "conds": [[1, 0, 7]]},
        {"sel": 1, "agg": 4, "conds": []},
        {"sel": 0, "agg": 0, "conds": [[0, 0, "nobody"]]},
    ]
    rows = [{"table_id": TABLE["id"], "question": f"Question {i}?", "sql": q} for i, q in enumerate(queries)]
    tables, out = lines(tmp_path / "test.tables.jsonl", [TABLE]), tmp_path / "out.json"
    gold, made = lines(tmp_path / "test.jsonl", rows), tmp_path / "made.jsonl"
    replies = {"Question 0?": "T is it.\nFinal Answer: t", "Question 1?": "Final Answer: 1,040", "Question 2?": "No."}
    with ChatServer(reply=lambda asked: replies[asked["messages"][-1]["content"]]) as server:
        words = ["generate", str(gold), "--endpoint", server.url, "--model", "m", "--out", str(made)]
        assert main(words) == 0
    for extra in ([], ["--gold", gold]):
        assert evaluate("wikisql", made, "--tables", tables, "--out", out, *extra) == 1
        found = numbers(out)
        assert (found["questions"], found["accuracy"], found["accuracy_tolerant"]) == (2, 0.5, 1.0)
        assert found["left_out"] == {"its query selects nothing": 1}
    assert "its query selects nothing" in capsys.readouterr().err
