"""`table-rewards generate`: any prompt file in, predictions out; stopped runs continue, failures are told apart."""

from __future__ import annotations

import argparse
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from command_line import here, write
from table_rewards.commands import generate
from table_rewards.commands.exit_codes import INCOMPLETE
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.prompts import prompt_of
from table_rewards.testing.chat_server import ChatServer

PROMPTS = [
    {"id": f"p{i}", "instruction": f"Question {i}", "answer": str(i), "qtype": "FactChecking"} for i in range(12)
]


def echo(request):
    content = request["messages"][-1]["content"]
    return f"Final Answer: {content.split()[-1]}" if isinstance(content, str) else "an image"


def command(*arguments):
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    return generate.run(parser.parse_args([*map(str, arguments), "--quiet"]))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def server():
    with ChatServer(reply=echo) as running:
        yield running


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PROMPTS))
    return path


def test_every_row_keeps_its_fields_and_gains_a_prediction(server, prompts, capsys):
    assert command(prompts, "--endpoint", server.url) == 0
    written = lines(prompts.with_suffix(".predictions.jsonl"))
    assert [row["prediction"] for row in written] == [f"Final Answer: {i}" for i in range(12)]
    assert [{name: row[name] for name in PROMPTS[0]} for row in written] == PROMPTS
    assert {row["model_name"] for row in written} == {"test-model"}
    assert "12 predictions" in capsys.readouterr().out


def test_samples_of_a_prompt_are_numbered_and_drawn_with_their_own_seeds(server, prompts, tmp_path):
    out = tmp_path / "out.jsonl"
    assert command(prompts, "--endpoint", server.url, "-n", 3, "--temperature", 0.7, "--seed", 5, "--out", out) == 0
    assert [(row["generation"]["row"], row["generation"]["sample"]) for row in lines(out)] == [
        (i, k) for i in range(12) for k in range(3)
    ]
    assert sorted({body["seed"] for body in server.received}) == [5, 6, 7]


def test_samples_at_temperature_zero_are_refused(server, prompts):
    with pytest.raises(ConfigurationError, match="--temperature"):
        command(prompts, "--endpoint", server.url, "-n", 2)


def test_failures_are_no_predictions_and_the_next_run_asks_them_again(prompts, capsys):
    def script(number):
        return "400" if number in (3, 7) else None

    out = prompts.with_suffix(".predictions.jsonl")
    with ChatServer(reply=echo, script=script) as server:
        assert command(prompts, "--endpoint", server.url, "--model", "m") == INCOMPLETE
        assert len(lines(out)) == 10
        failed = lines(out.with_suffix(".failed.jsonl"))
        assert len(failed) == 2
        assert all("HTTP 400" in line["error"] for line in failed)
        assert "2 got no answer" in capsys.readouterr().err
        assert command(prompts, "--endpoint", server.url, "--model", "m") == 0
        assert len(server.received) == 14
    assert [row["id"] for row in lines(out)] == [row["id"] for row in PROMPTS]
    assert not out.with_suffix(".failed.jsonl").exists()


def test_cut_off_and_empty_predictions_are_kept_and_told_apart(prompts, capsys):
    with ChatServer(reply=echo, script=lambda n: "length" if n == 0 else "empty" if n < 5 else None) as server:
        assert command(prompts, "--endpoint", server.url, "--limit", 2, "--max-in-flight", 1) == 0
    said = capsys.readouterr().out
    assert "1 cut off" in said
    assert "1 empty" in said
    assert [row["generation"]["finish_reason"] for row in lines(prompts.with_suffix(".predictions.jsonl"))] == [
        "length",
        "stop",
    ]


def test_a_finished_run_asks_nothing_again(server, prompts):
    command(prompts, "--endpoint", server.url)
    before = len(server.received)
    assert command(prompts, "--endpoint", server.url) == 0
    assert len(server.received) == before


def test_a_line_cut_in_the_middle_by_a_kill_is_written_again(server, prompts):
    command(prompts, "--endpoint", server.url)
    out = prompts.with_suffix(".predictions.jsonl")
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) - 40])
    command(prompts, "--endpoint", server.url)
    assert out.read_bytes() == whole


@pytest.mark.parametrize("change", [["--temperature", "0.5"], ["--max-tokens", "7"], ["--system", "Be brief."]])
def test_predictions_of_other_settings_are_never_mixed(server, prompts, change):
    command(prompts, "--endpoint", server.url)
    with pytest.raises(ConfigurationError, match="other prompts or other sampling"):
        command(prompts, "--endpoint", server.url, *change)
    assert command(prompts, "--endpoint", server.url, *change, "--overwrite") == 0


def test_predictions_of_another_model_are_never_mixed(server, prompts):
    command(prompts, "--endpoint", server.url, "--model", "m")
    with pytest.raises(ConfigurationError, match="'m'"):
        command(prompts, "--endpoint", server.url, "--model", "n")


def test_a_foreign_file_is_never_overwritten(server, prompts, tmp_path):
    out = tmp_path / "mine.jsonl"
    out.write_text('{"my": "data"}\n')
    with pytest.raises(ConfigurationError, match=r"mine\.jsonl"):
        command(prompts, "--endpoint", server.url, "--out", out)
    assert out.read_text() == '{"my": "data"}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": 1}\n', "row 0: no 'messages'"),
        ('{"instruction": "a"}\n{"instruction": 7}\n', "row 1"),
        ("not json\n", "neither parquet nor JSON"),
        ('{"prompt": "a"}\n{"prompt": ', "line 2"),
        ("[1, 2]\n", "JSON object"),
    ],
)
def test_a_bad_prompt_file_is_named_with_its_row(server, tmp_path, text, says):
    path = tmp_path / "p.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        command(path, "--endpoint", server.url)


def test_a_missing_file_is_named(server):
    with pytest.raises(ConfigurationError, match=r"none\.jsonl"):
        command("none.jsonl", "--endpoint", server.url)


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"prompt": "Hi"}, [("user", "Hi")]),
        (
            {"prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]},
            [("system", "S"), ("user", "Hi")],
        ),
        ({"prompt": '[{"role": "user", "content": "Hi"}]'}, [("user", "Hi")]),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "gold"}]}, [("user", "Hi")]),
        ({"instruction": "Do", "question": "q"}, [("user", "Do")]),
        ({"question": "[1] is a citation?"}, [("user", "[1] is a citation?")]),
    ],
)
def test_prompts_in_every_seed_s_form(row, messages):
    assert [(m["role"], m["content"]) for m in prompt_of(row, None, pathlib.Path())] == messages


def test_images_go_where_their_tag_stands(tmp_path):
    (tmp_path / "t.png").write_bytes(b"PNG")
    row = {"messages": [{"role": "user", "content": "Read this.\n<image>"}], "images": ["t.png"]}
    (message,) = prompt_of(row, None, tmp_path)
    url = "data:image/png;base64," + base64.b64encode(b"PNG").decode()
    assert message["content"] == [
        {"type": "text", "text": "Read this.\n"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    with pytest.raises(ConfigurationError, match=r"missing\.png"):
        prompt_of({"prompt": "x", "images": ["missing.png"]}, None, tmp_path)


def test_parquet_rows_of_verl(server, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    rows = [{"prompt": [{"role": "user", "content": f"q {i}"}], "extra_info": {"index": i}} for i in range(3)]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert command(path, "--endpoint", server.url) == 0
    written = lines(tmp_path / "rows.predictions.jsonl")
    assert [row["prediction"] for row in written] == [f"Final Answer: {i}" for i in range(3)]
    assert [row["extra_info"] for row in written] == [{"index": i} for i in range(3)]


def test_kill_9_loses_nothing_that_was_answered_and_repeats_nothing(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Question {i}"}) + "\n" for i in range(300)))
    out = tmp_path / "out.jsonl"
    with ChatServer(reply=echo, latency_s=0.02) as server:
        arguments = [str(prompts), "--endpoint", server.url, "--out", str(out), "--max-in-flight", "4", "--quiet"]
        process = subprocess.Popen(
            [sys.executable, "-m", "table_rewards.commands.main", "generate", *arguments], stdout=subprocess.DEVNULL
        )
        growing = tmp_path / "out.jsonl.partial"
        while not growing.exists() or growing.stat().st_size < 5000:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept = growing.read_bytes().count(b"\n")
        assert 0 < kept < 300
    with ChatServer(reply=echo) as server:  # another one: the first may still be reading what the killed process sent
        assert command(str(prompts), "--endpoint", server.url, "--out", str(out), "--max-in-flight", "4") == 0
        assert len(server.received) == 300 - kept
    assert [row["prediction"] for row in lines(out)] == [f"Final Answer: {i}" for i in range(300)]


def test_two_runs_on_one_output_never_mix_and_the_second_says_why(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Question {i}"}) + "\n" for i in range(60)))
    out = tmp_path / "out.jsonl"
    with ChatServer(reply=echo, latency_s=0.05) as server:
        arguments = [str(prompts), "--endpoint", server.url, "--out", str(out), "--max-in-flight", "2", "--quiet"]
        first = subprocess.Popen(
            [sys.executable, "-m", "table_rewards.commands.main", "generate", *arguments], stdout=subprocess.DEVNULL
        )
        growing = tmp_path / "out.jsonl.partial"
        while not growing.exists() or not growing.stat().st_size:
            time.sleep(0.01)
        with pytest.raises(ConfigurationError, match="another process is writing it"):
            command(*arguments[:-1])
        with pytest.raises(ConfigurationError, match="another process is writing it"):
            command(*arguments[:-1], "--overwrite")
        assert first.wait() == 0
        assert len(server.received) == 60
    assert [row["prediction"] for row in lines(out)] == [f"Final Answer: {i}" for i in range(60)]
    assert not growing.exists()


def test_more_rows_and_more_samples_are_added_to_a_finished_output(server, prompts):
    how = ["--endpoint", server.url, "--temperature", 1]
    assert command(prompts, *how, "--limit", 2) == 0
    assert command(prompts, *how, "-n", 2) == 0
    written = lines(prompts.with_suffix(".predictions.jsonl"))
    assert [(row["generation"]["row"], row["generation"]["sample"]) for row in written] == [
        (i, k) for i in range(12) for k in range(2)
    ]
    assert len(server.received) == 24


def test_a_dead_endpoint_is_told_while_there_is_still_time_to_mend_it(tmp_path):
    """300 prompts to an address where nobody listens were once asked for half an hour without a word."""
    path = write(tmp_path / "prompts.jsonl", [{"prompt": f"question {n}"} for n in range(20)])
    words = ["--endpoint", "http://127.0.0.1:9", "--model", "m", "--deadline-s", "1", "--quiet"]
    done = here("generate", path, *words, check=1)
    assert "http://127.0.0.1:9/v1 does not answer and is asked again" in done.stderr
    assert "20 got no answer" in done.stderr + done.stdout
