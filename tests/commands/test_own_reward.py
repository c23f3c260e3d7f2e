"""A reward of one's own on the command line: found where it stands, and told clearly what it returns wrongly."""

from __future__ import annotations

import json

import pytest

from command_line import command, here, write
from table_rewards.commands.own_reward import own_reward
from table_rewards.core.errors import ConfigurationError

SOURCE = '''
from dataclasses import dataclass
from table_rewards.core.reward import Reward
from table_rewards.core.scores import Judgement

@dataclass(frozen=True)
class Gold:
    """The gold answer."""
    answer: str

class Exact(Reward):
    """Whether a completion ends in the answer."""
    name = "exact"
    reference_type = Gold
    def __init__(self, *, bonus=0.0, **options):
        super().__init__(**options)
        self.bonus = bonus
    def reference(self, row): return Gold(str(row["answer"]))
    def natural(self, value): return Gold(str(value))
    def judge(self, completion, reference, step):
        return Judgement(float(completion.endswith(reference.answer)) + self.bonus)

class ADict(Exact):
    def judge(self, *_): return {"exact": 1.0}
class AFloat(Exact):
    def judge(self, *_): return 1.0
class TooFew(Exact):
    def judge_all(self, *_): return [Judgement(1.0)]
class NoParts(Exact):
    parts = ("a", "b")
    def judge(self, *_): return Judgement(1.0, (1.0,))
class Unfinished(Reward):
    name = "unfinished"
class Leaves(Exact):
    def judge(self, *_): raise SystemExit(0)
class NotANumber(Exact):
    def judge(self, *_): return Judgement(float("nan"))

made = Exact(bonus=1.0)
def function(completions, **_): return [1.0] * len(completions)
'''


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "my_rewards.py").write_text(SOURCE)
    log = [{"prompt": "?", "completion": text, "answer": "7"} for text in ("it is 7", "it is 8")]
    return write(tmp_path / "rows.jsonl", log)


@pytest.mark.parametrize("way", ["{}/my_rewards.py:Exact", "my_rewards:Exact", "{}/my_rewards.py:made"])
def test_it_is_found_where_it_stands(tmp_path, rows, way, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = json.loads(here("score", rows, "--reward", way.format(tmp_path), "--json", check=0).stdout)
    assert told["mean"] == (1.5 if "made" in way else 0.5)


def test_its_options_are_checked(tmp_path, rows):
    place = f"{tmp_path}/my_rewards.py:Exact"
    assert json.loads(here("score", rows, "--reward", place, "--option", "bonus=2", "--json").stdout)["mean"] == 2.5
    assert "did you mean 'bonus'" in here("score", rows, "--reward", place, "--option", "bonsu=2", check=2).stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ADict", "ADict returned a dict of parts ({'exact': 1.0}) for a sample; return Judgement(value, parts)"),
        ("AFloat", "AFloat returned a float (1.0) for a sample"),
        ("TooFew", "gave 1 judgements for 2 pairs"),
        ("NoParts", "returned the parts (1.0,); its `parts` promise 2 numbers in a tuple: a, b"),
        ("Leaves", "was ended from within, by exit(0)"),
        ("Unfinished", "is not finished: it lacks judge, natural, reference, reference_type"),
        ("function", "is a function; a reward is a subclass of Reward"),
        ("Gold", "no subclass of table_rewards.core.reward.Reward"),
        ("Exakt", "has no 'Exakt' (did you mean 'Exact'?)"),
        ("", "name one"),
    ],
)
def test_what_is_wrong_with_it_is_one_clear_line(tmp_path, rows, name, told):
    place = f"{tmp_path}/my_rewards.py" + (f":{name}" if name else "")
    done = here("score", rows, "--reward", place, check=2)
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_value_that_is_no_number_is_unscored_and_loud(tmp_path, rows):
    done = here("score", rows, "--reward", f"{tmp_path}/my_rewards.py:NotANumber", "--json", check=1)
    assert json.loads(done.stdout)["status"]["unscored"] == 2
    assert "judged as nan" in done.stderr


def test_a_place_that_is_not_there_is_named(tmp_path):
    for place, told in (
        (f"{tmp_path}/none.py:X", "no file"),
        ("no_such_module:X", "no module 'no_such_module'"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            own_reward(place)
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind")
    with pytest.raises(ConfigurationError, match="cannot be imported: ModuleNotFoundError"):
        own_reward(f"{tmp_path}/broken.py")


def test_the_contract_says_that_a_class_of_a_notebook_cannot_be_found_and_ends(tmp_path):
    """It hung: a child that could not import the class never read the rest of what was written to it."""
    import subprocess
    import sys

    code = (
        SOURCE
        + "\nfrom table_rewards.testing.contract import Samples, works_in_a_spawned_daemon\n"
        + "try: works_in_a_spawned_daemon(Samples(Exact(), ['7', '8'], ['7', '7']))\n"
        + "except AssertionError as error: print('told:', error)\n"
    )
    for words in ([sys.executable, "-"], [sys.executable, "-c", code]):
        done = subprocess.run(words, input=code, capture_output=True, text=True, timeout=60)
        assert "told: " in done.stdout, done.stderr


def test_the_command_line_is_a_module_too(tmp_path):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "table_rewards", "list", "teds"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "teds  TEDS" in done.stdout


@pytest.mark.skipif(not __import__("os").path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["list"], ["score", "{}", "--reward", "table_bench"]])
def test_a_full_disk_is_one_line_and_a_status(rows, words):
    import subprocess
    import sys

    line = [sys.executable, "-m", "table_rewards", *(word.format(rows) for word in words)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr == "table-rewards: cannot write: No space left on device\n"


@pytest.mark.skipif(not __import__("os").path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words",
    [
        ["profile", "{}", "--reward", "table_bench", "--calls", "1", "--html"],
        ["explain", "{}", "--reward", "table_bench", "--row", "0", "--html"],
        ["report", "{}", "--score-column", "number", "--html"],
        ["report", "{}", "--score-column", "number", "--png"],
    ],
)
@pytest.mark.parametrize("place", ["/dev/full", "/proc/none/x"])
def test_a_page_that_cannot_be_written_is_one_line_and_a_status(tmp_path, words, place):
    rows = write(tmp_path / "r.jsonl", [{"prompt": "q", "completion": "a", "answer": "a", "number": 1}] * 2)
    done = here(*(word.format(rows) for word in words), place, check=3)
    assert "cannot be written: " in done.stderr
    assert "wrote" not in done.stderr


def test_a_folder_that_is_not_there_is_one_line_and_a_status(tmp_path):
    table = tmp_path / "t.html"
    table.write_text("<table><tr><td>1</td></tr></table>")
    done = here("convert", table, "--to", "markdown", "--out", tmp_path / "none" / "t.md", check=3)
    assert done.stderr.endswith("t.md: No such file or directory\n")


def test_a_closed_output_is_no_error(rows):
    import subprocess
    import sys

    line = f"{sys.executable} -m table_rewards score {rows} --reward table_bench"
    for closed in (">&-", "2>&-"):
        done = subprocess.run(f"{line} {closed}", shell=True, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_option_gets_a_suggestion(rows):
    done = command("score", rows, "--reward", "table_bench", "--qiet", check=2)
    assert done.stderr == "table-rewards score: unknown option --qiet (did you mean '--quiet'?)\n"
    done = command("score", rows, "--rewrd", "table_bench", check=2)
    assert "there is no --rewrd (did you mean '--reward'?)" in done.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (SOURCE.replace('    name = "exact"\n', "").partition("class ADict")[0], "is not finished: it lacks name"),
        (SOURCE.partition("class Exact")[0] + "class Mine(Reward):\n    pass\n", "it lacks judge, natural, reference"),
        ("def reward(completion, answer): return 1.0\n", "defines no reward, which is a subclass of Reward"),
    ],
)
def test_a_file_of_no_finished_reward_says_what_is_missing(tmp_path, rows, source, told):
    (tmp_path / "mine.py").write_text(source)
    done = here("score", rows, "--reward", f"{tmp_path}/mine.py", check=2)
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_a_reward_raises_is_told_with_its_kind(tmp_path, rows):
    (tmp_path / "mine.py").write_text(
        SOURCE.partition("class ADict")[0].replace("return Judgement(float", "raise KeyError('x') #")
    )
    done = here("score", rows, "--reward", f"{tmp_path}/mine.py", check=1)
    assert "will be unscored: KeyError: 'x'" in done.stderr
