"""Regions that a model marks: the vote, the check against table and answer, and the way into the training files."""

from __future__ import annotations

import json

import pytest

from table_rewards import TableRegion
from table_rewards.commands.main import main
from table_rewards.datasets.completed_rows import Unread
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.table_r1.annotation import RegionQuestion, read_marks
from table_rewards.datasets.table_r1.table import Table, Unusable
from table_rewards.llm import ChatReply, Sampling
from table_rewards.testing.chat_server import ChatServer

TABLE = {
    "columns": ["name", "goals", "club"],
    "data": [["Woo", 116, "Ulsan"], ["Kim", 114, "Jeonbuk"], ["Shin", 99, "U"]],
}
ROWS = [
    {"id": "a", "table": TABLE, "question": "How many goals has Woo?", "answer": "116"},
    {"id": "b", "table": TABLE, "question": "How many more goals has Woo than Kim?", "answer": "2"},
]
GOOD = {"a": ([0, 1], [0]), "b": ([0, 1], [0, 1])}
CHECK = "A part of a table"


def area(columns, rows):
    return json.dumps({"columns": [TABLE["columns"][c] for c in columns], "rows": rows})


def marks(text):
    return ChatReply(text, finish_reason="stop")


def reply(asked):
    text = asked["messages"][-1]["content"]
    row = "b" if "How many more" in text else "a"
    if text.startswith(CHECK):
        return "Final Answer: " + ("2" if "114" in text else "116")
    return f"Let me see.\n<gold_area>{area(*GOOD[row])}</gold_area>"


def annotate(server, source, out, *words):
    return main(
        [
            "prepare",
            "table-r1-annotate",
            str(source),
            "--out",
            str(out),
            "--endpoint",
            server.url,
            "--model",
            "m",
            *words,
        ]
    )


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"<gold_area>{area([0], [3])}</gold_area>", "a row that the table has not"),
        (f"<gold_area>{area([0], [-1])}</gold_area>", "a row that the table has not"),
        (f"<gold_area>{area([0], [True])}</gold_area>", "a row that the table has not"),
        (f"<gold_area>{area([0], ['0'])}</gold_area>", "a row that the table has not"),
        ('<gold_area>{"columns": ["goal"], "rows": [0]}</gold_area>', "a column that the table has not"),
        (f"<gold_area>{area([], [0])}</gold_area>", "no columns or no rows"),
        (f"<gold_area>{area([0], [])}</gold_area>", "no columns or no rows"),
        ("<gold_area>[0]</gold_area>", "no region is marked"),
        ("The first row.", "no region is marked"),
        (f"<think><gold_area>{area([0], [0])}</gold_area>", "thoughts never ended"),
    ],
)
def test_what_is_no_region_of_the_table_is_unread(text, why):
    with pytest.raises(Unread, match=why):
        read_marks(marks(text), Table(tuple(TABLE["columns"]), tuple(map(tuple, TABLE["data"]))))


def test_the_vote_takes_what_more_than_half_name_and_leaves_bad_votes_out():
    question = RegionQuestion(ROWS[1], 0, Sampling(), votes=4)
    votes = [([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]), ([1], [0, 1]), ([0], [7])]
    line = question.line([marks(f"<gold_area>{area(c, r)}</gold_area>") for c, r in votes])
    region = json.loads(line["gold_area"])
    assert (region["columns"], region["rows"]) == (["name", "goals"], [0, 1])
    assert region["data"] == [["Woo", 116], ["Kim", 114]]
    assert 0 < line["region_agreement"] < 1
    with pytest.raises(Unread, match="a row that the table has not"):
        question.line(
            [marks(f"<gold_area>{area(c, r)}</gold_area>") for c, r in [votes[0], votes[3], votes[3], votes[3]]]
        )
    with pytest.raises(Unread, match="in common"):
        question.line([marks(f"<gold_area>{area([i % 3], [0])}</gold_area>") for i in range(3)] + [marks("?")])


def test_annotated_rows_become_training_files_whose_regions_earn_everything(tmp_path):
    """The whole way: a model marks the regions, they are checked, the files are made, and a right answer earns 1."""
    source, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "annotated.jsonl"
    with ChatServer(reply=reply) as server:
        assert annotate(server, source, out, "--check", "--votes", "3") == 0
        assert len(server.received) == 2 * 4
        shown = [asked["messages"][-1]["content"] for asked in server.received]
        assert all("Ulsan" not in text for text in shown if text.startswith(CHECK))
        assert all("Right answer" not in text for text in shown if text.startswith(CHECK))
    assert [row["region_checked"] for row in read_rows(out)] == [True, True]
    words = ["prepare", "table-r1", str(out), "--out", str(tmp_path), "--format", "swift", "--split", "all"]
    assert main([*words, "--types", "DP"]) == 0
    rows = list(read_rows(tmp_path / "all.jsonl"))
    assert len(rows) == 2
    reward = TableRegion()
    for row, source_row in zip(rows, ROWS, strict=True):
        answer = f"<gold_area>{area(*GOOD[source_row['id']])}</gold_area>\nFinal Answer: {source_row['answer']}"
        right, wrong = reward([answer, "<gold_area>{}</gold_area>\nFinal Answer: 5"], [row, row]).values
        assert right > 0.99
        assert wrong < 0.1


def test_a_region_from_which_another_answer_follows_is_left_out_and_asked_again(tmp_path, capsys):
    source, out = write(tmp_path / "rows.jsonl", ROWS), tmp_path / "annotated.jsonl"

    def narrow(asked):
        text = asked["messages"][-1]["content"]
        if "How many more" in text and not text.startswith(CHECK):
            return f"<gold_area>{area([0, 1], [0])}</gold_area>"
        return reply(asked)

    with ChatServer(reply=narrow) as server:
        assert annotate(server, source, out, "--check") == 1
    assert [row["id"] for row in read_rows(out)] == ["a"]
    assert "the region alone gives another answer" in capsys.readouterr().err
    with ChatServer(reply=reply) as server:
        assert annotate(server, source, out, "--check") == 0
        assert len(server.received) == 2
    assert [row["id"] for row in read_rows(out)] == ["a", "b"]


def test_given_regions_are_kept_and_compared_when_asked_for(tmp_path, capsys):
    rows = [{**ROWS[0], "gold_area": area([0, 1], [0])}, {**ROWS[1], "gold_area": area([1], [0, 1])}]
    source = write(tmp_path / "rows.jsonl", rows)
    with ChatServer(reply=reply) as server:
        assert annotate(server, source, tmp_path / "kept.jsonl") == 0
        assert not server.received
        assert annotate(server, source, tmp_path / "compared.jsonl", "--compare") == 0
    assert "agreement with 2 given regions: mean overlap 0.875 (as the reward counts it), 1" in capsys.readouterr().out
    kept, compared = list(read_rows(tmp_path / "kept.jsonl")), list(read_rows(tmp_path / "compared.jsonl"))
    assert [row["gold_area"] for row in kept] == [row["gold_area"] for row in compared]
    assert [json.loads(row["model_area"])["rows"] for row in compared] == [[0], [0, 1]]


def test_rows_that_cannot_be_asked_about_are_counted(tmp_path, capsys):
    source = tmp_path / "rows.jsonl"
    source.write_text(json.dumps(ROWS[0]) + "\nno json\n" + json.dumps({"question": "?"}) + "\n", "utf-8")
    with ChatServer(reply=reply) as server:
        assert annotate(server, source, tmp_path / "out.jsonl") == 0
    told = capsys.readouterr().err
    assert "1 rows: the line is not a JSON object" in told
    assert "1 rows: no table" in told
    with pytest.raises(Unusable, match="no answer to check"):
        RegionQuestion({"table": TABLE, "question": "?"}, 0, Sampling(), check=True)


def test_an_unusable_answer_is_not_shown_and_takes_no_region_away():
    row = {**ROWS[0], "answer": "{total_points}')"}
    (request,) = RegionQuestion(row, 0, Sampling()).requests(0)
    assert "Right answer" not in request.messages[-1]["content"]
    assert "Right answer: 116" in RegionQuestion(ROWS[0], 0, Sampling()).requests(0)[0].messages[-1]["content"]
    with pytest.raises(Unusable, match="no answer to check"):
        RegionQuestion(row, 0, Sampling(), check=True)
