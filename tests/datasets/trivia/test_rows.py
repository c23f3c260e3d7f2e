"""TRivia's data: what swift gets, what the validator finds, what consistency keeps, what questions survive."""

from __future__ import annotations

import json
import pathlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.commands.exit_codes import INCOMPLETE, MISUSE, UNUSABLE_FILE
from table_rewards.commands.main import main
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.trivia.check import ERROR, check
from table_rewards.datasets.trivia.consistency import consistencies, grouped, sample
from table_rewards.datasets.trivia.questions import distinct, read_pairs, spread, write_questions
from table_rewards.datasets.trivia.rows import prepare, split, to_jsonl
from table_rewards.llm import get_pool
from table_rewards.rewards.qa_f1 import QAF1, QAPair, QAPairs
from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.rewards.table_similarity import TEDS
from table_rewards.tables.formats.convert import parse_table
from table_rewards.testing.chat_server import ChatServer

TABLES = [
    json.loads(line)
    for line in (pathlib.Path(__file__).parents[3] / "fixtures/trivia/tables_qa.jsonl").read_text("utf-8").splitlines()
]
USER = {"role": "user", "content": "Read it.\n<image>"}
PAIRS = [{"question": "Which unit?", "answer": "mA"}, {"question": "Which code?", "answer": "007"}]


def readme_row(**changes):
    """A row as TRivia's README shows it."""
    gold = {"role": "assistant", "content": "<table><tr><td>mA</td><td>007</td></tr></table>"}
    return {"messages": [USER, gold], "qa_pairs": PAIRS, "images": ["a.png"], **changes}


def run(name, *arguments):
    return main(["prepare", name, *map(str, arguments)])


def write(path, rows):
    path.write_text("".join(to_jsonl(rows)), "utf-8")
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# -- conversion -------------------------------------------------------------------------------------------------------


def test_the_gold_table_moves_to_solution_and_the_pairs_become_one_string():
    (row,) = prepare([readme_row()]).rows
    assert row["messages"] == [USER]
    assert row["solution"] == "<table><tr><td>mA</td><td>007</td></tr></table>"
    assert isinstance(row["qa_pairs"], str)
    assert QAPairs.read(row["qa_pairs"]).pairs == tuple(QAPair(**pair) for pair in PAIRS)
    assert row["images"] == ["a.png"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (readme_row(qa_pairs=[]), "no qa_pairs"),
        (readme_row(qa_pairs=[{"question": "q"}]), "no answer"),
        (readme_row(images=["a.png", "b.png"]), "2 images but 1 <image>"),
        ({"qa_pairs": PAIRS}, "no messages"),
        (readme_row(messages=[{"role": "assistant", "content": "x"}]), "no user turn"),
        (readme_row(messages="{}", images=[]) | {"messages": [7]}, "no messages"),
    ],
)
def test_unusable_rows_are_refused_with_their_reason_and_the_rest_kept(row, reason):
    done = prepare([row, readme_row()])
    assert len(done.rows) == 1
    assert done.refused[0][0] == 0
    assert reason in done.refused[0][1]
    assert "row 0" in done.describe()


def test_a_question_with_two_answers_is_left_out_and_counted():
    pairs = [("Which unit?", "mA"), ("which unit? ", "V"), ("How many?", "7"), ("How many?", "7")]
    row = {"images": ["a.png"], "qa_pairs": [{"question": q, "answer": a} for q, a in pairs]}
    done = prepare([row])
    assert [pair["question"] for pair in json.loads(done.rows[0]["qa_pairs"])] == ["How many?"] * 2
    assert "2 pairs left out" in done.describe()
    done = prepare([{**row, "qa_pairs": row["qa_pairs"][:2]}])
    assert (done.rows, done.refused[0][1]) == ([], "every question has two answers")


def test_r8_the_misprint_of_the_readme_is_read():
    row = readme_row()
    row["qa_paris"] = row.pop("qa_pairs")
    assert QAPairs.read(prepare([row]).rows[0]["qa_pairs"]).pairs[0].answer == "mA"


def test_validation_rows_need_a_table_and_no_questions():
    row = readme_row()
    del row["qa_pairs"]
    assert "qa_pairs" not in prepare([row], questions=False).rows[0], "an empty list would count as a failed reference"
    assert "TEDS" in prepare([readme_row(messages=[USER])], questions=False).refused[0][1]


def test_the_split_is_seeded_exact_and_disjoint():
    rows = [{"n": i} for i in range(100)]
    train, validation = split(rows, 0.1, seed=3)
    assert (len(train), len(validation)) == (90, 10)
    assert sorted(row["n"] for row in train + validation) == list(range(100))
    assert split(rows, 0.1, seed=3) == (train, validation)
    assert split(rows, 0.1, seed=4) != (train, validation)
    assert [len(split(rows[:few], 0.02, seed=3)[1]) for few in (1, 2, 5)] == [0, 1, 1]  # none would stop a trainer
    assert split(rows, 0, seed=3) == (rows, [])


answers = st.sampled_from(["007", "1.50", "null", "true", "[1]", "\u2028", '"', "北京", "-0", "1e5"]) | st.text(
    max_size=20
)


@settings(max_examples=60, deadline=None)
@given(st.lists(answers, min_size=1, max_size=4))
def test_every_answer_survives_the_file_as_it_was_written(texts):
    pairs = [{"question": f"q{i}", "answer": text} for i, text in enumerate(texts)]
    done = prepare([readme_row(qa_pairs=pairs)])
    assert not [finding for finding in check(done.rows) if finding.level == ERROR]
    (line,) = to_jsonl(done.rows)
    assert [pair.answer for pair in QAPairs.read(json.loads(line)["qa_pairs"]).pairs] == texts


def test_verl_rows_are_read_by_the_same_reward(tmp_path):
    pytest.importorskip("pyarrow")
    rows = [
        {"messages": [{"role": "user", "content": "Read."}], "qa_pairs": t["qa_pairs"], "otsl": t["otsl"]}
        for t in TABLES
    ]
    source = write(tmp_path / "in.jsonl", rows)
    assert run("trivia", source, "--out", tmp_path, "--format", "verl", "--validation-share", 0.4) == 0
    written = [*read_rows(tmp_path / "train.parquet"), *read_rows(tmp_path / "validation.parquet")]
    assert len(written) == len(TABLES)
    scores = QAF1(reader="extractive")([row["extra_info"]["solution"] for row in written], written)
    assert scores.counts["scored"] == len(TABLES)
    assert scores.mean > 0.95


# -- the validator ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([readme_row(qa_pairs=[PAIRS[1], {"question": "q", "answer": 7}])], '"007" as 7'),
        (
            [readme_row(qa_pairs=[{"question": "q", "answer": "1.50"}, {"question": "r", "answer": [1]}])],
            '"1.50" as 1.5',
        ),
        (
            [
                readme_row(qa_pairs=[{"question": "q", "answer": "null"}]),
                readme_row(qa_pairs=[{"question": "q", "answer": 1}]),
            ],
            "as None",
        ),
        ([readme_row(qa_pairs=[{"question": "q", "answer": "true"}, {"question": "r", "answer": False}])], "as True"),
        ([readme_row(), readme_row(qa_pairs=json.dumps(PAIRS))], "'qa_pairs' mixes"),
        ([readme_row()], "stock swift drops"),
        ([readme_row(messages=[USER], solution="s", images=[])], "0 images but 1 <image>"),
        ([{"query": "x", "response": "y", "qa_pairs": PAIRS}], "swift will take 'response'"),
        ([{"messages": [USER], "solution": "s", "qa_paris": PAIRS, "images": ["a"]}], "misprint"),
        ([readme_row(solution=7)], "must be text"),
        ([readme_row(qa_pairs=[{"question": "q"}])], "no answer"),
        ([], "empty"),
    ],
)
def test_the_validator_finds_what_is_corrupted_in_silence(rows, says):
    errors = [str(finding) for finding in check(rows) if finding.level == ERROR]
    assert any(says in error for error in errors), errors


def test_the_validator_is_silent_about_what_prepare_writes():
    assert check(prepare([readme_row()] * 3).rows) == []
    real = [
        {"messages": [{"role": "user", "content": "Read."}], "qa_pairs": t["qa_pairs"], "otsl": t["otsl"]}
        for t in TABLES
    ]
    assert check(prepare(real).rows) == []


def test_the_validator_warns_of_answers_that_the_table_does_not_hold():
    strange = readme_row(solution="<table><tr><td>x</td></tr></table>", messages=[USER])
    (finding,) = check([{**strange, "qa_pairs": json.dumps(PAIRS)}])
    assert "share no word" in finding.problem


def test_the_commands_write_checked_files(tmp_path, capsys):
    source = write(tmp_path / "in.jsonl", [readme_row() for _ in range(49)] + [readme_row(qa_pairs=[])])
    assert run("trivia", source, "--out", tmp_path / "out", "--validation-share", 0.1) == 0
    assert len(lines(tmp_path / "out/train.jsonl")) == 44
    assert len(lines(tmp_path / "out/validation.jsonl")) == 5
    assert "1 refused" in capsys.readouterr().out
    assert run("trivia-check", tmp_path / "out/train.jsonl") == 0
    assert run("trivia-check", source) == UNUSABLE_FILE
    assert "stock swift drops" in capsys.readouterr().err


# -- consistency ------------------------------------------------------------------------------------------------------


def test_consistency_is_the_mean_of_all_pairs_in_any_order():
    tables = [row["otsl"] for row in TABLES[1:4]]
    alike = [tables[0], tables[0].replace("5", "6"), tables[0].replace("5", "7")]
    expected = (
        sum(TEDS()([a], [b]).values[0] for a, b in [(alike[0], alike[1]), (alike[0], alike[2]), (alike[1], alike[2])])
        / 3
    )
    values = consistencies([alike, alike[::-1], [tables[0]] * 4, tables])
    assert values[0] == pytest.approx(expected)
    assert values[0] == pytest.approx(values[1])
    assert values[2] == 1.0
    assert values[3] < values[0]


def test_a_response_without_a_whole_table_agrees_with_nothing():
    table = TABLES[1]["otsl"]
    assert consistencies([[table, table, "no table"], [table, table[:-4]], ["none", "none"]]) == [
        pytest.approx(1 / 3),
        0.0,
        0.0,
    ]


def test_sampling_is_even_over_consistency_and_seeded():
    values = [0.3] * 50 + [0.45] * 50 + [0.75] * 10 + [0.99] * 800
    chosen = sample(values, count=90, seed=1)
    counts = [sum(1 for i in chosen if values[i] == v) for v in (0.3, 0.45, 0.75, 0.99)]
    assert counts == [0, 40, 10, 40]
    assert chosen == sample(values, count=90, seed=1) != sample(values, count=90, seed=2)
    assert sample(values) == list(range(50, 910))


@pytest.mark.parametrize("bounds", [(0.9, 0.4), (-0.1, 1.0), (0.0, 1.1)])
def test_impossible_bounds_are_named(bounds):
    with pytest.raises(ConfigurationError, match="low <= high"):
        sample([0.5], low=bounds[0], high=bounds[1])


def test_consistency_reads_what_generate_writes(tmp_path, capsys):
    table, other = TABLES[1]["otsl"], TABLES[2]["otsl"]
    rows = [
        {"id": name, "prompt": "p", "prediction": text, "generation": {"row": n, "sample": k}}
        for n, (name, texts) in enumerate(
            {
                "easy": [table] * 3,
                "hopeless": [table, other, "x"],
                "good": [table, table, table.replace("5", "66")],
            }.items()
        )
        for k, text in enumerate(texts)
    ]
    assert (
        run("trivia-consistency", write(tmp_path / "p.jsonl", rows), "--out", tmp_path / "o.jsonl", "--high", 0.99) == 0
    )
    (kept,) = lines(tmp_path / "o.jsonl")
    assert kept["id"] == "good"
    assert set(kept) == {"id", "prompt", "consistency"}
    assert 0.4 <= kept["consistency"] < 0.99
    assert "1 of 3 prompts kept" in capsys.readouterr().out


def test_no_prompt_kept_is_told_by_the_exit_status(tmp_path):
    """A file of nothing for the training that comes next."""
    rows = [{"prompt": "q", "prediction": table} for table in ("<fcel>a<nl>", "<fcel>b<fcel>c<nl><fcel>d<fcel>e<nl>")]
    out = tmp_path / "o.jsonl"
    asked = ("trivia-consistency", write(tmp_path / "p.jsonl", rows), "--out", out)
    assert run(*asked, "--low", 0.99) == INCOMPLETE
    assert out.read_text() == ""
    assert run(*asked, "--low", 0) == 0


def test_one_response_a_prompt_is_refused(tmp_path, capsys):
    source = write(tmp_path / "p.jsonl", [{"prediction": "x", "generation": {"row": 0}}])
    assert run("trivia-consistency", source, "--out", tmp_path / "o.jsonl") == MISUSE
    assert "-n 8" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="no row has a 'prediction' or 'responses'; there are text"):
        grouped([{"text": "x"}], Counter())


def test_responses_belong_to_their_image(tmp_path, capsys):
    """Every image is asked the same; a row without a response is counted, and stops nothing."""
    ask = [{"role": "user", "content": "Write the table.\n<image>"}]
    said = [("a.png", "<fcel>1<nl>"), ("b.png", "<fcel>2<nl>"), ("a.png", "<fcel>1<nl>"), ("b.png", None)]
    rows = [{"messages": ask, "images": [image], "prediction": text} for image, text in said]
    prompts, responses = grouped([*rows, {"messages": ask, "predictions": ["x", "y"]}], left_out := Counter())
    assert [prompt.get("images") for prompt in prompts] == [["a.png"], ["b.png"], None]
    assert responses == [["<fcel>1<nl>"] * 2, ["<fcel>2<nl>"], ["x", "y"]]
    assert left_out == {"no response": 1}
    assert run("trivia-consistency", write(tmp_path / "p.jsonl", rows), "--out", tmp_path / "o.jsonl") == 0
    assert "left out: 1 rows: no response" in capsys.readouterr().err


# -- questions --------------------------------------------------------------------------------------------------------


def model(request):
    """A writer that asks good, wrong, guessable and repeated questions, and a checker that reads the table."""
    system, user = (turn["content"] for turn in request["messages"])
    if system.startswith("You write questions"):
        good = [
            {"question": f"What is the mean of {kind} delay?", "answer": value}
            for kind, value in (("patient", "55.3"), ("total diagnostic", 131.4))
        ]
        bad = [
            {"question": "What is the median of patient delay?", "answer": "60"},
            {"question": "How many days has a week?", "answer": "7"},
            {"question": "what is the MEAN of patient delay", "answer": "55.3"},
            {"question": "", "answer": "x"},
        ]
        return "Here they are:\n```json\n" + json.dumps(good + bad) + "\n```"
    if "days has a week" in user:
        return "<answer>7</answer>"
    table, _, question = user.partition("\n\n<question>")
    parsed = parse_table(table)
    answer = ExtractiveReader(parsed).answer(question.removesuffix("</question>")) if parsed else "Not answerable"
    return f"<answer>{answer}</answer>"


def test_only_what_the_checker_finds_in_the_table_and_not_without_it_is_kept():
    with ChatServer(reply=model) as server:
        pool = get_pool(server.url, deadline_s=20)
        first, second = write_questions([TABLES[1]["otsl"], "no table"], pool, pool, count=10)
    assert [(pair.question, pair.answer) for pair in first.pairs] == [
        ("What is the mean of patient delay?", "55.3"),
        ("What is the mean of total diagnostic delay?", "131.4"),
    ]
    assert first.dropped["repeats"] == 1
    assert first.dropped["not found in the table"] == 1
    assert first.dropped["answered without the table"] == 1
    assert (second.pairs, second.error) == ([], "no table")


def test_questions_survive_faults_and_an_outage_is_reported(tmp_path, capsys):
    rows = [
        {"id": row["id"], "otsl": TABLES[1]["otsl"].replace("59", str(number))} for number, row in enumerate(TABLES)
    ]
    source = write(tmp_path / "t.jsonl", rows)
    with ChatServer(reply=model, faults=["500", "reset", "429"], fault_rate=0.2) as server:
        assert (
            run("trivia-questions", source, "--out", tmp_path / "o.jsonl", "--endpoint", server.url, "--count", 5) == 0
        )
    assert all(len(row["qa_pairs"]) == 2 for row in lines(tmp_path / "o.jsonl"))
    assert (
        check(
            prepare(
                [{**row, "messages": [{"role": "user", "content": "r"}]} for row in lines(tmp_path / "o.jsonl")]
            ).rows
        )
        == []
    )
    with ChatServer(script=lambda number: "400") as server:
        assert run("trivia-questions", source, "--out", tmp_path / "none.jsonl", "--endpoint", server.url) == INCOMPLETE
    assert "HTTP 400" in capsys.readouterr().err


def test_whole_pairs_of_a_cut_off_reply_are_kept_and_losses_decide_the_exit_status(tmp_path, capsys):
    source = write(tmp_path / "t.jsonl", [{"otsl": TABLES[1]["otsl"]}])
    asked = ("trivia-questions", source, "--out", tmp_path / "o.jsonl", "--count", 5)

    def cut_off(request):
        text = model(request)
        if not request["messages"][0]["content"].startswith("You write questions"):
            return text
        return {"content": text[: text.index("days has a week")], "finish_reason": "length"}

    with ChatServer(reply=cut_off) as server:
        assert run(*asked, "--endpoint", server.url) == 0
    assert len(lines(tmp_path / "o.jsonl")[0]["qa_pairs"]) == 2
    assert "were cut off" in capsys.readouterr().out

    def half_checked(request):
        known = request["messages"][0]["content"].startswith("You write questions") or "patient" in str(request)
        return model(request) if known else ""

    with ChatServer(reply=half_checked) as server:
        assert run(*asked, "--endpoint", server.url) == INCOMPLETE
        assert "pairs were lost" in capsys.readouterr().err
        assert run(*asked, "--endpoint", server.url, "--fail-on-lost", 0.9) == 0


def test_writer_and_checker_have_settings_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CHECK_KEY", "secret")
    source = write(tmp_path / "t.jsonl", [{"otsl": TABLES[1]["otsl"]}])
    asked = ("trivia-questions", source, "--out", tmp_path / "o.jsonl", "--count", 5)
    with ChatServer(reply=model) as writer, ChatServer(reply=model, key="secret") as checker:
        theirs = ("--check-endpoint", checker.url, "--check-model", "c", "--check-api-key-env", "CHECK_KEY")
        how = ("--sampling", "temperature=none", "--check-sampling", "max_tokens=99")
        assert run(*asked, "--endpoint", writer.url, "--model", "w", *theirs, *how) == 0
        assert {body["model"] for body in writer.received} == {"w"}
        assert "temperature" not in writer.received[0]
        assert {(body["model"], body["max_tokens"]) for body in checker.received} == {("c", 99)}


def test_questions_about_images_show_the_image_to_both_models_and_hide_it_once(tmp_path):
    (tmp_path / "t.png").write_bytes(b"PNG")
    source = write(tmp_path / "t.jsonl", [{"images": ["t.png"]}, {"images": []}])

    def reply(request):
        system, user = (turn["content"] for turn in request["messages"])
        if system.startswith("You write questions"):
            return json.dumps([{"question": "Which unit?", "answer": "mA"}])
        seen = isinstance(user, list) and any(part["type"] == "image_url" for part in user)
        return "<answer>mA</answer>" if seen else "<answer>Not answerable</answer>"

    with ChatServer(reply=reply) as server:
        assert run("trivia-questions", source, "--images", "--out", tmp_path / "o.jsonl", "--endpoint", server.url) == 0
        shown = [turn["content"] for body in server.received for turn in body["messages"] if turn["role"] == "user"]
    assert sum(isinstance(content, list) for content in shown) == 2
    (row,) = lines(tmp_path / "o.jsonl")
    assert row["qa_pairs"] == [{"question": "Which unit?", "answer": "mA"}]


def test_repeats_are_the_same_words_in_any_order_or_nearly_so_with_the_same_answer():
    pairs = [
        QAPair("What is the mean of A?", "1"),
        QAPair("what is the mean of a", "2"),
        QAPair("What is the mean value of A?", "1"),
        QAPair("What is the mean of B?", "3"),
        QAPair("What is the mean of A in 2019?", "4"),
    ]
    assert [pair.answer for pair in distinct(pairs)] == ["1", "3", "4"]


def test_spreading_prefers_cells_that_were_not_asked_for():
    pairs = [QAPair(f"q{i}", answer) for i, answer in enumerate("aaabbc")]
    assert [pair.answer for pair in spread(pairs, 3)] == ["a", "b", "c"]
    assert len(spread(pairs, 99)) == 6


@pytest.mark.parametrize("text", ["", "no list", "[", '[{"question": 1}]', "[1, 2]", '{"question": "q"}', "[" * 10_000])
def test_a_writer_that_writes_no_pairs_gives_none(text):
    assert read_pairs(text) == []
