"""Rows in files: every format alike, bounded, complete or not there at all."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import (
    BrokenRow,
    RowWriter,
    UnusableFile,
    columns_of,
    count_rows,
    format_of,
    json_rows,
    read_batches,
    read_rows,
    require_columns,
    schema_of,
)

ROWS = [
    {"id": i, "answer": str(i % 7), "nested": {"ground_truth": {"answer": "表"}, "rows": [i, i + 1]}, "note": None}
    for i in range(5000)
]
NAMES = ["rows.parquet", "rows.jsonl", "rows.jsonl.gz", "rows.json"]


@pytest.fixture(params=NAMES)
def written(request, tmp_path):
    path = tmp_path / request.param
    with RowWriter(path) as writer:
        writer.write(ROWS[:1500])
        writer.write(ROWS[1500:])
    return path


def test_what_is_written_is_read(written):
    assert list(read_rows(written)) == ROWS
    assert count_rows(written) == 5000
    assert columns_of(written) == ["id", "answer", "nested", "note"]


@pytest.mark.parametrize("start", [0, 2047, 2048, 5000])
def test_reading_may_start_anywhere(written, start):
    assert list(read_rows(written, start=start)) == ROWS[start:]


def test_only_the_columns_asked_for_are_read(written):
    assert next(iter(read_rows(written, columns=["answer", "id"]))) == {"answer": "0", "id": 0}


def test_the_content_says_what_a_file_is_not_its_ending(written, tmp_path):
    disguised = tmp_path / "rows.txt"
    written.rename(disguised)
    assert list(read_rows(disguised)) == ROWS


def test_an_exception_leaves_nothing_behind_and_an_earlier_file_untouched(tmp_path):
    for name in NAMES:
        path = tmp_path / name
        path.write_text("earlier")
        with pytest.raises(RuntimeError), RowWriter(path) as writer:
            writer.write(ROWS)
            raise RuntimeError
        assert path.read_text() == "earlier"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(NAMES)


def test_parquet_types_widen_as_rows_come(tmp_path):
    path = tmp_path / "rows.parquet"
    with RowWriter(path) as writer:
        writer.write({"id": i, "extra": {}, "seen": None} for i in range(3000))
        writer.write({"id": i + 0.5, "extra": {"k": ["v"]}, "seen": "x", "new": True} for i in range(3000))
    rows = list(read_rows(path))
    assert len(rows) == 6000
    assert rows[0] == {"id": 0.0, "extra": None, "seen": None, "new": None}
    assert rows[-1] == {"id": 2999.5, "extra": {"k": ["v"]}, "seen": "x", "new": True}


def test_types_with_nothing_in_common_are_refused_by_the_columns_name(tmp_path):
    path = tmp_path / "rows.parquet"
    with pytest.raises(ConfigurationError, match=r"one type.*answer"), RowWriter(path) as writer:
        writer.write([{"answer": "x"}] * 3000)
        writer.write([{"answer": [1, 2]}] * 3000)
    assert list(tmp_path.iterdir()) == []


def test_numpy_values_and_lone_surrogates_can_be_written(tmp_path):
    for name in NAMES:
        with RowWriter(tmp_path / name) as writer:
            writer.write([{"a": np.array([1, 2]), "b": np.float64(0.5), "c": "x\ud800y"}])
        assert list(read_rows(tmp_path / name)) == [{"a": [1, 2], "b": 0.5, "c": "x?y"}]


def test_no_rows_make_a_file_without_rows(tmp_path):
    for name in ("rows.parquet", "rows.json"):
        with RowWriter(tmp_path / name):
            pass
        assert count_rows(tmp_path / name) == 0


@pytest.mark.parametrize("name", ["rows.csv", "rows", "rows.parquet.gz"])
def test_an_ending_that_says_nothing_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"\.parquet, \.jsonl"):
        RowWriter(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"a,b\n1,2\n", "neither parquet nor JSON"),
        (b"\x00\xff\xfe binary", "neither parquet nor JSON"),
        (b"PAR1 and then nothing of the kind", "cannot be read"),
        (b"\x1f\x8b not gzip", "cannot be read"),
        (b'{"a": 1}\n{"a": ', "line 2 is not JSON.*was its writer stopped"),
        (b'{"a": 1}\n[1]\n', "line 2 is a JSON list, where an object is wanted"),
        (b'[{"a": 1}, 7]', "item 1 of the array is not a JSON object"),
        (b'[{"a": 1}, {"a"', "item 1 of the array is not JSON"),
        (b'{"a": ' + b"[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(tmp_path, content, problem):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableFile, match=problem) as error:
        list(read_rows(path))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path, problem in ((tmp_path / "none.parquet", "no such file"), (tmp_path, "this folder holds no file of rows")):
        with pytest.raises(UnusableFile, match=problem):
            list(read_rows(path))


def test_a_missing_column_names_the_nearest_and_all_there_are(written):
    with pytest.raises(
        UnusableFile, match=r"no column 'anwser' \(did you mean 'answer'\?\); columns: id, answer, nested, note"
    ):
        require_columns(written, ["id", "anwser"])


def test_broken_lines_can_be_read_past(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n{oops\n\n{"a": 3}\n')
    rows = list(read_rows(path, broken="yield"))
    assert [dict(row) for row in rows] == [{"a": 1}, {}, {"a": 3}]
    assert isinstance(rows[1], BrokenRow)
    assert "line 2" in rows[1].problem


def test_a_byte_order_mark_is_no_data(tmp_path):
    for name, text in (("a.jsonl", '{"a": 1}\n'), ("a.json", '[{"a": 1}]')):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert list(read_rows(tmp_path / name)) == [{"a": 1}]


def test_an_array_larger_than_a_chunk_is_streamed(tmp_path, monkeypatch):
    monkeypatch.setattr(json_rows, "CHUNK", 64)
    path = tmp_path / "rows.json"
    rows = [{"text": "x" * (i * 7 % 300), "i": i} for i in range(300)]
    path.write_text(json.dumps(rows, indent=1))
    assert list(read_rows(path)) == rows


def test_schemas_are_told_in_words(tmp_path):
    with RowWriter(tmp_path / "a.jsonl") as writer:
        writer.write([{"a": 1, "b": "x"}, {"a": "1", "b": None}])
    assert schema_of(tmp_path / "a.jsonl") == {"a": "number or text", "b": "text or null"}


def test_gzip_is_seen_by_its_bytes(tmp_path):
    (tmp_path / "rows").write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert format_of(tmp_path / "rows") == "jsonl"


def test_batches_lose_nothing():
    assert [row["id"] for batch in read_batches(ROWS, 999) for row in batch] == [row["id"] for row in ROWS]
