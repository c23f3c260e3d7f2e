"""The log of a long run: nothing is made twice, nothing that a kill cut off is taken for whole."""

from __future__ import annotations

import json

import pytest

from table_rewards import ConfigurationError
from table_rewards.datasets.files.batch_log import BatchLog


def stopped(path, batches, identity=None):
    """A run that ends after some batches."""
    with BatchLog(path, identity or {"seed": 0}) as log:
        return [log.done(batch, lambda batch=batch: [batch, "made"]) for batch in batches]


def test_a_second_run_makes_the_rest_alone(tmp_path):
    out = tmp_path / "rows.json"
    first = stopped(out, [1, 2])
    made = []
    with BatchLog(out, {"seed": 0}) as log:
        found = [log.done(batch, lambda batch=batch: made.append(batch) or [batch, "made"]) for batch in (1, 2, 3)]
        assert log.reused == 2
        log.finish()
    assert (found[:2], made) == (first, [3])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_a_kill_cut_off_is_made_again(tmp_path, cut):
    out = tmp_path / "rows.json"
    stopped(out, [1, 2])
    path = tmp_path / "rows.json.progress.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    made = []
    with BatchLog(out, {"seed": 0}) as log:
        for batch in (1, 2, 3):
            log.done(batch, lambda batch=batch: made.append(batch) or [batch, "made"])
    assert made in ([2, 3], [1, 2, 3])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["made"] for line in lines[1:]] == [[1, "made"], [2, "made"], [3, "made"]]


def test_another_identity_or_other_rows_are_refused_unless_overwritten(tmp_path):
    out = tmp_path / "rows.json"
    stopped(out, [1, 2])
    with pytest.raises(ConfigurationError, match="--overwrite"), BatchLog(out, {"seed": 1}):
        pass
    with BatchLog(out, {"seed": 0}) as log, pytest.raises(ConfigurationError, match="other rows"):
        log.done(7, lambda: 0)
    with BatchLog(out, {"seed": 1}, overwrite=True) as log:
        assert log.done(7, lambda: 0) == 0
        assert log.reused == 0


def test_two_processes_do_not_write_one_log(tmp_path):
    with BatchLog(tmp_path / "rows.json", {}), pytest.raises(ConfigurationError, match="another process"):
        BatchLog(tmp_path / "rows.json", {}).__enter__()
