"""Files by address, and beginning within a file: the rows are those of the same files on this disk."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from table_rewards.datasets.files import RowSource, RowWriter, UnusableFile, read_rows
from table_rewards.datasets.files.remote import remote_exists, remote_names, remove, shown, uploaded
from table_rewards.evaluation.scores.parts import Parts

LINES = [
    b'\xef\xbb\xbf{"id": 0}\n',
    b"\n",
    b'{"id": 1}\r\n',
    b"{half\n",
    b"   \n",
    b'{"id": "\xc3\xa9\xe2\x80\xa8"}\n',
    b"[1]\n",
    b'{"id": 5}',
]


def files(folder: Path) -> Path:
    folder.mkdir()
    (folder / "2.jsonl").write_bytes(b"".join(LINES))
    (folder / "10.jsonl").write_bytes(b"".join(b'{"id": %d}\n' % n for n in range(100, 120)))
    (folder / "11.jsonl").write_bytes(b'{"data": [{"id": 200}, {"id": 201}]}\n')
    with gzip.open(folder / "12.jsonl.gz", "wb") as file:
        file.write(b'{"id": 300}\n{"id": 301}\n')
    (folder / "_SUCCESS").write_bytes(b"")
    return folder


def said(rows: object) -> list[object]:
    return [getattr(row, "problem", "") or row for row in rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize("every", [1, 2, 3, 7, 1000])
def test_a_source_with_an_index_gives_the_same_rows_from_anywhere(tmp_path: Path, every: int) -> None:
    """Numbers of broken lines among them, and files whose one line holds many rows."""
    folder = files(tmp_path / "rows")
    whole = said(RowSource(folder).rows(broken="yield"))
    source = RowSource(folder)
    source.index = source.indexed(every)
    assert sum(source.index.rows) == len(whole) == source.count() == 30
    for start in range(len(whole) + 2):
        assert said(source.rows(start=start, broken="yield")) == whole[start:], start
    assert any("line 4 is not JSON" in str(row) for row in said(source.rows(start=2, broken="yield")))


def test_an_address_is_a_file_a_folder_or_a_pattern(tmp_path: Path) -> None:
    folder = files(tmp_path / "rows")
    here = RowSource(folder)
    there = RowSource(folder.as_uri())
    assert said(there.rows(broken="yield")) == said(here.rows(broken="yield"))
    assert there.fingerprint() == here.fingerprint()
    assert there.count() == here.count()
    assert list(read_rows(f"{folder.as_uri()}/10.jsonl")) == list(read_rows(folder / "10.jsonl"))
    assert list(RowSource(f"{folder.as_uri()}/1[01].jsonl").rows()) == list(RowSource(folder / "1[01].jsonl").rows())
    for address, message in (
        (f"{folder.as_uri()}/none.jsonl", "no such file"),
        (f"{folder.as_uri()}/*.csv", "no file matches"),
        ("nothing://bucket/rows", "cannot be read"),
    ):
        with pytest.raises(UnusableFile, match=message):
            RowSource(address)


def test_parquet_at_an_address_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with RowWriter(path) as writer:
        for start in range(0, 5000, 500):
            writer.write([{"id": n, "text": "x" * 50} for n in range(start, start + 500)])
    source = RowSource(path.as_uri())
    source.index = source.indexed(100)
    assert source.columns() == ["id", "text"]
    assert [row["id"] for row in source.rows(["id"], start=4990)] == list(range(4990, 5000))


def test_what_is_secret_in_an_address_is_not_shown() -> None:
    """The record of a run and every message hold the address."""
    assert shown("s3://KEY:secret@bucket/a?endpoint_override=h") == "s3://bucket/a"
    with pytest.raises(UnusableFile) as told:
        RowSource("nothing://KEY:secret@bucket/a?token=hidden")
    assert "secret" not in str(told.value)
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize("address", [False, True])
def test_parts_appear_whole_or_not_at_all(tmp_path: Path, address: bool) -> None:
    parts = Parts((tmp_path / "out").as_uri() if address else str(tmp_path / "out"))
    assert parts.record() is None
    assert parts.there() == set()
    parts.begin({"block": 7})
    with parts.writing(3) as writer:
        writer.write([{"score": 1.5}])
    with pytest.raises(RuntimeError), parts.writing(4) as writer:
        writer.write([{"score": 2.5}])
        raise RuntimeError
    assert parts.there() == {3}
    assert list(parts.rows(3)) == [{"score": 1.5}]
    assert parts.record() == {"block": 7}
    (tmp_path / "out" / "_run.json").write_text("{half")
    with pytest.raises(ValueError, match="damaged"):
        parts.record()
    parts.clear()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_is_put_at_an_address(tmp_path: Path) -> None:
    address = f"{tmp_path.as_uri()}/new/rows.json"
    assert not remote_exists(address)
    with uploaded(address) as local:
        local.write_text(json.dumps([1]))
    assert remote_exists(address)
    assert remote_names(f"{tmp_path.as_uri()}/new") == ["rows.json"]
    remove(address)
    assert not remote_exists(address)
