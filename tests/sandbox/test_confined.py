"""Programs of other languages: bounded, off the network, and without the folders that they need not see."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.sandbox.confined import run_confined, used_up
from table_rewards.sandbox.local.policy import probe

SHELL = shutil.which("sh")
needs_landlock = pytest.mark.skipif(not probe().landlock, reason="no Landlock")
needs_seccomp = pytest.mark.skipif(not probe().seccomp, reason="no seccomp")


def python(folder, source, **options):
    return run_confined([sys.executable, "-c", source], folder, cpu_s=5, **options)


@needs_landlock
def test_what_is_not_named_is_neither_read_nor_written(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "secret").write_text("secret")
    command = f"cat {other}/secret; echo x > {other}/new; echo here > {tmp_path}/own; cat {tmp_path}/own"
    ended = run_confined([SHELL, "-c", command], tmp_path, cpu_s=5)
    assert ended.stdout == b"here\n"
    assert not (other / "new").exists()
    ended = run_confined([SHELL, "-c", f"cat {other}/secret"], tmp_path, cpu_s=5, readable=[str(other)])
    assert ended.stdout == b"secret"


@needs_seccomp
def test_there_is_no_network(tmp_path):
    ended = python(tmp_path, "import socket; socket.socket()")
    assert ended.code == 1
    assert b"PermissionError" in ended.stderr


def test_cpu_time_is_bounded_and_told_from_waiting(tmp_path):
    ended = run_confined([sys.executable, "-c", "while True: pass"], tmp_path, cpu_s=1)
    assert used_up(ended)
    assert not ended.waited_out


def test_nothing_of_it_outlives_it(tmp_path):
    mark = tmp_path / "late"
    ended = run_confined([SHELL, "-c", f"(sleep 1; echo x > {mark}) & exit 0"], tmp_path, cpu_s=5)
    assert ended.code == 0
    time.sleep(1.5)
    assert not mark.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no limit of data outside of Linux")
def test_memory_is_bounded(tmp_path):
    ended = python(tmp_path, "x = bytearray(600 << 20)", memory_mb=256)
    assert ended.code == 1
    assert b"MemoryError" in ended.stderr


def test_the_environment_is_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    assert b"secret" not in run_confined([SHELL, "-c", "env"], tmp_path, cpu_s=5).stdout


def test_output_is_bounded(tmp_path):
    ended = python(tmp_path, "import sys\nfor _ in range(3000): sys.stdout.write('x' * 1000)\nsys.stdout.write('end')")
    assert len(ended.stdout) == 1_000_000
    assert ended.stdout.endswith(b"end")


def test_a_program_that_is_not_there_fails_in_words(tmp_path):
    ended = run_confined([str(tmp_path / "none")], tmp_path, cpu_s=5)
    assert ended.code != 0
    assert b"none" in ended.stderr or b"No such file" in ended.stderr


def test_an_interpreter_that_cannot_start_is_a_misconfiguration(tmp_path, monkeypatch):
    found = probe()
    monkeypatch.setattr("table_rewards.sandbox.confined.probe", lambda: found)
    monkeypatch.setattr("table_rewards.sandbox.confined.sys.executable", str(tmp_path / "python"))
    with pytest.raises(ConfigurationError, match="cannot be started"):
        run_confined([SHELL, "-c", "exit"], tmp_path, cpu_s=5)
