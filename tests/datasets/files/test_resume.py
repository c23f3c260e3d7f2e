"""An output that goes on where it was cut, wherever it was cut."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.files.resume import ResumableOutput

LINES = [
    {"row": row, "sample": sample, "score": row / 7 if row % 5 else None, "note": "é\n" * (row % 3)}
    for row in range(12)
    for sample in range(1 + row % 3)
]
WHOLE = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES).encode()


def finish(path, identity):
    """Go on as a scorer does: replay, then every row from `next_row` on."""
    seen = []
    with ResumableOutput(path, identity, floats=["score"]) as output:
        output.replay(seen.append)
        if not output.complete:
            output.append(line for line in LINES if line["row"] >= output.next_row)
            output.finish(2.5)
    return seen


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE)))
def test_cut_at_any_byte_no_row_is_lost_or_repeated(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "scores.jsonl"
    with ResumableOutput(path, {"file": "a"}):
        pass
    path.with_name("scores.jsonl.partial").write_bytes(WHOLE[:cut])
    seen = finish(path, {"file": "a"})
    assert path.read_bytes() == WHOLE
    assert seen == LINES[: len(seen)]
    assert not path.with_name("scores.jsonl.partial").exists()


def test_garbage_behind_a_cut_is_taken_away(tmp_path):
    path = tmp_path / "scores.jsonl"
    with ResumableOutput(path, {}):
        pass
    path.with_name("scores.jsonl.partial").write_bytes(WHOLE[:300] + b"\x00\x00\x00\n\xff{]\n" + WHOLE[300:])
    finish(path, {})
    assert path.read_bytes() == WHOLE


def test_parquet_has_nan_where_a_score_is_missing(tmp_path):
    path = tmp_path / "scores.parquet"
    finish(path, {"file": "a"})
    rows = list(read_rows(path))
    assert [row["row"] for row in rows] == [line["row"] for line in LINES]
    assert rows[0]["score"] != rows[0]["score"]


def test_a_complete_output_is_not_touched_again(tmp_path):
    path = tmp_path / "scores.jsonl"
    finish(path, {"file": "a"})
    before = os.stat(path).st_mtime_ns
    assert finish(path, {"file": "a"}) == LINES
    assert os.stat(path).st_mtime_ns == before


def test_going_on_with_other_settings_is_refused_and_says_what_differs(tmp_path):
    path = tmp_path / "scores.jsonl"
    finish(path, {"file": "a", "signature": "teds|v1"})
    with pytest.raises(ConfigurationError, match=r"another signature \(teds\|v1, now teds\|v2\).*--overwrite"):
        ResumableOutput(path, {"file": "a", "signature": "teds|v2"})
    with ResumableOutput(path, {"file": "a", "signature": "teds|v2"}, overwrite=True) as output:
        assert output.next_row == 0


def test_a_file_that_something_else_made_is_refused(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="nothing says how it was made"):
        ResumableOutput(path, {})
    assert path.read_text() == "precious"


def test_two_writers_are_refused(tmp_path):
    path = tmp_path / "scores.jsonl"
    with (
        ResumableOutput(path, {}),
        pytest.raises(ConfigurationError, match="another process is writing"),
        ResumableOutput(path, {}),
    ):
        pass


@pytest.mark.parametrize("name", ["scores.csv", "scores.json", "scores"])
def test_an_ending_that_cannot_grow_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"\.parquet or \.jsonl"):
        ResumableOutput(tmp_path / name, {})


def test_ids_of_several_types_do_not_spoil_the_end_of_a_long_run(tmp_path):
    path = tmp_path / "scores.parquet"
    ids = [1, "a", True, 2**70, None, 0.5] * 1000
    with ResumableOutput(path, {}, floats=["score"]) as output:
        output.append({"row": i, "id": name, "step": i, "score": 0.5} for i, name in enumerate(ids))
        output.finish()
    rows = list(read_rows(path))
    assert [row["id"] for row in rows[:6]] == ["1", "a", "true", str(2**70), None, "0.5"]
    assert [row["step"] for row in rows] == list(range(6000))
