"""Counters and a sampled trace: off by default, one option in all frameworks, never a reason for training to stop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil

import pytest

from table_rewards import ConfigurationError
from table_rewards.frameworks import observing, swift, trl, verl
from table_rewards.frameworks.framework_reward import FrameworkReward
from table_rewards.frameworks.observing import Observer
from table_rewards.rewards.table_bench import TableBench

RIGHT, WRONG, NONE = "Final Answer: 7", "Final Answer: 8", "I do not know."


def counters(folder):
    """Everything that the processes counted, as name{labels without pid} -> number."""
    found = {}
    for file in folder.glob("*.prom"):
        for line in file.read_text("utf-8").splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = re.sub(r',pid="\d+",use="\d+"', "", name)
                found[name] = found.get(name, 0.0) + float(value)
    return found


def traced(folder):
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text("utf-8").splitlines()]


def chosen(folder, **options):
    return FrameworkReward(TableBench(), {"observe": str(folder), **options})


def test_a_batch_is_counted_by_status_and_part(tmp_path):
    reward = chosen(tmp_path / "seen", observe_share=1.0)
    reward.many([RIGHT, WRONG, NONE, RIGHT], [{"answer": "7"}] * 3 + [{"answer": None}], 12, ["p"] * 4)
    reward._observer.write()
    found = counters(tmp_path / "seen")
    assert found['table_rewards_samples_total{reward="table_bench",status="scored"}'] == 2
    assert found['table_rewards_samples_total{reward="table_bench",status="unparsed"}'] == 1
    assert found['table_rewards_part_sum{reward="table_bench",part="value"}'] == 1
    assert found['table_rewards_part_count{reward="table_bench",part="value"}'] == 3
    assert found['table_rewards_step{reward="table_bench"}'] == 12
    lines = traced(tmp_path / "seen")
    assert [line["value"] for line in lines] == [1.0, 0.0, 0.0, None]
    assert lines[0]["completion"] == RIGHT
    assert lines[2]["note"] == "no 'Final Answer:' line"


def test_single_calls_from_threads_and_loops_are_counted_too(tmp_path):
    reward = chosen(tmp_path, observe_share=0.0)
    reward.one(RIGHT, {"answer": "7"}, None, "p")
    asyncio.run(reward.one_async(WRONG, {"answer": "7"}, None, "p"))
    reward._observer.write()
    assert counters(tmp_path)['table_rewards_samples_total{reward="table_bench",status="scored"}'] == 2
    assert traced(tmp_path) == []


def test_the_trace_holds_the_share_that_is_asked_for(tmp_path):
    reward = chosen(tmp_path, observe_share=0.25)
    reward.many([RIGHT] * 100, [{"answer": "7"}] * 100, None, ["p"] * 100)
    assert len(traced(tmp_path)) == 25


def test_one_variable_turns_it_on_in_every_framework(tmp_path, monkeypatch):
    monkeypatch.setenv("TABLE_REWARDS_OBSERVE", str(tmp_path))
    monkeypatch.setenv("TABLE_REWARDS_OBSERVE_SHARE", "1")
    verl.table_bench("d", RIGHT, "7", {"index": 1})
    swift.make("table_bench", "TableBench", {})()([RIGHT], answer=["7"])
    trl.reward("table_bench")(prompts=["?"], completions=[RIGHT], answer=["7"])
    assert [line["completion"] for line in traced(tmp_path)] == [RIGHT] * 3
    made = [one for one in observing._ALL if one.folder == tmp_path]
    for one in made:
        one.write()
    assert counters(tmp_path)['table_rewards_samples_total{reward="table_bench",status="scored"}'] == 3


def test_it_is_off_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FrameworkReward(TableBench()).many([RIGHT], [{"answer": "7"}], None, ["p"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_away_ends_the_observation_and_not_the_training(tmp_path, caplog):
    folder = tmp_path / "gone"
    reward = chosen(folder, observe_share=1.0)
    shutil.rmtree(folder)
    for _ in range(3):
        (told,) = reward.many([RIGHT], [{"answer": "7"}], None, ["p"])
        assert told["score"] == 1.0
    assert caplog.text.count("observed no longer") == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"observe": 7}, "folder"),
        ({"observe_share": 0.5}, "goes with"),
        ({"observe": "x", "observe_share": 2}, "share"),
    ],
)
def test_what_cannot_be_is_refused_at_construction(options, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=told):
        FrameworkReward(TableBench(), options)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="observe="):
        Observer("teds", (), tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_worker_counts_its_own_samples_alone(tmp_path):
    reward = chosen(tmp_path, observe_share=0.0)
    reward.many([RIGHT] * 5, [{"answer": "7"}] * 5, None, ["p"] * 5)
    child = os.fork()
    if not child:
        try:
            reward.many([RIGHT], [{"answer": "7"}], None, ["p"])
            reward._observer.write()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    reward._observer.write()
    assert counters(tmp_path)['table_rewards_samples_total{reward="table_bench",status="scored"}'] == 6
