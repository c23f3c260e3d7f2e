"""Solutions for fine-tuning: all that came or the right ones, thoughts in their tags, published rows, over two ways."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections import Counter

import pytest

from command_line import here, read, write
from table_rewards.commands.exit_codes import INCOMPLETE, MISUSE
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.tango.generation import with_thoughts
from table_rewards.datasets.tango.problems import problems
from table_rewards.datasets.tango.prompts import EURUS_SUFFIX, GeneratorPrompt
from table_rewards.testing.chat_server import ChatServer

TAGGED = "<think>\n<step>a</step>\n<step>b</step>\n<step>c</step>\n</think>\n<answer>\\boxed{{{}}}</answer>"


def eurus(n, answer=None, task="Math"):
    said = [] if answer is None else [{"from": "gpt", "value": f"\\boxed{{{answer}}}"}]
    return {
        "task": task,
        "dataset": "numina",
        "conversations": [{"from": "human", "value": f"What is {n}+1?{EURUS_SUFFIX}"}, *said],
    }


def teacher(request):
    """Right for even numbers, wrong for odd ones, cut off for 8, silent for 9."""
    n = int(re.search(r"What is (\d)\+1\?", request["messages"][-1]["content"])[1])
    if n == 9:
        return ""
    said = TAGGED.format(n + 1 if n % 2 == 0 else 0)
    return {"content": said, "finish_reason": "length"} if n == 8 else said


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "eurus.jsonl", [*(eurus(n, n + 1) for n in range(10)), eurus(3, task="Code")])


def test_all_keeps_whatever_came_as_published_rows(tmp_path, source):
    """As released: no answer, no form, no ending is looked at; the rows are those of its own files."""
    out = tmp_path / "sft.parquet"
    with ChatServer(reply=teacher) as server:
        done = here(
            *("prepare", "tango-sft", "--input", source, "--output", out, "--endpoint", server.url),
            *("--keep", "all", "--completion-column", "responses"),
            check=0,
        )
        asked = server.received[0]
    rows = list(read_rows(out))
    assert len(rows) == 10
    assert set(rows[0]) == {"data_source", "prompt", "ability", "extra_info", "responses"}
    assert rows[0]["data_source"] == "Eurus-2-SFT-Data"
    assert rows[0]["extra_info"] == {"index": 0, "question": "What is 0+1?", "dataset": "numina"}
    assert rows[3]["responses"] == [TAGGED.format(0)]
    assert rows[9]["responses"] == [""]
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.1, 0.5, 3072)
    assert "10 solutions of 10 problems" in done.stdout
    assert "kept though: 1 cut off, 1 empty" in done.stderr
    assert "left out: 1 not mathematics" in done.stderr


def test_right_keeps_right_and_whole_ones_and_counts_the_others(tmp_path, source):
    out = tmp_path / "sft.jsonl"
    with ChatServer(reply=teacher) as server:
        done = here(*("prepare", "tango-sft", "--input", source, "--output", out, "--endpoint", server.url), check=0)
    assert [row["ground_truth"] for row in read(out)] == ["1", "3", "5", "7"]
    assert "4 solutions of 10 problems" in done.stdout
    for reason in ("4 wrong", "1 cut off", "1 empty"):
        assert reason in done.stderr


def test_the_request_for_a_box_in_a_question_is_no_gold_answer():
    left_out = Counter()
    assert list(problems([eurus(2)], left_out)) == []
    assert left_out == {"no answer": 1}


def test_problems_without_a_gold_answer_are_enough_where_all_is_kept(tmp_path):
    source = write(tmp_path / "eurus.jsonl", [eurus(2), eurus(4)])
    base = ("prepare", "tango-sft", "--input", source, "--output", tmp_path / "sft.jsonl")
    with ChatServer(reply=teacher) as server:
        here(*base, "--endpoint", server.url, "--keep", "all", check=0)
        refused = here(*base, "--endpoint", server.url, check=INCOMPLETE)
    assert "2 no answer" in refused.stderr
    assert len(read(tmp_path / "sft.jsonl")) == 2


def test_the_same_through_generate(tmp_path, source):
    """Prompts out, predictions back: `generate` goes on where it was stopped."""
    prompts, predictions = tmp_path / "prompts.parquet", tmp_path / "predictions.jsonl"
    done = here("prepare", "tango-sft", "--input", source, "--output", prompts, "--prompts-only", check=0)
    assert "10 prompts" in done.stdout
    sampling = ("--temperature", "0.1", "--top-p", "0.5", "--max-tokens", "3072")
    with ChatServer(reply=teacher) as server:
        here("generate", prompts, "--endpoint", server.url, *sampling, "--out", predictions, "--quiet", check=0)
        sent = len(server.received)
        here("generate", prompts, "--endpoint", server.url, *sampling, "--out", predictions, "--quiet", check=0)
        assert len(server.received) == sent
    out = tmp_path / "sft.jsonl"
    back = ("prepare", "tango-sft", "--input", predictions, "--output", out, "--read", "prediction")
    done = here(*back, "--keep", "all", "--completion-column", "responses", check=0)
    rows = read(out)
    assert len(rows) == 10
    assert rows[3]["prompt"][0]["content"] == GeneratorPrompt()("What is 3+1?")
    assert rows[3]["responses"] == [TAGGED.format(0)]
    assert rows[3]["extra_info"] == {"index": 3, "question": "What is 3+1?", "dataset": "numina"}
    assert "kept though: 1 cut off, 1 empty" in done.stderr
    done = here(*back, check=0)
    assert [row["ground_truth"] for row in read(out)] == ["1", "3", "5", "7"]
    assert "4 wrong" in done.stderr


def wait_for_replies(cache, count):
    with contextlib.closing(sqlite3.connect(cache)) as connection:
        for _ in range(500):
            if connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0] >= count:
                return
            time.sleep(0.01)


def test_an_interrupted_run_goes_on_from_its_cache(tmp_path, source):
    """Beside the output, without a word about it."""
    base = ("prepare", "tango-sft", "--input", source, "--output", tmp_path / "sft.jsonl", "--keep", "all")
    cache: tuple[str, ...] = ()

    served: list[int] = []
    refusing = [True]

    def refusing_half(request):
        served.append(n := int(re.search(r"What is (\d)\+1\?", request["messages"][-1]["content"])[1]))
        return {"content": "", "finish_reason": "content_filter"} if refusing[0] and n >= 5 else teacher(request)

    with ChatServer(reply=refusing_half) as server:
        first = here(*base, *cache, "--endpoint", server.url, check=INCOMPLETE)
        assert "5 unanswered" in first.stderr
        assert len(read(tmp_path / "sft.jsonl")) == 5
        wait_for_replies(tmp_path / "sft.jsonl.cache.sqlite", 5)  # a thread of its own writes them
        served.clear()
        refusing[0] = False
        here(*base, *cache, "--endpoint", server.url, check=0)
    assert set(served) == {5, 6, 7, 8, 9}
    assert len(read(tmp_path / "sft.jsonl")) == 10


@pytest.mark.parametrize(
    ("text", "reasoning", "tagged", "lrm"),
    [
        ("<think>\nt\n</think>\n\n4", "", "<think>\nt\n</think>\n\n4", "\nt\n</think>\n\n4"),
        ("t\n</think>\n\n4", "", "<think>\nt\n</think>\n\n4", "t\n</think>\n\n4"),
        ("4", "t", "<think>\nt\n</think>\n\n4", "\nt\n</think>\n\n4"),
        ("<think>\nt\n</think>\n\n4", "t", "<think>\nt\n</think>\n\n4", "\nt\n</think>\n\n4"),
        ("4", "", "4", "4"),
        ("", "", "", ""),
    ],
)
def test_a_teachers_thoughts_are_kept_in_their_tags(text, reasoning, tagged, lrm):
    assert with_thoughts(text, reasoning, GeneratorPrompt()) == tagged
    assert with_thoughts(text, reasoning, GeneratorPrompt("lrm")) == lrm


def test_a_reasoning_teacher_with_the_reasoning_prompt(tmp_path):
    """Whole is what closes its thoughts and boxes an answer behind them."""
    source = write(tmp_path / "p.jsonl", [{"question": f"What is {n}+1?", "answer": str(n + 1)} for n in range(3)])

    def reasoner(request):
        assert request["messages"][-1]["content"].endswith("<think>")
        n = int(re.search(r"What is (\d)\+1\?", request["messages"][-1]["content"])[1])
        return ["t\n</think>\n\nAdd.\n\nSo \\boxed{1}", "t \\boxed{2}", "t\n</think>\n\nIt is 3."][n]

    out = tmp_path / "sft.jsonl"
    base = ("prepare", "tango-sft", "--input", source, "--output", out, "--prompt", "lrm")
    with ChatServer(reply=reasoner) as server:
        here(*base, "--endpoint", server.url, check=0)
    assert [row["response"] for row in read(out)] == ["t\n</think>\n\nAdd.\n\nSo \\boxed{1}"]


@pytest.mark.parametrize("apart", [True, False])
def test_a_reasoning_teacher_that_writes_the_tagged_form_behind_its_thoughts(tmp_path, apart):
    """The document's data for its reasoning model; some servers set the thoughts apart."""
    source = write(tmp_path / "p.jsonl", [{"question": "What is 1+1?", "answer": "2"}])
    said = TAGGED.format(2)

    def reasoner(request):
        if apart:
            return {"content": said, "reasoning_content": "1 and 1"}
        return f"1 and 1\n</think>\n\n{said}"

    out = tmp_path / "sft.jsonl"
    with ChatServer(reply=reasoner) as server:
        here("prepare", "tango-sft", "--input", source, "--output", out, "--endpoint", server.url, check=0)
    assert read(out)[0]["response"] == f"<think>\n1 and 1\n</think>\n\n{said}"


def test_reading_and_asking_are_not_both_meant(tmp_path, source):
    done = here(
        *("prepare", "tango-sft", "--input", source, "--output", tmp_path / "o.jsonl", "--prompts-only", "--read", "x"),
        check=MISUSE,
    )
    assert "not allowed with" in done.stderr
