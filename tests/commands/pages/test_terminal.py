"""What is printed fits, whatever the terminal: narrow, dumb, without colours, without Unicode, with wide characters."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

from command_line import answers, command, write
from table_rewards.commands.pages.progress import Progress
from table_rewards.commands.pages.terminal import bar, cut, shown_width, table


def on_a_terminal(words, **environment):
    """Everything that the command shows on a terminal of 50 columns."""
    leader, follower = pty.openpty()
    line = [sys.executable, "-m", "table_rewards", *map(str, words)]
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLUMNS")}
    clean |= {"COLUMNS": "50", "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
    process = subprocess.Popen(line, stdout=follower, stderr=follower, stdin=subprocess.DEVNULL, env=clean)
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    process.wait(60)
    os.close(leader)
    return shown.decode("utf-8"), process.returncode


@pytest.fixture
def rows(tmp_path):
    return write(tmp_path / "rows.jsonl", answers(600, prompt="表" * 40))


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_a_terminal_that_wants_no_colours_gets_none(rows, environment):
    shown, status = on_a_terminal(["score", rows, "--reward", "table_bench"], **environment)
    assert status == 0
    assert "\x1b[1m" not in shown
    assert "\x1b[3" not in shown
    assert "600 completions" in shown


def test_a_terminal_gets_bold_and_a_bar_that_goes_away(rows):
    shown, status = on_a_terminal(["score", rows, "--reward", "table_bench"])
    assert status == 0
    assert "\x1b[1m" in shown
    assert shown.rstrip().splitlines()[-1].strip().startswith("signature")


@pytest.mark.parametrize("columns", [50, 80, pytest.param(120, marks=pytest.mark.slow)])
@pytest.mark.parametrize("verb", ["score", "profile"])
def test_every_line_of_numbers_fits_the_width(rows, columns, verb):
    lines = command(verb, rows, "--reward", "table_bench", columns=columns, check=0).stdout.splitlines()
    assert max(shown_width(line) for line in lines if "signature" not in line) <= columns


def test_a_table_gives_way_in_its_widest_text_and_never_in_numbers():
    lines = table(["name", "mean"], [["ein sehr langer Name " * 5, "0.1234"], ["表格" * 30, "1"]], right=[1], room=40)
    assert max(map(shown_width, lines)) <= 40
    assert lines[1].endswith("0.1234")
    assert lines[2].endswith("1")


@pytest.mark.parametrize("room", [40, 60, 78, 98])
def test_columns_without_room_stand_in_a_table_of_their_own(room):
    """They were once cut off, so that a comparison of several files showed the numbers of some."""
    header = ["part", *(f"file_{i:02}" for i in range(12))]
    rows = [[f"name of a part {k}", *(f"{k}.{i:04}" for i in range(12))] for k in range(3)]
    lines = table(header, rows, right=range(1, 13), room=room)
    assert max(map(len, lines)) <= room
    said = "\n".join(lines)
    assert all(said.count(cell) == 1 for row in rows for cell in row[1:])


def test_square_brackets_are_no_markup():
    assert table(["note"], [["[bold]x[/bold] [red]"]])[1] == "[bold]x[/bold] [red]"


def test_wide_characters_are_cut_where_they_fit():
    assert shown_width(cut("表格表格表格", 7)) <= 7
    assert cut("a\x1b[31mb\nc", 20) == "a [31mb c"


def test_the_smallest_bar_is_seen():
    assert bar(1, 1_000_000, 40) in ("▏", "#")
    assert bar(0, 10, 40) == ""


def test_without_a_terminal_a_bar_shows_nothing(capsys):
    with Progress(10, "rows") as shown:
        shown.update(10, mean=0.5)
    assert capsys.readouterr() == ("", "")


def test_ascii_output_stays_ascii(rows):
    line = [sys.executable, "-m", "table_rewards", "score", str(rows), "--reward", "table_bench"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    done = subprocess.run(line, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0
    assert done.stdout.isascii()
