"""One command line: lazy, its exit status meaningful, its mistakes one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from command_line import command, here, write
from table_rewards.commands.main import COMMANDS, main


def test_help_lists_the_commands_in_groups_and_the_exit_statuses():
    for words in ([], ["--help"], ["help"]):
        told = command(*words, check=0, columns=80).stdout
        assert "score and look:" in told
        assert "exit status:" in told
        assert all(len(line) <= 80 for line in told.splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_help_fits_the_terminal(width):
    assert max(map(len, command("--help", columns=width).stdout.splitlines())) <= width


def test_every_command_that_is_listed_has_a_help_that_works():
    for table in COMMANDS.values():
        for name in table:
            done = here(name, "--help")
            if "unknown command" not in done.stderr:
                assert done.returncode == 0, name
                assert f"usage: table-rewards {name}" in done.stdout


def test_a_command_whose_module_is_missing_is_not_listed(monkeypatch, capsys):
    monkeypatch.setitem(COMMANDS["this machine"], "ghost", ("haunts", "table_rewards.commands.ghost"))
    assert main([]) == 0
    assert "ghost" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["scroe"], 2, "unknown command 'scroe' (did you mean 'score'?); commands: "),
        (["--frobnicate"], 2, "unknown option '--frobnicate'"),
        (["score"], 2, "the following arguments are required: FILE, --reward"),
        (["score", "FILE", "--reward", "table_brench"], 2, "(did you mean 'table_bench'?)"),
        (["score", "FILE", "--reward", "table_bench", "--option", "metrc=em"], 2, "(did you mean 'metric'?)"),
        (["score", "FILE", "--reward", "table_bench", "--option", "metric=emm"], 2, "(did you mean 'em'?)"),
        (["score", "FILE", "--reward", "table_bench", "--option", "metric"], 2, "--option takes K=V"),
        (["score", "FILE", "--reward", "table_bench", "--out", "scores.csv"], 2, ".parquet or .jsonl"),
        (["score", "FILE", "--reward", "table_bench", "--batch-size", "0"], 2, "--batch-size must be at least 1"),
        (["score", "none.jsonl", "--reward", "table_bench"], 3, "none.jsonl: no such file"),
        (
            ["score", "FILE", "--reward", "table_bench", "--completion-column", "predictoin"],
            3,
            "no column 'predictoin' (did you mean 'prediction'?); columns: id, answer, prediction",
        ),
        (["report", "FILE"], 3, "no column 'score'"),
        (["adapter", "velr"], 2, "(did you mean 'verl'?)"),
        (["verl-args", "teds", "--verl-version", "x"], 2, "--verl-version takes a version"),
        (["demo", "nothing"], 2, "nothing on nothing"),
        (["prepare", "tablebrench"], 2, "unknown task 'tablebrench'"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_an_exit_status(tmp_path, words, status, told):
    file = write(tmp_path / "rows.jsonl", [{"id": 1, "answer": "7", "prediction": "Final Answer: 7"}])
    run = command if words[0] in ("score", "--frobnicate") and len(words) < 6 else here  # some as a process of its own
    done = run(*[file if word == "FILE" else word for word in words])
    assert done.returncode == status
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_an_interrupt_is_status_130():
    code = (
        "import sys; from table_rewards.commands import list_rewards\n"
        "def interrupted(arguments): raise KeyboardInterrupt\n"
        "list_rewards.run = interrupted\n"
        "from table_rewards.commands.main import main\nsys.exit(main(['list']))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 130


def test_a_reader_that_stops_reading_is_no_error():
    code = "import sys; from table_rewards.commands.main import main; sys.exit(main(['list', '--json']))"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" | head -c 1', shell=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""


def test_the_command_line_imports_nothing_heavy_and_is_there_at_once():
    code = (
        "import sys, time; begun = time.process_time()\n"
        "import table_rewards.commands.main\n"
        "heavy = {'numpy', 'pyarrow', 'matplotlib', 'pandas', 'rich', 'aiohttp', 'lxml'} & set(sys.modules)\n"
        "print(sorted(heavy), time.process_time() - begun)"
    )
    found = min(
        (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
            for _ in "123"
        ),
        key=lambda text: float(text.rpartition("]")[2]),
    )
    assert found.startswith("[]")
    assert float(found.rpartition("]")[2]) < 0.15
