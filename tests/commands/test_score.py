"""`table-rewards score`: nothing lost, nothing repeated, whatever the file and whenever it is killed."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from command_line import FIXTURES, answers, read, write
from command_line import here as command
from table_rewards.commands.reward_options import read_options
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.rewards.table_bench import TableBench

O3MINI = FIXTURES / "tablebench" / "tablebench_o3mini_dp_items.jsonl"


def test_scores_are_the_rewards_own_with_the_rows_ids(tmp_path):
    rows = answers(60)
    out = tmp_path / "scores.jsonl"
    command("score", write(tmp_path / "rows.jsonl", rows), "--reward", "table_bench", "--out", out, check=0)
    reward = TableBench()
    expected = reward([row["prediction"] for row in rows], rows)
    written = read(out)
    assert [line["score"] for line in written] == expected.values.tolist()
    assert [line["em"] for line in written] == expected.parts["em"].tolist()
    assert [line["status"] for line in written] == expected.status.tolist()
    assert [line["note"] for line in written] == list(expected.notes)
    assert [(line["row"], line["sample"], line["id"], line["qtype"]) for line in written] == [
        (i, 0, row["id"], row["qtype"]) for i, row in enumerate(rows)
    ]
    assert {line["signature"] for line in written} == {reward.signature}


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "jsonl.gz", "json"])
@pytest.mark.parametrize("to", ["parquet", "jsonl"])
def test_every_format_gives_the_same_scores(tmp_path, ending, to):
    source, out = tmp_path / f"rows.{ending}", tmp_path / f"scores.{to}"
    with RowWriter(source) as writer:
        writer.write(answers(40))
    done = command("score", source, "--reward", "table_bench", "--out", out, "--batch-size", 7, "--json", check=0)
    told = json.loads(done.stdout)
    assert told["rows"] == 40
    assert told["status"] == {"scored": 32, "unparsed": 8, "unscored": 0}
    assert [row["id"] for row in read_rows(out)] == [f"r{i}" for i in range(40)]
    assert told["mean"] == pytest.approx(sum(row["score"] for row in read_rows(out)) / 40)


def test_the_summary_says_what_a_person_wants_to_know(tmp_path):
    done = command("score", O3MINI, "--reward", "table_bench", "--reference-column", "reference", columns=80)
    for wanted in ("54 completions in", "a second", "mean", "median", "scored", "unscored", "em_tolerance",
                   "NumericalReasoning", "signature  table_bench:", "0.9 to 1.0"):  # fmt: skip
        assert wanted in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""


def test_a_file_deep_in_a_tree_keeps_its_name_and_the_summary_its_width(tmp_path):
    deep = tmp_path / "/".join(["a_folder_with_a_long_name"] * 5)
    deep.mkdir(parents=True)
    path = write(deep / "answers.jsonl", answers(4))
    for verb in (("score", path, "--reward", "table_bench"), ("profile", path, "--reward", "table_bench")):
        title = command(*verb, columns=80, check=0).stdout.splitlines()[0]
        assert title.startswith(("table_bench on …/", "table_bench on ~/"))
        assert title.endswith("_long_name/answers.jsonl")
        assert len(title) <= 80


def test_responses_in_a_list_are_scored_one_by_one_and_chats_as_one(tmp_path):
    rows = [
        {"answer": "7", "responses": ["Final Answer: 7", "Final Answer: 8"]},
        {"answer": "7", "responses": [[{"role": "assistant", "content": "Final Answer: 7"}], "no"]},
        {"answer": "7", "responses": []},
        {
            "answer": "7",
            "responses": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Final Answer: 7"}],
        },
    ]
    out = tmp_path / "scores.jsonl"
    command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--out", out, check=0)
    assert [(s["row"], s["sample"], s["score"], s["status"]) for s in read(out)] == [
        (0, 0, 1.0, "scored"),
        (0, 1, 0.0, "scored"),
        (1, 0, 1.0, "scored"),
        (1, 1, 0.0, "unparsed"),
        (2, 0, None, "unscored"),
        (3, 0, 1.0, "scored"),
    ]


def test_verls_rows_and_rollout_dumps_are_understood(tmp_path):
    verl = {
        "data_source": "table_area",
        "reward_model": {"style": "rule", "ground_truth": {"answer": "7", "qtype": "FactChecking"}},
        "extra_info": {"index": 3},
        "responses": ["Final Answer: 7"],
    }
    dump = {"input": "How many?", "output": "Final Answer: 7", "gts": "7", "score": 0.3, "step": 1}
    for name, row in (("verl.parquet", verl), ("dump.jsonl", dump)):
        with RowWriter(tmp_path / name) as writer:
            writer.write([row])
        command(
            "score", tmp_path / name, "--reward", "table_bench", "--out", tmp_path / "s.jsonl", "--overwrite", check=0
        )
        (line,) = read(tmp_path / "s.jsonl")
        assert line["score"] == 1.0
    command("score", tmp_path / "verl.parquet", "--reward", "table_bench", "--out", tmp_path / "v.jsonl", check=0)
    (line,) = read(tmp_path / "v.jsonl")
    assert (line["data_source"], line["qtype"], line["index"]) == ("table_area", "FactChecking", 3)


def test_a_broken_line_is_an_unscored_row_and_disturbs_no_other(tmp_path):
    path = tmp_path / "rows.jsonl"
    good = [json.dumps(row) for row in answers(9)]
    path.write_text("\n".join([*good[:4], '{"answer": "7", "predic', *good[4:]]) + "\n")
    out = tmp_path / "scores.jsonl"
    command("score", path, "--reward", "table_bench", "--out", out, check=0)
    lines = read(out)
    assert lines[4]["status"] == "unscored"
    assert "line 5 is not JSON" in lines[4]["note"]
    assert [line["id"] for line in lines if line["row"] != 4] == [f"r{i}" for i in range(9)]


def test_a_row_without_its_completion_is_unscored_not_wrong(tmp_path):
    rows = [{"answer": "7", "prediction": "Final Answer: 7"}, {"answer": "7"}]
    out = tmp_path / "scores.jsonl"
    command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--out", out,
            "--fail-on-unscored", "0.5", check=0)  # fmt: skip
    assert (read(out)[1]["score"], read(out)[1]["note"]) == (None, "no 'prediction' in this row")


def test_too_many_unscored_is_status_1_after_the_work_is_done(tmp_path):
    rows = [{"answer": "7", "prediction": "Final Answer: 7"}, {"answer": "7"}]
    out = tmp_path / "scores.jsonl"
    done = command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--out", out, check=1)
    assert "50.0 % unscored" in done.stderr
    assert len(read(out)) == 2


def test_a_column_of_completions_that_is_misspelt_is_guessed_at(tmp_path):
    rows = [{"id": 1, "answer": "7", "predictoin": "Final Answer: 7"}]
    done = command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", check=3)
    assert "did you mean --completion-column predictoin? columns: id, answer, predictoin" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_reference_column_stops_at_once_and_names_what_there_is(tmp_path):
    rows = [{"id": 1, "anwser": "7", "prediction": "Final Answer: 7"}] * 3
    out = tmp_path / "scores.jsonl"
    done = command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--out", out, check=3)
    assert "(did you mean 'anwser'?)" in done.stderr
    assert "it has anwser, id, prediction" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


def test_groups_are_told_by_any_column(tmp_path):
    rows = answers(30, model="m")
    told = json.loads(
        command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--by", "model", "--json").stdout
    )
    assert {name: group["count"] for name, group in told["groups"].items()} == {"m": 30}
    done = command("score", tmp_path / "r.jsonl", "--reward", "table_bench", "--by", "modle", check=3)
    assert "(did you mean 'model'?)" in done.stderr


def test_prompts_without_variance_are_counted(tmp_path):
    right, wrong = "Final Answer: 7", "Final Answer: 8"
    rows = [
        {"id": "a", "answer": "7", "responses": [right, right]},
        {"id": "b", "answer": "7", "responses": [right, wrong]},
        {"id": "c", "answer": "7", "responses": [wrong, wrong]},
        {"id": "d", "answer": "7", "responses": [wrong]},
    ]
    told = json.loads(command("score", write(tmp_path / "r.jsonl", rows), "--reward", "table_bench", "--json").stdout)
    assert told["prompts"]["with_several_completions"] == 3
    assert told["prompts"]["zero_variance"] == 2
    assert told["prompts"]["zero_variance_at"] == {"1": 1, "0": 1}


def test_a_prompt_is_never_split_between_batches(tmp_path):
    code = """
import sys
from table_rewards import Reward, Judgement, register
from dataclasses import dataclass

@dataclass(frozen=True)
class Nothing:
    pass

@register
class Together(Reward):
    name, reference_type, parts, deduplicates = "together", Nothing, ("seen",), False
    def __init__(self, *, profile="corrected"): super().__init__(profile=profile)
    def reference(self, row): return Nothing()
    natural = reference
    def judge(self, completion, reference, step): return Judgement(0.0, (0.0,))
    def judge_all(self, completions, references, step):
        return [Judgement(1.0, (float(completions.count(c)),)) for c in completions]

from table_rewards.commands.main import main
sys.exit(main())
"""
    rows = [{"uid": f"u{i // 4}", "completion": f"c{i // 4}"} for i in range(40)]
    out = tmp_path / "s.jsonl"
    subprocess.run(
        [sys.executable, "-c", code, "score", write(tmp_path / "r.jsonl", rows), "--reward", "together", "--out", out,
         "--batch-size", "6"], check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert [line["seen"] for line in read(out)] == [4.0] * 40
    assert [line["row"] for line in read(out)] == list(range(40))


SLOW = """
import signal, sys, time
from table_rewards import TableBench, register

signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite that runs in the background inherits "ignore"

@register
class Slow(TableBench):
    name = "slow"
    def judge_all(self, completions, references, step):
        time.sleep(0.02)
        return super().judge_all(completions, references, step)

from table_rewards.commands.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("ending", ["jsonl", pytest.param("parquet", marks=pytest.mark.slow)])
def test_killed_again_and_again_it_ends_with_every_row_once(tmp_path, ending):
    rows = answers(240)
    for row in rows[::10]:
        row["prediction"] = [row["prediction"], "Final Answer: 1", "none"]
    source = write(tmp_path / "rows.jsonl", rows)
    out, straight = tmp_path / f"scores.{ending}", tmp_path / f"straight.{ending}"
    words = [sys.executable, "-c", SLOW, "score", str(source), "--reward", "slow", "--batch-size", "9", "--out"]
    subprocess.run([*words, str(straight)], check=True, capture_output=True, timeout=60)
    chance, partial, had = random.Random(7), tmp_path / f"scores.{ending}.partial", 0
    for _ in range(3):
        running = subprocess.Popen([*words, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while (partial.stat().st_size if partial.exists() else 0) < had + 2000 and time.monotonic() < until:
            time.sleep(0.003)
        time.sleep(chance.random() * 0.03)
        assert running.poll() is None, "it ended before it could be killed"
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        had = partial.stat().st_size
    assert not out.exists()
    subprocess.run([*words, str(out)], check=True, capture_output=True, timeout=60)
    assert list(map(repr, read_rows(out))) == list(map(repr, read_rows(straight)))
    assert sum(1 for _ in read_rows(out)) == 240 + 2 * 24
    assert not list(tmp_path.glob("*.partial*"))


def test_an_interrupted_run_goes_on_and_says_so(tmp_path):
    source, out = write(tmp_path / "rows.jsonl", answers(120)), tmp_path / "scores.jsonl"
    words = [
        sys.executable,
        "-c",
        SLOW,
        "score",
        str(source),
        "--reward",
        "slow",
        "--batch-size",
        "4",
        "--out",
        str(out),
    ]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until = time.monotonic() + 30
    partial = tmp_path / "scores.jsonl.partial"
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in said
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "going on at row" in done.stderr
    assert [line["row"] for line in read(out)] == list(range(120))


def test_going_on_after_another_file_or_option_is_refused(tmp_path):
    source, out = write(tmp_path / "rows.jsonl", answers(20)), tmp_path / "scores.jsonl"
    command("score", source, "--reward", "table_bench", "--out", out, check=0)
    assert "is complete" in command("score", source, "--reward", "table_bench", "--out", out, check=0).stderr
    other = command("score", source, "--reward", "table_bench", "--option", "metric=em", "--out", out, check=2)
    assert "another signature" in other.stderr
    write(source, answers(21))
    assert "another content" in command("score", source, "--reward", "table_bench", "--out", out, check=2).stderr
    command("score", source, "--reward", "table_bench", "--out", out, "--overwrite", check=0)
    assert len(read(out)) == 21


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["score", "{}", "--reward", "table_bench", "--overwrite", "--out", "{}"], "--out"),
        (["profile", "{}", "--reward", "table_bench", "--html", "{}"], "--html"),
        (["explain", "{}", "--reward", "table_bench", "--row", "0", "--html", "{}"], "--html"),
        (["report", "{}", "--score-column", "n", "--html", "{}"], "--html"),
        (["report", "{}", "--score-column", "n", "--png", "{}"], "--png"),
        (["generate", "{}", "--endpoint", "http://127.0.0.1:9", "--model", "m", "--overwrite", "--out", "{}"], "--out"),
        (["audit", "{}", "--reward", "table_bench", "--out", "{}"], "--out"),
    ],
)
def test_no_output_takes_the_place_of_what_is_read(tmp_path, words, flag):
    path = write(tmp_path / "r.jsonl", answers(8, n=1, prompt="?"))
    before = path.read_bytes()
    done = command(*(word.format(path) for word in words), check=2)
    assert f"{flag} {path} is " in done.stderr
    assert path.read_bytes() == before


def test_the_step_reaches_the_schedule(tmp_path):
    regions = FIXTURES / "table_r1" / "regions.jsonl"
    means = {}
    for step in (0, 100):
        words = ["score", regions, "--reward", "table_region", "--option", "weight=linear(1, 0, 100)", "--step", step]
        told = json.loads(command(*words, "--json", "--fail-on-unscored", 1, check=0).stdout)
        means[step] = told["parts"]["weight"]["mean"]
    assert means == {0: 1.0, 100: 0.0}


def test_hostile_completions_never_stop_a_run(tmp_path):
    nasty = ["", "\x00\x1b[31m", "x" * 1_000_000, "Final Answer: \u202e7", "\ud800", "[" * 50_000, None, 7, {"a": 1}]
    rows = [{"answer": "7", "prediction": text} for text in nasty]
    out = tmp_path / "scores.parquet"
    words = ["--reward", "table_bench", "--out", out, "--fail-on-unscored", "0.5"]
    done = command("score", write(tmp_path / "r.jsonl", rows), *words, check=0)
    assert "\x1b" not in done.stdout
    # Null, a number and an unknown mapping are no completions: they are named, never scored as an empty text.
    assert [row["status"] == "unscored" for row in read_rows(out)] == [False] * 6 + [True] * 3


def test_a_defect_of_ours_is_one_line_and_an_unscored_row(tmp_path):
    code = SLOW.replace("time.sleep(0.02)", "raise ZeroDivisionError")
    code = code.replace("    def judge_all", "    judge = judge_all = lambda *_: 1 / 0\n    def unused")
    source, out = write(tmp_path / "rows.jsonl", answers(5)), tmp_path / "s.jsonl"
    words = [sys.executable, "-c", code, "score", str(source), "--reward", "slow", "--out", str(out)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "division by zero (TABLE_REWARDS_DEBUG=1 shows where)" in done.stderr
    assert [line["score"] for line in read(out)] == [None] * 5


def test_options_are_read_as_what_they_look_like():
    assert read_options(["a=1", "b=x=y", "c=True", "d=null", "e-f={\"k\": [1]}", "g="]) == {
        "a": 1, "b": "x=y", "c": True, "d": None, "e_f": {"k": [1]}, "g": "",
    }  # fmt: skip


# VmHWM belongs to the memory of the command alone; ru_maxrss would begin with that of the process which started it.
MEMORY = """
import re, sys
from table_rewards.commands.main import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(status)
"""


def _peak(source, out):
    words = ["score", str(source), "--reward", "table_bench", "--out", str(out), "--quiet"]
    done = subprocess.run([sys.executable, "-c", MEMORY, *words], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1]) / 1024


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("to", ["jsonl", "parquet"])
def test_a_million_rows_take_hardly_more_memory_than_fifty_thousand(tmp_path, to):
    """Measured: 141 MB for 50,000 rows and 143 MB for 1,000,000 to jsonl, 159 and 185 MB to parquet."""
    peaks = {}
    for count in (50_000, 1_000_000):
        source = tmp_path / f"{count}.parquet"
        with RowWriter(source) as writer:
            writer.write(
                {
                    "id": f"r{i}",
                    "qtype": "FactChecking",
                    "answer": str(i % 97),
                    "prediction": f"Final Answer: {i * 7 % 97}",
                }
                for i in range(count)
            )
        peaks[count] = _peak(source, tmp_path / f"{count}.scores.{to}")
    print(peaks)
    assert peaks[1_000_000] < peaks[50_000] + 64
    assert peaks[1_000_000] < 320


def test_gzipped_lines_are_read(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in answers(5)).encode()))
    assert json.loads(command("score", path, "--reward", "table_bench", "--json", check=0).stdout)["rows"] == 5
