"""`list`, `profile`, `probe`, `demo`: what people look at first."""

from __future__ import annotations

import inspect
import json
import re

import pytest

from command_line import FIXTURES, answers, here, write
from table_rewards import names
from table_rewards.commands import attack_rows
from table_rewards.commands.demo import entries, play
from table_rewards.evaluation.scores.distribution import Distribution
from table_rewards.evaluation.scores.prompt_groups import PromptGroups
from table_rewards.evaluation.scores.statistics import ScoreStatistics
from table_rewards.testing.chat_server import ChatServer


def test_every_reward_is_listed_with_its_parts_and_reference():
    told = {one["name"]: one for one in json.loads(here("list", "--json", check=0).stdout)}
    assert set(told) >= set(names())
    for one in told.values():
        assert one["what"], one["name"]
        assert one["reference"], one["name"]
        assert one["parts"], one["name"]
        assert "profile" in one["options"] or one["name"] in ("group_judge", "step_verifier"), one["name"]


@pytest.mark.parametrize("width", [80, 120])
def test_lists_fit_the_terminal(width):
    for words in (["list"], ["probe"]):
        assert max(map(len, here(*words, columns=width, check=0).stdout.splitlines())) <= width


def test_an_unknown_name_to_list_is_a_mistake():
    assert "(did you mean 'teds'?)" in here("list", "tedds", check=2).stderr


def test_every_reward_is_in_the_demonstration():
    assert {entry.reward for entry in entries()} >= set(names())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.reward}: {entry.title}")
def test_every_entry_of_the_demonstration_scores_its_file(entry):
    outcome = play(entry)
    assert outcome.problem == ""
    assert outcome.statistics.count >= 3
    assert outcome.statistics.values.count >= outcome.statistics.count / 2
    assert outcome.example is not None
    assert outcome.statistics.values.mean == outcome.statistics.values.mean


@pytest.mark.parametrize("width", [80, 120])
def test_the_demonstration_is_one_table_that_fits(width):
    done = here("demo", "teds", "qa_f1", columns=width, check=0)
    assert max(map(len, done.stdout.splitlines())) <= width
    assert "qa_f1*" in done.stdout
    assert "a scripted server on this machine" in done.stdout


def test_a_profile_tells_what_a_trainer_would_get(tmp_path):
    right, wrong = "Final Answer: 7", "Final Answer: 8 " + "and so on " * 20
    rows = [
        {"id": f"p{i}", "answer": "7", "responses": [right, wrong, right] if i % 4 == 0 else [wrong] * 3}
        for i in range(40)
    ]
    file = write(tmp_path / "rollouts.jsonl", rows)
    told = json.loads(here("profile", file, "--reward", "table_bench", "--json", check=0).stdout)
    assert told["prompts"]["zero_variance"] == 30
    assert told["length_correlation"] < -0.9
    assert 0 < told["single_call_ms"]["median"] < 1000
    assert any("75.0 % of the prompts give no gradient" in line for line in told["advice"])
    assert any("shorter completions score higher" in line for line in told["advice"])
    text = here("profile", file, "--reward", "table_bench", check=0).stdout
    assert "for training" in text
    assert "one at a time, as verl calls it" in text


def test_a_profile_reads_no_more_than_its_limit(tmp_path):
    file = write(tmp_path / "rows.jsonl", answers(300))
    told = json.loads(here("profile", file, "--reward", "table_bench", "--limit", 100, "--json", check=0).stdout)
    assert told["rows"] == 100


def test_a_probe_asks_endpoints_and_says_which_are_dead():
    with ChatServer(reply="yes") as server:
        told = json.loads(here("probe", "--json", "--endpoint", server.url, check=0).stdout)
        assert told["endpoints"][0]["answers"] is True
        url = server.url
    told = json.loads(here("probe", "--json", "--endpoint", url, "--timeout-s", 5, check=1).stdout)
    assert told["endpoints"][0]["answers"] is False
    assert set(told["rewards"]) >= set(names())
    assert told["sandbox"]


def test_statistics_agree_with_numpy():
    import numpy as np

    values = np.random.default_rng(3).beta(0.5, 0.5, 20_000)
    some = Distribution()
    for value in values:
        some.add(float(value))
    assert some.mean == pytest.approx(values.mean())
    assert some.deviation == pytest.approx(values.std())
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        assert some.quantile(share) == pytest.approx(np.quantile(values, share), abs=2e-4)
    counts, low, high = some.histogram(10)
    assert counts == pytest.approx(np.histogram(values, 10, (0, 1))[0], abs=15)
    assert (low, high, sum(counts)) == (0.0, 1.0, 20_000)


@pytest.mark.slow
def test_statistics_stay_small_whatever_comes():
    some = ScoreStatistics(("part",), by="kind")
    most = some.groups.most
    for i in range(most + 5_000):
        some.add({"row": i, "score": i * 1.37, "part": i, "status": "scored", "note": f"note {i}", "kind": i})
    assert some.groups.prompts == most
    assert some.groups.beyond == 5_000
    assert len(some.notes) <= 2_000
    assert len(some.buckets) <= 201
    assert len(some.values._values) <= 50_000
    assert some.values.quantile(0.5) == pytest.approx(1.37 * (most + 5_000) / 2, rel=0.01)


def test_a_group_of_one_scored_completion_is_no_group():
    groups = PromptGroups()
    groups.add("a", 1.0)
    groups.add("a", float("nan"))
    assert (groups.prompts, groups.several, groups.dead) == (1, 0, 0)


def test_a_wheel_carries_what_the_demonstration_and_the_attacks_score():
    root = FIXTURES.parent
    listed = set(
        re.findall(r'^"fixtures/(.+?)" = "table_rewards/fixtures/\1"$', (root / "pyproject.toml").read_text(), re.M)
    )
    assert listed >= {entry.file for entry in entries()} | {"demo.toml", "README.md", "grrm/mt_ranking.jsonl"}
    attacked = set(re.findall(r'_file\("(.+?)"', inspect.getsource(attack_rows)))
    assert attacked
    assert listed >= attacked
    assert all((root / "fixtures" / name).is_file() for name in listed)


def test_the_demonstration_says_how_this_command_is_called(tmp_path, monkeypatch):
    """In a clone the command stands in .venv/bin and not on the path: what is printed must run as it stands."""
    from table_rewards.commands import demo

    script = tmp_path / ".venv" / "bin" / "table-rewards"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert demo.called() == ".venv/bin/table-rewards"
    monkeypatch.setenv("PATH", str(script.parent))
    assert demo.called() == "table-rewards"
