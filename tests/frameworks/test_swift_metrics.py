"""Numbers for swift's log: means since the last log, growth of counters, both ways of registering."""

from __future__ import annotations

import sys
import types

import pytest

from table_rewards.core.scores import Judgement, Scores
from table_rewards.frameworks import swift_metrics
from table_rewards.frameworks.swift_metrics import Tally, llm_usage


def batch(*values):
    rows = [Judgement.unscored("down", 1) if v is None else Judgement(v, (v,)) for v in values]
    return Scores.of(rows, ("answered",))


def test_means_are_over_everything_since_the_last_drain():
    tally = Tally()
    tally.record("qa_f1", batch(1.0, 0.0, None))
    tally.record("qa_f1", batch(1.0))
    assert tally.drain() == {
        "table_rewards/qa_f1/answered": pytest.approx(2 / 3),
        "table_rewards/qa_f1/unscored": 0.25,
        "table_rewards/qa_f1/unparsed": 0.0,
    }
    assert tally.drain() == {}


def test_an_all_unscored_batch_has_no_mean_and_says_so():
    tally = Tally()
    tally.record("qa_f1", batch(None, None))
    assert tally.drain() == {"table_rewards/qa_f1/unscored": 1.0, "table_rewards/qa_f1/unparsed": 0.0}


def test_counters_are_logged_as_growth_and_latencies_as_they_are():
    tally = Tally()
    tally.drain({"requests": 100, "latency_p50_s": 0.5})
    assert tally.drain({"requests": 130, "latency_p50_s": 0.7}) == {
        "table_rewards/llm/requests": 30,
        "table_rewards/llm/latency_p50_s": 0.7,
    }


class Callback:
    pass


@pytest.fixture
def transformers(monkeypatch):
    module = types.ModuleType("transformers")
    module.TrainerCallback = Callback
    monkeypatch.setitem(sys.modules, "transformers", module)
    for name in ("swift", "swift.plugin", "swift.plugin.callback", "swift.callbacks"):
        monkeypatch.setitem(sys.modules, name, None)
    return monkeypatch


def test_registers_by_name_on_4(transformers):
    callbacks = types.ModuleType("swift.callbacks")
    callbacks.callbacks_map = {}
    transformers.setitem(sys.modules, "swift", types.ModuleType("swift"))
    transformers.setitem(sys.modules, "swift.callbacks", callbacks)
    swift_metrics.install()
    swift_metrics.install()
    made = callbacks.callbacks_map["table_rewards"]("args", "trainer")
    swift_metrics.record("probe", batch(0.5))
    logs = {"reward": 1.0}
    made.on_log(None, None, None, logs=logs)
    assert logs["table_rewards/probe/answered"] == 0.5
    evaluation = {"eval_loss": 1.0}
    made.on_log(None, None, None, logs=evaluation)
    assert evaluation == {"eval_loss": 1.0}


def test_registers_itself_once_on_3(transformers):
    plugin = types.ModuleType("swift.plugin.callback")
    plugin.extra_callbacks = []
    transformers.setitem(sys.modules, "swift", types.ModuleType("swift"))
    transformers.setitem(sys.modules, "swift.plugin", types.ModuleType("swift.plugin"))
    transformers.setitem(sys.modules, "swift.plugin.callback", plugin)
    swift_metrics.install()
    swift_metrics.install()
    assert len(plugin.extra_callbacks) == 1


def test_without_a_reader_there_are_no_reader_numbers():
    assert isinstance(llm_usage(), dict)
