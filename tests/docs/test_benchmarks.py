"""The page of benchmarks: what it says is what a run wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import page
    finally:
        sys.path.remove(str(BENCHMARKS))
    return page


@pytest.fixture(scope="module")
def kept():
    return json.loads((BENCHMARKS / "figures.json").read_text("utf-8"))


def test_the_page_is_what_the_runs_kept(page, kept):
    """A number that somebody typed would differ."""
    assert page.PAGE.read_text("utf-8") == page.page_text(kept)


def test_every_benchmark_is_on_the_page_with_its_machine_and_date(kept):
    assert set(kept) == {path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py")}
    for run in kept.values():
        assert run["tables"]
        assert "CPython" in run["machine"]
        assert len(run["date"].split("-")) == 3


def test_every_picture_is_there_and_follows_the_readers_theme(page, kept):
    drawn = [path for _, path in page.pictures(kept)]
    assert sorted(drawn) == sorted(page.PICTURES.glob("*.svg"))
    for path in drawn:
        svg = path.read_text("utf-8")
        assert "prefers-color-scheme: dark" in svg
        assert not any(stand_in in svg for stand_in in (page.INK, page.GRID, *page.SERIES))


def test_a_table_is_shown_as_it_was_measured(page):
    told = {"columns": ["a", "b"], "formats": ["{}", "{:.1f}x"], "rows": [["x|y", 2.25], ["z", None]]}
    assert page._table(told) == ["| a | b |", "| --- | ---: |", "| x\\|y | 2.2x |", "| z |  |"]
