"""`new-reward`: what it writes works at once, passes its own tests, and is scored, explained and audited."""

from __future__ import annotations

import subprocess
import sys

import pytest

from command_line import here, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("made")
    here("new-reward", "unit_price", "--out", where, check=0)
    return where


def test_its_tests_pass_as_they_are_written(folder):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", "."],
        cwd=folder, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.slow
def test_its_tests_pass_from_another_folder_in_either_import_mode(folder):
    """In a project whose pytest imports without sys.path, the test did not find the reward beside it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib",
         "-k", "right or contract or worker", str(folder / "test_unit_price.py")],
        cwd=folder.parent, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_its_tests_fail_when_the_reward_is_broken(folder, tmp_path):
    for name in ("unit_price.py", "test_unit_price.py"):
        text = (folder / name).read_text()
        (tmp_path / name).write_text(text.replace("float(same_answer(reference.answer, answer))", "1.0"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "wrong or attacks", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout


def test_it_is_scored_explained_and_audited_on_the_command_line(folder, tmp_path):
    rows = write(tmp_path / "rows.jsonl", [{"prompt": "?", "completion": "Answer: 7", "answer": "7"}])
    reward = ("--reward", folder / "unit_price.py")
    assert '"mean": 1.0' in here("score", rows, *reward, "--json", check=0).stdout
    assert "label" in here("explain", rows, "--row", 0, *reward, check=0).stdout
    assert '"judged": 1' in here("audit", rows, *reward, "--json", check=0).stdout


def test_files_that_are_there_are_kept(folder):
    before = (folder / "unit_price.py").read_text()
    assert "--force" in here("new-reward", "unit_price", "--out", folder, check=2).stderr
    assert (folder / "unit_price.py").read_text() == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("UnitPrice", "unit_price"),
        ("unit-price", "unit_price"),
        ("7up", "up"),
        ("class", "class_reward"),
        ("teds", "taken"),
    ],
)
def test_a_name_that_cannot_be_is_told_with_one_that_can(tmp_path, name, told):
    done = here("new-reward", name, "--out", tmp_path, check=2)
    assert told in done.stderr
    assert not list(tmp_path.iterdir())
