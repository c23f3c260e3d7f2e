"""QA-F1 against a real server: what is right, what is wrong, what is nobody's fault."""

from __future__ import annotations

import asyncio
import json
import pathlib
import pickle
import re
import select
import socket
import time

import numpy as np
import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.qa_f1 import QAF1
from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.tables.formats.convert import parse_table
from table_rewards.testing.chat_server import FAULTS, ChatServer

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "trivia"
ROWS = [json.loads(line) for line in (FIXTURES / "tables_qa.jsonl").read_text("utf-8").splitlines()]
TABLE = "<fcel>City<fcel>People<nl>\n<fcel>Oslo<fcel>709037<nl>\n<fcel>Bergen<fcel>291940<nl>\n"
PAIRS = [
    {"question": "How many people live in Oslo?", "answer": "709,037"},
    {"question": "How many people live in Bergen?", "answer": "291,940"},
    {"question": "Who is the mayor of Oslo?", "answer": "Not answerable"},
    {"question": "卑尔根有多少人？", "answer": "291940"},
]


def read(request):
    """An honest reader: it sees what a model would see and answers with the extractive reader."""
    table, _, question = request["messages"][1]["content"].partition("\n\n<question>")
    question = question.removesuffix("</question>").replace("卑尔根有多少人", "People of Bergen")
    return f"<answer>{ExtractiveReader(parse_table(table)).answer(question)}</answer>"


def reward(server, **options):
    return QAF1(endpoints=server.url, **{"model": "m", "deadline_s": 20, **options})


@pytest.fixture
def server():
    with ChatServer(reply=read) as running:
        yield running


def test_a_right_table_scores_one_and_a_wrong_one_less(server):
    wrong = TABLE.replace("291940", "291949")
    empty = "<fcel>City<fcel>People<nl>\n"
    scores = reward(server)([TABLE, wrong, empty], [PAIRS] * 3)
    assert scores.values.tolist() == [1.0, 0.5, 0.25]
    assert scores.parts["answered"].tolist() == [0.75, 0.75, 0.0]
    assert set(scores.status) == {"scored"}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_the_wire_and_the_embedded_reader_agree_on_real_tables(server, row):
    """The same reader behind a server and embedded: what differs can only be the request and its reading."""
    over_the_wire = reward(server)([row["otsl"]], [row["qa_pairs"]])
    embedded = QAF1(reader="extractive")([row["otsl"]], [row["qa_pairs"]])
    assert over_the_wire.values.tolist() == embedded.values.tolist()
    assert over_the_wire.values[0] >= 0.8


def test_a_completion_cut_off_inside_a_table_scores_the_floor_and_asks_nothing(server):
    scores = reward(server)([TABLE[:-3], "<table><tr><td>1</td>", "no table", ""], [PAIRS] * 4)
    assert scores.values.tolist() == [0.0] * 4
    assert scores.parts["truncated"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert set(scores.status) == {"unparsed"}
    assert scores.notes[0] == "cut off inside a table"
    assert server.received == []


def test_the_same_table_and_question_are_asked_once(server):
    reward(server)([TABLE, "<think>hm</think>" + TABLE, TABLE], [PAIRS] * 3)
    assert len(server.received) == len(PAIRS)


def test_the_prompt_follows_the_language_of_the_question(server):
    reward(server)([TABLE], [PAIRS])
    systems = {
        r["messages"][1]["content"].split("<question>")[1][:2]: r["messages"][0]["content"] for r in server.received
    }
    assert "无法回答" in systems["卑尔"]
    assert "Not answerable" in systems["Wh"]


def test_the_sampling_is_greedy_and_explicit(server):
    reward(server, thinking=False)([TABLE], [PAIRS[:1]])
    (body,) = server.received
    assert (body["temperature"], body["top_p"], body["presence_penalty"], body["seed"]) == (0.0, 1.0, 0.0, 0)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_an_outage_is_unscored_within_the_deadline_and_no_wrong_answer():
    with ChatServer(script=lambda number: "500") as server:
        begun = time.monotonic()
        scores = reward(server, deadline_s=1.0)([TABLE, "no table"], [PAIRS] * 2)
        assert time.monotonic() - begun < 30  # not the two minutes of the pool's own deadline
    assert scores.status.tolist() == ["unscored", "unparsed"]
    assert np.isnan(scores.values[0])
    assert "HTTP 500" in scores.notes[0]


@pytest.mark.parametrize(("failing", "status"), [(1, "scored"), (2, "scored"), (3, "unscored")])
def test_some_pairs_unscored_leave_the_mean_of_the_others_down_to_the_minimum(failing, status):
    bad = [pair["question"] for pair in PAIRS[:failing]]

    def reply(request):
        if any(question in request["messages"][1]["content"] for question in bad):
            return ""  # a reader without a word, again and again
        return read(request)

    with ChatServer(reply=reply) as server:
        scores = reward(server)([TABLE], [PAIRS])
    assert scores.status.tolist() == [status]
    assert f"{failing} of 4 questions unscored" in scores.notes[0]
    if status == "scored":
        assert scores.values.tolist() == [1.0]


def test_a_reply_cut_off_is_asked_for_again_with_more_tokens():
    with ChatServer(reply=read, script=lambda number: "length" if number == 0 else None) as server:
        assert reward(server, max_tokens=50)([TABLE], [PAIRS[:1]]).values.tolist() == [1.0]
        assert [body["max_tokens"] for body in server.received] == [50, 200]


def test_with_a_fifth_of_all_answers_faulty_every_pair_is_scored():
    kinds = [kind for kind in FAULTS if kind not in ("400", "401", "404", "hang", "slow")]
    with ChatServer(reply=read, faults=kinds, fault_rate=0.2) as server:
        tables = [TABLE.replace("709037", str(700000 + i)) for i in range(40)]
        scores = reward(server)(tables, [PAIRS] * 40)
        assert server.outcomes["ok"] < sum(server.outcomes.values()) * 0.9
    assert scores.counts["scored"] == 40
    assert scores.values.tolist() == [0.75] * 40
    assert not any(scores.notes)


def test_works_in_a_fresh_event_loop_each_step_and_equals_the_blocking_form(server):
    scorer = reward(server)
    for _ in range(3):
        assert asyncio.run(scorer.score([TABLE], [PAIRS])).equals(scorer([TABLE], [PAIRS]))


def test_a_poisoned_sample_changes_no_other(server):
    scorer = reward(server)
    alone = scorer([TABLE], [PAIRS])
    among = scorer(["\ud800<table>" * 50, TABLE, "<fcel>" * 5000], [PAIRS, PAIRS, "not json"])
    assert among.values[1] == alone.values[0]
    assert among.status.tolist() == ["unparsed", "scored", "unscored"]


# -- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        PAIRS,
        json.dumps(PAIRS),
        [json.dumps(pair) for pair in PAIRS],
        [(pair["question"], pair["answer"]) for pair in PAIRS],
        np.array(PAIRS, dtype=object),
        {"qa_pairs": PAIRS},
        {"qa_pairs": json.dumps(PAIRS), "solution": "<table></table>"},
        {"ground_truth": json.dumps(PAIRS), "extra_info": {}},
        {"ground_truth": json.dumps({"qa_pairs": PAIRS})},
        {"reward_model": {"ground_truth": json.dumps(PAIRS)}},
        {"ground_truth": "<table></table>", "extra_info": {"qa_pairs": np.array(PAIRS, dtype=object)}},
        {"ground_truth": np.array(PAIRS, dtype=object)},
    ],
    ids=range(12),
)
def test_a_reference_in_every_form(reference):
    scorer = QAF1(reader="extractive")
    assert [pair.question for pair in scorer.coerce(reference).pairs] == [pair["question"] for pair in PAIRS]


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ([], "empty"),
        ("[]", "empty"),
        ("what?", "list"),
        (None, "None"),
        ([{"question": "q"}], "no answer"),
        ([{"question": " ", "answer": "a"}], "no question"),
        ([{"question": "q", "answer": None}], "write answers as strings"),
        ([{"question": "q", "answer": float("nan")}], "no answer"),
        ([7], "must hold a question and an answer"),
    ],
)
def test_an_unusable_reference_is_unscored_and_named(reference, says):
    scores = QAF1(reader="extractive")([TABLE], [reference])
    assert scores.status.tolist() == ["unscored"]
    assert says in scores.notes[0]


@pytest.mark.parametrize(
    ("reference", "says"),
    [({"qa_paris": PAIRS}, "did you mean 'qa_paris'"), ({"solution": "<table></table>"}, "qa_pairs")],
)
def test_a_row_without_questions_is_not_for_this_reward(reference, says):
    scores = QAF1(reader="extractive")([TABLE], [reference])
    assert scores.status.tolist() == ["inapplicable"]
    assert says in scores.notes[0]


def test_numbers_that_a_loader_made_of_answers_still_compare():
    pairs = [{"question": "How many people live in Oslo?", "answer": 709037}]
    assert QAF1(reader="extractive")([TABLE], [pairs]).values.tolist() == [1.0]


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reader": "oracle"}, "extractive"),
        ({"reader": "extractive", "endpoints": "http://a"}, "asks no model"),
        ({"reader": "extractive", "min_scored": 0}, "min_scored"),
        ({"reader": "extractive", "max_table_chars": 5}, "max_table_chars"),
        ({"reader": "extractive", "profile": "paper"}, "released"),
        ({"endpoints": "http://a", "deadline_s": 0}, "deadline_s"),
        ({"endpoints": "http://a", "max_tokens": 0}, "max_tokens"),
    ],
)
def test_misconfiguration_raises_at_construction(options, says):
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        QAF1(**options)


def test_a_missing_endpoint_is_an_error_and_no_silent_fallback(monkeypatch):
    for name in ("llm_serve_urls", "LLM_SERVE_URLS", "TABLE_REWARDS_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="llm_serve_urls"):
        QAF1()


def test_r2_the_plain_url_of_the_readme_works(server, monkeypatch):
    monkeypatch.setenv("llm_serve_urls", server.url.removesuffix("/v1"))
    assert QAF1(deadline_s=20)([TABLE], [PAIRS]).values.tolist() == [1.0]


def test_nothing_connects_at_construction():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        QAF1(endpoints=f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert select.select([listening], [], [], 0.2) == ([], [], [])


def test_it_pickles_and_its_signature_says_who_read():
    scorer = pickle.loads(pickle.dumps(QAF1(endpoints="http://a", model="Qwen3-8B")))
    assert scorer.signature.startswith("qa_f1:reader=Qwen3-8B,prompts=1")
    assert QAF1(reader="extractive").signature.startswith("qa_f1:reader=extractive")


def test_the_released_profile_scores_as_the_release_did(server):
    corrected = reward(server)([TABLE], [PAIRS])
    released = reward(server, profile="released")([TABLE, TABLE + "Done."], [PAIRS] * 2)
    assert corrected.values.tolist() == [1.0]
    # jieba cuts 709,037 into three pieces: 6 of 6 + 9 characters in common, 0.8; the right refusal earns nothing (R4)
    assert released.values[0] == pytest.approx((0.8 + 0.8 + 0 + 1) / 4)
    assert released.values[1] == 0.0
    assert server.received[-1]["presence_penalty"] == 1.5


# -- the extractive reader --------------------------------------------------------------------------------------------


def test_the_extractive_reader_reads_real_tables_and_its_misses_are_known():
    right = total = 0
    for row in ROWS:
        scores = QAF1(reader="extractive")([row["otsl"]], [row["qa_pairs"]])
        right += scores.values[0] * len(row["qa_pairs"])
        total += len(row["qa_pairs"])
    assert right / total >= 0.95


def test_the_extractive_reader_tells_a_good_table_from_a_damaged_one():
    """A reward must fall when cells are wrong, rows are lost or columns are shifted."""
    scorer = QAF1(reader="extractive")
    for row in ROWS:
        otsl, pairs = row["otsl"], row["qa_pairs"]
        lines = otsl.strip().split("\n")
        damaged = [
            "\n".join(lines[: max(2, len(lines) // 2)]) + "\n",
            re.sub(r"\d", "1", otsl),
            "\n".join([lines[0], *(re.sub(r"<nl>$", "", "<ecel>" + line) + "<nl>" for line in lines[1:])]) + "\n",
        ]
        values = scorer([otsl, *damaged], [pairs] * 4).values
        assert values[0] > values[1:].min()
        assert (values[0] >= values[1:] - 1e-9).all()


@pytest.mark.parametrize(
    "table",
    [
        "<fcel>a<nl>\n",
        "<ecel><fcel>x<nl>\n<ecel><ecel><nl>\n",
        "<fcel>" * 3000 + "a<nl>\n",
        "<lcel><ucel><xcel><fcel>1<nl>\n",
    ],
)
def test_the_extractive_reader_bears_any_table(table):
    parsed = parse_table(table)
    assert isinstance(ExtractiveReader(parsed).answer("What is 1 of a?"), str)


# -- several questions in one request ---------------------------------------------------------------------------------

NUMBERED = re.compile(r'<question id="(\d+)">(.*?)</question>', re.DOTALL)


def read_several(request):
    """The honest reader, for any number of questions; JSON where a schema asks for it."""
    content = request["messages"][1]["content"]
    asked = NUMBERED.findall(content)
    if not asked:
        return read(request)
    table = content.partition("\n\n<question")[0]
    reader = ExtractiveReader(parse_table(table))
    answers = {number: reader.answer(text.replace("卑尔根有多少人", "People of Bergen")) for number, text in asked}
    if "response_format" in request:
        return json.dumps(answers, ensure_ascii=False)
    return "\n".join(f'<answer id="{number}">{answer}</answer>' for number, answer in answers.items())


@pytest.mark.parametrize("answer_format", ["tags", "json"])
@pytest.mark.parametrize("several", [1, 2, 8])
def test_several_questions_in_one_request_score_as_single_ones_do(several, answer_format):
    wrong = TABLE.replace("291940", "291949")
    with ChatServer(reply=read_several) as server:
        asks = reward(server, questions_per_request=several, answer_format=answer_format)
        scores = asks([TABLE, wrong], [PAIRS] * 2)
        assert scores.values.tolist() == [1.0, 0.5]
        assert len(server.received) == 2 * {1: 4, 2: 3, 8: 2}[several]  # three in English, one in Chinese
        assert all(("response_format" in body) == (answer_format == "json") for body in server.received)


def test_an_answer_that_is_missing_or_doubled_is_asked_for_again_alone():
    def reply(request):
        if len(NUMBERED.findall(request["messages"][1]["content"])) > 1:
            return '<answer id="1">709037</answer><answer id="1">1</answer><answer id="3">Not answerable</answer>'
        return read(request)

    with ChatServer(reply=reply) as server:
        scores = reward(server, questions_per_request=8)([TABLE], [PAIRS[:3]])
        assert scores.values.tolist() == [1.0]
        assert len(server.received) == 1 + 2


def test_several_questions_cost_a_fraction_of_the_tokens():
    sent = {}
    for several in (1, 8):
        with ChatServer(reply=read_several) as server:
            pairs = [row["qa_pairs"][:8] for row in ROWS]
            scores = reward(server, questions_per_request=several)([row["otsl"] for row in ROWS], pairs)
            assert set(scores.status) == {"scored"}
            sent[several] = sum(len(turn["content"]) for body in server.received for turn in body["messages"])
    assert sent[8] < 0.5 * sent[1]


@pytest.mark.parametrize(
    ("options", "says"), [({"questions_per_request": 0}, "questions_per_request"), ({"answer_format": "xml"}, "json")]
)
def test_options_of_several_questions_are_checked(options, says):
    with pytest.raises(ConfigurationError, match=says):
        QAF1(endpoints="http://a", **options)
